//! What each CI says, as its documentation has it, and the shaData that comes of it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::{Value, json};
use shipctl::ctx::Env;
use shipctl::error::Kind as ErrorKind;
use shipctl::host::commit::{normalized_repo, sha_data};
use shipctl::host::{Host, Kind};

use crate::harness::Sandbox;

const SHA: &str = "ffac537e6cbbf934b08745a378932722df287a53";
const BEFORE: &str = "6eafdeb6481f883e92ecf7abde5bc80233a77e27";
const MERGE: &str = "83a20ec058e2fb00e7fa4558c4c6e81e2dcf253d";

/// All keys of the contract, in its order.
const KEYS: [&str; 23] = [
    "branchName",
    "baseCommitRef",
    "headCommitRef",
    "pullRequestNumber",
    "pullRequestBaseBranch",
    "beforeCommitSha",
    "commitSha",
    "commitUrl",
    "committer",
    "lastAuthor",
    "triggeredBy",
    "commitMessage",
    "isGitTag",
    "gitTagName",
    "isRelease",
    "releaseName",
    "releaseBody",
    "releasedAt",
    "isPullRequest",
    "isPullRequestClose",
    "pullRequestRepoFullName",
    "skipDecryption",
    "compareUrl",
];

fn env(text: &str) -> Env {
    let pairs = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let pairs = pairs.map(|line| line.split_once('=').unwrap_or_else(|| panic!("{line:?} is no assignment")));
    let map: BTreeMap<OsString, OsString> = pairs.map(|(name, value)| (name.into(), value.into())).collect();
    Env::Fixed(map)
}

/// shaData without a checkout.
fn sha(host: &Host) -> Value {
    let map = sha_data(None, host, &env("")).unwrap();
    assert_eq!(map.keys().map(String::as_str).collect::<Vec<_>>(), KEYS);
    Value::Object(map)
}

/// The variables of a build, the kind, what it is called, and what shaData has to say.
#[track_caller]
fn says(variables: &str, kind: Kind, build: [&str; 4], want: Value) {
    let host = Host::detect(&env(variables)).unwrap();
    let [number, id, url, actor] = build.map(|text| (!text.is_empty()).then(|| text.to_owned()));
    assert_eq!(
        (host.kind, &host.build_number, &host.build_id, &host.build_url, &host.actor),
        (kind, &number, &id, &url, &actor)
    );
    let sha = sha(&host);
    for (key, want) in want.as_object().unwrap() {
        assert_eq!(&sha[key], want, "{kind:?}: {key}");
    }
}

#[test]
fn github_without_an_event_file() {
    let build = ["12", "1658821493", "https://github.com/o/r/actions/runs/1658821493", "octocat"];
    let common = format!(
        "GITHUB_ACTIONS=true\nGITHUB_RUN_NUMBER=12\nGITHUB_RUN_ID=1658821493\nGITHUB_SERVER_URL=https://github.com\n\
         GITHUB_REPOSITORY=o/r\nGITHUB_ACTOR=octocat\nGITHUB_SHA={SHA}\n"
    );
    let push = format!("{common}GITHUB_REF=refs/heads/feature/x\nGITHUB_REF_NAME=feature/x\nGITHUB_EVENT_NAME=push");
    let want = json!({
        "branchName": "feature/x", "commitSha": SHA, "isGitTag": false, "isPullRequest": false, "isRelease": false,
        "pullRequestNumber": null, "commitUrl": format!("https://github.com/o/r/commit/{SHA}"), "baseCommitRef": "",
        "triggeredBy": {"login": "octocat", "displayName": "octocat", "email": ""}, "skipDecryption": false,
    });
    says(&push, Kind::GitHubActions, build, want);
    let tag = format!("{common}GITHUB_REF=refs/tags/v1.2\nGITHUB_REF_TYPE=tag");
    says(&tag, Kind::GitHubActions, build, json!({"isGitTag": true, "gitTagName": "v1.2", "branchName": ""}));
    let pull = format!("{common}GITHUB_REF=refs/pull/17/merge\nGITHUB_BASE_REF=main\nGITHUB_HEAD_REF=feature/x");
    let want = json!({
        "isPullRequest": true, "pullRequestNumber": 17, "branchName": "main", "baseCommitRef": "main",
        "pullRequestBaseBranch": "main", "headCommitRef": "feature/x", "isGitTag": false,
    });
    says(&pull, Kind::GitHubActions, build, want);
}

