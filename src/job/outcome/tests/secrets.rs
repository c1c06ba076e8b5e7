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

/// With what `job init` remembers, another value under the same name is seen wherever it is taken from.
#[test]
fn another_secret_under_the_same_name_is_refused() {
    let step = json!({"OUT": "p", "replicate": "src"});
    let remembering = |on_disk: Value, references: Option<Value>| {
        let mut dir = secure_params(step.clone()).with("state/p.env", "A=2");
        let started = json!({"PW": "hunter22"});
        for recorded in &mut dir.record.dependencies {
            let started = if references.is_some() { &started } else { &json!("PW=hunter22") };
            recorded.secure = Some(crate::job::record::secure_digest("t", started));
            if references.is_none() {
                let version = recorded.version.as_mut().unwrap();
                version["propertyBag"]["params"].as_object_mut().unwrap().shift_remove("secure");
            }
        }
        if references.is_none() {
            // An output is not given the text.
            dir = dir.edited("OUT/p/version.json", |json| {
                json["version"]["propertyBag"]["params"].as_object_mut().unwrap().shift_remove("secure");
            });
        }
        dir.edited("IN/src/version.json", |json| json["version"]["propertyBag"]["params"]["secure"] = on_disk)
    };
    let references = json!({"PW": "env:PW"});
    let dir = remembering(json!({"PW": "hunter22"}), Some(references.clone()));
    assert_eq!(only(dir.succeeds()).1, json!({"params": {"A": "2", "secure": references}}));
    let dir = remembering(references.clone(), Some(references.clone()));
    assert_eq!(only(dir.succeeds()).1, json!({"params": {"A": "2", "secure": references}}));
    for changed in [json!({"PW": "hunter33"}), json!({"PW": "hunter22", "X": ""}), json!({}), json!("PW=hunter22")] {
        let error = remembering(changed, Some(references.clone())).error();
        assert!(error.starts_with("IN/src/version.json: the job changed") && !error.contains("hunter"), "{error}");
    }
    // The text of a yml is in no version.
    assert_eq!(only(remembering(json!("PW=hunter22"), None).succeeds()).1, json!({"params": {"A": "2"}}));
    assert!(remembering(json!("PW=hunter33"), None).error().starts_with("IN/src/version.json: the job changed"));
}

/// Secrets that placeholders were allowed to bring in stay where they are from.
#[test]
fn what_was_filled_in_goes_back_to_its_placeholder() {
    let filled = json!({"sourceName": "org/AKIAEXAMPLE", "deep": [{"a": "s3cr=t/key", "b": "plain"}], "b": "plain"});
    let template = json!({"versionName": "v$KEY", "propertyBag":
        {"sourceName": "org/$KEY", "deep": [{"a": "$SECRET", "b": "$B"}], "b": "$B"}});
    let dir = |step: Value| {
        let mut dir = Dir::of(&[
            (json!({"IN": "src"}), "image", image("vAKIAEXAMPLE", filled.clone())),
            (step, "image", image("vAKIAEXAMPLE", filled.clone())),
        ]);
        dir.record.allow_secrets = true;
        for recorded in &mut dir.record.dependencies {
            recorded.template = template.as_object().cloned();
        }
        dir.with("integrations/aws/integration.json", KEY)
    };
    let plain = json!({"sourceName": "org/$KEY", "deep": [{"a": "$SECRET", "b": "plain"}], "b": "plain"});
    assert_eq!(dir(json!({"OUT": "img"})).succeeds().drafts, []);
    for step in [json!({"OUT": "img"}), json!({"OUT": "img", "replicate": "src"})] {
        let mut want = plain.clone();
        want["x"] = "1".into();
        let dir = dir(step).with("state/img.env", "x=1");
        assert_eq!(only(dir.succeeds()), (Some("v$KEY".into()), want));
    }
    let dir = dir(json!({"OUT": "img"})).with("state/img.env", "versionName=v2\nsourceName=x/AKIAEXAMPLE");
    assert!(dir.error().starts_with("state/img.env: sourceName holds a secret"));
}

/// What becomes of a file of a state.
fn refused(dir: &Dir, path: &str, content: &[u8]) -> Option<String> {
    let secrets = dir.secrets();
    let refused = secrets.refuse_file(Path::new("state"), Path::new(path), &mut &content[..]).unwrap();
    refused.err().map(|error| error.to_string())
}

