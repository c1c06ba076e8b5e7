//! What is left when something goes wrong: kill -9, a full disk, a folder that cannot be written to.
#![allow(clippy::unwrap_used)] // what fails here fails the test, outside of #[test] functions too

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use crate::harness::{Ran, SHIPCTL, Sandbox};

/// Runs a script as somebody whom permissions bind: as root, as nobody, who gets the sandbox.
pub fn unprivileged(sandbox: &Sandbox, script: &str) -> Ran {
    let mut command = sandbox.command("bash");
    command.arg("-c").arg(script);
    if rustix::process::geteuid().is_root() {
        const NOBODY: u32 = 65534;
        // The binary may lie where nobody may go.
        let binary = sandbox.path("bin/shipctl");
        if binary.is_symlink() {
            fs::remove_file(&binary).unwrap();
            crate::harness::copy_program(&binary);
        }
        give(&sandbox.root(), NOBODY);
        command.uid(NOBODY).gid(NOBODY);
    }
    Ran::of(command.output().unwrap())
}

fn give(path: &Path, owner: u32) {
    std::os::unix::fs::lchown(path, Some(owner), Some(owner)).unwrap();
    if fs::symlink_metadata(path).unwrap().is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path(), owner);
        }
    }
}

/// What a kill may leave beside its target, and what the next command on it clears away.
pub fn leftovers(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b".shipctl-")).map(|e| e.path()).collect()
}

