//! What the tools share: the folder, files in it, programs, and what is written once at the end.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use serde_json::Value;

use super::{Aws, CliConfig, Configured, Place};
use crate::aws::ecr::Login;
use crate::credentials::docker;
use crate::credentials::shared_files::{Profile, SharedFiles, make_folder, replace_private};
use crate::credentials::variables;
use crate::ctx::Env;
use crate::error::{Error, Kind};
use crate::support::process;
use crate::support::secret::Secret;

/// Regions of the inherited environment win over a profile's.
const REGIONS: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// Tools on their way to being configured.
pub(super) struct Setup<'a> {
    place: Place<'a>,
    env: &'a Env,
    pub(super) aws: &'a dyn Aws,
    pub(super) out: Configured,
    /// Profiles of AWS; the first becomes the default as well.
    pub(super) profiles: Vec<Profile>,
    /// Logins of Docker.
    pub(super) logins: Vec<Login>,
    /// Servers of the JFrog CLI.
    pub(super) servers: Vec<Value>,
    /// Names of gcloud's configurations; the first is the default as well.
    pub(super) google: Vec<String>,
    kube: Vec<PathBuf>,
}

impl<'a> Setup<'a> {
    pub(super) fn new(place: Place<'a>, env: &'a Env, aws: &'a dyn Aws) -> Self {
        let (out, profiles, logins, servers, google, kube) = Default::default();
        Self { place, env, aws, out, profiles, logins, servers, google, kube }
    }

    pub(super) fn note(&mut self, entry: &CliConfig, text: impl std::fmt::Display) {
        self.out.notes.push(format!("{}: {text}", entry.resource));
    }

    /// A path in the folder.
    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.place.folder.join(below)
    }

    /// What a path is called once the job directory is in its place.
    pub(super) fn later(&self, path: &Path) -> PathBuf {
        self.place.later(path)
    }

    /// Sets a variable to a path, as that is called in the end.
    pub(super) fn set_path(&mut self, name: impl Into<String>, path: &Path) {
        let later = self.later(path).into_os_string().into_encoded_bytes();
        self.out.set(name, later);
    }

    /// Writes a file that only the user can read, with the folder it is in.
    pub(super) fn write(&self, path: &Path, content: &[u8]) -> Result<(), Error> {
        make_folder(path)?;
        replace_private(path, content).map_err(|error| Error::io("write", &self.later(path), &error))
    }

    /// A folder that a tool keeps its own files in.
    pub(super) fn tool_folder(&self, below: &str) -> Result<PathBuf, Error> {
        let folder = self.path(below);
        make_folder(&folder.join("file"))?;
        Ok(folder)
    }

    /// A file for one more Kubernetes configuration. `kubectl` reads them all, and begins in the first one's context.
    pub(super) fn next_kube_config(&mut self) -> Result<PathBuf, Error> {
        let number = self.kube.len() + 1;
        let name = if number == 1 { "config".to_owned() } else { format!("config-{number}") };
        let file = self.tool_folder("kube")?.join(name);
        self.kube.push(file.clone());
        Ok(file)
    }

    /// Runs a tool. `None` when it is not on the path. No secret may be among the arguments.
    pub(super) fn run(
        &self,
        program: &str,
        arguments: &[&str],
        variables: &[(&str, &Path)],
    ) -> Result<Option<ExitStatus>, Error> {
        let mut command = Command::new(program);
        if let Env::Fixed(all) = self.env {
            command.env_clear().envs(all);
        }
        command.args(arguments).envs(variables.iter().copied()).stdin(Stdio::null()).stdout(Stdio::null());
        match command.status() {
            Ok(status) => Ok(Some(status)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => {
                Err(Error::failed(process::explain(program.as_ref(), self.env.get("PATH").as_deref(), &error).message))
            }
        }
    }

    /// Writes what several inputs share.
    pub(super) fn finish(mut self) -> Result<Configured, Error> {
        self.finish_aws()?;
        if !self.logins.is_empty() {
            let env = self.env;
            super::docker::finish(&mut self, env)?;
            for login in &self.logins {
                self.out.secrets.push(Secret::from(login.token.expose()));
                self.out.secrets.push(Secret::from(docker::split_token(login)?.1));
            }
        }
        if !self.kube.is_empty() {
            let files: Vec<PathBuf> = self.kube.iter().map(|file| self.later(file)).collect();
            let joined = std::env::join_paths(files).map_err(|error| {
                Error::new(
                    Kind::Configuration,
                    format_args!("{} cannot be in KUBECONFIG: {error}", self.later(self.place.folder).display()),
                )
            })?;
            self.out.set("KUBECONFIG", joined.into_encoded_bytes());
        }
        if !self.servers.is_empty() {
            super::jfrog::write(&mut self)?;
        }
        Ok(self.out)
    }

    fn finish_aws(&mut self) -> Result<(), Error> {
        let Some(first) = self.profiles.first().cloned() else { return Ok(()) };
        if self.profiles.iter().all(|profile| profile.name != "default") {
            self.profiles.push(Profile { name: "default".to_owned(), ..first });
        }
        let files = SharedFiles { credentials: self.path("aws/credentials"), config: self.path("aws/config") };
        files.write(&self.profiles)?;
        self.set_path("AWS_CONFIG_FILE", &files.config);
        self.set_path("AWS_SHARED_CREDENTIALS_FILE", &files.credentials);
        self.out.removed = variables::cleared_by_failure().into_iter().chain(REGIONS).collect();
        Ok(())
    }
}
