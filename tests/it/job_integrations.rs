//! Every type of integration, end to end: from a file of integrations to the files and variables of a job.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::harness::Sandbox;

/// The types of table 7.5 and their fields, `*` for what is required, each with what follows `<N>_INTEGRATION_` in its
/// variable. The e-mail address of a registry is optional here.
const TYPES: &[(&str, &str)] = &[
    ("amazonKeys", "accessKey*=ACCESSKEY, secretKey*=SECRETKEY"),
    ("amazonIamRole|AWS_IAM", "assumeRoleARN*=ASSUMEROLEARN, output*=OUTPUT, url*=URL"),
    ("azureKeys", "appId*=APPID, password*=PASSWORD, tenant*=TENANT"),
    (
        "azureDcosKey|AZURE_DCOS|AZURE-DC/OS",
        "username*=USERNAME, url*=URL, dcosPublicKey=DCOSPUBLICKEY, dcosPrivateKey=DCOSPRIVATEKEY",
    ),
    ("gcloudKey|GCR", "JSON_key*=JSON_KEY"),
    ("DOC", "apiToken*=APITOKEN"),
    ("dclKey|DCL", "username*=USERNAME, token*=TOKEN, url*=URL"),
    ("ddcKey|DDC|Jenkins", "username*=USERNAME, password*=PASSWORD, url*=URL"),
    ("dockerRegistryLogin", "url=URL, username*=USERNAME, password*=PASSWORD, email=EMAIL"),
    ("quayLogin|Quay.io", "url*=URL, username*=USERNAME, password*=PASSWORD, email=EMAIL, accessToken*=ACCESSTOKEN"),
    ("artifactoryKey|artifactory", "url*=URL, username*=USERNAME, password*=PASSWORD"),
    (
        "kubernetesConfig",
        "kubeConfigContent*=KUBECONFIGCONTENT, clusterAccessType=CLUSTERACCESSTYPE, \
         masterKubeConfigContent=MASTERKUBECONFIGCONTENT, bastionHostIP=BASTIONHOSTIP, \
         bastionKubeConfigType=BASTIONKUBECONFIGTYPE, bastionKubeConfigContent=BASTIONKUBECONFIGCONTENT, \
         bastionPublicKey=BASTIONPUBLICKEY, bastionPrivateKey=BASTIONPRIVATEKEY",
    ),
    (
        "joyentTritonKey|TRIPUB",
        "username*=USERNAME, url*=URL, validityPeriod*=VALIDITYPERIOD, publicKey=PUBLICKEY, privateKey=PRIVATEKEY, \
         certificates=CERTIFICATES",
    ),
    ("pemKey|pem-key", "key*=KEY"),
    ("sshKey|ssh-key", "publicKey*=PUBLICKEY, privateKey*=PRIVATEKEY"),
    ("gitCredential", "host*=HOST, port*=PORT, username*=USERNAME, password*=PASSWORD"),
    ("slackKey|Slack", "webhookUrl*=WEBHOOKURL"),
    ("hipchatKey|hipchat", "token*=TOKEN"),
    ("webhookV2", "webhookURL*=WEBHOOKURL, authorization=AUTHORIZATION, project=PROJECT"),
    ("airBrakeKey|newRelicKey", "url*=URL, token*=TOKEN"),
    ("jira|bitbucketServer", "url*=URL, username*=USERNAME, token*=TOKEN"),
    ("ircCreds", "server=SERVER, nick*=NICK, password=PASSWORD"),
    ("github|githubEnterprise|gitlab|bitbucket", "url*=URL, token*=TOKEN"),
    ("bitbucketServerBasic", "url*=URL, username*=USERNAME, password*=PASSWORD"),
    ("gerritBasic", "url*=URL, username*=USERNAME, password*=PASSWORD, publicKey=PUBLICKEY, privateKey=PRIVATEKEY"),
    ("AWS", "aws_access_key_id*=AWS_ACCESS_KEY_ID, aws_secret_access_key*=AWS_SECRET_ACCESS_KEY, url*=URL"),
    ("ECR", "aws_access_key_id*=AWS_ACCESS_KEY_ID, aws_secret_access_key*=AWS_SECRET_ACCESS_KEY"),
    ("MAZ", "subscriptionId*=SUBSCRIPTIONID, username*=USERNAME, password*=PASSWORD"),
    ("ACS", "username*=USERNAME, url*=URL"),
    ("Docker", "username*=USERNAME, password*=PASSWORD, email=EMAIL"),
    (
        "Private Docker Registry|Docker Trusted Registry",
        "url*=URL, username*=USERNAME, password*=PASSWORD, email=EMAIL",
    ),
    ("GKE", "JSON_key*=JSON_KEY, url*=URL"),
    ("GCL", "projectName*=PROJECTNAME, serviceAccountEmail*=SERVICEACCOUNTEMAIL, credentialFile*=CREDENTIALFILE"),
    (
        "KUBERNETES",
        "clusterAccessType*=CLUSTERACCESSTYPE, masterKubeConfigContent=MASTERKUBECONFIGCONTENT, \
         bastionHostIP=BASTIONHOSTIP, bastionKubeConfigType*=BASTIONKUBECONFIGTYPE, \
         bastionKubeConfigContent*=BASTIONKUBECONFIGCONTENT, bastionPublicKey=BASTIONPUBLICKEY, \
         bastionPrivateKey=BASTIONPRIVATEKEY",
    ),
    ("webhook", "project=PROJECT, webhookURL=WEBHOOKURL, authorization=AUTHORIZATION"),
    ("Email", "Email address*=EMAILADDRESS"),
    ("irc", ""),
];