#[test]
fn gitlab() {
    let build = ["7", "1234", "https://gitlab.com/g/s/r/-/pipelines/1234", "ada"];
    let common = format!(
        "GITLAB_CI=true\nCI=true\nCI_PIPELINE_IID=7\nCI_PIPELINE_ID=1234\nCI_PROJECT_PATH=g/s/r\n\
         CI_PIPELINE_URL=https://gitlab.com/g/s/r/-/pipelines/1234\nGITLAB_USER_LOGIN=ada\nGITLAB_USER_NAME=Ada L\n\
         GITLAB_USER_EMAIL=ada@example.com\nCI_COMMIT_SHA={SHA}\nCI_COMMIT_MESSAGE=fix it\nCI_PROJECT_VISIBILITY=private\n\
         CI_COMMIT_AUTHOR=Bob B <bob@example.com>\nCI_PROJECT_URL=https://gitlab.com/g/s/r\n\
         CI_REPOSITORY_URL=https://gitlab-ci-token:t0ken@gitlab.com/g/s/r.git\n"
    );
    let push = format!("{common}CI_COMMIT_BRANCH=main\nCI_COMMIT_BEFORE_SHA={BEFORE}");
    let want = json!({
        "branchName": "main", "commitSha": SHA, "beforeCommitSha": BEFORE, "commitMessage": "fix it",
        "lastAuthor": {"login": "", "displayName": "Bob B", "email": "bob@example.com"},
        "triggeredBy": {"login": "ada", "displayName": "Ada L", "email": "ada@example.com"},
        "commitUrl": format!("https://gitlab.com/g/s/r/-/commit/{SHA}"),
        "compareUrl": format!("https://gitlab.com/g/s/r/-/compare/{BEFORE}...{SHA}"),
    });
    says(&push, Kind::GitLab, build, want);
    let tag = format!("{common}CI_COMMIT_TAG=v1\nCI_COMMIT_BEFORE_SHA=0000000000000000000000000000000000000000");
    let want = json!({"isGitTag": true, "gitTagName": "v1", "branchName": "", "beforeCommitSha": ""});
    says(&tag, Kind::GitLab, build, want);
    let merge = format!(
        "{common}CI_MERGE_REQUEST_ID=900\nCI_MERGE_REQUEST_IID=5\nCI_MERGE_REQUEST_TARGET_BRANCH_NAME=main\n\
         CI_MERGE_REQUEST_SOURCE_BRANCH_NAME=fix/a\nCI_MERGE_REQUEST_SOURCE_PROJECT_PATH=bob/r\n\
         CI_MERGE_REQUEST_SOURCE_BRANCH_SHA={MERGE}"
    );
    let want = json!({
        "isPullRequest": true, "pullRequestNumber": 5, "branchName": "main", "headCommitRef": "fix/a",
        "pullRequestRepoFullName": "bob/r", "commitSha": MERGE,
    });
    says(&merge, Kind::GitLab, build, want);
    let repo = normalized_repo(None, &Host::detect(&env(&merge)).unwrap(), &env("")).unwrap();
    let want = json!({
        "repositoryProvider": "gitlab", "repositorySshUrl": "git@gitlab.com:g/s/r.git", "fullName": "g/s/r",
        "repositoryHttpsUrl": "https://gitlab.com/g/s/r.git", "isFork": false, "isPrivateRepository": true,
    });
    assert_eq!(Value::Object(repo), want);
}

