//! Every type of resource, in both spellings, and the examples of the contract.

use super::*;

/// `version.json` of an input, as it is written.
fn version_of(bench: &Bench, yml: &str) -> Value {
    bench
        .init(&format!("resources:\n  - {yml}\njobs:\n  - {{name: j, type: runSh, steps: [{{IN: r}}, {{OUT: r}}]}}\n"));
    bench.json("IN/r/version.json")
}

#[test]
fn property_bags_by_type_and_spelling() {
    let table = [
        ("image", json!({"sourceName": "o/i"}), Some("v1")),
        (
            "cluster",
            json!({
                "sourceName": "c", "region": "us-east-1", "namespace": "ns", "groupName": "g",
                "bastionHost": {"address": "1.2.3.4", "user": "u", "keyIntegration": "k"}
            }),
            None,
        ),
        ("params", json!({"params": {"ENV": "prod", "PORT": 8080, "ON": true, "L": ["a", {"b": null}]}}), None),
        ("cliConfig", json!({"region": "us-east-1", "clusterName": "c"}), None),
        (
            "gitRepo",
            json!({"sourceName": "o/r", "branch": "main", "branches": {"only": ["a"], "except": []}, "depth": 5}),
            None,
        ),
        ("syncRepo", json!({"sourceName": "o/r", "branch": "main"}), None),
        ("ciRepo", json!({}), None),
        ("state", json!({}), None),
        ("integration", json!({}), None),
        ("notification", json!({"method": "email", "recipients": ["a@x.org"]}), None),
        (
            "loadBalancer",
            json!({
                "sourceName": "lb1", "method": "classic", "role": "ecsRole", "selector": {"app": "x"},
                "ports": [{"name": "http", "protocol": "TCP", "port": 80, "targetPort": 8080}]
            }),
            None,
        ),
        ("replicas", json!({"count": 2, "minReplicas": 1}), None),
        (
            "dockerOptions",
            json!({
                "memory": 256, "cpuShares": 128, "portMappings": ["80:80/tcp"], "privileged": false,
                "logConfig": {"type": "json", "options": {"a": "b"}}, "ulimits": [{"name": "nofile", "soft": 1, "hard": 2}]
            }),
            None,
        ),
        ("version", json!({}), Some("1.2.3")),
        ("time", json!({"interval": "0 * * * *"}), None),
        ("trigger", json!({"counter": 1}), None),
        ("webhook", json!({"webhookKey": "k", "payload": ["A=1"]}), None),
        ("file", json!({"sourceName": "https://x/f"}), Some("f1")),
        ("externalCIServer", json!({"sourceName": "s"}), None),
    ];
    assert_eq!(table.len(), crate::config::shippable::RESOURCE_TYPES.len());
    for (kind, bag, name) in table {
        let mut template = bag.clone();
        if let Some(name) = name {
            template["versionName"] = name.into();
        }
        let seed = name.map(|name| json!({"versionName": name})).unwrap_or(json!({}));
        let newer = json!({"name": "r", "type": kind, "versionTemplate": template});
        let older = json!({"name": "r", "type": kind, "pointer": bag, "seed": seed});
        let middle = json!({"name": "r", "type": kind, "version": template});
        let mut versions = Vec::new();
        for yml in [newer, older, middle] {
            let bench = Bench::new();
            let object = version_of(&bench, &yml.to_string());
            assert_eq!(object["propertyBag"]["yml"], yml, "{kind}");
            let want = json!({
                "versionId": 101, "versionNumber": 1, "versionName": name, "createdAt": "2019-01-02T03:04:05.000Z",
                "propertyBag": bag
            });
            assert_eq!(object["version"], want, "{kind}");
            assert_eq!(object["version"].to_string(), want.to_string(), "{kind}: the order of the keys");
            assert_eq!(bench.json("OUT/r/version.json")["version"], object["version"], "{kind}");
            let folder = bench.dir().join("IN/r").join(kind);
            assert!(if kind == "params" { folder.is_file() } else { folder.is_dir() }, "{kind}");
            assert_eq!(bench.dir().join("OUT/r").join(kind).is_dir(), kind != "params", "{kind}");
            assert_eq!(bench.variable("R_TYPE").as_deref(), Some(kind));
            assert_eq!(bench.variable("R_VERSIONNAME").as_deref(), Some(name.unwrap_or_default()), "{kind}");
            versions.push(bench.memory.versions.borrow()[&resource("r")].clone());
        }
        assert!(versions.iter().all(|one| *one == versions[0]), "{kind}: {versions:?}");
    }
}

