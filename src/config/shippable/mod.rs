//! A pipeline: the jobs and resources of `shippable.yml` and its sibling files.
//!
//! Both spellings of the platform are read: `pointer`, `seed` and `version`, and the later `versionTemplate`. What is
//! wrong with one entry does not hide the others: it is kept as a [`Problem`], which `job lint` lists and which stops
//! the commands that need the entry.

mod files; // which files
mod job; // steps, tasks, hooks
mod read; // the files, one after another

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json};

pub use files::find;
pub use job::{Dependency, Hook, Hooks, Job, Named, Script, Step, Task};

use crate::config::yaml::{Key, Node, Place, Value};
use crate::error::{Error, Kind};
use crate::job::names;

/// Types that are jobs.
pub const JOB_TYPES: [&str; 11] = [
    "runSh",
    "runCI",
    "runCLI",
    "deploy",
    "manifest",
    "release",
    "provision",
    "rSync",
    "jenkinsJob",
    "ciJob",
    "externalCI",
];

/// Types that are resources.
pub const RESOURCE_TYPES: [&str; 19] = [
    "gitRepo",
    "image",
    "dockerOptions",
    "params",
    "replicas",
    "time",
    "version",
    "trigger",
    "syncRepo",
    "cluster",
    "notification",
    "loadBalancer",
    "integration",
    "file",
    "ciRepo",
    "cliConfig",
    "state",
    "externalCIServer",
    "webhook",
];

/// Something wrong with the pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub at: Place,
    /// What kind of problem, as `job lint` names it: words with hyphens, stable.
    pub rule: &'static str,
    /// The job or resource it is in, when it is in one.
    pub entry: Option<String>,
    /// What, and what to write instead.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.text)
    }
}

/// A resource.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its name.
    pub name: String,
    /// Its type, such as `image`.
    pub kind: String,
    /// The integration that it uses.
    pub integration: Option<Named>,
    /// The whole entry.
    pub yml: Node,
}

impl Resource {
    /// Where the entry begins.
    pub fn at(&self) -> &Place {
        &self.yml.at
    }

    /// `version.versionName` and `version.propertyBag` of a version made from the yml: `versionTemplate`, or `pointer`,
    /// `seed` and `version` united in this order.
    pub fn section(&self) -> (Option<String>, Map<String, Json>) {
        let mut bag = Map::new();
        for key in ["pointer", "seed", "version", "versionTemplate"] {
            let Some(part) = self.yml.get(key) else { continue };
            bag.extend(part.members().iter().map(|(key, value)| (key.text.clone(), value.to_json())));
        }
        let name = bag.shift_remove("versionName").filter(|name| !name.is_null());
        (name.map(|name| crate::job::integration::scalar_text(&name)), bag)
    }
}

/// A pipeline.
#[derive(Debug, Default)]
pub struct Pipeline {
    /// The files it was read from, templates first.
    pub files: Vec<PathBuf>,
    /// Jobs, in the order written.
    pub jobs: Vec<Job>,
    /// Resources and triggers, in the order written.
    pub resources: Vec<Resource>,
    /// What is wrong, in the order of the files.
    pub problems: Vec<Problem>,
    /// What is likely not meant as it is written.
    pub remarks: Vec<Problem>,
    /// The text of each file.
    pub sources: Vec<(PathBuf, String)>,
    /// Lists at the top of a file that are no section of a pipeline: templates, the CI part, slips.
    pub others: Vec<(Key, Node)>,
    /// Whether a file could not be read: what refers to it cannot be judged.
    pub is_incomplete: bool,
}

impl Pipeline {
    fn add(&mut self, root: &Node) {
        if !root.is_null() && !matches!(root.value, Value::Map(_)) {
            self.problem(
                "wrong-kind",
                &root.at,
                None,
                format!("a map with jobs: and resources: was expected, not {}", root.kind()),
            );
        }
        for (key, node) in root.members() {
            match key.text.as_str() {
                "jobs" => self.entries(node, "job", Self::add_job),
                "resources" | "triggers" => self.entries(node, "resource", Self::add_resource),
                _ if matches!(node.value, Value::List(_)) => self.others.push((key.clone(), node.clone())),
                _ => {}
            }
        }
    }

    /// A list of maps; lists in it, which templates bring along, count as if written out.
    fn entries(&mut self, node: &Node, what: &str, add: fn(&mut Self, &Node, &str, &str)) {
        if node.is_null() {
            return;
        }
        if !matches!(node.value, Value::List(_)) {
            let name = node.members().first().map_or("NAME", |(key, _)| key.text.as_str());
            let text = format!("{what}s: is {}, not a list: write each as `- name: {name}` with a type:", node.kind());
            self.problem("wrong-kind", &node.at, None, text);
        }
        for entry in node.elements() {
            match &entry.value {
                Value::List(_) => self.entries(entry, what, add),
                Value::Map(_) => {
                    let name = self.required_text(entry, "name", what, None);
                    let kind = name.as_deref().and_then(|name| self.required_text(entry, "type", what, Some(name)));
                    if let (Some(name), Some(kind)) = (name, kind) {
                        if !names::is_component(name.as_bytes()) {
                            let text = format!("{name:?} cannot be a name: it would be a folder's");
                            self.problem("invalid-name", &entry.at, Some(&name), text);
                        }
                        add(self, entry, &name, &kind);
                    }
                }
                _ => self.problem(
                    "wrong-kind",
                    &entry.at,
                    None,
                    format!("a {what} was expected (name:, type:), not {}", entry.kind()),
                ),
            }
        }
    }

