//! `job env`: names, values and order by the contract, and real shells that read every value back byte for byte.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::harness::{Ran, Sandbox, tool};
use crate::vectors::job_fixture;

type Env = BTreeMap<String, Vec<u8>>;

/// A sandbox with an empty job directory `job`, named by `$JOB_PATH`.
fn job() -> Sandbox {
    let mut sandbox = Sandbox::new();
    let root = sandbox.path("job");
    fs::create_dir(&root).unwrap();
    sandbox.set("JOB_PATH", root).set("JOB_NAME", "my-job");
    sandbox
}

/// Writes the `version.json` of a resource.
fn resource(sandbox: &Sandbox, folder: &str, version: &Value) {
    sandbox.write(format!("job/{folder}/version.json"), version.to_string());
}

/// A resource in the shape of the platform.
fn dependency(operation: &str, name: &str, kind: &str, yml: Value, version_name: Value, bag: Value) -> Value {
    let mut all = json!({"name": name, "type": kind});
    all.as_object_mut().unwrap().extend(yml.as_object().unwrap().clone());
    json!({
        "operation": operation, "name": name, "type": kind, "resourceId": 2, "projectId": "p1", "isJob": false,
        "propertyBag": {"yml": all},
        "version": {"versionId": 21, "versionNumber": 4, "versionName": version_name, "propertyBag": bag},
    })
}

fn parse_null(bytes: &[u8]) -> Env {
    let entries = bytes.split(|&byte| byte == 0).filter(|entry| !entry.is_empty());
    entries
        .map(|entry| {
            let equals = entry.iter().position(|&byte| byte == b'=').unwrap();
            (String::from_utf8_lossy(&entry[..equals]).into_owned(), entry[equals + 1..].to_vec())
        })
        .collect()
}

/// The environment, and that nothing was said about it.
#[track_caller]
fn env(sandbox: &Sandbox) -> Env {
    let ran = sandbox.shipctl(["job", "env", "--format", "null"]);
    assert_eq!((ran.status, ran.err()), (0, String::new()));
    parse_null(&ran.stdout)
}

/// The variables of one prefix, as text.
fn of_prefix(env: &Env, prefix: &str) -> BTreeMap<String, String> {
    let ours = env.iter().filter_map(|(name, value)| Some((name.strip_prefix(prefix)?, value)));
    ours.map(|(name, value)| (name.to_owned(), String::from_utf8(value.clone()).unwrap())).collect()
}

/// Exactly these variables under a prefix.
#[track_caller]
fn assert_vars(env: &Env, prefix: &str, want: &[(&str, &str)]) {
    let want: BTreeMap<String, String> =
        want.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    assert_eq!(of_prefix(env, prefix), want);
}

/// What every resource of [`dependency`] has.
fn common<'a>(meta: &'a str, state: &'a str, name: &'a str, kind: &'a str, side: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("PATH", meta),
        ("META", meta),
        ("STATE", state),
        ("NAME", name),
        ("TYPE", kind),
        ("OPERATION", side),
        ("ID", "2"),
        ("VERSIONNUMBER", "4"),
        ("VERSIONID", "21"),
    ]
}

/// A type, its yml, versionName and propertyBag; and the variables beside those that all have.
type Case = (&'static str, Value, Value, Value, &'static [(&'static str, &'static str)]);

fn cases() -> Vec<Case> {
    vec![
        (
            "image",
            json!({"integration": "dh", "pointer": {"sourceName": "org/img"}, "seed": {"versionName": "latest"}}),
            json!("master.12"),
            json!({"sourceName": "org/img"}),
            &[
                ("VERSIONNAME", "master.12"),
                ("SOURCENAME", "org/img"),
                ("POINTER_SOURCENAME", "org/img"),
                ("SEED_VERSIONNAME", "latest"),
                ("INTEGRATION_NAME", "dh"),
            ],
        ),
        (
            "cluster",
            json!({"versionTemplate": {"region": "us-east-1", "sourceName": "ecs1"}}),
            Value::Null,
            json!({"region": "us-east-1", "sourceName": "ecs1"}),
            &[
                ("VERSIONNAME", ""),
                ("SOURCENAME", "ecs1"),
                ("POINTER_REGION", "us-east-1"),
                ("POINTER_SOURCENAME", "ecs1"),
            ],
        ),
        (
            "loadBalancer",
            json!({"pointer": {
                "bastionHost": {"address": "1.2.3.4"}, "list": ["a", "b"], "ports": [{"name": "http", "port": 80}],
                "empty": {}, "none": [], "nil": null, "yes": true, "1st-key": "d", "cash": "$HOME `x`"
            }}),
            Value::Null,
            json!({"sourceName": "", "method": "classic"}),
            &[
                ("VERSIONNAME", ""),
                ("POINTER_BASTIONHOST_ADDRESS", "1.2.3.4"),
                ("POINTER_LIST_0", "a"),
                ("POINTER_LIST_1", "b"),
                ("POINTER_PORTS_0_NAME", "http"),
                ("POINTER_PORTS_0_PORT", "80"),
                ("POINTER_NIL", ""),
                ("POINTER_YES", "true"),
                ("POINTER_1STKEY", "d"),
                ("POINTER_CASH", "$HOME `x`"),
            ],
        ),
        ("state", json!({}), json!("9f2c"), json!({"shaData": "9f2c"}), &[("VERSIONNAME", "9f2c")]),
        ("integration", json!({}), Value::Null, json!({}), &[("VERSIONNAME", "")]),
        (
            "cliConfig",
            json!({"pointer": {"region": "us-east-1"}}),
            Value::Null,
            json!({"region": "us-east-1"}),
            &[("VERSIONNAME", ""), ("POINTER_REGION", "us-east-1")],
        ),
        (
            "notification",
            json!({"versionTemplate": {"method": "email", "recipients": ["a@x.org"]}}),
            Value::Null,
            json!({"method": "email", "recipients": ["a@x.org"]}),
            &[("VERSIONNAME", ""), ("POINTER_METHOD", "email"), ("POINTER_RECIPIENTS_0", "a@x.org")],
        ),
        (
            "replicas",
            json!({"version": {"count": 2}}),
            Value::Null,
            json!({"count": 2}),
            &[("VERSIONNAME", ""), ("VERSION_COUNT", "2")],
        ),
        (
            "dockerOptions",
            json!({"version": {"memory": 256}}),
            Value::Null,
            json!({"memory": 256, "cpuShares": 128, "portMappings": ["80:80/tcp"]}),
            &[("VERSIONNAME", "")],
        ),
        (
            "version",
            json!({"seed": {"versionName": "1.2.0"}}),
            json!("1.2.3"),
            json!({}),
            &[("VERSIONNAME", "1.2.3"), ("SEED_VERSIONNAME", "1.2.0")],
        ),
        (
            "time",
            json!({"seed": {"interval": "0 * * * *"}}),
            Value::Null,
            json!({"interval": "0 * * * *"}),
            &[("VERSIONNAME", ""), ("SEED_INTERVAL", "0 * * * *")],
        ),
        ("trigger", json!({"version": {"counter": 7}}), Value::Null, json!({"counter": 7}), &[("VERSIONNAME", "")]),
        (
            "file",
            json!({"pointer": {"sourceName": "https://x/y"}}),
            json!("v1"),
            json!({"sourceName": "https://x/y"}),
            &[("VERSIONNAME", "v1"), ("SOURCENAME", "https://x/y"), ("POINTER_SOURCENAME", "https://x/y")],
        ),
        ("webhook", json!({}), Value::Null, json!({"webhookKey": "k"}), &[("VERSIONNAME", "")]),
        ("externalCIServer", json!({}), Value::Null, json!({}), &[("VERSIONNAME", "")]),
        (
            "ciRepo",
            json!({}),
            json!("c0ffee"),
            json!({"shaData": {"commitSha": "c0ffee"}}),
            &[("VERSIONNAME", "c0ffee")],
        ),
        (
            "syncRepo",
            json!({}),
            json!("c0ffee"),
            json!({"shaData": {"commitSha": "c0ffee"}, "sourceName": "o/r"}),
            &[("VERSIONNAME", "c0ffee"), ("SOURCENAME", "o/r")],
        ),
        (
            "runSh",
            json!({}),
            json!("rel-3"),
            json!({"sha": "4be1", "IMAGE_TAG": "x", "trace": [{"a": 1}]}),
            &[("VERSIONNAME", "rel-3")],
        ),
    ]
}

