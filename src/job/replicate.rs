//! An output, or the job itself, made a copy of an input.
//!
//! Everything is read, checked and prepared before anything is changed. Files and metadata of the job change in one
//! step; of an output, whose `version.json` lies beside its files, in two that nothing can come between but a kill.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::error::Error;
use crate::job::directory::{JobDirectory, Operation, ResourceFolder};
use crate::job::match_settings::{self, Verdict};
use crate::job::{side, state_file};
use crate::support::atomic::{self, Prepared};
use crate::support::copy;
use crate::support::swap::NewContent;

/// The types that stand for a repository, as an input.
const REPOSITORIES: [&str; 3] = ["gitRepo", "ciRepo", "syncRepo"];
/// What a webhook brought.
const WEBHOOK_DATA: [&str; 3] = ["shaData", "webhookRequestHeaders", "webhookRequestBody"];
/// What the job says of itself.
const OUTPUT_VERSION: &str = "outputVersion.json";

/// What is asked for.
#[derive(Debug, Clone, Copy, Default)]
#[allow(clippy::struct_excessive_bools)] // one per flag of the command line, each on its own
pub struct Options {
    /// Leave the metadata alone.
    pub files_only: bool,
    /// Leave the files alone.
    pub metadata_only: bool,
    /// Of the metadata, only what a webhook brought.
    pub webhook_data_only: bool,
    /// Only when the branch or tag is one that the output's settings ask for.
    pub match_settings: bool,
}

/// What happened, one line each.
pub type Notes = Vec<String>;

/// Makes `to` a copy of `from`; `cwd` is where the caller stands.
pub fn replicate(
    job: &JobDirectory,
    cwd: Option<&Path>,
    from: &OsStr,
    to: &OsStr,
    options: Options,
) -> Result<Notes, Error> {
    let mut plan = Plan::check(job, from, to, options)?;
    if plan.options.match_settings
        && let Some(reason) = plan.mismatch()?
    {
        return Ok(vec![format!("{reason}; nothing replicated")]);
    }
    let metadata = plan.metadata()?;
    let files = plan.files(cwd)?;
    let document = match (&metadata, &files) {
        (Some((path, document)), Some(files)) if plan.output.is_none() => {
            write_into(files, path, document)?;
            None
        }
        (Some((path, document)), _) => Some((path, prepare(path, document)?)),
        (None, _) => None,
    };
    if let Some(files) = files {
        files.commit().map_err(|error| Error::io("replace the content of", &plan.target, &error))?;
    }
    if let Some((path, document)) = document {
        document.commit().map_err(|error| Error::io("replace", path, &error))?;
    }
    Ok(plan.notes)
}

/// A request that makes sense.
struct Plan {
    options: Options,
    from: ResourceFolder,
    /// Where the input's files are.
    source: PathBuf,
    /// The output; `None` is the job.
    output: Option<ResourceFolder>,
    /// Where its files go.
    target: PathBuf,
    /// Whether the input has files to copy.
    with_files: bool,
    notes: Notes,
}

impl Plan {
    /// The checks of the original, in its order.
    fn check(job: &JobDirectory, from: &OsStr, to: &OsStr, mut options: Options) -> Result<Self, Error> {
        if job.is_job(from) {
            let name = from.display();
            return Err(Error::drop_in(format_args!("{name} is this job: it cannot be what is replicated from")));
        }
        let from = side::require(job, Operation::In, from)?;
        let output = if job.is_job(to) { None } else { Some(side::require(job, Operation::Out, to)?) };
        let from_type = known_type(job, &from)?;
        let to_type = output.as_ref().map(|output| known_type(job, output)).transpose()?;
        if to_type.as_ref().is_some_and(|kind| kind == "ciRepo") {
            let name = to.display();
            return Err(Error::drop_in(format_args!("cannot replicate to {name}: a ciRepo is never changed by a job")));
        }
        let repositories = types_fit(&from, &from_type, to, to_type.as_deref(), options)?;
        options.metadata_only |= repositories;
        options.webhook_data_only |= options.match_settings;
        let source = from.meta.join(&from_type);
        let target = match (&output, to_type) {
            (Some(output), Some(to_type)) => output.meta.join(to_type),
            _ => job.state()?,
        };
        if output.is_none() && !target.is_dir() {
            return Err(state_file::no_state_folder(&target));
        }
        let mut plan = Self { options, from, source, output, target, with_files: false, notes: Notes::new() };
        plan.with_files = !options.metadata_only && plan.has_files()?;
        if options.metadata_only && options.files_only {
            plan.notes.push("nothing replicated: repositories and --metadata-only have no files to copy".into());
        }
        Ok(plan)
    }

