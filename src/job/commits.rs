//! The commits that a version of a repository resource came with.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::error::Error;
use crate::job::directory::JobDirectory;
use crate::job::{names, resource};

/// The range of a resource's commits for git: those of a push, or those that a pull request adds to its base; `None` when
/// `shaData` lacks a part of it.
pub fn range_of(job: &JobDirectory, name: &OsStr) -> Result<Option<OsString>, Error> {
    let Some(meta) = job.meta(name) else { return Ok(None) };
    let file = meta.join("version.json");
    let sha_data = |key: &str| -> Result<Option<Vec<u8>>, Error> {
        let value = resource::string_at(&file, &["version", "propertyBag", "shaData", key])?;
        Ok(value.filter(|value| !value.is_empty()))
    };
    let Some(commit) = sha_data("commitSha")? else { return Ok(None) };
    let is_pull_request = match from_env(job, name, "IS_PULL_REQUEST") {
        Some(value) => value == "true",
        None => sha_data("isPullRequest")?.is_some_and(|value| value == b"true"),
    };
    let (base, dots) = if is_pull_request {
        let base = match from_env(job, name, "BASE_BRANCH").filter(|base| !base.is_empty()) {
            Some(base) => Some(base.into_vec()),
            None => sha_data("baseCommitRef")?,
        };
        (base.map(|base| [b"origin/", &base[..]].concat()), &b"..."[..])
    } else {
        (sha_data("beforeCommitSha")?, &b".."[..])
    };
    Ok(base.map(|base| OsString::from_vec([&base[..], dots, &commit].concat())))
}

fn from_env(job: &JobDirectory, name: &OsStr, suffix: &str) -> Option<OsString> {
    job.env.get(format!("{}_{suffix}", names::prefix(name.as_bytes())))
}