#[test]
fn jenkins() {
    let build = ["153", "153", "http://server:8080/jenkins/job/MyJob/153/", "Ada L"];
    let common = format!(
        "JENKINS_URL=http://server:8080/jenkins/\nBUILD_NUMBER=153\nBUILD_ID=153\nBUILD_USER=Ada L\n\
         BUILD_URL=http://server:8080/jenkins/job/MyJob/153/\nGIT_COMMIT={SHA}\nGIT_URL=git@github.com:o/r.git\n"
    );
    let push = format!("{common}GIT_BRANCH=origin/feature/x\nGIT_PREVIOUS_COMMIT={BEFORE}");
    let want = json!({
        "branchName": "feature/x", "commitSha": SHA, "beforeCommitSha": BEFORE, "isPullRequest": false,
        "compareUrl": format!("https://github.com/o/r/compare/{BEFORE}...{SHA}"),
    });
    says(&push, Kind::Jenkins, build, want);
    let tag = format!("{common}BRANCH_NAME=v1\nTAG_NAME=v1\nGIT_BRANCH=v1");
    says(&tag, Kind::Jenkins, build, json!({"isGitTag": true, "gitTagName": "v1", "branchName": ""}));
    let change = format!(
        "{common}BRANCH_NAME=PR-24\nGIT_BRANCH=PR-24\nCHANGE_ID=24\nCHANGE_TARGET=main\nCHANGE_BRANCH=fix\nCHANGE_FORK=bob/r"
    );
    let want = json!({
        "isPullRequest": true, "pullRequestNumber": 24, "branchName": "main", "headCommitRef": "fix",
        "baseCommitRef": "main", "pullRequestRepoFullName": "bob/r",
    });
    says(&change, Kind::Jenkins, build, want);
}

#[test]
fn buildkite() {
    let build = ["1514", "9e08ef3c", "https://buildkite.com/acme-inc/my-project/builds/1514", "Tracy Tester"];
    let common = "BUILDKITE=true\nBUILDKITE_BUILD_NUMBER=1514\nBUILDKITE_BUILD_ID=9e08ef3c\n\
        BUILDKITE_BUILD_URL=https://buildkite.com/acme-inc/my-project/builds/1514\nBUILDKITE_BUILD_CREATOR=Tracy Tester\n\
        BUILDKITE_BUILD_CREATOR_EMAIL=tracy@acme-inc.com\nBUILDKITE_MESSAGE=Added a feature\n\
        BUILDKITE_REPO=git@github.com:acme-inc/my-project.git\n";
    let push =
        format!("{common}BUILDKITE_BRANCH=main\nBUILDKITE_COMMIT=HEAD\nBUILDKITE_PULL_REQUEST=false\nBUILDKITE_TAG=");
    let want = json!({
        "branchName": "main", "isPullRequest": false, "pullRequestNumber": null, "isGitTag": false, "commitSha": "",
        "commitMessage": "Added a feature",
        "triggeredBy": {"login": "Tracy Tester", "displayName": "Tracy Tester", "email": "tracy@acme-inc.com"},
    });
    says(&push, Kind::Buildkite, build, want);
    let tag = format!("{common}BUILDKITE_BRANCH=v1.2.3\nBUILDKITE_COMMIT={SHA}\nBUILDKITE_TAG=v1.2.3");
    let want = json!({"isGitTag": true, "gitTagName": "v1.2.3", "branchName": "", "commitSha": SHA});
    says(&tag, Kind::Buildkite, build, want);
    let pull = format!(
        "{common}BUILDKITE_BRANCH=fix\nBUILDKITE_COMMIT={SHA}\nBUILDKITE_PULL_REQUEST=123\n\
         BUILDKITE_PULL_REQUEST_BASE_BRANCH=main\nBUILDKITE_PULL_REQUEST_REPO=https://github.com/bob/my-project.git"
    );
    let want = json!({
        "isPullRequest": true, "pullRequestNumber": 123, "branchName": "main", "headCommitRef": "fix",
        "pullRequestRepoFullName": "bob/my-project",
    });
    says(&pull, Kind::Buildkite, build, want);
}

