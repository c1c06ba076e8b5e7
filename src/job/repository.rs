//! The `gitRepo` of an input: an existing checkout linked in, or a clone at the commit or pull request that the
//! version names.

mod clone; // the clone itself
mod credential; // user and password, where git looks for them
mod settings; // lines of gitConfig

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

pub use credential::{Credential, Credentials, GIT_CREDENTIAL, credential_lines};

use crate::ctx::Env;
use crate::error::{Error, Kind};
use crate::support::git;

/// Where `gitRepo` comes from.
#[derive(Debug, Clone)]
pub enum Checkout {
    /// A checkout that is there, such as the one that the CI made.
    Existing(PathBuf),
    /// A clone of its own.
    Clone(Box<Clone>),
}

/// What is cloned, and how.
#[derive(Debug, Default, Clone)]
pub struct Clone {
    /// `sourceUrl`, which goes before the others.
    pub source_url: Option<String>,
    /// The address for ssh.
    pub ssh_url: Option<String>,
    /// The address for https.
    pub https_url: Option<String>,
    /// A private repository is cloned by ssh, unless there are credentials for its host and no key.
    pub is_private: bool,
    /// `github`, `gitlab`, `bitbucket`, …; from the address when it is not given.
    pub provider: Option<String>,
    /// The commit; the branch's newest when it is not given.
    pub sha: Option<String>,
    /// The branch for when there is no commit; the remote's default when it is not given.
    pub branch: Option<String>,
    /// The pull request to be merged into its base.
    pub pull_request: Option<PullRequest>,
    /// How many commits of history are fetched; all when it is not given.
    pub depth: Option<u32>,
    /// Lines of `gitConfig`: `name value` or `name=value`, for this clone only.
    pub git_config: Vec<String>,
    /// The private key for ssh.
    pub key: Option<PathBuf>,
    /// Users and passwords for https.
    pub credentials: Option<Credentials>,
}

/// A pull request that is built.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number.
    pub number: String,
    /// The branch that it is merged into.
    pub base: String,
    /// The branch that it comes from, which is all that Bitbucket's cloud has.
    pub head: Option<String>,
}

impl Clone {
    /// The address that is cloned.
    fn url(&self) -> Option<&str> {
        let filled = |url: &Option<String>| url.as_ref().is_some_and(|url| !url.is_empty());
        let logs_in = |url: &String| self.credentials.as_ref().is_some_and(|credentials| credentials.are_for(url));
        let wants_ssh = self.is_private && (self.key.is_some() || !self.https_url.as_ref().is_some_and(logs_in));
        let (first, second) =
            if wants_ssh { (&self.ssh_url, &self.https_url) } else { (&self.https_url, &self.ssh_url) };
        [&self.source_url, first, second].into_iter().find(|url| filled(url))?.as_deref()
    }
}

/// Puts `gitRepo` at `target`, where nothing or an empty folder may be. When it fails, `target` is as it was.
pub fn checkout(spec: &Checkout, target: &Path, env: &Env) -> Result<Vec<String>, Error> {
    let was_there = is_empty_folder(target)?;
    match spec {
        Checkout::Existing(path) => link(path, target, was_there, env).map(|()| Vec::new()),
        Checkout::Clone(spec) => {
            let result = clone::run(spec, target, env);
            if result.is_err() {
                clear(target, was_there);
            }
            result
        }
    }
}

/// Whether an empty folder is at the path; anything else but nothing is in the way.
fn is_empty_folder(target: &Path) -> Result<bool, Error> {
    let in_the_way = || {
        let path = target.display();
        Error::failed(format_args!("{path} is in the way of the repository: remove it, or run `shipctl job clean`"))
    };
    match fs::symlink_metadata(target) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("look at", target, &error)),
        Ok(metadata) if metadata.is_dir() => {
            let mut entries = fs::read_dir(target).map_err(|error| Error::io("read", target, &error))?;
            if entries.next().is_none() { Ok(true) } else { Err(in_the_way()) }
        }
        Ok(_) => Err(in_the_way()),
    }
}

/// Removes what a failed clone left; an empty folder that was there stays.
fn clear(target: &Path, was_there: bool) {
    // The clone's own error is the one that counts.
    let _ = crate::support::temporary::remove_tree(target);
    if was_there {
        let _ = fs::create_dir(target);
    }
}

/// Links an existing checkout in.
fn link(path: &Path, target: &Path, replaces_folder: bool, env: &Env) -> Result<(), Error> {
    let shown = path.display();
    let refuse = |cause: &str| {
        let message = format!("{shown} cannot stand for the repository: {cause}; give the folder of a git checkout");
        Error::new(Kind::Configuration, message)
    };
    let found = match path.canonicalize() {
        Ok(found) => found,
        Err(error) => return Err(refuse(&error.to_string())),
    };
    if !found.is_dir() {
        return Err(refuse("it is no folder"));
    }
    let inside = git::run(git::command(env, Some(&found)).args(["rev-parse", "--is-inside-work-tree"]))?;
    if !inside.succeeded {
        return Err(refuse(&inside.said));
    }
    if inside.output.trim_ascii() != b"true" {
        return Err(refuse("it is a repository without files"));
    }
    if replaces_folder {
        fs::remove_dir(target).map_err(|error| Error::io("replace", target, &error))?;
    }
    symlink(&found, target).map_err(|error| Error::io("link", target, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_address() {
        let credentials = |host: &str| Credentials {
            all: vec![Credential { host: host.to_owned(), ..Credential::default() }],
            ..Credentials::default()
        };
        let spec = |source: &str, is_private: bool, key: bool, host: &str| Clone {
            source_url: Some(source.to_owned()),
            ssh_url: Some("git@h:o/r".to_owned()),
            https_url: Some("https://h:1/o/r".to_owned()),
            is_private,
            key: key.then(PathBuf::new),
            credentials: Some(credentials(host)).filter(|_| !host.is_empty()),
            ..Clone::default()
        };
        for (spec, want) in [
            (spec("source", true, true, ""), "source"),
            (spec("", true, false, ""), "git@h:o/r"),
            (spec("", true, true, "h"), "git@h:o/r"),
            (spec("", true, false, "h"), "https://h:1/o/r"),
            (spec("", true, false, "https://H/"), "https://h:1/o/r"),
            (spec("", true, false, "other"), "git@h:o/r"),
            (spec("", false, false, ""), "https://h:1/o/r"),
            (Clone { https_url: None, ..spec("", false, false, "h") }, "git@h:o/r"),
        ] {
            assert_eq!(spec.url(), Some(want), "{spec:?}");
        }
        assert_eq!(Clone::default().url(), None);
    }
}
