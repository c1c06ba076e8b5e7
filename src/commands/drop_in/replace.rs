//! `replace`: fills `$NAME` and `${NAME}` in files by the environment.

use std::ffi::OsStr;
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use super::Args;
use crate::ctx::Ctx;
use crate::error::{Error, Kind};
use crate::support::atomic;
use crate::support::template::{self, Values};

/// One file after the other, as the original did: those before one that cannot be filled are done.
pub(super) fn replace(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    let mut values = Values::new(&ctx.env);
    args.words.iter().try_for_each(|file| replace_file(file, &mut values))
}

fn replace_file(file: &OsStr, values: &mut Values) -> Result<(), Error> {
    let path = Path::new(file);
    let input = open(path)?;
    // Past every link, those of /dev/stdin and its like included: what was read is what must be replaced. A folder
    // that may not be seen from the root down leaves the name as it was given.
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    atomic::replace(&target, |out| template::fill(&mut &input, out, values)).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Error::failed(format_args!(
            "cannot replace {}: {error}; it is as it was: make its folder writable, or replace a copy elsewhere",
            path.display()
        )),
        _ => Error::failed(format_args!("cannot replace {}: {error}; it is as it was", path.display())),
    })
}

/// Opens a plain file. What a file that is none could do (a pipe waits, a device acts) must not happen, so it is
/// looked at before it is opened, and once more in case it has changed since.
fn open(path: &Path) -> Result<File, Error> {
    let failed = |error: io::Error| Error::io("read", path, &error);
    check_plain(path, &path.metadata().map_err(failed)?)?;
    let waits_for_nobody = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let input = OpenOptions::new().read(true).custom_flags(waits_for_nobody).open(path).map_err(failed)?;
    check_plain(path, &input.metadata().map_err(failed)?)?;
    Ok(input)
}

fn check_plain(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    let kind = metadata.file_type();
    if kind.is_file() {
        return Ok(());
    }
    if kind.is_dir() {
        let message = format!("{} is a directory: name the files in it", path.display());
        return Err(Error::new(Kind::Directory, message));
    }
    let what = if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    Err(Error::failed(format_args!("{} is {what}, which cannot be replaced: name a file", path.display())))
}
