//! `get_git_changes` over real repositories.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::harness::{Ran, Sandbox};
use crate::vectors::job_fixture;

/// A repository `work/r` of three commits.
const REPOSITORY: &str = "
    set -e
    git init -q -b master r; cd r; git config user.email a@b.c; git config user.name n
    mkdir -p svc/a/src svc/b 'two words'; echo 1 | tee svc/a/src/f svc/b/g 'two words/h' top > /dev/null
    git add .; git commit -qm one
    echo 2 > svc/a/src/f; echo 2 > svc/b/g; git commit -qam two
    echo 2 > top; echo 2 > 'two words/h'; git commit -qam three";

fn repository(sandbox: &Sandbox) {
    let ran = sandbox.bash(REPOSITORY);
    assert_eq!((ran.status, ran.err()), (0, String::new()));
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    repository(&sandbox);
    sandbox
}

fn changes<const N: usize>(sandbox: &Sandbox, options: [&str; N]) -> Ran {
    sandbox.shipctl(["get_git_changes"].iter().chain(&options))
}

fn succeeds(sandbox: &Sandbox, script: &str) {
    let ran = sandbox.bash(&format!("set -e; {script}"));
    assert_eq!(ran.status, 0, "{script}: {}", ran.err());
}

#[test]
fn options_in_both_forms_and_other_words() {
    let sandbox = sandbox();
    let want = "svc/a/src/f\nsvc/b/g\n";
    changes(&sandbox, ["--path=r", "--commit-range=HEAD~2..HEAD~1"]).prints(want);
    changes(&sandbox, ["--path", "r", "--commit-range", "HEAD~2..HEAD~1"]).prints(want);
    changes(&sandbox, ["x", "--nope", "--path=r", "-v", "--commit-range=HEAD~2..HEAD~1", "y"]).prints(want);
    changes(&sandbox, ["--path=nowhere", "--path=r", "--commit-range=HEAD~2..HEAD~1"]).prints(want);
}

#[test]
fn depth_and_directories() {
    let sandbox = sandbox();
    let all = "--commit-range=HEAD~2..HEAD";
    changes(&sandbox, ["--path=r", all, "--depth=1"]).prints("svc\ntop\ntwo words\n");
    changes(&sandbox, ["--path=r", all, "--depth=2"]).prints("a\nb\n\nh\n");
    changes(&sandbox, ["--path=r", all, "--depth", "3"]).prints("src\ng\n");
    changes(&sandbox, ["--path=r", all, "--depth=9"]).prints("\n");
    changes(&sandbox, ["--path=r", all, "--directories-only"]).prints("svc/a/src/\nsvc/b/\ntwo words/\n");
    changes(&sandbox, ["--path=r", all, "--directories-only", "--depth=2"]).prints("a\nb\n");
    changes(&sandbox, ["--path=r", "--commit-range=HEAD..HEAD", "--directories-only"]).prints("\n");
    let ran = changes(&sandbox, ["--path=r", "--commit-range=HEAD~1..HEAD", "--depth=x"]);
    assert_eq!((ran.status, ran.out()), (0, "top\ntwo words/h\n".to_owned()));
    assert!(ran.err().contains("--depth=x"), "{}", ran.err());
}

#[test]
fn names_are_printed_as_they_are() {
    let sandbox = sandbox();
    let name = OsStr::from_bytes(b"caf\xc3\xa9 \xff\"\\\t");
    std::fs::write(sandbox.path("work/r").join(name), "x").unwrap();
    succeeds(&sandbox, "cd r; git add .; git commit -qm four");
    changes(&sandbox, ["--path=r", "--commit-range=HEAD~1..HEAD"]).prints([name.as_bytes(), b"\n"].concat());
}

#[test]
fn what_is_no_repository() {
    let sandbox = sandbox();
    let message = "git repository not found at path: r/svc";
    changes(&sandbox, ["--path=r/svc", "--commit-range=HEAD"]).fails(99, message);
    changes(&sandbox, ["--path=", "--commit-range=HEAD"]).fails(99, "Usage: shipctl get_git_changes");
    changes(&sandbox, []).fails(99, "Usage: shipctl get_git_changes");
    // A `.git` that is none does not stand for the repository around it.
    std::fs::create_dir(sandbox.path("work/r/svc/.git")).unwrap();
    changes(&sandbox, ["--path=r/svc", "--commit-range=HEAD~1..HEAD"]).fails(99, "not a git repository");
}