    /// Whether there is anything to copy; an output keeps its own files when there is not.
    fn has_files(&mut self) -> Result<bool, Error> {
        match fs::read_dir(&self.source).map(|mut entries| entries.next()) {
            Ok(None) => Ok(false),
            Ok(Some(Ok(_))) => self.apart(),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
            Ok(Some(Err(error))) | Err(error) => Err(Error::io("read", &self.source, &error)),
        }
    }

    /// Links can make source and target one folder, or one a part of the other.
    fn apart(&mut self) -> Result<bool, Error> {
        let (Ok(source), Ok(target)) = (self.source.canonicalize(), self.target.canonicalize()) else {
            return Ok(true);
        };
        let (from, to) = (self.source.display(), self.target.display());
        if source == target {
            self.notes.push(format!("{from} and {to} are one folder: its files stay"));
            return Ok(false);
        }
        if source.starts_with(&target) || target.starts_with(&source) {
            return Err(Error::drop_in(format_args!("cannot copy {from} to {to}: one is inside the other")));
        }
        Ok(true)
    }

    /// Why the output does not want the commit, if it does not.
    fn mismatch(&self) -> Result<Option<String>, Error> {
        let from = self.from.name.display();
        let file = self.from.meta.join("version.json");
        let version = read(&file)?.unwrap_or_default();
        let sha_data = &version["version"]["propertyBag"]["shaData"];
        if !sha_data.is_object() {
            return Err(Error::drop_in(format_args!("{from} has no shaData in {}: nothing to match", file.display())));
        }
        let Some(output) = &self.output else { return Ok(None) };
        let settings = read(&output.meta.join("version.json"))?.unwrap_or_default();
        Ok(match match_settings::verdict(sha_data, &settings["version"]["propertyBag"]) {
            Verdict::Matches => None,
            Verdict::Differs(what) => {
                Some(format!("{what} of {from} does not match the settings of {}", output.name.display()))
            }
            Verdict::NoBranchName => Some(format!("{from} has no branch name in its shaData")),
        })
    }

    /// The metadata as it will be, and its file.
    fn metadata(&mut self) -> Result<Option<(PathBuf, Value)>, Error> {
        if self.options.files_only {
            return Ok(None);
        }
        let source = self.from.meta.join("version.json");
        let version = read(&source)?.unwrap_or_default();
        let bag = match (&version, &version["version"], &version["version"]["propertyBag"]) {
            (Value::Object(_), Value::Object(_), Value::Object(bag)) => bag,
            (Value::Object(_), Value::Object(_), Value::Null) => &Map::new(),
            (Value::Null | Value::Object(_), Value::Null, _) => {
                self.notes.push(format!("no version in {}: metadata not replicated", source.display()));
                return Ok(None);
            }
            _ => return Err(not_an_object(&source, "it, its version or its version.propertyBag")),
        };
        let (file, document) = if let Some(output) = &self.output {
            let file = output.meta.join("version.json");
            let Some(document) = read(&file)? else {
                self.notes.push(format!("there is no {}: metadata not replicated", file.display()));
                return Ok(None);
            };
            (file, document)
        } else {
            // The files come first: what they bring under this name is what the metadata is added to.
            let base = if self.with_files { &self.source } else { &self.target }.join(OUTPUT_VERSION);
            (self.target.join(OUTPUT_VERSION), read(&base)?.unwrap_or_else(|| Value::Object(Map::new())))
        };
        let document = self.changed(document, bag, &file)?;
        Ok(Some((file, document)))
    }

    /// The document with the input's properties in it.
    fn changed(&self, mut document: Value, bag: &Map<String, Value>, file: &Path) -> Result<Value, Error> {
        let mut holder = document.as_object_mut().ok_or_else(|| not_an_object(file, "it"))?;
        if self.output.is_some() {
            holder = object_at(holder, "version").ok_or_else(|| not_an_object(file, "version"))?;
        }
        if !self.options.webhook_data_only {
            holder.insert("propertyBag".into(), Value::Object(bag.clone()));
            return Ok(document);
        }
        let properties = object_at(holder, "propertyBag").ok_or_else(|| not_an_object(file, "propertyBag"))?;
        for key in WEBHOOK_DATA {
            if let Some(value) = bag.get(key).filter(|value| !value.is_null()) {
                properties.insert(key.into(), value.clone());
            }
        }
        Ok(document)
    }

