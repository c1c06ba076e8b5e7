//! The environment of a job: every variable that the platform set before a script ran, in its order and with its
//! values, and where each comes from.
//!
//! The platform wrote a plain sequence of `export`s in which the later one wins: variables of `params` under their
//! own names, those of the job, those of each resource in the order of the steps, those of the job's own
//! `integrations:`, those of the TASK, and those of the machine. [`of`] keeps the whole sequence.

pub mod dependency; // what one resource gives
mod git_repo; // the commit of a gitRepo
pub mod own; // what the job itself gives
mod pointer; // pointer, seed and versionTemplate of the yml
mod runner; // the machine
mod sequence; // the assignments, and names that cannot be variables

use std::collections::HashMap;

pub use sequence::{Environment, Origin, Rule, Variable};

use crate::error::Error;
use crate::job::contents::Contents;
use crate::job::directory::JobDirectory;
use crate::job::names;
use crate::job::record::Record;
use dependency::Dependency;

/// The environment of a job directory.
///
/// # Errors
///
/// No job directory, or a file in it that cannot be read or holds something of the wrong kind; the message names it.
pub fn of(job: &JobDirectory) -> Result<Environment, Error> {
    let record = job.root().map(Record::find).transpose()?.flatten();
    with(job, Options::default(), record.as_ref())
}

/// What differs from the rules as they are. A directory that was made to differ does so without being told.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Params that are lists or objects as the platform had them: JSON with a backslash before each space.
    pub compat: bool,
    /// The TASK that it is for, counted from 1 among those with a script; else the only one, if there is but one.
    pub task: Option<usize>,
}

/// [`of`], with options and what is in `status/run.json`, where there is one.
///
/// # Errors
///
/// As of [`of`].
pub fn with(job: &JobDirectory, options: Options, record: Option<&Record>) -> Result<Environment, Error> {
    let mut contents = Contents::of(job)?;
    let mut env = Environment::default();
    contents.warnings.drain(..).for_each(|warning| env.warn(warning));
    let message = contents.message.as_ref();
    let compat = options.compat || record.is_some_and(|record| record.compat);
    let secrets = job.place("BUILD_SECRETS_DIR", "secrets")?;
    let read = |folder| Dependency::read(folder, &secrets, compat);
    let dependencies = contents.folders.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    for dependency in &dependencies {
        dependency.raw_params(&mut env)?;
    }
    let own = own::Own::of(job, &contents.root, message)?;
    own.variables(&mut env)?;
    warn_of_shared_prefixes(&mut env, own.name.as_deref(), &contents);
    for dependency in &dependencies {
        dependency.variables(&mut env)?;
    }
    for (folder, integration) in &contents.integrations {
        dependency::integration_variables(&mut env, integration, names::of_folder(folder), folder, "integrations");
    }
    let task = message.map(|message| options.task.map_or_else(|| message.only_task(), |number| message.task(number)));
    if let Some(task) = task.transpose()?.flatten() {
        let origin = Origin::new(Rule::Task, "message.json");
        for (key, value) in task.env()? {
            env.set_raw(&key, value, &origin);
        }
        let secure = origin.by(Rule::Secure);
        for (key, value) in task.secure(record)? {
            env.set_raw(&key, value, &secure);
        }
        if let Some(name) = task.name()? {
            env.set("TASK_NAME".to_owned(), name, &origin);
        }
    }
    if own.kind()?.as_deref() == Some(b"runCI") {
        // The first repository is the one that it builds.
        for dependency in &dependencies {
            if dependency.of_ci(&mut env)? {
                break;
            }
        }
    }
    runner::variables(job, &mut env);
    let origin = Origin::new(Rule::CliConfig, "");
    for (name, value) in record.into_iter().flat_map(|record| &record.cli_variables) {
        env.set_raw(name, value.as_bytes(), &origin);
    }
    Ok(env)
}

/// Two names that give the same variables: the later one wins, which nobody would notice.
fn warn_of_shared_prefixes(env: &mut Environment, job: Option<&[u8]>, contents: &Contents) {
    let mut seen: HashMap<String, (&str, &[u8])> = HashMap::new();
    seen.insert("JOB".to_owned(), ("the variables of the job itself", b""));
    let own = job.filter(|name| names::prefix(name) != "JOB").map(|name| ("job", name));
    let resources = contents.folders.iter().map(|folder| ("resource", names::of_folder(&folder.meta)));
    let integrations = contents.integrations.iter().map(|(folder, _)| ("integration", names::of_folder(folder)));
    for (what, name) in own.into_iter().chain(resources).chain(integrations) {
        let shown = String::from_utf8_lossy(name);
        let prefix = names::prefix(name);
        match seen.get(&prefix) {
            Some((_, known)) if *known == name => {}
            Some((other, known)) => {
                let other = format!("{other} {}", String::from_utf8_lossy(known));
                env.warn(format_args!(
                    "{what} {shown} and {} both give {prefix}_… variables: the later wins; rename one of them",
                    other.trim_end()
                ));
            }
            None => {
                if prefix.is_empty() {
                    env.warn(format_args!(
                        "{what} {shown} has no letter that a variable name can hold: its variables begin with _"
                    ));
                }
                seen.insert(prefix, (what, name));
            }
        }
    }
}