#[test]
fn a_file_of_a_state_with_a_secret_is_refused() {
    let key =
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA0123456789abcdef\nq8Zx\n-----END RSA PRIVATE KEY-----\n";
    let service = r#"{"type": "service_account", "private_key": "k3y-0f-the-account", "project_id": "my-project"}"#;
    let google = json!({"masterName": "gcloudKey", "JSON_key": service});
    let dir = one_image()
        .with("IN/aws/integration.json", KEY)
        .with("IN/gke/integration.json", &google.to_string())
        .with("secrets/00_sub", key);
    for (path, content, name) in [
        ("a", "x s3cr=t/key y", "secretKey of aws"),
        ("deep/a", "czNjcj10L2tleQ==", "secretKey of aws"),
        ("a", "eDpzM2NyPXQva2V5", "secretKey of aws"),
        ("a", "u=https://u:s3cr%3Dt%2Fkey@h", "secretKey of aws"),
        ("a", r#"{"k": "s3cr=t\/key"}"#, "secretKey of aws"),
        ("s3cr=t", "AKIAEXAMPLE", "accessKey of aws"),
        ("a", "key MIIEowIBAAKCAQEA0123456789abcdef", "the key secrets/00_sub"),
        ("a", &key.replace('\n', "\\n"), "the key secrets/00_sub"),
        ("a", "a k3y-0f-the-account b", "JSON_key of gke"),
    ] {
        let error = refused(&dir, path, content.as_bytes()).unwrap_or_else(|| panic!("{content}"));
        assert!(error.starts_with(&format!("state/{path}: holds a secret of the job ({name})")), "{error}");
        assert!(!error.contains("s3cr=t/key"), "{error}");
    }
    let error = refused(&dir, "AKIAEXAMPLE", b"x").unwrap();
    assert!(error.starts_with("state: a name in it holds a secret of the job (accessKey of aws)"), "{error}");
    for content in [
        "s3cr=t/ke",
        "-----BEGIN RSA PRIVATE KEY-----\nq8Zx\nother\n-----END RSA PRIVATE KEY-----\n",
        r#"{"type": "service_account", "project_id": "my-project"}"#,
        "",
    ] {
        assert_eq!(refused(&dir, "a", content.as_bytes()), None, "{content}");
    }
}

/// Wherever the reader and the pieces cut it.
#[test]
fn a_secret_across_pieces_is_found() {
    let dir = one_image().with("IN/aws/integration.json", KEY);
    for before in [0, (64 << 10) - 5, (64 << 10) - 1, 64 << 10, 200_000] {
        let mut content = vec![b's'; before];
        content.extend_from_slice(b"s3cr=t/key");
        assert!(refused(&dir, "a", &content).is_some(), "{before}");
        content.pop();
        assert_eq!(refused(&dir, "a", &content), None, "{before}");
    }
}

#[test]
fn what_is_perhaps_no_secret_is_looked_for_unless_secrets_are_allowed() {
    let pair = r#"{"masterName": "keyValuePair", "envs": {"REGION": "us-east-1", "LICENSE": "0123-4567-89ab-cdef", "PW": "x-word"}}"#;
    let mut dir = one_image().with("IN/kv/integration.json", pair);
    assert_eq!(refused(&dir, "a", b"in us-east-1"), None);
    assert!(
        refused(&dir, "a", b"l=0123-4567-89ab-cdef")
            .unwrap()
            .contains("(LICENSE of kv; if it is none, make the job directory with --allow-secrets)")
    );
    let said = "LICENSE=0123-4567-89ab-cdef";
    assert!(
        one_image().with("IN/kv/integration.json", pair).with("state/img.env", said).error().contains("LICENSE of kv")
    );
    dir.record.allow_secrets = true;
    assert_eq!(refused(&dir, "a", b"l=0123-4567-89ab-cdef"), None);
    assert_eq!(dir.with("state/img.env", said).succeeds().drafts.len(), 1);
    let role = r#"{"masterName": "amazonIamRole", "assumeRoleARN": "arn:aws:iam::1:role/x", "output": "json"}"#;
    let mut dir = one_image().with("IN/role/integration.json", role);
    assert!(refused(&dir, "a", b"arn:aws:iam::1:role/x").unwrap().contains("(assumeRoleARN of role; if it is none"));
    dir.record.allow_secrets = true;
    assert_eq!(refused(&dir, "a", b"arn:aws:iam::1:role/x"), None);
    let mut dir = one_image().with("IN/aws/integration.json", KEY);
    dir.record.allow_secrets = true;
    assert!(refused(&dir, "a", b"AKIAEXAMPLE").is_some());
    dir.record.masks = vec!["s3ssion-of-docker".to_owned()];
    assert!(refused(&dir, "a", b"s3ssion-of-docker").unwrap().contains("login of a command-line tool"));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(32))]

    /// In every spelling that a program may give it, with whatever is around it.
    #[test]
    fn every_spelling_is_found(secret in "[!-~é]{7}[ -~é\n]{0,40}[!-~é]", before in "[ -~\n]{0,40}", after in "[ -~\n]{0,40}") {
        use base64::Engine as _;
        let integration = json!({"masterName": "hipchatKey", "token": secret}).to_string();
        let dir = one_image().with("IN/x/integration.json", &integration);
        let text = format!("{before}{secret}{after}");
        let base64 = base64::engine::general_purpose::STANDARD.encode(&text);
        let json = json!({"k": text}).to_string();
        let url = percent_encoding::utf8_percent_encode(&secret, percent_encoding::NON_ALPHANUMERIC).to_string();
        for spelled in [text, base64, json, url] {
            proptest::prop_assert!(refused(&dir, "a", spelled.as_bytes()).is_some(), "{spelled}");
        }
    }
}
