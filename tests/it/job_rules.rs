//! The rules of TASKs and hooks from the yml to the exit status of `job run`; each by itself is in `run_rules`.

use serde_json::{Value, json};

use crate::harness::{Ran, Sandbox};

/// A job of these TASKs, and hooks that say that they ran.
fn job(tasks: &[&[&str]], hooks: Value) -> Sandbox {
    let sandbox = Sandbox::new();
    let steps: Vec<Value> = tasks.iter().map(|scripts| json!({"TASK": {"script": scripts}})).collect();
    let mut job = json!({
        "name": "j", "type": "runSh", "steps": steps,
        "on_success": {"script": ["echo success"]}, "on_failure": {"script": ["echo failure"]},
        "always": {"script": ["echo always"]}, "on_cancel": {"script": ["echo cancel"]},
    });
    job.as_object_mut().unwrap().extend(hooks.as_object().unwrap().clone());
    sandbox.write("work/shippable.yml", json!({"jobs": [job]}).to_string());
    sandbox
}

/// Standard output as one line, without headings and what bash says of the script itself.
fn said(ran: &Ran) -> String {
    let out = ran.out();
    let lines: Vec<_> = out.lines().filter(|line| !line.contains(".sh: line ") && !line.starts_with("== ")).collect();
    lines.join(" ")
}

#[track_caller]
fn check(tasks: &[&[&str]], hooks: Value, status: i32, output: &str) {
    let sandbox = job(tasks, hooks);
    let ran = sandbox.shipctl(["job", "run", "j"]);
    assert_eq!((ran.status, said(&ran).as_str()), (status, output), "of {tasks:?}: {}{}", ran.out(), ran.err());
    assert!(!sandbox.path("work/.shipctl/build/j").exists(), "the directory of {tasks:?} is left");
    // Whatever its end, a run that came to one has a version.
    let kept = sandbox.shipctl(["version", "show", "j", "--job"]);
    assert_eq!(kept.status, 0, "{}", kept.err());
}

#[test]
fn each_row_of_the_table() {
    for (tasks, status, output) in [
        (&[&["echo 1", "false", "echo 2"][..], &["echo 3"]][..], 1, "1 failure always"),
        (&[&["echo 1\nfalse\necho 2"]], 1, "1 failure always"),
        (&[&["f() { false; echo in; }\nf"]], 0, "in success always"),
        (&[&["f() { [ -f nosuchfile ] && echo x; }\nf\necho 2"]], 1, "failure always"),
        (&[&["( false )\necho 2"]], 1, "failure always"),
        (&[&["false | true\necho 2"]], 0, "2 success always"),
        (&[&["[ -f nosuchfile ] && echo x\necho 2"]], 0, "2 success always"),
        (&[&["[ -f nosuchfile ] && echo x", "echo 2"]], 1, "failure always"),
        (&[&["echo 1; exit 0", "echo 2"], &["echo 3"]], 0, "1 3 success always"),
        (&[&["echo 1; exit 3", "echo 2"], &["echo 3"]], 3, "1 failure always"),
        (&[&["(exit 3)", "echo 2"]], 3, "failure always"),
        (&[&["echo 1; return 0; echo x", "echo 2"]], 0, "1 2 success always"),
        (&[&["trap '' ERR; false; echo 1", "false", "echo 2"]], 1, "1 failure always"),
        (&[&["trap 'echo bye' EXIT; echo 1", "echo 2"]], 0, "1 2 success always bye"),
        (&[&["trap 'echo bye' EXIT; exit 0"]], 0, "success always bye"),
        (&[&["trap 'echo bye' EXIT; exit 3"]], 3, "failure always bye"),
        (&[&["trap 'echo bye' EXIT"], &["echo 2"]], 0, "bye 2 success always"),
        (&[&["set -e; echo 1", "f() { false; echo in; }; f"]], 0, "1 in success always"),
        (&[&["set +e; echo 1; false; echo 2"]], 1, "1 failure always"),
        (&[&["set +e", "set -e", "(exit 4)", "echo 2"]], 4, "failure always"),
        (&[&["set +e; false || echo 1", "if false; then :; else echo 2; fi"]], 0, "1 2 success always"),
        (&[&["set -u; echo 1", "echo ${nosuchvariable-2}"], &["echo 3$nosuchvariable"]], 0, "1 2 3 success always"),
        (&[&["set -u", "echo $nosuchvariable", "echo 2"]], 1, "failure always"),
        (&[&["set -o pipefail", "false | true", "echo 2"]], 1, "failure always"),
        (&[&["set -euo pipefail; trap 'echo bye' EXIT", "echo 1 | cat", "echo 2"]], 0, "1 2 success always bye"),
        (&[&["set -euo pipefail; trap 'echo bye' EXIT", "grep -q x /dev/null | cat"]], 1, "failure always bye"),
        (&[&["exec echo 1", "echo 2"], &["echo 3"]], 0, "1 3 success always"),
        (&[&["exec sh -c 'exit 3'", "echo 2"]], 3, "failure always"),
        (&[&["exec 2>&1 3>&1; echo 1 >&3", "echo 2 >&2"]], 0, "1 2 success always"),
        (&[&["kill -KILL $$", "echo 2"]], 137, "failure always"),
        (&[&["kill -TERM $$", "echo 2"]], 143, "failure always"),
        (&[&["kill -HUP $$", "echo 2"]], 129, "failure always"),
        (&[&["kill -INT $$", "echo 2"]], 130, "failure always"),
        (&[&["trap - INT; kill -INT $$", "echo 2"]], 130, "failure always"),
        (&[&["trap 'trap - TERM; kill -TERM $$' TERM; kill -TERM $$", "echo 2"]], 143, "failure always"),
        (&[&["trap 'echo bye' EXIT; kill -TERM $$"]], 143, "failure always bye"),
        (&[&["return() { echo mine; }", "echo 2"]], 0, "2 success always"),
        (&[&["return() { echo mine; }", "false"]], 1, "failure always"),
    ] {
        // A script that a signal ended is a failure, not a cancelled run.
        if status >= 128 {
            let ran = job(tasks, json!({})).shipctl(["job", "run", "j"]);
            assert_eq!((ran.status, said(&ran).as_str()), (status, output), "{}", ran.err());
            continue;
        }
        check(tasks, json!({}), status, output);
    }
}

