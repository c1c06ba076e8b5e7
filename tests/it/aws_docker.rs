//! Docker's logins: `aws ecr-login`, and `docker-credential-shipctl` as Docker calls it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use base64::Engine;
use serde_json::{Value, json};

use crate::harness::{Ran, SHIPCTL, Sandbox};
use crate::scripted_sts::{Answer, BASE_ID, BASE_SECRET, Sts, refuses, session_id};

const HOST: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
const PASSWORD: &str = "ecr/password+of=docker";

fn token() -> String {
    base64::engine::general_purpose::STANDARD.encode(format!("AWS:{PASSWORD}"))
}

/// An ECR that knows one account, or those that are asked for; STS grants roles.
fn ecr() -> Sts {
    Sts::start(|call| {
        if call.action() == "AssumeRole" {
            return Answer::session(call.number, 3600);
        }
        let target = call.header("x-amz-target").unwrap_or_default();
        assert_eq!(target, "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken");
        let asked: Value = serde_json::from_str(&call.body).unwrap();
        let ids = asked["registryIds"].as_array().cloned().unwrap_or_else(|| vec!["123456789012".into()]);
        let region = call.region();
        let data: Vec<Value> = ids
            .iter()
            .map(|id| {
                let endpoint = format!("https://{}.dkr.ecr.{region}.amazonaws.com", id.as_str().unwrap());
                json!({"authorizationToken": token(), "expiresAt": 4_102_444_800.0, "proxyEndpoint": endpoint})
            })
            .collect();
        json_answer(200, &json!({"authorizationData": data}))
    })
}

fn json_answer(status: u16, body: &Value) -> Answer {
    Answer::Http(status, vec![("Content-Type", "application/x-amz-json-1.1".to_owned())], body.to_string())
}

fn config(sandbox: &Sandbox) -> Value {
    serde_json::from_slice(&sandbox.read("home/.docker/config.json")).unwrap()
}

/// A program on the path that keeps what it is told, and who called it how.
fn recorder(sandbox: &Sandbox, name: &str, status: u8) {
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$@\" >> \"$HOME/{name}.words\"\ntr '\\0' ' ' < /proc/$PPID/cmdline >> \"$HOME/{name}.parent\"\n\
         cat >> \"$HOME/{name}.input\"\nexit {status}\n"
    );
    let file = sandbox.write(format!("bin/docker-credential-{name}"), script);
    fs::set_permissions(file, Permissions::from_mode(0o755)).unwrap();
}

#[track_caller]
fn logs_in(ran: &Ran, hosts: &[&str]) {
    assert_eq!((ran.status, ran.out()), (0, String::new()), "{}", ran.err());
    let said = ran.err();
    assert_eq!(said.lines().count(), hosts.len(), "{said}");
    for host in hosts {
        assert!(said.contains(&format!("logged in to {host} until 2100-01-01T00:00:00Z")), "{said}");
    }
    assert!(!said.contains(PASSWORD) && !said.contains(&token()), "{said}");
}

const LOGIN: [&str; 3] = ["aws", "ecr-login", "--ambient"];

#[test]
fn a_login_lies_where_docker_looks() {
    let ecr = ecr();
    let sandbox = ecr.sandbox();
    logs_in(
        &Ran::of(
            sandbox.command("sh").args(["-c", "umask 000; exec shipctl aws ecr-login --ambient"]).output().unwrap(),
        ),
        &[HOST],
    );
    assert_eq!(config(&sandbox), json!({"auths": {HOST: {"auth": token()}}}));
    let mode = |path: &str| fs::metadata(sandbox.path(path)).unwrap().mode() & 0o777;
    assert_eq!((mode("home/.docker"), mode("home/.docker/config.json")), (0o700, 0o600));
    let call = ecr.only();
    assert_eq!((call.signer(), call.region(), call.body.as_str()), (BASE_ID, "eu-west-1", "{}"));
}

