//! git as a child process, whatever the environment and the repository's configuration say.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::error::Error;

/// Variables that would point git at another repository, or have it run something. Its configuration stays: that is
/// where `safe.directory` is.
const UNSET: [&str; 13] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
    "GIT_EXTERNAL_DIFF",
    "GIT_DIFF_OPTS",
    "GIT_PAGER",
];

/// git in a repository, without what its environment would add.
fn git(repository: &Path) -> Command {
    let mut git = Command::new("git");
    for variable in UNSET {
        git.env_remove(variable);
    }
    // Where `.git` is no repository, git must not go on to one around it.
    if let Some(parent) = repository.canonicalize().ok().as_deref().and_then(Path::parent) {
        git.env("GIT_CEILING_DIRECTORIES", parent);
    }
    git.env("GIT_OPTIONAL_LOCKS", "0").stdin(Stdio::null());
    git.arg("-C").arg(repository).args(["--no-pager", "-c", "core.fsmonitor=false"]);
    git
}

fn no_git(error: &io::Error) -> Error {
    Error::drop_in(format_args!("cannot run git: {error}; install it, or put it on the PATH"))
}

/// Has git itself say what is wrong with a repository: `git diff` would print its whole usage instead.
pub fn check(repository: &Path) -> Result<(), Error> {
    let status = git(repository).args(["rev-parse", "--git-dir"]).stdout(Stdio::null()).status();
    if status.map_err(|error| no_git(&error))?.success() {
        return Ok(());
    }
    let path = repository.display();
    Err(Error::drop_in(format_args!("git does not take {path} for a repository, see its message above")))
}

/// What `diff` lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// Changed files, a NUL after each: without `-z` git would quote the odd names.
    Files,
    /// Folders with their share of the changes, one a line: `  12.5% src/app/`.
    Folders,
}

/// Starts git on what changed in a range, its standard output piped. The range must not begin with `-`.
pub fn diff(repository: &Path, range: &OsStr, list: List) -> Result<Child, Error> {
    let mut git = git(repository);
    git.args(["diff", "--no-ext-diff", "--no-textconv", "--no-color"]);
    match list {
        List::Files => git.args(["--name-only", "-z"]),
        List::Folders => git.arg("--dirstat"),
    };
    git.arg(range).arg("--").stdout(Stdio::piped()).spawn().map_err(|error| no_git(&error))
}
