//! The clone: fetched with three tries, then put at the commit or the merged pull request.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use super::{Clone, PullRequest, clear, settings};
use crate::ctx::Env;
use crate::error::{Error, Kind};
use crate::host::remote;
use crate::support::git::{self, Answer};
use crate::support::shell::posix_quote;

/// git's own variable for the ssh that it runs.
const SSH_COMMAND: &str = "GIT_SSH_COMMAND";
/// Where the head of a pull request goes: no branch of anybody's.
const PULL_HEAD: &str = "refs/shipctl/pull-request";
/// What git says when user and password are not accepted.
const REFUSED: &str = "Authentication failed";
/// What git, curl and ssh say when a host is not reached.
const UNREACHABLE: [&str; 15] = [
    "Could not resolve host",
    "Couldn't resolve host",
    "Could not resolve proxy",
    "Failed to connect to",
    "Couldn't connect to server",
    "Connection refused",
    "Connection timed out",
    "Connection reset",
    "Operation timed out",
    "Network is unreachable",
    "No route to host",
    "Temporary failure in name resolution",
    "Name or service not known",
    "unable to connect to",
    "unable to look up",
];
/// How often a call over the network is tried.
const TRIES: u32 = 3;
/// How long the first failure is waited for; the next one twice as long.
const PAUSE: Duration = Duration::from_millis(500);

/// A clone at work.
struct Work<'a> {
    spec: &'a Clone,
    target: &'a Path,
    env: &'a Env,
    /// The address, without user and password when it is for https.
    url: String,
    /// `-c` and a setting, in turn.
    settings: Vec<OsString>,
    notes: Vec<String>,
}

/// Clones, and returns what is worth a note. The caller removes what a failure leaves.
pub fn run(spec: &Clone, target: &Path, env: &Env) -> Result<Vec<String>, Error> {
    let mut work = Work::new(spec, target, env)?;
    work.fetch_all()?;
    work.configure()?;
    match &spec.pull_request {
        Some(pull) => work.merge(pull)?,
        None => work.check_out()?,
    }
    Ok(work.notes)
}

impl<'a> Work<'a> {
    fn new(spec: &'a Clone, target: &'a Path, env: &'a Env) -> Result<Self, Error> {
        let refuse = |message: String| Error::new(Kind::Configuration, message);
        let url = spec.url().ok_or_else(|| {
            refuse("the repository has no address: give its sourceName an integration, or use --git NAME=PATH".into())
        })?;
        if url.starts_with('-') {
            return Err(refuse(format!("{} is no address of a repository", remote::strip_credentials(url))));
        }
        let is_web = url.starts_with("https://") || url.starts_with("http://");
        let mut notes = Vec::new();
        if is_web && remote::strip_credentials(url) != url {
            // They would be seen in the list of processes, and stay in the clone.
            let shown = remote::strip_credentials(url);
            notes.push(format!("user and password in the address of {shown} are not used: give a gitCredential"));
        }
        let mut settings = Vec::new();
        for line in &spec.git_config {
            settings.extend([OsString::from("-c"), settings::parse(line)?.into()]);
        }
        if let Some(credentials) = &spec.credentials {
            credentials.store()?;
            for value in [OsString::new(), helper(&credentials.file)] {
                let mut setting = OsString::from("credential.helper=");
                setting.push(value);
                settings.extend([OsString::from("-c"), setting]);
            }
        }
        let url = if is_web { remote::strip_credentials(url) } else { url.to_owned() };
        Ok(Self { spec, target, env, url, settings, notes })
    }

    /// git with the settings and the key of this clone; in the clone, once it is there.
    fn git(&self, repository: Option<&Path>) -> Command {
        let mut git = git::command(self.env, repository);
        git.args(&self.settings);
        if let Some(key) = &self.spec.key {
            let ssh = self.env.get_filled(SSH_COMMAND).unwrap_or_else(|| "ssh".into());
            let mut ssh = ssh.into_vec();
            ssh.extend_from_slice(b" -i ");
            ssh.extend(posix_quote(key.as_os_str().as_bytes()));
            ssh.extend_from_slice(b" -o IdentitiesOnly=yes -o BatchMode=yes");
            git.env(SSH_COMMAND, OsString::from_vec(ssh));
        }
        git
    }

    fn ask(&self, arguments: &[&str]) -> Result<Answer, Error> {
        git::run(self.git(Some(self.target)).args(arguments))
    }

    fn must(&self, doing: &str, arguments: &[&str]) -> Result<(), Error> {
        let answer = self.ask(arguments)?;
        if answer.succeeded { Ok(()) } else { Err(self.failure(doing, &answer)) }
    }