#[test]
fn circleci() {
    let build = ["63", "a1b2", "https://circleci.com/gh/o/r/63", "ada"];
    let common = format!(
        "CIRCLECI=true\nCIRCLE_BUILD_NUM=63\nCIRCLE_WORKFLOW_ID=a1b2\nCIRCLE_BUILD_URL=https://circleci.com/gh/o/r/63\n\
         CIRCLE_USERNAME=ada\nCIRCLE_SHA1={SHA}\nCIRCLE_REPOSITORY_URL=git@github.com:o/r.git\n"
    );
    let want = json!({"branchName": "main", "commitSha": SHA});
    says(&format!("{common}CIRCLE_BRANCH=main"), Kind::CircleCi, build, want);
    let want = json!({"isGitTag": true, "gitTagName": "v1"});
    says(&format!("{common}CIRCLE_TAG=v1"), Kind::CircleCi, build, want);
    let pull = format!("{common}CIRCLE_BRANCH=fix\nCIRCLE_PULL_REQUEST=https://github.com/o/r/pull/8");
    let want = json!({"isPullRequest": true, "pullRequestNumber": 8, "headCommitRef": "fix"});
    says(&pull, Kind::CircleCi, build, want);
    let fork = format!("{pull}\nCIRCLE_PR_NUMBER=9\nCIRCLE_PR_USERNAME=bob\nCIRCLE_PR_REPONAME=r2");
    says(&fork, Kind::CircleCi, build, json!({"pullRequestNumber": 9, "pullRequestRepoFullName": "bob/r2"}));
}

#[test]
fn azure() {
    let build = ["20261121.3", "99", "https://dev.azure.com/org/my%20project/_build/results?buildId=99", "Ada L"];
    let common = "TF_BUILD=True\nBUILD_BUILDNUMBER=20261121.3\nBUILD_BUILDID=99\nBUILD_REQUESTEDFOR=Ada L\n\
        SYSTEM_TEAMFOUNDATIONCOLLECTIONURI=https://dev.azure.com/org/\nSYSTEM_TEAMPROJECT=my project\n\
        BUILD_REPOSITORY_URI=https://github.com/o/r\n";
    let push = format!(
        "{common}BUILD_SOURCEBRANCH=refs/heads/feature/x\nBUILD_SOURCEBRANCHNAME=x\nBUILD_SOURCEVERSION={SHA}\n\
         BUILD_SOURCEVERSIONMESSAGE=fix"
    );
    let want = json!({"branchName": "feature/x", "commitSha": SHA, "commitMessage": "fix"});
    says(&push, Kind::Azure, build, want);
    let tag = format!("{common}BUILD_SOURCEBRANCH=refs/tags/v1\nBUILD_SOURCEVERSION={SHA}");
    says(&tag, Kind::Azure, build, json!({"isGitTag": true, "gitTagName": "v1", "branchName": ""}));
    let pull = format!(
        "{common}BUILD_SOURCEBRANCH=refs/pull/123/merge\nBUILD_SOURCEVERSION={MERGE}\nSYSTEM_PULLREQUEST_PULLREQUESTID=5551\n\
         SYSTEM_PULLREQUEST_PULLREQUESTNUMBER=123\nSYSTEM_PULLREQUEST_SOURCEBRANCH=refs/heads/fix/a\n\
         SYSTEM_PULLREQUEST_TARGETBRANCH=refs/heads/main\nSYSTEM_PULLREQUEST_SOURCECOMMITID={SHA}"
    );
    let want = json!({
        "isPullRequest": true, "pullRequestNumber": 123, "branchName": "main", "headCommitRef": "fix/a", "commitSha": SHA,
    });
    says(&pull, Kind::Azure, build, want);
}

