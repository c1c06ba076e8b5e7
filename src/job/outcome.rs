//! What a run leaves: the new versions of its outputs and of the job, and the state that is kept.
//!
//! Nothing is changed here: files of the job directory are read, and the answer is a value. Whoever saves it saves the
//! state first, whose sums the versions name.

mod difference; // what would change, for people and programs
mod job_version; // the version of the job itself
mod output; // one output, rule by rule
mod secrets; // what must not get into a version
#[cfg(test)]
mod tests;
mod version; // `version` of a version.json

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

pub use difference::{Change, Changed, Difference};
pub use secrets::Secrets;

use crate::error::Error;
use crate::job::env_file::{self, Split};
use crate::job::record::{Record, Recorded, Side};
use crate::job::resource;
use output::Verdict;
use version::Version;

/// How the job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Every TASK succeeded.
    Success,
    /// One failed.
    Failure,
    /// Cancelled, timed out, or never begun: nothing is kept.
    Cancelled,
}

impl Status {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What is asked for beside the contract's way.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Cut the lines of `.env` files as the platform did: at every `=`.
    pub compat_split: bool,
}

/// A version to make.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Draft {
    /// `versionName`.
    pub version_name: Option<String>,
    /// `propertyBag`.
    pub property_bag: Map<String, Value>,
    /// The inputs of the run: `{name, versionNumber, versionName}` each.
    pub inputs: Vec<Value>,
    /// The digest of the yml section that the version goes back to.
    pub section: Option<String>,
}

impl Draft {
    /// The job's version names the state that the job has now.
    #[must_use]
    pub fn with_job_state(mut self, sha: &str) -> Self {
        self.property_bag.insert("sha".to_owned(), sha.into());
        self
    }
}

/// A version that an output gets.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The resource.
    pub resource: String,
    /// Its type.
    pub kind: String,
    /// The version.
    pub draft: Draft,
    /// Of a `state` resource: the folder with its complete new state. Save it, then ask [`with_state`](Self::with_state).
    pub state_folder: Option<PathBuf>,
    /// The version that the job started with.
    start: Version,
    /// Keys that come from the `.env` file, which wins.
    from_env: HashSet<String>,
}

impl Planned {
    /// The version once the state is saved; `None` when it is the one that the resource has already.
    #[must_use]
    pub fn with_state(mut self, sha: &str) -> Option<Self> {
        if self.state_folder.is_some() {
            if !self.from_env.contains(env_file::VERSION_NAME) {
                self.draft.version_name = Some(sha.to_owned());
            }
            if !self.from_env.contains("shaData") {
                self.draft.property_bag.insert("shaData".to_owned(), sha.into());
            }
        }
        let now = Version { name: self.draft.version_name.clone(), bag: self.draft.property_bag.clone() };
        now.differs_from(&self.start).then_some(self)
    }
}

/// The files that become the job's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateChoice {
    /// What the job left, in this folder.
    Folder(PathBuf),
    /// What it had before, in this folder.
    Previous(PathBuf),
    /// None: the newest one stays.
    None,
}

/// What a run leaves.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The job.
    pub job_name: String,
    /// Versions of outputs, in the order of the steps.
    pub drafts: Vec<Planned>,
    /// The job's own version, without its `sha`; `None` after cancel.
    pub job: Option<Draft>,
    /// The job's state.
    pub job_state: StateChoice,
    /// What was passed over, one line each.
    pub notes: Vec<String>,
    /// Outputs that are as they were.
    pub unchanged: Vec<String>,
    /// Jobs that are outputs: they are to run next.
    pub triggers: Vec<String>,
    /// What the run was given, for its record.
    pub inputs: Vec<Value>,
}

/// What a run leaves. Reads the job directory as it is now, so call it before any state is put back.
///
/// # Errors
///
/// [`Kind::Failed`](crate::error::Kind::Failed): an `.env` file that cannot be understood, or a secret where a version
/// would hold it. Nothing is to be kept then.
pub fn outcome(
    root: &Path,
    record: &Record,
    status: Status,
    options: Options,
    secrets: &Secrets,
) -> Result<Outcome, Error> {
    let mut outcome = Outcome {
        job_name: record.job.clone(),
        drafts: Vec::new(),
        job: None,
        job_state: StateChoice::None,
        notes: Vec::new(),
        unchanged: Vec::new(),
        triggers: Vec::new(),
        inputs: Vec::new(),
    };
    if status == Status::Cancelled {
        return Ok(outcome);
    }
    let mut run = Run::new(root, record, options, secrets);
    for output in record.dependencies.iter().filter(|dependency| dependency.operation == Side::Out) {
        if status == Status::Failure && !option_is_set(output, "on_failure") {
            continue;
        }
        match run.output(output)? {
            Verdict::Changed(planned) => outcome.drafts.push(*planned),
            Verdict::Unchanged => outcome.unchanged.push(output.name.clone()),
            Verdict::Trigger => outcome.triggers.push(output.name.clone()),
            Verdict::Skipped => {}
        }
    }
    outcome.job = Some(run.job(status)?);
    outcome.job_state = match status {
        Status::Success => StateChoice::Folder(root.join("state")),
        _ => StateChoice::Previous(root.join("previousState")),
    };
    outcome.inputs = run.inputs;
    outcome.notes = run.notes;
    Ok(outcome)
}

