//! The variables that each CI documents, as tables: of several names, the first that says something counts.

use percent_encoding::utf8_percent_encode;

use super::{Event, Host, Kind, Person, PullRequest, Repository};
use crate::ctx::Env;
use crate::host::remote;
use crate::notify::secrets::RESERVED;

/// Variables of one CI, by what they say.
#[derive(Clone, Copy)]
struct Table {
    build_number: &'static [&'static str],
    build_id: &'static [&'static str],
    build_url: &'static [&'static str],
    actor: &'static [&'static str],
    actor_name: &'static [&'static str],
    actor_email: &'static [&'static str],
    /// What the CI checks out.
    commit: &'static [&'static str],
    /// The head of a pull request, where `commit` is a merge.
    pull_commit: &'static [&'static str],
    /// A branch, or a full ref that says whether it is a tag.
    branch: &'static [&'static str],
    tag: &'static [&'static str],
    before: &'static [&'static str],
    message: &'static [&'static str],
    author: &'static [&'static str],
    author_name: &'static [&'static str],
    author_email: &'static [&'static str],
    pull_number: &'static [&'static str],
    pull_base: &'static [&'static str],
    pull_head: &'static [&'static str],
    pull_repository: &'static [&'static str],
    full_name: &'static [&'static str],
    /// Addresses of the repository, in any form.
    remotes: &'static [&'static str],
    private: &'static [&'static str],
}

const NOTHING: Table = Table {
    build_number: &[],
    build_id: &[],
    build_url: &[],
    actor: &[],
    actor_name: &[],
    actor_email: &[],
    commit: &[],
    pull_commit: &[],
    branch: &[],
    tag: &[],
    before: &[],
    message: &[],
    author: &[],
    author_name: &[],
    author_email: &[],
    pull_number: &[],
    pull_base: &[],
    pull_head: &[],
    pull_repository: &[],
    full_name: &[],
    remotes: &[],
    private: &[],
};

const GITHUB: Table = Table {
    build_number: &["GITHUB_RUN_NUMBER"],
    build_id: &["GITHUB_RUN_ID"],
    actor: &["GITHUB_ACTOR"],
    commit: &["GITHUB_SHA"],
    branch: &["GITHUB_REF"],
    pull_base: &["GITHUB_BASE_REF"],
    pull_head: &["GITHUB_HEAD_REF"],
    full_name: &["GITHUB_REPOSITORY"],
    ..NOTHING
};

const GITLAB: Table = Table {
    build_number: &["CI_PIPELINE_IID"],
    build_id: &["CI_PIPELINE_ID"],
    build_url: &["CI_PIPELINE_URL"],
    actor: &["GITLAB_USER_LOGIN"],
    actor_name: &["GITLAB_USER_NAME"],
    actor_email: &["GITLAB_USER_EMAIL"],
    commit: &["CI_COMMIT_SHA"],
    pull_commit: &["CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_SHA"],
    branch: &["CI_COMMIT_BRANCH"],
    tag: &["CI_COMMIT_TAG"],
    before: &["CI_COMMIT_BEFORE_SHA"],
    message: &["CI_COMMIT_MESSAGE"],
    author_name: &["CI_COMMIT_AUTHOR"],
    pull_number: &["CI_MERGE_REQUEST_IID", "CI_EXTERNAL_PULL_REQUEST_IID"],
    pull_base: &["CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME"],
    pull_head: &["CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME"],
    pull_repository: &["CI_MERGE_REQUEST_SOURCE_PROJECT_PATH", "CI_EXTERNAL_PULL_REQUEST_SOURCE_REPOSITORY"],
    full_name: &["CI_PROJECT_PATH"],
    remotes: &["CI_PROJECT_URL"],
    private: &["CI_PROJECT_VISIBILITY"],
    ..NOTHING
};

const JENKINS: Table = Table {
    build_number: &["BUILD_NUMBER"],
    build_id: &["BUILD_ID"],
    build_url: &["BUILD_URL"],
    actor: &["BUILD_USER", "BUILD_USER_ID", "CHANGE_AUTHOR"],
    actor_name: &["BUILD_USER", "CHANGE_AUTHOR_DISPLAY_NAME"],
    actor_email: &["BUILD_USER_EMAIL", "CHANGE_AUTHOR_EMAIL"],
    commit: &["GIT_COMMIT"],
    branch: &["GIT_LOCAL_BRANCH", "BRANCH_NAME", "GIT_BRANCH"],
    tag: &["TAG_NAME"],
    before: &["GIT_PREVIOUS_COMMIT"],
    pull_number: &["CHANGE_ID"],
    pull_base: &["CHANGE_TARGET"],
    pull_head: &["CHANGE_BRANCH"],
    pull_repository: &["CHANGE_FORK"],
    remotes: &["GIT_URL", "GIT_URL_1"],
    ..NOTHING
};

