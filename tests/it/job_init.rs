//! `job init`: what is refused before anything is made, and options.

use std::path::Path;

use serde_json::Value;

use crate::harness::{Ran, Sandbox, tool};

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

const LISTS: &str = r#"
resources:
  - {name: set, type: params, version: {params: {LIST: [x, "y z"], MAP: {a b: [1, null]}, TEXT: "a b"}}}
  - {name: img, type: image, versionTemplate: {sourceName: "o/${TEXT}", tag: "${LIST}"}}
jobs:
  - {name: deploy, type: runSh, steps: [{IN: set}, {IN: img}, {TASK: {script: ['true']}}]}
"#;

/// The value of 4.6: a backslash before each space of a list, and none in a text.
#[test]
fn lists_as_the_platform_had_them() {
    let sandbox = Sandbox::new();
    sandbox.write("work/shippable.yml", LISTS);
    let env = |words: &[&str]| -> Value {
        let ran = sandbox
            .shipctl([&["--job-dir", ".shipctl/build/deploy", "job", "env", "--format", "json"], words].concat());
        assert_eq!((ran.status, ran.err()), (0, String::new()));
        serde_json::from_slice(&ran.stdout).unwrap()
    };
    let (plain, quirk) = (r#"["x","y z"]"#, r#"["x","y\ z"]"#);
    for (option, usual) in [(&[][..], plain), (&["--compat"], quirk)] {
        let made = sandbox.shipctl([&["job", "init", "deploy"], option].concat());
        assert_eq!((made.status, made.err()), (0, String::new()));
        for (words, list) in [(&[][..], usual), (&["--compat"], quirk)] {
            let env = env(words);
            let map = if list == quirk { r#"{"a\ b":[1,null]}"# } else { r#"{"a b":[1,null]}"# };
            for (name, want) in
                [("LIST", list), ("SET_PARAMS_LIST", list), ("MAP", map), ("SET_PARAMS_MAP", map), ("TEXT", "a b")]
            {
                assert_eq!(env[name], want, "{option:?} {words:?} {name}");
            }
            assert_eq!(env["IMG_SOURCENAME"], "o/a b");
        }
        let version: Value =
            serde_json::from_slice(&sandbox.read("work/.shipctl/build/deploy/IN/img/version.json")).unwrap();
        assert_eq!(version["version"]["propertyBag"]["tag"], usual);
        let said =
            sandbox.shipctl(["job", "exec", "--dir", ".shipctl/build/deploy", "--", "sh", "-c", "printf %s \"$LIST\""]);
        said.prints(usual);
    }
}

#[test]
fn scripts_that_name_the_folder() {
    let sandbox = Sandbox::new();
    sandbox.write("work/shippable.yml", YML.replace("'true'", "cat /build/IN/x, ls /build/OUT"));
    let ran = sandbox.shipctl(["job", "init", "deploy"]);
    assert_eq!(ran.status, 0);
    let told = "/build/IN/x is where the platform had the job directory: write ${JOB_PATH}/IN/x, or give --link-build; 1 \
                more: see `shipctl job lint`\n";
    assert!(ran.err().starts_with("shipctl: shippable.yml:5:") && ran.err().ends_with(told), "{}", ran.err());
}

/// `/build` of a root of its own: that of the machine is left alone.
#[test]
fn a_link_for_scripts_that_name_the_folder() {
    let sandbox = sandbox();
    if Path::new("/build").symlink_metadata().is_err() {
        let ran = sandbox.shipctl_as_nobody(&["job", "init", "deploy", "--link-build", "--dir", "/tmp/shipctl-never"]);
        ran.fails(8, "--link-build: /build: Permission denied");
        assert!(ran.err().contains("run as root, or write $JOB_PATH"), "{}", ran.err());
        assert!(!Path::new("/build").exists() && !Path::new("/tmp/shipctl-never").exists());
    }
    if !rustix::process::geteuid().is_root() {
        return;
    }
    crate::harness::copy_program(&sandbox.path("work/shipctl"));
    // Devices need a right that not every root has; a file will do.
    for name in ["random", "urandom"] {
        sandbox.write(format!("work/dev/{name}"), [7; 4096]);
    }
    let link = sandbox.path("work/build");
    let inside = |words: &[&str]| {
        Ran::of(sandbox.command(tool("chroot")).arg(sandbox.path("work")).arg("/shipctl").args(words).output().unwrap())
    };
    let init = ["job", "init", "deploy", "--link-build", "--dir", "/job"];
    inside(&[&init[..], &["--set", "nothing.versionName=v1"]].concat()).fails(2, "nothing");
    assert!(!link.is_symlink(), "a failure leaves no link");
    for _ in 0..2 {
        inside(&init).prints("/job\n");
        assert_eq!(std::fs::read_link(&link).unwrap(), Path::new("/job"));
    }
    // A script that names it finds it; without the option it is told that it will not.
    let yml = YML.replace("'true'", "cat /build/IN/x, ls /build/OUT");
    sandbox.write("work/shippable.yml", yml);
    inside(&init).prints("/job\n");
    inside(&[&init[..4], &["--dir", "/other"]].concat()).fails(8, "/build: a link to /job: wait for the run");
    assert!(!sandbox.path("work/other").exists());
    inside(&["job", "clean", "--dir", "/job"]).prints("");
    assert!(!link.is_symlink() && !sandbox.path("work/job").exists());
}
