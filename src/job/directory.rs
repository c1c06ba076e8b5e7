//! Where the job directory is, and what lies where in it.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::ctx::{Ctx, Env};
use crate::error::Error;
use crate::job::resource::open_regular;
use crate::job::{message, names};
use crate::support::json;

/// Which side of a job a resource is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// An input.
    In,
    /// An output.
    Out,
}

impl Operation {
    /// As in folder names and in `version.json`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::In => "IN",
            Self::Out => "OUT",
        }
    }
}

/// A resource's folder in the job directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceFolder {
    /// The side it is on.
    pub operation: Operation,
    /// The name as in the yml, which is the folder's.
    pub name: OsString,
    /// `<root>/{IN,OUT}/<name>`, which scripts know as `<N>_META`.
    pub meta: PathBuf,
}

/// The job directory that a command reads: the process environment first, then its files.
#[derive(Debug)]
pub struct JobDirectory<'a> {
    /// The environment, which wins over the files.
    pub env: &'a Env,
    root: Option<PathBuf>,
    /// True when `--job-dir` chose the root, so that `$JOB_STATE` and the like do not count.
    chosen: bool,
}

impl<'a> JobDirectory<'a> {
    /// `--job-dir`, else `$JOB_PATH`, else the nearest parent folder that looks like a job directory.
    pub fn of(ctx: &'a Ctx) -> Result<Self, Error> {
        if let Some(dir) = &ctx.job_dir {
            let root = ctx.absolute(dir)?;
            if !root.is_dir() {
                return Err(Error::drop_in(format_args!("--job-dir {}: no such folder", dir.display())));
            }
            return Ok(Self { env: &ctx.env, root: Some(root), chosen: true });
        }
        let root = match ctx.env.get_filled("JOB_PATH") {
            Some(path) => Some(ctx.absolute(Path::new(&path))?),
            None => ctx.cwd().ok().and_then(|cwd| nearest_root(&cwd)),
        };
        Ok(Self { env: &ctx.env, root, chosen: false })
    }

    /// A job directory at a known place, for callers that built or were given it.
    pub fn at(env: &'a Env, root: PathBuf) -> Self {
        Self { env, root: Some(root), chosen: true }
    }

    /// No folder at all: only the environment that is given.
    pub fn nowhere(env: &'a Env) -> Self {
        Self { env, root: None, chosen: true }
    }

    /// The root, when there is one.
    pub fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// The root, or an error that says how to name one.
    pub fn require_root(&self) -> Result<&Path, Error> {
        self.root().ok_or_else(|| {
            Error::drop_in("no job directory: set JOB_PATH, call shipctl with --job-dir DIR, or run it inside one")
        })
    }

    /// What a variable names, unless `--job-dir` chose the root; else a place in the job directory.
    pub fn place(&self, variable: &str, below_root: &str) -> Result<PathBuf, Error> {
        if !self.chosen
            && let Some(path) = self.env.get_filled(variable)
        {
            return Ok(PathBuf::from(path));
        }
        match self.root() {
            Some(root) => Ok(root.join(below_root)),
            None => Err(Error::drop_in(format_args!(
                "{variable} is not set and there is no job directory: set it, or call shipctl with --job-dir DIR"
            ))),
        }
    }

    /// `$JOB_STATE`, else `state` in the job directory.
    pub fn state(&self) -> Result<PathBuf, Error> {
        self.place("JOB_STATE", "state")
    }

    /// `$JOB_PREVIOUS_STATE`, else `previousState` in the job directory.
    pub fn previous_state(&self) -> Result<PathBuf, Error> {
        self.place("JOB_PREVIOUS_STATE", "previousState")
    }

    /// `$JOB_INTEGRATIONS`, else `integrations` in the job directory.
    pub fn integrations(&self) -> Result<PathBuf, Error> {
        self.place("JOB_INTEGRATIONS", "integrations")
    }

    /// `$JOB_MESSAGE`, else `message.json` in the job directory.
    pub fn message(&self) -> Result<PathBuf, Error> {
        self.place("JOB_MESSAGE", "message.json")
    }

    /// `$JOB_NAME`, else the name in `message.json`.
    pub fn job_name(&self) -> Option<OsString> {
        if !self.chosen
            && let Some(name) = self.env.get_filled("JOB_NAME")
        {
            return Some(name);
        }
        let file = open_regular(&self.message().ok()?).ok()??;
        match json::get(&file, &json::Path::of_keys(["name"])) {
            Ok(Some(value)) => Some(OsStr::from_bytes(&value.to_text().ok()?).to_owned()),
            _ => None,
        }
    }

    /// A variable of the process that tells of the job it runs for; not with `--job-dir`, which may be another's.
    pub fn own_variable(&self, name: &str) -> Option<OsString> {
        if self.chosen { None } else { self.env.get_filled(name) }
    }

    /// Whether `name` is the job itself.
    pub fn is_job(&self, name: &OsStr) -> bool {
        self.job_name().is_some_and(|job| job == name)
    }

