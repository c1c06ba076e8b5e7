//! The rules of the contract, one by one, on job directories in temporary folders.

#![allow(clippy::needless_pass_by_value)] // tables of values

mod secrets; // what is refused

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

/// A job directory whose run began with these dependencies, and nothing has changed since.
struct Dir {
    folder: TempDir,
    record: Record,
}

impl Dir {
    /// Each: the step, the type, the version.
    fn of(dependencies: &[(Value, &str, Value)]) -> Self {
        let folder = TempDir::new().unwrap();
        let mut recorded = Vec::new();
        for (number, (step, kind, version)) in dependencies.iter().enumerate() {
            let side = if step.get("IN").is_some() { "IN" } else { "OUT" };
            let name = step[side].as_str().unwrap();
            recorded.push(json!({
                "operation": side, "name": name, "type": kind, "isJob": *kind == "runSh", "resourceId": number,
                "step": step, "version": version, "section": format!("section-{name}"),
            }));
            let document = json!({"operation": side, "name": name, "type": kind, "version": version});
            write(&folder.path().join(side).join(name).join("version.json"), &document.to_string());
        }
        fs::create_dir_all(folder.path().join("state")).unwrap();
        fs::create_dir_all(folder.path().join("previousState")).unwrap();
        let record = json!({
            "job": "build", "type": "runSh", "buildNumber": "7", "token": "t", "store": "/store", "dependencies": recorded
        });
        Self { folder, record: serde_json::from_value(record).unwrap() }
    }

    fn with(self, file: &str, text: &str) -> Self {
        write(&self.folder.path().join(file), text);
        self
    }

    /// Changes a `version.json` as a script does.
    fn edited(self, file: &str, edit: impl FnOnce(&mut Value)) -> Self {
        let mut document: Value = serde_json::from_slice(&fs::read(self.folder.path().join(file)).unwrap()).unwrap();
        edit(&mut document);
        self.with(file, &document.to_string())
    }

    fn ends(&self, status: Status) -> Outcome {
        outcome(self.folder.path(), &self.record, status, Options::default(), &self.secrets()).unwrap()
    }

    fn succeeds(&self) -> Outcome {
        self.ends(Status::Success)
    }

    fn error(&self) -> String {
        let ended = outcome(self.folder.path(), &self.record, Status::Success, Options::default(), &self.secrets());
        ended.unwrap_err().to_string()
    }

    fn secrets(&self) -> Secrets {
        Secrets::gather(self.folder.path(), &self.record).unwrap()
    }
}

