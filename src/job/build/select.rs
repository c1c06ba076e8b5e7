//! Which version each input and output of a job has.
//!
//! Nothing is made here: a version that has to be made first is a [`Draft`].

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::options::Options;
use super::params;
use super::sources::{Commits, Draft, Owner, Repository, Sources, Version, Versions};
use crate::config::shippable::{Dependency, JOB_TYPES, Job, Pipeline, RESOURCE_TYPES, Resource};
use crate::config::yaml::Node;
use crate::error::{Error, Kind};
use crate::job::directory::Operation;
use crate::job::managed::Managed;
use crate::job::names;

/// An input or output, and its version.
#[derive(Debug)]
pub(crate) struct Chosen<'a> {
    pub operation: Operation,
    pub name: &'a str,
    pub kind: &'a str,
    pub is_job: bool,
    pub step: &'a Dependency,
    pub yml: &'a Node,
    /// None for a job.
    pub resource: Option<&'a Resource>,
    /// What the yml says of its version.
    pub section: Map<String, Value>,
    pub owner: Owner,
    /// None for an output that nobody has made yet. While it is a draft, with the number that it is likely to get.
    pub version: Option<Version>,
    pub draft: Option<Draft>,
    /// The name that its version has for this run alone.
    pub called: Option<String>,
    pub normalized_repo: Option<Map<String, Value>>,
}

impl Chosen<'_> {
    /// As `IN app-img`.
    pub fn shown(&self) -> String {
        format!("{} {}", self.operation.as_str(), self.name)
    }

    /// Gives it a version that was made, under the name that this run calls it by.
    pub fn has_made(&mut self, version: Version) {
        self.version = Some(version);
        self.rename();
    }

    fn rename(&mut self) {
        if let (Some(version), Some(name)) = (&mut self.version, &self.called) {
            version.version_name = Some(name.clone());
        }
    }

    /// Whether it has a clone.
    pub fn is_repository(&self) -> bool {
        is_repository(self.kind)
    }

    /// The repository, as the source of commits has to know it.
    pub fn repository<'b>(&'b self, options: &'b Options, wanted: Option<&'b str>) -> Repository<'b> {
        let checkout = options.checkouts.get(self.name).map(std::path::PathBuf::as_path);
        Repository { name: self.name, section: &self.section, checkout, wanted }
    }
}

fn is_repository(kind: &str) -> bool {
    matches!(kind, "gitRepo" | "syncRepo")
}

/// Chooses the versions of a job's inputs and outputs, in the order of the steps.
pub(super) fn choose<'a>(
    pipeline: &'a Pipeline,
    job: &'a Job,
    options: &Options,
    sources: &Sources,
    notes: &mut Vec<String>,
) -> Result<Vec<Chosen<'a>>, Error> {
    let resources: HashMap<&str, &Resource> = pipeline.resources.iter().map(|one| (one.name.as_str(), one)).collect();
    let jobs: HashMap<&str, &Job> = pipeline.jobs.iter().map(|one| (one.name.as_str(), one)).collect();
    let mut seen = HashSet::new();
    let mut chosen = Vec::new();
    for step in job.dependencies() {
        let name = step.name.as_str();
        if !seen.insert((step.operation, name)) {
            notes.push(format!("{}: {} {name} is there twice: the first counts", step.at, step.operation.as_str()));
            continue;
        }
        let mut one = match (resources.get(name), jobs.get(name)) {
            (Some(resource), _) => of_resource(step, resource)?,
            (None, Some(job)) => of_job(step, job)?,
            (None, None) => {
                let near = names::did_you_mean(name, pipeline.names());
                let message = format!("{}: Missing dependency for: {} {name}{near}", step.at, step.operation.as_str());
                return Err(Error::new(Kind::Configuration, message));
            }
        };
        Choice { options, versions: sources.versions, commits: Some(sources.commits) }.choose(&mut one)?;
        if one.is_job && one.draft.is_some() {
            let (at, kind) = (&step.at, one.kind);
            notes.push(format!("{at}: a {kind} job has no runs here: IN {name} is a version without state"));
        }
        chosen.push(one);
    }
    Ok(chosen)
}

/// The version of a resource that one step takes in, nothing made: where the yml says something that the store does
/// not have yet, what the yml says. `called` is the name that it gets whatever either says.
pub(crate) fn input<'a>(
    step: &'a Dependency,
    resource: &'a Resource,
    called: Option<&str>,
    versions: &dyn Versions,
) -> Result<Chosen<'a>, Error> {
    let mut one = of_resource(step, resource)?;
    let choice = Choice { options: &Options::default(), versions, commits: None };
    match called {
        Some(name) => choice.named(&mut one, name)?,
        None => choice.choose(&mut one)?,
    }
    Ok(one)
}