/// Fields whose values may be seen.
const SHOWN: [&str; 9] = ["url", "host", "port", "region", "username", "email", "nodes", "publicKey", "output"];

/// Key files by type: what follows the name, its field, and the variables that name the file.
fn key_files(master_name: &str) -> &'static [(&'static str, &'static str, &'static [&'static str])] {
    match master_name {
        "pemKey" | "pem-key" => &[("_key.pem", "key", &["KEYPATH"])],
        "sshKey" | "ssh-key" => {
            &[("_key", "privateKey", &["PRIVATE_KEY_PATH", "KEYPATH"]), ("_key.pub", "publicKey", &["PUBLIC_KEY_PATH"])]
        }
        _ => &[],
    }
}

struct Field {
    name: &'static str,
    required: bool,
    variable: &'static str,
}

/// One type with a name of its own.
struct Case {
    name: String,
    master_name: &'static str,
    fields: Vec<Field>,
}

fn cases() -> Vec<Case> {
    let field = |written: &'static str| {
        let (name, variable) = written.split_once('=').unwrap();
        Field { name: name.trim_end_matches('*'), required: name.ends_with('*'), variable }
    };
    let mut cases = Vec::new();
    for (types, fields) in TYPES {
        for master_name in types.split('|') {
            let fields = fields.split(", ").filter(|one| !one.is_empty()).map(field).collect();
            cases.push(Case { name: format!("int-{}.x", cases.len()), master_name, fields });
        }
    }
    cases
}

/// What shells, templates and JSON would each change something of. A key has lines.
fn value(case: &Case, field: &Field) -> String {
    format!("{} of {}:\n \"q\" 'a' $HOME ${{PATH}} `x` \\ \\n !! é\n", field.name, case.name)
}

/// The variables of a name begin with it, upper-cased, without what no variable can hold.
fn prefix(name: &str) -> String {
    name.replace(['-', '.'], "").to_uppercase()
}

