//! `put_resource_state`, `post_resource_state` and their `_multi`: what a job says about a resource.

use std::ffi::OsString;

use super::Args;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::job::directory::JobDirectory;
use crate::job::state_file::{self, StateFile};

pub(super) fn put_resource_state(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    file(ctx, args)?.put(&state_file::line(args.bytes(1), args.bytes(2)))?;
    tell_of_lines(ctx, args);
    Ok(())
}

pub(super) fn post_resource_state(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    file(ctx, args)?.post(&state_file::line(args.bytes(1), args.bytes(2)))?;
    tell_of_lines(ctx, args);
    Ok(())
}

pub(super) fn put_resource_state_multi(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    file(ctx, args)?.put(&words(args))
}

/// The original dropped the file first, also when no words follow.
pub(super) fn post_resource_state_multi(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    file(ctx, args)?.post(&words(args))
}

fn file(ctx: &Ctx, args: &Args) -> Result<StateFile, Error> {
    StateFile::of(&JobDirectory::of(ctx)?, args.get(0))
}

/// The file has one line for each key, as the platform read it: the rest of a value would be other lines.
fn tell_of_lines(ctx: &Ctx, args: &Args) {
    if args.bytes(2).contains(&b'\n') {
        let (name, key) = (args.get(0).display(), args.get(1).display());
        ctx.note(format_args!(
            "the value of {key} has several lines, of which a version of {name} gets the first: to keep them all, write \
             {key}<<END, the lines, and END to $JOB_STATE/{name}.env"
        ));
    }
}

fn words(args: &Args) -> Vec<u8> {
    state_file::lines_of_words(args.words.iter().skip(1).map(OsString::as_os_str))
}
