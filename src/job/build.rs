//! The job directory, made from the yml, versions, secrets and commits.
//!
//! [`init`] reads and works out everything first, then makes the versions that were not there yet, and writes last: into
//! a folder of its own that takes the place of the job directory when it is whole: [`stage`] makes that folder, for those
//! who have more to put into it.

mod message; // message.json
mod options; // what a person asked for
pub(crate) mod params; // secure, and the params file
mod plan; // everything that gets into the files
mod scope; // placeholders and their values
pub(crate) mod select; // which version each resource has
pub mod sources; // versions, secrets, commits: what others give
mod write; // the files

#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

pub use options::{Options, Override, Undefined};

use crate::config::integrations::stable_id;
use crate::config::shippable::{JOB_TYPES, Job, Pipeline};
use crate::error::{Error, Kind};
use crate::job::directory::Operation;
use crate::job::names;
use crate::job::record::{self, Record};
use params::References;
use plan::{Given, Plan};
use select::Chosen;
use sources::{IntegrationRecord, Owner, Sources, Version};
use write::Hidden;

/// A job directory that was made.
#[derive(Debug)]
pub struct Made {
    /// Where.
    pub dir: PathBuf,
    /// What a person should know of it, one line each.
    pub notes: Vec<String>,
    /// What is in `status/run.json`.
    pub record: Record,
}

/// A job directory with everything in it that nobody has been shown yet. Dropped, it is gone.
#[derive(Debug)]
pub struct Staged {
    hidden: Hidden,
    made: Made,
}

impl Staged {
    /// Where it is for now.
    pub fn path(&self) -> &Path {
        self.hidden.path()
    }

    /// Where it is going to be.
    pub fn dir(&self) -> &Path {
        &self.made.dir
    }

    /// What is in its `status/run.json`.
    pub fn record_mut(&mut self) -> &mut Record {
        &mut self.made.record
    }

    /// Adds what a person should know.
    pub fn note(&mut self, notes: impl IntoIterator<Item = String>) {
        self.made.notes.extend(notes);
    }

    /// Puts it in its place, and what was there out of the way.
    ///
    /// # Errors
    ///
    /// A folder that cannot be written: what was there stays.
    pub fn show(self) -> Result<Made, Error> {
        self.hidden.show(&self.made.dir)?;
        Ok(self.made)
    }
}

/// Makes the job directory of a job, whole or not at all.
///
/// # Errors
///
/// As for [`stage`].
pub fn init(pipeline: &Pipeline, job: &str, options: &Options, sources: &Sources) -> Result<Made, Error> {
    stage(pipeline, job, options, sources)?.show()
}

/// Makes the job directory of a job where nobody looks for it.
///
/// # Errors
///
/// [`Kind::Usage`] for options that name nothing; [`Kind::Configuration`] for a yml, a version or a secret that is
/// wrong or missing; what the sources fail with; a folder that cannot be written.
pub fn stage(pipeline: &Pipeline, job: &str, options: &Options, sources: &Sources) -> Result<Staged, Error> {
    let job = pipeline.require_job(job)?;
    if !names::is_component(job.name.as_bytes()) {
        let message = format!("{}: {:?} cannot be the name of a folder", job.yml.at, job.name);
        return Err(Error::new(Kind::Configuration, message));
    }
    select::known_kind(&job.kind, &job.yml, &job.name, &JOB_TYPES)?;
    options.check(job)?;
    write::refuse_taken(&options.dir)?;
    let ssh_key = options.ssh_key.as_ref().map(|file| {
        std::fs::read(file).map_err(|error| Error::io("read", file, &error).with_kind(Kind::Configuration))
    });
    let ssh_key = ssh_key.transpose()?;
    let mut notes = Vec::new();
    let mut chosen = select::choose(pipeline, job, options, sources, &mut notes)?;
    let (integrations, references, task_secrets) = secrets(job, &chosen, sources, &mut notes)?;
    let given = Given { job, integrations: &integrations, references: &references, options, sources: *sources };
    // What is wrong with it is said before anything is made.
    let mut plan = Plan::of(&given, &chosen)?;
    if create(&mut chosen, sources)? {
        // One at a time: a thousand resources are some megabytes.
        drop(plan);
        plan = Plan::of(&given, &chosen)?;
    }
    let token = token()?;
    let mut dependencies = std::mem::take(&mut plan.recorded);
    for (recorded, planned) in dependencies.iter_mut().zip(&plan.dependencies) {
        let secure = planned.object.pointer("/version/propertyBag/params/secure");
        recorded.secure = secure.map(|secure| record::secure_digest(&token, secure));
    }
    let record = Record {
        job: job.name.clone(),
        kind: job.kind.clone(),
        build_number: sources.facts.build_number.clone(),
        token,
        store: sources.versions.place(),
        dependencies,
        compat: options.compat,
        cli_variables: Vec::new(),
        cli_removed: Vec::new(),
        masks: Vec::new(),
        task_secrets,
        runner: None,
        allow_secrets: options.allow_secrets,
    };
    let hidden = write::write(&plan, &given, &chosen, &record, ssh_key.as_deref())?;
    notes.extend(plan.notes);
    Ok(Staged { hidden, made: Made { dir: options.dir.clone(), notes, record } })
}