/// A job with all of them, as inputs `res-…` and in its own list.
fn yml(cases: &[Case]) -> String {
    let resource =
        |case: &Case| json!({"name": format!("res-{}", case.name), "type": "integration", "integration": case.name});
    let steps = cases.iter().map(|case| json!({"IN": format!("res-{}", case.name)}));
    let names: Vec<&String> = cases.iter().map(|case| &case.name).collect();
    json!({
        "resources": cases.iter().map(resource).collect::<Vec<_>>(),
        "jobs": [{"name": "j", "type": "runSh", "integrations": names, "steps": steps.collect::<Vec<_>>()}],
    })
    .to_string()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

/// The names in a folder, all of them private.
fn private_names(folder: &Path) -> BTreeSet<String> {
    assert_eq!(mode(folder), 0o700, "{}", folder.display());
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let name = |entry: fs::DirEntry| {
        let wanted = if entry.path().is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&entry.path()), wanted, "{}", entry.path().display());
        entry.file_name().into_string().unwrap()
    };
    entries.map(name).collect()
}

fn json_of(sandbox: &Sandbox, words: &[&str]) -> Map<String, Value> {
    let ran = sandbox.shipctl(words);
    assert_eq!(ran.status, 0, "{}", ran.err());
    serde_json::from_slice(&ran.stdout).unwrap()
}

fn initialised() -> (Sandbox, Vec<Case>) {
    let (mut sandbox, cases) = (Sandbox::new(), cases());
    sandbox.write("work/shippable.yml", yml(&cases));
    let of = |case: &Case| {
        let fields =
            case.fields.iter().map(|field| (field.name.to_owned(), value(case, field).replace('$', "$$").into()));
        let whole: Map<String, Value> =
            [("type".to_owned(), case.master_name.into())].into_iter().chain(fields).collect();
        (case.name.clone(), Value::Object(whole))
    };
    let file: Map<String, Value> = cases.iter().map(of).collect();
    sandbox.write("work/ints.json", Value::Object(file).to_string());
    let ran = sandbox.shipctl(["job", "init", "j", "--dir", "d", "--integrations", "ints.json"]);
    assert_eq!((ran.status, ran.err()), (0, String::new()));
    let root = sandbox.path("work/d");
    sandbox.set("JOB_PATH", root);
    (sandbox, cases)
}

#[test]
fn files_and_variables_of_every_type() {
    let (sandbox, cases) = initialised();
    let root = sandbox.path("work/d");
    let env = json_of(&sandbox, &["job", "env", "--format", "json"]);
    for case in &cases {
        let resource = format!("res-{}", case.name);
        for (name, folder) in
            [(&resource, root.join("IN").join(&resource)), (&case.name, root.join("integrations").join(&case.name))]
        {
            let (what, is_resource) = (format!("{} {}", case.master_name, folder.display()), name == &resource);
            let mut files: BTreeSet<String> = ["integration.json", "integration.env"].map(String::from).into();
            if is_resource {
                files.extend(["version.json", "integration"].map(String::from));
            }
            let mut variables: BTreeMap<String, String> = case
                .fields
                .iter()
                .map(|field| (format!("{}_INTEGRATION_{}", prefix(name), field.variable), value(case, field)))
                .collect();
            if is_resource {
                variables.insert(format!("{}_INTEGRATION_NAME", prefix(name)), case.name.clone());
            }
            for (ending, field, named) in key_files(case.master_name) {
                let path = folder.join(format!("{name}{ending}"));
                let field = case.fields.iter().find(|one| one.name == *field).unwrap();
                assert_eq!(fs::read_to_string(&path).unwrap(), value(case, field), "{what}");
                files.insert(format!("{name}{ending}"));
                for variable in *named {
                    variables.insert(format!("{}_{variable}", prefix(name)), path.display().to_string());
                }
            }
            assert_eq!(private_names(&folder), files, "{what}");
            let of_it = |variable: &str| {
                let rest = variable.strip_prefix(&format!("{}_", prefix(name)));
                rest.is_some_and(|rest| {
                    rest.starts_with("INTEGRATION_") || rest.contains("KEY") && rest.contains("PATH")
                })
            };
            let found: BTreeMap<String, String> = env
                .iter()
                .filter(|(variable, _)| of_it(variable))
                .map(|(variable, value)| (variable.clone(), value.as_str().unwrap().to_owned()))
                .collect();
            assert_eq!(found, variables, "{what}");

            let text = fs::read_to_string(folder.join("integration.json")).unwrap();
            let mut written: Map<String, Value> = serde_json::from_str(&text).unwrap();
            assert_eq!(Value::Object(written.clone()).to_string(), text, "{what}: compact");
            let keys: Vec<&str> = written.keys().map(String::as_str).collect();
            assert_eq!(keys[..2], ["id", "masterName"], "{what}");
            assert!(written.shift_remove("id").unwrap().is_u64(), "{what}");
            assert_eq!(written.shift_remove("masterName").unwrap(), case.master_name, "{what}");
            let fields: Vec<(String, Value)> =
                case.fields.iter().map(|field| (field.name.to_owned(), value(case, field).into())).collect();
            assert_eq!(written.into_iter().collect::<Vec<_>>(), fields, "{what}");
        }
    }
}

