//! Job directories by the contract.

pub(crate) mod memory;
mod rules; // versions, placeholders, secrets
mod types; // every type of resource and integration

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::sources::{Facts, Owner, Sources};
use super::{Made, Options, init, stable_number};
use crate::config::shippable::Pipeline;
use crate::ctx::Env;
use crate::error::Error;
use crate::job::directory::JobDirectory;
use crate::job::environment;
use crate::job::record::Record;
use memory::Memory;

/// A pipeline on its way to a job directory.
struct Bench {
    folder: tempfile::TempDir,
    memory: Memory,
    facts: Facts,
    options: Options,
    env: Env,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { dir: folder.path().join("build/j"), ..Options::default() };
        let facts = Facts {
            build_number: "12".into(),
            build_id: "b12".into(),
            build_url: Some("https://ci/12".into()),
            triggered_by_name: "repo".into(),
            triggered_by_id: "9".into(),
            triggered_by_user: "ada".into(),
            subscription_id: "s1".into(),
            project_id: "p1".into(),
            www_url: None,
        };
        let env = Env::Fixed([("PATH".into(), "/bin".into())].into());
        Self { folder, memory: Memory::default(), facts, options, env }
    }

    fn dir(&self) -> PathBuf {
        self.options.dir.clone()
    }

    fn try_init(&self, yml: &str) -> Result<Made, Error> {
        fs::write(self.folder.path().join("shippable.yml"), yml).unwrap();
        let pipeline = Pipeline::read(&[], self.folder.path())?;
        let memory = &self.memory;
        let (facts, env) = (&self.facts, &self.env);
        init(&pipeline, "j", &self.options, &Sources { versions: memory, secrets: memory, commits: memory, facts, env })
    }

    /// Notes of an init that succeeds.
    #[track_caller]
    fn init(&self, yml: &str) -> Vec<String> {
        self.try_init(yml).unwrap().notes
    }

    /// The message and kind of one that does not, and that it left nothing.
    #[track_caller]
    fn fails(&self, yml: &str) -> String {
        let error = self.try_init(yml).unwrap_err();
        let left: Vec<_> = fs::read_dir(self.folder.path().join("build")).into_iter().flatten().flatten().collect();
        assert!(left.is_empty(), "{left:?}");
        format!("{}: {error}", error.exit_status())
    }

    fn text(&self, below: &str) -> String {
        let file = self.dir().join(below);
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }

    fn json(&self, below: &str) -> Value {
        serde_json::from_str(&self.text(below)).unwrap()
    }

    fn variable(&self, name: &str) -> Option<String> {
        let environment = environment::of(&JobDirectory::at(&self.env, self.dir())).unwrap();
        environment.get(name).map(|value| String::from_utf8(value.to_vec()).unwrap())
    }
}

fn resource(name: &str) -> Owner {
    Owner::Resource(name.to_owned())
}

/// Every file and folder below, links not followed.
fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter();
    entries.map(|entry| entry.unwrap().into_path()).collect()
}

const SMALL: &str = "
resources:
  - {name: p, type: params, versionTemplate: {params: {A: x}}}
  - {name: st, type: state}
