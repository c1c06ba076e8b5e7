//! The CI that runs us: what it calls the build, who started it, what happened in the repository, and how its log
//! shows groups and hides secrets.

pub mod commit; // shaData: git and the host together
mod github_event; // the event file of GitHub Actions
pub mod log; // groups and masks in the log
pub mod remote; // addresses of repositories
mod variables; // what each CI documents

use crate::ctx::Env;
use crate::error::Error;

/// The CI systems that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// GitHub Actions, and what speaks its language (Gitea, Forgejo).
    GitHubActions,
    /// GitLab CI.
    GitLab,
    /// Jenkins.
    Jenkins,
    /// Buildkite.
    Buildkite,
    /// CircleCI.
    CircleCi,
    /// Azure Pipelines.
    Azure,
    /// Drone.
    Drone,
    /// Woodpecker.
    Woodpecker,
    /// TeamCity.
    TeamCity,
    /// None of them: a laptop, or a CI that is not known.
    None,
}

/// What the CI knows.
#[derive(Debug, Clone)]
pub struct Host {
    /// Which CI it is.
    pub kind: Kind,
    /// The number of the build, as people speak of it.
    pub build_number: Option<String>,
    /// Its id.
    pub build_id: Option<String>,
    /// Where it is shown.
    pub build_url: Option<String>,
    /// Who started it: a login, or the name where the CI has no login.
    pub actor: Option<String>,
    /// What happened in the repository.
    pub event: Event,
    /// What was found strange on the way.
    pub notes: Vec<String>,
}

/// What happened in the repository that the CI builds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// The commit that the event is about; that of a pull request's head, not of a merge made for the build.
    pub commit: Option<String>,
    /// The commit that the CI checks out, where it is another one.
    pub checked_out: Option<String>,
    /// The branch; the target for a pull request.
    pub branch: Option<String>,
    /// The tag that was pushed or released.
    pub tag: Option<String>,
    /// The commit before the push.
    pub before: Option<String>,
    /// The commit's message.
    pub message: Option<String>,
    /// The pull request.
    pub pull_request: Option<PullRequest>,
    /// The release.
    pub release: Option<Release>,
    /// The repository.
    pub repository: Repository,
    /// Where the changes are shown.
    pub compare_url: Option<String>,
    /// Where the commit is shown.
    pub commit_url: Option<String>,
    /// Who committed.
    pub committer: Option<Person>,
    /// Who wrote the commit.
    pub author: Option<Person>,
    /// Who started the build.
    pub triggered_by: Option<Person>,
}

/// A pull request, merge request or change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number; not always digits.
    pub number: String,
    /// The branch that it is to be merged into.
    pub base: Option<String>,
    /// The branch that it comes from.
    pub head: Option<String>,
    /// The repository that it comes from, as `owner/name`.
    pub repository: Option<String>,
    /// It has just been closed or merged.
    pub is_closed: bool,
}

/// A release.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Release {
    /// Its title, or its tag.
    pub name: Option<String>,
    /// Its notes.
    pub body: Option<String>,
    /// When it was published, as ISO 8601.
    pub released_at: Option<String>,
}

/// What the CI says about the repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repository {
    /// `owner/name`.
    pub full_name: Option<String>,
    /// Its address for ssh.
    pub ssh_url: Option<String>,
    /// Its address for https, without credentials.
    pub https_url: Option<String>,
    /// Whether only some may read it.
    pub is_private: Option<bool>,
    /// Whether it is a fork.
    pub is_fork: Option<bool>,
}

/// Somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// The name that they log in with.
    pub login: Option<String>,
    /// The name that people call them.
    pub name: Option<String>,
    /// Their address.
    pub email: Option<String>,
}

impl Person {
    /// Somebody that at least something is known of.
    pub fn new(login: Option<String>, name: Option<String>, email: Option<String>) -> Option<Self> {
        let person = Self { login, name, email };
        (person != Self::default()).then_some(person)
    }
}

impl Kind {
    /// The CI whose variables are set.
    pub fn detect(env: &Env) -> Self {
        let is = |name: &str| env.get_filled(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let is_set = |name: &str| env.get_filled(name).is_some();
        // Woodpecker also sets what Drone and GitLab set; Jenkins goes last: its agents are started from anywhere.
        let woodpecker =
            ["CI", "CI_SYSTEM_NAME"].iter().any(|name| env.get_filled(name).is_some_and(|value| value == "woodpecker"));
        match () {
            () if woodpecker => Self::Woodpecker,
            () if is("GITHUB_ACTIONS") => Self::GitHubActions,
            () if is("GITLAB_CI") => Self::GitLab,
            () if is("BUILDKITE") => Self::Buildkite,
            () if is("CIRCLECI") => Self::CircleCi,
            () if is("TF_BUILD") => Self::Azure,
            () if is("DRONE") => Self::Drone,
            () if is_set("TEAMCITY_VERSION") => Self::TeamCity,
            () if is_set("JENKINS_URL") || is_set("HUDSON_URL") => Self::Jenkins,
            () => Self::None,
        }
    }
}

impl Host {
    /// The CI that runs us, from its variables and, on GitHub, from the event file.
    pub fn detect(env: &Env) -> Result<Self, Error> {
        let kind = Kind::detect(env);
        let mut host = variables::read(kind, env);
        if kind == Kind::GitHubActions {
            github_event::add(&mut host, env)?;
        }
        Ok(host)
    }
}