/// What bash reads from the file is the value, byte for byte, and nothing of it is run.
#[test]
fn bash_sources_every_integration_env() {
    let (sandbox, cases) = initialised();
    let (mut script, mut want) = ("cd d/integrations\n".to_owned(), String::new());
    for case in &cases {
        let names: Vec<String> = case.fields.iter().map(|field| field.name.replace(' ', "")).collect();
        let printed: String = names.iter().map(|name| format!(" \"${name}\"")).collect();
        script.extend(["(set -eu; source ", &case.name, "/integration.env; printf '%s|'", &printed, " .)\n"]);
        case.fields.iter().for_each(|field| want += &(value(case, field) + "|"));
        want += ".|";
    }
    sandbox.bash(&script).prints(want);
}

#[test]
fn every_field_but_a_few_is_masked() {
    let (sandbox, cases) = initialised();
    let shown = json_of(&sandbox, &["job", "show", "--json"]);
    for (at, case) in cases.iter().enumerate() {
        for found in [&shown["resources"][at]["integration"], &shown["integrations"][at]] {
            assert_eq!((&found["name"], &found["type"]), (&json!(case.name), &json!(case.master_name)));
            for field in &case.fields {
                let want = if SHOWN.contains(&field.name) { value(case, field) } else { "***".to_owned() };
                assert_eq!(found["fields"][field.name], want, "{} {}", case.master_name, field.name);
            }
        }
    }
    // Nor does the output of a command have them, whose lines are masked one by one.
    let names = cases.iter().flat_map(|case| case.fields.iter().map(move |field| (case, field)));
    let secret: Vec<_> = names.filter(|(_, field)| !SHOWN.contains(&field.name)).collect();
    let words: String = secret
        .iter()
        .map(|(case, field)| format!(" \"${}_INTEGRATION_{}\"", prefix(&case.name), field.variable))
        .collect();
    let ran = sandbox.shipctl(["job", "exec", "--", "sh", "-c", &format!("printf '%s|'{words}")]);
    assert_eq!((ran.status, ran.out()), (0, "***\n ***\n|".repeat(secret.len())), "{}", ran.err());
}