#[test]
fn every_type_on_both_sides() {
    for (kind, yml, version_name, bag, own) in cases() {
        let sandbox = job();
        for side in ["IN", "OUT"] {
            let name = format!("{kind}.{side}-1");
            resource(
                &sandbox,
                &format!("{side}/{name}"),
                &dependency(side, &name, kind, yml.clone(), version_name.clone(), bag.clone()),
            );
        }
        let env = env(&sandbox);
        for side in ["IN", "OUT"] {
            let name = format!("{kind}.{side}-1");
            let meta = sandbox.path(format!("job/{side}/{name}")).into_os_string().into_string().unwrap();
            let state = format!("{meta}/{kind}");
            let mut want = common(&meta, &state, &name, kind, side);
            want.extend(own);
            assert_vars(&env, &format!("{}{side}1_", kind.to_uppercase()), &want);
        }
    }
}

#[test]
fn both_spellings_of_the_yml_give_the_same() {
    let sandbox = job();
    let bag = json!({"sourceName": "o/i"});
    let old = json!({"pointer": {"sourceName": "o/i", "isPull": false}, "seed": {"versionName": "v1"}});
    let new = json!({"versionTemplate": {"sourceName": "o/i", "isPull": false, "versionName": "v1"}});
    resource(&sandbox, "IN/old", &dependency("IN", "old", "image", old, json!("v2"), bag.clone()));
    resource(&sandbox, "IN/new", &dependency("IN", "new", "image", new, json!("v2"), bag));
    let env = env(&sandbox);
    let place = |name: &str| ["PATH", "META", "STATE", "NAME"].contains(&name);
    for (name, value) in of_prefix(&env, "OLD_").into_iter().filter(|(name, _)| !place(name)) {
        assert_eq!(of_prefix(&env, "NEW_").get(&name), Some(&value), "{name}");
    }
    assert_eq!(of_prefix(&env, "NEW_")["SEED_VERSIONNAME"], "v1");
}

