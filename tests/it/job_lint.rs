//! `job lint`: what is wrong with a pipeline, with file and line.

use serde_json::{Value, json};

use crate::harness::Sandbox;

fn with(files: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new();
    for (name, text) in files {
        sandbox.write(format!("work/{name}"), text);
    }
    sandbox
}

const TEMPLATES: &str = "templates: &login
  - docker login
  - cat /build/IN/img/version.json
";
const RESOURCES: &str = "resources:
  - name: img
    type: image
    versionTemplate:
      sourceName: org/img
  - name: set
    type: params
    version:
      params:
        secure: c2VjcmV0
";
const JOBS: &str = "jobs:
  - name: build
    type: runSh
    steps:
      - IN: imgg
      - IN: set
      - TASK:
          script:
            - *login
            - echo \"a: b\"
";

fn broken() -> Sandbox {
    with(&[
        ("shippable.templates.yml", TEMPLATES),
        ("shippable.resources.yml", RESOURCES),
        ("shippable.jobs.yml", JOBS),
    ])
}

#[test]
fn text_has_a_line_for_each_and_counts_them() {
    let ran = broken().shipctl(["job", "lint"]);
    insta::assert_snapshot!(ran.out(), @r#"
    shippable.templates.yml:3:9: warning[build-path]: /build/IN/img/version.json is where the platform had the job directory: write ${JOB_PATH}/IN/img/version.json
    shippable.resources.yml:10:17: error[secure-ciphertext]: secure: of set has a text that was encrypted for the platform and cannot be decrypted any more: write `secure: {NAME: env:NAME}`, a line for each variable that was in it
    shippable.jobs.yml:5:13: error[unknown-resource]: IN: imgg: no resource or job of this name: add it below resources:; did you mean img?
    shippable.jobs.yml:10:15: error[map-in-script]: a map where a line of a script was meant: YAML takes what is before `: ` for a key (echo "a): put the line in quotes, - 'echo "a: b"'
    "#);
    assert_eq!((ran.status, ran.err().as_str()), (8, "shipctl: 3 errors, 1 warning\n"));
}

#[test]
fn json_is_one_array() {
    let ran = broken().shipctl(["job", "lint", "--format", "json"]);
    assert_eq!((ran.status, ran.err().as_str()), (8, "shipctl: 3 errors, 1 warning\n"));
    let found: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(found.as_array().unwrap().len(), 4);
    assert_eq!(
        found[2],
        json!({
            "file": "shippable.jobs.yml", "line": 5, "column": 13, "severity": "error", "rule": "unknown-resource",
            "entry": "build",
            "message": "IN: imgg: no resource or job of this name: add it below resources:; did you mean img?",
        })
    );
}

#[test]
fn github_shows_them_beside_the_lines() {
    let ran = broken().shipctl(["job", "lint", "--format=github"]);
    assert_eq!(ran.status, 8);
    let lines: Vec<String> = ran.out().lines().map(ToOwned::to_owned).collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(
        lines[2],
        "::error file=shippable.jobs.yml,line=5,col=13,title=unknown-resource::IN: imgg: no resource or job of this \
         name: add it below resources:; did you mean img?"
    );
    assert!(
        lines[0].starts_with("::warning file=shippable.templates.yml,line=3,col=9,title=build-path::"),
        "{lines:?}"
    );
}

#[test]
fn a_sound_pipeline_is_silent_and_warnings_alone_succeed() {
    let sound = with(&[("shippable.yml", "language: go\nbuild: {ci: [go test]}\njobs: [{name: j, type: runSh}]\n")]);
    sound.shipctl(["job", "lint"]).prints("");
    let json = sound.shipctl(["job", "lint", "--format", "json"]);
    json.prints("[]\n");
    let ran = with(&[("shippable.yml", "jobs: [{name: j, type: runSh, steps: [TASK: ls /build/IN]}]\n")])
        .shipctl(["job", "lint"]);
    assert_eq!((ran.status, ran.err().as_str()), (0, "shipctl: 0 errors, 1 warning\n"));
    assert!(ran.out().starts_with("shippable.yml:1:48: warning[build-path]: "), "{}", ran.out());
}

#[test]
fn a_file_that_is_no_yaml_is_a_finding_and_one_that_is_not_there_an_error() {
    let sandbox = with(&[("ci.yml", "jobs:\n  - *none\n")]);
    let ran = sandbox.shipctl(["job", "lint", "--file", "ci.yml"]);
    assert_eq!(
        (ran.status, ran.out().as_str(), ran.err().as_str()),
        (8, "ci.yml:2:5: error[unknown-anchor]: no anchor &none before this place\n", "shipctl: 1 error, 0 warnings\n")
    );
    sandbox.shipctl(["job", "lint"]).fails(8, "no shippable.yml and no shippable.jobs.yml in ");
    sandbox.shipctl(["job", "lint", "--file", "no.yml"]).fails(8, "no.yml: no such file");
    sandbox.shipctl(["job", "lint", "--format", "xml"]).fails(2, "xml");
}

/// A secret in the yml, and what steers a terminal, stay where they are.
#[test]
fn nothing_secret_or_unprintable_gets_out() {
    let yml = "resources:\n  - {name: p, type: params, version: {params: {secure: aHVudGVyMg==}}}\njobs: [{name: j, type: runSh, steps: [IN: \"a\\e[31m\\nb\"]}]\n";
    for format in ["text", "json", "github"] {
        let ran = with(&[("shippable.yml", yml)]).shipctl(["job", "lint", "--format", format]);
        assert_eq!(ran.status, 8);
        assert!(!ran.out().contains("aHVudGVyMg") && !ran.err().contains("aHVudGVyMg"), "{}", ran.out());
        assert!(!ran.out().contains('\u{1b}'), "{format}: {}", ran.out());
    }
}

const USES: &str = "resources:
  - {name: app, type: image, versionTemplate: {sourceName: o/a}, integration: regsitry}
jobs:
  - {name: j, type: runSh, integrations: [slack, key]}
";
const INTEGRATIONS: &str = "registry:
  type: dockerRegistryLogin
  username: bob
  password: \"exec:touch ran\"
  passwrd: file:nowhere
slack:
  type: slackKey
  webhookUrl: env:NOT_SET
key: {type: sshKey, publicKey: p}
";

#[test]
fn integrations_too_and_none_of_their_references() {
    let mut sandbox = with(&[("shippable.yml", USES), ("secret/ints.yml", INTEGRATIONS)]);
    let args = ["job", "lint", "--integrations", "secret/ints.yml"];
    let ran = sandbox.shipctl(args);
    insta::assert_snapshot!(ran.out(), @r#"
    shippable.yml:2:79: error[unknown-integration]: integration regsitry is not in secret/ints.yml: add it there, or set SHIPCTL_INT_REGSITRY_TYPE; did you mean registry?
    secret/ints.yml:5:3: error[unknown-integration-field]: registry: dockerRegistryLogin has no field passwrd; did you mean password?
    secret/ints.yml:9:1: error[missing-integration-field]: key: sshKey needs privateKey: add what is missing
    "#);
    assert_eq!((ran.status, ran.err().as_str()), (8, "shipctl: 3 errors, 0 warnings\n"));

    let ran = sandbox.shipctl([&args[..], &["--format", "json"]].concat());
    let found: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!((ran.status, found.as_array().unwrap().len()), (8, 3));
    assert_eq!(
        found[1],
        json!({
            "file": "secret/ints.yml", "line": 5, "column": 3, "severity": "error", "rule": "unknown-integration-field",
            "entry": null, "message": "registry: dockerRegistryLogin has no field passwrd; did you mean password?",
        })
    );
    let ran = sandbox.shipctl([&args[..], &["--format", "github"]].concat());
    assert_eq!(ran.status, 8);
    let last = "::error file=secret/ints.yml,line=9,col=1,title=missing-integration-field::key: sshKey needs ";
    assert!(ran.out().lines().nth(2).unwrap().starts_with(last), "{}", ran.out());

    // What the file lacks may be in the environment; without the option nobody asks.
    sandbox.set("SHIPCTL_INT_KEY_PRIVATEKEY", "hunter2");
    sandbox.set("SHIPCTL_INT_REGSITRY_TYPE", "Docker");
    sandbox.set("SHIPCTL_INT_REGSITRY_USERNAME", "bob");
    let ran = sandbox.shipctl(args);
    assert_eq!((ran.status, ran.err().as_str()), (8, "shipctl: 2 errors, 0 warnings\n"), "{}", ran.out());
    let first = "shippable.yml:2:79: error[missing-integration-field]: regsitry: Docker needs password: ";
    assert!(ran.out().starts_with(first) && !ran.out().contains("hunter2"), "{}", ran.out());
    sandbox.shipctl(["job", "lint"]).prints("");
    assert!(!sandbox.path("work/ran").exists() && !sandbox.path("work/secret/ran").exists());
}

#[test]
fn sound_integrations_and_files_that_are_not_there() {
    let json = r#"{"integrations": [{"name": "i", "type": "pemKey", "key": "exec:false"}]}"#;
    let yml = "jobs: [{name: j, type: runSh, integrations: [i]}]\n";
    let sandbox = with(&[("shippable.yml", yml), ("ints.json", json), ("broken.yml", "i: {type: pemKey\n")]);
    sandbox.shipctl(["job", "lint", "--integrations", "ints.json"]).prints("");
    sandbox.shipctl(["job", "lint", "--integrations", "none.yml"]).fails(8, "none.yml: No such file");
    let ran = sandbox.shipctl(["job", "lint", "--integrations", "broken.yml"]);
    assert_eq!((ran.status, ran.err().as_str()), (8, "shipctl: 1 error, 0 warnings\n"));
    assert!(ran.out().starts_with("broken.yml:"), "{}", ran.out());
}
