//! `job list` and `job show JOB`: a pipeline as its yml has it.

use serde_json::{Value, json};

use crate::harness::Sandbox;

const YML: &str = "resources:
  - {name: app-img, type: image, integration: hub, versionTemplate: {sourceName: org/app, versionName: v1}}
  - {name: settings, type: params, version: {params: {ENV: prod, DB_PASSWORD: hunter2, secure: {TOKEN: 'env:hunter3'}}}}
  - {name: files, type: state}
jobs:
  - name: build
    type: runSh
    triggerMode: parallel
    integrations: [slack]
    runtime: {timeoutMinutes: 30}
    steps:
      - IN: app-img
        versionName: v2
        switch: off
      - IN: settings
      - TASK:
          name: compile
          runtime: {options: {env: {API_KEY: hunter4}}}
          script: [make, make test]
      - OUT: files
        overwrite: true
    on_failure:
      - script: echo no
  - name: deploy
    type: runSh
    steps:
      - IN: build
      - TASK: {script: ./deploy}
";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("work/shippable.yml", YML);
    sandbox
}

#[test]
fn a_job_is_a_line() {
    let ran = sandbox().shipctl(["job", "list"]);
    assert_eq!((ran.status, ran.err()), (0, String::new()));
    insta::assert_snapshot!(ran.out(), @r"
    JOB     TYPE   IN                OUT    TASKS  PLACE
    build   runSh  app-img,settings  files  1      shippable.yml:6
    deploy  runSh  build             -      1      shippable.yml:24
    ");
}

#[test]
fn the_list_as_json() {
    let ran = sandbox().shipctl(["job", "list", "--json"]);
    let found: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(
        found,
        json!([
            {"name": "build", "type": "runSh", "inputs": ["app-img", "settings"], "outputs": ["files"], "tasks": 1,
             "file": "shippable.yml", "line": 6},
            {"name": "deploy", "type": "runSh", "inputs": ["build"], "outputs": [], "tasks": 1,
             "file": "shippable.yml", "line": 24},
        ])
    );
}

#[test]
fn what_is_listed_may_have_problems() {
    let sandbox = sandbox();
    sandbox.write("work/bad.yml", "jobs: [{name: a, type: runSh, steps: [X: y, TASK: [a: b]]}]\n");
    let ran = sandbox.shipctl(["job", "list", "--file", "bad.yml"]);
    assert_eq!(ran.status, 0);
    assert!(ran.out().contains("\na    runSh"), "{}", ran.out());
    assert!(
        ran.err().contains("bad.yml:1:39: ") && ran.err().contains("1 more: see `shipctl job lint`"),
        "{}",
        ran.err()
    );
    sandbox.write("work/empty.yml", "resources: []\n");
    let ran = sandbox.shipctl(["job", "list", "--file", "empty.yml"]);
    assert_eq!(
        (ran.status, ran.out(), ran.err()),
        (0, String::new(), "shipctl: no jobs in empty.yml: they are below jobs:\n".to_owned())
    );
    sandbox.write("work/broken.yml", "jobs: [\n");
    sandbox.shipctl(["job", "list", "--file", "broken.yml"]).fails(8, "broken.yml:1:7: not YAML");
}

#[test]
fn a_job_of_the_yml_with_secrets_masked() {
    let ran = sandbox().shipctl(["job", "show", "build"]);
    assert_eq!((ran.status, ran.err()), (0, String::new()));
    assert!(!ran.out().contains("hunter"), "{}", ran.out());
    insta::assert_snapshot!(ran.out(), @r"
    job      build (runSh)
    place    shippable.yml:6
    runs     in parallel
    timeout  30 minutes

    STEP  NAME      TYPE    INTEGRATION  PINS AND OPTIONS  PLACE
    IN    app-img   image   hub          versionName=v2    shippable.yml:12
                                         switch=off
    IN    settings  params               ENV=prod          shippable.yml:15
                                         DB_PASSWORD=***
                                         TOKEN=***
    TASK  compile                        2 entries         shippable.yml:17
                                         env API_KEY
    OUT   files     state                overwrite=true    shippable.yml:20

    INTEGRATION OF THE JOB  PLACE
    slack                   shippable.yml:9

    HOOK        ENTRIES  NOTIFY
    on_failure  1
    ");
}

#[test]
fn the_job_as_json() {
    let ran = sandbox().shipctl(["job", "show", "build", "--json", "--file", "shippable.yml"]);
    assert!(!ran.out().contains("hunter"), "{}", ran.out());
    let found: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(
        (&found["triggerMode"], &found["timeoutMinutes"], &found["integrations"]),
        (&json!("parallel"), &json!(30.0), &json!(["slack"]))
    );
    assert_eq!(
        found["steps"][0],
        json!({
            "step": "IN", "name": "app-img", "type": "image", "isJob": false, "integration": "hub",
            "pins": {"versionName": "v2", "switch": "off"}, "options": {}, "versionName": "v1", "params": {},
            "place": "shippable.yml:12",
        })
    );
    assert_eq!(found["steps"][1]["params"], json!({"ENV": "prod", "DB_PASSWORD": "***", "TOKEN": "***"}));
    assert_eq!(found["steps"][2]["env"], json!(["API_KEY"]));
    assert_eq!(found["steps"][3]["options"], json!({"overwrite": true}));
    assert_eq!(found["hooks"]["on_failure"]["entries"], json!(1));
}

#[test]
fn a_job_that_is_not_there() {
    let sandbox = sandbox();
    sandbox.shipctl(["job", "show", "biuld"]).fails(8, "no job biuld in shippable.yml; did you mean build?");
    sandbox.shipctl(["job", "show", "--file", "shippable.yml"]).fails(2, "JOB");
}
