//! `shipctl job clean`: the job directory gone, with everything private in it.

use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::Args;

use super::place;
use crate::ctx::Ctx;
use crate::error::{Error, Kind};
use crate::job::build_link;
use crate::job::directory::JobDirectory;
use crate::job::record::Record;
use crate::support::swap::NewContent;
use crate::support::temporary;

/// Remove the job directory and the private configuration of its tools
///
/// Removes what `job init` made: inputs, outputs, state that was not kept by `job finish`, keys, and the configuration of
/// cliConfig tools. A directory that is not there is fine; one that `job init` did not make is left alone.
///
/// Exit status: 8 when the directory is not one of `job init`.
#[derive(Debug, Args)]
pub(crate) struct JobClean {
    /// The job directory (else that of --job-dir, $JOB_PATH, or the one that `job init` made here)
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn run(ctx: &Ctx, args: &JobClean) -> Result<(), Error> {
    let ctx = place::of(ctx, args.dir.as_deref())?;
    let chosen = ctx.job_dir.clone().or_else(|| ctx.env.get_filled("JOB_PATH").map(PathBuf::from));
    if let Some(dir) = chosen {
        let dir: PathBuf = ctx.absolute(&dir)?.components().collect();
        // What a killed `job init` left beside it, secrets and all, goes as if for a new one.
        drop(NewContent::of(&dir, None));
        if !dir.exists() {
            return Ok(());
        }
    }
    let job = JobDirectory::of(&ctx).map_err(|error| error.with_kind(Kind::Configuration))?;
    match job.root() {
        Some(root) => remove(root),
        None => Ok(()),
    }
}

/// Removes a directory of `job init`.
pub(super) fn remove(root: &Path) -> Result<(), Error> {
    if !Record::file(root).is_file() {
        let message = format!(
            "{} was not made by `shipctl job init` (it has no status/run.json): remove it yourself",
            root.display()
        );
        return Err(Error::new(Kind::Configuration, message));
    }
    empty_and_remove(root)
}

/// Which directory it is, whatever is in it by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    /// Of a directory that is there.
    pub(super) fn of(dir: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = fs::symlink_metadata(dir).ok().filter(fs::Metadata::is_dir)?;
        Some(Self { device: metadata.dev(), inode: metadata.ino() })
    }
}

/// Removes a directory that this process has made: a script may have taken away what tells that it is ours.
pub(super) fn remove_made(root: &Path, made: Option<Identity>) -> Result<(), Error> {
    if made.is_some() && Identity::of(root) == made {
        return empty_and_remove(root);
    }
    match fs::symlink_metadata(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => build_link::remove(Path::new(build_link::PLACE), root),
        _ => remove(root),
    }
}

fn empty_and_remove(root: &Path) -> Result<(), Error> {
    build_link::remove(Path::new(build_link::PLACE), root)?;
    // What tells that it is ours goes last, so that a removal that was stopped can be taken up again.
    let status = root.join("status");
    let entries = fs::read_dir(root).map_err(|error| Error::io("list", root, &error))?;
    for entry in entries {
        let path = entry.map_err(|error| Error::io("list", root, &error))?.path();
        if path != status {
            gone(&path)?;
        }
    }
    gone(&status)?;
    gone(root)
}

fn gone(path: &Path) -> Result<(), Error> {
    let is_folder = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir());
    let removed = if is_folder { temporary::remove_tree(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path, &error)),
        _ => Ok(()),
    }
}