    fn failure(&self, doing: &str, answer: &Answer) -> Error {
        let mut said = answer.said.clone();
        if said.contains(REFUSED) {
            said.push_str("; check user and password of its integration");
        } else if said.contains("Host key verification failed") {
            said.push_str("; add the host's key to known_hosts (ssh-keyscan)");
        } else if said.contains("terminal prompts disabled") {
            said.push_str("; give the repository a key or a gitCredential");
        }
        let is_network = UNREACHABLE.iter().any(|words| answer.said.contains(words));
        if is_network {
            said.push_str("; check the address and the network, or give a checkout with --git NAME=PATH");
        }
        let kind = if is_network { Kind::Network } else { Kind::Failed };
        let url = remote::strip_credentials(&self.url);
        Error::new(kind, format_args!("cannot {doing} {url}: {}", said.replace(self.url.as_str(), &url)))
    }

    fn fetch_all(&self) -> Result<(), Error> {
        let answer = try_often(|| {
            // git removes what it made, but not always what it was sent.
            clear(self.target, false);
            let mut git = self.git(None);
            git.args(["clone", "--quiet", "--no-checkout", "--origin", "origin", "--no-single-branch"]);
            if let Some(depth) = self.spec.depth.filter(|depth| *depth > 0) {
                git.arg("--depth").arg(depth.to_string());
            }
            git::run(git.arg("--").arg(&self.url).arg(self.target))
        })?;
        if answer.succeeded { Ok(()) } else { Err(self.failure("clone", &answer)) }
    }

    /// What scripts that commit and push from the clone need.
    fn configure(&self) -> Result<(), Error> {
        let has_email = self.ask(&["config", "--get", "user.email"])?.succeeded;
        let mut settings: Vec<(&str, OsString)> = vec![("user.name", "Shippable Build".into())];
        if !has_email {
            settings.push(("user.email", "shippable-build@localhost".into()));
        }
        if let Some(credentials) = &self.spec.credentials {
            let helper = helper(&credentials.later);
            settings.extend([("credential.helper", OsString::new()), ("credential.helper", helper)]);
        }
        for (name, value) in settings {
            let answer = git::run(self.git(Some(self.target)).args(["config", "--add", name]).arg(value))?;
            if !answer.succeeded {
                return Err(self.failure("configure the clone of", &answer));
            }
        }
        Ok(())
    }

    /// The id of a commit that the clone has.
    fn resolve(&self, name: &str) -> Result<Option<String>, Error> {
        let name = format!("{name}^{{commit}}");
        let answer = self.ask(&["rev-parse", "--verify", "--quiet", "--end-of-options", &name])?;
        Ok(answer.succeeded.then(|| String::from_utf8_lossy(answer.output.trim_ascii()).into_owned()))
    }

    fn fetch(&self, what: &[&str]) -> Result<Answer, Error> {
        try_often(|| self.ask(&[&["fetch", "--quiet", "--no-tags"], what].concat()))
    }

    fn is_shallow(&self) -> Result<bool, Error> {
        Ok(self.ask(&["rev-parse", "--is-shallow-repository"])?.output.trim_ascii() == b"true")
    }

    /// The commit, or else the branch.
    fn check_out(&self) -> Result<(), Error> {
        let Some(sha) = self.spec.sha.as_deref().filter(|sha| !sha.is_empty()) else { return self.check_out_branch() };
        if sha.starts_with('-') {
            return Err(self.no_commit(sha));
        }
        let mut found = self.resolve(sha)?;
        if found.is_none() {
            // A shallow clone lacks it; and a server may hand out a commit that no branch has any more.
            let depth = self.spec.depth.filter(|depth| *depth > 0).map(|depth| format!("--depth={depth}"));
            let words: Vec<&str> = depth.iter().map(String::as_str).chain(["origin", sha]).collect();
            self.ask(&[&["fetch", "--quiet", "--no-tags"], &words[..]].concat())?;
            found = self.resolve(sha)?;
        }
        if found.is_none() && self.is_shallow()? {
            self.fetch(&["--unshallow", "origin"])?;
            found = self.resolve(sha)?;
        }
        let found = match found {
            Some(found) => found,
            // Old versions hold a branch's name.
            None => self.resolve(&format!("refs/remotes/origin/{sha}"))?.ok_or_else(|| self.no_commit(sha))?,
        };
        self.must("check out", &["checkout", "--quiet", "--force", "--detach", &found])
    }

