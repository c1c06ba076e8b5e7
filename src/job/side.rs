//! A resource on one side of the job: as an input or as an output.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use crate::error::Error;
use crate::job::directory::{JobDirectory, Operation, ResourceFolder};
use crate::job::{names, resource};

/// The folder of a resource on that side: by its exact name, else by the one name with the same variable prefix.
/// `None` when the resource is not on that side.
pub fn folder(job: &JobDirectory, operation: Operation, name: &OsStr) -> Result<Option<ResourceFolder>, Error> {
    if !names::is_component(name.as_bytes()) {
        return Err(not_a_name(name));
    }
    let meta = job.require_root()?.join(operation.as_str()).join(name);
    if meta.is_dir() {
        return Ok(Some(ResourceFolder { operation, name: name.to_owned(), meta }));
    }
    let wanted = names::prefix(name.as_bytes());
    let mut found = job.resources();
    found.retain(|folder| folder.operation == operation && names::prefix(folder.name.as_bytes()) == wanted);
    Ok(if found.len() == 1 && !wanted.is_empty() { found.pop() } else { None })
}

/// The same, where its absence is an error that names what is near.
pub fn require(job: &JobDirectory, operation: Operation, name: &OsStr) -> Result<ResourceFolder, Error> {
    folder(job, operation, name)?.ok_or_else(|| absent(job, operation, name))
}

/// Says that a resource is not on that side, and which ones are.
pub fn absent(job: &JobDirectory, operation: Operation, name: &OsStr) -> Error {
    let side = if operation == Operation::In { "an input" } else { "an output" };
    let there = job.resources().into_iter().filter(|folder| folder.operation == operation);
    let known: Vec<String> = there.map(|folder| folder.name.to_string_lossy().into_owned()).collect();
    let wanted = name.to_string_lossy();
    let near = names::did_you_mean(&wanted, known.iter().map(String::as_str));
    let folder = job.root().map(|root| root.join(operation.as_str())).unwrap_or_default();
    Error::drop_in(format_args!("{wanted} is not {side} of the job: it has no folder in {}{near}", folder.display()))
}

/// The type of a resource, which is also the name of the folder of its files: `$<N>_TYPE`, else that of version.json.
pub fn type_of(job: &JobDirectory, folder: &ResourceFolder) -> Result<Option<OsString>, Error> {
    let variable = format!("{}_TYPE", names::prefix(folder.name.as_bytes()));
    let found = match job.env.get_filled(&variable) {
        Some(kind) => Some(kind),
        None => resource::string_at(&folder.meta.join("version.json"), &["type"])?.map(OsString::from_vec),
    };
    match found {
        Some(kind) if !names::is_component(kind.as_bytes()) => Err(Error::drop_in(format_args!(
            "the type of {} is {:?}, which is no name of a folder: see {variable} or its version.json",
            folder.name.display(),
            kind.display().to_string(),
        ))),
        found => Ok(found),
    }
}

/// Where the files of a resource are; `None` when its type is not known.
pub fn files_of(job: &JobDirectory, folder: &ResourceFolder) -> Result<Option<PathBuf>, Error> {
    Ok(type_of(job, folder)?.map(|kind| folder.meta.join(kind)))
}

/// Refuses a name that would lead out of the job directory.
pub fn not_a_name(name: &OsStr) -> Error {
    Error::drop_in(format_args!(
        "{:?} is no name of a resource: it must be one name without a slash, so that nothing outside the job directory \
         is touched",
        name.display().to_string()
    ))
}