#[test]
fn what_else_is_in_the_file_stays() {
    let ecr = ecr();
    let mut sandbox = ecr.sandbox();
    let folder = sandbox.path("elsewhere");
    sandbox.set("DOCKER_CONFIG", &folder);
    let old = json!({
        "zebra": 1.50, "auths": {"https://index.docker.io/v1/": {"auth": "eA=="}, HOST: {"auth": "b2xk"}},
        "HttpHeaders": {"X": "y"}, "credHelpers": {"gcr.io": "gcloud"}, "big": 12_345_678_901_234_567_890_u64
    });
    let file = sandbox.write("elsewhere/config.json", serde_json::to_string(&old).unwrap());
    fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    logs_in(&sandbox.shipctl(LOGIN), &[HOST]);
    let text = fs::read_to_string(&file).unwrap();
    let mut want = old;
    want["auths"][HOST]["auth"] = token().into();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), want);
    let at = |key: &str| text.find(key).unwrap_or_else(|| panic!("{key}"));
    assert!(at("zebra") < at("auths") && at("auths") < at("HttpHeaders") && at("HttpHeaders") < at("big"), "{text}");
    assert!(text.contains("1.50") || text.contains("1.5"), "{text}");
    assert!(text.contains("12345678901234567890"), "{text}");
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o640);
    assert!(!sandbox.path("home/.docker").exists());
}

