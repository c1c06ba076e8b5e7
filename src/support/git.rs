//! git as a child process, whatever the environment and the repository's configuration say.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::ctx::Env;
use crate::error::{Error, Kind};

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
    plain(Command::new("git"), Some(repository))
}

/// git that answers us rather than a person: in an environment, in English, without questions. Its configuration
/// stays, and so does the folder when no repository is given.
pub fn command(env: &Env, repository: Option<&Path>) -> Command {
    let mut git = Command::new("git");
    if let Env::Fixed(map) = env {
        git.env_clear().envs(map);
    }
    git.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0");
    plain(git, repository)
}

fn plain(mut git: Command, repository: Option<&Path>) -> Command {
    for variable in UNSET {
        git.env_remove(variable);
    }
    git.env("GIT_OPTIONAL_LOCKS", "0").stdin(Stdio::null());
    let Some(repository) = repository else { return git };
    // Where `.git` is no repository, git must not go on to one around it.
    if let Some(parent) = repository.canonicalize().ok().as_deref().and_then(Path::parent) {
        git.env("GIT_CEILING_DIRECTORIES", parent);
    }
    git.arg("-C").arg(repository).args(["--no-pager", "-c", "core.fsmonitor=false"]);
    git
}

/// What git left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Whether it ended with status 0.
    pub succeeded: bool,
    /// Its standard output.
    pub output: Vec<u8>,
    /// What it said that tells why, in one line.
    pub said: String,
}

/// Runs git to its end.
pub fn run(git: &mut Command) -> Result<Answer, Error> {
    let output = git.output().map_err(|error| no_git(&error).with_kind(Kind::Failed))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    let mut said = if errors.trim().is_empty() || errors.trim_start().starts_with("Auto packing") {
        telling_line(&String::from_utf8_lossy(&output.stdout))
    } else {
        telling_line(&errors)
    };
    if said.contains("dubious ownership") {
        // Usual in containers, whose user is not the one that the CI checked out as.
        said.push_str("; `git config --global --add safe.directory FOLDER` allows it");
    }
    Ok(Answer { succeeded: output.status.success(), output: output.stdout, said })
}

/// The line that says why: git's last `fatal:` or `error:`, with what ssh said before it; else the last line of all.
fn telling_line(text: &str) -> String {
    let noise = |line: &&str| {
        let noise = ["Cloning into", "hint:", "warning:", "Automatic merge failed", "Auto-merging", "From "];
        !line.is_empty() && !noise.iter().any(|start| line.starts_with(start))
    };
    let lines: Vec<_> = text.split(['\n', '\r']).map(str::trim).filter(noise).collect();
    let is_why = |line: &&str| line.starts_with("fatal: ") || line.starts_with("error: ");
    match lines.iter().rposition(is_why) {
        // "Could not read from remote repository" is only what followed.
        Some(at) if at > 0 && !is_why(&lines[at - 1]) => format!("{}; {}", lines[at - 1], lines[at]),
        Some(at) => lines[at].to_owned(),
        None => lines.last().copied().unwrap_or("it says nothing").to_owned(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_says_why() {
        for (text, want) in [
            ("Cloning into 'x'...\nfatal: repository '/x' does not exist\n", "fatal: repository '/x' does not exist"),
            (
                "Cloning into 'x'...\nme@h: Permission denied (publickey).\r\nfatal: Could not read from remote \
                 repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n",
                "me@h: Permission denied (publickey).; fatal: Could not read from remote repository.",
            ),
            (
                "Auto-merging f\nCONFLICT (content): Merge conflict in f\nAutomatic merge failed; fix conflicts\n",
                "CONFLICT (content): Merge conflict in f",
            ),
            ("", "it says nothing"),
        ] {
            assert_eq!(telling_line(text), want);
        }
    }
}