#[test]
fn the_image_of_the_contract() {
    let mut bench = Bench::new();
    bench.memory.integration("dh", "dockerRegistryLogin", json!({"username": "u", "password": "p", "email": "e"}));
    for _ in 0..3 {
        bench.memory.add(resource("app-img"), None, json!({}), None);
    }
    bench.memory.add(resource("app-img"), Some("master.12"), json!({"sourceName": "org/img"}), None);
    bench.init(
        "
resources:
  - {name: app-img, type: image, integration: dh, pointer: {sourceName: org/img}, seed: {versionName: latest}, other: x}
jobs:
  - {name: j, type: runSh, steps: [{IN: app-img}, {OUT: app-img, overwrite: true, replicate: x}]}
",
    );
    let want = json!({
        "operation": "IN", "name": "app-img", "type": "image", "resourceId": stable_number("app-img"), "projectId": "p1",
        "isJob": false, "isConsistent": true, "subscriptionIntegrationId": stable_number("dh").to_string(),
        "propertyBag": {"yml": {
            "name": "app-img", "type": "image", "integration": "dh", "pointer": {"sourceName": "org/img"},
            "seed": {"versionName": "latest"}
        }},
        "versionDependencyPropertyBag": {},
        "version": {
            "versionId": 104, "versionNumber": 4, "versionName": "master.12", "createdAt": "2019-01-02T03:04:05.000Z",
            "propertyBag": {"sourceName": "org/img"}
        },
        "step": {"IN": "app-img"}
    });
    // Byte for byte: compact, in this order, on one line.
    assert_eq!(bench.text("IN/app-img/version.json"), want.to_string());
    let output = bench.json("OUT/app-img/version.json");
    assert_eq!(output["operation"], "OUT");
    assert_eq!(output["versionDependencyPropertyBag"].to_string(), r#"{"replicate":"x","overwrite":true}"#);
    assert_eq!(output["step"], json!({"OUT": "app-img", "overwrite": true, "replicate": "x"}));
    for (name, want) in [
        ("APPIMG_POINTER_SOURCENAME", "org/img"),
        ("APPIMG_SEED_VERSIONNAME", "latest"),
        ("APPIMG_SOURCENAME", "org/img"),
        ("APPIMG_VERSIONNAME", "master.12"),
        ("APPIMG_OPERATION", "OUT"),
        ("APPIMG_INTEGRATION_NAME", "dh"),
        ("APPIMG_INTEGRATION_PASSWORD", "p"),
    ] {
        assert_eq!(bench.variable(name).as_deref(), Some(want), "{name}");
    }
}

#[test]
fn params_with_every_kind_of_value() {
    let bench = Bench::new();
    let yml = r#"{name: r, type: params, version: {params: {ENV: prod, PORT: 8080, secure: 'TOKEN=abc DBPW="x y"'}}}"#;
    let object = version_of(&bench, yml);
    let params = json!({"ENV": "prod", "PORT": 8080, "secure": "TOKEN=abc DBPW=\"x y\""});
    assert_eq!(object["version"]["propertyBag"], json!({"params": params}));
    assert_eq!(bench.text("IN/r/params"), "ENV=prod\nPORT=8080\nTOKEN=abc DBPW=\"x y\"\n");
    for (name, want) in [("R_PARAMS_ENV", "prod"), ("PORT", "8080"), ("R_PARAMS_TOKEN", "abc"), ("DBPW", "x y")] {
        assert_eq!(bench.variable(name).as_deref(), Some(want), "{name}");
    }
    // The text is kept nowhere else than in the input.
    for file in ["status/run.json", "OUT/r/version.json"] {
        assert!(
            !bench
                .json(file)
                .pointer("/version")
                .unwrap_or(&bench.json(file)["dependencies"][0]["version"])
                .to_string()
                .contains("abc"),
            "{file}"
        );
    }
    assert!(!format!("{:?}", bench.memory.versions.borrow()).contains("abc"));
}

#[test]
fn a_repository_with_its_commit() {
    let mut bench = Bench::new();
    let sha =
        json!({"branchName": "main", "commitSha": "c1", "isPullRequest": false, "commitMessage": "costs $BUILD_ID"});
    bench.memory.sha_data = sha.as_object().cloned();
    let repo = json!({
        "repositoryProvider": "github", "repositorySshUrl": "git@github.com:o/r.git",
        "repositoryHttpsUrl": "https://github.com/o/r.git", "isFork": false, "fullName": "o/r", "isPrivateRepository": false
    });
    bench.memory.normalized_repo = repo.as_object().cloned();
    bench.memory.integration("key", "sshKey", json!({"publicKey": "PUB", "privateKey": "PRIV"}));
    let yml = "{name: r, type: gitRepo, integration: key, versionTemplate: {sourceName: o/r}}";
    let object = version_of(&bench, yml);
    assert_eq!(object["propertyBag"]["normalizedRepo"], repo);
    assert_eq!(object["version"]["versionName"], "c1");
    assert_eq!(object["version"]["propertyBag"], json!({"sourceName": "o/r", "shaData": sha}));
    assert_eq!(bench.text("IN/r/gitRepo/README"), "r c1 PRIV");
    let key = bench.dir().join("secrets/r_key.pem");
    assert_eq!(fs::metadata(&key).unwrap().mode() & 0o777, 0o600);
    assert_eq!(bench.variable("R_COMMIT").as_deref(), Some("c1"));
    assert_eq!(bench.variable("R_COMMIT_MESSAGE").as_deref(), Some("costs $BUILD_ID"));
    assert_eq!(bench.variable("R_REPO_FULL_NAME").as_deref(), Some("o/r"));
    // The same commit is the same version; another one is another.
    version_of(&bench, yml);
    assert_eq!(bench.json("IN/r/version.json")["version"]["versionNumber"], object["version"]["versionNumber"]);
    bench.memory.sha_data.as_mut().unwrap().insert("commitSha".into(), "c2".into());
    let next = version_of(&bench, yml);
    assert!(next["version"]["versionNumber"].as_u64() > object["version"]["versionNumber"].as_u64());
    assert_eq!(next["version"]["versionName"], "c2");
}

#[test]
fn a_checkout_that_is_there_is_linked() {
    let mut bench = Bench::new();
    let checkout = bench.folder.path().join("checkout");
    fs::create_dir(&checkout).unwrap();
    bench.options.checkouts.insert("r".into(), checkout.clone());
    version_of(&bench, "{name: r, type: gitRepo, versionTemplate: {sourceName: o/r}}");
    assert_eq!(fs::read_link(bench.dir().join("IN/r/gitRepo")).unwrap(), checkout);
    assert!(!bench.memory.calls.borrow().contains(&"clone_into".to_owned()));
    bench.options.checkouts.insert("s".into(), checkout);
    let error = bench.try_init(SMALL).unwrap_err();
    assert_eq!(error.exit_status(), 2);
}

#[test]
fn states_and_jobs_bring_their_files() {
    let mut bench = Bench::new();
    bench.memory.states.insert("9f2c".into(), vec![("tf", b"T".to_vec())]);
    bench.memory.states.insert("4be1".into(), vec![("x.env", b"X".to_vec())]);
    bench.memory.add(resource("st"), Some("9f2c"), json!({"shaData": "9f2c"}), None);
    bench.memory.add(Owner::Job("up".into()), Some("rel-3"), json!({"sha": "4be1", "IMAGE_TAG": "x"}), None);
    bench.memory.add(Owner::Job("up".into()), None, json!({"sha": "none"}), None);
    bench.init(
        "
resources:
  - {name: st, type: state}
jobs:
  - {name: up, type: deploy, steps: []}
  - {name: down, type: runSh, steps: []}
  - {name: j, type: runSh, steps: [{IN: st}, {OUT: st}, {IN: up, versionName: rel-3}, {OUT: down}]}
",
    );
    assert_eq!(bench.text("IN/st/state/tf") + &bench.text("IN/up/deploy/x.env"), "TX");
    assert_eq!(fs::read_dir(bench.dir().join("OUT/st/state")).unwrap().count(), 0);
    let up = bench.json("IN/up/version.json");
    assert_eq!((&up["type"], &up["isJob"]), (&json!("deploy"), &json!(true)));
    assert_eq!(up["version"]["propertyBag"], json!({"sha": "4be1", "IMAGE_TAG": "x"}));
    assert_eq!(up["propertyBag"]["yml"], json!({"name": "up", "type": "deploy"}));
    assert!(bench.json("OUT/down/version.json").get("version").is_none());
    assert_eq!(bench.json("message.json")["dependencies"][3]["version"], json!({}));
}