/// Makes the versions that are drafts so far; false when there were none. An output that is an input as well has the
/// version that was made for that.
fn create(chosen: &mut [Chosen], sources: &Sources) -> Result<bool, Error> {
    let mut made: HashMap<Owner, Version> = HashMap::new();
    for side in [Operation::In, Operation::Out] {
        for one in chosen.iter_mut().filter(|one| one.operation == side) {
            let Some(draft) = one.draft.take() else { continue };
            let version = match made.get(&one.owner) {
                Some(version) => version.clone(),
                None => sources.versions.create(&one.owner, &draft)?,
            };
            made.insert(one.owner.clone(), version.clone());
            one.has_made(version);
        }
    }
    Ok(!made.is_empty())
}

/// Integrations by name, and by reference what those of params and of TASKs stand for.
type Values = (BTreeMap<String, IntegrationRecord>, References, BTreeMap<String, String>);

/// Every secret of the job; what is missing is said at once.
fn secrets(job: &Job, chosen: &[Chosen], sources: &Sources, notes: &mut Vec<String>) -> Result<Values, Error> {
    let of_resources = chosen.iter().filter_map(|one| one.resource?.integration.as_ref());
    let mut wanted = Vec::new();
    for named in of_resources.chain(&job.integrations) {
        if !names::is_component(named.name.as_bytes()) {
            let message = format!("{}: {:?} cannot be the name of an integration", named.at, named.name);
            return Err(Error::new(Kind::Configuration, message));
        }
        wanted.push(named.name.as_str());
    }
    wanted.sort_unstable();
    wanted.dedup();
    let mut missing = Vec::new();
    let references = params::resolve(chosen, sources.secrets, notes, &mut missing);
    let task_secrets = params::resolve_tasks(job, sources.secrets, notes, &mut missing);
    let found = if wanted.is_empty() { Ok(BTreeMap::new()) } else { sources.secrets.resolve(&wanted) };
    match (found, missing.is_empty()) {
        (Ok(found), true) => {
            let lacking: Vec<&str> = wanted.into_iter().filter(|name| !found.contains_key(*name)).collect();
            if lacking.is_empty() {
                return Ok((found, references, task_secrets));
            }
            Err(Error::new(Kind::Configuration, format_args!("no integration {}", lacking.join(", "))))
        }
        (Err(error), true) => Err(error),
        (Ok(_), false) => Err(Error::new(Kind::Configuration, missing.join("; "))),
        (Err(error), false) => {
            let kind = error.kind();
            Err(Error::new(kind, format_args!("{error}; {}", missing.join("; "))))
        }
    }
}

/// The number that stands for a name: the same on every machine, and small enough for every reader of JSON.
pub fn stable_number(name: &str) -> u64 {
    u64::from(stable_id(name))
}

/// Random digits that tell this run from any other of its build number.
pub(crate) fn token() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::failed(format_args!("no random number to be had: {error}")))?;
    Ok(hex(&bytes))
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