fn of_resource<'a>(step: &'a Dependency, resource: &'a Resource) -> Result<Chosen<'a>, Error> {
    let (version_name, mut section) = resource.section();
    if resource.kind == "params" {
        params::without_secure_text(&mut section);
    }
    let kind = known_kind(&resource.kind, &resource.yml, &resource.name, &RESOURCE_TYPES)?;
    let section_digest = digest(version_name.as_deref(), &section);
    Ok(Chosen {
        operation: step.operation,
        name: &resource.name,
        kind,
        is_job: false,
        step,
        yml: &resource.yml,
        resource: Some(resource),
        owner: Owner::Resource(resource.name.clone()),
        version: None,
        draft: Some(Draft { version_name, property_bag: section.clone(), section: section_digest }),
        called: None,
        section,
        normalized_repo: None,
    })
}

fn of_job<'a>(step: &'a Dependency, job: &'a Job) -> Result<Chosen<'a>, Error> {
    // Made at first use, as for a resource: nothing else ever would, and those that take it in could not be run.
    let is_made = step.operation == Operation::In && Managed::leaves_no_version(job);
    let empty = || Draft { version_name: None, property_bag: Map::new(), section: digest(None, &Map::new()) };
    Ok(Chosen {
        operation: step.operation,
        name: &job.name,
        kind: known_kind(&job.kind, &job.yml, &job.name, &JOB_TYPES)?,
        is_job: true,
        step,
        yml: &job.yml,
        resource: None,
        owner: Owner::Job(job.name.clone()),
        version: None,
        draft: is_made.then(empty),
        called: None,
        section: Map::new(),
        normalized_repo: None,
    })
}

/// The type, which is also the name of a folder.
pub(super) fn known_kind<'a>(kind: &'a str, yml: &Node, name: &str, known: &[&'static str]) -> Result<&'a str, Error> {
    if known.contains(&kind) {
        return Ok(kind);
    }
    let at = yml.get("type").map_or(&yml.at, |node| &node.at);
    let near = names::did_you_mean(kind, known.iter().copied());
    let message = format!("{at}: {name} has the type {kind}, which nobody knows{near}");
    Err(Error::new(Kind::Configuration, message))
}

/// What tells whether a section of the yml is another one.
fn digest(version_name: Option<&str>, bag: &Map<String, Value>) -> String {
    let text = json!({"versionName": version_name, "propertyBag": bag}).to_string();
    super::hex(&Sha256::digest(text.as_bytes()))
}

/// Who chooses.
struct Choice<'a> {
    options: &'a Options,
    versions: &'a dyn Versions,
    /// None where clones do not matter.
    commits: Option<&'a dyn Commits>,
}

/// How a version was asked for.
enum Pin<'a> {
    Number(u64, &'static str),
    Name(&'a str, &'static str),
}

