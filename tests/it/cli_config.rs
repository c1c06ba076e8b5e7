//! cliConfig inputs: what real tools make of the files that are written for them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shipctl::aws::ecr::Login;
use shipctl::config::integrations::Integrations;
use shipctl::credentials::Credentials;
use shipctl::ctx::Env;
use shipctl::error::Error;
use shipctl::job::cli_config::{Aws, CliConfig, configure};

use crate::harness::{Ran, Sandbox, tool};

/// Nobody is asked.
struct NoAws;

impl Aws for NoAws {
    fn role(&self, entry: &CliConfig) -> Result<Credentials, Error> {
        panic!("{} asks for a role", entry.resource)
    }

    fn ecr_logins(&self, entry: &CliConfig, _: &Credentials) -> Result<Vec<Login>, Error> {
        panic!("{} asks for a login", entry.resource)
    }
}

/// A sandbox whose environment is that of a job with the inputs of this table: resource, integration, properties.
fn job(integrations: &str, inputs: &[(&str, Value)]) -> Sandbox {
    let mut sandbox = Sandbox::new();
    let file = sandbox.write("ints.yml", integrations);
    let env = Env::Fixed(sandbox.env.clone());
    let names: Vec<&str> = inputs.iter().map(|(name, _)| *name).collect();
    let mut records = Integrations::load(&env, Some(&file)).unwrap().resolve(&names).unwrap();
    let entries: Vec<CliConfig> = inputs
        .iter()
        .map(|(name, bag)| CliConfig {
            resource: (*name).to_owned(),
            record: records.remove(*name).unwrap(),
            property_bag: bag.as_object().unwrap().clone(),
            scopes: vec!["configure".to_owned()],
            meta: sandbox.path(format!("IN/{name}")),
        })
        .collect();
    let configured = configure(&entries, sandbox.path("private").as_path(), &env, &NoAws).unwrap();
    assert_eq!(configured.notes, [""; 0]);
    for gone in configured.removed {
        sandbox.env.remove(std::ffi::OsStr::new(gone));
    }
    for (name, value) in configured.variables {
        sandbox.set(name, String::from_utf8(value.into_inner()).unwrap());
    }
    sandbox
}

#[test]
fn real_aws_clients_read_the_profiles() {
    let integrations = "\
one: {type: amazonKeys, accessKey: AKIAONE, secretKey: one/secret+}
two: {type: AWS, aws_access_key_id: AKIATWO, aws_secret_access_key: 'literal:two $ecret', url: u}
";
    let inputs = [("one", json!({"region": "us-east-1"})), ("two", json!({"region": "eu-central-1"}))];
    let sandbox = job(integrations, &inputs);
    let cli = |words: &[&str]| {
        let ran = Ran::of(sandbox.command(tool("aws")).args(["configure", "get"]).args(words).output().unwrap());
        assert_eq!(ran.status, 0, "{}", ran.err());
        ran.out().trim_end().to_owned()
    };
    for (profile, id, secret, region) in [
        ("one", "AKIAONE", "one/secret+", "us-east-1"),
        ("two", "AKIATWO", "two $ecret", "eu-central-1"),
        ("default", "AKIAONE", "one/secret+", "us-east-1"),
    ] {
        let of = ["--profile", profile];
        assert_eq!(cli(&[&["aws_access_key_id"], &of[..]].concat()), id);
        assert_eq!(cli(&[&["aws_secret_access_key"], &of[..]].concat()), secret);
        assert_eq!(cli(&[&["region"], &of[..]].concat()), region);
    }
    let script = "import boto3\ns = boto3.Session()\nprint(s.get_credentials().access_key, s.region_name)";
    let ran = Ran::of(sandbox.command(tool("python")).args(["-c", script]).output().unwrap());
    assert_eq!((ran.out().trim_end(), ran.status), ("AKIAONE us-east-1", 0), "{}", ran.err());
    assert!(!sandbox.path("home/.aws").exists());
}

#[test]
fn every_variable_leads_into_the_private_folder() {
    let key = r#"{"project_id":"p","client_email":"a@p","private_key":"k"}"#;
    let integrations = json!({
        "aws": {"type": "amazonKeys", "accessKey": "A", "secretKey": "S"},
        "hub": {"type": "dockerRegistryLogin", "username": "bob", "password": "pw"},
        "kube": {"type": "kubernetesConfig", "kubeConfigContent": "apiVersion: v1\nkind: Config\n"},
        "gcp": {"type": "gcloudKey", "JSON_key": key},
        "art": {"type": "artifactoryKey", "url": "https://a.io", "username": "bob", "password": "pw"},
    });
    let inputs = ["aws", "hub", "kube", "gcp", "art"].map(|name| (name, json!({"region": "us-east-1"})));
    let sandbox = job(&integrations.to_string(), &inputs);
    let private = sandbox.path("private");
    let named: BTreeMap<_, _> =
        sandbox.env.iter().filter(|(_, value)| std::path::Path::new(value).starts_with(&private)).collect();
    let variables: Vec<String> = named.keys().map(|name| name.display().to_string()).collect();
    let want = "AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE CLOUDSDK_CONFIG DOCKER_CONFIG \
                GOOGLE_APPLICATION_CREDENTIALS JFROG_CLI_HOME_DIR KUBECONFIG";
    assert_eq!(variables.join(" "), want);
    assert!(named.values().all(|path| std::path::Path::new(path).exists()), "{named:?}");
    let home: Vec<_> = std::fs::read_dir(sandbox.path("home")).unwrap().collect();
    assert!(home.is_empty(), "{home:?}");
}