fn write(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

/// The only version of an outcome.
fn only(outcome: Outcome) -> (Option<String>, Value) {
    assert_eq!(outcome.drafts.len(), 1, "{outcome:?}");
    let draft = outcome.drafts.into_iter().next().unwrap().draft;
    (draft.version_name, draft.property_bag.into())
}

fn image(name: &str, bag: Value) -> Value {
    json!({"versionId": 1, "versionNumber": 4, "versionName": name, "propertyBag": bag})
}

fn one_image() -> Dir {
    Dir::of(&[(json!({"OUT": "img"}), "image", image("v1", json!({"sourceName": "org/img"})))])
}

#[test]
fn rule_1_the_base_is_the_version_on_disk() {
    let outcome = one_image().succeeds();
    assert_eq!((outcome.drafts.len(), outcome.unchanged.as_slice()), (0, ["img".to_owned()].as_slice()));

    let edited = one_image().edited("OUT/img/version.json", |json| json["version"]["versionName"] = "v2".into());
    assert_eq!(only(edited.succeeds()), (Some("v2".into()), json!({"sourceName": "org/img"})));

    // Without a bag, and without a version.
    let edited = one_image().edited("OUT/img/version.json", |json| json["version"] = json!({"versionName": "v1"}));
    assert_eq!(only(edited.succeeds()), (Some("v1".into()), json!({})));
    let edited = one_image().edited("OUT/img/version.json", |json| json["version"] = Value::Null);
    assert_eq!(only(edited.with("state/img.env", "a=1").succeeds()), (None, json!({"a": "1"})));

    for broken in ["{", "[]", r#"{"version": 3}"#, r#"{"version": {"propertyBag": []}}"#] {
        let outcome = one_image().with("OUT/img/version.json", broken).with("state/img.env", "a=1").succeeds();
        assert_eq!(outcome.drafts, []);
        assert!(outcome.notes[0].contains("OUT/img/version.json"), "{broken}: {:?}", outcome.notes);
    }
    let gone = one_image();
    fs::remove_file(gone.folder.path().join("OUT/img/version.json")).unwrap();
    assert_eq!((gone.succeeds().drafts.len(), gone.succeeds().notes.len()), (0, 1));
}

#[test]
fn rule_2_overwrite() {
    let webhook =
        json!({"shaData": {"commitSha": "c"}, "webhookRequestHeaders": {"h": 1}, "webhookRequestBody": {"b": 1}});
    let mut bag = webhook.clone();
    bag["other"] = 1.into();
    for (kind, bag, want) in [
        ("image", json!({"sourceName": "x"}), json!({})),
        ("gitRepo", bag, webhook),
        ("params", json!({"params": {"A": 1}, "x": 1}), json!({"params": {}})),
    ] {
        let dir = Dir::of(&[(json!({"OUT": "r", "overwrite": true}), kind, image("v1", bag))]);
        assert_eq!(only(dir.succeeds()), (Some("v1".into()), want), "{kind}");
    }
    for not in [json!(false), Value::Null] {
        let dir = Dir::of(&[(json!({"OUT": "r", "overwrite": not}), "image", image("v1", json!({"x": 1})))]);
        assert_eq!(dir.succeeds().drafts, []);
    }
}

fn replicating(kind: &str, step: Value, from: Value) -> Dir {
    Dir::of(&[(json!({"IN": "src"}), kind, from), (step, kind, image("old", json!({"sourceName": "org/own", "x": 1})))])
}

#[test]
fn rule_3_replicate() {
    let step = json!({"OUT": "r", "replicate": "src"});
    let dir = replicating("image", step.clone(), image("v9", json!({"sourceName": "org/src"})));
    assert_eq!(only(dir.succeeds()), (Some("v9".into()), json!({"sourceName": "org/src"})));
    // As it is on disk.
    let dir = dir.edited("IN/src/version.json", |json| json["version"]["propertyBag"]["y"] = 2.into());
    assert_eq!(only(dir.succeeds()).1, json!({"sourceName": "org/src", "y": 2}));
    // It wins over overwrite.
    let both = json!({"OUT": "r", "replicate": "src", "overwrite": true});
    let dir = replicating("image", both, image("v9", json!({"sourceName": "org/src"})));
    assert_eq!(only(dir.succeeds()).1, json!({"sourceName": "org/src"}));

    let webhook =
        json!({"shaData": {"commitSha": "c"}, "webhookRequestHeaders": {"h": 1}, "webhookRequestBody": {"b": 1}});
    for kind in ["gitRepo", "syncRepo", "ciRepo"] {
        let mut bag = webhook.clone();
        bag["sourceName"] = "org/src".into();
        let dir = replicating(kind, step.clone(), image("sha", bag));
        assert_eq!(only(dir.succeeds()), (Some("sha".into()), webhook.clone()), "{kind}");
    }

    let dir = replicating("image", step, image("v9", json!({}))).with("IN/src/version.json", "no JSON");
    let dir = dir.with("state/r.env", "a=1");
    assert_eq!(dir.succeeds().drafts, []);
    assert!(dir.succeeds().notes[0].contains("nothing is replicated to r"));
    let dir = replicating("image", json!({"OUT": "r", "replicate": "../src"}), image("v9", json!({})));
    assert_eq!((dir.succeeds().drafts.len(), dir.succeeds().notes.len()), (0, 1));
}

#[test]
fn rule_3_pull_requests() {
    for (is_pull_request, option, posted) in [
        (json!(true), Some(json!(false)), false),
        (json!(true), Some(json!(true)), true),
        (json!(true), None, true),
        (json!(false), Some(json!(false)), true),
        (Value::Null, Some(json!(false)), true),
    ] {
        let mut step = json!({"OUT": "r", "replicate": "src"});
        if let Some(option) = &option {
            step["replicateOnPullRequest"] = option.clone();
        }
        let dir = replicating("gitRepo", step, image("sha", json!({"shaData": {"isPullRequest": is_pull_request}})));
        assert_eq!(dir.succeeds().drafts.len(), usize::from(posted), "{is_pull_request} {option:?}");
    }
}

#[test]
fn rule_4_env_file() {
    let dir = one_image().with("state/img.env", "versionName=v2\nTAG=a=b\nTAG=c\n");
    assert_eq!(only(dir.succeeds()), (Some("v2".into()), json!({"sourceName": "org/img", "TAG": "c"})));
    // A line without `=` has no value, which is none in JSON.
    let dir = one_image().with("state/img.env", "sourceName\nA=1\n");
    assert_eq!(only(dir.succeeds()).1, json!({"A": "1"}));

    let params = |bag| Dir::of(&[(json!({"OUT": "p"}), "params", image("v1", bag))]);
    let dir = params(json!({"params": {"PORT": 8080, "A": "x"}})).with("state/p.env", "A=y\nB=z");
    assert_eq!(only(dir.succeeds()).1, json!({"params": {"PORT": 8080, "A": "y", "B": "z"}}));
    // Text is not a number: another version.
    let dir = params(json!({"params": {"PORT": 8080}})).with("state/p.env", "PORT=8080");
    assert_eq!(only(dir.succeeds()).1, json!({"params": {"PORT": "8080"}}));
    let dir = params(json!({"params": {"PORT": "8080"}})).with("state/p.env", "PORT=8080");
    assert_eq!(dir.succeeds().drafts, []);
    // No params object: from the first property on, nothing counts.
    let dir = params(json!({"x": 1})).with("state/p.env", "versionName=v2\nA=y\nversionName=v3");
    assert_eq!(only(dir.succeeds()), (Some("v2".into()), json!({"x": 1})));
    assert!(dir.succeeds().notes[0].contains("p has no params object: A"));

    // A file that cannot be read says nothing; one that cannot be understood stops the whole.
    let dir = one_image();
    fs::create_dir(dir.folder.path().join("state/img.env")).unwrap();
    assert_eq!(dir.succeeds().drafts, []);
    assert!(one_image().with("state/img.env", "k<<EOF\nx").error().starts_with("state/img.env:1: "));
}

#[test]
fn the_old_cut_on_request() {
    let dir = one_image().with("state/img.env", "URL=a=b\r\n");
    let options = Options { compat_split: true };
    let old = outcome(dir.folder.path(), &dir.record, Status::Success, options, &dir.secrets()).unwrap();
    assert_eq!(only(old).1["URL"], "a");
    assert_eq!(only(dir.succeeds()).1["URL"], "a=b");
}

/// `.env` over replicate, over overwrite, over the edited file.
#[test]
fn precedence() {
    let edit = |json: &mut Value| json["version"] = json!({"versionName": "edited", "propertyBag": {"k": "edited"}});
    let source = image("replicated", json!({"k": "replicated"}));
    for (overwrite, replicate, env, want) in [
        (false, false, false, ("edited", json!({"k": "edited"}))),
        (true, false, false, ("edited", json!({}))),
        (true, true, false, ("replicated", json!({"k": "replicated"}))),
        (false, true, true, ("said", json!({"k": "said"}))),
        (true, true, true, ("said", json!({"k": "said"}))),
        (true, false, true, ("said", json!({"k": "said"}))),
    ] {
        let mut step = json!({"OUT": "r", "overwrite": overwrite});
        if replicate {
            step["replicate"] = "src".into();
        }
        let mut dir = replicating("image", step, source.clone()).edited("OUT/r/version.json", edit);
        if env {
            dir = dir.with("state/r.env", "versionName=said\nk=said\n");
        }
        let (name, bag) = only(dir.succeeds());
        assert_eq!((name.as_deref(), bag), (Some(want.0), want.1), "{overwrite} {replicate} {env}");
    }
}

#[test]
fn rule_6_inputs_and_section() {
    let dir = Dir::of(&[
        (json!({"IN": "src"}), "image", image("v9", json!({}))),
        (json!({"IN": "up"}), "runSh", json!({"versionId": 3, "versionNumber": 2, "propertyBag": {"sha": "s"}})),
        (json!({"OUT": "img"}), "image", image("v1", json!({"trace": [1], "a": 1}))),
    ])
    .with("state/img.env", "a=2");
    let outcome = dir.succeeds();
    let draft = &outcome.drafts[0].draft;
    let inputs = json!([
        {"name": "src", "versionNumber": 4, "versionName": "v9"},
        {"name": "up", "versionNumber": 2, "versionName": null},
    ]);
    assert_eq!(Value::from(draft.inputs.clone()), inputs);
    assert_eq!(Value::from(outcome.job.clone().unwrap().inputs), inputs);
    assert_eq!(Value::from(draft.property_bag.clone()), json!({"a": "2"}));
    assert_eq!(draft.section.as_deref(), Some("section-img"));
    // What is asked twice is answered twice.
    assert_eq!(outcome, dir.succeeds());
}

#[test]
fn a_job_as_output_is_to_run_next_and_order_is_that_of_the_steps() {
    let dir = Dir::of(&[
        (json!({"OUT": "z"}), "image", image("v1", json!({}))),
        (json!({"OUT": "deploy"}), "runSh", Value::Null),
        (json!({"OUT": "a"}), "image", image("v1", json!({}))),
        (json!({"OUT": "m"}), "image", image("v1", json!({}))),
    ])
    .with("state/z.env", "x=1")
    .with("state/a.env", "x=1")
    .with("state/deploy.env", "x=1");
    let outcome = dir.succeeds();
    let names: Vec<_> = outcome.drafts.iter().map(|planned| planned.resource.as_str()).collect();
    assert_eq!((names, outcome.triggers, outcome.unchanged), (vec!["z", "a"], vec!["deploy".into()], vec!["m".into()]));
}

#[test]
fn failure_posts_what_asks_for_it_with_this_runs_values() {
    let dir = Dir::of(&[
        (json!({"OUT": "only-after-success"}), "image", image("v1", json!({}))),
        (json!({"OUT": "always", "on_failure": true}), "image", image("v1", json!({}))),
        (json!({"OUT": "next"}), "runSh", Value::Null),
        (json!({"OUT": "alarm", "on_failure": true}), "runSh", Value::Null),
    ])
    .with("state/only-after-success.env", "x=1")
    .with("state/always.env", "x=now")
    .with("previousState/always.env", "x=before")
    .with("state/outputVersion.json", r#"{"versionName": "v3", "propertyBag": {"k": 1}}"#)
    .with("state/build.env", "versionName=v4\nk=2");
    let outcome = dir.ends(Status::Failure);
    assert_eq!(outcome.job_state, StateChoice::Previous(dir.folder.path().join("previousState")));
    let job = outcome.job.clone().unwrap();
    assert_eq!((job.version_name, job.property_bag.len()), (None, 0));
    assert_eq!(outcome.triggers, ["alarm"]);
    assert_eq!(outcome.unchanged.len(), 0);
    assert_eq!(only(outcome), (Some("v1".into()), json!({"x": "now"})));

    let outcome = dir.ends(Status::Cancelled);
    assert_eq!((outcome.drafts, outcome.job, outcome.job_state), (vec![], None, StateChoice::None));
    assert_eq!(outcome.triggers.len(), 0);
}

/// 9.1: `outputVersion.json`, the `.env` file, and what comes of them.
#[test]
fn the_version_of_the_job() {
    let both = r#"{"versionName": "o", "propertyBag": {"a": 1, "sha": "old", "trace": []}}"#;
    for (output_version, env, name, bag) in [
        (None, None, None, json!({})),
        (Some(both), None, Some("o"), json!({"a": 1})),
        (Some(both), Some("versionName=e\n"), Some("e"), json!({"a": 1})),
        (Some(both), Some("versionName=\n"), Some("o"), json!({"a": 1})),
        (Some(both), Some("b=2"), Some("o"), json!({"b": "2"})),
        (Some(both), Some("versionName=e\nb=2"), Some("e"), json!({"b": "2"})),
        (Some("no JSON"), Some("b=2"), None, json!({"b": "2"})),
        (Some("[]"), None, None, json!({})),
        (None, Some("versionName=e"), Some("e"), json!({})),
    ] {
        let mut dir = Dir::of(&[]);
        for (file, text) in [("state/outputVersion.json", output_version), ("state/build.env", env)] {
            if let Some(text) = text {
                dir = dir.with(file, text);
            }
        }
        let outcome = dir.succeeds();
        let job = outcome.job.unwrap();
        assert_eq!(job.version_name.as_deref(), name, "{output_version:?} {env:?}");
        assert_eq!(Value::from(job.property_bag.clone()), bag, "{output_version:?} {env:?}");
        assert_eq!(job.with_job_state("4be1").property_bag["sha"], "4be1");
        assert_eq!(outcome.job_state, StateChoice::Folder(dir.folder.path().join("state")));
    }
}

fn state_output(step: Value) -> Dir {
    let version = json!({"versionName": "old", "propertyBag": {"shaData": "old"}});
    let dir = Dir::of(&[(json!({"IN": "src"}), "state", version.clone()), (step, "state", version)]);
    fs::create_dir_all(dir.folder.path().join("OUT/st/state")).unwrap();
    dir
}

#[test]
fn a_state_is_named_by_its_sum() {
    let dir = state_output(json!({"OUT": "st"}));
    let planned = dir.succeeds().drafts.remove(0);
    assert_eq!(planned.state_folder, Some(dir.folder.path().join("OUT/st/state")));
    assert_eq!(planned.clone().with_state("old"), None);
    let draft = planned.with_state("new").unwrap().draft;
    assert_eq!((draft.version_name.as_deref(), &draft.property_bag["shaData"]), (Some("new"), &json!("new")));

    // What the job says of it wins.
    let dir = state_output(json!({"OUT": "st"})).with("state/st.env", "versionName=mine\nk=1");
    let draft = dir.succeeds().drafts.remove(0).with_state("new").unwrap().draft;
    assert_eq!(draft.version_name.as_deref(), Some("mine"));
    assert_eq!(Value::from(draft.property_bag), json!({"shaData": "new", "k": "1"}));

    // A copy of an input has that one's files.
    let dir = state_output(json!({"OUT": "st", "replicate": "src"}));
    assert_eq!((dir.succeeds().drafts.len(), dir.succeeds().unchanged.len()), (0, 1));
    assert_eq!(dir.ends(Status::Failure).drafts, []);

    let dir = state_output(json!({"OUT": "st"}));
    fs::remove_dir(dir.folder.path().join("OUT/st/state")).unwrap();
    assert_eq!((dir.succeeds().drafts.len(), dir.succeeds().notes.len()), (0, 1));
}

#[test]
fn a_ci_repo_takes_the_commit_of_its_repository() {
    let sha = json!({"commitSha": "c2"});
    let dir = |own: &str| {
        Dir::of(&[
            (json!({"IN": "other"}), "gitRepo", image("c0", json!({"sourceName": "o/other", "shaData": {}}))),
            (json!({"IN": "repo"}), "gitRepo", image("c2", json!({"sourceName": "o/r", "shaData": sha, "depth": 1}))),
            (json!({"OUT": "ci"}), "ciRepo", image("c1", json!({"sourceName": own, "shaData": {"commitSha": "c1"}}))),
        ])
        .with("state/ci.env", "ignored=1")
    };
    assert_eq!(only(dir("o/r").succeeds()), (Some("c2".into()), json!({"sourceName": "o/r", "shaData": sha})));
    assert_eq!((dir("o/none").succeeds().drafts.len(), dir("o/none").succeeds().notes.len()), (0, 1));
    let provider = |name: &'static str| {
        move |json: &mut Value| json["propertyBag"] = json!({"normalizedRepo": {"repositoryProvider": name}})
    };
    let elsewhere =
        dir("o/r").edited("IN/repo/version.json", provider("gitlab")).edited("OUT/ci/version.json", provider("github"));
    assert_eq!(elsewhere.succeeds().drafts, []);
}

#[test]
fn the_difference() {
    let dir = Dir::of(&[
        (json!({"OUT": "p"}), "params", image("v1", json!({"params": {"PORT": 8080, "API_TOKEN": "a"}}))),
        (json!({"OUT": "st"}), "state", json!({"versionName": "old", "propertyBag": {"shaData": "old"}})),
        (json!({"OUT": "same"}), "image", image("v1", json!({}))),
        (json!({"OUT": "next"}), "runSh", Value::Null),
    ])
    .with("OUT/st/state/file", "x")
    .with("state/p.env", "versionName=v2\nPORT=8080\nAPI_TOKEN=b\nHOST=https://u:pw@h/")
    .with("state/build.env", "K=1");
    let difference = dir.succeeds().difference();
    let want = "job build: a new version, its state as it is now\n  K: none -> \"1\"\n\
                p: a new version\n  versionName: \"v1\" -> \"v2\"\n  params.PORT: 8080 -> \"8080\"\n  \
                params.API_TOKEN: \"***\" -> \"***\"\n  params.HOST: none -> \"https://***@h/\"\n\
                st: a new version, with its state\nunchanged: same\nto run next: next\n";
    assert_eq!(difference.text(), want);
    let json = serde_json::to_value(&difference).unwrap();
    assert_eq!(json["resources"][0]["changes"][1], json!({"key": "params.PORT", "old": 8080, "new": "8080"}));
    assert_eq!(json["resources"][1], json!({"name": "st", "savesState": true, "changes": []}));
    let cancelled = dir.ends(Status::Cancelled).difference();
    assert_eq!((cancelled.job, cancelled.job_state), (None, "unchanged"));
}
