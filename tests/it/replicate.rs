//! `replicate`: an output, or the job, made a copy of an input.
#![allow(clippy::unwrap_used)] // what fails here fails the test, outside of #[test] functions too

use std::fs;

use serde_json::{Value, json};

use crate::copy::{listing, notes};
use crate::harness::Sandbox;
use crate::vectors::job_fixture;

/// A job directory that says everything in its files, and nothing in the environment.
struct Job(Sandbox);

impl Job {
    fn new() -> Self {
        let mut sandbox = Sandbox::new();
        fs::create_dir_all(sandbox.path("job/state")).unwrap();
        let (root, state) = (sandbox.path("job"), sandbox.path("job/state"));
        sandbox.set("JOB_PATH", root).set("JOB_STATE", state).set("JOB_NAME", "deploy_app");
        Self(sandbox)
    }

    fn resource(&self, side: &str, name: &str, kind: &str, bag: &Value) -> &Self {
        let version = json!({"name": name, "type": kind, "version": {"versionId": 1, "propertyBag": bag}});
        self.0.write(format!("job/{side}/{name}/version.json"), version.to_string());
        fs::create_dir_all(self.0.path(format!("job/{side}/{name}/{kind}"))).unwrap();
        self
    }

    fn file(&self, below: &str, content: &str) -> &Self {
        self.0.write(format!("job/{below}"), content);
        self
    }

    fn bag(&self, name: &str) -> Value {
        self.json(&format!("OUT/{name}/version.json"))["version"]["propertyBag"].clone()
    }

    fn json(&self, below: &str) -> Value {
        serde_json::from_slice(&self.0.read(format!("job/{below}"))).unwrap()
    }

    fn tree(&self, below: &str) -> String {
        listing(&self.0, &self.0.path(format!("job/{below}")), "%P\\n").replace('\n', " ")
    }

    /// Everything there is, to see that nothing changed.
    fn all(&self) -> String {
        self.0.bash("cd $JOB_PATH; find . -type f -exec sha256sum {} + | sort; find . | sort").out()
    }

    fn repositories() -> Self {
        let job = Self::new();
        let sha = json!({"branchName": "feature/x", "isGitTag": false, "commitSha": "c1"});
        job.resource("IN", "from", "gitRepo", &json!({"shaData": sha, "webhookRequestBody": null, "other": 1}));
        job
    }
}

#[test]
fn files_and_metadata_of_a_resource() {
    let job = Job::new();
    job.resource("IN", "a", "state", &json!({"v": "new", "n": 1})).resource("OUT", "b", "state", &json!({"v": "old"}));
    job.file("IN/a/state/f", "new").file("IN/a/state/.hidden/deep", "h").file("OUT/b/state/gone/f", "old");
    job.file("OUT/b/state/.old", "old").file("OUT/b/state/f", "old");
    job.0.bash("chmod 750 $JOB_PATH/OUT/b/state; chmod 701 $JOB_PATH/IN/a/state/f; ln -s f $JOB_PATH/IN/a/state/l");
    job.0.shipctl(["replicate", "a", "b", "extra"]).prints("");
    assert_eq!(job.tree("OUT/b/state"), ".hidden .hidden/deep f l");
    assert_eq!(job.0.read("job/OUT/b/state/f"), b"new");
    job.0
        .bash("cd $JOB_PATH/OUT/b; stat -c %a state state/f; readlink state/l; ls -A")
        .prints("750\n701\nf\nstate\nversion.json\n");
    assert_eq!(job.bag("b"), json!({"v": "new", "n": 1}));
    assert_eq!(job.json("OUT/b/version.json")["version"]["versionId"], 1);
}

#[test]
fn an_input_without_files_leaves_the_outputs() {
    let job = Job::new();
    job.resource("IN", "a", "state", &json!({"v": 2})).resource("OUT", "b", "state", &json!({}));
    job.file("OUT/b/state/kept", "old");
    job.0.shipctl(["replicate_resource", "a", "b"]).prints("");
    assert_eq!(job.tree("OUT/b/state"), "kept");
    fs::remove_dir(job.0.path("job/IN/a/state")).unwrap();
    job.0.shipctl(["replicate", "a", "b", "--files-only"]).prints("");
    assert_eq!((job.tree("OUT/b/state"), job.bag("b")), ("kept".into(), json!({"v": 2})));
}