    /// The folder of a resource, by its exact name, else by a name that has the same variable prefix (scripts spell
    /// names as the environment forgave them). As an input and an output at once it is the later step's: the output,
    /// unless `message.json` has the steps in the other order.
    pub fn resource(&self, name: &OsStr) -> Option<ResourceFolder> {
        let root = self.root()?;
        let exact: Vec<_> = [Operation::Out, Operation::In]
            .into_iter()
            .filter(|_| names::is_component(name.as_bytes()))
            .map(|operation| folder(root, operation, name))
            .filter(|folder| folder.meta.is_dir())
            .collect();
        match exact.len() {
            0 => self.resource_by_prefix(name),
            1 => exact.into_iter().next(),
            _ => Some(self.later_of(exact)),
        }
    }

    fn resource_by_prefix(&self, name: &OsStr) -> Option<ResourceFolder> {
        let wanted = names::prefix(name.as_bytes());
        let mut found: Vec<_> = self.resources();
        found.retain(|folder| !wanted.is_empty() && names::prefix(folder.name.as_bytes()) == wanted);
        match found.len() {
            0 | 1 => found.pop(),
            _ => Some(self.later_of(found)),
        }
    }

    /// Of several folders, that of the latest step.
    fn later_of(&self, mut folders: Vec<ResourceFolder>) -> ResourceFolder {
        let order = self.step_order();
        folders.sort_by_key(|folder| {
            let step = order.iter().position(|(op, name)| *op == folder.operation && *name == folder.name);
            (step, folder.operation)
        });
        folders.swap_remove(folders.len() - 1)
    }

    /// Inputs and outputs in the order of the job's steps, as far as `message.json` knows them.
    pub fn step_order(&self) -> Vec<(Operation, OsString)> {
        let Some(message) = self.message().ok().and_then(|path| std::fs::read(path).ok()) else { return Vec::new() };
        let Ok(message) = serde_json::from_slice::<serde_json::Value>(&message) else { return Vec::new() };
        message::step_order(&message)
    }

    /// Every resource folder: by steps where they are known, then inputs before outputs, by name.
    pub fn resources(&self) -> Vec<ResourceFolder> {
        let Some(root) = self.root() else { return Vec::new() };
        let mut found = Vec::new();
        for operation in [Operation::In, Operation::Out] {
            let Ok(entries) = std::fs::read_dir(root.join(operation.as_str())) else { continue };
            for entry in entries.flatten() {
                let folder = folder(root, operation, &entry.file_name());
                if folder.meta.is_dir() {
                    found.push(folder);
                }
            }
        }
        sort_by_steps(&mut found, self.step_order());
        found
    }

    /// The folder of a resource: `$<N>_META`, else that in the job directory.
    pub fn meta(&self, name: &OsStr) -> Option<PathBuf> {
        let prefix = names::prefix(name.as_bytes());
        match self.env.get(format!("{prefix}_META")) {
            Some(path) => Some(PathBuf::from(path)),
            None => self.resource(name).map(|folder| folder.meta),
        }
    }

    /// The folder of an entry of the job's own `integrations:` list; `None` when the name cannot be one.
    pub fn integration(&self, name: &OsStr) -> Option<PathBuf> {
        let root = self.integrations().ok()?;
        names::is_component(name.as_bytes()).then(|| root.join(name))
    }

    /// The names that a script could have meant, for messages.
    pub fn known_names(&self) -> Vec<String> {
        let mut known: Vec<String> =
            self.resources().into_iter().map(|folder| folder.name.to_string_lossy().into_owned()).collect();
        known.extend(self.job_name().map(|name| name.to_string_lossy().into_owned()));
        known
    }
}

/// Sorts folders by the job's steps; those that are in no step come last, inputs before outputs, by name.
pub fn sort_by_steps(folders: &mut [ResourceFolder], steps: Vec<(Operation, OsString)>) {
    let order: HashMap<_, usize> = steps.into_iter().enumerate().map(|(at, step)| (step, at)).collect();
    folders.sort_by_cached_key(|folder| {
        let step = (folder.operation, folder.name.clone());
        (order.get(&step).copied().unwrap_or(usize::MAX), step)
    });
}

/// The folder that a resource has on one side.
pub fn folder(root: &Path, operation: Operation, name: &OsStr) -> ResourceFolder {
    ResourceFolder { operation, name: name.to_owned(), meta: root.join(operation.as_str()).join(name) }
}

/// The nearest folder, upwards from `start`, that looks like a job directory.
fn nearest_root(start: &Path) -> Option<PathBuf> {
    start.ancestors().find(|folder| looks_like_root(folder)).map(Path::to_owned)
}

/// A job directory has inputs or outputs, and beside them a message, a state folder or a version of one of them.
fn looks_like_root(folder: &Path) -> bool {
    let sides: Vec<_> = ["IN", "OUT"].iter().map(|side| folder.join(side)).filter(|side| side.is_dir()).collect();
    if sides.is_empty() {
        return false;
    }
    folder.join("message.json").is_file()
        || folder.join("state").is_dir()
        || sides.iter().any(|side| {
            std::fs::read_dir(side)
                .is_ok_and(|entries| entries.flatten().any(|entry| entry.path().join("version.json").is_file()))
        })
}
