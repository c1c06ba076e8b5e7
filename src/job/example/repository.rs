//! The repository of the example: three commits, made by the git on the machine.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::Error;

/// The commits, as `git fast-import` reads them. `version.json` names the last one, and the first as the one before.
const COMMITS: &[u8] = include_bytes!("repository.fast-import");

/// Makes the repository in an empty folder; false when there is no git.
pub fn make(folder: &Path, path: Option<&OsStr>) -> Result<bool, Error> {
    let steps: [(&[&str], &[u8]); 4] = [
        (&["init", "--quiet", "--template="], b""),
        (&["symbolic-ref", "HEAD", "refs/heads/main"], b""),
        (&["fast-import", "--quiet", "--done"], COMMITS),
        (&["reset", "--quiet", "--hard"], b""),
    ];
    for (arguments, input) in steps {
        match run(folder, path, arguments, input) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => {
                return Err(Error::failed(format_args!("git {} for the example: {error}", arguments[0])));
            }
        }
    }
    Ok(true)
}

/// Runs git with nothing of the user's configuration, which could sign, hook or hash the commits another way.
fn run(folder: &Path, path: Option<&OsStr>, arguments: &[&str], input: &[u8]) -> io::Result<()> {
    let mut git = Command::new("git");
    git.args(arguments).current_dir(folder).env_clear().stdin(Stdio::piped()).stdout(Stdio::null());
    git.envs(path.map(|path| ("PATH", path)));
    git.envs([
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_DEFAULT_HASH", "sha1"),
        ("GIT_DIR", ".git"),
        ("GIT_AUTHOR_NAME", "Ada Example"),
        ("GIT_AUTHOR_EMAIL", "ada@example.com"),
        ("GIT_COMMITTER_NAME", "Ada Example"),
        ("GIT_COMMITTER_EMAIL", "ada@example.com"),
        ("GIT_COMMITTER_DATE", "2019-01-04T03:04:05Z"),
    ]);
    let mut child = git.stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A git that has failed reads no further; its status says why.
        let _ = stdin.write_all(input);
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{}: {}", output.status, said.split_whitespace().collect::<Vec<_>>().join(" "))))
}
