use super::*;
use base64::Engine;
use serde_json::json;
use std::os::unix::fs::PermissionsExt;

/// An AWS that knows one role and one registry.
struct Pretended;

impl Aws for Pretended {
    fn role(&self, entry: &CliConfig) -> Result<Credentials, Error> {
        Ok(Credentials {
            access_key_id: "ASIAROLE".to_owned(),
            secret_access_key: "role-secret".into(),
            session_token: Some("role-token".into()),
            expires: None,
            region: entry.property("region").map(ToOwned::to_owned),
            account: None,
            role: None,
        })
    }

    fn ecr_logins(&self, _entry: &CliConfig, credentials: &Credentials) -> Result<Vec<Login>, Error> {
        let endpoint = "https://123456789012.dkr.ecr.us-east-1.amazonaws.com";
        Ok(vec![docker::login(endpoint, "AWS", &format!("password of {}", credentials.access_key_id))])
    }
}

struct Place {
    dir: tempfile::TempDir,
    env: Env,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("bin")).unwrap();
        let path = dir.path().join("bin").into_os_string();
        Self { dir, env: Env::Fixed([("PATH".into(), path)].into()) }
    }

    /// A program that notes how it was called.
    fn program(&self, name: &str, script: &str) {
        let file = self.dir.path().join("bin").join(name);
        std::fs::write(&file, format!("#!/bin/bash\n{script}\n").replace("DIR", &self.root())).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn root(&self) -> String {
        self.dir.path().display().to_string()
    }

    fn entry(&self, resource: &str, master_name: &str, fields: Value, bag: Value, scopes: &[&str]) -> CliConfig {
        let (Value::Object(fields), Value::Object(property_bag)) = (fields, bag) else { panic!("objects") };
        CliConfig {
            resource: resource.to_owned(),
            record: Record { name: format!("{resource}-int"), master_name: master_name.to_owned(), fields },
            property_bag,
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            meta: self.dir.path().join("IN").join(resource),
        }
    }

    fn configure(&self, entries: &[CliConfig]) -> Result<Configured, Error> {
        configure(entries, self.dir.path().join("private").as_path(), &self.env, &Pretended)
    }

    fn read(&self, below: &str) -> String {
        let path = self.dir.path().join(below);
        let mode = path.metadata().unwrap_or_else(|error| panic!("{below}: {error}")).permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{below}");
        assert_eq!(path.parent().unwrap().metadata().unwrap().permissions().mode() & 0o077, 0, "{below}");
        std::fs::read_to_string(path).unwrap().replace(&self.root(), "DIR")
    }

    /// The variables, with the root as `DIR`.
    fn variables(&self, configured: &Configured) -> Vec<String> {
        let text = |secret: &Secret| String::from_utf8(secret.expose().to_vec()).unwrap().replace(&self.root(), "DIR");
        configured.variables.iter().map(|(name, value)| format!("{name}={}", text(value))).collect()
    }

    fn auth(&self, registry: &str) -> String {
        let config: Value = serde_json::from_str(&self.read("private/docker/config.json")).unwrap();
        let auth = config["auths"][registry]["auth"].as_str().unwrap_or_else(|| panic!("{registry}: {config}"));
        String::from_utf8(base64::engine::general_purpose::STANDARD.decode(auth).unwrap()).unwrap()
    }
}

fn region() -> Value {
    json!({"region": "us-east-1"})
}