impl Choice<'_> {
    fn choose(&self, one: &mut Chosen) -> Result<(), Error> {
        if let (true, Some(commits)) = (one.is_repository(), self.commits) {
            one.normalized_repo = commits.normalized_repo(&one.repository(self.options, None))?;
        }
        if one.operation == Operation::In {
            return self.input(one);
        }
        self.newest(one)
    }

    fn input(&self, one: &mut Chosen) -> Result<(), Error> {
        let step = |key| one.step.option(key).and_then(Node::scalar);
        let (step_number, step_name) = (step("versionNumber"), step("versionName"));
        let set = |key| self.options.chosen(one.name, key);
        let found = if let Some(number) = set("versionNumber") {
            Some(Pin::Number(number_of(one, number)?, "--set"))
        } else if let Some(name) = set("versionName") {
            let has_files = one.is_repository() || one.kind == "state" || matches!(one.owner, Owner::Job(_));
            if !has_files && self.versions.version_named(&one.owner, name)?.is_none() {
                return self.named(one, name);
            }
            Some(Pin::Name(name, "--set"))
        } else if let Some(number) = &step_number {
            Some(Pin::Number(number_of(one, number)?, "the step"))
        } else if let Some(name) = &step_name {
            Some(Pin::Name(name, "the step"))
        } else {
            self.versions.pinned(&one.owner)?.map(|number| Pin::Number(number, "`version pin`"))
        };
        if let Some(pin) = found {
            return self.pinned(one, &pin);
        }
        self.newest(one)?;
        if one.is_repository() {
            self.at_commit(one, None)?;
        }
        self.require_version(one)
    }

    /// A version that the store does not have, such as the tag of an image that another tool has just pushed: the
    /// newest one under this name, for this run alone. What is made of a draft keeps the name that the yml gives it, for
    /// later runs.
    fn named(&self, one: &mut Chosen, name: &str) -> Result<(), Error> {
        self.newest(one)?;
        one.called = Some(name.to_owned());
        one.rename();
        self.require_version(one)
    }

    fn pinned(&self, one: &mut Chosen, pin: &Pin) -> Result<(), Error> {
        let versions = self.versions;
        let (found, who, what) = match pin {
            Pin::Number(number, who) => (versions.version(&one.owner, *number)?, who, number.to_string()),
            Pin::Name(name, who) => (versions.version_named(&one.owner, name)?, who, format!("called {name:?}")),
        };
        if found.is_some() {
            (one.version, one.draft) = (found, None);
            return Ok(());
        }
        self.newest(one)?;
        if Self::is_draft(one, pin) {
            if one.is_repository() {
                self.at_commit(one, None)?;
            }
            return Ok(());
        }
        // A commit that no run has had yet.
        if let (Pin::Name(name, _), true) = (pin, one.is_repository())
            && self.at_commit(one, Some(name))?
        {
            return Ok(());
        }
        Err(self.not_there(one, who, &what)?)
    }

    /// Whether a pin is what the yml says, of which a version is about to be made.
    fn is_draft(one: &Chosen, pin: &Pin) -> bool {
        let (Some(draft), Some(version)) = (&one.draft, &one.version) else { return false };
        match pin {
            Pin::Number(number, _) => *number == version.version_number,
            // The name of a commit is that of the commit, whatever the yml says.
            Pin::Name(name, _) => !one.is_repository() && draft.version_name.as_deref() == Some(name),
        }
    }

    fn not_there(&self, one: &Chosen, who: &str, what: &str) -> Result<Error, Error> {
        let versions = self.versions;
        let there = versions.recent(&one.owner, 5)?;
        let shown = |version: &Version| match &version.version_name {
            Some(name) => format!("{} ({name})", version.version_number),
            None => version.version_number.to_string(),
        };
        let there = match there.as_slice() {
            [] => "it has none yet".to_owned(),
            some => format!("the newest are {}", some.iter().rev().map(shown).collect::<Vec<_>>().join(", ")),
        };
        let message = format!(
            "{}: {} wants version {what} of {}, which is not in {}: {there}; see `shipctl version list {}`",
            one.step.at,
            who,
            one.name,
            versions.place(),
            one.name
        );
        Ok(Error::new(Kind::Configuration, message))
    }

    /// The newest version, or the draft of the next where the yml says something else than it did.
    fn newest(&self, one: &mut Chosen) -> Result<(), Error> {
        let latest = self.versions.latest(&one.owner)?;
        let Some(draft) = &mut one.draft else {
            one.version = latest;
            return Ok(());
        };
        match latest {
            Some(latest) if latest.section.as_ref().is_none_or(|section| *section == draft.section) => {
                one.version = Some(latest);
                one.draft = None;
            }
            latest => {
                // The files of a state are not in the yml, so that no change of it may lose them.
                let sha = latest.as_ref().and_then(|latest| latest.property_bag.get("shaData"));
                if let (Some(sha), "state") = (sha, one.kind) {
                    draft.property_bag.insert("shaData".to_owned(), sha.clone());
                    draft.version_name = latest.as_ref().and_then(|latest| latest.version_name.clone());
                }
                one.version = Some(likely(draft, latest.as_ref()));
            }
        }
        Ok(())
    }

    /// The version of the commit that the job is about; false where nothing tells which that is.
    fn at_commit(&self, one: &mut Chosen, wanted: Option<&str>) -> Result<bool, Error> {
        let Some(commits) = self.commits else { return Ok(false) };
        let Some(sha_data) = commits.sha_data(&one.repository(self.options, wanted))? else {
            return Ok(false);
        };
        let Some(base) = &one.version else { return Ok(false) };
        let sha_data = Value::Object(sha_data);
        let sha = sha_data.get("commitSha").and_then(Value::as_str).map(str::to_owned);
        if one.draft.is_none() && base.version_name == sha && base.property_bag.get("shaData") == Some(&sha_data) {
            return Ok(true);
        }
        let section = match (&one.draft, &base.section) {
            (Some(draft), _) => draft.section.clone(),
            (None, Some(section)) => section.clone(),
            (None, None) => digest(None, &one.section),
        };
        let mut draft = Draft { version_name: sha, property_bag: base.property_bag.clone(), section };
        // They tell of the event that brought another commit.
        draft.property_bag.retain(|key, _| !key.starts_with("webhookRequest"));
        draft.property_bag.insert("shaData".to_owned(), sha_data);
        let latest = if one.draft.is_some() { base.version_number.checked_sub(1) } else { Some(base.version_number) };
        let mut version = likely(&draft, None);
        version.version_number = latest.unwrap_or_default() + 1;
        (one.version, one.draft) = (Some(version), Some(draft));
        Ok(true)
    }

    fn require_version(&self, one: &Chosen) -> Result<(), Error> {
        if one.version.is_some() {
            return Ok(());
        }
        let (name, at, place) = (one.name, &one.step.at, self.versions.place());
        let message = format!(
            "{at}: IN {name} needs a version, and the job {name} has none in {place}: run it first with `shipctl job run \
             {name}`"
        );
        Err(Error::new(Kind::Configuration, message))
    }
}

/// A draft as the version that it is likely to become.
fn likely(draft: &Draft, latest: Option<&Version>) -> Version {
    Version {
        version_number: latest.map_or(0, |latest| latest.version_number) + 1,
        version_id: 0,
        version_name: draft.version_name.clone(),
        created_at: String::new(),
        property_bag: draft.property_bag.clone(),
        section: Some(draft.section.clone()),
        inputs: Vec::new(),
        run: None,
    }
}

fn number_of(one: &Chosen, text: &str) -> Result<u64, Error> {
    text.parse().map_err(|_| {
        let message = format!("{}: versionNumber of {} is {text:?}, not a number", one.step.at, one.name);
        Error::new(Kind::Configuration, message)
    })
}
