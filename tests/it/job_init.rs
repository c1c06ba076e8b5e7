//! `job init`: what is refused before anything is made.

use crate::harness::Sandbox;

const YML: &str = "
resources:
  - {name: img, type: image, versionTemplate: {sourceName: o/i}}
jobs:
  - {name: deploy, type: runSh, steps: [{IN: img}, {TASK: {script: ['true']}}]}
";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("work/shippable.yml", YML);
    sandbox
}

/// Fails, and leaves the folder as it was.
#[track_caller]
fn refused(sandbox: &Sandbox, words: &[&str], status: i32, message: &str) {
    let before = std::fs::read_dir(sandbox.path("work")).unwrap().count();
    sandbox.shipctl([&["job", "init"], words].concat()).fails(status, message);
    assert_eq!(std::fs::read_dir(sandbox.path("work")).unwrap().count(), before);
}

#[test]
fn calls_that_make_no_sense() {
    let sandbox = sandbox();
    for (words, status, message) in [
        (&["deplyo"][..], 8, "did you mean deploy?"),
        (&["deploy", "--file", "none.yml"], 8, "none.yml: no such file"),
        (&["deploy", "--set", "img"], 2, "RESOURCE.KEY=VALUE"),
        (&["deploy", "--git", "repo"], 2, "NAME=PATH"),
        (&["deploy", "--undefined", "maybe"], 2, "--undefined"),
    ] {
        refused(&sandbox, words, status, message);
    }
}

#[test]
fn a_yml_that_is_wrong() {
    let sandbox = sandbox();
    for (yml, message) in [
        ("jobs: [", "shippable.yml:1"),
        (&YML.replace("IN: img", "IN: image"), "Missing dependency for: IN image"),
        (&YML.replace("{IN: img}", "{INN: img}"), "IN, OUT, TASK and NOTIFY"),
    ] {
        sandbox.write("work/shippable.yml", yml);
        refused(&sandbox, &["deploy"], 8, message);
    }
}
