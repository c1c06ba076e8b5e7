//! `shaData`: what the checkout says of its commit, and what the CI says of the event that led to it.

use std::path::Path;

use serde_json::{Map, Value};

use super::{Event, Host, Person, remote};
use crate::ctx::Env;
use crate::error::Error;
use crate::support::git;

/// A commit as git tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Commit {
    sha: String,
    parent: Option<String>,
    committer: Person,
    author: Person,
    message: String,
}

/// What a checkout is at.
#[derive(Debug, Clone, Default)]
struct Checkout {
    /// What is checked out.
    head: String,
    /// The commit to speak of: what is checked out, or the head of the pull request merged into it.
    commit: Commit,
    /// The branch, where one is checked out or a single one of the remote's ends here.
    branch: Option<String>,
    /// The tag that a checkout without a branch is at.
    tag: Option<String>,
    /// The address of `origin`, or of the only remote.
    address: Option<String>,
}

/// `shaData` of a repository resource, with all its keys in their order: from the checkout, if there is one, and from
/// what the CI says about it. A checkout of another repository than the CI's own gets nothing from the CI.
pub fn sha_data(repository: Option<&Path>, host: &Host, env: &Env) -> Result<Map<String, Value>, Error> {
    let checkout = repository.map(|path| read(path, &host.event, env)).transpose()?;
    let nothing = Event::default();
    let event = match &checkout {
        Some(checkout) if !is_of(&host.event, checkout) => &nothing,
        _ => &host.event,
    };
    Ok(overlay(checkout.as_ref(), event))
}

/// `normalizedRepo` of a repository resource: from the checkout's remote, and from the CI where it is the CI's own.
pub fn normalized_repo(repository: Option<&Path>, host: &Host, env: &Env) -> Result<Map<String, Value>, Error> {
    let checkout = repository.map(|path| read(path, &host.event, env)).transpose()?;
    let Some(checkout) = checkout else { return Ok(remote::normalized_repo(None, Some(&host.event.repository))) };
    let said = is_of(&host.event, &checkout).then_some(&host.event.repository);
    Ok(remote::normalized_repo(checkout.address.as_deref(), said))
}

/// Whether the CI's event is about the repository of a checkout: both say the same name, or are at the same commit.
fn is_of(event: &Event, checkout: &Checkout) -> bool {
    let ids = [&event.commit, &event.checked_out];
    if ids.into_iter().flatten().any(|id| *id == checkout.head || *id == checkout.commit.sha) {
        return true;
    }
    let named = checkout.address.as_deref().and_then(remote::parse).filter(|remote| !remote.host.is_empty());
    match (&event.repository.full_name, named) {
        (Some(said), Some(remote)) => said.eq_ignore_ascii_case(&remote.full_name),
        // Nothing to compare: the only repository that the CI speaks of.
        _ => event.commit.is_none(),
    }
}

fn read(path: &Path, event: &Event, env: &Env) -> Result<Checkout, Error> {
    let ask = |arguments: &[&str]| git::run(git::command(env, Some(path)).args(arguments));
    let inside = ask(&["rev-parse", "--is-inside-work-tree"])?;
    if !inside.succeeded {
        let (path, said) = (path.display(), inside.said);
        return Err(Error::failed(format_args!("{path} is no git checkout: {said}")));
    }
    let head = ask(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])?;
    if !head.succeeded {
        let path = path.display();
        return Err(Error::failed(format_args!("the repository {path} has no commit yet: make one first")));
    }
    let head = line(&head.output);
    // The commit that a pull request's merge was made for says more than the merge.
    let wanted = event.commit.as_deref().filter(|_| event.checked_out.as_deref() == Some(head.as_str()));
    let commit = if let Some(commit) = wanted.map(|commit| describe(path, commit, env)).transpose()?.flatten() {
        commit
    } else {
        let merge = describe(path, &head, env)?.unwrap_or_default();
        // A shallow checkout has the merge only: whatever its depth, the commit is called the same.
        match wanted {
            Some(wanted) => Commit { sha: wanted.to_owned(), parent: None, ..merge },
            None => merge,
        }
    };
    let branch = ask(&["symbolic-ref", "--quiet", "--short", "HEAD"])?;
    let refs = ask(&["for-each-ref", "--points-at", &head, "--format=%(refname)", "refs/remotes", "refs/tags"])?;
    let refs = String::from_utf8_lossy(&refs.output).into_owned();
    let (branch, tag) = names_of(branch.succeeded.then(|| line(&branch.output)), &refs);
    Ok(Checkout { head, commit, branch, tag, address: address(path, env)? })
}

