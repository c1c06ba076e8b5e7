//! Versions, placeholders and secrets.

use super::*;
use crate::job::build::Undefined;

const IMAGE: &str = "
resources:
  - {name: i, type: image, versionTemplate: {sourceName: o/i, versionName: yml}}
jobs:
  - {name: j, type: runSh, steps: [{IN: i}]}
";

fn versions() -> Bench {
    let bench = Bench::new();
    bench.init(IMAGE);
    let section = bench.memory.versions.borrow()[&resource("i")][0].section.clone();
    bench.memory.add(resource("i"), Some("v2"), json!({"sourceName": "o/i"}), section.as_deref());
    bench.memory.add(resource("i"), Some("v3"), json!({"sourceName": "o/i"}), section.as_deref());
    bench
}

#[test]
fn versions_are_chosen() {
    let number = |bench: &Bench| bench.json("IN/i/version.json")["version"]["versionNumber"].as_u64().unwrap();
    let mut bench = versions();
    bench.init(IMAGE);
    assert_eq!(number(&bench), 3);
    bench.memory.pins.insert(resource("i"), 1);
    bench.init(IMAGE);
    assert_eq!(number(&bench), 1);
    bench.init(&IMAGE.replace("{IN: i}", "{IN: i, versionName: v2}"));
    assert_eq!(number(&bench), 2);
    bench.init(&IMAGE.replace("{IN: i}", "{IN: i, versionNumber: 3}"));
    assert_eq!(number(&bench), 3);
    bench.options.overrides.push("i.versionName=v2".parse().unwrap());
    bench.options.overrides.push("i.sourceName=o/other".parse().unwrap());
    bench.init(&IMAGE.replace("{IN: i}", "{IN: i, versionNumber: 3}"));
    assert_eq!(number(&bench), 2);
    assert_eq!(bench.variable("I_SOURCENAME").as_deref(), Some("o/other"));
    // Nothing of the command line is kept.
    assert_eq!(bench.memory.versions.borrow()[&resource("i")].len(), 3);
}

#[test]
fn a_section_that_changes_is_a_new_version() {
    let bench = versions();
    bench.init(&IMAGE.replace("versionName: yml", "versionName: next"));
    let version = bench.json("IN/i/version.json")["version"].clone();
    assert_eq!((version["versionNumber"].as_u64(), &version["versionName"]), (Some(4), &json!("next")));
    bench.init(&IMAGE.replace("versionName: yml", "versionName: next"));
    assert_eq!(bench.memory.versions.borrow()[&resource("i")].len(), 4);
}

#[test]
fn a_state_keeps_its_files_when_its_section_changes() {
    let mut bench = Bench::new();
    bench.memory.states.insert("s".into(), vec![("f", b"1".to_vec())]);
    bench.memory.add(resource("st"), Some("s"), json!({"shaData": "s"}), Some("another"));
    bench.init(SMALL);
    assert_eq!(bench.text("IN/st/state/f"), "1");
    assert_eq!(bench.json("IN/st/version.json")["version"]["versionNumber"], 2);
}

