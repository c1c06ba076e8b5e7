//! The files of a job directory.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::plan::{Given, Plan, Planned, key_path};
use super::select::Chosen;
use super::sources::{CloneOptions, IntegrationRecord, Owner};
use super::{params, sources::Repository};
use crate::error::{Error, Kind};
use crate::job::directory::Operation;
use crate::job::environment::dependency::key_fields;
use crate::job::record::Record;
use crate::job::repository::GIT_CREDENTIAL;
use crate::store::DEFAULT_FOLDER;
use crate::support::swap::NewContent;
use crate::support::temporary::TEMPORARY;
use crate::support::{atomic, own_folder};

/// Refuses a place that holds anything but a job directory of ours.
pub(super) fn refuse_taken(target: &Path) -> Result<(), Error> {
    let taken = |what: &str| {
        let message = format!("{}: {what}: name with --dir a folder that is empty or not there yet", target.display());
        Err(Error::new(Kind::Usage, message))
    };
    if target.is_symlink() {
        return taken("a link");
    }
    if target.file_name().is_none() {
        return taken("no name of a folder");
    }
    // What a killed call left in it is removed by the next one.
    let is_old = |entry: &std::fs::DirEntry| entry.file_name().as_encoded_bytes().starts_with(TEMPORARY.as_bytes());
    match std::fs::read_dir(target).map(|entries| entries.flatten().all(|entry| is_old(&entry))) {
        Ok(true) => Ok(()),
        Ok(false) if Record::file(target).is_file() => Ok(()),
        Ok(false) => taken("not empty, and not made by `shipctl job init`"),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => taken("not a folder"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io("read", target, &error)),
    }
}

/// Writes everything, and shows nothing of it yet.
pub(super) fn write(
    plan: &Plan,
    given: &Given,
    chosen: &[Chosen],
    record: &Record,
    ssh_key: Option<&[u8]>,
) -> Result<Hidden, Error> {
    let target = &given.options.dir;
    let failed = |error: io::Error| Error::io("make", target, &error);
    if let Some(parent) = target.parent() {
        own_folder::make_ignored(parent, DEFAULT_FOLDER).map_err(|error| Error::io("make", parent, &error))?;
    }
    let new = NewContent::of(target, given.options.cwd.as_deref()).map_err(failed)?;
    std::fs::set_permissions(new.path(), Permissions::from_mode(0o700)).map_err(failed)?;
    let files = Files { staged: new.path(), target };
    files.start(given, record, ssh_key)?;
    for (one, planned) in chosen.iter().zip(&plan.dependencies) {
        files.dependency(one, planned, given)?;
    }
    files.rest(plan, given)?;
    Ok(Hidden(new))
}

/// What stands in the place of the record while a directory is neither the old one nor the new one: whoever reads it is
/// told to make the directory anew.
const UNFINISHED: &[u8] = b"{}";

/// The whole content of a job directory, on its way there. Dropped, it is gone.
#[derive(Debug)]
pub(super) struct Hidden(NewContent);

impl Hidden {
    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Puts it in its place.
    pub(super) fn show(self, target: &Path) -> Result<(), Error> {
        let failed = |error: io::Error| Error::io("make", target, &error);
        if self.0.is_inside() { self.show_inside(target) } else { self.0.commit() }.map_err(failed)?;
        // An empty folder that was there before has kept its own mode.
        std::fs::set_permissions(target, Permissions::from_mode(0o700)).map_err(failed)
    }

    /// Entry by entry, where the folder has to stay the one that it is: a killed call leaves one without a record.
    fn show_inside(self, target: &Path) -> io::Result<()> {
        let (new, old) = (Record::file(self.0.path()), Record::file(target));
        let record = std::fs::read(&new)?;
        std::fs::write(&new, UNFINISHED)?;
        DirBuilder::new().recursive(true).mode(0o700).create(target.join("status"))?;
        atomic::replace_bytes(&old, UNFINISHED)?;
        self.0.commit()?;
        atomic::replace_bytes(&old, &record)
    }
}

/// Where files are written, and where they are going to be, which is what messages name.
struct Files<'a> {
    staged: &'a Path,
    target: &'a Path,
}