#[test]
fn drone_and_woodpecker() {
    let build = ["42", "42", "https://drone.example.com/o/r/42", "octocat"];
    let common = format!(
        "DRONE=true\nCI=true\nDRONE_BUILD_NUMBER=42\nDRONE_BUILD_LINK=https://drone.example.com/o/r/42\nDRONE_REPO=o/r\n\
         DRONE_BUILD_TRIGGER=@hook\nDRONE_COMMIT_AUTHOR=octocat\nDRONE_COMMIT_SHA={SHA}\nDRONE_COMMIT_BEFORE={BEFORE}\n\
         DRONE_COMMIT_BRANCH=main\nDRONE_SOURCE_BRANCH=main\nDRONE_TARGET_BRANCH=main\nDRONE_COMMIT_MESSAGE=fix\n"
    );
    let want = json!({"branchName": "main", "beforeCommitSha": BEFORE, "isPullRequest": false, "headCommitRef": ""});
    says(&common, Kind::Drone, build, want);
    let pull = format!("{common}DRONE_PULL_REQUEST=42\nDRONE_SOURCE_BRANCH=fix");
    let want = json!({"isPullRequest": true, "pullRequestNumber": 42, "headCommitRef": "fix", "baseCommitRef": "main"});
    says(&pull, Kind::Drone, build, want);
    let tag = format!("{common}DRONE_TAG=v1");
    says(&tag, Kind::Drone, build, json!({"isGitTag": true, "gitTagName": "v1"}));

    let build = ["8", "8", "https://ci.example.com/repos/7/pipeline/8", "john-doe"];
    let common = format!(
        "CI=woodpecker\nCI_PIPELINE_NUMBER=8\nCI_PIPELINE_URL=https://ci.example.com/repos/7/pipeline/8\nCI_REPO=o/r\n\
         CI_COMMIT_SHA={SHA}\nCI_COMMIT_AUTHOR=john-doe\nCI_COMMIT_AUTHOR_EMAIL=john@example.com\nCI_COMMIT_BRANCH=main\n\
         CI_REPO_CLONE_URL=https://git.example.com/o/r.git\nCI_REPO_PRIVATE=true\nCI_COMMIT_MESSAGE=fix\nDRONE=true\n"
    );
    let want = json!({
        "branchName": "main", "commitSha": SHA,
        "lastAuthor": {"login": "john-doe", "displayName": "john-doe", "email": "john@example.com"},
    });
    says(&common, Kind::Woodpecker, build, want);
    let pull = format!(
        "{common}CI_COMMIT_PULL_REQUEST=1\nCI_COMMIT_SOURCE_BRANCH=issue\nCI_COMMIT_TARGET_BRANCH=main\n\
         CI_PIPELINE_EVENT=pull_request_closed"
    );
    let want = json!({
        "isPullRequest": false, "isPullRequestClose": true, "pullRequestNumber": 1, "headCommitRef": "issue",
    });
    says(&pull, Kind::Woodpecker, build, want);
}

#[test]
fn teamcity_and_none() {
    let variables =
        format!("TEAMCITY_VERSION=2025.11\nBUILD_NUMBER=#17\nBUILD_VCS_NUMBER={SHA}\nBUILD_URL=https://tc/b/17");
    says(&variables, Kind::TeamCity, ["#17", "#17", "https://tc/b/17", ""], json!({"commitSha": SHA}));
    // A BUILD_NUMBER alone is anybody's.
    let want = json!({"commitSha": "", "branchName": "", "isPullRequest": false, "pullRequestNumber": null});
    says("BUILD_NUMBER=3\nCI=true\nGITHUB_ACTIONS=false", Kind::None, ["", "", "", ""], want);
}

/// A GitHub build with an event file.
fn github(sandbox: &Sandbox, git_ref: &str, sha: &str, event: Value) -> Host {
    let file = sandbox.write("event.json", event.to_string());
    let text = format!(
        "GITHUB_ACTIONS=true\nGITHUB_SERVER_URL=https://github.com\nGITHUB_REPOSITORY=o/r\nGITHUB_ACTOR=octocat\n\
         GITHUB_SHA={sha}\nGITHUB_REF={git_ref}\nGITHUB_EVENT_PATH={}",
        file.display()
    );
    Host::detect(&env(&text)).unwrap()
}

fn repository() -> Value {
    json!({
        "full_name": "o/r", "private": true, "fork": true, "ssh_url": "git@github.com:o/r.git",
        "clone_url": "https://github.com/o/r.git", "html_url": "https://github.com/o/r",
    })
}

