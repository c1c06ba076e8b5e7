//! What TASKs of `job run` find, and what a run leaves around them: variables, the log, its directory.

use serde_json::{Value, json};

use crate::harness::{Ran, Sandbox};

/// A job with these fields, and these TASKs among its steps.
fn job(tasks: &[Value], fields: &Value) -> Sandbox {
    let sandbox = Sandbox::new();
    let steps: Vec<Value> = tasks.iter().map(|task| json!({"TASK": task})).collect();
    let mut job = json!({"name": "j", "type": "runSh", "steps": steps});
    job.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    sandbox.write("work/shippable.yml", json!({"jobs": [job]}).to_string());
    sandbox
}

fn scripts(scripts: &[&str]) -> Sandbox {
    let tasks: Vec<Value> = scripts.iter().map(|script| json!({"script": script})).collect();
    job(&tasks, &json!({}))
}

fn run(sandbox: &Sandbox) -> Ran {
    sandbox.shipctl(["job", "run", "j"])
}

/// Standard output without headings.
fn said(ran: &Ran) -> Vec<String> {
    ran.out().lines().filter(|line| !line.starts_with("== ")).map(str::to_owned).collect()
}

#[test]
fn each_task_has_its_own_env() {
    let env = |env: Value| json!({"options": {"env": env}});
    let show = "echo \"$TASK_NAME:${A-none}:${B-none}\"; cat $SHARED_DIR/* 2>/dev/null || true";
    let tasks = [
        json!({"name": "one", "runtime": env(json!({"A": "$HOME", "API_TOKEN": "first-token"})),
               "script": [show, "echo $API_TOKEN > $SHARED_DIR/kept; cat $SHARED_DIR/kept"]}),
        json!([{"script": show}]),
        json!({"runtime": env(json!([{"B": "1"}, {"B": 2, "JOB_NAME": "mine"}])), "script": [show, "echo $JOB_NAME"]}),
    ];
    let sandbox = job(&tasks, &json!({}));
    let ran = run(&sandbox);
    assert_eq!(ran.status, 0, "{}", ran.err());
    let lines = ["one:$HOME:none", "***", "Task 2:none:none", "***", "Task 3:none:2", "***", "mine"];
    assert_eq!(said(&ran), lines, "{}", ran.err());
    let ran = sandbox.shipctl(["job", "run", "j", "--task", "3"]);
    assert_eq!(said(&ran), ["Task 3:none:2", "mine"], "{}", ran.err());
}

/// As the platform installed them before each TASK.
#[test]
fn tasks_and_what_they_start_find_shipctl_and_its_older_names() {
    let started = "printf '#!/bin/bash -e\\necho $(ship_resource_get_name a-b)\\n' > s; chmod +x s; ./s";
    let replace = "echo '$JOB_NAME' > t; shippable_replace t; cat t";
    let mut sandbox = scripts(&["shipctl to_uppercase x", replace, started]);
    sandbox.set("PATH", "/usr/bin:/bin");
    let ran = run(&sandbox);
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert_eq!(said(&ran), ["X", "j", "AB"], "{}", ran.err());
}

#[test]
fn a_group_ends_on_a_line_of_its_own() {
    for (kind, value, lines) in [
        ("GITHUB_ACTIONS", "true", "::group::Task 1\nx\n::endgroup::\n::group::Task 2\ny\n::endgroup::\n"),
        ("BUILDKITE", "true", "--- Task 1\nx\n--- Task 2\ny\n"),
        (
            "TEAMCITY_VERSION",
            "1",
            "##teamcity[blockOpened name='Task 1']\nx\n##teamcity[blockClosed name='Task 1']\n\
             ##teamcity[blockOpened name='Task 2']\ny\n##teamcity[blockClosed name='Task 2']\n",
        ),
        ("SHIPCTL_NO_CI", "", "== Task 1 ==\nx\n== Task 2 ==\ny\n"),
    ] {
        let mut sandbox = scripts(&["printf x", "echo y"]);
        sandbox.set(kind, value);
        let ran = run(&sandbox);
        assert_eq!((ran.status, ran.out().as_str()), (0, lines), "{kind}: {}", ran.err());
    }
    // A message of ours follows, and so does what would be kept.
    let ran = run(&scripts(&["printf x; false"]));
    assert_eq!((ran.status, ran.out().as_str()), (1, "== Task 1 ==\nx\n"), "{}", ran.err());
    assert_eq!(run(&scripts(&["true", "true"])).out(), "== Task 1 ==\n== Task 2 ==\n");
}