/// Branch and tag of a checkout, from the branch that it is on and the refs that end at its commit.
fn names_of(on: Option<String>, refs: &str) -> (Option<String>, Option<String>) {
    if on.is_some() {
        return (on, None);
    }
    // refs/remotes/<remote>/<branch>
    let remote = |name: &'_ str| Some(name.strip_prefix("refs/remotes/")?.split_once('/')?.1.to_owned());
    let mut branches: Vec<_> = refs.lines().filter_map(remote).filter(|name| name != "HEAD").collect();
    branches.sort();
    branches.dedup();
    let tag = refs.lines().filter_map(|name| name.strip_prefix("refs/tags/")).next_back().map(str::to_owned);
    (if branches.len() == 1 { branches.pop() } else { None }, tag)
}

fn address(path: &Path, env: &Env) -> Result<Option<String>, Error> {
    let remotes = git::run(git::command(env, Some(path)).arg("remote"))?;
    let remotes = String::from_utf8_lossy(&remotes.output).into_owned();
    let mut names = remotes.lines();
    let name = match (remotes.lines().find(|name| *name == "origin"), names.next(), names.next()) {
        (Some(origin), ..) => origin,
        (None, Some(only), None) => only,
        _ => return Ok(None),
    };
    let key = format!("remote.{name}.url");
    let url = git::run(git::command(env, Some(path)).args(["config", "--get", &key]))?;
    Ok(url.succeeded.then(|| line(&url.output)))
}

/// A commit in git's words, if the repository has it.
fn describe(path: &Path, commit: &str, env: &Env) -> Result<Option<Commit>, Error> {
    let format = "--format=%H%x00%P%x00%cn%x00%ce%x00%an%x00%ae%x00%B";
    let show = ["log", "-1", "--no-show-signature", "--no-color", "--encoding=UTF-8", format, commit, "--"];
    let answer = git::run(git::command(env, Some(path)).args(show))?;
    if !answer.succeeded {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&answer.output).into_owned();
    let mut fields = text.splitn(7, '\0').map(str::to_owned);
    let mut next = || fields.next().unwrap_or_default();
    let sha = next();
    let parent = next().split(' ').next().filter(|parent| !parent.is_empty()).map(str::to_owned);
    let mut person = || Person { login: None, name: Some(next()), email: Some(next()) };
    let (committer, author) = (person(), person());
    let message = next().trim_end().to_owned();
    Ok(Some(Commit { sha, parent, committer, author, message }))
}

fn line(output: &[u8]) -> String {
    String::from_utf8_lossy(output).trim_end_matches('\n').to_owned()
}

