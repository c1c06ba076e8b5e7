//! `job example`: what it writes, and the script in it, run as the README says.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::harness::{Sandbox, tool};

const MADE: &str = "made; to run it: cd ";

/// A sandbox with an example in `work/demo`, its working directory.
fn example() -> Sandbox {
    let mut sandbox = Sandbox::new();
    let ran = sandbox.shipctl(["job", "example", "demo"]);
    assert_eq!((ran.status, ran.out()), (0, String::new()));
    assert!(ran.err().starts_with(&format!("shipctl: {MADE}")) && ran.err().lines().count() == 1, "{}", ran.err());
    sandbox.cwd = sandbox.path("work/demo");
    sandbox
}

fn every_path(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        found.push(path.clone());
        if path.is_dir() && !path.ends_with("gitRepo") {
            every_path(&path, found);
        }
    }
}

#[test]
fn only_its_owner_reads_it() {
    let sandbox = example();
    let mut paths = vec![sandbox.cwd.clone()];
    every_path(&sandbox.cwd, &mut paths);
    assert!(paths.len() > 60);
    for path in paths.iter().filter(|path| !path.ends_with("gitRepo")) {
        let mode = path.metadata().unwrap().permissions().mode() & 0o777;
        let want = if path.is_dir() || path.ends_with("script.sh") { 0o700 } else { 0o600 };
        assert_eq!(mode, want, "{}", path.display());
    }
    assert!(fs::read_dir(sandbox.path("work")).unwrap().count() == 1);
}

