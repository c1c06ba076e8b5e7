//! Directories of runs that were killed: the runs of a parallel job have one each, which no later run makes anew.

use std::path::{Path, PathBuf};

use super::{clean, place};
use crate::ctx::Ctx;
use crate::job::record::Record;
use crate::support::alive::{Life, ProcessMark};
use crate::support::temporary;

/// Removes those of a job whose runs have ended, and what `job init` had begun when it was killed. What cannot be removed
/// is told, and stops nobody. Directories of other machines and containers, which may share this folder, stay.
pub(super) fn remove(ctx: &Ctx, cwd: &Path, job: &str) {
    let builds = place::all(cwd);
    temporary::sweep(&builds);
    for dir in of_job(&builds, job) {
        match clean::remove(&dir) {
            Ok(()) => ctx.note(format_args!("removed {}, which a run that was killed has left", dir.display())),
            // Another run was faster.
            Err(_) if !dir.exists() => {}
            Err(error) => ctx.note(format_args!("{error}: a run that was killed has left it")),
        }
    }
}

fn of_job(builds: &Path, job: &str) -> Vec<PathBuf> {
    let is_run = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let number = name.strip_prefix(job).and_then(|rest| rest.strip_prefix('-')).unwrap_or_default();
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_over = |path: &Path| {
        let record = Record::find(path).ok().flatten().filter(|record| record.job == job);
        record.and_then(|record| record.runner).as_ref().map(ProcessMark::life) == Some(Life::Over)
    };
    let entries = std::fs::read_dir(builds).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| is_run(path) && is_over(path)).collect();
    found.sort();
    found
}