#[test]
fn a_script_that_empties_its_directory_blocks_no_later_run() {
    for script in ["rm -rf \"$JOB_PATH\"/*; mkdir x", "rm status/run.json", "rm -rf \"$JOB_PATH\"; mkdir \"$JOB_PATH\""]
    {
        let sandbox = scripts(&[&format!("[ -e ../../../again ] || {{ {script}; }}")]);
        run(&sandbox);
        if !script.contains("mkdir \"$JOB_PATH") {
            assert!(!sandbox.path("work/.shipctl/build/j").exists(), "{script} leaves the directory");
        }
        sandbox.write("work/again", "");
        std::fs::remove_dir_all(sandbox.path("work/.shipctl/build/j")).ok();
        let ran = run(&sandbox);
        assert_eq!(ran.status, 0, "{script}: {}", ran.err());
    }
}

#[test]
fn what_the_platform_told_of_its_machine_and_of_the_build_is_set() {
    let script = "set -u; echo \"<$BUILD_URL><$SHIPPABLE_WWW_URL><$SHIPPABLE_AMI_VERSION>\"\n\
                  echo \"$SHIPPABLE_NODE_ARCHITECTURE $SHIPPABLE_NODE_OPERATING_SYSTEM $TASK_IN_CONTAINER $IS_RESTRICTED_NODE\"";
    let system = if cfg!(target_os = "macos") { "macOS" } else { "ubuntu" };
    let machine = format!("{} {system} false false", std::env::consts::ARCH);
    let mut sandbox = scripts(&[script]);
    let ran = run(&sandbox);
    assert_eq!((ran.status, said(&ran)), (0, vec!["<><><>".to_owned(), machine.clone()]), "{}", ran.err());
    assert_eq!(sandbox.shipctl(["job", "init", "j"]).status, 0);
    let ran = sandbox.shipctl(["job", "exec", "--", "bash", "-c", script]);
    assert_eq!((ran.status, said(&ran)), (0, vec!["<><><>".to_owned(), machine]), "{}", ran.err());
    let ran = sandbox.shipctl(["--job-dir", ".shipctl/build/j", "job", "env", "--format", "json"]);
    let env: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!((&env["TASK_IN_CONTAINER"], &env["BUILD_URL"]), (&"false".into(), &"".into()));
    // Where the platform has said otherwise, it stays so.
    sandbox.set("SHIPPABLE_NODE_OPERATING_SYSTEM", "CentOS_7").set("TASK_IN_CONTAINER", "true");
    let ran = run(&sandbox);
    assert!(said(&ran)[1].ends_with(" CentOS_7 true false"), "{}", ran.out());
}

#[test]
fn runs_of_a_parallel_job_share_no_directory() {
    let tasks = [json!({"script": "echo $JOB_PATH; [ -e ../../../inner ] || { touch ../../../inner; cd ../../..; \
                                  unset ${!JOB_*}; shipctl job run j; }"})];
    for (fields, shared) in [(json!({"triggerMode": "parallel"}), 2), (json!({}), 1)] {
        let sandbox = job(&tasks, &fields);
        if shared == 1 {
            sandbox.write("work/inner", "");
        }
        let ran = run(&sandbox);
        let places: std::collections::BTreeSet<String> =
            said(&ran).into_iter().filter(|line| line.starts_with('/')).collect();
        assert_eq!((ran.status, places.len()), (0, shared), "{}{}", ran.out(), ran.err());
        let is_own = |place: &String| place.contains("/.shipctl/build/j-");
        assert!(places.iter().all(|place| is_own(place) == (shared == 2)), "{places:?}");
        assert_eq!(std::fs::read_dir(sandbox.path("work/.shipctl/build")).unwrap().count(), 0);
    }
    // One that is named is taken.
    let sandbox = job(&[json!({"script": "pwd"})], &json!({"triggerMode": "parallel"}));
    let ran = sandbox.shipctl(["job", "run", "j", "--dir", "d"]);
    assert_eq!(said(&ran), [sandbox.path("work/d").display().to_string()], "{}", ran.err());
}

