//! Variables of one resource, or of a job that another job takes in.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::sequence::{Environment, Origin, Rule};
use super::{git_repo, pointer};
use crate::error::Error;
use crate::job::contents::read_integration;
use crate::job::directory::{Operation, ResourceFolder};
use crate::job::document::{Document, is_falsy};
use crate::job::integration::{Integration, scalar_text};
use crate::job::resource::path_bytes;
use crate::job::{names, params};

/// A resource folder: read, or about to be written.
#[derive(Debug)]
pub struct Dependency<'a> {
    folder: &'a ResourceFolder,
    document: Option<Document>,
    integration: Option<Integration>,
    /// Where the deploy key of a repository is, when it has one.
    deploy_key: Option<PathBuf>,
    compat: bool,
}

impl<'a> Dependency<'a> {
    /// From the files of the folder.
    pub(super) fn read(folder: &'a ResourceFolder, secrets: &Path, compat: bool) -> Result<Self, Error> {
        let document = Document::read(&folder.meta.join("version.json"))?;
        let integration = read_integration(&folder.meta)?;
        let deploy_key = Some(deploy_key(secrets, folder.name.as_bytes())).filter(|key| key.is_file());
        Ok(Self { folder, document, integration, deploy_key, compat })
    }

    /// From what is going to be in its files.
    pub fn of(
        folder: &'a ResourceFolder,
        document: Document,
        integration: Option<Integration>,
        deploy_key: Option<PathBuf>,
        compat: bool,
    ) -> Self {
        Self { folder, document: Some(document), integration, deploy_key, compat }
    }

    fn prefix(&self) -> String {
        names::prefix(self.folder.name.as_bytes())
    }

    fn origin(&self, rule: Rule) -> Origin {
        Origin::new(rule, format!("{}/{}", self.folder.operation.as_str(), self.folder.name.display()))
    }

    /// The params of an input; an output sets no such variables.
    fn params(&self) -> Result<Option<&Map<String, Value>>, Error> {
        let Some(root) = self.document.as_ref().map(Document::root) else { return Ok(None) };
        if self.folder.operation != Operation::In || root.text("type")? != Some("params") {
            return Ok(None);
        }
        let Some(version) = root.object("version")? else { return Ok(None) };
        let Some(bag) = version.object("propertyBag")? else { return Ok(None) };
        Ok(bag.object("params")?.and_then(|params| params.members()))
    }

    /// Params under their own names, which come before everything else so that nothing of the job is overridden.
    pub fn raw_params(&self, env: &mut Environment) -> Result<(), Error> {
        let (plain, secure) = (self.origin(Rule::RawParam), self.origin(Rule::RawSecure));
        let Some(params) = self.params()? else { return Ok(()) };
        for (key, value) in params::variables_as(params, self.compat) {
            let origin = if params.contains_key(&key) { &plain } else { &secure };
            env.set_raw(&key, value, origin);
        }
        Ok(())
    }

    /// Everything else, in the order of the platform.
    pub fn variables(&self, env: &mut Environment) -> Result<(), Error> {
        let prefix = self.prefix();
        let origin = self.origin(Rule::Resource);
        self.facts(env, &prefix, &origin)?;
        if let Some(root) = self.document.as_ref().map(Document::root) {
            let kind = root.text("type")?.unwrap_or_default();
            let yml = root.object("propertyBag")?.map(|bag| bag.object("yml")).transpose()?.flatten();
            if let Some(yml) = &yml {
                pointer::variables(env, &prefix, kind, yml, &origin)?;
            }
            self.params_by_prefix(env, &prefix, &origin)?;
            if kind == "gitRepo" {
                git_repo::variables(env, &prefix, &root, &origin.by(Rule::Commit))?;
                if let Some(key) = &self.deploy_key {
                    env.set(format!("{prefix}_KEYPATH"), path_bytes(key.clone()), &self.origin(Rule::KeyFile));
                }
            }
            if let Some(name) = yml.map(|yml| yml.text("integration")).transpose()?.flatten() {
                env.set(format!("{prefix}_INTEGRATION_NAME"), name, &origin);
            }
        }
        if let Some(integration) = &self.integration {
            let name = self.folder.name.as_bytes();
            integration_variables(env, integration, name, &self.folder.meta, self.folder.operation.as_str());
        }
        Ok(())
    }

    /// The variables of a runCI job, if this is the repository that it is about; false if it is not.
    pub(super) fn of_ci(&self, env: &mut Environment) -> Result<bool, Error> {
        let Some(root) = self.document.as_ref().map(Document::root) else { return Ok(false) };
        let is_repository = matches!(root.text("type")?, Some("gitRepo" | "ciRepo"));
        if self.folder.operation != Operation::In || !is_repository {
            return Ok(false);
        }
        git_repo::of_ci(env, &root, &self.origin(Rule::Commit))
    }

