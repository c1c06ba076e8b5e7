//! The environment of a job: every variable that the platform set before a script ran, in its order and with its
//! values, and where each comes from.
//!
//! The platform wrote a plain sequence of `export`s in which the later one wins: variables of `params` under their
//! own names, those of the job, those of each resource in the order of the steps, those of the job's own
//! `integrations:`, and those of the TASK. [`of`] keeps the whole sequence.

mod dependency; // what one resource gives
mod git_repo; // the commit of a gitRepo
mod own; // what the job itself gives
mod pointer; // pointer, seed and versionTemplate of the yml
mod sequence; // the assignments, and names that cannot be variables

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;

pub use sequence::{Environment, Origin, Rule, Variable};

use crate::error::{Error, Kind};
use crate::job::directory::{JobDirectory, Operation, ResourceFolder, folder, sort_by_steps};
use crate::job::integration::Integration;
use crate::job::message::Message;
use crate::job::names;
use dependency::Dependency;

/// The environment of a job directory.
///
/// # Errors
///
/// No job directory, or a file in it that cannot be read or holds something of the wrong kind; the message names it.
pub fn of(job: &JobDirectory) -> Result<Environment, Error> {
    let root = job.require_root().map_err(|error| error.with_kind(Kind::Configuration))?;
    if !root.is_dir() {
        let message = format!("{}: no such folder: set JOB_PATH to a job directory", root.display());
        return Err(Error::new(Kind::Configuration, message));
    }
    let mut env = Environment::default();
    let message = Message::read(&job.message()?)?;
    let folders = folders(root, message.as_ref(), &mut env)?;
    let dependencies = folders.into_iter().map(Dependency::read).collect::<Result<Vec<_>, _>>()?;
    for dependency in &dependencies {
        dependency.raw_params(&mut env)?;
    }
    let own = own::Own::of(job, root, message.as_ref())?;
    own.variables(&mut env)?;
    let integrations = integrations(job, message.as_ref(), &mut env)?;
    warn_of_shared_prefixes(&mut env, own.name.as_deref(), &dependencies, &integrations);
    let secrets = job.place("BUILD_SECRETS_DIR", "secrets")?;
    for dependency in &dependencies {
        dependency.variables(&mut env, &secrets)?;
    }
    for (folder, integration) in &integrations {
        dependency::integration_variables(&mut env, integration, &names::of_folder(folder), folder, "integrations");
    }
    if let Some(task) = message.as_ref().map(Message::only_task).transpose()?.flatten() {
        let origin = Origin::new(Rule::Task, "message.json");
        for (key, value) in task.env()? {
            env.set_raw(&key, value, &origin);
        }
        if let Some(name) = task.name()? {
            env.set("TASK_NAME".to_owned(), name, &origin);
        }
    }
    Ok(env)
}

/// Every resource folder, in the order of the steps. Unlike a look-up, which forgives, this says what it cannot read.
fn folders(root: &Path, message: Option<&Message>, env: &mut Environment) -> Result<Vec<ResourceFolder>, Error> {
    let mut found = Vec::new();
    for operation in [Operation::In, Operation::Out] {
        let side = root.join(operation.as_str());
        for name in entries(&side)? {
            let folder = folder(root, operation, &name);
            match std::fs::metadata(&folder.meta) {
                Ok(metadata) if metadata.is_dir() => found.push(folder),
                Ok(_) => {}
                Err(error) => env.warn(format_args!("{} is left out: {error}", folder.meta.display())),
            }
        }
    }
    let steps = message.map(Message::step_order).unwrap_or_default();
    for (operation, name) in &steps {
        let folder = folder(root, *operation, name);
        if !folder.meta.is_dir() {
            env.warn(format_args!(
                "message.json has the step {} {}, but there is no folder {}: it gives no variables",
                operation.as_str(),
                name.display(),
                folder.meta.display()
            ));
        }
    }
    sort_by_steps(&mut found, steps);
    Ok(found)
}

/// The names in a folder, sorted; none when there is no such folder.
fn entries(folder: &Path) -> Result<Vec<OsString>, Error> {
    let read = || -> std::io::Result<Vec<OsString>> {
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.file_name())).collect()
    };
    match read() {
        Ok(mut names) => {
            names.sort();
            Ok(names)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::io("read", folder, &error).with_kind(Kind::Configuration)),
    }
}

/// The job's own integrations: in the order of its yml where `message.json` has it, the others by name.
fn integrations(
    job: &JobDirectory,
    message: Option<&Message>,
    env: &mut Environment,
) -> Result<Vec<(std::path::PathBuf, Integration)>, Error> {
    let root = job.integrations()?;
    let mut found = Vec::new();
    for name in entries(&root)? {
        let folder = root.join(name);
        if let Err(error) = std::fs::metadata(&folder) {
            env.warn(format_args!("{} is left out: {error}", folder.display()));
        } else if let Some(integration) =
            Integration::read(&folder).map_err(|error| error.with_kind(Kind::Configuration))?
        {
            found.push((folder, integration));
        }
    }
    let listed = message.map(Message::integrations).unwrap_or_default();
    let order: HashMap<Vec<u8>, usize> =
        listed.iter().enumerate().map(|(at, name)| (name.as_bytes().to_vec(), at)).collect();
    found.sort_by_key(|(folder, _)| order.get(&names::of_folder(folder)).copied().unwrap_or(usize::MAX));
    Ok(found)
}

/// Two names that give the same variables: the later one wins, which nobody would notice.
fn warn_of_shared_prefixes(
    env: &mut Environment,
    job: Option<&[u8]>,
    dependencies: &[Dependency],
    integrations: &[(std::path::PathBuf, Integration)],
) {
    let mut seen: HashMap<String, (&'static str, Vec<u8>)> = HashMap::new();
    seen.insert("JOB".to_owned(), ("the variables of the job itself", Vec::new()));
    let own = job.filter(|name| names::prefix(name) != "JOB").map(|name| ("job", name.to_vec()));
    let resources = dependencies.iter().map(|dependency| ("resource", names::of_folder(&dependency.folder.meta)));
    let integrations = integrations.iter().map(|(folder, _)| ("integration", names::of_folder(folder)));
    for (what, name) in own.into_iter().chain(resources).chain(integrations) {
        let shown = String::from_utf8_lossy(&name).into_owned();
        let prefix = names::prefix(&name);
        if prefix.is_empty() {
            env.warn(format_args!(
                "{what} {shown} has no letter that a variable name can hold: its variables begin with _"
            ));
        }
        if let Some((other, known)) = seen.get(&prefix) {
            if *known != name {
                let known = String::from_utf8_lossy(known);
                env.warn(format_args!(
                    "{what} {shown} and {} both give {prefix}_… variables: the later wins; rename one of them",
                    format!("{other} {known}").trim_end()
                ));
            }
            continue;
        }
        seen.insert(prefix, (what, name));
    }
}
