//! Variables of a gitRepo: its commit, and where it comes from; and those of a runCI job, which is about one.

use serde_json::Value;

use super::sequence::{Environment, Origin};
use crate::error::Error;
use crate::job::document::{Node, is_falsy};

/// What stands for a value that is absent, or that JavaScript takes for nothing.
#[derive(Clone, Copy)]
enum Or {
    /// Absent is empty; `false` and `0` are values.
    Value,
    /// Anything like nothing is empty.
    Empty,
    /// Anything like nothing is `false`.
    False,
}

/// Suffix, key in `shaData`, and what stands for nothing.
const COMMIT: [(&str, &str, Or); 14] = [
    ("BRANCH", "branchName", Or::Value),
    ("BASE_BRANCH", "baseCommitRef", Or::Value),
    ("HEAD_BRANCH", "headCommitRef", Or::Empty),
    ("PULL_REQUEST", "pullRequestNumber", Or::False),
    ("COMMIT", "commitSha", Or::Value),
    ("COMMIT_MESSAGE", "commitMessage", Or::Value),
    ("IS_GIT_TAG", "isGitTag", Or::Value),
    ("GIT_TAG_NAME", "gitTagName", Or::Value),
    ("IS_RELEASE", "isRelease", Or::Value),
    ("RELEASE_NAME", "releaseName", Or::Value),
    ("RELEASED_AT", "releasedAt", Or::Value),
    ("IS_PULL_REQUEST", "isPullRequest", Or::Value),
    ("IS_PULL_REQUEST_CLOSE", "isPullRequestClose", Or::Value),
    ("PULL_REQUEST_REPO_FULL_NAME", "pullRequestRepoFullName", Or::Empty),
];

/// Suffix, and key in `normalizedRepo`.
const REPOSITORY: [(&str, &str); 4] = [
    ("SSH_URL", "repositorySshUrl"),
    ("HTTPS_URL", "repositoryHttpsUrl"),
    ("IS_FORK", "isFork"),
    ("REPO_FULL_NAME", "fullName"),
];

/// Suffix after `GERRIT_`, and key in `shaData` or `normalizedRepo`.
const GERRIT: [(&str, &str); 13] = [
    ("EVENT_TYPE", "eventType"),
    ("BRANCH", "branchName"),
    ("CHANGE_NUMBER", "pullRequestNumber"),
    ("CHANGE_ID", "changeId"),
    ("PATCHSET_NUMBER", "patchSetNumber"),
    ("PATCHSET_REVISION", "commitSha"),
    ("REFSPEC", "baseCommitRef"),
    ("CHANGE_SUBJECT", "changeSubject"),
    ("CHANGE_COMMIT_MESSAGE", "commitMessage"),
    ("CHANGE_URL", "commitUrl"),
    ("HOST", "providerDomain"),
    ("PORT", "providerSshPort"),
    ("REST_URL", "providerUrl"),
];
const GERRIT_PEOPLE: [(&str, &str); 3] =
    [("CHANGE_OWNER", "changeOwner"), ("CHANGE_UPLOADER", "triggeredBy"), ("PATCHSET_UPLOADER", "lastAuthor")];

/// The variables, where the version has `shaData`; `root` is the whole `version.json`.
pub fn variables(env: &mut Environment, prefix: &str, root: &Node, origin: &Origin) -> Result<(), Error> {
    let Some(version) = root.object("version")? else { return Ok(()) };
    let Some(bag) = version.object("propertyBag")? else { return Ok(()) };
    let Some(sha) = bag.object("shaData")? else { return Ok(()) };
    for (suffix, value) in commit(&sha)? {
        env.set(format!("{prefix}_{suffix}"), value, origin);
    }
    let Some(repo) = normalized_repo(root)? else { return Ok(()) };
    for (suffix, key) in REPOSITORY {
        env.set(format!("{prefix}_{suffix}"), repo.scalar(key)?.unwrap_or_default(), origin);
    }
    if repo.value.get("repositoryProvider").and_then(Value::as_str) == Some("gerrit") {
        let project = match root.scalar("sourceName")? {
            Some(project) => Some(project),
            None => bag.scalar("sourceName")?,
        };
        env.set(format!("{prefix}_GERRIT_PROJECT"), project.unwrap_or_default(), origin);
        gerrit(env, prefix, &sha, &repo, origin)?;
    }
    Ok(())
}