    fn no_commit(&self, sha: &str) -> Error {
        let url = remote::strip_credentials(&self.url);
        Error::failed(format_args!("{url} has no commit {sha}: pin a version whose commit is still there"))
    }

    fn check_out_branch(&self) -> Result<(), Error> {
        let branch = self.spec.branch.as_deref().filter(|branch| !branch.is_empty());
        let name =
            branch.map_or("refs/remotes/origin/HEAD".to_owned(), |branch| format!("refs/remotes/origin/{branch}"));
        let Some(found) = self.resolve(&name)? else {
            let url = remote::strip_credentials(&self.url);
            return Err(match branch {
                Some(branch) => {
                    Error::failed(format_args!("{url} has no branch {branch}: check `branch` of the resource"))
                }
                None => Error::failed(format_args!("{url} has no default branch with a commit: name a branch")),
            });
        };
        self.must("check out", &["checkout", "--quiet", "--force", "--detach", &found])
    }

    /// The pull request's head, merged into its base.
    fn merge(&mut self, pull: &PullRequest) -> Result<(), Error> {
        let source = self.pull_ref(pull)?;
        let refspec = format!("+{source}:{PULL_HEAD}");
        let depth = self.spec.depth.filter(|depth| *depth > 0).map(|depth| format!("--depth={depth}"));
        let words: Vec<&str> = depth.iter().map(String::as_str).chain(["origin", &refspec]).collect();
        let answer = self.fetch(&words)?;
        if !answer.succeeded {
            return Err(self.failure(&format!("fetch pull request {} of", pull.number), &answer));
        }
        let base = format!("refs/remotes/origin/{}", pull.base);
        if self.resolve(&base)?.is_none() {
            let url = remote::strip_credentials(&self.url);
            let (number, base) = (&pull.number, &pull.base);
            return Err(Error::failed(format_args!(
                "{url} has no branch {base}, into which pull request {number} goes"
            )));
        }
        // Without the commit that both come from there is nothing to merge by.
        if !self.ask(&["merge-base", PULL_HEAD, &base])?.succeeded && self.is_shallow()? {
            self.fetch(&["--unshallow", "origin", &refspec])?;
        }
        let found = self.resolve(PULL_HEAD)?.unwrap_or_default();
        if let Some(sha) = self.spec.sha.as_deref().filter(|sha| !sha.is_empty() && *sha != found) {
            self.notes.push(format!("pull request {} is at {found} by now, not at {sha}", pull.number));
        }
        self.must("check out", &["checkout", "--quiet", "--force", "--detach", PULL_HEAD])?;
        let doing = format!("merge {} into pull request {} of", pull.base, pull.number);
        self.must(&doing, &["merge", "--quiet", "--ff", "--no-edit", "--no-gpg-sign", &base])
    }

    /// Where the provider keeps the head of a pull request.
    fn pull_ref(&self, pull: &PullRequest) -> Result<String, Error> {
        let parsed = remote::parse(&self.url);
        let provider = self.spec.provider.as_deref().or(parsed.as_ref().map(|remote| remote.provider));
        let number = &pull.number;
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Error::new(Kind::Configuration, format_args!("{number:?} is no number of a pull request")));
        }
        let head = pull.head.as_deref().filter(|head| !head.is_empty());
        match (provider.map(str::to_ascii_lowercase).as_deref(), head) {
            (Some("gitlab" | "gitlabserver"), _) => Ok(format!("refs/merge-requests/{number}/head")),
            (Some("bitbucketserver"), _) => Ok(format!("refs/pull-requests/{number}/from")),
            (Some("bitbucket" | "azure"), Some(head)) => Ok(format!("refs/heads/{head}")),
            (Some("bitbucket" | "azure"), None) => {
                let message =
                    format!("pull request {number}: its branch is not known, and this service has no ref for it");
                Err(Error::new(Kind::Configuration, message))
            }
            _ => Ok(format!("refs/pull/{number}/head")),
        }
    }
}

/// Tries a call over the network.
fn try_often(mut call: impl FnMut() -> Result<Answer, Error>) -> Result<Answer, Error> {
    let mut pause = PAUSE;
    for _ in 1..TRIES {
        let answer = call()?;
        // git throws a password away that was refused: the next try would be one without.
        if answer.succeeded || answer.said.contains(REFUSED) {
            return Ok(answer);
        }
        sleep(pause);
        pause *= 2;
    }
    call()
}

/// The helper that reads the file; git has a shell run it.
fn helper(file: &Path) -> OsString {
    let mut helper = OsString::from("store --file ");
    helper.push(OsStr::from_bytes(&posix_quote(file.as_os_str().as_bytes())));
    helper
}