    fn required_text(&mut self, entry: &Node, key: &str, what: &str, name: Option<&str>) -> Option<String> {
        let found = entry.get(key).and_then(Node::scalar).filter(|text| !text.is_empty());
        if found.is_none() {
            let at = entry.get(key).map_or(&entry.at, |node| &node.at).clone();
            let of = name.map(|name| format!(" {name}")).unwrap_or_default();
            let rule = if key == "name" { "missing-name" } else { "missing-type" };
            let example = match (key, what) {
                ("name", _) => "",
                (_, "job") => ", such as `type: runSh`",
                _ => ", such as `type: image`",
            };
            let text = match entry.get(key).map(Node::kind) {
                Some(kind @ ("a list" | "a map")) => {
                    format!("{what}{of} has no {key} but {kind}: write `{key}: {}`", key.to_uppercase())
                }
                _ => format!("{what}{of} has no {key}: add `{key}:`{example}"),
            };
            self.problem(rule, &at, name, text);
        }
        found
    }

    fn add_resource(&mut self, entry: &Node, name: &str, kind: &str) {
        let integration = entry.get("integration").and_then(|node| {
            if node.scalar().is_none() && !node.is_null() {
                self.problem(
                    "wrong-kind",
                    &node.at,
                    Some(name),
                    format!("integration: of {name} is {}, not a name", node.kind()),
                );
            }
            node.scalar().map(|name| Named { name, at: node.at.clone() })
        });
        for key in ["pointer", "seed", "version", "versionTemplate"] {
            if let Some(part) = entry.get(key)
                && !part.is_null()
                && !matches!(part.value, Value::Map(_))
            {
                self.problem(
                    "wrong-kind",
                    &part.at,
                    Some(name),
                    format!("{key}: of {name} is {}, not a map", part.kind()),
                );
            }
        }
        self.resources.push(Resource { name: name.to_owned(), kind: kind.to_owned(), integration, yml: entry.clone() });
    }

    fn add_job(&mut self, entry: &Node, name: &str, kind: &str) {
        let (job, problems) = Job::read(entry, name, kind);
        self.jobs.push(job);
        self.problems.extend(problems);
    }

    fn problem(&mut self, rule: &'static str, at: &Place, entry: Option<&str>, text: String) {
        self.problems.push(Problem { at: at.clone(), rule, entry: entry.map(str::to_owned), text });
    }

    /// Jobs and resources share their names: an input may be either.
    fn refuse_duplicates(&mut self) {
        let jobs = self.jobs.iter().map(|job| (job.name.clone(), job.yml.at.clone()));
        let resources = self.resources.iter().map(|resource| (resource.name.clone(), resource.yml.at.clone()));
        let mut seen: HashMap<String, Place> = HashMap::new();
        let mut problems = Vec::new();
        for (name, at) in resources.chain(jobs) {
            if let Some(first) = seen.get(&name) {
                let text = format!("{name} is there twice, first at {first}: rename one of them");
                problems.push(Problem { at, rule: "duplicate-name", entry: Some(name), text });
            } else {
                seen.insert(name, at);
            }
        }
        self.problems.extend(problems);
    }

    /// The folder that references in it are relative to, as seen from `cwd`: that of its first file.
    pub fn base(&self, cwd: &Path) -> PathBuf {
        let folder = self.files.first().and_then(|file| file.parent());
        folder.map_or_else(|| cwd.to_owned(), |folder| cwd.join(folder))
    }

    /// A resource by its name.
    pub fn resource(&self, name: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.name == name)
    }

    /// A job by its name.
    pub fn job(&self, name: &str) -> Option<&Job> {
        self.jobs.iter().find(|job| job.name == name)
    }

    /// Every name that a step may have.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let resources = self.resources.iter().map(|resource| resource.name.as_str());
        resources.chain(self.jobs.iter().map(|job| job.name.as_str()))
    }

    /// A job that a command was asked for, and nothing wrong with it or with what it takes in and gives out.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`]: no such job, or the first problem and how many more there are.
    pub fn require_job(&self, name: &str) -> Result<&Job, Error> {
        let Some(job) = self.job(name) else {
            let near = names::did_you_mean(name, self.jobs.iter().map(|job| job.name.as_str()));
            let files: Vec<String> = self.files.iter().map(|file| file.display().to_string()).collect();
            let message = if self.jobs.is_empty() && !self.problems.is_empty() {
                self.problems[0].to_string()
            } else {
                format!("no job {name} in {}{near}; see `shipctl job list`", files.join(", "))
            };
            return Err(Error::new(Kind::Configuration, message));
        };
        let steps = job.dependencies().map(|dependency| dependency.name.as_str());
        let concerned: HashSet<&str> = steps.chain([name]).collect();
        let own = |problem: &&Problem| problem.entry.as_deref().is_none_or(|entry| concerned.contains(entry));
        let problems: Vec<&Problem> = self.problems.iter().filter(own).collect();
        let known: HashSet<&str> = self.names().collect();
        let unknown = job.dependencies().find(|dependency| !known.contains(dependency.name.as_str()));
        let first = match (problems.as_slice(), unknown) {
            ([], None) => return Ok(job),
            ([], Some(dependency)) => {
                let near = names::did_you_mean(&dependency.name, self.names());
                format!(
                    "{}: Missing dependency for: {} {}: no resource or job of this name{near}",
                    dependency.at,
                    dependency.operation.as_str(),
                    dependency.name
                )
            }
            ([first], _) => first.to_string(),
            ([first, more @ ..], _) => format!("{first}; and {} more: see `shipctl job lint`", more.len()),
        };
        Err(Error::new(Kind::Configuration, first))
    }
}

#[cfg(test)]
mod tests;