#[test]
fn keys_of_aws() {
    let place = Place::new();
    let new = json!({"accessKey": "AK1", "secretKey": "SK1"});
    let old = json!({"aws_access_key_id": "AK2", "aws_secret_access_key": "SK2"});
    let configured = place
        .configure(&[
            place.entry("one", "amazonKeys", new, region(), &["configure"]),
            place.entry("two", "AWS", old.clone(), json!({"region": "eu-west-1"}), &[]),
            place.entry("role", "amazonIamRole", json!({"assumeRoleARN": "arn"}), region(), &[]),
        ])
        .unwrap();
    let section = |name: &str, keys: &str| format!("[{name}]\n{keys}\n");
    let first = "aws_access_key_id = AK1\naws_secret_access_key = SK1";
    let want = [
        section("one", first),
        section("two", "aws_access_key_id = AK2\naws_secret_access_key = SK2"),
        section(
            "role",
            "aws_access_key_id = ASIAROLE\naws_secret_access_key = role-secret\naws_session_token = role-token",
        ),
        section("default", first),
    ];
    assert_eq!(place.read("private/aws/credentials"), want.join("\n"));
    let config = place.read("private/aws/config");
    assert!(
        config.contains("[profile two]\nregion = eu-west-1") && config.contains("[default]\nregion = us-east-1"),
        "{config}"
    );
    let want = ["AWS_CONFIG_FILE=DIR/private/aws/config", "AWS_SHARED_CREDENTIALS_FILE=DIR/private/aws/credentials"];
    assert_eq!(place.variables(&configured), want);
    for gone in ["AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_REGION"] {
        assert!(configured.removed.contains(&gone), "{gone}");
    }
    assert!(configured.secrets.contains(&Secret::from("role-token")));
    assert!(!place.dir.path().join("private/docker").exists());
}

#[test]
fn ecr_by_scope_and_by_type() {
    let old = json!({"aws_access_key_id": "AK2", "aws_secret_access_key": "SK2"});
    let new = json!({"accessKey": "AK2", "secretKey": "SK2"});
    for (master_name, fields, scopes) in [("amazonKeys", new, &["ecr"][..]), ("ECR", old, &[])] {
        let place = Place::new();
        let configured = place.configure(&[place.entry("a", master_name, fields, region(), scopes)]).unwrap();
        assert_eq!(place.auth("123456789012.dkr.ecr.us-east-1.amazonaws.com"), "AWS:password of AK2");
        assert!(place.variables(&configured).contains(&"DOCKER_CONFIG=DIR/private/docker".to_owned()));
        assert!(configured.secrets.contains(&Secret::from("password of AK2")));
    }
}

#[test]
fn registries() {
    for (master_name, url, key) in [
        ("dockerRegistryLogin", None, "https://index.docker.io/v1/"),
        ("dockerRegistryLogin", Some(""), "https://index.docker.io/v1/"),
        ("dockerRegistryLogin", Some("https://reg.example.com/v2/"), "reg.example.com"),
        ("Docker", None, "https://index.docker.io/v1/"),
        ("Private Docker Registry", Some("reg:5000"), "reg:5000"),
        ("Docker Trusted Registry", Some("http://dtr"), "dtr"),
        ("quayLogin", Some("https://quay.io"), "quay.io"),
        ("Quay.io", None, "quay.io"),
    ] {
        let place = Place::new();
        let fields = json!({"username": "bob", "password": "p:w", "url": url.unwrap_or_default()});
        let configured = place.configure(&[place.entry("d", master_name, fields, json!({}), &[])]).unwrap();
        assert_eq!(place.auth(key), "bob:p:w", "{master_name}");
        assert_eq!(place.variables(&configured), ["DOCKER_CONFIG=DIR/private/docker"]);
        assert!(
            configured.secrets.contains(&Secret::from(base64::engine::general_purpose::STANDARD.encode("bob:p:w")))
        );
    }
}