jobs:
  - {name: j, type: runSh, steps: [{IN: p}, {IN: st}, {OUT: st}, {TASK: [{script: \"true\"}]}]}
";

#[test]
fn the_layout_and_its_modes() {
    let mut bench = Bench::new();
    bench.memory.integration("keys", "sshKey", json!({"publicKey": "PUB", "privateKey": "PRIV"}));
    bench.memory.integration("pem", "pemKey", json!({"key": "PEM"}));
    bench.memory.states.insert("old".into(), vec![("j.env", b"a=1".to_vec())]);
    bench.memory.job_states.insert("j".into(), "old".into());
    let key = bench.folder.path().join("id");
    fs::write(&key, "SSH").unwrap();
    bench.options.ssh_key = Some(key);
    bench.init(
        "
resources:
  - {name: p, type: params, versionTemplate: {params: {A: x}}}
  - {name: k, type: integration, integration: keys}
  - {name: img, type: image, versionTemplate: {sourceName: o/i, versionName: v1}}
jobs:
  - {name: j, type: runSh, integrations: [pem], steps: [{IN: p}, {IN: k}, {OUT: img}, {OUT: p}]}
",
    );
    let dir = bench.dir();
    let found: Vec<String> = walk(&dir)
        .iter()
        .skip(1)
        .map(|path| {
            let slash = if path.is_dir() { "/" } else { "" };
            format!("{}{slash}", path.strip_prefix(&dir).unwrap().display())
        })
        .collect();
    let want = "IN/ IN/k/ IN/k/integration/ IN/k/integration.env IN/k/integration.json IN/k/k_key IN/k/k_key.pub \
        IN/k/version.json IN/p/ IN/p/params IN/p/version.json OUT/ OUT/img/ OUT/img/image/ OUT/img/version.json OUT/p/ \
        OUT/p/version.json integrations/ integrations/pem/ integrations/pem/integration.env \
        integrations/pem/integration.json integrations/pem/pem_key.pem message.json previousState/ previousState/j.env \
        scripts/ scripts/integration_envs.env secrets/ secrets/00_sub shared/ state/ state/img.env state/j.env \
        state/k.env state/p.env status/ status/run.json";
    assert_eq!(found, want.split_ascii_whitespace().collect::<Vec<_>>());
    for path in walk(&dir) {
        let want = if path.is_dir() { 0o700 } else { 0o600 };
        // What comes out of a state has the modes of the state.
        if !path.ends_with("previousState/j.env") {
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, want, "{}", path.display());
        }
    }
    assert_eq!(bench.text("secrets/00_sub") + &bench.text("IN/k/k_key.pub"), "SSHPUB");
    assert_eq!(bench.text("IN/k/k_key") + &bench.text("integrations/pem/pem_key.pem"), "PRIVPEM");
    assert_eq!(bench.text("previousState/j.env") + &bench.text("state/j.env"), "a=1");
    let path = |below: &str| Some(dir.join(below).display().to_string());
    assert_eq!(bench.variable("K_PRIVATE_KEY_PATH"), path("IN/k/k_key"));
    assert_eq!(bench.variable("IMG_STATE"), path("OUT/img/image"));
    assert_eq!(bench.variable("PEM_KEYPATH"), path("integrations/pem/pem_key.pem"));
}

#[test]
fn the_message_and_the_job() {
    let bench = Bench::new();
    bench.init(
        "
resources:
  - {name: img, type: image, pointer: {sourceName: o/i}, seed: {versionName: v1}}
jobs:
  - {name: j, type: runSh, triggerMode: parallel, steps: [{IN: img, switch: off}]}
",
    );
    let message = bench.json("message.json");
    let keys: Vec<&String> = message.as_object().unwrap().keys().collect();
    let want = "name resourceId subscriptionId type path buildNumber steps force dependencies propertyBag";
    assert_eq!(keys, want.split(' ').collect::<Vec<_>>());
    assert_eq!(message["buildNumber"], 12);
    assert_eq!(message["steps"], json!([{"IN": "img", "switch": "off"}, {"TASK": "managed"}]));
    assert_eq!(message["propertyBag"]["yml"]["triggerMode"], "parallel");
    let dependency = &message["dependencies"][0];
    let keys: Vec<&String> = dependency.as_object().unwrap().keys().collect();
    let want = "operation name resourceId type path propertyBag sourceName version versionDependencyPropertyBag";
    assert_eq!(keys, want.split(' ').collect::<Vec<_>>());
    let keys: Vec<&String> = dependency["version"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["versionId", "versionNumber", "versionName", "propertyBag"]);
    for (name, want) in [
        ("JOB_NAME", "j"),
        ("JOB_TYPE", "runSh"),
        ("BUILD_ID", "b12"),
        ("BUILD_NUMBER", "12"),
        ("BUILD_JOB_NUMBER", "1"),
        ("SUBSCRIPTION_ID", "s1"),
        ("JOB_TRIGGERED_BY_NAME", "repo"),
        ("JOB_TRIGGERED_BY_ID", "9"),
        ("JOB_TRIGGERED_BY_USER", "ada"),
        ("BUILD_URL", "https://ci/12"),
        ("RESOURCE_ID", &stable_number("j").to_string()),
        ("J_PATH", &bench.dir().display().to_string()),
        ("JOB_STATE", &bench.dir().join("state").display().to_string()),
    ] {
        assert_eq!(bench.variable(name).as_deref(), Some(want), "{name}");
    }
}

#[test]
fn a_run_is_remembered() {
    let bench = Bench::new();
    bench.init(SMALL);
    let record = Record::read(&bench.dir()).unwrap();
    assert_eq!((record.job.as_str(), record.kind.as_str(), record.build_number.as_str()), ("j", "runSh", "12"));
    assert_eq!((record.token.len(), record.store.as_str()), (32, "/the/store"));
    let names: Vec<_> = record.dependencies.iter().map(|one| (one.name.as_str(), one.kind.as_str())).collect();
    assert_eq!(names, [("p", "params"), ("st", "state"), ("st", "state")]);
    assert_eq!(record.dependencies[0].version.as_ref().unwrap()["propertyBag"], json!({"params": {"A": "x"}}));
    assert_eq!(record.dependencies[0].section.as_ref().unwrap().len(), 64);
}

#[test]
fn a_directory_of_ours_is_replaced_and_nothing_else() {
    let bench = Bench::new();
    bench.init(SMALL);
    fs::write(bench.dir().join("state/left"), "").unwrap();
    let first = Record::read(&bench.dir()).unwrap().token;
    bench.init(SMALL);
    assert!(!bench.dir().join("state/left").exists());
    assert_ne!(Record::read(&bench.dir()).unwrap().token, first);
    assert_eq!(fs::read_dir(bench.dir().parent().unwrap()).unwrap().count(), 1);
    fs::remove_file(bench.dir().join("status/run.json")).unwrap();
    let error = bench.try_init(SMALL).unwrap_err();
    assert_eq!(error.exit_status(), 2);
    assert!(error.to_string().contains("not made by `shipctl job init`"), "{error}");
    assert!(bench.dir().join("message.json").exists());
    // An empty folder is taken, and made private.
    fs::remove_dir_all(bench.dir()).unwrap();
    fs::create_dir(bench.dir()).unwrap();
    fs::set_permissions(bench.dir(), fs::Permissions::from_mode(0o755)).unwrap();
    bench.init(SMALL);
    assert_eq!(fs::metadata(bench.dir()).unwrap().mode() & 0o7777, 0o700);
}

#[test]
fn what_fails_leaves_nothing_or_the_old() {
    let upstream = "
resources:
  - {name: g, type: gitRepo, versionTemplate: {sourceName: o/r}}
jobs:
  - {name: up, type: runSh, steps: [{TASK: [{script: \"true\"}]}]}
  - {name: j, type: runSh, steps: [{IN: g}, {IN: up}]}
";
    for broken in ["latest", "create", "clone_into", "fetch_state"] {
        let mut bench = Bench::new();
        bench.memory.add(Owner::Job("up".into()), None, json!({"sha": "s"}), None);
        bench.memory.states.insert("s".into(), vec![("f", b"1".to_vec())]);
        bench.memory.broken = Some(broken);
        assert_eq!(bench.fails(upstream), format!("7: {broken} is broken"));
        bench.memory.broken = None;
        bench.init(upstream);
        assert_eq!(bench.text("IN/up/runSh/f"), "1");
        let before = bench.text("status/run.json");
        // Versions are all there by now.
        if broken != "create" {
            bench.memory.broken = Some(broken);
            bench.try_init(upstream).unwrap_err();
            assert_eq!(bench.text("status/run.json"), before, "{broken}");
            assert_eq!(fs::read_dir(bench.dir().parent().unwrap()).unwrap().count(), 1);
        }
    }
}

#[test]
fn a_thousand_resources_grow_linearly() {
    let yml = |count: usize| {
        let mut text = String::from("resources:\n");
        let mut steps = String::new();
        for at in 0..count {
            let template = format!("{{sourceName: \"o/$R{}_NAME-$BUILD_NUMBER\", versionName: v1}}", at.max(1) - 1);
            text += &format!("  - {{name: r{at}, type: image, versionTemplate: {template}}}\n");
            steps += &format!("{{IN: r{at}}}, ");
        }
        text + &format!("jobs:\n  - {{name: j, type: runSh, steps: [{steps}]}}\n")
    };
    for count in [100, 1000] {
        let bench = Bench::new();
        bench.init(&yml(count));
        let last = bench.json(&format!("IN/r{}/version.json", count - 1));
        assert_eq!(last["version"]["propertyBag"]["sourceName"], format!("o/r{}-12", count - 2));
    }
}