#[test]
fn each_row_about_hooks() {
    let script = |name: &str, script: &str| json!({name: {"script": [script]}});
    let set = "a=1; cd /; f() { echo in f; }";
    for (task, hooks, status, output) in [
        ("true", json!({}), 0, "success always"),
        (
            set,
            json!({"on_success": {"script": "f; b=$a$PWD"}, "always": {"script": ["echo $b", "f"]}}),
            0,
            "in f 1/ in f",
        ),
        ("true", script("on_success", "false; echo 1"), 0, "1 always"),
        ("true", script("on_success", "exit 1"), 1, ""),
        ("true", script("on_success", "exit 0"), 0, ""),
        ("true", script("always", "exit 1"), 1, "success"),
        ("exit 4", script("on_failure", "false; echo 1"), 4, "1 always"),
        ("exit 4", script("on_failure", "exit 0"), 4, ""),
        ("exit 4", script("on_failure", "exit 5"), 4, ""),
        ("exit 4", script("always", "exit 0"), 4, "failure"),
        ("set -eu; set -o pipefail", script("on_success", "false | true; echo 1"), 0, "1 always"),
    ] {
        check(&[&[task]], hooks, status, output);
    }
    // In the older spelling, and each after the TASK that failed alone.
    let hooks = json!({"on_failure": [{"script": "echo older"}, {"script": ["echo still"]}]});
    check(&[&["echo 1"], &["false"], &["echo 3"]], hooks, 1, "1 older still always");
}

#[test]
fn a_job_without_time_left_is_ended_and_keeps_nothing() {
    let sandbox = job(&[&["echo 1; exec sleep 100"], &["echo 3"]], json!({}));
    let text = String::from_utf8(sandbox.read("work/shippable.yml")).unwrap();
    let text = text.replace("\"type\"", "\"runtime\":{\"timeoutMinutes\":0.02},\"type\"");
    sandbox.write("work/shippable.yml", text);
    let ran = sandbox.shipctl(["job", "run", "j"]);
    let out = said(&ran);
    // bash may say that the command has been terminated.
    assert!(ran.status == 124 && out.starts_with('1') && out.ends_with("cancel always"), "{} {out}", ran.err());
    assert!(ran.err().contains("timeoutMinutes") && !out.contains('3'), "{}", ran.err());
    sandbox.shipctl(["version", "show", "j", "--job"]).fails(8, "no versions");
    assert!(!sandbox.path("work/.shipctl/build/j").exists());
}

#[test]
fn one_task_alone() {
    let sandbox = job(&[&["echo 1"], &["echo 2"], &["echo 3"]], json!({}));
    let ran = sandbox.shipctl(["job", "run", "j", "--task", "2"]);
    assert_eq!((ran.status, said(&ran).as_str()), (0, "2 success always"), "{}", ran.err());
}
