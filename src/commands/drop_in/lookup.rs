//! Look-ups of one value of a resource or job: the environment first, then the files of the job directory.

use std::os::unix::ffi::OsStringExt;

use super::{Args, answer};
use crate::ctx::Ctx;
use crate::error::{Error, Kind};
use crate::job::directory::JobDirectory;
use crate::job::environment;
use crate::job::resource::{self, Attribute};
use crate::job::{names, params};

pub(super) fn get_resource_id(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    look_up(ctx, args, Attribute::Id)
}

pub(super) fn get_resource_type(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    look_up(ctx, args, Attribute::Type)
}

pub(super) fn get_resource_operation(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    look_up(ctx, args, Attribute::Operation)
}

pub(super) fn get_resource_meta(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    look_up(ctx, args, Attribute::Meta)
}

pub(super) fn get_resource_state(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    look_up(ctx, args, Attribute::State)
}

pub(super) fn get_resource_version_name(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    look_up(ctx, args, Attribute::VersionName)
}

pub(super) fn get_resource_version_id(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    look_up(ctx, args, Attribute::VersionId)
}

pub(super) fn get_resource_version_number(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    look_up(ctx, args, Attribute::VersionNumber)
}

fn look_up(ctx: &Ctx, args: &Args, attribute: Attribute) -> Result<(), Error> {
    let variable = format!("{}_{}", names::prefix(args.bytes(0)), attribute.suffix());
    if let Some(value) = ctx.env.get(variable) {
        return ctx.print_line(value.into_vec());
    }
    let job = JobDirectory::of(ctx)?;
    let found = resource::attribute(&job, args.get(0), attribute)?;
    answer(ctx, &job, args, found)
}

/// `<N>_<KEY>`, else what `job env` would set it to.
pub(super) fn get_resource_env(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    let variable = format!("{}_{}", names::prefix(args.bytes(0)), names::key(args.bytes(1)));
    if let Some(value) = ctx.env.get(&variable) {
        return ctx.print_line(value.into_vec());
    }
    let job = JobDirectory::of(ctx)?;
    let found = match job.root() {
        Some(root) if root.is_dir() => {
            environment::of(&job).map_err(|error| error.with_kind(Kind::DropIn))?.get(&variable).map(Vec::from)
        }
        _ => None,
    };
    answer(ctx, &job, args, found)
}

pub(super) fn get_params_resource(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    let variable = format!("{}_PARAMS_{}", names::prefix(args.bytes(0)), names::key(args.bytes(1)));
    if let Some(value) = ctx.env.get(&variable) {
        return ctx.print_line(value.into_vec());
    }
    let job = JobDirectory::of(ctx)?;
    let found = match job.resource(args.get(0)) {
        Some(folder) => resource::params_of(&folder.meta)?.and_then(|params| params::value(&params, args.bytes(1))),
        None => None,
    };
    answer(ctx, &job, args, found.map(String::into_bytes))
}
