//! One output, by the numbered rules of the contract: the edited `version.json`, then `overwrite`, then `replicate`,
//! then the `.env` file, each over what was before.

use std::collections::HashSet;
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::version::{Version, document, same};
use super::{Draft, Planned, Run, env_path, option_is_set};
use crate::error::Error;
use crate::job::document::is_falsy;
use crate::job::env_file::VERSION_NAME;
use crate::job::names;
use crate::job::params::SECURE;
use crate::job::record::{self, Recorded, Side};

/// Types that stand for a repository, of which only what a webhook brought is replicated.
const REPOSITORIES: [&str; 3] = ["gitRepo", "syncRepo", "ciRepo"];
/// What a webhook brought.
const WEBHOOK_DATA: [&str; 3] = ["shaData", "webhookRequestHeaders", "webhookRequestBody"];

/// What becomes of an output.
pub(super) enum Verdict {
    /// A new version, unless a state that is yet to be saved makes it the old one.
    Changed(Box<Planned>),
    /// It is as it was.
    Unchanged,
    /// It is a job, which is to run next.
    Trigger,
    /// Nothing, and a note says why.
    Skipped,
}

/// A `version.json` that was read.
struct OnDisk {
    version: Version,
    /// `repositoryProvider` and `sourceName` of a repository.
    repository: (Option<String>, Option<String>),
}