    /// The files, copied to where they can take the place of the old ones.
    fn files(&mut self, cwd: Option<&Path>) -> Result<Option<NewContent>, Error> {
        if !self.with_files {
            return Ok(None);
        }
        let failed = |error| Error::io("prepare new content for", &self.target, &error);
        let files = NewContent::of(&self.target, cwd).map_err(failed)?;
        let copied = copy::tree(&self.source, files.path()).into_result()?;
        for path in copied.skipped {
            self.notes.push(format!("{} left out: a pipe, socket or device has no content", path.display()));
        }
        Ok(Some(files))
    }
}

/// Puts the job's metadata among its files, so that both change in one step.
fn write_into(files: &NewContent, shown_as: &Path, document: &Value) -> Result<(), Error> {
    let path = files.path().join(OUTPUT_VERSION);
    // A link that was copied must not lead the write elsewhere.
    if fs::symlink_metadata(&path).is_ok_and(|there| there.is_symlink()) {
        fs::remove_file(&path).map_err(|error| Error::io("replace", shown_as, &error))?;
    }
    atomic::replace_bytes(&path, &bytes(document)).map_err(|error| Error::io("write", shown_as, &error))
}

/// Whether both are repositories; an error where the types, or the flags for them, do not fit.
fn types_fit(
    from: &ResourceFolder,
    from_type: &OsStr,
    to: &OsStr,
    to_type: Option<&OsStr>,
    options: Options,
) -> Result<bool, Error> {
    let is_repository = |kind: &OsStr| REPOSITORIES.iter().any(|known| kind == *known);
    let repositories = is_repository(from_type) && to_type.is_some_and(is_repository);
    let (from, to) = (from.name.display(), to.display());
    if let Some(to_type) = to_type
        && !repositories
        && to_type != from_type
    {
        return Err(Error::drop_in(format_args!(
            "cannot replicate {from} ({}) to {to} ({}): both must be of one type",
            from_type.display(),
            to_type.display()
        )));
    }
    if options.match_settings && !repositories {
        return Err(Error::drop_in(format_args!(
            "--match-settings is for repositories (gitRepo, syncRepo): {from} and {to} are not both one"
        )));
    }
    Ok(repositories)
}

fn known_type(job: &JobDirectory, folder: &ResourceFolder) -> Result<OsString, Error> {
    side::type_of(job, folder)?.ok_or_else(|| {
        Error::drop_in(format_args!(
            "the type of {} is not known: {} does not say it",
            folder.name.display(),
            folder.meta.join("version.json").display()
        ))
    })
}

/// A JSON file; `None` where there is none. An empty one is an empty object, as a `touch` leaves it.
fn read(file: &Path) -> Result<Option<Value>, Error> {
    let text = match fs::read(file) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(Error::io("read", file, &error)),
    };
    if text.trim_ascii().is_empty() {
        return Ok(Some(Value::Object(Map::new())));
    }
    let parsed = serde_json::from_slice(&text);
    parsed.map(Some).map_err(|error| Error::drop_in(format_args!("{} is not valid JSON: {error}", file.display())))
}

/// One line, as the platform wrote its own.
fn bytes(document: &Value) -> Vec<u8> {
    let mut text = document.to_string().into_bytes();
    text.push(b'\n');
    text
}

fn prepare(file: &Path, document: &Value) -> Result<Prepared, Error> {
    atomic::prepare(file, |out| out.write_all(&bytes(document))).map_err(|error| Error::io("replace", file, &error))
}

/// The object under a key, made where there is none.
fn object_at<'a>(holder: &'a mut Map<String, Value>, key: &str) -> Option<&'a mut Map<String, Value>> {
    let value = holder.entry(key).or_insert(Value::Null);
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut()
}

fn not_an_object(file: &Path, what: &str) -> Error {
    Error::drop_in(format_args!("{}: {what} is not a JSON object", file.display()))
}
