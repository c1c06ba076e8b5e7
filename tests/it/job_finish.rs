//! `job finish --dry-run`: what a run left, said by the commands that scripts have.

use serde_json::{Value, json};

use crate::harness::Sandbox;

/// A job directory as `job init` leaves it: an image and params as outputs, with an integration.
fn job() -> Sandbox {
    let mut sandbox = Sandbox::new();
    let image = json!({"versionNumber": 4, "versionName": "v1", "propertyBag": {"sourceName": "org/img"}});
    let params = json!({"versionNumber": 1, "versionName": null, "propertyBag": {"params": {"PORT": 8080}}});
    let mut dependencies = Vec::new();
    for (name, kind, version) in [("img", "image", image), ("settings", "params", params)] {
        let document = json!({"operation": "OUT", "name": name, "type": kind, "version": version});
        sandbox.write(format!("job/OUT/{name}/version.json"), document.to_string());
        dependencies.push(json!({"operation": "OUT", "name": name, "type": kind, "isJob": false, "resourceId": 1,
            "step": {"OUT": name}, "version": version}));
    }
    let run = json!({"job": "build", "type": "runSh", "buildNumber": "7", "token": "t", "store": "/nowhere",
        "dependencies": dependencies});
    sandbox.write("job/status/run.json", run.to_string());
    sandbox.write("job/state/build.env", "");
    sandbox.write("job/OUT/img/integration.json", r#"{"masterName": "hipchatKey", "token": "t0p-s3cret"}"#);
    let root = sandbox.path("job");
    sandbox.set("JOB_PATH", root);
    sandbox
}

#[test]
fn what_the_commands_said_is_what_would_change() {
    let sandbox = job();
    let script = "shipctl put_resource_state img versionName v2 && shipctl put_resource_state img URL 'https://h/?a=b' && \
                  shipctl put_resource_state_multi settings PORT=8080 NAME=x && \
                  shipctl post_resource_state build versionName rel-7 && shipctl job finish --dry-run";
    let before = sandbox.read("job/OUT/img/version.json");
    sandbox.bash(script).prints(
        "job build: a new version, its state as it is now\n  versionName: none -> \"rel-7\"\n\
         img: a new version\n  versionName: \"v1\" -> \"v2\"\n  URL: none -> \"https://h/?a=b\"\n\
         settings: a new version\n  params.PORT: 8080 -> \"8080\"\n  params.NAME: none -> \"x\"\n",
    );
    assert_eq!(sandbox.read("job/OUT/img/version.json"), before);

    let root = sandbox.path("job");
    let ran =
        sandbox.shipctl(["job", "finish", "--dry-run", "--json", "--compat-split", "--dir", root.to_str().unwrap()]);
    let json: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(json["resources"][0]["changes"][1], json!({"key": "URL", "new": "https://h/?a"}));

    let ran = sandbox.shipctl(["job", "finish", "--dry-run", "--status", "failure"]);
    ran.prints("job build: a new version, its previous state\n");
    let ran = sandbox.shipctl(["job", "finish", "--dry-run", "--status", "cancelled"]);
    ran.prints("nothing is kept of a run that was cancelled\n");
}

#[test]
fn what_cannot_be_finished() {
    let sandbox = job();
    let finish = ["job", "finish", "--dry-run"];
    sandbox.write("job/state/img.env", "TOKEN=x-t0p-s3cret-x\n");
    let ran = sandbox.shipctl(finish);
    ran.fails(1, "state/img.env: TOKEN holds a secret");
    assert!(!ran.err().contains("s3cret-x"));
    sandbox.write("job/state/img.env", "");
    sandbox.write("job/state/log", "x t0p-s3cret");
    let ran = sandbox.shipctl(finish);
    ran.fails(1, "state/log: holds a secret of the job (token of img)");
    std::fs::remove_file(sandbox.path("job/state/log")).unwrap();
    sandbox.write("job/state/img.env", b"A=1\nB=\xff\n");
    sandbox.shipctl(finish).fails(1, "state/img.env:2: not UTF-8");
    sandbox.write("job/status/run.json", "{");
    sandbox.shipctl(finish).fails(8, "status/run.json");
    std::fs::remove_file(sandbox.path("job/status/run.json")).unwrap();
    sandbox.shipctl(finish).fails(8, "shipctl job init");
    sandbox.shipctl(["job", "finish", "--status", "maybe"]).fails(2, "maybe");
}