    fn params_by_prefix(&self, env: &mut Environment, prefix: &str, origin: &Origin) -> Result<(), Error> {
        let (plain, secure) = (origin.by(Rule::Param), origin.by(Rule::Secure));
        let Some(params) = self.params()? else { return Ok(()) };
        for (key, value) in params::variables_as(params, self.compat) {
            let origin = if params.contains_key(&key) { &plain } else { &secure };
            env.set_key(&format!("{prefix}_PARAMS_"), &key, value, origin);
        }
        Ok(())
    }

    fn facts(&self, env: &mut Environment, prefix: &str, origin: &Origin) -> Result<(), Error> {
        let mut set = |suffix: &str, value: Vec<u8>| env.set(format!("{prefix}_{suffix}"), value, origin);
        let meta = path_bytes(self.folder.meta.clone());
        set("PATH", meta.clone());
        set("META", meta);
        let Some(root) = self.document.as_ref().map(Document::root) else {
            set("NAME", self.folder.name.as_bytes().to_vec());
            set("OPERATION", self.folder.operation.as_str().into());
            env.warn(format_args!(
                "{} has no version.json: only its path and name are known",
                self.folder.meta.display()
            ));
            return Ok(());
        };
        let kind = root.text("type")?;
        if let Some(kind) = kind {
            set("STATE", path_bytes(self.folder.meta.join(OsStr::new(kind))));
        }
        set("NAME", self.folder.name.as_bytes().to_vec());
        if let Some(kind) = kind {
            set("TYPE", kind.into());
        }
        set("OPERATION", root.text("operation")?.unwrap_or(self.folder.operation.as_str()).into());
        set("ID", root.scalar("resourceId")?.unwrap_or_default().into_bytes());
        if let Some(version) = root.object("version")? {
            for (suffix, key) in
                [("VERSIONNAME", "versionName"), ("VERSIONNUMBER", "versionNumber"), ("VERSIONID", "versionId")]
            {
                set(suffix, version.scalar(key)?.unwrap_or_default().into_bytes());
            }
            if let Some(bag) = version.object("propertyBag")? {
                if let Some(name) = bag.member("sourceName").filter(|node| !is_falsy(node.value)) {
                    set("SOURCENAME", scalar_text(name.value).into_bytes());
                }
                // Documented by the platform, though its code never set it.
                if kind == Some("replicas") && bag.member("count").is_some() {
                    set("VERSION_COUNT", bag.scalar("count")?.unwrap_or_default().into_bytes());
                }
            }
        }
        if kind.is_none() {
            env.warn(format_args!(
                "{} has no type: {prefix}_TYPE and {prefix}_STATE are left out",
                self.folder.meta.join("version.json").display()
            ));
        }
        Ok(())
    }
}

/// Where the deploy key of a repository belongs.
pub fn deploy_key(secrets: &Path, name: &[u8]) -> PathBuf {
    secrets.join(key_file(name, "_key.pem"))
}

/// Variables of an integration in a folder: its fields, those that the user named under their own names, and where
/// its key files are.
pub fn integration_variables(
    env: &mut Environment,
    integration: &Integration,
    name: &[u8],
    folder: &Path,
    below: &str,
) {
    let prefix = names::prefix(name);
    let origin = Origin::new(Rule::Field, format!("{below}/{}", String::from_utf8_lossy(name)));
    let raw = origin.by(Rule::RawField);
    for (field, value) in integration.raw_fields() {
        env.set_raw(field, scalar_text(value), &raw);
    }
    for variable in integration.variables() {
        env.set_key(&format!("{prefix}_INTEGRATION_"), &variable.key, variable.value, &origin);
    }
    for (suffix, ending) in key_variables(integration.master_name()) {
        let path = folder.join(key_file(name, ending));
        env.set(format!("{prefix}_{suffix}"), path_bytes(path), &origin.by(Rule::KeyFile));
    }
}

/// The fields that a type has a key file for, and what follows the name in the file's.
pub fn key_fields(master_name: Option<&str>) -> &'static [(&'static str, &'static str)] {
    match master_name {
        Some("pemKey" | "pem-key") => &[("key", "_key.pem")],
        Some("sshKey" | "ssh-key") => &[("privateKey", "_key"), ("publicKey", "_key.pub")],
        _ => &[],
    }
}

/// What follows `<N>_` in the variables that name the key files of a type, and what follows the name in the files'.
fn key_variables(master_name: Option<&str>) -> &'static [(&'static str, &'static str)] {
    match key_fields(master_name) {
        [_] => &[("KEYPATH", "_key.pem")],
        [_, _] => &[("PRIVATE_KEY_PATH", "_key"), ("PUBLIC_KEY_PATH", "_key.pub"), ("KEYPATH", "_key")],
        _ => &[],
    }
}

fn key_file(name: &[u8], ending: &str) -> PathBuf {
    let mut file = OsString::from(OsStr::from_bytes(name));
    file.push(ending);
    file.into()
}