/// All that is missing is said at once, and nothing is made.
#[test]
fn what_every_type_needs() {
    let (sandbox, cases) = (Sandbox::new(), cases());
    sandbox.write("work/shippable.yml", yml(&cases));
    let bare = |case: &Case| (case.name.clone(), json!({"type": case.master_name}));
    sandbox.write("work/ints.json", Value::Object(cases.iter().map(bare).collect()).to_string());
    let ran = sandbox.shipctl(["job", "init", "j", "--dir", "d", "--integrations", "ints.json"]);
    ran.fails(3, "integrations: ");
    let lint = sandbox.shipctl(["job", "lint", "--integrations", "ints.json"]);
    for case in &cases {
        let required: Vec<&str> = case.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
        for field in &case.fields {
            let told = ran.err().contains(&format!("{}: {} is missing", case.name, field.name));
            assert_eq!(told, field.required, "{} {}", case.master_name, field.name);
        }
        let said =
            format!("]: {}: {} needs {}: add what is missing\n", case.name, case.master_name, required.join(", "));
        assert_eq!(lint.out().contains(&said), !required.is_empty(), "{said}\n{}", lint.out());
    }
    assert!(!sandbox.path("work/d").exists());
}

#[test]
fn lists_pairs_and_other_spellings() {
    let mut sandbox = Sandbox::new();
    sandbox.write(
        "work/shippable.yml",
        "jobs: [{name: j, type: runSh, integrations: [n, c, kv, az, art], steps: [TASK: 'true']}]\n",
    );
    sandbox.write(
        "work/ints.yml",
        "n: {type: nodeCluster, nodes: [10.0.0.1, 10.0.0.2], publicKey: PUBK, privateKey: PRVK}\n\
         c: {type: CLUSTER, nodes: [h]}\n\
         kv: {type: keyValuePair, envs: {A: \"1 '\\\"$$x\", kv-b: two, url: u}}\n\
         az: {type: azureKeys, appid: a, password: p, tenant: t}\n\
         art: {type: artifactoryKey, url: u, userName: n, password: p}\n",
    );
    let ran = sandbox.shipctl(["job", "init", "j", "--dir", "d", "--integrations", "ints.yml"]);
    assert_eq!(ran.status, 0, "{}", ran.err());
    let root = sandbox.path("work/d");
    sandbox.set("JOB_PATH", root);
    let text = |name: &str| String::from_utf8(sandbox.read(format!("work/d/integrations/{name}"))).unwrap();
    let after_id = |name: &str| text(&format!("{name}/integration.json")).split_once(',').unwrap().1.to_owned();
    assert_eq!(
        after_id("n"),
        r#""masterName":"nodeCluster","publicKey":"PUBK","privateKey":"PRVK","nodes":["10.0.0.1","10.0.0.2"]}"#
    );
    assert_eq!(after_id("kv"), r#""masterName":"keyValuePair","A":"1 '\"$x","kv-b":"two","url":"u"}"#);
    sandbox.bash("source d/integrations/n/integration.env; printf %s \"$nodes\"").prints(r#""10.0.0.1","10.0.0.2""#);
    let env = json_of(&sandbox, &["job", "env", "--format", "json"]);
    for (name, want) in [
        ("N_INTEGRATION_NODES", r#"'"10.0.0.1","10.0.0.2"'"#),
        ("N_INTEGRATION_NODES_0", "10.0.0.1"),
        ("N_INTEGRATION_NODES_1", "10.0.0.2"),
        ("N_INTEGRATION_NODES_LEN", "2"),
        ("N_INTEGRATION_PUBLICKEY", "PUBK"),
        ("N_INTEGRATION_PRIVATEKEY", "PRVK"),
        ("C_INTEGRATION_NODES", r#"'"h"'"#),
        ("A", "1 '\"$x"),
        ("KV_INTEGRATION_A", "1 '\"$x"),
        ("kvb", "two"),
        ("KV_INTEGRATION_KVB", "two"),
        ("url", "u"),
        ("AZ_INTEGRATION_APPID", "a"),
        ("ART_INTEGRATION_USERNAME", "n"),
    ] {
        assert_eq!(env.get(name), Some(&json!(want)), "{name}");
    }
    for name in ["N_INTEGRATION_ID", "N_INTEGRATION_MASTERNAME", "KV_INTEGRATION_ENVS"] {
        assert_eq!(env.get(name), None, "{name}");
    }
}