/// All keys, in the contract's order.
fn overlay(checkout: Option<&Checkout>, event: &Event) -> Map<String, Value> {
    let own = checkout.map(|checkout| &checkout.commit);
    let commit = own.map(|own| own.sha.clone()).or_else(|| event.commit.clone());
    // What the CI says of another commit than the one that is checked out is not said of this one.
    let same = own.is_none_or(|own| event.commit.as_ref().is_none_or(|id| *id == own.sha));
    let said = |value: &Option<String>| value.clone().filter(|_| same);
    let knows_ref = event.branch.is_some() || event.tag.is_some() || event.pull_request.is_some();
    let from_git = checkout.filter(|_| !knows_ref);
    let branch = event.branch.clone().or_else(|| checkout.and_then(|checkout| checkout.branch.clone()));
    let pull = event.pull_request.as_ref();
    let tag = event.tag.clone().or_else(|| from_git.and_then(|checkout| checkout.tag.clone()));
    let release = event.release.as_ref();
    let before = said(&event.before).or_else(|| own.and_then(|own| own.parent.clone()));
    let place = place(checkout, event);
    let base = pull.and_then(|pull| pull.base.clone());
    let commit_url = said(&event.commit_url).or_else(|| place.as_ref()?.commit_url(commit.as_deref()?));
    let compare_url =
        said(&event.compare_url).or_else(|| place.as_ref()?.compare_url(before.as_deref()?, commit.as_deref()?));
    let message = own.map(|own| own.message.clone()).or_else(|| event.message.clone());
    let said_author = event.author.as_ref().filter(|_| same);
    let said_committer = event.committer.as_ref().filter(|_| same);
    let committer = person(own.map(|own| &own.committer), said_committer.or(said_author));
    let author = person(own.map(|own| &own.author), said_author);
    Map::from_iter([
        ("branchName".to_owned(), text(branch)),
        ("baseCommitRef".to_owned(), text(base.clone())),
        ("headCommitRef".to_owned(), text(pull.and_then(|pull| pull.head.clone()))),
        ("pullRequestNumber".to_owned(), pull.map_or(Value::Null, |pull| number(&pull.number))),
        ("pullRequestBaseBranch".to_owned(), text(base)),
        ("beforeCommitSha".to_owned(), text(before)),
        ("commitSha".to_owned(), text(commit)),
        ("commitUrl".to_owned(), text(commit_url)),
        ("committer".to_owned(), committer),
        ("lastAuthor".to_owned(), author),
        ("triggeredBy".to_owned(), person(None, event.triggered_by.as_ref())),
        ("commitMessage".to_owned(), text(message)),
        ("isGitTag".to_owned(), Value::Bool(tag.is_some() && release.is_none())),
        ("gitTagName".to_owned(), text(tag)),
        ("isRelease".to_owned(), Value::Bool(release.is_some())),
        ("releaseName".to_owned(), text(release.and_then(|release| release.name.clone()))),
        ("releaseBody".to_owned(), text(release.and_then(|release| release.body.clone()))),
        ("releasedAt".to_owned(), text(release.and_then(|release| release.released_at.clone()))),
        ("isPullRequest".to_owned(), Value::Bool(pull.is_some_and(|pull| !pull.is_closed))),
        ("isPullRequestClose".to_owned(), Value::Bool(pull.is_some_and(|pull| pull.is_closed))),
        ("pullRequestRepoFullName".to_owned(), text(pull.and_then(|pull| pull.repository.clone()))),
        ("skipDecryption".to_owned(), Value::Bool(false)),
        ("compareUrl".to_owned(), text(compare_url)),
    ])
}

/// Where the repository is served, if it is.
fn place(checkout: Option<&Checkout>, event: &Event) -> Option<remote::Remote> {
    let address = checkout.and_then(|checkout| checkout.address.as_ref()).or(event.repository.https_url.as_ref())?;
    remote::parse(address).filter(|remote| !remote.host.is_empty())
}

fn text(value: Option<String>) -> Value {
    Value::String(value.unwrap_or_default())
}

/// Digits are a number, as the platform had it; a change of Gerrit's may be called otherwise.
fn number(value: &str) -> Value {
    value.parse::<u64>().map_or_else(|_| Value::from(value), Value::from)
}

/// Somebody as git names them, with the login that the CI knows them by.
fn person(own: Option<&Person>, said: Option<&Person>) -> Value {
    let empty = Person::default();
    let (name, email) = match own.or(said) {
        Some(person) => (person.name.clone().or_else(|| person.login.clone()), person.email.clone()),
        None => (None, None),
    };
    let is_same = |said: &&Person| own.is_none_or(|own| own.email == said.email || own.name == said.name);
    let login = said.filter(is_same).unwrap_or(&empty).login.clone();
    Value::Object(Map::from_iter([
        ("login".to_owned(), text(login)),
        ("displayName".to_owned(), text(name)),
        ("email".to_owned(), text(email)),
    ]))
}
