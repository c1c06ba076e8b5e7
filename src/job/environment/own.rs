//! Variables of the job itself.

use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::sequence::{Environment, Origin, Rule};
use crate::error::Error;
use crate::job::directory::JobDirectory;
use crate::job::message::Message;
use crate::job::names;
use crate::job::resource::path_bytes;

/// Variable, and the key that `message.json` or its `propertyBag` has it under: what only the platform or the CI
/// knows. What the message lacks is taken over from the process environment, and else left out.
const FACTS: [(&str, &str); 6] = [
    ("RESOURCE_ID", "resourceId"),
    ("BUILD_ID", "buildId"),
    ("BUILD_NUMBER", "buildNumber"),
    ("BUILD_JOB_ID", "buildJobId"),
    ("BUILD_JOB_NUMBER", ""),
    ("SUBSCRIPTION_ID", "subscriptionId"),
];
const TRIGGERS: [(&str, &str); 3] = [
    ("JOB_TRIGGERED_BY_NAME", "triggeredByName"),
    ("JOB_TRIGGERED_BY_ID", "triggeredById"),
    ("JOB_TRIGGERED_BY_USER", "triggeredByUser"),
];
const INSTALLATION: [(&str, &str); 2] = [("SHIPPABLE_AMI_VERSION", "amiVersion"), ("SHIPPABLE_WWW_URL", "wwwUrl")];

/// The job as its variables tell it.
#[derive(Debug)]
pub struct Own<'a> {
    job: &'a JobDirectory<'a>,
    root: &'a Path,
    message: Option<&'a Message>,
    /// The name, from `message.json`, `$JOB_NAME` or the folder.
    pub name: Option<Vec<u8>>,
    /// True for the last of these.
    guessed: bool,
}

impl<'a> Own<'a> {
    /// The job of a directory, which need not be there yet, and its message.
    ///
    /// # Errors
    ///
    /// A message whose name is no text.
    pub fn of(job: &'a JobDirectory, root: &'a Path, message: Option<&'a Message>) -> Result<Self, Error> {
        let known = match message.map(|message| message.fact("name")).transpose()?.flatten() {
            Some(name) => Some(name.into_bytes()),
            None => job.own_variable("JOB_NAME").map(OsStringExt::into_vec),
        };
        let guessed = known.is_none();
        let name = known.or_else(|| root.file_name().map(|name| name.as_bytes().to_vec()));
        Ok(Self { job, root, message, name, guessed })
    }

    /// Its variables.
    ///
    /// # Errors
    ///
    /// A fact in the message that is no text.
    pub fn variables(&self, env: &mut Environment) -> Result<(), Error> {
        self.facts(env, &FACTS)?;
        let mut about = Vec::new();
        if let Some(name) = &self.name {
            if self.guessed {
                env.warn(format_args!(
                    "the job is called {} after its folder: set JOB_NAME, or name it in message.json",
                    String::from_utf8_lossy(name)
                ));
            }
            about.push(("NAME", name.clone()));
        }
        if let Some((kind, _)) = self.fact("JOB_TYPE", "type")? {
            about.push(("TYPE", kind));
        }
        about.push(("PATH", path_bytes(self.root.to_owned())));
        about.push(("STATE", path_bytes(self.job.state()?)));
        about.push(("PREVIOUS_STATE", path_bytes(self.job.previous_state()?)));
        about.push(("INTEGRATIONS", path_bytes(self.job.integrations()?)));
        about.push(("MESSAGE", path_bytes(self.job.message()?)));
        let origin = Origin::new(Rule::Job, "");
        let own = self.name.as_deref().map(names::prefix);
        for prefix in ["JOB"].into_iter().chain(own.as_deref()) {
            for (suffix, value) in &about {
                env.set(format!("{prefix}_{suffix}"), value.clone(), &origin);
            }
        }
        self.facts(env, &TRIGGERS)?;
        for (variable, path) in self.places()? {
            env.set(variable.to_owned(), path_bytes(path), &origin);
        }
        self.facts(env, &INSTALLATION)?;
        if let Some((url, rule)) = self.build_url()?.or_else(|| self.unknown("BUILD_URL")) {
            env.set("BUILD_URL".to_owned(), url, &Origin::new(rule, ""));
        }
        Ok(())
    }

    /// Its type, such as `runCI`, where that is known.
    ///
    /// # Errors
    ///
    /// A type in the message that is no text.
    pub fn kind(&self) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.fact("JOB_TYPE", "type")?.map(|(kind, _)| kind))
    }

    fn facts(&self, env: &mut Environment, table: &[(&str, &str)]) -> Result<(), Error> {
        for (variable, key) in table {
            // A run that is tried again on the platform was a new build: there was never a second job.
            let found = if key.is_empty() { Some((b"1".to_vec(), Rule::Job)) } else { self.fact(variable, key)? };
            if let Some((value, rule)) = found.or_else(|| self.unknown(variable)) {
                env.set((*variable).to_owned(), value, &Origin::new(rule, ""));
            }
        }
        Ok(())
    }

    /// What has no value where there is no CI is set all the same, to nothing, lest `set -u` end a script that looks.
    fn unknown(&self, variable: &str) -> Option<(Vec<u8>, Rule)> {
        let may_be_empty = variable == "BUILD_URL" || INSTALLATION.iter().any(|(name, _)| *name == variable);
        (may_be_empty && self.message.is_some()).then(|| (Vec::new(), Rule::Job))
    }

    /// From the message, else from the process environment.
    fn fact(&self, variable: &str, key: &str) -> Result<Option<(Vec<u8>, Rule)>, Error> {
        if let Some(value) = self.message.map(|message| message.fact(key)).transpose()?.flatten() {
            return Ok(Some((value.into_bytes(), Rule::Job)));
        }
        // What tells of the job, rather than of the build it runs in, does not count for a directory named by option.
        let of_job = matches!(variable, "JOB_TYPE" | "RESOURCE_ID");
        let taken = if of_job { self.job.own_variable(variable) } else { self.job.env.get(variable) };
        Ok(taken.map(|value| (value.into_vec(), Rule::Process)))
    }

    fn places(&self) -> Result<[(&'static str, PathBuf); 5], Error> {
        let secrets = self.job.place("BUILD_SECRETS_DIR", "secrets")?;
        Ok([
            ("SHARED_DIR", self.job.place("SHARED_DIR", "shared")?),
            ("BUILD_DIR", self.root.to_owned()),
            ("SUBSCRIPTION_PRIVATE_KEY", secrets.join("00_sub")),
            ("BUILD_SECRETS_DIR", secrets),
            (
                "SHIPPABLE_INTEGRATION_ENVS_PATH",
                self.job.place("SHIPPABLE_INTEGRATION_ENVS_PATH", "scripts/integration_envs.env")?,
            ),
        ])
    }

    /// That of the message or the process, else the platform's page of the build.
    fn build_url(&self) -> Result<Option<(Vec<u8>, Rule)>, Error> {
        if let Some(known) = self.fact("BUILD_URL", "buildUrl")? {
            return Ok(Some(known));
        }
        let parts = (
            self.fact("SHIPPABLE_WWW_URL", "wwwUrl")?,
            self.fact("SUBSCRIPTION_ID", "subscriptionId")?,
            self.fact("BUILD_ID", "buildId")?,
        );
        let (Some((www, _)), Some((subscription, _)), Some((build, _))) = parts else { return Ok(None) };
        let url = [&www, &b"/subscriptions/"[..], &subscription, b"/pipelines/builds/", &build, b"/consoles"].concat();
        Ok(Some((url, Rule::Job)))
    }
}
