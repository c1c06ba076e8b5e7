//! `job init` and `job finish` when they are killed, and when the disk is full: what was there, or all of the new.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use shipctl::ctx::Env;
use shipctl::store::{Location, Owner, Store};

use crate::durability::{kill_loop, leftovers};
use crate::harness::{Ran, Sandbox};
use crate::moto;

const YML: &str = r#"
resources:
  - {name: img, type: image, seed: {versionName: v0}, pointer: {sourceName: org/img}}
  - {name: settings, type: params, versionTemplate: {params: {MODE: fast, secure: {TOKEN: "file:token"}}}}
  - {name: cache, type: state}
  - {name: aws, type: cliConfig, integration: keys, versionTemplate: {region: us-east-1}}
jobs:
  - name: build
    type: runSh
    steps:
      - {IN: img}
      - {IN: settings}
      - {IN: aws}
      - {IN: cache}
      - TASK: {script: ["true"]}
      - {OUT: img}
      - {OUT: cache}
"#;

const KEYS: &str = "keys: {type: amazonKeys, accessKey: AKIAEXAMPLE, secretKey: 'file:secret'}\n";

/// A project whose job has been run once, so that there is state to bring back.
fn project(mut sandbox: Sandbox, store: &str) -> Sandbox {
    sandbox.write("work/shippable.yml", YML);
    sandbox.write("work/ints.yml", KEYS);
    sandbox.write("work/token", "s3cr3t-token");
    sandbox.write("work/secret", "s3cr3t/key");
    sandbox.set("SHIPCTL_STORE", store);
    let script = "mkdir -p OUT/cache/state/deep && echo first | tee OUT/cache/state/deep/file > state/kept";
    succeeds(&sandbox, &["job", "init", "build", "--dir", "d", "--integrations", "ints.yml"]);
    succeeds(&sandbox, &["job", "exec", "--dir", "d", "--", "sh", "-c", script]);
    succeeds(&sandbox, &["job", "finish", "--dir", "d"]);
    succeeds(&sandbox, &["job", "clean", "--dir", "d"]);
    sandbox
}

#[track_caller]
fn succeeds(sandbox: &Sandbox, words: &[&str]) -> Ran {
    let ran = sandbox.shipctl(words);
    assert_eq!(ran.status, 0, "{words:?}: {}", ran.err());
    ran
}

/// Every file of a folder, by its path.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(place) = open.pop() {
        for entry in fs::read_dir(&place).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            // What a killed call left, which the next one removes; and the links that `job exec` makes to the program.
            if name.starts_with(".shipctl-") || name == "scripts/bin" {
                continue;
            }
            if path.is_dir() {
                found.insert(format!("{name}/"), Vec::new());
                open.push(path);
            } else {
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// The version name that a directory was made with, when everything in it is of that call.
#[track_caller]
fn tag_of_whole(dir: &Path, whole: &BTreeMap<String, Vec<u8>>) -> String {
    let there = files(dir);
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&there), names(whole));
    let json = |name: &str| serde_json::from_slice::<Value>(&there[name]).unwrap();
    let tag = json("IN/img/version.json")["version"]["versionName"].as_str().unwrap().to_owned();
    let record = json("status/run.json");
    let recorded = record["dependencies"].as_array().unwrap().iter().find(|one| one["name"] == "img").unwrap();
    assert_eq!(recorded["version"]["versionName"], *tag, "the record is of another call than the input");
    assert_eq!(record["buildNumber"], tag[1..], "the record is of another call");
    assert!(!record["cliVariables"].as_array().unwrap().is_empty(), "the tools are not configured");
    for name in ["IN/cache/state/deep/file", "previousState/kept"] {
        assert_eq!(there[name], b"first\n", "{name}");
    }
    for (name, content) in whole {
        let differs = ["version.json", "message.json", "run.json"].iter().any(|end| name.ends_with(end));
        assert!(differs || there[name] == *content, "{name}");
    }
    tag
}

