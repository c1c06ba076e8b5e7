//! `get_resource_version_key` and `get_resource_pointer_key`.

use std::path::{Path, PathBuf};

use super::Args;
use super::get_json_value::print_query;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::job::directory::JobDirectory;
use crate::job::{names, resource};
use crate::support::json::Query;

pub(super) fn get_resource_version_key(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    let file = version_file(ctx, args)?;
    let key = args.get(1).to_string_lossy();
    let under = match &*key {
        "versionName" | "versionId" | "versionNumber" => ".version",
        _ => ".version.propertyBag",
    };
    print_query(ctx, &file, &Query::under(under, &key))
}

/// The newer spelling of the yml has no pointer; its fields are in the version template.
pub(super) fn get_resource_pointer_key(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    let file = version_file(ctx, args)?;
    let has_pointer = resource::string_at(&file, &["propertyBag", "yml", "pointer"])?.is_some();
    let under = if has_pointer { ".propertyBag.yml.pointer" } else { ".propertyBag.yml.versionTemplate" };
    print_query(ctx, &file, &Query::under(under, &args.get(1).to_string_lossy()))
}

/// The `version.json` of a resource that must have one.
fn version_file(ctx: &Ctx, args: &Args) -> Result<PathBuf, Error> {
    let folder = resource_folder(ctx, args)?;
    existing_file(&folder, "version.json", "resource", args)
}

/// The folder of a resource that must be there.
pub(super) fn resource_folder(ctx: &Ctx, args: &Args) -> Result<PathBuf, Error> {
    let job = JobDirectory::of(ctx)?;
    match job.meta(args.get(0)) {
        Some(folder) if folder.is_dir() => Ok(folder),
        _ => {
            let name = args.get(0).to_string_lossy();
            let known = job.known_names();
            let near = names::did_you_mean(&name, known.iter().map(String::as_str));
            Err(Error::drop_in(format_args!("IN directory not present for resource: {name}{near}")))
        }
    }
}

/// A file that must be in a folder of the job directory.
pub(super) fn existing_file(folder: &Path, file: &str, what: &str, args: &Args) -> Result<PathBuf, Error> {
    let path = folder.join(file);
    if path.is_file() {
        return Ok(path);
    }
    Err(Error::drop_in(format_args!("{file} not present for {what}: {}", args.display(0))))
}