#[test]
fn one_part_only() {
    let new = || {
        let job = Job::new();
        job.resource("IN", "a", "state", &json!({"v": 2, "shaData": {"s": 1}, "webhookRequestBody": null}));
        job.resource("OUT", "b", "state", &json!({"v": 1, "webhookRequestBody": "kept"}));
        job.file("IN/a/state/f", "new").file("OUT/b/state/f", "old");
        job
    };
    let (old, all) = (
        json!({"v": 1, "webhookRequestBody": "kept"}),
        json!({"v": 2, "shaData": {"s": 1}, "webhookRequestBody": null}),
    );
    let webhook = json!({"v": 1, "webhookRequestBody": "kept", "shaData": {"s": 1}});
    for (flags, files, bag) in [
        (&["--files-only"][..], "new", &old),
        (&["--metadata-only"], "old", &all),
        (&["--webhook-data-only"], "new", &webhook),
        (&["x", "--webhook-data-only", "y", "--metadata-only"], "old", &webhook),
    ] {
        let job = new();
        job.0.shipctl([&["replicate", "a", "b"], flags].concat()).prints("");
        assert_eq!(
            (String::from_utf8(job.0.read("job/OUT/b/state/f")).unwrap(), &job.bag("b")),
            (files.into(), bag),
            "{flags:?}"
        );
    }
    let job = new();
    notes(&job.0.shipctl(["replicate", "a", "b", "--files-only", "--metadata-only"]), "nothing replicated");
    notes(&job.0.shipctl(["replicate", "a", "b", "--metadata", "-x"]), "warning: replicate knows no --metadata;");
    assert_eq!(job.bag("b"), all);
}

#[test]
fn what_makes_no_sense_changes_nothing() {
    let job = Job::new();
    for (side, name, kind) in [
        ("IN", "stateA", "state"),
        ("OUT", "stateB", "state"),
        ("IN", "image", "image"),
        ("IN", "git", "gitRepo"),
        ("OUT", "ci", "ciRepo"),
        ("OUT", "sync", "syncRepo"),
    ] {
        job.resource(side, name, kind, &json!({"x": name}));
    }
    job.file("IN/stateA/state/f", "new").file("state/r.env", "A=1\n");
    let before = job.all();
    for (words, message) in [
        (&["deploy_app", "stateB"][..], "deploy_app is this job"),
        (&["git", "ci"], "ciRepo"),
        (&["image", "ci"], "ciRepo"),
        (&["image", "stateB"], "image (image) to stateB (state)"),
        (&["stateA", "sync"], "must be of one type"),
        (&["stateA", "stateB", "--match-settings"], "--match-settings is for repositories"),
        (&["git", "deploy_app", "--match-settings"], "--match-settings is for repositories"),
        (&["git", "sync", "--match-settings"], "git has no shaData"),
        (&["statA", "stateB"], "statA is not an input of the job"),
        (&["statA", "stateB"], "did you mean stateA?"),
        (&["stateA", "stateC"], "did you mean stateB?"),
        (&["stateB", "stateB"], "stateB is not an input"),
        (&["../IN/stateA", "stateB"], "../IN/stateA"),
        (&["stateA"], "Usage: shipctl replicate "),
    ] {
        let ran = job.0.shipctl([&["replicate"], words].concat());
        ran.fails(99, message);
        assert_eq!(ran.err().lines().count(), 1, "{}", ran.err());
    }
    assert_eq!(job.all(), before);
    // The environment's type wins.
    job.0.bash("STATEB_TYPE=image shipctl replicate stateA stateB").fails(99, "stateB (image)");
}