/// Kills `job init --dir DIR`. Before each call `prepare` sees to the place; `cwd` is where it is made from.
fn kill_inits(kills: u32, dir: &str, cwd: &str, prepare: impl Fn(&Path), may_be_between: bool) {
    let mut sandbox = project(Sandbox::new(), "store");
    let store = sandbox.path("work/store");
    sandbox.set("SHIPCTL_STORE", store);
    let place = sandbox.path("work/d");
    fs::create_dir(&place).unwrap();
    sandbox.cwd = sandbox.path("work").join(cwd).components().collect();
    let up = if cwd == "." { "" } else { "../" };
    let (yml, keys) = (format!("{up}shippable.yml"), format!("{up}ints.yml"));
    let words = |round: u32| {
        let (version, build) = (format!("img.versionName=v{round}"), round.to_string());
        let rest = ["--dir", dir, "--file", &yml, "--integrations", &keys, "--set", &version, "--build-number", &build];
        [&["job", "init", "build"][..], &rest].concat().into_iter().map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    // The first one shows what belongs into it.
    assert_eq!(sandbox.shipctl(words(0)).status, 0);
    let whole = files(&place);
    let old = Cell::new("v0".to_owned());
    kill_loop(
        &sandbox,
        kills,
        |round| {
            prepare(&place);
            words(round)
        },
        |round| {
            let before = old.take();
            old.set(before.clone());
            let seen = sandbox.shipctl(["job", "exec", "--dir", dir, "--", "true"]);
            if seen.status != 0 {
                // Not seen as one; and then not there, or said to be unfinished.
                assert_eq!(seen.status, 8, "{}", seen.err());
                assert!(!place.exists() || may_be_between, "round {round}: {}", seen.err());
                return;
            }
            let tag = tag_of_whole(&place, &whole);
            assert!(tag == format!("v{round}") || tag == before, "round {round}: {tag} after {before}");
            old.set(tag);
        },
    );
    assert!(leftovers(&sandbox.path("work")).is_empty() && leftovers(&place).is_empty());
    assert_eq!(old.take(), "v0");
}

#[test]
fn a_killed_init_leaves_nothing() {
    kill_inits(30, "d", ".", |place| drop(fs::remove_dir_all(place)), false);
}

#[test]
fn a_killed_init_leaves_the_old_directory_or_the_new() {
    kill_inits(30, "d", ".", |_| {}, false);
}

/// A folder in which a shell stands is filled, not replaced: there is a time in between, in which it is no job directory.
#[test]
fn a_killed_init_in_its_own_folder_is_not_taken_for_whole() {
    kill_inits(15, ".", "d", |_| {}, true);
}

#[test]
fn what_a_killed_init_left_is_not_found_and_goes() {
    let sandbox = project(Sandbox::new(), "store");
    let builds = sandbox.path("work/.shipctl/build");
    succeeds(&sandbox, &["job", "init", "build", "--integrations", "ints.yml"]);
    // As it lies there between its last file and its being shown.
    let name = fs::read_dir(&builds).unwrap().next().unwrap().unwrap().file_name();
    assert_eq!(name, "build");
    fs::rename(builds.join("build"), builds.join(".shipctl-0123456789abcdef-0.tmp")).unwrap();
    sandbox.shipctl(["job", "exec", "--", "true"]).fails(8, "no job directory");
    succeeds(&sandbox, &["job", "init", "build", "--integrations", "ints.yml"]);
    succeeds(&sandbox, &["job", "exec", "--", "true"]);
    succeeds(&sandbox, &["job", "clean"]);
    assert!(!builds.join("build").exists());
}

fn open(sandbox: &Sandbox) -> Store {
    let location = Location::parse(&sandbox.env[std::ffi::OsStr::new("SHIPCTL_STORE")], &sandbox.cwd).unwrap();
    Store::open(&location, &Env::Fixed(sandbox.env.clone()), std::time::SystemTime::now).unwrap()
}

/// How many versions of an owner a build has made.
fn made_by(store: &Store, owner: &Owner, build: &str) -> usize {
    let versions = store.versions(owner).unwrap();
    versions.iter().filter(|version| version.run.as_ref().is_some_and(|run| run.build_number == build)).count()
}

/// Kills `job finish` of run after run; each is finished in the end.
fn kill_finishes(kills: u32, sandbox: &Sandbox) {
    succeeds(sandbox, &["job", "init", "build", "--dir", "d", "--integrations", "ints.yml"]);
    let record: Value = serde_json::from_slice(&sandbox.read("work/d/status/run.json")).unwrap();
    let (img, cache, job) =
        (Owner::Resource("img".to_owned()), Owner::Resource("cache".to_owned()), Owner::Job("build".to_owned()));
    let states = Cell::new(0);
    kill_loop(
        sandbox,
        kills,
        |round| {
            let mut record = record.clone();
            record["buildNumber"] = format!("round-{round}").into();
            record["token"] = format!("token-{round}").into();
            sandbox.write("work/d/status/run.json", record.to_string());
            sandbox.write("work/d/state/img.env", format!("versionName=f{round}\n"));
            sandbox.write("work/d/state/kept", format!("state {round}"));
            sandbox.write("work/d/OUT/cache/state/file", format!("cache {round}"));
            ["job", "finish", "--dir", "d"].map(ToOwned::to_owned).to_vec()
        },
        |round| {
            let store = open(sandbox);
            let build = format!("round-{round}");
            let count = || [&img, &cache, &job].map(|owner| made_by(&store, owner, &build));
            let there = count();
            assert!(there == [0; 3] || there == [1; 3], "round {round}: {there:?}");
            let latest = || store.latest(&job).unwrap().unwrap();
            let before = latest();
            // Old or new, its state is there.
            let sha = store.latest_state("build").unwrap().unwrap();
            let into = sandbox.path(format!("kept-{}", states.replace(states.get() + 1)));
            store.fetch_state(&job, &sha, &into).unwrap();
            let of = before.run.unwrap().build_number;
            if let Some(number) = of.strip_prefix("round-") {
                assert_eq!(fs::read_to_string(into.join("kept")).unwrap(), format!("state {number}"));
            }
            // The first build is finished again in the end, when it is not the newest any more.
            assert!(of == build || there == [0; 3] || round == 0, "round {round}: the newest is of {of}");
            let again = succeeds(sandbox, &["job", "finish", "--dir", "d"]);
            assert_eq!(again.err().contains("was finished before"), there == [1; 3], "{}", again.err());
            assert_eq!(count(), [1; 3], "round {round}");
            let newest = store.latest(&img).unwrap().unwrap();
            if round != 0 {
                assert_eq!(
                    (newest.version_name.unwrap(), latest().run.unwrap().build_number),
                    (format!("f{round}"), build)
                );
            }
        },
    );
}

#[test]
fn killed_finishes_keep_all_or_nothing() {
    kill_finishes(190, &project(Sandbox::new(), "store"));
}

#[test]
fn killed_finishes_keep_all_or_nothing_in_a_bucket() {
    kill_finishes(10, &project(moto::bucket().sandbox("ci"), "s3://team/jobs/killed"));
}

/// Runs it where files can have so many bytes; a signal that cannot be ignored counts as much as an error.
fn on_a_full_disk(sandbox: &Sandbox, kilobytes: u32, command: &str) -> Ran {
    sandbox.bash(&format!("ulimit -c 0; ulimit -f {kilobytes}; trap '' XFSZ; exec shipctl {command}"))
}

fn noise(length: usize) -> String {
    let mut random = 1_u64;
    let letters = std::iter::repeat_with(|| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'!' + u8::try_from((random >> 33) % 90).unwrap())
    });
    letters.take(length).filter(|letter| !"'\"\\$`".contains(*letter)).collect()
}