#[test]
fn github_push_and_tag() {
    let sandbox = Sandbox::new();
    let event = |git_ref: &str| {
        json!({
            "ref": git_ref, "before": BEFORE, "after": SHA, "base_ref": "refs/heads/main", "repository": repository(),
            "compare": "https://github.com/o/r/compare/6eafdeb6481f...ffac537e6cbb",
            "pusher": {"name": "octocat", "email": "octocat@example.com"}, "sender": {"login": "octocat"},
            "head_commit": {
                "id": SHA, "message": "fix: \"it\" $now\n\nbody", "url": format!("https://github.com/o/r/commit/{SHA}"),
                "author": {"name": "Ada L", "email": "ada@example.com", "username": "ada"},
                "committer": {"name": "GitHub", "email": "noreply@github.com", "username": "web-flow"},
            },
        })
    };
    let host = github(&sandbox, "refs/heads/dev", SHA, event("refs/heads/dev"));
    let want = json!({
        "branchName": "dev", "baseCommitRef": "", "headCommitRef": "", "pullRequestNumber": null,
        "pullRequestBaseBranch": "", "beforeCommitSha": BEFORE, "commitSha": SHA,
        "commitUrl": format!("https://github.com/o/r/commit/{SHA}"),
        "committer": {"login": "web-flow", "displayName": "GitHub", "email": "noreply@github.com"},
        "lastAuthor": {"login": "ada", "displayName": "Ada L", "email": "ada@example.com"},
        "triggeredBy": {"login": "octocat", "displayName": "octocat", "email": "octocat@example.com"},
        "commitMessage": "fix: \"it\" $now\n\nbody", "isGitTag": false, "gitTagName": "", "isRelease": false,
        "releaseName": "", "releaseBody": "", "releasedAt": "", "isPullRequest": false, "isPullRequestClose": false,
        "pullRequestRepoFullName": "", "skipDecryption": false,
        "compareUrl": "https://github.com/o/r/compare/6eafdeb6481f...ffac537e6cbb",
    });
    assert_eq!(sha(&host), want);
    let repo = normalized_repo(None, &host, &env("")).unwrap();
    assert_eq!((&repo["isFork"], &repo["isPrivateRepository"]), (&json!(true), &json!(true)));
    let tag = sha(&github(&sandbox, "refs/tags/v1.2", SHA, event("refs/tags/v1.2")));
    let facts = (&tag["isGitTag"], &tag["gitTagName"], &tag["branchName"]);
    assert_eq!(facts, (&json!(true), &json!("v1.2"), &json!("main")));
}

fn pull_request(action: &str) -> Value {
    json!({
        "action": action, "number": 17, "repository": repository(), "sender": {"login": "bob"},
        "pull_request": {
            "number": 17, "html_url": "https://github.com/o/r/pull/17",
            "base": {"ref": "main", "sha": BEFORE, "repo": {"full_name": "o/r"}},
            "head": {"ref": "fix", "sha": SHA, "repo": {"full_name": "bob/r"}},
        },
    })
}

#[test]
fn github_pull_request_and_release() {
    let sandbox = Sandbox::new();
    let pull = sha(&github(&sandbox, "refs/pull/17/merge", MERGE, pull_request("synchronize")));
    for (key, want) in [
        ("isPullRequest", json!(true)),
        ("isPullRequestClose", json!(false)),
        ("pullRequestNumber", json!(17)),
        ("pullRequestBaseBranch", json!("main")),
        ("baseCommitRef", json!("main")),
        ("headCommitRef", json!("fix")),
        ("branchName", json!("main")),
        ("commitSha", json!(SHA)),
        ("beforeCommitSha", json!(BEFORE)),
        ("pullRequestRepoFullName", json!("bob/r")),
        ("compareUrl", json!("https://github.com/o/r/pull/17/files")),
        ("isGitTag", json!(false)),
    ] {
        assert_eq!(pull[key], want, "{key}");
    }
    let closed = sha(&github(&sandbox, "refs/heads/main", MERGE, pull_request("closed")));
    assert_eq!((&closed["isPullRequest"], &closed["isPullRequestClose"]), (&json!(false), &json!(true)));
    let event = json!({
        "action": "published", "repository": repository(), "sender": {"login": "ada"},
        "release": {
            "tag_name": "v2", "name": "Two", "body": "notes\nof it", "published_at": "2019-01-02T03:04:05Z",
            "target_commitish": "main",
        },
    });
    let release = sha(&github(&sandbox, "refs/tags/v2", SHA, event));
    for (key, want) in [
        ("isRelease", json!(true)),
        ("isGitTag", json!(false)),
        ("gitTagName", json!("v2")),
        ("releaseName", json!("Two")),
        ("releaseBody", json!("notes\nof it")),
        ("releasedAt", json!("2019-01-02T03:04:05Z")),
        ("branchName", json!("main")),
    ] {
        assert_eq!(release[key], want, "{key}");
    }
}