const BUILDKITE: Table = Table {
    build_number: &["BUILDKITE_BUILD_NUMBER"],
    build_id: &["BUILDKITE_BUILD_ID"],
    build_url: &["BUILDKITE_BUILD_URL"],
    actor: &["BUILDKITE_BUILD_CREATOR", "BUILDKITE_BUILD_AUTHOR"],
    actor_name: &["BUILDKITE_BUILD_CREATOR"],
    actor_email: &["BUILDKITE_BUILD_CREATOR_EMAIL"],
    commit: &["BUILDKITE_COMMIT"],
    branch: &["BUILDKITE_BRANCH"],
    tag: &["BUILDKITE_TAG"],
    message: &["BUILDKITE_MESSAGE"],
    author_name: &["BUILDKITE_BUILD_AUTHOR"],
    author_email: &["BUILDKITE_BUILD_AUTHOR_EMAIL"],
    pull_number: &["BUILDKITE_PULL_REQUEST"],
    pull_base: &["BUILDKITE_PULL_REQUEST_BASE_BRANCH"],
    pull_head: &["BUILDKITE_BRANCH"],
    pull_repository: &["BUILDKITE_PULL_REQUEST_REPO"],
    remotes: &["BUILDKITE_REPO"],
    ..NOTHING
};

const CIRCLECI: Table = Table {
    build_number: &["CIRCLE_BUILD_NUM"],
    build_id: &["CIRCLE_WORKFLOW_ID"],
    build_url: &["CIRCLE_BUILD_URL"],
    actor: &["CIRCLE_USERNAME"],
    commit: &["CIRCLE_SHA1"],
    branch: &["CIRCLE_BRANCH"],
    tag: &["CIRCLE_TAG"],
    pull_number: &["CIRCLE_PR_NUMBER", "CIRCLE_PULL_REQUEST"],
    pull_head: &["CIRCLE_BRANCH"],
    remotes: &["CIRCLE_REPOSITORY_URL"],
    ..NOTHING
};

const AZURE: Table = Table {
    build_number: &["BUILD_BUILDNUMBER"],
    build_id: &["BUILD_BUILDID"],
    actor: &["BUILD_REQUESTEDFOR"],
    actor_name: &["BUILD_REQUESTEDFOR"],
    actor_email: &["BUILD_REQUESTEDFOREMAIL"],
    commit: &["BUILD_SOURCEVERSION"],
    pull_commit: &["SYSTEM_PULLREQUEST_SOURCECOMMITID"],
    branch: &["BUILD_SOURCEBRANCH"],
    message: &["BUILD_SOURCEVERSIONMESSAGE"],
    // The number is GitHub's own; the id is that of Azure Repos.
    pull_number: &["SYSTEM_PULLREQUEST_PULLREQUESTNUMBER", "SYSTEM_PULLREQUEST_PULLREQUESTID"],
    pull_base: &["SYSTEM_PULLREQUEST_TARGETBRANCH", "SYSTEM_PULLREQUEST_TARGETBRANCHNAME"],
    pull_head: &["SYSTEM_PULLREQUEST_SOURCEBRANCH"],
    pull_repository: &["SYSTEM_PULLREQUEST_SOURCEREPOSITORYURI"],
    remotes: &["BUILD_REPOSITORY_URI"],
    ..NOTHING
};

const DRONE: Table = Table {
    build_number: &["DRONE_BUILD_NUMBER"],
    build_id: &["DRONE_BUILD_NUMBER"],
    build_url: &["DRONE_BUILD_LINK"],
    actor: &["DRONE_BUILD_TRIGGER", "DRONE_COMMIT_AUTHOR"],
    commit: &["DRONE_COMMIT_SHA", "DRONE_COMMIT"],
    branch: &["DRONE_COMMIT_BRANCH", "DRONE_BRANCH"],
    tag: &["DRONE_TAG"],
    before: &["DRONE_COMMIT_BEFORE"],
    message: &["DRONE_COMMIT_MESSAGE"],
    author: &["DRONE_COMMIT_AUTHOR"],
    author_name: &["DRONE_COMMIT_AUTHOR_NAME"],
    author_email: &["DRONE_COMMIT_AUTHOR_EMAIL"],
    pull_number: &["DRONE_PULL_REQUEST"],
    pull_base: &["DRONE_TARGET_BRANCH", "DRONE_COMMIT_BRANCH"],
    pull_head: &["DRONE_SOURCE_BRANCH"],
    full_name: &["DRONE_REPO"],
    remotes: &["DRONE_GIT_SSH_URL", "DRONE_GIT_HTTP_URL", "DRONE_REMOTE_URL"],
    private: &["DRONE_REPO_PRIVATE"],
    ..NOTHING
};