#[test]
fn invalid_json_is_named_with_its_line_and_changes_nothing() {
    let job = Job::new();
    job.resource("IN", "a", "state", &json!({"v": 2})).resource("OUT", "b", "state", &json!({}));
    job.file("IN/a/state/f", "new").file("OUT/b/state/f", "old");
    for (file, text, what) in [
        ("OUT/b/version.json", "{\"type\": \"state\",\n \"version\": {]}", "line 2 column 14"),
        ("OUT/b/version.json", "[]", "not a JSON object"),
        ("OUT/b/version.json", "{\"version\": [1]}", "version is not a JSON object"),
        ("IN/a/version.json", "{\"version\": {\"propertyBag\": 3}}", "propertyBag is not a JSON object"),
        ("IN/a/version.json", "\n\n{\"version\": nul}", "line 3 column 16"),
    ] {
        let was = job.0.read(format!("job/{file}"));
        job.file(file, text);
        let before = job.all();
        let ran = job.0.bash("A_TYPE=state B_TYPE=state shipctl replicate a b");
        ran.fails(99, what);
        ran.fails(99, file);
        assert_eq!(job.all(), before);
        fs::write(job.0.path(format!("job/{file}")), was).unwrap();
    }
    job.file("state/outputVersion.json", "{\n\"a\": }");
    let before = job.all();
    job.0.shipctl(["replicate", "a", "deploy_app", "--metadata-only"]).fails(99, "line 2 column 6");
    assert_eq!(job.all(), before);
}