impl Files<'_> {
    fn start(&self, given: &Given, record: &Record, ssh_key: Option<&[u8]>) -> Result<(), Error> {
        for folder in ["IN", "OUT", "state", "previousState", "shared", "scripts", "secrets", "status"] {
            self.folder(Path::new(folder))?;
        }
        self.file(Path::new("scripts/integration_envs.env"), b"")?;
        if let Some(key) = ssh_key {
            self.file(Path::new("secrets/00_sub"), key)?;
        }
        self.file(&Path::new("state").join(format!("{}.env", given.job.name)), b"")?;
        let text = serde_json::to_vec(record).map_err(|error| Error::failed(format_args!("the run: {error}")))?;
        self.file(Path::new("status/run.json"), &text)
    }

    fn rest(&self, plan: &Plan, given: &Given) -> Result<(), Error> {
        for named in &given.job.integrations {
            let below = Path::new("integrations").join(&named.name);
            // The same one may be in the list twice.
            if let Some(record) = given.integrations.get(&named.name)
                && !self.staged.join(&below).exists()
            {
                self.integration(&below, &named.name, record)?;
            }
        }
        self.json(Path::new("message.json"), &plan.message)?;
        if let Some(sha) = given.sources.versions.latest_state(&given.job.name)? {
            let owner = Owner::Job(given.job.name.clone());
            given.sources.versions.fetch_state(&owner, &sha, &self.staged.join("previousState"))?;
        }
        Ok(())
    }

    fn dependency(&self, one: &Chosen, planned: &Planned, given: &Given) -> Result<(), Error> {
        let below = Path::new(one.operation.as_str()).join(one.name);
        self.folder(&below)?;
        self.json(&below.join("version.json"), &planned.object)?;
        let record = planned.integration.as_ref().and_then(|name| given.integrations.get(name));
        if let Some(record) = record {
            self.integration(&below, one.name, record)?;
        }
        let state = Path::new("state").join(format!("{}.env", one.name));
        if !self.staged.join(&state).exists() {
            self.file(&state, b"")?;
        }
        let key = self.deploy_key(planned)?;
        let inside = below.join(one.kind);
        if one.kind == "params" {
            let params = planned.object.pointer("/version/propertyBag/params").and_then(Value::as_object);
            return match (one.operation, params) {
                (Operation::In, Some(values)) => self.file(&inside, &params::file(values)),
                _ => Ok(()),
            };
        }
        if let (Operation::In, true) = (one.operation, one.is_repository()) {
            return self.checkout(one, planned, given, record, key.as_deref());
        }
        self.folder(&inside)?;
        match state_of(one, planned) {
            Some(sha) => given.sources.versions.fetch_state(&one.owner, sha, &self.staged.join(&inside)),
            None => Ok(()),
        }
    }

    /// The deploy key of a repository, once for both of its sides.
    fn deploy_key(&self, planned: &Planned) -> Result<Option<PathBuf>, Error> {
        let Some(key) = &planned.deploy_key else { return Ok(None) };
        let below = key_path(Path::new("secrets"), &planned.folder);
        let path = self.staged.join(&below);
        if !path.exists() {
            self.file(&below, key.as_bytes())?;
        }
        Ok(Some(path))
    }

    /// A checkout that is there, as a link; else a clone.
    fn checkout(
        &self,
        one: &Chosen,
        planned: &Planned,
        given: &Given,
        integration: Option<&IntegrationRecord>,
        key: Option<&Path>,
    ) -> Result<(), Error> {
        let below = Path::new("IN").join(one.name).join(one.kind);
        let repository: Repository = one.repository(given.options, None);
        if let Some(checkout) = repository.checkout {
            let path = self.staged.join(&below);
            let linked = std::os::unix::fs::symlink(checkout, path);
            return linked.map_err(|error| Error::io("make", &self.target.join(&below), &error));
        }
        self.folder(&below)?;
        let object = &planned.object;
        let is_for_git = |record: &&IntegrationRecord| record.master_name == GIT_CREDENTIAL;
        let credentials: Vec<_> = given.integrations.values().filter(is_for_git).collect();
        let options = CloneOptions {
            normalized_repo: object["propertyBag"].get("normalizedRepo").and_then(Value::as_object),
            sha_data: object.pointer("/version/propertyBag/shaData").and_then(Value::as_object),
            integration,
            credentials: &credentials,
            key,
            secrets: &self.staged.join("secrets"),
            secrets_later: &self.target.join("secrets"),
        };
        given.sources.commits.clone_into(&repository, &options, &self.staged.join(&below))
    }

    /// `integration.json`, `integration.env` and key files, which are called after the resource.
    fn integration(&self, below: &Path, name: &str, record: &IntegrationRecord) -> Result<(), Error> {
        self.folder(below)?;
        self.file(&below.join("integration.json"), record.json.as_bytes())?;
        self.file(&below.join("integration.env"), &record.env)?;
        for (field, ending) in key_fields(Some(&record.master_name)) {
            if let Some(text) = record.fields.get(*field).and_then(Value::as_str) {
                self.file(&below.join(format!("{name}{ending}")), text.as_bytes())?;
            }
        }
        Ok(())
    }

    fn folder(&self, below: &Path) -> Result<(), Error> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(self.staged.join(below));
        made.map_err(|error| Error::io("make", &self.target.join(below), &error))
    }

    fn json(&self, below: &Path, value: &Value) -> Result<(), Error> {
        self.file(below, value.to_string().as_bytes())
    }

    fn file(&self, below: &Path, content: &[u8]) -> Result<(), Error> {
        let file = self.staged.join(below);
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
        let written = opened.and_then(|mut file| file.write_all(content));
        written.map_err(|error| Error::io("write", &self.target.join(below), &error))
    }
}

/// The state that belongs to the version that the job was given. An output of type state starts empty: what it holds
/// in the end is all of the new state.
fn state_of<'a>(one: &Chosen, planned: &'a Planned) -> Option<&'a str> {
    let key = match (one.is_job, one.kind, one.operation) {
        (true, kind, _) if kind != "externalCI" => "sha",
        (false, "state", Operation::In) => "shaData",
        _ => return None,
    };
    let sha = planned.object.get("version")?.get("propertyBag")?.get(key)?.as_str()?;
    Some(sha).filter(|sha| !sha.is_empty())
}