const WOODPECKER: Table = Table {
    // CI_BUILD_…: before version 1.
    build_number: &["CI_PIPELINE_NUMBER", "CI_BUILD_NUMBER"],
    build_id: &["CI_PIPELINE_NUMBER", "CI_BUILD_NUMBER"],
    build_url: &["CI_PIPELINE_URL", "CI_BUILD_LINK"],
    actor: &["CI_PIPELINE_AUTHOR", "CI_COMMIT_AUTHOR"],
    commit: &["CI_COMMIT_SHA"],
    branch: &["CI_COMMIT_BRANCH"],
    tag: &["CI_COMMIT_TAG"],
    before: &["CI_PREV_COMMIT_SHA"],
    message: &["CI_COMMIT_MESSAGE"],
    author: &["CI_COMMIT_AUTHOR"],
    author_name: &["CI_COMMIT_AUTHOR_NAME"],
    author_email: &["CI_COMMIT_AUTHOR_EMAIL"],
    pull_number: &["CI_COMMIT_PULL_REQUEST"],
    pull_base: &["CI_COMMIT_TARGET_BRANCH", "CI_COMMIT_BRANCH"],
    pull_head: &["CI_COMMIT_SOURCE_BRANCH"],
    full_name: &["CI_REPO"],
    remotes: &["CI_REPO_CLONE_SSH_URL", "CI_REPO_CLONE_URL", "CI_REPO_URL"],
    private: &["CI_REPO_PRIVATE"],
    ..NOTHING
};

const TEAMCITY: Table = Table {
    build_number: &["BUILD_NUMBER"],
    build_id: &["BUILD_NUMBER"],
    build_url: &["BUILD_URL"],
    commit: &["BUILD_VCS_NUMBER", "BUILD_VCS_NUMBER_1"],
    ..NOTHING
};

const fn table(kind: Kind) -> Table {
    match kind {
        Kind::GitHubActions => GITHUB,
        Kind::GitLab => GITLAB,
        Kind::Jenkins => JENKINS,
        Kind::Buildkite => BUILDKITE,
        Kind::CircleCi => CIRCLECI,
        Kind::Azure => AZURE,
        Kind::Drone => DRONE,
        Kind::Woodpecker => WOODPECKER,
        Kind::TeamCity => TEAMCITY,
        Kind::None => NOTHING,
    }
}

/// What a variable says, if anything.
fn text(env: &Env, name: &str) -> Option<String> {
    env.get_filled(name).map(|value| value.to_string_lossy().into_owned())
}

fn first(env: &Env, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| text(env, name))
}

/// A commit's id; `HEAD`, and the zeros that stand for none, are no ids.
pub fn commit_id(value: String) -> Option<String> {
    let hex = value.len() >= 7 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    (hex && value.bytes().any(|byte| byte != b'0')).then_some(value)
}

/// A branch's name without what a ref or a remote puts before it.
fn short_branch(name: String) -> String {
    for prefix in ["refs/heads/", "refs/remotes/origin/", "remotes/origin/", "origin/"] {
        if let Some(short) = name.strip_prefix(prefix) {
            return short.to_owned();
        }
    }
    name
}

/// Reads what the CI's variables say.
pub fn read(kind: Kind, env: &Env) -> Host {
    let names = table(kind);
    let get = |names: &[&str]| first(env, names);
    let by_hook = |actor: &String| !actor.starts_with('@'); // Drone's @hook and @cron are nobody
    let actor = names.actor.iter().filter_map(|name| text(env, name)).find(by_hook);
    let mut event = Event {
        message: get(names.message),
        before: get(names.before).and_then(commit_id),
        commit: get(names.commit).and_then(commit_id),
        repository: repository(kind, &names, env),
        author: author(&names, env),
        triggered_by: Person::new(actor.clone(), get(names.actor_name), get(names.actor_email)),
        ..Event::default()
    };
    add_refs(&mut event, kind, &names, env);
    Host {
        kind,
        build_number: get(names.build_number),
        build_id: get(names.build_id),
        build_url: build_url(kind, env).or_else(|| get(names.build_url)),
        actor,
        event,
        notes: Vec::new(),
    }
}