#[test]
fn its_files_are_what_the_platform_wrote() {
    let sandbox = example();
    let mut paths = Vec::new();
    every_path(&sandbox.cwd, &mut paths);
    for path in paths.iter().filter(|path| path.extension().is_some_and(|kind| kind == "json")) {
        let text = fs::read_to_string(path).unwrap();
        // The template is JSON only once it is filled in.
        if !path.ends_with("templates/service.json") {
            assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", path.display());
        }
        if path.ends_with("version.json") || path.ends_with("message.json") {
            assert!(!text.contains('\n'), "{}", path.display());
        }
    }
    let ran = sandbox.shipctl(["job", "env", "--format", "json"]);
    assert_eq!((ran.status, ran.err()), (0, String::new()));
    let env: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    for (name, value) in [
        ("JOB_NAME", "deploy_web"),
        ("DB_PASSWORD", "correct horse"),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_CLI_INTEGRATION_ACCESSKEY", "AKIAIOSFODNN7EXAMPLE"),
        ("OLD_AWS_CLI_INTEGRATION_AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("PROD_CLUSTER_INTEGRATION_ASSUMEROLEARN", "arn:aws:iam::123456789012:role/deploy-web"),
        ("INFRA_STATE_OPERATION", "OUT"),
        ("LOG_LEVEL", "info"),
    ] {
        assert_eq!(env[name], value, "{name}");
    }
    let kinds: Vec<_> = paths
        .iter()
        .filter(|path| path.ends_with("integration.json"))
        .map(|path| {
            let fields: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            fields["masterName"].as_str().unwrap().to_owned()
        })
        .collect();
    for kind in ["amazonKeys", "AWS", "ECR", "amazonIamRole", "AWS_IAM", "keyValuePair"] {
        assert!(kinds.iter().any(|known| known == kind), "{kind}");
    }
    for file in paths.iter().filter(|path| path.ends_with("integration.env")) {
        let read = sandbox.command(tool("bash")).args(["-euc", "source \"$1\"", "-"]).arg(file).status().unwrap();
        assert!(read.success(), "{}", file.display());
    }
}

#[test]
fn its_repository_is_a_real_one() {
    let sandbox = example();
    let git = |script: &str| {
        let ran = sandbox.bash(&format!("cd IN/app_repo/gitRepo && {script}"));
        assert_eq!((ran.status, ran.err()), (0, String::new()));
        ran.out()
    };
    assert_eq!(git("git status --porcelain; git fsck --strict; git rev-list --count HEAD"), "3\n");
    let key = |key: &str| sandbox.shipctl(["get_resource_version_key", "app_repo", key]).out();
    assert_eq!(git("git rev-parse HEAD"), key("shaData.commitSha"));
    assert_eq!(git("git rev-parse HEAD"), key("versionName"));
    assert_eq!(git("git rev-parse HEAD~2"), key("shaData.beforeCommitSha"));
    assert_eq!(git("git rev-parse --abbrev-ref HEAD"), key("shaData.branchName"));
    assert_eq!(git("git log -1 --format=%s"), key("shaData.commitMessage"));
    assert_eq!(git("git log -1 --format=%an"), key("shaData.committer.displayName"));
}

#[test]
fn configuration_of_the_user_changes_nothing() {
    let mut sandbox = Sandbox::new();
    sandbox.write("home/.gitconfig", "[commit]\ngpgsign = true\n[init]\ndefaultBranch = odd\ntemplateDir = /nonexistent\n[core]\nhooksPath = /nonexistent\nautocrlf = true\n");
    sandbox.set("GIT_DIR", "/nonexistent").set("GIT_DEFAULT_HASH", "sha256").set("GIT_INDEX_FILE", "/nonexistent/x");
    assert_eq!(sandbox.shipctl(["job", "example", "demo"]).status, 0);
    for name in ["GIT_DIR", "GIT_INDEX_FILE"] {
        sandbox.env.remove(std::ffi::OsStr::new(name));
    }
    let head = sandbox.bash("git -C demo/IN/app_repo/gitRepo rev-parse HEAD").out();
    assert_eq!(
        head,
        sandbox.shipctl(["--job-dir", "demo", "get_resource_version_key", "app_repo", "versionName"]).out()
    );
}

#[test]
fn without_git_the_folder_stays_empty() {
    let mut sandbox = Sandbox::new();
    sandbox.set("PATH", sandbox.path("bin"));
    let ran = sandbox.shipctl(["job", "example", "demo"]);
    assert_eq!(ran.status, 0);
    assert!(ran.err().contains("git is not on this machine: IN/app_repo/gitRepo stays empty"), "{}", ran.err());
    assert_eq!(fs::read_dir(sandbox.path("work/demo/IN/app_repo/gitRepo")).unwrap().count(), 0);
}

#[test]
fn a_folder_that_is_taken_stays_as_it_is() {
    let sandbox = Sandbox::new();
    sandbox.write("work/full/mine", "1");
    sandbox.write("work/file", "2");
    std::os::unix::fs::symlink("nowhere", sandbox.path("work/link")).unwrap();
    for (dir, message) in [
        ("full", "not empty: name a folder that is empty or not there yet"),
        ("full/", "not empty"),
        ("file", "not a folder"),
        ("link", "a link"),
        ("/", "not empty"),
        (".", "the working directory"),
        ("full/../full", "not empty"),
        ("file/below", "not a folder"),
    ] {
        sandbox.shipctl(["job", "example", dir]).fails(2, message);
    }
    assert_eq!(sandbox.read("work/full/mine"), b"1");
    assert_eq!(fs::read_dir(sandbox.path("work")).unwrap().count(), 3);
    assert_eq!(fs::read_dir(sandbox.path("work/full")).unwrap().count(), 1);
    // An empty one is fine, and so is one whose parents are not there yet.
    fs::create_dir(sandbox.path("work/empty")).unwrap();
    for dir in ["empty/", "new/deep/demo"] {
        assert_eq!(sandbox.shipctl(["job", "example", dir]).status, 0);
        assert!(sandbox.path(format!("work/{dir}/message.json")).is_file());
    }
    sandbox.shipctl(["job", "example"]).fails(2, "DIR");
}

/// The look-ups of the script, which need nothing but this part of the program.
#[test]
fn its_environment_and_look_ups() {
    let sandbox = example();
    let ran = sandbox.bash(
        "set -eu; eval \"$(shipctl job env)\"
        echo \"$JOB_NAME $BUILD_NUMBER $TASK_NAME $PORT $RELEASE_TRAIN\"
        shipctl get_resource_pointer_key app_img sourceName
        shipctl get_resource_env prod_cluster pointer_region
        shipctl get_integration_resource_keys aws_cli
        test -d \"$APP_REPO_STATE/.git\" && test -f \"$APP_REPO_KEYPATH\" && test -f \"$JOB_STATE/$JOB_NAME.env\"",
    );
    ran.prints(
        "deploy_web 42 release 8080 2019-01\n123456789012.dkr.ecr.us-east-1.amazonaws.com/web\nus-east-1\naccessKey\nsecretKey\n",
    );
}

/// What `make demo` runs.
#[test]
fn its_script_runs_as_a_job_would() {
    let sandbox = example();
    let run = || {
        let ran = sandbox.bash("eval \"$(shipctl job env)\" && bash -e script.sh");
        assert_eq!(ran.status, 0, "{}\n{}", ran.out(), ran.err());
        ran.out()
    };
    let transcript = run();
    insta::assert_snapshot!(transcript, @r#"
        deploy_web, build 42: release

        == What came in
        image        123456789012.dkr.ecr.us-east-1.amazonaws.com/web:v1.4.1
        cluster      web-production in us-east-1
        environment  production, port 8080
        commit       6eafdeb on main: worker: say which job failed
        credentials  accessKey secretKey of the integration deploy_keys

        == What changed
        build the web service
        build the worker service

        == The next version
        v1.4.1 becomes v1.5.0

        == The service, from its template
        {
          "cluster": "web-production",
          "service": "web-production",
          "desiredCount": 2,
          "image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/web:v1.5.0",
          "port": 8080,
          "healthCheck": "/healthz?deep=1&from=$ALB"
        }

        == A push that fails once
        push: connection reset
        push: done

        == What the last release was
        v1.4.1 of web

        == What goes out
        state/released_img.env
          versionName=v1.5.0
          commit=6eafdeb6481f883e92ecf7abde5bc80233a77e27
        state/deploy_web.env
          versionName=v1.5.0
          image=123456789012.dkr.ecr.us-east-1.amazonaws.com/web
          cluster=web-production
        OUT/release_repo is at 6eafdeb6481f883e92ecf7abde5bc80233a77e27
        OUT/infra_state has serial 5
        "#);
    // It may be run again.
    assert_eq!(run(), transcript);
    assert_eq!(
        sandbox.read("work/demo/OUT/infra_state/state/terraform.tfstate"),
        b"{\n  \"version\": 4,\n  \"serial\": 5\n}\n"
    );
    assert!(sandbox.path("work/demo/state/service.json").is_file());
}