fn normalized_repo<'a>(root: &Node<'a>) -> Result<Option<Node<'a>>, Error> {
    Ok(root.object("propertyBag")?.map(|bag| bag.object("normalizedRepo")).transpose()?.flatten())
}

/// What `shaData` says of the commit, by the ends of the variables' names.
fn commit(sha: &Node) -> Result<Vec<(&'static str, String)>, Error> {
    let mut found = Vec::with_capacity(COMMIT.len() + 1);
    for (suffix, key, or) in COMMIT {
        let value = sha.scalar(key)?;
        let nothing = sha.member(key).is_none_or(|node| is_falsy(node.value));
        let value = match or {
            Or::Empty if nothing => String::new(),
            Or::False if nothing => "false".to_owned(),
            Or::Value | Or::Empty | Or::False => value.unwrap_or_default(),
        };
        found.push((suffix, value));
    }
    let committer = sha.object("committer")?.map(|person| person.scalar("displayName")).transpose()?.flatten();
    found.push(("COMMITTER", committer.unwrap_or_default()));
    Ok(found)
}

/// The variables of a runCI job, whose repository this is: those of the commit without a prefix. False where the
/// version has no commit.
pub fn of_ci(env: &mut Environment, root: &Node, origin: &Origin) -> Result<bool, Error> {
    let Some(version) = root.object("version")? else { return Ok(false) };
    let Some(bag) = version.object("propertyBag")? else { return Ok(false) };
    // A state has a text in its place.
    let Some(sha) = bag.member("shaData").filter(|sha| sha.value.is_object()) else { return Ok(false) };
    for (name, value) in commit(&sha)? {
        env.set(name.to_owned(), value, origin);
    }
    env.set("SHIPPABLE_COMMIT_RANGE".to_owned(), range(&sha)?, origin);
    let said = match normalized_repo(root)? {
        Some(repo) => repo.scalar("fullName")?,
        None => None,
    };
    let full_name = said.map_or_else(|| bag.scalar("sourceName"), |name| Ok(Some(name)))?.unwrap_or_default();
    let (organisation, name) = full_name.rsplit_once('/').unwrap_or(("", &full_name));
    for (variable, value) in [("REPO_FULL_NAME", full_name.as_str()), ("ORG_NAME", organisation), ("REPO_NAME", name)] {
        env.set(variable.to_owned(), value, origin);
    }
    Ok(true)
}

/// The commits of a push, or those that a pull request adds to its base, as git takes them; nothing where a part of it
/// is not known.
fn range(sha: &Node) -> Result<String, Error> {
    let text = |key: &str| Ok::<_, Error>(sha.scalar(key)?.filter(|text| !text.is_empty()));
    let Some(commit) = text("commitSha")? else { return Ok(String::new()) };
    let is_pull_request = text("isPullRequest")?.as_deref() == Some("true");
    let base = if is_pull_request {
        text("baseCommitRef")?.map(|base| format!("origin/{base}..."))
    } else {
        text("beforeCommitSha")?.map(|before| format!("{before}.."))
    };
    Ok(base.map(|base| base + &commit).unwrap_or_default())
}

fn gerrit(env: &mut Environment, prefix: &str, sha: &Node, repo: &Node, origin: &Origin) -> Result<(), Error> {
    for (suffix, key) in GERRIT {
        let value = match sha.scalar(key)? {
            Some(value) => Some(value),
            None => repo.scalar(key)?,
        };
        env.set(format!("{prefix}_GERRIT_{suffix}"), value.unwrap_or_default(), origin);
    }
    for (suffix, key) in GERRIT_PEOPLE {
        let Some(person) = sha.object(key)? else { continue };
        let name = person.scalar("displayName")?.unwrap_or_default();
        let email = person.scalar("email")?.unwrap_or_default();
        env.set(format!("{prefix}_GERRIT_{suffix}"), format!("\"{name}\" <{email}>"), origin);
        env.set(format!("{prefix}_GERRIT_{suffix}_NAME"), name, origin);
        env.set(format!("{prefix}_GERRIT_{suffix}_EMAIL"), email, origin);
    }
    Ok(())
}