/// Branch, tag and pull request.
fn add_refs(event: &mut Event, kind: Kind, names: &Table, env: &Env) {
    let name = first(env, names.branch);
    event.tag = first(env, names.tag);
    if let Some(tag) = name.as_deref().and_then(|name| name.strip_prefix("refs/tags/")) {
        event.tag = Some(tag.to_owned());
    }
    // Pull requests have refs of their own, and some of these CIs name a tag's build after the tag.
    let short = name.clone().map(short_branch);
    let branch = short.filter(|branch| !branch.starts_with("refs/") && branch != "detached" && branch != "HEAD");
    event.branch = branch.filter(|branch| event.tag.as_ref() != Some(branch));
    event.pull_request = pull_request(kind, names, env, name.as_deref());
    if let Some(pull) = &event.pull_request {
        event.branch.clone_from(&pull.base);
        if let Some(head) = first(env, names.pull_commit).and_then(commit_id)
            && event.commit.as_ref() != Some(&head)
        {
            event.checked_out = event.commit.replace(head);
        }
    }
}

fn pull_request(kind: Kind, names: &Table, env: &Env, git_ref: Option<&str>) -> Option<PullRequest> {
    let in_ref = || Some(git_ref?.strip_prefix("refs/pull/")?.split('/').next()?.to_owned());
    let number = first(env, names.pull_number).filter(|number| number != "false");
    // CircleCI has the address of the pull request.
    let number = number.map(|number| number.rsplit('/').next().unwrap_or_default().to_owned()).or_else(in_ref)?;
    let closed =
        kind == Kind::Woodpecker && text(env, "CI_PIPELINE_EVENT").is_some_and(|event| event == "pull_request_closed");
    let repository = match kind {
        Kind::CircleCi => text(env, "CIRCLE_PR_USERNAME")
            .zip(text(env, "CIRCLE_PR_REPONAME"))
            .map(|(owner, name)| format!("{owner}/{name}")),
        _ => first(env, names.pull_repository).map(|name| match remote::parse(&name) {
            Some(remote) => remote.full_name,
            None => name,
        }),
    };
    Some(PullRequest {
        number,
        base: first(env, names.pull_base).map(short_branch),
        head: first(env, names.pull_head).map(short_branch),
        repository,
        is_closed: closed,
    })
}

fn repository(kind: Kind, names: &Table, env: &Env) -> Repository {
    let mut addresses: Vec<String> = names.remotes.iter().filter_map(|name| text(env, name)).collect();
    let mut full_name = first(env, names.full_name);
    if kind == Kind::GitHubActions {
        addresses.extend(
            text(env, "GITHUB_SERVER_URL").zip(full_name.clone()).map(|(server, name)| format!("{server}/{name}")),
        );
    }
    let remote = addresses.iter().find_map(|address| remote::parse(address));
    full_name = full_name.or_else(|| remote.as_ref().map(|remote| remote.full_name.clone()));
    let is_private = first(env, names.private).map(|value| value != "public" && value != "false");
    Repository {
        full_name,
        ssh_url: remote.as_ref().and_then(|remote| remote.ssh_url.clone()),
        https_url: remote.and_then(|remote| remote.https_url),
        is_private,
        is_fork: None,
    }
}

/// `Name <address>`, or name and address in variables of their own.
fn author(names: &Table, env: &Env) -> Option<Person> {
    let name = first(env, names.author_name);
    let (name, email) = match name.as_deref().and_then(|name| name.strip_suffix('>')?.rsplit_once(" <")) {
        Some((name, email)) => (Some(name.to_owned()), Some(email.to_owned())),
        None => (name, first(env, names.author_email)),
    };
    Person::new(first(env, names.author), name, email)
}

/// Addresses that have no variable of their own.
fn build_url(kind: Kind, env: &Env) -> Option<String> {
    match kind {
        Kind::GitHubActions => {
            let (server, id) = (text(env, "GITHUB_SERVER_URL")?, text(env, "GITHUB_RUN_ID")?);
            Some(format!("{server}/{}/actions/runs/{id}", text(env, "GITHUB_REPOSITORY")?))
        }
        Kind::Azure => {
            let server =
                text(env, "SYSTEM_COLLECTIONURI").or_else(|| text(env, "SYSTEM_TEAMFOUNDATIONCOLLECTIONURI"))?;
            let project = text(env, "SYSTEM_TEAMPROJECT")?;
            let project = utf8_percent_encode(&project, RESERVED);
            let id = text(env, "BUILD_BUILDID")?;
            Some(format!("{}/{project}/_build/results?buildId={id}", server.trim_end_matches('/')))
        }
        _ => None,
    }
}
