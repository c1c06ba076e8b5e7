//! No secret of the job gets into a version.

use super::*;

const KEY: &str = r#"{"id": 1, "masterName": "amazonKeys", "accessKey": "AKIAEXAMPLE", "secretKey": "s3cr=t/key", "url": "https://aws"}"#;

#[test]
fn a_secret_is_refused() {
    let base64 = "x=czNjcj10L2tleQ==";
    for (holder, file, text, named) in [
        ("OUT/img/integration.json", "state/img.env", "DSN=pg://u:s3cr=t/key@h", "state/img.env: DSN"),
        ("IN/x/integration.json", "state/img.env", "versionName=v-s3cr=t/key", "state/img.env: versionName"),
        ("integrations/aws/integration.json", "state/build.env", "k=AKIAEXAMPLE", "state/build.env: k"),
        ("integrations/aws/integration.json", "state/img.env", "u=https://u:s3cr%3Dt%2Fkey@h", "state/img.env: u"),
        ("integrations/aws/integration.json", "state/img.env", base64, "state/img.env: x"),
        ("integrations/aws/integration.json", "state/img.env", "s3cr<<E\nx\ns3cr=t/key\nE", "state/img.env: s3cr"),
        (
            "integrations/aws/integration.json",
            "state/outputVersion.json",
            r#"{"propertyBag": {"a": [{"b": "s3cr=t/key"}]}}"#,
            "state/outputVersion.json: a[0].b",
        ),
        (
            "integrations/aws/integration.json",
            "OUT/img/version.json",
            r#"{"version": {"propertyBag": {"deep": {"AKIAEXAMPLE": 1}}}}"#,
            "OUT/img/version.json: a name in deep",
        ),
    ] {
        let error = one_image().with(holder, KEY).with(file, text).error();
        assert!(error.starts_with(named), "{error}");
        assert!(!error.contains("s3cr=t/key") && !error.contains("AKIAEXAMPLE"), "{error}");
    }
    // What is public, and what no secret of this job is.
    for said in ["k=https://aws", "k=s3cr", "k=amazonKeys"] {
        let dir = one_image().with("OUT/img/integration.json", KEY).with("state/img.env", said);
        assert_eq!(dir.succeeds().drafts.len(), 1, "{said}");
    }
    let short = r#"{"masterName": "hipchatKey", "token": "abc"}"#;
    assert_eq!(
        one_image().with("IN/x/integration.json", short).with("state/img.env", "k=abcd").succeeds().drafts.len(),
        1
    );
    // A version that stays as it was is not looked at.
    let same = r#"{"masterName": "hipchatKey", "token": "org/img"}"#;
    assert_eq!(one_image().with("IN/x/integration.json", same).succeeds().drafts.len(), 0);
}

#[test]
fn what_the_user_named_is_a_secret_unless_the_job_was_given_it() {
    let pair = r#"{"masterName": "keyValuePair", "envs": {"REGION": "us-east-1", "DB_PASSWORD": "org/img"}}"#;
    let dir = |said| {
        Dir::of(&[(json!({"OUT": "c"}), "cluster", image("v1", json!({"region": "us-east-1"})))])
            .with("IN/kv/integration.json", pair)
            .with("state/c.env", said)
    };
    assert_eq!(dir("x=1").succeeds().drafts.len(), 1);
    assert!(dir("x=in us-east-1").error().starts_with("state/c.env: x"));
    assert!(dir("x=org/img").error().starts_with("state/c.env: x"));
}

fn secure_params(step: Value) -> Dir {
    let version = image("v1", json!({"params": {"A": "1", "secure": {"PW": "env:PW"}}}));
    let resolve = |json: &mut Value| json["version"]["propertyBag"]["params"]["secure"]["PW"] = "hunter22".into();
    let dir = Dir::of(&[(json!({"IN": "src"}), "params", version.clone()), (step, "params", version)]);
    dir.edited("IN/src/version.json", resolve).edited("OUT/p/version.json", resolve)
}

#[test]
fn secure_params_go_back_to_their_references() {
    let dir = secure_params(json!({"OUT": "p"}));
    assert_eq!(dir.succeeds().drafts, []);
    let dir = dir.with("state/p.env", "A=2");
    let want = json!({"params": {"A": "2", "secure": {"PW": "env:PW"}}});
    assert_eq!(only(dir.succeeds()), (Some("v1".into()), want.clone()));
    let dir = secure_params(json!({"OUT": "p", "replicate": "src"})).with("state/p.env", "A=2");
    assert_eq!(only(dir.succeeds()).1, want);

    assert!(
        secure_params(json!({"OUT": "p"})).with("state/p.env", "B=x hunter22").error().starts_with("state/p.env: B")
    );
    let error = secure_params(json!({"OUT": "p"})).with("state/p.env", "secure=B=1").error();
    assert!(error.starts_with("state/p.env: the job changed secure"), "{error}");
    let changes: [fn(&mut Value); 2] = [|secure| secure["NEW"] = "hunter33".into(), |secure| *secure = "PW=x".into()];
    for change in changes {
        let dir = secure_params(json!({"OUT": "p"}))
            .edited("OUT/p/version.json", |json| change(&mut json["version"]["propertyBag"]["params"]["secure"]));
        let error = dir.error();
        assert!(error.starts_with("OUT/p/version.json: the job changed") && !error.contains("hunter33"), "{error}");
    }
    // Where the message tells what it was, another value is seen.
    let message = json!({"dependencies": [{"operation": "OUT", "name": "p",
        "version": {"propertyBag": {"params": {"secure": {"PW": "hunter22"}}}}}]});
    let dir = secure_params(json!({"OUT": "p"})).with("message.json", &message.to_string());
    assert_eq!(dir.succeeds().drafts, []);
    let dir = dir.edited("OUT/p/version.json", |json| {
        json["version"]["propertyBag"]["params"]["secure"]["PW"] = "hunter33".into();
    });
    assert!(dir.error().starts_with("OUT/p/version.json: the job changed"));
}