#[test]
fn params_under_their_own_names_and_by_prefix() {
    let sandbox = job();
    let params = json!({
        "ENV": "prod", "PORT": 8080, "RATIO": 1.50, "ON": true, "NIL": null, "da-sh": "d", "lower": "l",
        "LIST": ["x", "y z"], "OBJ": {"a": [1, "b c"]}, "1st": "digit",
        "TEXT": "line 1\n'q' \"dq\" $HOME `id` \\ end\n", "JOB_NAME": "mine", "P_NAME": "mine",
        "secure": "TOKEN=abc DBPW=\"x y\" S-5='q q'"
    });
    let version = dependency(
        "IN",
        "p",
        "params",
        json!({"versionTemplate": {"params": {"ENV": "t"}}}),
        Value::Null,
        json!({"params": params}),
    );
    resource(&sandbox, "IN/p", &version);
    resource(
        &sandbox,
        "OUT/q",
        &dependency("OUT", "q", "params", json!({}), Value::Null, json!({"params": {"OUTONLY": "1"}})),
    );
    let ran = sandbox.shipctl(["job", "env", "--format", "null"]);
    assert_eq!(
        ran.err(),
        "shipctl: key \"1st\" of IN/p, params key under its own name is left out: it cannot be the name of a variable\n"
    );
    let env = parse_null(&ran.stdout);
    let text = |name: &str| String::from_utf8(env[name].clone()).unwrap();
    let shared = [
        ("ENV", "ENV", "prod"),
        ("PORT", "PORT", "8080"),
        ("RATIO", "RATIO", "1.5"),
        ("ON", "ON", "true"),
        ("NIL", "NIL", ""),
        ("dash", "DASH", "d"),
        ("lower", "LOWER", "l"),
        ("LIST", "LIST", r#"["x","y z"]"#),
        ("OBJ", "OBJ", r#"{"a":[1,"b c"]}"#),
        ("TEXT", "TEXT", "line 1\n'q' \"dq\" $HOME `id` \\ end\n"),
        ("TOKEN", "TOKEN", "abc"),
        ("DBPW", "DBPW", "x y"),
        ("S5", "S5", "'q q'"),
    ];
    for (raw, key, value) in shared {
        assert_eq!(text(raw), value, "{raw}");
        assert_eq!(text(&format!("P_PARAMS_{key}")), value, "{key}");
    }
    assert_eq!(text("P_PARAMS_1ST"), "digit");
    // The platform's names come later, and win.
    assert_eq!(text("JOB_NAME"), "my-job");
    assert_eq!(text("P_NAME"), "p");
    assert_eq!(text("P_STATE"), sandbox.path("job/IN/p/params").to_str().unwrap());
    assert!(!env.contains_key("OUTONLY") && !env.contains_key("Q_PARAMS_OUTONLY"));
    assert!(!env.keys().any(|name| name.contains("POINTER") || name == "secure"));
}

fn sha_data() -> Value {
    json!({
        "branchName": "master", "baseCommitRef": "main", "headCommitRef": "feature/x", "pullRequestNumber": 17,
        "commitSha": "c0ffee", "beforeCommitSha": "beef", "committer": {"login": "ada", "displayName": "Ada L"},
        "commitMessage": "fix: \"it\" $now\n\nbody `x`", "isGitTag": false, "gitTagName": "", "isRelease": true,
        "releaseName": "r1", "releasedAt": "2019-01-02", "isPullRequest": true, "isPullRequestClose": false,
        "pullRequestRepoFullName": "fork/r"
    })
}

#[test]
fn commit_of_a_git_repo() {
    let sandbox = job();
    let mut version = dependency(
        "IN",
        "app_repo",
        "gitRepo",
        json!({"pointer": {"branches": {"only": ["master"]}, "buildOnCommit": true}}),
        json!("c0ffee"),
        json!({"sourceName": "o/r", "shaData": sha_data()}),
    );
    version["propertyBag"]["normalizedRepo"] = json!({
        "repositoryProvider": "github", "repositorySshUrl": "git@github.com:o/r.git",
        "repositoryHttpsUrl": "https://github.com/o/r.git", "isFork": false, "fullName": "o/r"
    });
    resource(&sandbox, "IN/app_repo", &version);
    sandbox.write("job/secrets/app_repo_key.pem", "key");
    let meta = sandbox.path("job/IN/app_repo").into_os_string().into_string().unwrap();
    let state = format!("{meta}/gitRepo");
    let key = sandbox.path("job/secrets/app_repo_key.pem").into_os_string().into_string().unwrap();
    let mut want = common(&meta, &state, "app_repo", "gitRepo", "IN");
    want.extend([
        ("VERSIONNAME", "c0ffee"),
        ("SOURCENAME", "o/r"),
        ("POINTER_BRANCHES_ONLY_0", "master"),
        ("POINTER_BUILDONCOMMIT", "true"),
        ("BRANCH", "master"),
        ("BASE_BRANCH", "main"),
        ("HEAD_BRANCH", "feature/x"),
        ("PULL_REQUEST", "17"),
        ("COMMIT", "c0ffee"),
        ("COMMITTER", "Ada L"),
        ("COMMIT_MESSAGE", "fix: \"it\" $now\n\nbody `x`"),
        ("IS_GIT_TAG", "false"),
        ("GIT_TAG_NAME", ""),
        ("IS_RELEASE", "true"),
        ("RELEASE_NAME", "r1"),
        ("RELEASED_AT", "2019-01-02"),
        ("IS_PULL_REQUEST", "true"),
        ("IS_PULL_REQUEST_CLOSE", "false"),
        ("PULL_REQUEST_REPO_FULL_NAME", "fork/r"),
        ("SSH_URL", "git@github.com:o/r.git"),
        ("HTTPS_URL", "https://github.com/o/r.git"),
        ("IS_FORK", "false"),
        ("REPO_FULL_NAME", "o/r"),
        ("KEYPATH", &key),
    ]);
    assert_vars(&env(&sandbox), "APP_REPO_", &want);
}

#[test]
fn a_commit_with_gaps() {
    let sandbox = job();
    let version = dependency(
        "OUT",
        "r",
        "gitRepo",
        json!({}),
        Value::Null,
        json!({"shaData": {"commitSha": "1", "pullRequestNumber": null}}),
    );
    resource(&sandbox, "OUT/r", &version);
    resource(&sandbox, "IN/none", &dependency("IN", "none", "gitRepo", json!({}), Value::Null, json!({"branch": "b"})));
    let env = env(&sandbox);
    assert_eq!(env["R_PULL_REQUEST"], b"false");
    for name in ["BRANCH", "BASE_BRANCH", "HEAD_BRANCH", "COMMITTER", "IS_PULL_REQUEST", "PULL_REQUEST_REPO_FULL_NAME"]
    {
        assert_eq!(env[&format!("R_{name}")], b"", "{name}");
    }
    // No deploy key was given, so there is no path to one; no commit, no variables of it.
    assert!(!env.contains_key("R_KEYPATH") && !env.contains_key("R_SSH_URL") && !env.contains_key("NONE_COMMIT"));
}

#[test]
fn gerrit_has_variables_of_its_own() {
    let sandbox = job();
    let mut sha = sha_data();
    sha.as_object_mut().unwrap().extend(
        json!({
            "eventType": "patchset-created", "changeId": "I1", "patchSetNumber": 3, "changeSubject": "subj",
            "commitUrl": "https://g/c/1", "changeOwner": {"displayName": "Own Er", "email": "o@x"},
            "triggeredBy": {"displayName": "Up", "email": "u@x"}, "lastAuthor": {"displayName": "La", "email": "l@x"},
            "providerDomain": "g", "providerSshPort": 29418, "providerUrl": "https://g/a"
        })
        .as_object()
        .unwrap()
        .clone(),
    );
    let mut version =
        dependency("IN", "g", "gitRepo", json!({}), json!("c0ffee"), json!({"sourceName": "proj", "shaData": sha}));
    version["propertyBag"]["normalizedRepo"] = json!({"repositoryProvider": "gerrit"});
    resource(&sandbox, "IN/g", &version);
    assert_vars(
        &env(&sandbox),
        "G_GERRIT_",
        &[
            ("EVENT_TYPE", "patchset-created"),
            ("BRANCH", "master"),
            ("CHANGE_NUMBER", "17"),
            ("CHANGE_ID", "I1"),
            ("PATCHSET_NUMBER", "3"),
            ("PATCHSET_REVISION", "c0ffee"),
            ("REFSPEC", "main"),
            ("PROJECT", "proj"),
            ("CHANGE_SUBJECT", "subj"),
            ("CHANGE_COMMIT_MESSAGE", "fix: \"it\" $now\n\nbody `x`"),
            ("CHANGE_URL", "https://g/c/1"),
            ("HOST", "g"),
            ("PORT", "29418"),
            ("REST_URL", "https://g/a"),
            ("CHANGE_OWNER", "\"Own Er\" <o@x>"),
            ("CHANGE_OWNER_NAME", "Own Er"),
            ("CHANGE_OWNER_EMAIL", "o@x"),
            ("CHANGE_UPLOADER", "\"Up\" <u@x>"),
            ("CHANGE_UPLOADER_NAME", "Up"),
            ("CHANGE_UPLOADER_EMAIL", "u@x"),
            ("PATCHSET_UPLOADER", "\"La\" <l@x>"),
            ("PATCHSET_UPLOADER_NAME", "La"),
            ("PATCHSET_UPLOADER_EMAIL", "l@x"),
        ],
    );
}

#[test]
fn integrations_of_resources_and_of_the_job() {
    let sandbox = job();
    let folders = [
        (
            "IN/nodes",
            json!({"id": 203, "masterName": "nodeCluster", "publicKey": "P", "nodes": ["10.0.0.1", "10.0.0.2"]}),
        ),
        ("IN/kv", json!({"id": "6", "masterName": "keyValuePair", "MY_KEY": "v 1", "kv-b": "v2", "9x": "v3"})),
        ("IN/gcp", json!({"masterName": "gcloudKey", "JSON_key": "{\"a\": \"b\"}"})),
        ("OUT/pem", json!({"masterName": "pemKey", "key": "K\nK"})),
        ("integrations/ssh.key", json!({"masterName": "ssh-key", "publicKey": "P", "privateKey": "S"})),
        ("integrations/Email", json!({"masterName": "Email", "Email address": "a@x"})),
    ];
    for (folder, integration) in folders {
        sandbox.write(format!("job/{folder}/integration.json"), integration.to_string());
        if let Some((side @ ("IN" | "OUT"), name)) = folder.split_once('/') {
            resource(&sandbox, folder, &dependency(side, name, "integration", json!({}), Value::Null, json!({})));
        }
    }
    let ran = sandbox.shipctl(["job", "env", "--format", "null"]);
    assert_eq!(
        ran.err(),
        "shipctl: key \"9x\" of IN/kv, integration field under its own name is left out: it cannot be the name of a variable\n"
    );
    let env = parse_null(&ran.stdout);
    assert_vars(
        &env,
        "NODES_INTEGRATION_",
        &[
            ("PUBLICKEY", "P"),
            ("NODES", r#"'"10.0.0.1","10.0.0.2"'"#),
            ("NODES_0", "10.0.0.1"),
            ("NODES_1", "10.0.0.2"),
            ("NODES_LEN", "2"),
        ],
    );
    assert_vars(&env, "KV_INTEGRATION_", &[("MY_KEY", "v 1"), ("KVB", "v2"), ("9X", "v3")]);
    assert_eq!((env["MY_KEY"].as_slice(), env["kvb"].as_slice()), (&b"v 1"[..], &b"v2"[..]));
    assert_vars(&env, "GCP_INTEGRATION_", &[("JSON_KEY", "{\"a\": \"b\"}")]);
    assert_vars(&env, "EMAIL_", &[("INTEGRATION_EMAILADDRESS", "a@x")]);
    let path = |below: &str| sandbox.path(below).into_os_string().into_vec();
    assert_eq!(env["PEM_KEYPATH"], path("job/OUT/pem/pem_key.pem"));
    let private = path("job/integrations/ssh.key/ssh.key_key");
    assert_eq!(env["SSHKEY_KEYPATH"], private);
    assert_eq!(env["SSHKEY_PRIVATE_KEY_PATH"], private);
    assert_eq!(env["SSHKEY_PUBLIC_KEY_PATH"], path("job/integrations/ssh.key/ssh.key_key.pub"));
}

fn message() -> Value {
    json!({
        "name": "deploy-app", "type": "runSh", "resourceId": 7001, "subscriptionId": "sub1", "buildNumber": 42,
        "steps": [
            {"OUT": "both"}, {"IN": "second"}, {"IN": "first", "switch": "off"}, {"IN": "both"},
            {"TASK": {"name": "build it", "runtime": {"options": {"env": [{"A": "1", "da-sh": 2}, {"A": "a $B 'q'"}]}}}}
        ],
        "dependencies": [],
        "propertyBag": {"buildId": "5b0", "triggeredByUser": "ada", "yml": {"integrations": ["zz", "aa"]}}
    })
}

#[test]
fn the_job_and_the_order_of_its_steps() {
    let mut sandbox = job();
    sandbox.write("job/message.json", message().to_string());
    for (folder, key) in
        [("OUT/both", ""), ("IN/both", ""), ("IN/first", "one"), ("IN/second", "two"), ("IN/zero", "zero")]
    {
        let (side, name) = folder.split_once('/').unwrap();
        let kind = if key.is_empty() { "state" } else { "params" };
        let bag = json!({"params": {"WHO": key, key: "1"}});
        resource(&sandbox, folder, &dependency(side, name, kind, json!({}), Value::Null, bag));
    }
    for name in ["aa", "bb", "zz"] {
        let kv = json!({"masterName": "keyValuePair", "PICK": name, "SHARED_DIR": "mine"});
        sandbox.write(format!("job/integrations/{name}/integration.json"), kv.to_string());
    }
    sandbox.set("JOB_NAME", "other").set("SHIPPABLE_WWW_URL", "https://www").set("BUILD_JOB_ID", "9");
    let env = env(&sandbox);
    let text = |name: &str| String::from_utf8_lossy(&env[name]).into_owned();
    let root = sandbox.path("job").into_os_string().into_string().unwrap();
    for (name, value) in [
        ("RESOURCE_ID", "7001"),
        ("BUILD_ID", "5b0"),
        ("BUILD_NUMBER", "42"),
        ("BUILD_JOB_ID", "9"),
        ("BUILD_JOB_NUMBER", "1"),
        ("SUBSCRIPTION_ID", "sub1"),
        ("JOB_TRIGGERED_BY_USER", "ada"),
        ("SHIPPABLE_WWW_URL", "https://www"),
        ("BUILD_URL", "https://www/subscriptions/sub1/pipelines/builds/5b0/consoles"),
        ("BUILD_DIR", &root),
        ("BUILD_SECRETS_DIR", &format!("{root}/secrets")),
        ("SUBSCRIPTION_PRIVATE_KEY", &format!("{root}/secrets/00_sub")),
        ("SHIPPABLE_INTEGRATION_ENVS_PATH", &format!("{root}/scripts/integration_envs.env")),
        // In no step, so it comes last and wins among params; integrations follow the yml, unlisted ones last.
        ("WHO", "zero"),
        ("PICK", "bb"),
        ("SHARED_DIR", "mine"),
        // The later step of the two.
        ("BOTH_OPERATION", "IN"),
        ("A", "a $B 'q'"),
        ("dash", "2"),
        ("TASK_NAME", "build it"),
    ] {
        assert_eq!(text(name), value, "{name}");
    }
    for (suffix, value) in [
        ("NAME", "deploy-app".to_owned()),
        ("TYPE", "runSh".to_owned()),
        ("PATH", root.clone()),
        ("STATE", format!("{root}/state")),
        ("PREVIOUS_STATE", format!("{root}/previousState")),
        ("INTEGRATIONS", format!("{root}/integrations")),
        ("MESSAGE", format!("{root}/message.json")),
    ] {
        assert_eq!(text(&format!("JOB_{suffix}")), value);
        assert_eq!(text(&format!("DEPLOYAPP_{suffix}")), value);
    }
    // Each once, in the order of the winning assignments.
    let ran = sandbox.shipctl(["job", "env"]).out();
    let place = |name: &str| {
        let lines: Vec<_> =
            ran.lines().enumerate().filter(|(_, line)| line.starts_with(&format!("export {name}="))).collect();
        assert_eq!(lines.len(), 1, "{name}");
        lines[0].0
    };
    let order = [
        "two",
        "one",
        "WHO",
        "zero",
        "JOB_NAME",
        "SECOND_NAME",
        "FIRST_NAME",
        "BOTH_NAME",
        "ZERO_NAME",
        "PICK",
        "A",
        "TASK_NAME",
    ];
    for pair in order.windows(2) {
        assert!(place(pair[0]) < place(pair[1]), "{pair:?}");
    }
}

#[test]
fn without_a_message_the_job_has_a_name_still() {
    let mut sandbox = job();
    assert_eq!(env(&sandbox)["JOB_NAME"], b"my-job");
    sandbox.env.remove(OsStr::new("JOB_NAME"));
    let ran = sandbox.shipctl(["job", "env", "--format", "null"]);
    assert_eq!(
        ran.err(),
        "shipctl: the job is called job after its folder: set JOB_NAME, or name it in message.json\n"
    );
    assert_eq!(parse_null(&ran.stdout)["JOB_NAME"], b"job");
    // A directory named by option is not described by the variables of another job.
    sandbox.set("JOB_NAME", "another").set("JOB_STATE", "/elsewhere").set("BUILD_NUMBER", "7");
    fs::rename(sandbox.path("job"), sandbox.path("moved")).unwrap();
    sandbox.write("moved/message.json", r#"{"name": "told"}"#);
    let ran = sandbox.shipctl([
        OsStr::new("--job-dir"),
        sandbox.path("moved").as_os_str(),
        "job".as_ref(),
        "env".as_ref(),
        "--format=null".as_ref(),
    ]);
    let env = parse_null(&ran.stdout);
    assert_eq!((env["JOB_NAME"].as_slice(), env["BUILD_NUMBER"].as_slice()), (&b"told"[..], &b"7"[..]));
    assert_eq!(env["JOB_STATE"], sandbox.path("moved/state").into_os_string().into_vec());
}

#[test]
fn the_recorded_environment() {
    let mut sandbox = job_fixture();
    let recorded = std::mem::take(&mut sandbox.env);
    // What only the platform knew, and what the test needs to run at all.
    let taken =
        ["RESOURCE_ID", "SUBSCRIPTION_ID", "BUILD_ID", "BUILD_NUMBER", "BUILD_URL", "JOB_NAME", "JOB_TYPE", "JOB_PATH"];
    let kept = |name: &OsStr| taken.iter().chain(&["PATH", "HOME", "TMPDIR"]).any(|known| name == *known);
    sandbox.env =
        recorded.iter().filter(|(name, _)| kept(name)).map(|(name, value)| (name.clone(), value.clone())).collect();
    let env = env(&sandbox);
    // The recording sets params of an output too, which the platform did not; the rest is the sandbox's.
    let not_ours =
        ["OUT_PARAMS_PARAMS_A", "A", "HOME", "PATH", "TMPDIR", "TZ", "LANG", "GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"];
    let mut compared = 0;
    for (name, value) in recorded {
        let name = name.into_string().unwrap();
        if not_ours.contains(&name.as_str()) {
            continue;
        }
        assert_eq!(env.get(&name).map(|value| OsString::from_vec(value.clone())), Some(value), "{name}");
        compared += 1;
    }
    assert!(compared > 200, "{compared}");
}

#[test]
fn a_look_up_falls_back_on_it() {
    let mut sandbox = job_fixture();
    sandbox.env.retain(|name, _| ["PATH", "HOME", "TMPDIR", "JOB_PATH", "JOB_NAME"].iter().any(|known| name == known));
    for (resource, key, want) in [
        ("app_repo", "commit", "c0ffee"),
        ("app_repo", "is_pull_request", "false"),
        ("app", "repo_commit", "c0ffee"),
        ("aws-cli", "pointer_deep_k", "1"),
        ("app-params", "params_db-name", "foo"),
        ("myAWSCreds", "integration_accessKey", "AKIADIRECT"),
        ("job", "name", "deploy_app"),
        ("deploy_app", "type", ""),
        ("deploy_app", "state", sandbox.path("job/state").to_str().unwrap()),
        ("nope", "x", ""),
    ] {
        sandbox.shipctl(["get_resource_env", resource, key]).prints(format!("{want}\n"));
    }
    sandbox.shipctl(["--strict", "get_resource_env", "app_rep", "commit"]).fails(99, "did you mean app_repo");
    sandbox.set("JOB_PATH", "/nonexistent");
    sandbox.shipctl(["get_resource_env", "app_repo", "commit"]).prints("\n");
    let sandbox = job();
    sandbox.write("job/IN/x/version.json", "{");
    sandbox.shipctl(["get_resource_env", "x", "commit"]).fails(99, "IN/x/version.json: not valid JSON");
}

/// Runs `script` in a shell and returns the environment that its programs see.
fn seen_by(sandbox: &Sandbox, shell: &str, script: &str) -> Env {
    let ran = Ran::of(sandbox.command(tool(shell)).arg("-c").arg(script).output().unwrap());
    assert_eq!((ran.status, ran.err()), (0, String::new()), "{shell}: {script}");
    parse_null(&ran.stdout)
}

/// Every variable reaches the programs of every shell, byte for byte.
fn every_shell_agrees(sandbox: &Sandbox, wanted: &Env) {
    let posix = "eval \"$(shipctl job env)\"; exec env -0";
    for (shell, script) in [
        ("bash", posix),
        ("bash", "set -eu; eval \"$(shipctl job env)\"; exec env -0"),
        ("bash", "set -eu; source <(shipctl job env); exec env -0"),
        ("dash", "set -eu; eval \"$(shipctl job env)\"; exec env -0"),
        ("zsh", "set -eu; eval \"$(shipctl job env)\"; exec env -0"),
        ("fish", "shipctl job env --format fish | source; exec env -0"),
        ("fish", "eval (shipctl job env --format fish | string collect); exec env -0"),
    ] {
        let seen = seen_by(sandbox, shell, script);
        for (name, value) in wanted {
            assert_eq!(
                seen.get(name).map(|value| OsString::from_vec(value.clone())),
                Some(OsString::from_vec(value.clone())),
                "{name} in {shell}: {script}"
            );
        }
    }
}

/// A job directory whose params and integration fields have these values.
fn job_with(values: &[String]) -> Sandbox {
    let sandbox = job();
    let keyed = |prefix: &str| -> Value {
        values
            .iter()
            .enumerate()
            .map(|(at, value)| (format!("{prefix}{at}"), Value::from(value.clone())))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    resource(&sandbox, "IN/p", &dependency("IN", "p", "params", json!({}), Value::Null, json!({"params": keyed("K")})));
    let mut integration = keyed("F");
    integration["masterName"] = json!("keyValuePair");
    sandbox.write("job/IN/p/integration.json", integration.to_string());
    sandbox
}

/// Texts that have broken shells.
const HOSTILE: [&str; 28] = [
    "",
    " ",
    "  two  blanks ",
    "-n",
    "-e x",
    "--",
    "*",
    "/etc/*",
    "~",
    "$HOME ${HOME} $(touch marker) `touch marker`",
    "'; touch marker; '",
    "'\\''",
    "\"; touch marker; \"",
    "a\\",
    "\\'",
    "\\n\\t\\x41",
    "line 1\nline 2\n",
    "\n\n",
    "cr\r\nlf\r",
    "\t\u{b}\u{c}\u{8}\u{1b}[31m",
    "\u{1}\u{2}\u{7f}\u{80}\u{9f}",
    "ÁÂÃÄÅ\u{c1}\u{81}",
    "héllo ☃ 🚢 👩‍👩‍👧",
    "‘typographic’ ‚quotes‛",
    "!history !! !$",
    "#no comment",
    "a=b;c&d|e<f>g(h)i{j}k[l]m?n%o^p",
    "\u{f600}\u{f6ff}\u{e000}\u{10ffff}\u{feff}",
];

#[test]
fn hostile_values_reach_every_shell() {
    let values: Vec<String> = HOSTILE.iter().map(ToString::to_string).collect();
    let mut sandbox = job_with(&values);
    let wanted = env(&sandbox);
    for (at, value) in values.iter().enumerate() {
        assert_eq!(wanted[&format!("K{at}")], value.as_bytes());
        assert_eq!(wanted[&format!("P_INTEGRATION_F{at}")], value.as_bytes());
    }
    for locale in ["C.UTF-8", "C"] {
        sandbox.set("LANG", locale);
        every_shell_agrees(&sandbox, &wanted);
    }
    assert!(!sandbox.path("work/marker").exists());
}

#[test]
fn bytes_that_are_no_text_reach_every_shell() {
    let mut sandbox = job();
    let mut bytes: Vec<u8> = (1..=255).collect();
    bytes.extend_from_slice(b"\xff\xfe'\xc3");
    sandbox.set("BUILD_URL", OsStr::from_bytes(&bytes)).set("BUILD_ID", OsStr::from_bytes(b"\x81\x88\xc1'\xa0"));
    let wanted = env(&sandbox);
    assert_eq!(wanted["BUILD_URL"], bytes);
    every_shell_agrees(&sandbox, &wanted);
    for format in ["json", "powershell"] {
        sandbox
            .shipctl(["job", "env", "--format", format])
            .fails(1, "BUILD_ID (taken over from the process environment) is not UTF-8");
    }
}

#[test]
fn names_that_a_shell_keeps_are_left_to_it() {
    let sandbox = job();
    let params = json!({
        "UID": "a[$(touch marker)]", "RANDOM": "a[$(touch marker)]", "OPTIND": "a[$(touch marker)]", "_": "u",
        "HISTCMD": "a[$(touch marker)]", "BASH_VERSINFO": "1", "path": "/p", "status": "ok", "COLUMNS": "x y",
        "version": "1.2", "PLAIN": "last"
    });
    resource(&sandbox, "IN/p", &dependency("IN", "p", "params", json!({}), Value::Null, json!({"params": params})));
    let ran = sandbox.shipctl(["job", "env"]);
    assert_eq!(ran.err().lines().count(), 6, "{}", ran.err());
    assert!(
        ran.err()
            .contains("shipctl: UID of IN/p, params key under its own name is left out: the shell keeps this name")
    );
    for shell in ["bash", "dash", "zsh"] {
        let ran = sandbox.shell(shell, "set -eu; eval \"$(shipctl job env 2>/dev/null)\"; exec env -0");
        assert_eq!((ran.status, ran.err()), (0, String::new()), "{shell}");
        let seen = parse_null(&ran.stdout);
        assert_eq!(seen["PLAIN"], b"last", "{shell}");
        assert_eq!(seen.get("path").map(Vec::as_slice), (shell != "zsh").then_some(&b"/p"[..]), "{shell}");
    }
    let ran = sandbox.shell("fish", "shipctl job env --format fish 2>/dev/null | source; exec env -0");
    assert_eq!((ran.status, ran.err()), (0, String::new()));
    assert_eq!(parse_null(&ran.stdout)["path"], b"/p");
    assert!(!sandbox.path("work/marker").exists());
    // A program takes any of them.
    assert_eq!(env(&sandbox)["RANDOM"], b"a[$(touch marker)]");
}

fn any_value() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => proptest::char::any().prop_filter("no variable holds a zero byte", |c| *c != '\0').prop_map(String::from),
        2 => (1..128u8).prop_map(|byte| char::from(byte).to_string()),
        3 => proptest::sample::select(HOSTILE.to_vec()).prop_map(str::to_owned),
        2 => proptest::sample::select(vec!["'", "\"", "\\", "$", "`", "\n", "\r", " ", "*", "-", "!", "~", "#"]).prop_map(str::to_owned),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// Many values per start of a shell, since starting it is what takes the time.
    #[test]
    fn any_value_reaches_every_shell(values in proptest::collection::vec(any_value(), 60..80)) {
        let sandbox = job_with(&values);
        let wanted = env(&sandbox);
        for (at, value) in values.iter().enumerate() {
            prop_assert_eq!(&wanted[&format!("K{at}")], value.as_bytes());
        }
        every_shell_agrees(&sandbox, &wanted);
    }
}

#[test]
fn formats() {
    let mut sandbox = job_with(&["it's \"$5\"\n‘q’".to_owned()]);
    sandbox.set("JOB_NAME", "j");
    let line = |format: &str| {
        let ran = sandbox.shipctl(["job", "env", "--format", format]);
        assert_eq!((ran.status, ran.err()), (0, String::new()));
        let text = ran.out();
        text[..text.find("BUILD_JOB_NUMBER").unwrap()].trim_end_matches(|c: char| c != '\n').to_owned()
    };
    assert_eq!(line("sh"), "export K0='it'\\''s \"$5\"\n‘q’'\n");
    assert_eq!(line("fish"), "set -gx K0 'it\\'s \"$5\"\n‘q’'\n");
    assert_eq!(line("powershell"), "$env:K0 = 'it''s \"$5\"\n‘‘q’’'\n");
    assert_eq!(line("dotenv"), "K0=\"it's \\\"\\$5\\\"\\n‘q’\"\n");
    let json = sandbox.shipctl(["job", "env", "--format", "json"]);
    let parsed: Value = serde_json::from_slice(&json.stdout).unwrap();
    let wanted = env(&sandbox);
    assert_eq!(parsed.as_object().unwrap().len(), wanted.len());
    for (name, value) in &wanted {
        assert_eq!(parsed[name].as_str().map(str::as_bytes), Some(value.as_slice()));
    }
    sandbox.shipctl(["job", "env", "--format", "xml"]).fails(2, "xml");
}

#[test]
fn what_no_variable_can_hold_is_named() {
    let sandbox = job();
    let params = json!({"NUL": "a\0b", "BIG": "x".repeat(131_072), "日本": "v", "OK": "1"});
    resource(&sandbox, "IN/p", &dependency("IN", "p", "params", json!({}), Value::Null, json!({"params": params})));
    let ran = sandbox.shipctl(["job", "env", "--format", "null"]);
    let said = ran.err();
    for message in [
        "NUL of IN/p, params key under its own name is left out: a variable cannot hold a zero byte",
        "P_PARAMS_NUL of IN/p, params key is left out",
        "BIG of IN/p, params key under its own name is left out: 131072 bytes",
        "key \"日本\" of IN/p",
    ] {
        assert!(said.contains(message), "{message} is not in {said}");
    }
    let env = parse_null(&ran.stdout);
    assert_eq!(env["OK"], b"1");
    assert!(!env.contains_key("NUL") && !env.contains_key("BIG"));
    seen_by(&sandbox, "bash", "eval \"$(shipctl job env 2>/dev/null)\"; exec env -0");
}

#[test]
fn a_key_in_secure_text_is_never_shown() {
    let sandbox = job();
    let params = json!({"secure": "PW=first half 9hidden=x"});
    resource(&sandbox, "IN/p", &dependency("IN", "p", "params", json!({}), Value::Null, json!({"params": params})));
    let ran = sandbox.shipctl(["job", "env", "--format", "null"]);
    assert_eq!(parse_null(&ran.stdout)["half9hidden"], b"x");
    let params = json!({"secure": "PW=first 9hidden=x"});
    resource(&sandbox, "IN/p", &dependency("IN", "p", "params", json!({}), Value::Null, json!({"params": params})));
    let ran = sandbox.shipctl(["job", "env", "--format", "null"]);
    assert!(ran.err().contains("a key under secure of IN/p") && !ran.err().contains("9hidden"), "{}", ran.err());
}

#[test]
fn names_that_give_the_same_variables() {
    let sandbox = job();
    for name in ["a-b", "ab", "job", "my-job"] {
        resource(&sandbox, &format!("IN/{name}"), &dependency("IN", name, "state", json!({}), Value::Null, json!({})));
    }
    let ran = sandbox.shipctl(["job", "env", "--format", "null"]);
    let said = ran.err();
    assert!(said.contains("resource ab and resource a-b both give AB_… variables: the later wins"), "{said}");
    assert!(said.contains("resource job and the variables of the job itself both give JOB_… variables"), "{said}");
    assert_eq!(parse_null(&ran.stdout)["AB_NAME"], b"ab");
}

#[test]
fn broken_files_are_named() {
    let good = dependency("IN", "x", "gitRepo", json!({"pointer": {"a": 1}}), json!("v"), json!({"shaData": {}}));
    let broken = |pointer: &str, value: Value| {
        let mut version = good.clone();
        *version.pointer_mut(pointer).unwrap() = value;
        version.to_string()
    };
    let version = "IN/x/version.json";
    let cases: Vec<(&str, String, &str)> = vec![
        (version, good.to_string()[..50].to_owned(), "not valid JSON"),
        (version, String::new(), "not valid JSON"),
        (version, "[1]".to_owned(), "holds a list, where an object belongs"),
        (version, "{\"a\": \"\u{0}\"}".to_owned(), "not valid JSON"),
        (version, "[".repeat(100_000), "not valid JSON"),
        (version, broken("/type", json!(5)), "type is a number, where text belongs"),
        (version, broken("/operation", json!([])), "operation is a list, where text belongs"),
        (version, broken("/resourceId", json!({})), "resourceId is an object, where text or a number belongs"),
        (version, broken("/propertyBag", json!(1)), "propertyBag is a number, where an object belongs"),
        (version, broken("/propertyBag/yml", json!("y")), "propertyBag.yml is text, where an object belongs"),
        (version, broken("/propertyBag/yml/pointer", json!(true)), "propertyBag.yml.pointer is true or false"),
        (version, broken("/version", json!(5)), "version is a number, where an object belongs"),
        (version, broken("/version/versionName", json!(["v"])), "version.versionName is a list"),
        (version, broken("/version/propertyBag", json!([])), "version.propertyBag is a list"),
        (version, broken("/version/propertyBag/shaData", json!("s")), "version.propertyBag.shaData is text"),
        (version, broken("/version/propertyBag/shaData", json!({"commitSha": {}})), "shaData.commitSha is an object"),
        (version, broken("/version/propertyBag/shaData", json!({"committer": 1})), "shaData.committer is a number"),
        ("IN/x/integration.json", "5".to_owned(), "not a JSON object"),
        ("IN/x/integration.json", "{".to_owned(), "integration.json"),
        ("integrations/i/integration.json", "{".to_owned(), "integration.json"),
        ("message.json", "{\"name\": ".to_owned(), "not valid JSON"),
        ("message.json", json!({"name": {}}).to_string(), "name is an object"),
        ("message.json", json!({"steps": 1}).to_string(), "steps is a number, where a list belongs"),
        ("message.json", json!({"dependencies": {}}).to_string(), "dependencies is an object"),
        ("message.json", json!({"propertyBag": 1}).to_string(), "propertyBag is a number"),
        ("message.json", json!({"steps": [{"TASK": {"runtime": []}}]}).to_string(), "TASK.runtime is a list"),
        (
            "message.json",
            json!({"steps": [{"TASK": {"runtime": {"options": {"env": "A=1"}}}}]}).to_string(),
            "env is text",
        ),
        (
            "message.json",
            json!({"steps": [{"TASK": {"runtime": {"options": {"env": ["A=1"]}}}}]}).to_string(),
            "a list of maps",
        ),
    ];
    for (file, content, message) in cases {
        let sandbox = job();
        resource(&sandbox, "IN/x", &good);
        sandbox.write(format!("job/{file}"), &content);
        for format in ["sh", "json"] {
            let ran = sandbox.shipctl(["job", "env", "--format", format]);
            ran.fails(8, message);
            assert!(ran.err().contains(&format!("job/{file}: ")) && ran.err().lines().count() == 1, "{}", ran.err());
        }
    }
    let mut params = dependency("IN", "x", "params", json!({}), Value::Null, json!({"params": 5}));
    let sandbox = job();
    resource(&sandbox, "IN/x", &params);
    sandbox.shipctl(["job", "env"]).fails(8, "version.propertyBag.params is a number");
    params["version"]["propertyBag"]["params"] = Value::Null;
    resource(&sandbox, "IN/x", &params);
    assert_eq!(env(&sandbox)["X_TYPE"], b"params");
}

#[test]
fn odd_steps_are_no_failure() {
    let sandbox = job();
    for steps in [
        json!([{"TASK": "managed"}]),
        json!([{"TASK": [{"script": "x"}]}]),
        json!([1, "x", null, {"IN": 5}, {"NOTIFY": "n"}]),
    ] {
        sandbox.write("job/message.json", json!({"steps": steps, "dependencies": [5, {"operation": 1}]}).to_string());
        env(&sandbox);
    }
    sandbox.write("job/message.json", json!({"steps": [{"IN": "gone"}]}).to_string());
    let ran = sandbox.shipctl(["job", "env"]);
    assert!(
        ran.status == 0 && ran.err().contains("message.json has the step IN gone, but there is no folder"),
        "{}",
        ran.err()
    );
}

#[test]
fn places_that_cannot_be_read() {
    let sandbox = job();
    resource(&sandbox, "IN/x", &dependency("IN", "x", "state", json!({}), Value::Null, json!({})));
    std::os::unix::fs::symlink("loop", sandbox.path("job/IN/loop")).unwrap();
    std::os::unix::fs::symlink("nowhere", sandbox.path("job/IN/dangling")).unwrap();
    fs::create_dir(sandbox.path("job/IN/bare")).unwrap();
    fs::write(sandbox.path("job/IN/file"), "").unwrap();
    let ran = sandbox.shipctl(["job", "env", "--format", "null"]);
    let said = ran.err();
    assert_eq!((ran.status, said.lines().count()), (0, 3), "{said}");
    for message in ["IN/loop is left out: Too many levels", "IN/dangling is left out", "IN/bare has no version.json"] {
        assert!(said.contains(message), "{message} is not in {said}");
    }
    let env = parse_null(&ran.stdout);
    assert_eq!(env["BARE_META"], sandbox.path("job/IN/bare").into_os_string().into_vec());
    assert_eq!(env["X_TYPE"], b"state");

    let sandbox = job();
    fs::create_dir_all(sandbox.path("job/IN/x/version.json")).unwrap();
    sandbox.shipctl(["job", "env"]).fails(8, "IN/x/version.json: not a file");
    let sandbox = job();
    let fifo = sandbox.path("job/message.json");
    assert!(sandbox.command(tool("mkfifo")).arg(&fifo).status().unwrap().success());
    sandbox.shipctl(["job", "env"]).fails(8, "message.json: not a file");
    let sandbox = job();
    fs::create_dir_all(sandbox.path("job/IN/x")).unwrap();
    std::os::unix::fs::symlink("version.json", sandbox.path("job/IN/x/version.json")).unwrap();
    sandbox.shipctl(["job", "env"]).fails(8, "IN/x/version.json");
    let sandbox = job();
    sandbox.write("job/IN", "a file");
    sandbox.shipctl(["job", "env"]).fails(8, "cannot read");
}

#[test]
fn no_job_directory() {
    let mut sandbox = Sandbox::new();
    for command in ["env", "show"] {
        sandbox.shipctl(["job", command]).fails(8, "no job directory: set JOB_PATH");
        sandbox.shipctl(["--job-dir", "nope", "job", command]).fails(8, "--job-dir nope: no such folder");
    }
    sandbox.set("JOB_PATH", "/nonexistent/job");
    for command in ["env", "show"] {
        sandbox.shipctl(["job", command]).fails(8, "/nonexistent/job: no such folder");
    }
    // A failed call gives `eval` nothing, and says why.
    let ran = sandbox.bash("eval \"$(shipctl job env)\"; echo after");
    assert_eq!((ran.out().as_str(), ran.err().lines().count()), ("after\n", 1));
}

#[test]
fn paths_are_absolute_and_any_bytes() {
    let mut sandbox = Sandbox::new();
    let name = OsStr::from_bytes(b"r\xff \n'x");
    let meta = sandbox.path("a:b").join("IN").join(name);
    fs::create_dir_all(&meta).unwrap();
    fs::write(meta.join("version.json"), dependency("IN", "r", "state", json!({}), Value::Null, json!({})).to_string())
        .unwrap();
    sandbox.set("JOB_NAME", "j").set("JOB_PATH", "../a:b");
    let wanted = env(&sandbox);
    assert!(wanted["JOB_PATH"].starts_with(b"/") && wanted["RX_META"].starts_with(b"/"));
    assert_eq!(wanted["RX_NAME"], name.as_bytes());
    every_shell_agrees(&sandbox, &wanted);
}

#[test]
fn many_resources_take_no_time() {
    let sandbox = job();
    for number in 0..1000 {
        let name = format!("res-{number}");
        let version = dependency(
            "IN",
            &name,
            "image",
            json!({"pointer": {"sourceName": "o/i"}}),
            json!("v"),
            json!({"sourceName": "o/i"}),
        );
        resource(&sandbox, &format!("IN/{name}"), &version);
    }
    let start = std::time::Instant::now();
    let env = env(&sandbox);
    // A tenth of this in a release build; what is quadratic takes longer by far.
    assert!(start.elapsed() < std::time::Duration::from_secs(3), "{:?}", start.elapsed());
    assert_eq!(env["RES999_VERSIONNAME"], b"v");
}

/// A params resource whose key is also set by a second one and by a keyValuePair.
fn shadowing() -> Sandbox {
    let sandbox = job();
    let params = |value: &str| json!({"params": {"MODE": value, "DB_PASSWORD": "hunter2hunter2", "TEXT": "a\nb"}});
    resource(&sandbox, "IN/a", &dependency("IN", "a", "params", json!({}), Value::Null, params("one")));
    resource(&sandbox, "IN/b", &dependency("IN", "b", "params", json!({}), Value::Null, params("two")));
    sandbox
}

#[test]
fn explain_names_the_winner_and_what_it_shadows() {
    let sandbox = shadowing();
    sandbox.shipctl(["job", "env", "--explain", "MODE"]).prints(
        "set by  IN/b, params key under its own name: MODE=two\nshadows  IN/a, params key under its own name: MODE=one\n",
    );
    sandbox
        .shipctl(["job", "env", "--explain", "B_PARAMS_DB_PASSWORD"])
        .prints("set by  IN/b, params key: B_PARAMS_DB_PASSWORD=***\n");
    sandbox.shipctl(["job", "env", "--explain", "MODES"]).fails(8, "did you mean MODE");
}

#[test]
fn github_masks_before_it_sets() {
    let mut sandbox = shadowing();
    sandbox.shipctl(["job", "env", "--format", "github"]).fails(8, "GITHUB_ENV is not set");
    let file = sandbox.path("github_env");
    sandbox.set("GITHUB_ENV", file);
    let ran = sandbox.shipctl(["job", "env", "--format", "github"]);
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert!(ran.out().lines().all(|line| line == "::add-mask::hunter2hunter2"), "{}", ran.out());
    let written = "\n".to_owned() + &String::from_utf8(sandbox.read("github_env")).unwrap();
    assert!(written.contains("\nMODE=two\n") && written.contains("\nDB_PASSWORD=hunter2hunter2\n"), "{written}");
    assert!(written.contains("TEXT<<shipctl_") && written.contains("\na\nb\nshipctl_"), "{written}");
}

#[test]
fn a_report_for_gitlab_has_no_secret_and_no_second_line() {
    let ran = shadowing().shipctl(["job", "env", "--format", "gitlab"]);
    assert_eq!(ran.status, 0);
    assert!(ran.out().lines().any(|line| line == "MODE=two"), "{}", ran.out());
    assert!(!ran.out().contains("hunter2") && !ran.out().contains("TEXT="), "{}", ran.out());
    assert!(ran.err().contains("DB_PASSWORD of IN/b") && ran.err().contains("TEXT of IN/b"), "{}", ran.err());
}