#[test]
fn a_full_disk_keeps_the_old_directory() {
    let sandbox = project(Sandbox::new(), "store");
    // Large things, each in another file: a secret param, a secret of an integration, a state.
    for (large, content, named) in [
        ("work/token", noise(20_000), "IN/settings/"),
        ("work/secret", noise(20_000), "IN/aws/integration.json"),
        ("work/script", format!("echo {} > state/large", noise(40_000)), "d"),
    ] {
        let small = fs::read(sandbox.path(large)).unwrap_or_default();
        let init = "job init build --dir d --integrations ints.yml";
        for was_there in [false, true] {
            sandbox.write(large, &small);
            if was_there {
                assert_eq!(sandbox.bash(&format!("shipctl {init}")).status, 0);
            }
            let before = was_there.then(|| files(&sandbox.path("work/d")));
            sandbox.write(large, &content);
            if large == "work/script" {
                succeeds(&sandbox, &["job", "init", "build", "--dir", "e", "--integrations", "ints.yml"]);
                fs::write(sandbox.path("work/e/state/large"), &content).unwrap();
                succeeds(&sandbox, &["job", "finish", "--dir", "e"]);
                succeeds(&sandbox, &["job", "clean", "--dir", "e"]);
            }
            let ran = on_a_full_disk(&sandbox, 10, init);
            ran.fails(1, "File too large");
            assert!(ran.err().starts_with("shipctl: cannot ") && ran.err().contains(named), "{}", ran.err());
            assert!(!ran.err().contains(&content[..40]), "{}", ran.err());
            assert_eq!(sandbox.path("work/d").exists().then(|| files(&sandbox.path("work/d"))), before, "{large}");
            assert!(leftovers(&sandbox.path("work")).is_empty(), "{large}");
            // With room again it goes on.
            assert_eq!(sandbox.bash(&format!("shipctl {init}")).status, 0);
            succeeds(&sandbox, &["job", "clean", "--dir", "d"]);
        }
        sandbox.write(large, &small);
    }
}