#[test]
fn worktrees_and_submodules() {
    let sandbox = sandbox();
    succeeds(&sandbox, "git -C r worktree add -q ../tree HEAD~1");
    changes(&sandbox, ["--path=tree", "--commit-range=HEAD~1..HEAD"]).prints("svc/a/src/f\nsvc/b/g\n");
    succeeds(&sandbox, "git init -q over; git -C over -c protocol.file.allow=always submodule --quiet add ../r sub");
    changes(&sandbox, ["--path=over/sub", "--commit-range=HEAD~2..HEAD~1"]).prints("svc/a/src/f\nsvc/b/g\n");
}

#[test]
fn ranges() {
    let mut sandbox = sandbox();
    changes(&sandbox, ["--path=r"]).fails(99, "Unknown commit range. use --commit-range.");
    sandbox.set("SHIPPABLE_COMMIT_RANGE", "HEAD~1...HEAD");
    changes(&sandbox, ["--path=r"]).prints("top\ntwo words/h\n");
    changes(&sandbox, ["--path=r", "--commit-range=HEAD~2..HEAD~1"]).prints("svc/a/src/f\nsvc/b/g\n");
    sandbox.set("SHIPPABLE_COMMIT_RANGE", "");
    changes(&sandbox, ["--path=r"]).fails(99, "Unknown commit range");
    let ran = changes(&sandbox, ["--path=r", "--commit-range=cafe..HEAD"]);
    ran.fails(99, "cafe..HEAD");
    assert!(ran.err().contains("fatal: "), "git's own message is missing: {}", ran.err());
    // A file's name is no range, and one with a blank is one word.
    changes(&sandbox, ["--path=r", "--commit-range=top"]).fails(99, "top");
    changes(&sandbox, ["--path=r", "--commit-range=HEAD~1 HEAD"]).fails(99, "HEAD~1 HEAD");
}

#[test]
fn a_range_is_never_an_option() {
    let mut sandbox = sandbox();
    let written = sandbox.path("work/written");
    let range = format!("--output={}", written.display());
    changes(&sandbox, ["--path=r", &format!("--commit-range={range}")]).fails(99, "is no commit range");
    sandbox.set("SHIPPABLE_COMMIT_RANGE", range);
    changes(&sandbox, ["--path=r"]).fails(99, "is no commit range");
    assert!(!written.exists());
}

#[test]
fn the_environment_neither_misleads_git_nor_runs_anything() {
    let mut sandbox = sandbox();
    succeeds(&sandbox, "git init -q other");
    let trap = sandbox.write("trap", "#!/bin/sh\n: > $HOME/ran\n");
    succeeds(&sandbox, "chmod 755 ../trap");
    sandbox.set("GIT_DIR", sandbox.path("work/other/.git")).set("GIT_WORK_TREE", "/").set("GIT_INDEX_FILE", "/nope");
    sandbox.set("GIT_EXTERNAL_DIFF", &trap).set("GIT_PAGER", &trap).set("PAGER", &trap);
    let config = format!(
        "[core]\n fsmonitor = {0}\n pager = {0}\n[diff]\n external = {0}\n[color]\n ui = always\n",
        trap.display()
    );
    sandbox.write("home/.gitconfig", config);
    changes(&sandbox, ["--path=r", "--commit-range=HEAD~1"]).prints("top\ntwo words/h\n");
    changes(&sandbox, ["--path=r", "--commit-range=HEAD~1", "--directories-only"]).prints("two words/\n");
    assert!(!sandbox.path("home/ran").exists(), "something was run");
}

#[test]
fn without_git() {
    let mut sandbox = sandbox();
    sandbox.set("PATH", sandbox.path("bin"));
    changes(&sandbox, ["--path=r", "--commit-range=HEAD"]).fails(99, "cannot run git");
}

