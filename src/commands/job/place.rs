//! Where the job directory of a command is.

use std::path::{Path, PathBuf};

use crate::ctx::Ctx;
use crate::error::{Error, Kind};
use crate::job::directory::JobDirectory;
use crate::job::record::Record;
use crate::support::temporary::TEMPORARY;

/// Where `job init` makes directories, below the working directory.
const BUILDS: &str = ".shipctl/build";

/// Where `job init` makes that of a job.
pub(super) fn of_job(job: &str) -> PathBuf {
    Path::new(BUILDS).join(job)
}

/// Where directories of jobs are, as seen from a working directory.
pub(super) fn all(cwd: &Path) -> PathBuf {
    cwd.join(BUILDS)
}

/// Whether it is no directory on its way to being one, or to being removed.
fn is_shown(path: &Path) -> bool {
    path.file_name().is_some_and(|name| !name.as_encoded_bytes().starts_with(TEMPORARY.as_bytes()))
}

/// Says which job it is, since nobody has named it.
fn chosen(dir: &Path) -> String {
    let folder = dir.file_name().unwrap_or_default();
    let known = Record::find(dir).ok().flatten().map(|record| record.job);
    let job = known.unwrap_or_else(|| folder.display().to_string());
    format!("the job {job}, whose directory is the one in {BUILDS}: name another with --job-dir")
}

/// The context in which the job directory is the one that the working directory is in, or else that of [`of`].
///
/// # Errors
///
/// As of [`of`].
pub(super) fn here(ctx: &Ctx) -> Result<Ctx, Error> {
    if JobDirectory::of(ctx).is_ok_and(|job| job.root().is_none()) { of(ctx, None) } else { Ok(ctx.clone()) }
}

/// The context in which `--dir`, `--job-dir`, `$JOB_PATH` or the one directory that `job init` made here is chosen.
///
/// # Errors
///
/// [`Kind::Configuration`]: `job init` made several here.
pub(super) fn of(ctx: &Ctx, dir: Option<&Path>) -> Result<Ctx, Error> {
    let mut ctx = ctx.clone();
    if let Some(dir) = dir {
        ctx.job_dir = Some(dir.to_owned());
    }
    if ctx.job_dir.is_none() && ctx.env.get_filled("JOB_PATH").is_none() {
        let cwd = ctx.cwd()?;
        let entries = std::fs::read_dir(cwd.join(BUILDS)).into_iter().flatten().flatten();
        let mut made: Vec<PathBuf> =
            entries.map(|entry| entry.path()).filter(|path| is_shown(path) && Record::file(path).is_file()).collect();
        made.sort();
        match made.as_slice() {
            [] => {}
            [one] => {
                ctx.note(chosen(one));
                ctx.job_dir = Some(one.clone());
            }
            several => {
                let names: Vec<String> =
                    several.iter().filter_map(|path| Some(path.file_name()?.display().to_string())).collect();
                let message = format!(
                    "{BUILDS} holds the directories of several jobs ({}): name one with --job-dir",
                    names.join(", ")
                );
                return Err(Error::new(Kind::Configuration, message));
            }
        }
    }
    Ok(ctx)
}