#[test]
fn several_registries_at_once() {
    let ecr = ecr();
    let sandbox = ecr.sandbox();
    let words = ["--registry", "111111111111", "222222222222", "--region", "us-west-2"];
    let hosts = ["111111111111.dkr.ecr.us-west-2.amazonaws.com", "222222222222.dkr.ecr.us-west-2.amazonaws.com"];
    logs_in(&sandbox.shipctl([&LOGIN[..], &words].concat()), &hosts);
    let config = config(&sandbox);
    assert!(hosts.iter().all(|host| config["auths"][host]["auth"] == token().as_str()), "{config}");
    assert_eq!(ecr.only().body, r#"{"registryIds":["111111111111","222222222222"]}"#);
}

#[test]
fn a_store_takes_the_login_and_the_file_does_not() {
    let text = |own: &str| format!("{{\"credsStore\": \"record\"{own}}}");
    let helper = format!(", \"credHelpers\": {{\"{HOST}\": \"mine\"}}");
    for (text, name) in [(text(""), "record"), (text(&helper), "mine")] {
        let ecr = ecr();
        let sandbox = ecr.sandbox();
        recorder(&sandbox, "record", 0);
        recorder(&sandbox, "mine", 0);
        let file = sandbox.write("home/.docker/config.json", &text);
        logs_in(&sandbox.shipctl(LOGIN), &[HOST]);
        assert_eq!(fs::read_to_string(file).unwrap(), text);
        let told: Value = serde_json::from_slice(&sandbox.read(format!("home/{name}.input"))).unwrap();
        // The name under which Docker will ask for it.
        assert_eq!(told, json!({"ServerURL": HOST, "Username": "AWS", "Secret": PASSWORD}));
        assert_eq!(sandbox.read(format!("home/{name}.words")), b"store\n");
        let parent = String::from_utf8(sandbox.read(format!("home/{name}.parent"))).unwrap();
        for secret in [PASSWORD, &token(), BASE_SECRET] {
            assert!(!parent.contains(secret), "{parent}");
        }
    }
}

#[test]
fn a_store_that_fails_is_named() {
    let ecr = ecr();
    let sandbox = ecr.sandbox();
    recorder(&sandbox, "broken", 3);
    for (store, holds) in [("broken", "docker-credential-broken"), ("absent", "docker-credential-absent")] {
        let text = json!({"credsStore": store}).to_string();
        let file = sandbox.write("home/.docker/config.json", &text);
        let ran = sandbox.shipctl(LOGIN);
        refuses(&ran, 1, &[holds]);
        assert!(!ran.err().contains(PASSWORD), "{}", ran.err());
        assert_eq!(fs::read_to_string(file).unwrap(), text);
    }
}

#[test]
fn a_broken_file_is_left_alone() {
    let ecr = ecr();
    let sandbox = ecr.sandbox();
    for text in ["{broken", "[]", r#"{"auths": []}"#, "\u{feff}{}"] {
        let file = sandbox.write("home/.docker/config.json", text);
        refuses(&sandbox.shipctl(LOGIN), 8, &["config.json"]);
        assert_eq!(fs::read_to_string(file).unwrap(), text);
    }
    for text in ["", "\n"] {
        sandbox.write("home/.docker/config.json", text);
        logs_in(&sandbox.shipctl(LOGIN), &[HOST]);
    }
}

#[test]
fn no_region_no_call() {
    let ecr = ecr();
    let mut sandbox = ecr.sandbox();
    sandbox.env.remove(std::ffi::OsStr::new("AWS_REGION"));
    refuses(&sandbox.shipctl(LOGIN), 8, &["no region", "--region", "AWS_REGION"]);
    assert!(ecr.calls().is_empty());
}

#[test]
fn answers_without_a_login_are_the_networks() {
    let cases =
        [json!({"authorizationData": []}), json!({}), json!({"authorizationData": [{"proxyEndpoint": "https://x"}]})];
    for body in cases {
        let ecr = Sts::saying([json_answer(200, &body)]);
        refuses(&ecr.sandbox().shipctl(LOGIN), 7, &["ECR"]);
    }
    let denied = json!({"__type": "AccessDeniedException", "message": "User: arn:aws:iam::1:user/ci is not authorized to perform: ecr:GetAuthorizationToken"});
    let ecr = Sts::saying([json_answer(400, &denied)]);
    refuses(&ecr.sandbox().shipctl(LOGIN), 4, &["AccessDeniedException", "user/ci", "allow ecr:GetAuthorizationToken"]);
    ecr.only();
}

#[test]
fn a_throttled_or_misdated_login_succeeds() {
    let throttled = json_answer(400, &json!({"__type": "ThrottlingException", "message": "Rate exceeded"}));
    let expired =
        json_answer(403, &json!({"__type": "InvalidSignatureException", "message": "Signature expired"})).dated(1800);
    let good = json_answer(
        200,
        &json!({"authorizationData": [{"authorizationToken": token(), "expiresAt": 4_102_444_800.0, "proxyEndpoint": format!("https://{HOST}")}]}),
    );
    let ecr = Sts::saying([throttled.clone(), throttled, good.clone()]);
    logs_in(&ecr.sandbox().shipctl(LOGIN), &[HOST]);
    assert_eq!(ecr.calls().len(), 3);
    let ecr = Sts::saying([expired, good]);
    let ran = ecr.sandbox().shipctl(LOGIN);
    assert!(ran.status == 0 && ran.err().lines().count() == 2 && ran.err().contains("30 min behind"), "{}", ran.err());
    let calls = ecr.calls();
    assert_eq!(calls.len(), 2);
    assert!(((calls[1].signed_at() - calls[0].signed_at()) - 1800).abs() < 10);
}

/// Docker, as far as it matters: calls the helper that its file names, and shows what came of it.
fn docker(sandbox: &Sandbox, verb: &str, input: &str) -> Ran {
    if !sandbox.path("bin/docker-credential-shipctl").exists() {
        symlink(SHIPCTL, sandbox.path("bin/docker-credential-shipctl")).unwrap();
    }
    let input_file = sandbox.write("input", input);
    sandbox.bash(&format!("docker-credential-shipctl {verb} < {}", input_file.display()))
}

#[test]
fn docker_gets_a_password_for_a_registry() {
    for server in [HOST.to_owned(), format!("https://{HOST}"), format!("{HOST}\n"), format!("https://{HOST}/v2/")] {
        let ecr = ecr();
        let sandbox = ecr.sandbox();
        let ran = docker(&sandbox, "get", &server);
        assert_eq!((ran.status, ran.err()), (0, String::new()));
        let told: Value = serde_json::from_slice(&ran.stdout).unwrap();
        assert_eq!(told, json!({"ServerURL": server.trim(), "Username": "AWS", "Secret": PASSWORD}));
        let call = ecr.only();
        assert_eq!((call.region(), call.body.as_str()), ("eu-west-1", r#"{"registryIds":["123456789012"]}"#));
    }
}

#[test]
fn the_registry_says_account_and_region() {
    let ecr = ecr();
    let sandbox = ecr.sandbox();
    let ran = docker(&sandbox, "get", "210987654321.dkr.ecr.us-east-2.amazonaws.com");
    assert_eq!(ran.status, 0, "{}", ran.err());
    let call = ecr.only();
    assert_eq!((call.region(), call.body.as_str()), ("us-east-2", r#"{"registryIds":["210987654321"]}"#));
}

#[test]
fn a_source_of_the_job_can_be_named() {
    let ecr = ecr();
    let mut sandbox = ecr.sandbox();
    sandbox.write(
        "job/IN/my-ecr/integration.json",
        json!({"masterName": "amazonIamRole", "assumeRoleARN": "arn:aws:iam::123456789012:role/deploy"}).to_string(),
    );
    let root = sandbox.path("job");
    sandbox.set("JOB_PATH", root).set("SHIPCTL_ECR_SOURCE", "my-ecr");
    let ran = docker(&sandbox, "get", HOST);
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert_eq!(ecr.calls()[1].signer(), session_id(1));
    sandbox.set("SHIPCTL_ECR_SOURCE", "nobody");
    refuses(&docker(&sandbox, "get", HOST), 3, &["nobody"]);
}

#[test]
fn other_registries_are_none_of_ours() {
    let ecr = ecr();
    let sandbox = ecr.sandbox();
    for server in [
        "https://index.docker.io/v1/",
        "gcr.io",
        "",
        "x.dkr.ecr.eu-west-1.amazonaws.com",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.test",
    ] {
        let ran = docker(&sandbox, "get", server);
        // Docker compares these very words, and then goes on without credentials.
        assert_eq!((ran.status, ran.out()), (1, "credentials not found in native keychain\n".to_owned()), "{server}");
    }
    assert!(ecr.calls().is_empty());
}

#[test]
fn the_rest_of_the_protocol() {
    let ecr = ecr();
    let sandbox = ecr.sandbox();
    docker(&sandbox, "list", "").prints("{}\n");
    let entry = json!({"ServerURL": HOST, "Username": "AWS", "Secret": "x"}).to_string();
    docker(&sandbox, "store", &entry).prints("");
    docker(&sandbox, "erase", HOST).prints("");
    docker(&sandbox, "version", "").prints(format!("docker-credential-shipctl {}\n", env!("CARGO_PKG_VERSION")));
    for verb in ["", "fetch"] {
        let ran = docker(&sandbox, verb, "");
        assert_eq!((ran.status, ran.out()), (2, String::new()));
        assert!(ran.err().contains("get|store|erase|list"), "{}", ran.err());
    }
    assert!(ecr.calls().is_empty());
}

#[test]
fn our_own_helper_as_the_store_is_no_circle() {
    let ecr = ecr();
    let sandbox = ecr.sandbox();
    symlink(SHIPCTL, sandbox.path("bin/docker-credential-shipctl")).unwrap();
    let text = json!({"credHelpers": {HOST: "shipctl"}}).to_string();
    let file = sandbox.write("home/.docker/config.json", &text);
    logs_in(&sandbox.shipctl(LOGIN), &[HOST]);
    assert_eq!(fs::read_to_string(file).unwrap(), text);
    ecr.only();
}

#[test]
fn configure_can_log_in_too() {
    let ecr = ecr();
    let mut sandbox = ecr.sandbox();
    sandbox.set("MYKEYS_INTEGRATION_ACCESSKEY", "AKIAOWN").set("MYKEYS_INTEGRATION_SECRETKEY", "own/secret");
    let ran = sandbox.shipctl(["aws", "configure", "--scope", "ecr", "my.keys"]);
    assert_eq!((ran.status, ran.err().lines().count()), (0, 2), "{}", ran.err());
    assert_eq!(config(&sandbox)["auths"][HOST]["auth"], token());
    assert_eq!(ecr.only().signer(), "AKIAOWN");
}

#[test]
fn passwords_lie_in_dockers_file_alone() {
    let ecr = ecr();
    let sandbox = ecr.sandbox();
    logs_in(&sandbox.shipctl([&LOGIN[..], &["--role-arn", "arn:aws:iam::123456789012:role/deploy"]].concat()), &[HOST]);
    let encoded = token();
    for (path, text) in crate::aws_cache::files_below(&sandbox.root()) {
        let holds = [PASSWORD, &encoded].iter().any(|secret| memchr::memmem::find(&text, secret.as_bytes()).is_some());
        assert_eq!(holds, path.ends_with(".docker/config.json"), "{}", path.display());
    }
}