#[test]
fn order_and_numbers_stay_as_written() {
    let job = Job::new();
    let bag = r#"{"z":1.0,"a":12345678901234567890123,"e":1E400,"é":"\u0007"}"#;
    job.file("IN/a/version.json", &format!(r#"{{"type":"image","version":{{"propertyBag":{bag}}}}}"#));
    job.file("OUT/b/version.json", r#"{"type": "image", "resourceId": 1.50, "version": {"propertyBag": {}, "x": -0}}"#);
    job.0.shipctl(["replicate", "a", "b"]).prints("");
    let want = format!(
        "{{\"type\":\"image\",\"resourceId\":1.50,\"version\":{{\"propertyBag\":{},\"x\":-0}}}}\n",
        bag.replace("1E400", "1E+400")
    );
    let got = String::from_utf8(job.0.read("job/OUT/b/version.json")).unwrap();
    assert_eq!(got.replace("1E400", "1E+400").replace("1e+400", "1E+400"), want);
}

#[test]
fn the_job_gets_files_and_output_version_in_one() {
    let job = Job::new();
    job.resource("IN", "a", "state", &json!({"v": 2})).file("IN/a/state/f", "new");
    job.file("state/r.env", "A=1\n")
        .file("state/outputVersion.json", r#"{"versionName": "kept", "propertyBag": {"old": 1}}"#);
    job.0.shipctl(["replicate", "a", "deploy_app", "--metadata-only"]).prints("");
    assert_eq!(job.json("state/outputVersion.json"), json!({"versionName": "kept", "propertyBag": {"v": 2}}));
    assert_eq!(job.tree("state"), "outputVersion.json r.env");
    job.0.shipctl(["replicate", "a", "deploy_app"]).prints("");
    assert_eq!(job.tree("state"), "f outputVersion.json");
    assert_eq!(job.json("state/outputVersion.json"), json!({"propertyBag": {"v": 2}}));
    // What the input itself kept under that name is what the metadata is added to.
    job.file("IN/a/state/outputVersion.json", r#"{"versionName": "7", "propertyBag": {"x": 1}}"#);
    job.0.shipctl(["replicate", "a", "deploy_app"]).prints("");
    assert_eq!(job.json("state/outputVersion.json"), json!({"versionName": "7", "propertyBag": {"v": 2}}));
    assert_eq!(job.tree(""), job.tree("").replace(".shipctl", ""));
}

#[test]
fn a_shell_inside_the_target_stays_where_it_is() {
    let job = Job::new();
    job.resource("IN", "a", "state", &json!({})).file("IN/a/state/sub/new", "1").file("IN/a/state/.h", "1");
    job.file("state/sub/old", "0").file("state/r.env", "");
    job.0
        .bash("cd $JOB_STATE && shipctl replicate a deploy_app && pwd -P && ls -A . sub")
        .prints(format!("{}\n.:\n.h\noutputVersion.json\nsub\n\nsub:\nnew\n", job.0.path("job/state").display()));
}

#[test]
fn links_never_lead_the_copy_elsewhere() {
    let job = Job::new();
    job.resource("IN", "a", "state", &json!({"v": 1}));
    job.file("elsewhere", "{}");
    job.0.bash("cd $JOB_PATH; ln -s $PWD/elsewhere IN/a/state/outputVersion.json; ln -s .. IN/a/state/up");
    job.0.shipctl(["replicate", "a", "deploy_app"]).prints("");
    assert_eq!(job.0.read("job/elsewhere"), b"{}");
    assert_eq!(job.json("state/outputVersion.json"), json!({"propertyBag": {"v": 1}}));
    // Source and target may be one folder by a link.
    job.0.bash("cd $JOB_PATH; rm -r IN/a/state; ln -s ../../state IN/a/state");
    notes(&job.0.shipctl(["replicate", "a", "deploy_app"]), "one folder");
    assert_eq!(job.tree("state"), "outputVersion.json up");
}

#[test]
fn settings_are_matched() {
    for (settings, wanted) in [
        (json!({}), true),
        (json!({"branch": "feature/x"}), true),
        (json!({"branch": "master"}), false),
        (json!({"branches": {"only": ["feat*"]}}), true),
        (json!({"branches": {"only": "rel*"}}), false),
        (json!({"branches": {"except": ["[!a-e]eature/?"]}}), false),
        (json!({"branches": {"except": ["feature\\/*"]}}), false),
    ] {
        let job = Job::repositories();
        job.resource("OUT", "to", "syncRepo", &settings);
        let ran = job.0.shipctl(["replicate", "from", "to", "--match-settings"]);
        if wanted {
            ran.prints("");
            assert_eq!(job.bag("to")["shaData"]["commitSha"], "c1", "{settings}");
            assert_eq!(job.bag("to").get("other"), None);
        } else {
            notes(&ran, "branch feature/x of from does not match the settings of to; nothing replicated");
            assert_eq!(job.bag("to"), settings);
        }
    }
    let job = Job::repositories();
    job.resource("IN", "from", "ciRepo", &json!({"shaData": {"commitSha": "c1"}}));
    job.resource("OUT", "to", "gitRepo", &json!({}));
    notes(&job.0.shipctl(["replicate", "from", "to", "--match-settings"]), "no branch name");
}

#[test]
fn patterns_are_those_of_bash() {
    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    // Letters only: what a range holds depends on the shell's locale.
    let part = || {
        prop::sample::select(vec![
            "a", "b", "ab", "*", "?", "[ab]", "[!a]", "[^b]", "\\*", "\\a", "/", ".", "{a,b}", "[", "]", "[]a]",
        ])
    };
    let pattern = || prop::collection::vec(part(), 1..6).prop_map(|parts| parts.concat());
    let text = || {
        prop::collection::vec(prop::sample::select(vec!["a", "b", "*", "/", ".", "[", "]", "{a,b}"]), 0..5)
            .prop_map(|parts| parts.concat())
    };
    let mut runner = proptest::test_runner::TestRunner::default();
    let pairs: Vec<(String, String)> =
        (0..400).map(|_| (text(), pattern()).new_tree(&mut runner).unwrap().current()).collect();
    let sandbox = Sandbox::new();
    let words = pairs.iter().flat_map(|(text, pattern)| [text, pattern]);
    let script = "shopt -u extglob; while (( $# )); do [[ $1 = $2 ]] && echo 1 || echo 0; shift 2; done";
    let ran = sandbox.command("bash").args(["-c", script, "bash"]).args(words).output().unwrap();
    let answers = String::from_utf8(ran.stdout).unwrap();
    assert_eq!(answers.lines().count(), pairs.len());
    for ((text, pattern), answer) in pairs.iter().zip(answers.lines()) {
        let got = shipctl::support::pattern::matches(pattern.as_bytes(), text.as_bytes());
        assert_eq!(got, answer == "1", "{text:?} and {pattern:?}");
    }
}

#[test]
fn the_recorded_job_is_whole_after_all() {
    let job = job_fixture();
    job.shipctl(["replicate", "stateA", "stateB"]).prints("");
    assert_eq!(job.read("job/OUT/stateB/state/terraform.tfstate"), job.read("job/IN/stateA/state/terraform.tfstate"));
}