#[test]
fn what_is_wrong_is_said_and_changes_nothing() {
    let table = [
        (
            "{IN: i, versionName: v9}",
            "8: shippable.yml:5:41: the step wants version called \"v9\" of i, which is not in /the/store: it has none yet",
        ),
        ("{IN: i, versionNumber: x}", "versionNumber of i is \"x\", not a number"),
        ("{IN: up}", "IN up needs a version, and the job up has none in /the/store: run it first"),
        ("{IN: imgg}", "Missing dependency for: IN imgg"),
        ("{IN: odd}", "odd has the type imagee, which nobody knows; did you mean image"),
        ("{IN: p}", "p has no params: add versionTemplate"),
        (
            "{IN: i}, {IN: lock}, {IN: sec}",
            "no values for a1, a2; shippable.resources.yml:5:87: secure.K of sec: env:K is not set; shippable.resources.yml:5:99: secure.L of sec: env:L is not set",
        ),
    ];
    for (steps, want) in table {
        let yml = format!(
            "resources:
  - {{name: i, type: image, versionTemplate: {{sourceName: o/i}}}}
jobs:
  - {{name: up, type: runSh, steps: []}}
  - {{name: j, type: runSh, steps: [{steps}]}}
"
        );
        let more = "resources:
  - {name: odd, type: imagee}
  - {name: p, type: params}
  - {name: lock, type: integration, integration: a1}
  - {name: sec, type: params, integration: a2, versionTemplate: {params: {secure: {K: \"env:K\", L: \"env:L\"}}}}
";
        let bench = Bench::new();
        fs::write(bench.folder.path().join("shippable.resources.yml"), more).unwrap();
        let got = bench.fails(&yml);
        assert!(got.contains(want), "{steps}: {got}");
        assert!(got.starts_with("8: "), "{got}");
        assert!(bench.memory.versions.borrow().is_empty(), "{steps}");
    }
}

const TEMPLATES: &str = r#"
resources:
  - {name: p, type: params, versionTemplate: {params: {ENV_A: plain, QUOTE: "a\"b\nc", JOB_NAME: mine, SELF: "$ENV_A"}}}
  - {name: r, type: gitRepo, versionTemplate: {sourceName: "org/${ENV_A}", branch: "$BUILD_NUMBER"}}
  - {name: c, type: cluster, pointer: {sourceName: "$R_SOURCENAME/$QUOTE", region: "${NOT:-x}$1$$"}, seed: {x: "$NONE."}}
  - {name: k, type: integration, integration: kv}
  - {name: d, type: cluster, versionTemplate: {sourceName: "$K_INTEGRATION_A/$A/$JOB_NAME/$K_NAME/$LATER_NAME"}}
  - {name: later, type: version}
jobs:
  - {name: j, type: runSh, steps: [{IN: p}, {IN: r}, {IN: c}, {IN: k}, {IN: d}, {IN: later}]}
"#;

fn templates() -> Bench {
    let mut bench = Bench::new();
    bench.memory.integration("kv", "keyValuePair", json!({"envs": {"A": "hush"}}));
    bench.memory.sha_data = json!({"commitSha": "c", "commitMessage": "$ENV_A"}).as_object().cloned();
    bench
}

#[test]
fn placeholders() {
    let bench = templates();
    let notes = bench.init(TEMPLATES);
    let version = |name: &str| bench.json(&format!("IN/{name}/version.json"))["version"]["propertyBag"].clone();
    assert_eq!(version("p")["params"]["SELF"], "$ENV_A");
    let want =
        json!({"sourceName": "org/plain", "branch": "12", "shaData": {"commitSha": "c", "commitMessage": "$ENV_A"}});
    assert_eq!(version("r"), want);
    let want = json!({"sourceName": "org/plain/a\"b\nc", "region": "${NOT:-x}$1$$", "x": "."});
    assert_eq!(version("c"), want);
    assert_eq!(bench.variable("C_POINTER_SOURCENAME").as_deref(), Some("org/plain/a\"b\nc"));
    assert_eq!(version("d")["sourceName"], "$K_INTEGRATION_A/$A/j/k/");
    let notes = notes.join("\n");
    assert!(notes.contains("$NONE in IN c is not set"), "{notes}");
    assert!(notes.contains("$K_INTEGRATION_A, $A in IN d would put a secret into a file"), "{notes}");
    assert!(!notes.contains("hush"), "{notes}");
    // What is kept is what the yml says.
    let kept = bench.memory.versions.borrow()[&resource("c")][0].property_bag.clone();
    assert_eq!(kept["sourceName"], "$R_SOURCENAME/$QUOTE");
}

#[test]
fn placeholders_as_asked_for() {
    let mut bench = templates();
    bench.options.undefined = Undefined::Error;
    let got = bench.fails(TEMPLATES);
    assert!(got.contains("$NONE in IN c is not set"), "{got}");
    assert!(bench.memory.versions.borrow().is_empty());
    bench.options.undefined = Undefined::Keep;
    bench.options.allow_secrets = true;
    bench.init(TEMPLATES);
    assert_eq!(bench.json("IN/c/version.json")["version"]["propertyBag"]["x"], "$NONE.");
    let got = bench.json("IN/d/version.json")["version"]["propertyBag"]["sourceName"].clone();
    assert_eq!(got, "hush/hush/j/k/$LATER_NAME");
    // Where a secret was filled in, the run remembers what it stands for.
    let record = Record::read(&bench.dir()).unwrap();
    let templates: Vec<_> =
        record.dependencies.iter().filter_map(|one| Some((&*one.name, one.template.as_ref()?))).collect();
    assert!(record.allow_secrets && !templates.is_empty());
    assert!(templates.iter().all(|(_, template)| !json!(template).to_string().contains("hush")), "{templates:?}");
}

#[test]
fn secure_references_reach_the_input_alone() {
    let mut bench = Bench::new();
    bench.memory.references.insert("env:TOKEN".into(), "hush hush".into());
    bench.init(
        "
resources:
  - {name: p, type: params, versionTemplate: {params: {A: x, secure: {TOK: \"env:TOKEN\"}}}}
jobs:
  - {name: j, type: runSh, steps: [{IN: p}, {OUT: p}]}
",
    );
    let params = bench.json("IN/p/version.json")["version"]["propertyBag"]["params"].clone();
    assert_eq!(params, json!({"A": "x", "secure": {"TOK": "hush hush"}}));
    assert_eq!(bench.text("IN/p/params"), "A=x\nTOK='hush hush'\n");
    assert_eq!(bench.variable("TOK").as_deref(), Some("hush hush"));
    assert_eq!(bench.variable("P_PARAMS_TOK").as_deref(), Some("hush hush"));
    for file in ["OUT/p/version.json", "message.json", "status/run.json"] {
        assert!(!bench.text(file).contains("hush"), "{file}");
        assert!(bench.text(file).contains("env:TOKEN"), "{file}");
    }
    assert!(!format!("{:?}", bench.memory.versions.borrow()).contains("hush"));
}

#[test]
fn ciphertext_is_named_with_its_place() {
    let bench = Bench::new();
    let text = "q2ZsZm9vYmFyMTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6==";
    let notes = bench.init(&format!(
        "
resources:
  - name: p
    type: params
    version:
      params:
        secure: {text}
jobs:
  - {{name: j, type: runSh, steps: [{{IN: p}}]}}
"
    ));
    assert!(notes[0].contains("shippable.yml:7:17: secure of p is a text that Shippable encrypted"), "{notes:?}");
}

#[test]
fn cli_variables_of_the_run_come_last() {
    let bench = Bench::new();
    bench.init(SMALL);
    let mut record = Record::read(&bench.dir()).unwrap();
    record.cli_variables = vec![("JOB_NAME".into(), "x".into()), ("AWS_CONFIG_FILE".into(), "/f".into())];
    record.write(&bench.dir()).unwrap();
    assert_eq!(bench.variable("AWS_CONFIG_FILE").as_deref(), Some("/f"));
    assert_eq!(bench.variable("JOB_NAME").as_deref(), Some("x"));
}

#[test]
fn a_name_for_one_run_is_not_what_the_store_has() {
    let mut bench = Bench::new();
    bench.options.overrides.push("i.versionName=v9".parse().unwrap());
    bench.init(IMAGE);
    assert_eq!(bench.json("IN/i/version.json")["version"]["versionName"], "v9");
    assert_eq!(bench.variable("I_VERSIONNAME").as_deref(), Some("v9"));
    let kept = bench.memory.versions.borrow()[&resource("i")].clone();
    assert_eq!((kept.len(), kept[0].version_name.as_deref()), (1, Some("yml")));
    bench.options.overrides.clear();
    bench.init(IMAGE);
    assert_eq!(bench.json("IN/i/version.json")["version"]["versionName"], "yml");
    assert_eq!(bench.memory.versions.borrow()[&resource("i")].len(), 1);
}

#[test]
fn what_the_yml_says_can_be_pinned_before_it_is_stored() {
    for pin in ["versionName: yml", "versionNumber: 1"] {
        let bench = Bench::new();
        bench.init(&IMAGE.replace("{IN: i}", &format!("{{IN: i, {pin}}}")));
        let version = bench.json("IN/i/version.json")["version"].clone();
        assert_eq!((&version["versionName"], &version["versionNumber"]), (&json!("yml"), &json!(1)), "{pin}");
        assert_eq!(bench.memory.versions.borrow()[&resource("i")].len(), 1, "{pin}");
    }
    let said = Bench::new().fails(&IMAGE.replace("{IN: i}", "{IN: i, versionNumber: 2}"));
    assert!(said.starts_with("8: ") && said.contains("it has none yet"), "{said}");
}

#[test]
fn params_that_are_a_list_are_said_to_be_one() {
    let said = Bench::new().fails(
        "resources: [{name: p, type: params, versionTemplate: {params: [a]}}]\njobs: [{name: j, type: runSh, steps: [IN: p]}]\n",
    );
    assert_eq!(said, "8: shippable.yml:1:63: params of p is a list, not a map: write `KEY: value` below it");
}