#[test]
fn a_directory_that_was_not_named_is_told() {
    let sandbox = scripts(&["true"]);
    assert_eq!(sandbox.shipctl(["job", "init", "j"]).status, 0);
    for words in [&["job", "env"][..], &["job", "show"], &["job", "exec", "--", "true"], &["job", "finish"]] {
        let ran = sandbox.shipctl(words);
        assert!(ran.status == 0 && ran.err().contains("the job j"), "{}", ran.err());
    }
    for words in [
        &["job", "exec", "--dir", ".shipctl/build/j", "--", "true"][..],
        &["job", "finish", "--dir", ".shipctl/build/j"],
    ] {
        let ran = sandbox.shipctl(words);
        assert!(ran.status == 0 && !ran.err().contains("the job j"), "{}", ran.err());
    }
}

/// The runs of a parallel job have a directory each: that of a run that was killed goes with the next run.
#[test]
fn directories_of_runs_that_were_killed_are_removed() {
    let tasks = [json!({"script": "echo $JOB_PATH; [ -e ../../../go ] || kill -9 $PPID"})];
    let sandbox = job(&tasks, &json!({"triggerMode": "parallel"}));
    let builds = sandbox.path("work/.shipctl/build");
    let left = || {
        let names = std::fs::read_dir(&builds).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(run(&sandbox).status, 137);
    let first = left().pop_first().unwrap();
    // One of another machine, where it may well be at work; one that was to be kept; and that of a `job init`.
    sandbox.bash(&format!(
        "cd .shipctl/build; cp -a {first} j-1; sed -i 's/\"boot\":\"/&x/' j-1/status/run.json; mkdir .shipctl-1-0.tmp"
    ));
    assert_eq!(sandbox.shipctl(["job", "run", "j", "--keep"]).status, 137);
    assert_eq!(sandbox.shipctl(["job", "init", "j", "--dir", ".shipctl/build/j-2"]).status, 0);
    let kept: Vec<String> = left().into_iter().filter(|name| *name != first).collect();
    assert!(kept.len() == 3 && !left().contains(".shipctl-1-0.tmp"), "{kept:?}");
    sandbox.write("work/go", "");
    let ran = run(&sandbox);
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert_eq!(left().into_iter().collect::<Vec<_>>(), kept);
    // The second run has found what the first one left.
    assert!(!ran.err().contains("removed"), "{}", ran.err());
    assert_eq!(run(&sandbox).status, 0);
}

#[test]
fn secure_variables_of_a_task() {
    let task = |env: &Value| json!({"script": "echo $A-$B-$secure-; env > $JOB_STATE/x", "runtime": {"options": {"env": env}}});
    let both = [json!([{"A": "1"}, {"secure": {"B": "env:THE_B"}}]), json!({"A": "2", "secure": {"B": "env:THE_B"}})];
    for env in &both {
        let mut sandbox = job(&[task(env)], &json!({}));
        run(&sandbox).fails(8, "secure.B of a TASK: the variable THE_B is not set");
        sandbox.set("THE_B", "s3cr3t-b");
        let ran = sandbox.shipctl(["job", "run", "j"]);
        assert_eq!(said(&ran), [format!("{}-***--", if env.is_array() { 1 } else { 2 })], "{}", ran.err());
        // It is as little kept as any other.
        assert_eq!(ran.status, 1, "{}", ran.err());
        assert!(ran.err().contains("a secure variable of a TASK"), "{}", ran.err());
        assert_eq!(sandbox.shipctl(["job", "init", "j"]).status, 0);
        let found = sandbox.bash("grep -rl s3cr3t-b .shipctl");
        assert_eq!(found.out(), ".shipctl/build/j/status/run.json\n");
        let ran = sandbox.shipctl(["job", "exec", "--", "sh", "-c", "echo $B"]);
        assert_eq!((ran.status, ran.out()), (0, "***\n".to_owned()), "{}", ran.err());
        let shown = sandbox.shipctl(["job", "show", "j"]);
        assert!(shown.out().contains("env B"), "{}", shown.out());
        assert_eq!(sandbox.shipctl(["job", "finish"]).status, 0);
        assert_eq!(sandbox.bash("grep -rl s3cr3t-b .shipctl").out(), "");
    }
}

/// The variables of 4.3: those of the first repository, without its name before them.
#[test]
fn variables_of_a_run_ci_job() {
    let mut sandbox = Sandbox::new();
    let yml = json!({
        "resources": [
            {"name": "set", "type": "params", "version": {"params": {"BRANCH": "mine", "A": "b"}}},
            {"name": "app", "type": "gitRepo", "versionTemplate": {"sourceName": "o/r"}},
        ],
        "jobs": [
            {"name": "ci", "type": "runCI", "steps": [{"IN": "set"}, {"IN": "app"}, {"TASK": {"script": "true"}}]},
            {"name": "j", "type": "runSh", "steps": [{"IN": "app"}, {"TASK": {"script": "true"}}]},
        ],
    });
    sandbox.write("work/shippable.yml", yml.to_string());
    let script = "set -e
        export GIT_AUTHOR_NAME=Ada GIT_AUTHOR_EMAIL=a@x GIT_COMMITTER_NAME=Ada GIT_COMMITTER_EMAIL=a@x
        git init -q -b main ../app; cd ../app; git remote add origin https://github.com/o/r.git
        git commit -q --allow-empty -m one; git commit -q --allow-empty -m two; git rev-parse HEAD^ HEAD";
    let ran = sandbox.bash(script);
    let shas: Vec<String> = ran.out().lines().map(str::to_owned).collect();
    sandbox.set("COMMIT", "of the caller");
    let env = |job: &str| -> Value {
        let made = sandbox.shipctl(["job", "init", job, "--git", "app=../app"]);
        assert_eq!(made.status, 0, "{}", made.err());
        let dir = format!(".shipctl/build/{job}");
        let ran = sandbox.shipctl(["--job-dir", &dir, "job", "env", "--format", "json"]);
        serde_json::from_slice(&ran.stdout).unwrap()
    };
    let ci = env("ci");
    for (name, want) in [
        ("BRANCH", "main"),
        ("COMMIT", shas[1].as_str()),
        ("COMMIT_MESSAGE", "two"),
        ("COMMITTER", "Ada"),
        ("IS_PULL_REQUEST", "false"),
        ("PULL_REQUEST", "false"),
        ("BASE_BRANCH", ""),
        ("HEAD_BRANCH", ""),
        ("REPO_FULL_NAME", "o/r"),
        ("ORG_NAME", "o"),
        ("REPO_NAME", "r"),
        ("SHIPPABLE_COMMIT_RANGE", &format!("{}..{}", shas[0], shas[1])),
        ("IS_GIT_TAG", "false"),
        ("GIT_TAG_NAME", ""),
        ("IS_RELEASE", "false"),
        ("RELEASE_NAME", ""),
        ("APP_BRANCH", "main"),
        ("SET_PARAMS_BRANCH", "mine"),
        ("A", "b"),
    ] {
        assert_eq!(ci[name], want, "{name}");
    }
    assert!(env("j").get("COMMIT").is_none());
}