#[test]
fn a_reader_that_stops_early() {
    let sandbox = sandbox();
    succeeds(
        &sandbox,
        "cd r; for i in {1..9}; do for j in {1..999}; do : > name-that-fills-the-pipe-$i-$j; done; done; git add .; git commit -qm many",
    );
    let ran = sandbox.bash(
        "set -o pipefail; shipctl get_git_changes --path=r --commit-range=HEAD~1..HEAD | head -1; echo $?
         shipctl get_git_changes --path=r --commit-range=HEAD~1..HEAD | wc -l",
    );
    ran.prints("name-that-fills-the-pipe-1-1\n0\n8991\n");
}

/// The resource `app_repo` of the recorded runs, with `shaData` as given.
fn resource(sha_data: &str) -> Sandbox {
    let sandbox = job_fixture();
    repository(&sandbox);
    succeeds(
        &sandbox,
        &format!(
            "rm -rf $APP_REPO_STATE; mv r $APP_REPO_STATE
             cd $APP_REPO_STATE; one=$(git rev-parse HEAD~2) two=$(git rev-parse HEAD~1) three=$(git rev-parse HEAD)
             printf '%s' '{{\"name\": \"app_repo\", \"type\": \"gitRepo\", \"version\": {{\"propertyBag\": {{\"shaData\": '\"{}\"'}}}}}}' \
                 > $APP_REPO_META/version.json",
            sha_data.replace('"', "\\\"")
        ),
    );
    sandbox
}

#[test]
fn the_range_of_a_resource() {
    let mut sandbox = resource(r#"{"beforeCommitSha": "$one", "commitSha": "$two", "isPullRequest": false}"#);
    changes(&sandbox, ["--resource=app_repo"]).prints("svc/a/src/f\nsvc/b/g\n");
    changes(&sandbox, ["--resource", "app_repo", "--commit-range=HEAD~1.."]).prints("top\ntwo words/h\n");
    // The variable is another repository's.
    sandbox.set("SHIPPABLE_COMMIT_RANGE", "HEAD~1..HEAD");
    changes(&sandbox, ["--resource=app_repo"]).prints("svc/a/src/f\nsvc/b/g\n");
    changes(&sandbox, ["--resource=no_such"]).fails(99, "git repository not found at path");
}

#[test]
fn the_range_of_a_pull_request() {
    let sha_data =
        r#"{"beforeCommitSha": "$one", "commitSha": "$three", "baseCommitRef": "base", "isPullRequest": true}"#;
    let mut sandbox = resource(sha_data);
    succeeds(&sandbox, "git -C $APP_REPO_STATE update-ref refs/remotes/origin/base HEAD~1");
    succeeds(&sandbox, "git -C $APP_REPO_STATE update-ref refs/remotes/origin/other HEAD~2");
    for variable in ["APP_REPO_IS_PULL_REQUEST", "APP_REPO_BASE_BRANCH"] {
        sandbox.env.remove(OsStr::new(variable));
    }
    changes(&sandbox, ["--resource=app_repo"]).prints("top\ntwo words/h\n");
    sandbox.set("APP_REPO_BASE_BRANCH", "other");
    changes(&sandbox, ["--resource=app_repo"]).prints("svc/a/src/f\nsvc/b/g\ntop\ntwo words/h\n");
    sandbox.set("APP_REPO_IS_PULL_REQUEST", "false");
    changes(&sandbox, ["--resource=app_repo"]).prints("svc/a/src/f\nsvc/b/g\ntop\ntwo words/h\n");
}

#[test]
fn a_resource_without_a_range() {
    for sha_data in [r#"{"beforeCommitSha": null, "commitSha": "$two"}"#, r#"{"beforeCommitSha": "$one"}"#, "null"] {
        let mut sandbox = resource(sha_data);
        sandbox.env.remove(OsStr::new("APP_REPO_IS_PULL_REQUEST"));
        sandbox.set("SHIPPABLE_COMMIT_RANGE", "HEAD~1..HEAD");
        changes(&sandbox, ["--resource=app_repo"]).fails(99, "Unknown commit range. use --commit-range.");
    }
}

#[test]
fn someone_elses_repository_is_git_s_to_refuse() {
    let sandbox = sandbox();
    // git's own switch for its tests: every repository counts as someone else's.
    let ran = sandbox.bash("GIT_TEST_ASSUME_DIFFERENT_OWNER=1 shipctl get_git_changes --path=r --commit-range=HEAD");
    ran.fails(99, "safe.directory");
}