#[test]
fn docker_keeps_its_contexts_and_not_its_logins() {
    let mut place = Place::new();
    let own = place.dir.path().join("home/.docker");
    std::fs::create_dir_all(own.join("contexts/meta")).unwrap();
    std::fs::write(own.join("config.json"), r#"{"auths": {"x": {}}, "credsStore": "none", "currentContext": "c"}"#)
        .unwrap();
    if let Env::Fixed(variables) = &mut place.env {
        variables.insert("HOME".into(), place.dir.path().join("home").into());
    }
    let fields = json!({"username": "bob", "password": "p"});
    place.configure(&[place.entry("d", "Docker", fields, json!({}), &[])]).unwrap();
    let config: Value = serde_json::from_str(&place.read("private/docker/config.json")).unwrap();
    assert_eq!(config["currentContext"], "c");
    assert_eq!(config["auths"].as_object().unwrap().len(), 1, "{config}");
    assert!(config.get("credsStore").is_none() && place.dir.path().join("private/docker/contexts/meta").is_dir());
}

#[test]
fn kubernetes() {
    let place = Place::new();
    let configured = place
        .configure(&[
            place.entry("k", "kubernetesConfig", json!({"kubeConfigContent": "one\n"}), json!({}), &[]),
            place.entry("l", "KUBERNETES", json!({"masterKubeConfigContent": "two"}), json!({}), &[]),
        ])
        .unwrap();
    assert_eq!(
        (place.read("private/kube/config"), place.read("private/kube/config-2")),
        ("one\n".into(), "two".into())
    );
    assert_eq!(place.variables(&configured), ["KUBECONFIG=DIR/private/kube/config:DIR/private/kube/config-2"]);
}

const KEY: &str = r#"{"type":"service_account","project_id":"p1","client_email":"a@p1","private_key":"k"}"#;

#[test]
fn google_keys() {
    let place = Place::new();
    let bag = json!({"region": "us-central1-a", "clusterName": "c1"});
    let entry = place.entry("My_gcp", "gcloudKey", json!({"JSON_key": KEY}), bag, &["gcr", "gke"]);
    let configured = place.configure(&[entry]).unwrap();
    assert_eq!(place.read("IN/My_gcp/key.json"), KEY);
    assert_eq!(place.read("private/gcloud/keys/my-gcp.json"), KEY);
    let config = "[core]\nproject = p1\naccount = a@p1\n[auth]\n\
                  credential_file_override = DIR/private/gcloud/keys/my-gcp.json\n[compute]\nzone = us-central1-a\n\
                  [container]\nuse_client_certificate = True\ncluster = c1\n";
    assert_eq!(place.read("private/gcloud/configurations/config_default"), config);
    assert_eq!(place.read("private/gcloud/configurations/config_my-gcp"), config);
    assert_eq!(place.read("private/gcloud/active_config"), "default");
    for registry in ["gcr.io", "us.gcr.io", "eu.gcr.io", "asia.gcr.io", "us-central1-docker.pkg.dev"] {
        assert_eq!(place.auth(registry), format!("_json_key:{KEY}"));
    }
    let want = [
        "CLOUDSDK_CONFIG=DIR/private/gcloud",
        "GOOGLE_APPLICATION_CREDENTIALS=DIR/private/gcloud/keys/my-gcp.json",
        "DOCKER_CONFIG=DIR/private/docker",
        "KUBECONFIG=DIR/private/kube/config",
    ];
    assert_eq!(place.variables(&configured), want);
    assert_eq!(configured.notes.len(), 1);
    assert!(configured.notes[0].contains("My_gcp: gcloud is not on the PATH"), "{:?}", configured.notes);
}

#[test]
fn two_google_keys_of_one_configuration_name() {
    let place = Place::new();
    let entry = |resource: &str, project: &str| {
        let key = KEY.replace("\"p1\"", &format!("\"{project}\""));
        place.entry(resource, "gcloudKey", json!({"JSON_key": key}), json!({}), &[])
    };
    place.configure(&[entry("a_b", "p1"), entry("a-b", "p2")]).unwrap();
    for (name, project) in [("default", "p1"), ("a-b", "p1"), ("a-b-2", "p2")] {
        let config = place.read(&format!("private/gcloud/configurations/config_{name}"));
        assert!(config.starts_with(&format!("[core]\nproject = {project}\n")), "{name}: {config}");
    }
    assert!(place.read("private/gcloud/keys/a-b.json").contains("p1"));
}

#[test]
fn older_google_types() {
    let bag = json!({"region": "us-east1-b", "clusterName": "c1"});
    let gcl = json!({"projectName": "p2", "serviceAccountEmail": "e", "credentialFile": KEY});
    for (master_name, fields, gcr, gke) in [
        ("gcloudKey", json!({"JSON_key": KEY}), false, false),
        ("GCR", json!({"JSON_key": KEY}), true, false),
        ("GKE", json!({"JSON_key": KEY}), false, true),
        ("GCL", gcl, false, false),
    ] {
        let place = Place::new();
        place.program("gcloud", "echo \"$CLOUDSDK_CONFIG $KUBECONFIG $*\" > DIR/called");
        let configured = place.configure(&[place.entry("g", master_name, fields, bag.clone(), &[])]).unwrap();
        assert_eq!(place.dir.path().join("private/docker").exists(), gcr, "{master_name}");
        let called = std::fs::read_to_string(place.dir.path().join("called")).unwrap_or_default();
        assert_eq!(called.contains("container clusters get-credentials c1"), gke, "{called}");
        assert_eq!(called.contains("private/gcloud") && called.contains("private/kube/config"), gke, "{called}");
        let project = if master_name == "GCL" { "project = p2\n" } else { "project = p1\n" };
        assert!(place.read("private/gcloud/configurations/config_default").contains(project));
        let path = "G_INTEGRATION_CREDENTIALFILE_PATH=DIR/IN/g/key.json".to_owned();
        assert_eq!(place.variables(&configured).contains(&path), master_name == "GCL");
        assert_eq!(configured.notes, [""; 0]);
    }
    let place = Place::new();
    let error = place.configure(&[place.entry("g", "GCR", json!({"JSON_key": "not"}), json!({}), &[])]).unwrap_err();
    assert!(error.to_string().contains("g: JSON_key of g-int is not JSON"), "{error}");
}

#[test]
fn azure_without_the_password_on_a_command_line() {
    let fields = json!({"appId": "app", "password": "-hunter2", "tenant": "ten"});
    let bag = json!({"groupName": "gr", "clusterName": "cl"});
    let place = Place::new();
    let configured = place.configure(&[place.entry("z", "azureKeys", fields.clone(), json!({}), &[])]).unwrap();
    let want = [
        "AZURE_CONFIG_DIR=DIR/private/azure",
        "AZURE_CLIENT_ID=app",
        "AZURE_CLIENT_SECRET=-hunter2",
        "AZURE_TENANT_ID=ten",
    ];
    assert_eq!(place.variables(&configured), want);
    assert!(configured.notes[0].starts_with("z: az is not on the PATH"), "{:?}", configured.notes);

    let place = Place::new();
    place.program("az", "echo \"$*\" >> DIR/called; for w; do case $w in @*) read -r -d '' p < \"${w#@}\"; echo \"$p\" > DIR/password;; esac; done");
    let configured = place.configure(&[place.entry("z", "azureKeys", fields.clone(), bag, &["aks"])]).unwrap();
    let called = std::fs::read_to_string(place.dir.path().join("called")).unwrap().replace(&place.root(), "DIR");
    let want = "login --service-principal --username app --password @DIR/private/azure/password --tenant ten --output none\n\
                aks get-credentials -g gr -n cl --file DIR/private/kube/config --overwrite-existing\n";
    assert_eq!(called, want);
    assert_eq!(std::fs::read_to_string(place.dir.path().join("password")).unwrap(), "-hunter2\n");
    assert!(!place.dir.path().join("private/azure/password").exists());
    let want = ["AZURE_CONFIG_DIR=DIR/private/azure", "KUBECONFIG=DIR/private/kube/config"];
    assert_eq!(place.variables(&configured), want);

    let place = Place::new();
    place.program("az", "exit 7");
    let error = place.configure(&[place.entry("z", "azureKeys", fields, json!({}), &[])]).unwrap_err();
    assert!(error.to_string().contains("z: az login failed") && error.to_string().contains("exit status 7"), "{error}");
    assert!(!place.dir.path().join("private/azure/password").exists());
}

#[test]
fn artifactory() {
    let place = Place::new();
    let fields = |user: &str| json!({"url": "https://a.io/artifactory", "username": user, "password": "p"});
    let configured = place
        .configure(&[
            place.entry("one", "artifactoryKey", fields("u1"), json!({}), &[]),
            place.entry("two", "artifactory", fields("u2"), json!({}), &[]),
        ])
        .unwrap();
    assert_eq!(place.variables(&configured), ["JFROG_CLI_HOME_DIR=DIR/private/jfrog"]);
    let second: Value = serde_json::from_str(&place.read("private/jfrog/jfrog-cli.conf.v6")).unwrap();
    let url = "https://a.io/artifactory/";
    let want = json!({"servers": [
        {"user": "u1", "password": "p", "serverId": "default-server", "isDefault": true, "artifactoryUrl": url},
        {"user": "u1", "password": "p", "serverId": "one", "artifactoryUrl": url},
        {"user": "u2", "password": "p", "serverId": "two", "artifactoryUrl": url},
    ], "version": "6"});
    assert_eq!(second, want);
    let first: Value = serde_json::from_str(&place.read("private/jfrog/jfrog-cli.conf")).unwrap();
    assert_eq!(first["artifactory"][0]["url"], url);
}

#[test]
fn digital_ocean_and_what_has_no_tool() {
    let place = Place::new();
    let configured = place
        .configure(&[
            place.entry("d", "DOC", json!({"apiToken": "t"}), json!({}), &["odd"]),
            place.entry("s", "slackKey", json!({"webhookUrl": "u"}), json!({}), &[]),
        ])
        .unwrap();
    assert_eq!(place.variables(&configured), ["DIGITALOCEAN_ACCESS_TOKEN=t"]);
    assert_eq!(
        configured.notes,
        ["d: the scope odd means nothing to DOC", "s: No integration script found for slackKey"]
    );
    assert!(!place.dir.path().join("private").exists());
}

/// What the scripts of the platform asked for, one after the other taken away.
#[test]
fn required_fields() {
    for (master_name, fields, properties) in [
        ("amazonKeys", "accessKey secretKey", "region"),
        ("AWS", "aws_access_key_id aws_secret_access_key", "region"),
        ("ECR", "aws_access_key_id aws_secret_access_key", "region"),
        ("gcloudKey", "JSON_key", ""),
        ("GCR", "JSON_key", ""),
        ("GKE", "JSON_key", ""),
        ("GCL", "credentialFile", ""),
        ("azureKeys", "appId password tenant", "groupName clusterName"),
        ("dockerRegistryLogin", "username password", ""),
        ("Docker", "username password", ""),
        ("quayLogin", "username password", ""),
        ("kubernetesConfig", "kubeConfigContent", ""),
        ("KUBERNETES", "masterKubeConfigContent", ""),
        ("artifactoryKey", "username password url", ""),
        ("DOC", "apiToken", ""),
    ] {
        let words = |text: &str| text.split_whitespace().map(ToOwned::to_owned).collect::<Vec<_>>();
        let filled = |names: &[String], without: &str| {
            let value = |name: &String| if name == without { "" } else { "x" };
            Value::Object(names.iter().map(|name| (name.clone(), value(name).into())).collect())
        };
        let (fields, properties) = (words(fields), words(properties));
        for missing in fields.iter().chain(&properties) {
            let place = Place::new();
            let (given, bag) = (filled(&fields, missing), filled(&properties, missing));
            let error = place.configure(&[place.entry("r", master_name, given, bag, &["aks"])]).unwrap_err();
            let kind = if fields.contains(missing) { Kind::NoCredentials } else { Kind::Configuration };
            assert_eq!(error.kind(), kind, "{master_name} {missing}: {error}");
            assert!(error.to_string().contains(&format!("has no {missing}")), "{error}");
            assert!(!place.dir.path().join("private").exists(), "{master_name}");
        }
    }
}

#[test]
fn values_that_no_file_can_hold() {
    let place = Place::new();
    let fields = json!({"accessKey": "AK", "secretKey": "two\nlines"});
    let error = place.configure(&[place.entry("a", "amazonKeys", fields, region(), &[])]).unwrap_err();
    assert!(
        error.to_string().contains("a: its aws_secret_access_key cannot stand")
            && !error.to_string().contains("lines\""),
        "{error}"
    );
    assert!(!error.to_string().contains("two\n"), "{error}");
}