impl Run<'_> {
    /// What becomes of an output.
    pub(super) fn output(&mut self, output: &Recorded) -> Result<Verdict, Error> {
        if output.is_job {
            return Ok(Verdict::Trigger);
        }
        // 1
        let Some(base) = self.on_disk(Side::Out, &output.name, "it is left as it is")? else {
            return Ok(Verdict::Skipped);
        };
        let replicate = output.step.get("replicate").filter(|source| !is_falsy(source));
        if output.kind == "ciRepo" && replicate.is_none() {
            return self.ci_repo(output, base);
        }
        let mut version = base.version;
        // 2
        if option_is_set(output, "overwrite") {
            overwrite(&mut version, &output.kind);
        }
        // 3
        let mut source = version_file(Side::Out, &output.name);
        if let Some(from) = replicate {
            let Some(from) = self.replicated(output, from)? else { return Ok(Verdict::Skipped) };
            source = version_file(Side::In, &from.0);
            version = from.1;
        }
        // 4
        let from_env = self.overlay(output, &mut version)?;
        let state_folder = self.state_folder(output, replicate.is_some());
        if output.kind == "state" && replicate.is_none() && state_folder.is_none() {
            return Ok(Verdict::Skipped);
        }
        self.planned(output, version, (source, from_env), state_folder)
    }

    /// Rule 5, and what is kept of a version that is new.
    fn planned(
        &self,
        output: &Recorded,
        mut version: Version,
        (source, from_env): (PathBuf, HashSet<String>),
        state_folder: Option<PathBuf>,
    ) -> Result<Verdict, Error> {
        let mut start = Version::of(output.version.as_ref()).map_err(Error::failed)?;
        self.put_back(output, &mut start);
        if state_folder.is_none() && !version.differs_from(&start) {
            return Ok(Verdict::Unchanged);
        }
        // What the inputs were is said anew.
        version.bag.shift_remove("trace");
        let draft = Draft {
            version_name: version.name,
            property_bag: version.bag,
            inputs: self.inputs.clone(),
            section: output.section.clone(),
        };
        self.refuse_secrets(&draft, &output.kind, |key| {
            if from_env.contains(key) { env_path(&output.name) } else { source.clone() }
        })?;
        let (resource, kind) = (output.name.clone(), output.kind.clone());
        Ok(Verdict::Changed(Box::new(Planned { resource, kind, draft, state_folder, start, from_env })))
    }

    /// `version.json` of a resource; `None`, and a note, when it cannot be used.
    fn on_disk(&mut self, side: Side, name: &str, consequence: &str) -> Result<Option<OnDisk>, Error> {
        let file = version_file(side, name);
        let read = document(&self.root.join(&file)).map_err(|error| error.to_string()).and_then(|document| {
            let version = match document.get("version") {
                None | Some(Value::Null) => Version::of(None),
                Some(Value::Object(version)) => Version::of(Some(version)),
                Some(_) => Err("version is not an object".to_owned()),
            };
            let version = version.map_err(|wrong| format!("{}: {wrong}", file.display()))?;
            Ok(OnDisk { repository: repository(&document, &version), version })
        });
        match read {
            Ok(mut found) => {
                self.unresolve(side, name, &mut found.version)?;
                Ok(Some(found))
            }
            Err(wrong) => {
                self.notes.push(format!("{wrong}: {consequence}"));
                Ok(None)
            }
        }
    }

    /// Puts the references back where a version has the secrets that they stand for.
    fn unresolve(&self, side: Side, name: &str, version: &mut Version) -> Result<(), Error> {
        let recorded = self.record.dependencies.iter().find(|known| known.operation == side && known.name == name);
        if let Some(recorded) = recorded.filter(|recorded| recorded.kind != "params") {
            self.put_back(recorded, version);
            return Ok(());
        }
        let Some(on_disk) = version.secure() else { return Ok(()) };
        let start = recorded.and_then(|recorded| Version::of(recorded.version.as_ref()).ok()).unwrap_or_default();
        let digest = recorded.and_then(|recorded| recorded.secure.as_ref());
        let is_unchanged = match (start.secure(), digest) {
            (Some(references), _) if same(on_disk, references) => true,
            (_, Some(digest)) => *digest == record::secure_digest(&self.record.token, on_disk),
            (Some(references), None) => {
                let given = self.secure_in_message(side, name).filter(|given| !same(given, references));
                given.map_or_else(|| alike(on_disk, references), |given| same(on_disk, given))
            }
            (None, None) => false,
        };
        if !is_unchanged {
            let file = version_file(side, name);
            return Err(secure_changed(&file.display().to_string(), "version.propertyBag.params.secure"));
        }
        if let Some(params) = version.params_mut() {
            match start.secure() {
                Some(references) => params.insert(SECURE.to_owned(), references.clone()),
                // A text, which is kept nowhere but in the yml.
                None => params.shift_remove(SECURE),
            };
        }
        Ok(())
    }

    /// Puts placeholders back where secrets were filled in.
    fn put_back(&self, recorded: &Recorded, version: &mut Version) {
        let Some(template) = recorded.template.as_ref().and_then(|template| Version::of(Some(template)).ok()) else {
            return;
        };
        let started = Version::of(recorded.version.as_ref()).unwrap_or_default();
        version.put_back(&started, &template, &|text| self.secrets.named_in(text.as_bytes()).is_some());
    }

    /// What a params resource had under `secure` when the job began, where `message.json` tells.
    fn secure_in_message(&self, side: Side, name: &str) -> Option<&Value> {
        let operation = crate::job::directory::Operation::from(side).as_str();
        let dependencies = self.message.as_ref()?.get("dependencies")?.as_array()?;
        let of = |dependency: &&Value| dependency["operation"] == operation && dependency["name"] == name;
        dependencies.iter().find(of)?.pointer("/version/propertyBag/params/secure")
    }

    /// The input that is replicated: its name, and its version as far as it is.
    fn replicated(&mut self, output: &Recorded, from: &Value) -> Result<Option<(String, Version)>, Error> {
        let Some(from) = from.as_str().filter(|name| names::is_component(name.as_bytes())) else {
            self.notes.push(format!("OUT {}: replicate: is not the name of an input: no new version", output.name));
            return Ok(None);
        };
        let consequence = format!("nothing is replicated to {}", output.name);
        let Some(OnDisk { mut version, .. }) = self.on_disk(Side::In, from, &consequence)? else { return Ok(None) };
        let is_pull_request = version.bag.get("shaData").and_then(|sha| sha.get("isPullRequest"));
        let on_pull_request = output.step.get("replicateOnPullRequest");
        if is_pull_request.is_some_and(|is| !is_falsy(is)) && on_pull_request.is_some_and(is_falsy) {
            self.notes.push(format!("{from} is a pull request: nothing is replicated to {}", output.name));
            return Ok(None);
        }
        if REPOSITORIES.contains(&output.kind.as_str()) {
            version.bag.retain(|key, _| WEBHOOK_DATA.contains(&key.as_str()));
        }
        Ok(Some((from.to_owned(), version)))
    }

    /// Rule 4: what the job says of the resource. Gives the keys that it says something of.
    fn overlay(&mut self, output: &Recorded, version: &mut Version) -> Result<HashSet<String>, Error> {
        let mut said = HashSet::new();
        let is_params = output.kind == "params";
        for entry in self.env_entries(&output.name)? {
            if entry.key == VERSION_NAME {
                version.name = entry.value;
                said.insert(entry.key);
                continue;
            }
            let properties = if is_params { version.params_mut() } else { Some(&mut version.bag) };
            let Some(properties) = properties else {
                let name = &output.name;
                self.notes.push(format!(
                    "{name} has no params object: {} and what follows in state/{name}.env is passed over",
                    entry.key
                ));
                break;
            };
            if is_params && entry.key == SECURE {
                return Err(secure_changed(&env_path(&output.name).display().to_string(), SECURE));
            }
            said.insert(entry.key.clone());
            match entry.value {
                Some(value) => properties.insert(entry.key, value.into()),
                None => properties.shift_remove(&entry.key),
            };
        }
        Ok(said)
    }

    /// The complete new state of a `state` resource, whose sum replaces what the version had.
    fn state_folder(&mut self, output: &Recorded, replicates: bool) -> Option<PathBuf> {
        if output.kind != "state" || replicates {
            return None;
        }
        let folder = self.root.join("OUT").join(&output.name).join("state");
        if folder.is_dir() {
            return Some(folder);
        }
        self.notes.push(format!("OUT/{0}/state is no folder: the state of {0} is left as it is", output.name));
        None
    }

    /// An output of type ciRepo takes the commit of the input repository that it stands for, and nothing else.
    fn ci_repo(&mut self, output: &Recorded, base: OnDisk) -> Result<Verdict, Error> {
        let (provider, source_name) = &base.repository;
        let record = self.record;
        for input in record.dependencies.iter().filter(|known| known.operation == Side::In && known.kind == "gitRepo") {
            let consequence = format!("it gives {} no commit", output.name);
            let Some(found) = self.on_disk(Side::In, &input.name, &consequence)? else { continue };
            let (other_provider, other_name) = &found.repository;
            let same_provider = provider.is_none() || other_provider.is_none() || provider == other_provider;
            if source_name.is_none() || source_name != other_name || !same_provider {
                continue;
            }
            let Some(sha_data) = found.version.bag.get("shaData") else { continue };
            let mut version = base.version;
            version.bag.insert("shaData".to_owned(), sha_data.clone());
            version.name = found.version.name;
            let source = version_file(Side::In, &input.name);
            return self.planned(output, version, (source, HashSet::new()), None);
        }
        self.notes.push(format!("no input of type gitRepo is the repository of {}: no new version", output.name));
        Ok(Verdict::Skipped)
    }
}