/// Kills a command again and again, at moments spread over the time that it takes; after each kill `check` sees
/// whether the target is whole. Ends with a run that is let be, after which nothing may be left over.
pub fn kill_loop(
    sandbox: &Sandbox,
    kills: u32,
    mut command: impl FnMut(u32) -> Vec<String>,
    mut check: impl FnMut(u32),
) {
    let start = |words: Vec<String>| {
        sandbox.command(SHIPCTL).args(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let begun = Instant::now();
    assert!(start(command(0)).wait().unwrap().success());
    let mut takes = begun.elapsed();
    check(0);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64 ^ u64::from(std::process::id());
    let (mut killed, mut runs) = (0, 0);
    while killed < kills {
        runs += 1;
        assert!(runs < 20 * kills, "only {killed} of {runs} runs could be killed");
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let moment = takes.mul_f64(f64::from(u32::try_from(random >> 40).unwrap()) / f64::from(1 << 24));
        let begun = Instant::now();
        let mut child = start(command(runs));
        // Sleeps are too coarse for a command of two milliseconds.
        while begun.elapsed() < moment {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        if child.wait().unwrap().signal() == Some(9) {
            killed += 1;
        } else {
            // It was faster than thought: kill earlier.
            takes = takes.mul_f64(0.95);
        }
        check(runs);
    }
    assert!(start(command(0)).wait().unwrap().success());
    check(0);
}

fn job(sandbox: &mut Sandbox) {
    fs::create_dir_all(sandbox.path("job/state")).unwrap();
    let (root, state) = (sandbox.path("job"), sandbox.path("job/state"));
    sandbox.set("JOB_PATH", root).set("JOB_STATE", state).set("JOB_NAME", "deploy_app");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_killed_post_leaves_old_or_new() {
    for (command, words) in [("post_resource_state", 1), ("post_resource_state_multi", 4)] {
        let mut sandbox = Sandbox::new();
        job(&mut sandbox);
        let file = sandbox.write("job/state/r.env", "");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        // Several pages, so that a write that is cut short would show.
        let value = |run: u32| format!("{run}").repeat(60_000 / format!("{run}").len());
        let lines = |run: u32| format!("K={}\n", value(run)).repeat(words);
        let mut old = lines(0);
        kill_loop(
            &sandbox,
            50,
            |run| {
                let mut all = vec![command.to_owned(), "r".into()];
                match words {
                    1 => all.extend(["K".into(), value(run)]),
                    _ => all.extend(std::iter::repeat_n(format!("K={}", value(run)), words)),
                }
                all
            },
            |run| {
                let got = String::from_utf8(fs::read(&file).unwrap()).unwrap();
                let new = lines(run);
                assert!(got == old || got == new, "{command} {run}: {} bytes", got.len());
                old = got;
                assert_eq!(mode(&file), 0o640);
                assert!(leftovers(&sandbox.path("job/state")).len() <= 1);
            },
        );
        assert!(leftovers(&sandbox.path("job/state")).is_empty());
    }
}

#[test]
fn a_killed_copy_leaves_old_or_new() {
    let mut sandbox = Sandbox::new();
    job(&mut sandbox);
    let content = |tag: u32| format!("{tag}").repeat(1 << 20);
    for tag in [0, 1] {
        let file = sandbox.write(format!("work/{tag}/file"), content(tag));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o750)).unwrap();
        for at in 0..20 {
            sandbox.write(format!("work/{tag}/dir/{at}"), content(tag));
        }
    }
    let copied = sandbox.path("job/state/file");
    kill_loop(
        &sandbox,
        40,
        |run| vec!["copy_file_to_state".into(), format!("{}/file", run % 2)],
        |run| {
            let got = String::from_utf8(fs::read(&copied).unwrap()).unwrap();
            assert!(got == content(0) || got == content(1), "{run}: {} bytes", got.len());
            assert_eq!(mode(&copied), 0o750);
            assert!(leftovers(&sandbox.path("job/state")).len() <= 1);
        },
    );
    assert!(leftovers(&sandbox.path("job/state")).is_empty());
    // Of a folder, every file is whole.
    kill_loop(
        &sandbox,
        20,
        |run| vec!["copy_file_to_state".into(), format!("{}/dir", run % 2)],
        |run| {
            for at in 0..20 {
                let got = fs::read(sandbox.path(format!("job/state/dir/{at}"))).unwrap();
                assert!(got == content(0).as_bytes() || got == content(1).as_bytes(), "{run}: {} bytes", got.len());
            }
            assert!(leftovers(&sandbox.path("job/state/dir")).len() <= 20);
        },
    );
    assert!(leftovers(&sandbox.path("job/state/dir")).is_empty());
}

/// How many files the inputs of `replicate` have, and how large each is.
const FILES: usize = 30;
const SIZE: usize = 20_000;

/// The inputs `in0` and `in1`, whose files and metadata all say 0 or 1.
fn two_inputs(sandbox: &Sandbox) {
    for tag in 0..2 {
        for at in 0..FILES {
            let file = format!("job/IN/in{tag}/state/sub{}/{at}", at % 7);
            sandbox.write(file, format!("{tag}").repeat(SIZE));
        }
        sandbox.write(format!("job/IN/in{tag}/version.json"), version(tag));
    }
}

fn version(tag: u32) -> String {
    let bag = serde_json::json!({"tag": tag, "filler": vec![tag; 3000]});
    serde_json::json!({"type": "state", "version": {"propertyBag": bag}}).to_string()
}

/// What all files of a folder say, which must be one thing.
fn tag_of(folder: &Path) -> u32 {
    let mut tags = BTreeSet::new();
    for at in 0..FILES {
        let content = fs::read(folder.join(format!("sub{}/{at}", at % 7))).unwrap();
        assert_eq!(content.len(), SIZE);
        tags.extend(content);
    }
    assert_eq!(tags.len(), 1, "old and new are mixed");
    u32::from(tags.first().unwrap() - b'0')
}

fn tag_in(file: &Path, version: &[&str]) -> u32 {
    let mut document: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    for key in version.iter().chain(&["propertyBag"]) {
        document = document[key].take();
    }
    let tag = u32::try_from(document["tag"].as_u64().unwrap()).unwrap();
    assert!(document["filler"].as_array().unwrap().iter().all(|item| *item == tag));
    tag
}

#[test]
fn a_killed_replicate_leaves_old_or_new() {
    let mut sandbox = Sandbox::new();
    job(&mut sandbox);
    two_inputs(&sandbox);
    sandbox.write("job/OUT/out/version.json", version(0));
    let files = sandbox.path("job/OUT/out/state");
    fs::create_dir(&files).unwrap();
    fs::set_permissions(&files, fs::Permissions::from_mode(0o750)).unwrap();
    kill_loop(
        &sandbox,
        40,
        |run| vec!["replicate".into(), format!("in{}", run % 2), "out".into()],
        |_| {
            tag_of(&files);
            // The metadata may still be old when the files are new, but each is whole.
            tag_in(&sandbox.path("job/OUT/out/version.json"), &["version"]);
            assert_eq!(mode(&files), 0o750);
            assert!(leftovers(&files).is_empty());
            // A folder, and a file.
            assert!(leftovers(&sandbox.path("job/OUT/out")).len() <= 2);
        },
    );
    assert!(leftovers(&sandbox.path("job/OUT/out")).is_empty());
}

#[test]
fn a_killed_replicate_to_the_job_leaves_old_or_new() {
    let mut sandbox = Sandbox::new();
    job(&mut sandbox);
    two_inputs(&sandbox);
    let state = sandbox.path("job/state");
    kill_loop(
        &sandbox,
        30,
        |run| vec!["replicate".into(), format!("in{}", run % 2), "deploy_app".into()],
        |_| {
            // Both in one step.
            assert_eq!(tag_of(&state), tag_in(&state.join("outputVersion.json"), &[]));
            assert!(leftovers(&state).is_empty());
            assert!(leftovers(&sandbox.path("job")).len() <= 1);
        },
    );
    assert!(leftovers(&sandbox.path("job")).is_empty());
}

/// A limit on the size of files is a full disk that needs no privileges and no file system of its own: a write ends
/// short, and the next one fails, or kills where the script has not asked to be spared.
#[test]
fn a_full_disk_leaves_the_old_file() {
    let mut sandbox = Sandbox::new();
    job(&mut sandbox);
    two_inputs(&sandbox);
    let old = format!("{}\n", "A=1\n".repeat(250));
    let file = sandbox.write("job/state/r.env", &old);
    sandbox.write("job/state/big", "old");
    sandbox.write("job/OUT/out/version.json", r#"{"type": "state"}"#);
    sandbox.write("job/OUT/out/state/kept", "old");
    sandbox.write("work/big", "new".repeat(10_000));
    let long = "v".repeat(6000);
    for (command, spared) in [
        ("put_resource_state r K 123456789012345678901234567890", 1),
        ("put_resource_state r K $LONG", 1),
        ("post_resource_state r K $LONG", 1),
        ("copy_file_to_state big", 1),
        ("replicate in0 out", 1),
        ("replicate in0 out --metadata-only", 1),
        ("replicate in0 deploy_app", 1),
    ] {
        for (trap, status) in [("trap '' XFSZ", spared), ("trap - XFSZ", 153)] {
            let script = format!("LONG={long}; ulimit -c 0; ulimit -f 1; {trap}; shipctl {command}");
            let ran = sandbox.bash(&script);
            // The short write at the end of a file is noticed before the one that would kill.
            let noticed = ran.status == 1 && ran.err().starts_with("shipctl: cannot ");
            assert!(noticed || ran.status == status, "{command}: {} {}", ran.status, ran.err());
            assert!(ran.stdout.is_empty() && !ran.err().contains("panicked"), "{}", ran.err());
            assert_eq!(fs::read_to_string(&file).unwrap(), old, "{command}");
            assert_eq!(sandbox.read("job/state/big"), b"old");
            assert_eq!(sandbox.read("job/OUT/out/state/kept"), b"old");
            assert_eq!(sandbox.read("job/OUT/out/version.json"), br#"{"type": "state"}"#);
        }
    }
    assert!(leftovers(&sandbox.path("job/state")).is_empty());
    std::os::unix::fs::symlink("/dev/full", sandbox.path("job/state/full.env")).unwrap();
    sandbox.shipctl(["put_resource_state", "full", "K", "v"]).fails(1, "No space left");
    sandbox.shipctl(["post_resource_state", "full", "K", "v"]).fails(1, "No space left");
}

#[test]
fn a_folder_that_cannot_be_written_to_keeps_its_files() {
    let mut sandbox = Sandbox::new();
    job(&mut sandbox);
    two_inputs(&sandbox);
    sandbox.write("job/state/r.env", "A=1\n");
    sandbox.write("job/OUT/out/version.json", r#"{"type": "state"}"#);
    sandbox.write("job/OUT/out/state/kept", "old");
    sandbox.write("work/r.env", "new");
    unprivileged(&sandbox, "cd $JOB_PATH; chmod 555 state OUT/out OUT/out/state").prints("");
    for command in [
        "post_resource_state r B 2",
        "put_resource_state new B 2",
        "copy_file_to_state r.env",
        "replicate in0 out",
        "replicate in0 out --metadata-only",
    ] {
        let ran = unprivileged(&sandbox, &format!("shipctl {command}"));
        ran.fails(1, "Permission denied");
        assert_eq!(ran.err().lines().count(), 1, "{}", ran.err());
        assert_eq!(sandbox.read("job/state/r.env"), b"A=1\n");
        assert_eq!(sandbox.read("job/OUT/out/version.json"), br#"{"type": "state"}"#);
        assert_eq!(sandbox.read("job/OUT/out/state/kept"), b"old");
    }
    // The job's folder is shut, but its state is not: then its entries change one by one.
    unprivileged(&sandbox, "chmod 755 $JOB_STATE; chmod 555 $JOB_PATH; shipctl replicate in1 deploy_app").prints("");
    assert_eq!(tag_of(&sandbox.path("job/state")), 1);
    assert_eq!(tag_in(&sandbox.path("job/state/outputVersion.json"), &[]), 1);
    assert!(leftovers(&sandbox.path("job/state")).is_empty());
    unprivileged(&sandbox, "chmod -R u+w $JOB_PATH").prints("");
}