#[test]
fn event_files_that_are_no_good() {
    let sandbox = Sandbox::new();
    let path = sandbox.path("event.json");
    let variables = env(&format!("GITHUB_ACTIONS=true\nGITHUB_EVENT_PATH={}", path.display()));
    let host = Host::detect(&variables).unwrap();
    assert!(host.notes[0].contains("which is not here"), "{:?}", host.notes);
    std::fs::write(&path, "{").unwrap();
    let error = Host::detect(&variables).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("is no JSON") && error.to_string().contains("event.json"), "{error}");
    // Shapes that nobody documents change nothing.
    for odd in ["null", "[]", "{\"pull_request\": 3, \"release\": [], \"head_commit\": null, \"number\": \"x\"}"] {
        std::fs::write(&path, odd).unwrap();
        assert_eq!(sha(&Host::detect(&variables).unwrap())["isPullRequest"], json!(false), "{odd}");
    }
}

/// A repository with two commits on `main`.
struct Checkout {
    sandbox: Sandbox,
    path: PathBuf,
}

impl Checkout {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let path = sandbox.path("repo");
        let checkout = Self { sandbox, path };
        checkout.bash(
            "git init -q -b main . && git config user.name 'Ada L' && git config user.email ada@example.com
             git remote add origin https://user:t0ken@github.com/o/r.git
             echo 1 > f; git add f; git commit -qm one
             echo 2 > f; GIT_AUTHOR_NAME='Bob ü' GIT_AUTHOR_EMAIL=bob@example.com git commit -qam 'two: \"$x\"' -m body",
        );
        checkout
    }

    fn bash(&self, script: &str) -> String {
        let path = self.path.display();
        let ran = self.sandbox.bash(&format!("set -e; mkdir -p '{path}'; cd '{path}'; {script}"));
        assert_eq!(ran.status, 0, "{script}: {}", ran.err());
        ran.out().trim_end().to_owned()
    }

    fn sha(&self, name: &str) -> String {
        self.bash(&format!("git rev-parse {name}"))
    }

    fn env(&self) -> Env {
        Env::Fixed(self.sandbox.env.clone())
    }

    fn data(&self, host: &Host) -> Value {
        let map = sha_data(Some(&self.path), host, &self.env()).unwrap();
        assert_eq!(map.keys().map(String::as_str).collect::<Vec<_>>(), KEYS);
        Value::Object(map)
    }
}

fn nobody() -> Host {
    Host::detect(&env("")).unwrap()
}

#[test]
fn a_checkout_alone() {
    let checkout = Checkout::new();
    let (head, first) = (checkout.sha("HEAD"), checkout.sha("HEAD~1"));
    let want = json!({
        "branchName": "main", "baseCommitRef": "", "headCommitRef": "", "pullRequestNumber": null,
        "pullRequestBaseBranch": "", "beforeCommitSha": first, "commitSha": head,
        "commitUrl": format!("https://github.com/o/r/commit/{head}"),
        "committer": {"login": "", "displayName": "Ada L", "email": "ada@example.com"},
        "lastAuthor": {"login": "", "displayName": "Bob ü", "email": "bob@example.com"},
        "triggeredBy": {"login": "", "displayName": "", "email": ""},
        "commitMessage": "two: \"$x\"\n\nbody", "isGitTag": false, "gitTagName": "", "isRelease": false,
        "releaseName": "", "releaseBody": "", "releasedAt": "", "isPullRequest": false, "isPullRequestClose": false,
        "pullRequestRepoFullName": "", "skipDecryption": false,
        "compareUrl": format!("https://github.com/o/r/compare/{first}...{head}"),
    });
    assert_eq!(checkout.data(&nobody()), want);
    let repo = Value::Object(normalized_repo(Some(&checkout.path), &nobody(), &checkout.env()).unwrap());
    let want = json!({
        "repositoryProvider": "github", "repositorySshUrl": "git@github.com:o/r.git", "fullName": "o/r",
        "repositoryHttpsUrl": "https://github.com/o/r.git", "isFork": false, "isPrivateRepository": false,
    });
    assert_eq!(repo, want);
    // The tag of the branch's newest commit is not what is built; a detached tag is.
    checkout.bash("git tag v1; git checkout -q v1");
    let tag = checkout.data(&nobody());
    assert_eq!((&tag["isGitTag"], &tag["gitTagName"], &tag["branchName"]), (&json!(true), &json!("v1"), &json!("")));
    checkout.bash("git update-ref refs/remotes/origin/feature/x HEAD; git tag -d v1");
    assert_eq!(checkout.data(&nobody())["branchName"], "feature/x");
    checkout.bash("git checkout -q HEAD~1");
    assert_eq!(checkout.data(&nobody())["beforeCommitSha"], "");
}