/// Rule 2: nothing is kept but what a webhook brought, and the version's name.
fn overwrite(version: &mut Version, kind: &str) {
    version.bag.retain(|key, _| WEBHOOK_DATA.contains(&key.as_str()));
    if kind == "params" {
        version.bag.insert("params".to_owned(), Map::new().into());
    }
}

fn version_file(side: Side, name: &str) -> PathBuf {
    let side = crate::job::directory::Operation::from(side).as_str();
    [side, name, "version.json"].iter().collect()
}

/// The provider and the name of a repository.
fn repository(document: &Map<String, Value>, version: &Version) -> (Option<String>, Option<String>) {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let bag = document.get("propertyBag");
    let at = |pointer: &str| text(bag.and_then(|bag| bag.pointer(pointer)));
    let name = text(version.bag.get("sourceName"))
        .or_else(|| at("/yml/pointer/sourceName"))
        .or_else(|| at("/yml/versionTemplate/sourceName"))
        .or_else(|| at("/normalizedRepo/fullName"));
    (at("/normalizedRepo/repositoryProvider"), name)
}

/// Whether secrets are as many as references, under the same names: all that can be told when nothing else was kept.
fn alike(secrets: &Value, references: &Value) -> bool {
    match (secrets, references) {
        (Value::Object(secrets), Value::Object(references)) => {
            secrets.len() == references.len() && secrets.keys().all(|key| references.contains_key(key))
        }
        _ => false,
    }
}

fn secure_changed(file: &str, key: &str) -> Error {
    Error::failed(format_args!(
        "{file}: the job changed {key}, and a secret is never kept with a version: change it where the secret is; \
         nothing was saved"
    ))
}