/// A run that ends.
struct Run<'a> {
    root: &'a Path,
    record: &'a Record,
    split: Split,
    secrets: &'a Secrets,
    /// Texts that the job was given.
    known: HashSet<String>,
    message: Option<Value>,
    inputs: Vec<Value>,
    notes: Vec<String>,
}

impl<'a> Run<'a> {
    fn new(root: &'a Path, record: &'a Record, options: Options, secrets: &'a Secrets) -> Self {
        let mut known = HashSet::new();
        for version in record.dependencies.iter().filter_map(|dependency| dependency.version.as_ref()) {
            version.values().for_each(|value| collect_texts(value, &mut known));
        }
        let text = std::fs::read(root.join("message.json")).ok();
        let mut run = Self {
            root,
            record,
            split: if options.compat_split { Split::Every } else { Split::First },
            secrets,
            known,
            message: text.and_then(|text| serde_json::from_slice(&text).ok()),
            inputs: Vec::new(),
            notes: Vec::new(),
        };
        run.inputs = run.given();
        run
    }

    /// The inputs that have a version. A secret that was templated into the name of one is masked.
    fn given(&mut self) -> Vec<Value> {
        let mut given = Vec::new();
        for input in self.record.dependencies.iter().filter(|dependency| dependency.operation == Side::In) {
            let Some(version) = &input.version else { continue };
            let mut name = version.get("versionName").cloned().unwrap_or_default();
            if self.secrets.place(&name, "", &self.known).is_some() {
                name = crate::job::overview::MASK.into();
                self.notes.push(format!("the version name of {} holds a secret: it is kept masked", input.name));
            }
            let number = version.get("versionNumber").cloned().unwrap_or_default();
            given.push(json!({"name": input.name, "versionNumber": number, "versionName": name}));
        }
        given
    }

    /// The entries of `state/<name>.env`. A file that is not there, or cannot be read, says nothing.
    fn env_entries(&mut self, name: &str) -> Result<Vec<env_file::Entry>, Error> {
        let file = env_path(name);
        let path = self.root.join(&file);
        let source = match resource::open_regular(&path) {
            Ok(Some(source)) => source,
            Ok(None) => return Ok(Vec::new()),
            Err(error) => return Ok(self.passed_over(&error)),
        };
        let mut bytes = Vec::new();
        if let Err(error) = std::io::Read::read_to_end(&mut { source }, &mut bytes) {
            return Ok(self.passed_over(&Error::io("read", &file, &error)));
        }
        let entries = env_file::parse(&file, &bytes, self.split)?;
        // Not what they are: they may be the rest of a key.
        let lines = entries.iter().filter(|entry| entry.value.is_none()).count();
        if lines > 0 {
            let what = if lines == 1 { "a line has".to_owned() } else { format!("{lines} lines have") };
            self.notes.push(format!(
                "{}: {what} no = and nothing to say: a value of several lines is written as KEY<<END, its lines, END",
                file.display()
            ));
        }
        Ok(entries)
    }

    fn passed_over(&mut self, error: &Error) -> Vec<env_file::Entry> {
        self.notes.push(format!("{error}: passed over"));
        Vec::new()
    }

    /// Refuses a draft that would take a secret to where versions are kept. `file` tells where a key comes from.
    fn refuse_secrets(&self, draft: &Draft, kind: &str, file: impl Fn(&str) -> PathBuf) -> Result<(), Error> {
        let refuse = |key: &str, place: &str, name: &str| {
            Err(Error::failed(format_args!(
                "{}: {place} holds a secret of the job ({name}), which a version must not: leave it out, or keep a \
                 reference to the secret instead; nothing was saved",
                file(key).display()
            )))
        };
        let name = draft.version_name.as_deref().unwrap_or_default();
        if let Some((_, name)) = self.secrets.place(&name.into(), "", &self.known) {
            return refuse(env_file::VERSION_NAME, env_file::VERSION_NAME, name);
        }
        for (key, value) in &draft.property_bag {
            if let Some(name) = self.secrets.named_in(key.as_bytes()) {
                return refuse("", "a key", name);
            }
            let members = value.as_object().filter(|_| kind == "params" && key == "params");
            let Some(members) = members else {
                if let Some((place, name)) = self.secrets.place(value, key, &self.known) {
                    return refuse(key, &place, name);
                }
                continue;
            };
            // `secure` has been made the references that the yml has.
            for (key, value) in members.iter().filter(|(key, _)| *key != crate::job::params::SECURE) {
                if let Some(name) = self.secrets.named_in(key.as_bytes()) {
                    return refuse("", "a key of params", name);
                }
                if let Some((place, name)) = self.secrets.place(value, key, &self.known) {
                    return refuse(key, &place, name);
                }
            }
        }
        Ok(())
    }
}

/// Where a job says something about a resource or itself.
fn env_path(name: &str) -> PathBuf {
    PathBuf::from(format!("state/{name}.env"))
}

/// Whether an option of a step is true, as JavaScript sees it.
fn option_is_set(output: &Recorded, option: &str) -> bool {
    output.step.get(option).is_some_and(|value| !crate::job::document::is_falsy(value))
}

fn collect_texts(value: &Value, texts: &mut HashSet<String>) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| collect_texts(element, texts)),
        Value::Object(members) => members.values().for_each(|member| collect_texts(member, texts)),
        scalar => {
            texts.insert(crate::job::integration::scalar_text(scalar));
        }
    }
}