#[test]
fn tools_that_cannot_be_configured_keep_the_old_directory() {
    let sandbox = project(Sandbox::new(), "store");
    let init = ["job", "init", "build", "--dir", "d", "--integrations", "ints.yml"];
    succeeds(&sandbox, &init);
    let before = files(&sandbox.path("work/d"));
    sandbox.write("work/shippable.yml", YML.replace("region: us-east-1", "region: ''"));
    let ran = sandbox.shipctl(init);
    assert!(ran.status != 0 && ran.err().contains("aws: it has no region"), "{} {}", ran.status, ran.err());
    assert_eq!(files(&sandbox.path("work/d")), before);
    assert!(leftovers(&sandbox.path("work")).is_empty());
}

#[test]
fn the_files_of_tools_are_named_where_they_are_in_the_end() {
    let sandbox = project(Sandbox::new(), "store");
    succeeds(&sandbox, &["job", "init", "build", "--dir", "d", "--integrations", "ints.yml"]);
    let script = "cat \"$AWS_SHARED_CREDENTIALS_FILE\" | grep -c key_id; echo ${AWS_CONFIG_FILE#$JOB_PATH/}";
    let ran = succeeds(&sandbox, &["job", "exec", "--dir", "d", "--", "sh", "-c", script]);
    assert_eq!(ran.out(), "2\ncliConfig/aws/config\n");
    let found = Command::new("grep").args(["-rlF", ".shipctl-"]).arg(sandbox.path("work/d")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
}

#[test]
fn a_full_disk_in_finish_keeps_the_old_versions_and_state() {
    let sandbox = project(Sandbox::new(), "store");
    succeeds(&sandbox, &["job", "init", "build", "--dir", "d", "--integrations", "ints.yml", "--build-number", "b2"]);
    let store = open(&sandbox);
    let (img, cache, job) =
        (Owner::Resource("img".to_owned()), Owner::Resource("cache".to_owned()), Owner::Job("build".to_owned()));
    let all = || [&img, &cache, &job].map(|owner| (store.versions(owner).unwrap(), store.latest(owner).unwrap()));
    let before = all();
    for (file, named) in
        [("work/d/OUT/cache/state/large", "resources/cache/state"), ("work/d/state/large", "jobs/build/state")]
    {
        sandbox.write(file, noise(40_000));
        let ran = on_a_full_disk(&sandbox, 10, "job finish --dir d");
        ran.fails(1, "File too large");
        assert!(ran.err().contains(named), "{}", ran.err());
        assert_eq!(all(), before, "{file}");
        fs::remove_file(sandbox.path(file)).unwrap();
    }
    // A version that does not fit is not there either, nor any other of its run.
    sandbox.write("work/d/state/img.env", format!("versionName=v9\nNOTES={}\n", "n".repeat(20_000)));
    on_a_full_disk(&sandbox, 10, "job finish --dir d").fails(1, "resources/img/versions");
    assert_eq!(all(), before);
    succeeds(&sandbox, &["job", "finish", "--dir", "d"]);
    assert_eq!(store.latest(&img).unwrap().unwrap().version_name.as_deref(), Some("v9"));
    let again = succeeds(&sandbox, &["job", "finish", "--dir", "d"]);
    assert!(again.err().contains("was finished before"), "{}", again.err());
}