#[test]
fn a_detached_checkout_of_the_ci() {
    let checkout = Checkout::new();
    checkout.bash("git checkout -q --detach");
    let head = checkout.sha("HEAD");
    let event = json!({
        "before": BEFORE, "repository": repository(),
        "head_commit": {"message": "other", "committer": {"name": "Ada L", "email": "ada@example.com", "username": "ada"}},
    });
    let data = checkout.data(&github(&checkout.sandbox, "refs/heads/dev", &head, event.clone()));
    assert_eq!((&data["branchName"], &data["beforeCommitSha"]), (&json!("dev"), &json!(BEFORE)));
    assert_eq!(data["committer"]["login"], "ada");
    assert_eq!(data["lastAuthor"], json!({"login": "", "displayName": "Bob ü", "email": "bob@example.com"}));
    assert_eq!(data["commitMessage"], "two: \"$x\"\n\nbody");
    // Another commit of the same repository: the branch still holds, what was said of the commit does not.
    let data = checkout.data(&github(&checkout.sandbox, "refs/heads/dev", SHA, event.clone()));
    let facts = (&data["branchName"], &data["commitSha"], &data["beforeCommitSha"]);
    assert_eq!(facts, (&json!("dev"), &json!(head), &json!(checkout.sha("HEAD~1"))));
    // Another repository: nothing holds.
    checkout.bash("git remote set-url origin https://github.com/o/other.git");
    let data = checkout.data(&github(&checkout.sandbox, "refs/pull/17/merge", MERGE, pull_request("opened")));
    assert_eq!((&data["branchName"], &data["isPullRequest"]), (&json!(""), &json!(false)));
    assert_eq!(data["triggeredBy"]["login"], "");
}

#[test]
fn a_merge_that_the_ci_made() {
    let checkout = Checkout::new();
    checkout.bash(
        "git checkout -q -b fix HEAD~1; echo new > g; git add g; git commit -qm 'the fix'; git checkout -q --detach main
         git merge -q --no-edit fix",
    );
    let fix = checkout.sha("fix");
    let mut event = pull_request("synchronize");
    event["pull_request"]["head"]["sha"] = json!(fix);
    let data = checkout.data(&github(&checkout.sandbox, "refs/pull/17/merge", &checkout.sha("HEAD"), event));
    let facts = (&data["commitSha"], &data["commitMessage"], &data["isPullRequest"], &data["beforeCommitSha"]);
    assert_eq!(facts, (&json!(fix), &json!("the fix"), &json!(true), &json!(BEFORE)));
    // A checkout so shallow that it lacks the pull request's own commit.
    let data =
        checkout.data(&github(&checkout.sandbox, "refs/pull/17/merge", &checkout.sha("HEAD"), pull_request("opened")));
    let facts = (&data["commitSha"], &data["beforeCommitSha"], &data["commitMessage"]);
    assert_eq!(facts, (&json!(SHA), &json!(BEFORE), &json!("Merge branch 'fix' into HEAD")));
}

#[test]
fn no_checkout_and_no_git() {
    let mut checkout = Checkout::new();
    let fails = |path: &str, checkout: &Checkout, message: &str| {
        let error = sha_data(Some(&checkout.sandbox.path(path)), &nobody(), &checkout.env()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Failed);
        assert!(error.to_string().contains(message), "{message:?} is not in {error}");
    };
    fails("home", &checkout, "is no git checkout");
    fails("nowhere", &checkout, "is no git checkout");
    checkout.sandbox.bash("git init -q ../empty").prints("");
    fails("empty", &checkout, "has no commit yet");
    checkout.sandbox.set("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1");
    fails("repo", &checkout, "--add safe.directory");
    checkout.sandbox.set("PATH", checkout.sandbox.path("tmp").into_os_string());
    fails("repo", &checkout, "cannot run git");
}
