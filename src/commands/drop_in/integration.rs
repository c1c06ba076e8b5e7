//! The integration of a resource, and the integrations of the job itself.

use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::get_json_value::{missing, print_query};
use super::version_key::{existing_file, resource_folder};
use super::{Args, answer};
use crate::ctx::Ctx;
use crate::error::Error;
use crate::job::directory::JobDirectory;
use crate::job::integration::{Integration, env_file_keys};
use crate::job::names;
use crate::support::json::Query;

pub(super) fn get_integration_resource_field(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    field(ctx, args, |job| Ok(job.meta(args.get(0))))
}

pub(super) fn get_integration_field(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    field(ctx, args, |job| {
        let folder = integration_folder(job, args)?;
        existing_file(&folder, "integration.json", "integration", args)?;
        Ok(Some(folder))
    })
}

/// `<N>_INTEGRATION_<FIELD>`, else the field of `integration.json` in a folder.
fn field(
    ctx: &Ctx,
    args: &Args,
    folder: impl FnOnce(&JobDirectory) -> Result<Option<PathBuf>, Error>,
) -> Result<(), Error> {
    let key = names::key(args.bytes(1));
    let variable = format!("{}_INTEGRATION_{key}", names::prefix(args.bytes(0)));
    let from_env = ctx.env.get(variable);
    // The job's own integrations must be there even when the environment has their values.
    if let (Some(value), "get_integration_resource_field") = (&from_env, args.command.name) {
        return ctx.print_line(value.clone().into_vec());
    }
    let job = JobDirectory::of(ctx)?;
    let folder = folder(&job)?;
    let found = match (from_env, folder) {
        (Some(value), _) => Some(value.into_vec()),
        (None, Some(folder)) => {
            Integration::read(&folder)?.and_then(|integration| integration.variable(&key)).map(String::into_bytes)
        }
        (None, None) => None,
    };
    answer(ctx, &job, args, found)
}

pub(super) fn get_integration_resource_keys(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    let folder = resource_folder(ctx, args)?;
    print_keys(ctx, &existing_file(&folder, "integration.env", "resource", args)?)
}

pub(super) fn get_integration_keys(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    let job = JobDirectory::of(ctx)?;
    let folder = integration_folder(&job, args)?;
    print_keys(ctx, &existing_file(&folder, "integration.env", "integration", args)?)
}

fn print_keys(ctx: &Ctx, file: &Path) -> Result<(), Error> {
    let text = std::fs::read(file).map_err(|error| Error::io("read", file, &error))?;
    let mut lines = env_file_keys(&text).join("\n");
    if !lines.is_empty() {
        lines.push('\n');
    }
    ctx.print(lines.as_bytes())
}

fn integration_folder(job: &JobDirectory, args: &Args) -> Result<PathBuf, Error> {
    job.integrations()?;
    job.integration(args.get(0)).ok_or_else(|| {
        Error::drop_in(format_args!(
            "integration.env not present for integration: {}: not a plain name",
            args.display(0)
        ))
    })
}

pub(super) fn get_integration_resource(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    let job = JobDirectory::of(ctx)?;
    let folder = job.meta(args.get(0)).unwrap_or_default();
    let file = folder.join("integration.json");
    if !file.is_file() {
        let message =
            format!("{} is not a resource with an integration: {}: no such file", args.display(0), file.display());
        return missing(ctx, message);
    }
    if args.get(1).is_empty() {
        // As it stands, byte for byte: not even a newline is added.
        let mut source = std::fs::File::open(&file).map_err(|error| Error::io("read", &file, &error))?;
        return ctx.write_out(|out| std::io::copy(&mut source, out).map(|_| ()));
    }
    print_query(ctx, &file, &Query::under("", &args.get(1).to_string_lossy()))
}
