//! Files copied into and out of the state of the job and its resources.
//!
//! What the original's `cp -v` printed on standard output is one short note on standard error.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::Args;
use crate::ctx::Ctx;
use crate::error::{Error, Kind};
use crate::job::directory::{JobDirectory, Operation};
use crate::job::{side, state_file};
use crate::support::copy::{self, Copied};
use crate::support::paths::{base_name, inside};

/// A file or folder into `$JOB_STATE`, as `cp -r` did.
pub(super) fn copy_file_to_state(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    let state = state_folder(ctx)?;
    let source = Path::new(args.get(0));
    let metadata = fs::metadata(source).map_err(|error| absent(source, &error))?;
    if !metadata.is_dir() {
        return into_folder(ctx, source, &state);
    }
    // `.` and `..` have no name to keep: their content is copied.
    let target = base_name(args.get(0)).map_or_else(|| state.clone(), |name| state.join(name));
    let resolved = |path: &Path| path.canonicalize().map_err(|error| Error::io("read", path, &error));
    let (from, into) = (resolved(source)?, resolved(&state)?);
    if target.canonicalize().is_ok_and(|target| target == from) && from != into {
        ctx.note(format_args!("{} is in {} already", source.display(), state.display()));
        return Ok(());
    }
    if into.starts_with(&from) {
        return Err(Error::failed(format_args!(
            "cannot copy the folder {} into itself: the job's state folder {} is inside it; name what is to be copied",
            source.display(),
            state.display()
        )));
    }
    let copied = copy::tree(source, &target).into_result()?;
    ctx.note(format_args!("copied {} to {}: {}", source.display(), target.display(), count(&copied)));
    Ok(())
}

/// A file of the previous run's state to a place of the caller's.
pub(super) fn copy_file_from_prev_state(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    let previous = JobDirectory::of(ctx)?.previous_state()?;
    restore(ctx, &inside(&previous, args.get(0))?, args.get(1), "the previous state")
}

/// A file into `$JOB_STATE`, or else what the previous run kept under its name.
pub(super) fn refresh_file_to_state(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    let previous = JobDirectory::of(ctx)?.previous_state()?;
    if let Some(source) = newest(args.get(0), &previous) {
        return into_folder(ctx, &source, &state_folder(ctx)?);
    }
    note_nothing(ctx, args, &previous);
    Ok(())
}

/// A file of an input to a place of the caller's.
pub(super) fn copy_file_from_resource_state(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    let job = JobDirectory::of(ctx)?;
    let files = match side::folder(&job, Operation::In, args.get(0))? {
        Some(folder) => side::files_of(&job, &folder)?,
        None => None,
    };
    let Some(files) = files else {
        ctx.note(format_args!("{}; nothing copied", side::absent(&job, Operation::In, args.get(0))));
        return Ok(());
    };
    restore(ctx, &inside(&files, args.get(1))?, args.get(2), &format!("the state of {}", args.display(0)))
}

/// A file into an output's state, or else what the input of that name has under the file's name.
pub(super) fn copy_file_to_resource_state(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    let job = JobDirectory::of(ctx)?;
    let name = args.get(1);
    let input = side::folder(&job, Operation::In, name)?.map(|folder| folder.meta);
    let previous = input.unwrap_or_else(|| job.root().unwrap_or(Path::new("")).join("IN").join(name)).join("state");
    let Some(source) = newest(args.get(0), &previous) else {
        note_nothing(ctx, args, &previous);
        return Ok(());
    };
    let output = side::require(&job, Operation::Out, name).map_err(|error| error.with_kind(Kind::Failed))?;
    let state = output.meta.join("state");
    // An output of another type has no such folder; the original would have made a file of that name.
    match fs::create_dir(&state) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(Error::io("create", &state, &error)),
        _ => into_folder(ctx, &source, &state),
    }
}

fn state_folder(ctx: &Ctx) -> Result<PathBuf, Error> {
    let state = JobDirectory::of(ctx)?.state()?;
    if state.is_dir() { Ok(state) } else { Err(state_file::no_state_folder(&state)) }
}

/// The file itself where it is one, else the regular file of its base name in an older place.
fn newest(path: &OsStr, previous: &Path) -> Option<PathBuf> {
    let older = || base_name(path).map(|name| previous.join(name)).filter(|older| older.is_file());
    Some(PathBuf::from(path)).filter(|path| path.is_file()).or_else(older)
}

fn note_nothing(ctx: &Ctx, args: &Args, previous: &Path) {
    let file = args.display(0);
    ctx.note(format_args!(
        "{file} is no file, and there is none of its name in {}; nothing copied",
        previous.display()
    ));
}

/// Copies a file that may be absent, which is nothing unusual in a first run.
fn restore(ctx: &Ctx, source: &Path, to: &OsStr, place: &str) -> Result<(), Error> {
    if !source.is_file() {
        ctx.note(format_args!("no file {} in {place}; nothing copied", source.display()));
        return Ok(());
    }
    let to = Path::new(to);
    if to.is_dir() {
        return into_folder(ctx, source, to);
    }
    if to.as_os_str().as_bytes().ends_with(b"/") {
        return Err(Error::failed(format_args!("cannot copy to {}: there is no such folder; create it", to.display())));
    }
    if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        let (to, folder) = (to.display(), folder.display());
        return Err(Error::failed(format_args!("cannot copy to {to}: there is no folder {folder}; create it")));
    }
    copy_file(ctx, source, to)
}

fn into_folder(ctx: &Ctx, source: &Path, folder: &Path) -> Result<(), Error> {
    copy_file(ctx, source, &folder.join(source.file_name().unwrap_or_default()))
}

fn copy_file(ctx: &Ctx, source: &Path, target: &Path) -> Result<(), Error> {
    copy::file(source, target)?;
    ctx.note(format_args!("copied {} to {}", source.display(), target.display()));
    Ok(())
}

fn absent(source: &Path, error: &io::Error) -> Error {
    match fs::read_link(source) {
        Ok(link) if error.kind() == io::ErrorKind::NotFound => Error::failed(format_args!(
            "cannot copy {}: it is a link to {}, which does not exist",
            source.display(),
            link.display()
        )),
        _ => Error::io("copy", source, error),
    }
}

fn count(copied: &Copied) -> String {
    let files = if copied.files == 1 { "1 file".to_owned() } else { format!("{} files", copied.files) };
    let skipped: Vec<_> = copied.skipped.iter().map(|path| path.display().to_string()).collect();
    match skipped.len() {
        0 => files,
        _ => format!("{files}; left out, since a pipe, socket or device has no content: {}", skipped.join(", ")),
    }
}
