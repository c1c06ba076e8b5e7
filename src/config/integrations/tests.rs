use super::*;
use serde_json::json;

fn env(variables: &[(&str, &str)]) -> Env {
    let path = Env::Process.get("PATH").unwrap_or_default();
    let fixed = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    Env::Fixed(fixed.chain([("PATH".into(), path)]).collect())
}

fn load(text: &str, variables: &[(&str, &str)]) -> (tempfile::TempDir, Result<Integrations, Error>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ints.yml");
    std::fs::write(&path, text).unwrap();
    let loaded = Integrations::load(&env(variables), Some(&path));
    (dir, loaded)
}

fn resolved(text: &str, variables: &[(&str, &str)], name: &str) -> Value {
    let (_dir, loaded) = load(text, variables);
    Value::Object(loaded.unwrap().resolve(&[name]).unwrap().remove(name).unwrap().fields)
}

fn refused(text: &str, variables: &[(&str, &str)], names: &[&str]) -> (String, u8) {
    let (dir, loaded) = load(text, variables);
    let error = loaded.and_then(|loaded| loaded.resolve(names)).unwrap_err();
    (error.to_string().replace(&format!("{}/", dir.path().display()), ""), error.exit_status())
}

const AWS: &str = "aws:\n  type: amazonKeys\n  accessKey: ${AWS_KEY}\n  secretKey: env:AWS_SECRET\n";

#[test]
fn every_form_of_a_file() {
    let want = json!({"accessKey": "AK", "secretKey": "s$1"});
    let variables = [("AWS_KEY", "AK"), ("AWS_SECRET", "s$1")];
    let listed = "- {name: aws, type: amazonKeys, accessKey: $AWS_KEY, secretKey: 'env:AWS_SECRET'}\n";
    let under = format!("integrations:\n  {}", AWS.replace('\n', "\n  ").trim_end());
    let json = "{\"aws\":\n\t{\"masterName\": \"amazonKeys\", \"accessKey\": \"AK\", \"secretKey\": \"s$$1\"}}";
    for text in [AWS, listed, &under, &format!("integrations:\n{listed}"), json] {
        assert_eq!(resolved(text, &variables, "aws"), want, "{text}");
    }
}

#[test]
fn values_that_are_no_text() {
    let text = "\
k: {type: pemKey, key: 'file:k.pem'}
n: {type: nodeCluster, nodes: [$A, 10.0.0.2, {ip: 10.0.0.3}]}
m: {type: CLUSTER, nodes: 'exec:echo 1.1.1.1, 2.2.2.2'}
v: {type: keyValuePair, envs: {B: $A, n: 8080, on: true}, C: 'literal:$A'}
s: {type: pemKey, key: 012345678901}
";
    let (dir, loaded) = load(text, &[("A", "a b")]);
    std::fs::write(dir.path().join("k.pem"), "l1\nl2\n").unwrap();
    let records = loaded.unwrap().resolve(&["k", "n", "m", "v", "s"]).unwrap();
    for (name, want) in [
        ("k", json!({"key": "l1\nl2\n"})),
        ("n", json!({"nodes": ["a b", "10.0.0.2", "10.0.0.3"]})),
        ("m", json!({"nodes": ["1.1.1.1", "2.2.2.2"]})),
        ("v", json!({"envs": {"B": "a b", "n": "8080", "on": "true", "C": "$A"}})),
        ("s", json!({"key": "012345678901"})),
    ] {
        assert_eq!(Value::Object(records[name].fields.clone()), want, "{name}");
    }
    assert_eq!(records["m"].master_name, "CLUSTER");
}

#[test]
fn variables_win_field_by_field() {
    let variables = [
        ("SHIPCTL_INT_AWS_SECRETKEY", "env:AS-IS"),
        ("AWS_KEY", "AK"),
        ("SHIPCTL_INT_MYG_TYPE", "gcloudKey"),
        ("SHIPCTL_INT_MYG_JSON_KEY", "{}"),
        ("SHIPCTL_INT_N_TYPE", "nodeCluster"),
        ("SHIPCTL_INT_N_NODES", "1.1.1.1, 2.2.2.2"),
        ("SHIPCTL_INT_KV_TYPE", "keyValuePair"),
        ("SHIPCTL_INT_KV_MY_TYPE", "x"),
        ("SHIPCTL_INT_KV_a", "y"),
    ];
    assert_eq!(resolved(AWS, &variables, "aws"), json!({"accessKey": "AK", "secretKey": "env:AS-IS"}));
    assert_eq!(resolved("", &variables, "my-g"), json!({"JSON_key": "{}"}));
    assert_eq!(resolved("", &variables, "1n"), json!({"nodes": ["1.1.1.1", "2.2.2.2"]}));
    assert_eq!(resolved("", &variables, "kv"), json!({"envs": {"MY_TYPE": "x", "a": "y"}}));
    let text = "kv: {type: keyValuePair, my_type: old, b: z}";
    assert_eq!(resolved(text, &variables, "kv"), json!({"envs": {"b": "z", "my_type": "x", "a": "y"}}));
}

#[test]
fn variables_of_json() {
    let variables = [
        ("SHIPCTL_INT_N_TYPE", "nodeCluster"),
        ("SHIPCTL_INT_N_NODES", "[\"10.0.0.1\", \"10.0.0.2\"]"),
        ("SHIPCTL_INT_ODD_TYPE", "nodeCluster"),
        ("SHIPCTL_INT_ODD_NODES", "[::1],[::2]"),
        ("SHIPCTL_INT_KV_TYPE", "keyValuePair"),
        ("SHIPCTL_INT_KV_ENVS", "{\"X\": \"v\", \"n\": 5, \"Y\": \"whole\"}"),
        ("SHIPCTL_INT_KV_Y", "own"),
        ("SHIPCTL_INT_TEXT_TYPE", "keyValuePair"),
        ("SHIPCTL_INT_TEXT_ENVS", "{no json"),
    ];
    assert_eq!(resolved("", &variables, "n"), json!({"nodes": ["10.0.0.1", "10.0.0.2"]}));
    assert_eq!(resolved("", &variables, "odd"), json!({"nodes": ["[::1]", "[::2]"]}));
    assert_eq!(resolved("", &variables, "kv"), json!({"envs": {"X": "v", "n": "5", "Y": "own"}}));
    let text = "kv: {type: keyValuePair, x: old, z: kept}";
    assert_eq!(resolved(text, &variables, "kv"), json!({"envs": {"z": "kept", "X": "v", "n": "5", "Y": "own"}}));
    assert_eq!(resolved("", &variables, "text"), json!({"envs": {"ENVS": "{no json"}}));
}

#[test]
fn names_that_begin_alike() {
    let variables = [
        ("SHIPCTL_INT_AWS_TYPE", "amazonKeys"),
        ("SHIPCTL_INT_AWS_ACCESSKEY", "1"),
        ("SHIPCTL_INT_AWS_SECRETKEY", "2"),
        ("SHIPCTL_INT_AWS_PROD_TYPE", "amazonKeys"),
        ("SHIPCTL_INT_AWS_PROD_ACCESSKEY", "3"),
        ("SHIPCTL_INT_AWS_PROD_SECRETKEY", "4"),
        ("SHIPCTL_INT_AWS_TEST_KEY", "5"),
    ];
    let file = "aws_test: {type: pemKey}\n";
    assert_eq!(resolved(file, &variables, "aws"), json!({"accessKey": "1", "secretKey": "2"}));
    assert_eq!(resolved(file, &variables, "aws_prod"), json!({"accessKey": "3", "secretKey": "4"}));
    assert_eq!(resolved(file, &variables, "aws_test"), json!({"key": "5"}));
}

#[test]
fn everything_that_is_missing_at_once() {
    let text = format!(
        "{AWS}slack: {{type: slackKey, webhookUrl: 'exec:sh -c \"exit 4\" hunter2'}}\nk: {{type: pemKey, key: }}\nd: {{type: Docker, username: '', password: 'file:none'}}\n"
    );
    let (said, status) = refused(&text, &[], &["aws", "slack", "k", "d", "awz"]);
    for want in [
        "aws: accessKey at ints.yml:3:14: the variable AWS_KEY is not set",
        "aws: secretKey at ints.yml:4:14: the variable AWS_SECRET is not set",
        "slack: webhookUrl at ints.yml:5:37: the command sh failed: exit status 4",
        "k: key is missing at ints.yml:6:1: add it, or set SHIPCTL_INT_K_KEY",
        "d: username is empty at ints.yml:7:1",
        "d: password at ints.yml:7:43: cannot read none: No such file",
        "awz: no such integration: add it to ints.yml, or set SHIPCTL_INT_AWZ_TYPE and its fields; did you mean aws?",
    ] {
        assert!(said.contains(want), "{want}\n{said}");
    }
    assert!(!said.contains("hunter2") && !said.contains('\n'), "{said}");
    assert_eq!(status, 3);
}

#[test]
fn only_what_is_asked_for_is_run() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("i.yml");
    std::fs::write(&path, "a: {type: pemKey, key: exec:touch ran}\nb: {type: pemKey, key: b}\n").unwrap();
    let loaded = Integrations::load(&env(&[]), Some(&path)).unwrap();
    loaded.resolve(&["b"]).unwrap();
    assert!(!dir.path().join("ran").exists());
    // An empty key is refused, but the command has run, in the folder of the file.
    loaded.resolve(&["a"]).unwrap_err();
    assert!(dir.path().join("ran").exists());
}

#[test]
fn files_that_are_wrong() {
    for (text, want) in [
        ("a: [1\n", "ints.yml:1:4: not YAML"),
        ("a: {type: amazonkeys}\n", "ints.yml:1:1: a: there is no type amazonkeys; did you mean amazonKeys"),
        (
            "a:\n  type: amazonKeys\n  acessKey: x\n",
            "ints.yml:3:3: a: amazonKeys has no field acessKey; did you mean accessKey",
        ),
        ("a: {type: irc, zzz: 1}\n", "irc has no field zzz; it has "),
        ("a: text\n", "ints.yml:1:1: a is a text: write {type: TYPE"),
        ("- {type: pemKey}\n", "ints.yml:1:3: an integration without a name"),
        ("text\n", "ints.yml:1:1: a text instead of integrations"),
        ("a: {type: pemKey, key: [x]}\n", "a: key is a list instead of a text"),
        ("a: {type: keyValuePair, envs: {B: [1]}}\n", "a: B is a list"),
        ("- {name: a, type: irc}\n- {name: a, type: irc}\n", "a is there twice, first in line 1"),
        ("a: {type: pemKey, key: 1.10}\n", "ints.yml:1:24: a number that would change: put it in quotes"),
        ("a: {type: pemKey, key: *secret}\n", "an alias of no anchor: put a value"),
        ("a: {accessKey: x, secretKey: y}\n", "a: no type at ints.yml:1:1: add type: its type (amazonKeys?)"),
    ] {
        let (said, status) = refused(text, &[], &["a"]);
        assert!(said.contains(want), "{text}: {said}");
        assert!(!said.contains("1.10") && !said.contains("*s"), "{said}");
        assert_eq!(status, 8, "{text}");
    }
    let missing = Integrations::load(&env(&[]), Some(Path::new("no/such.yml"))).unwrap_err();
    assert_eq!((missing.exit_status(), missing.to_string().contains("no/such.yml")), (8, true));
}

#[test]
fn variables_that_are_wrong() {
    let typed = ("SHIPCTL_INT_A_TYPE", "amazonKeys");
    let (said, status) = refused("", &[typed, ("SHIPCTL_INT_A_ACESSKEY", "x")], &["a"]);
    assert!(
        said.contains("a: SHIPCTL_INT_A_ACESSKEY: amazonKeys has no field ACESSKEY; did you mean accessKey"),
        "{said}"
    );
    assert!(said.contains("a: secretKey is missing: add it, or set SHIPCTL_INT_A_SECRETKEY"), "{said}");
    assert_eq!(status, 8);
    let (said, status) = refused("", &[("SHIPCTL_INT_A_ACCESSKEY", "x"), ("SHIPCTL_INT_A_SECRETKEY", "y")], &["a"]);
    assert!(said.contains("a: no type: set SHIPCTL_INT_A_TYPE to its type (amazonKeys?)"), "{said}");
    assert_eq!(status, 3);
    let (said, status) = refused("", &[("SHIPCTL_INT_A_TYPE", "amazonKey")], &["a"]);
    assert!(said.contains("there is no type amazonKey; did you mean amazonKeys"), "{said}");
    assert_eq!(status, 8);
    let (said, _) = refused(AWS, &[("SHIPCTL_INT_AWS_TYPE", "pemKey"), ("SHIPCTL_INT_AWS_KEY", "k")], &["aws"]);
    assert!(said.contains("pemKey") || said.contains("has no field accessKey"), "{said}");
}

#[test]
fn older_kubernetes_records() {
    let text = "k: {type: kubernetesConfig, masterKubeConfigContent: c}";
    assert_eq!(resolved(text, &[], "k"), json!({"masterKubeConfigContent": "c"}));
    let (said, _) = refused("k: {type: kubernetesConfig}", &[], &["k"]);
    assert!(said.contains("kubeConfigContent is missing"), "{said}");
}

#[test]
fn debug_shows_no_value() {
    let (_dir, loaded) = load("a: {type: pemKey, key: hunter2}", &[("SHIPCTL_INT_B_KEY", "hunter3")]);
    let shown = format!("{:?}", loaded.unwrap());
    assert!(shown.contains("SHIPCTL") || shown.contains("B_KEY"), "{shown}");
    assert!(!shown.contains("hunter"), "{shown}");
}

proptest::proptest! {
    /// Whatever is written, a value is in no message.
    #[test]
    fn no_message_tells_a_value(before in "[ a-z0-9.'\"|>#{}@`-]{0,6}", after in "[ a-z0-9.'\"|>#@`\n-]{0,6}") {
        for text in [
            format!("a: {{type: pemKey, key: {before}hunter2{after}}}\n"),
            format!("a:\n  type: pemKey\n  key: \"{before}hunter2{after}\n"),
            format!("a:\n  type: amazonKeys\n  accessKey: |\n {before}\n    hunter2\n"),
        ] {
            let (_dir, loaded) = load(&text, &[]);
            if let Err(error) = loaded.and_then(|loaded| loaded.resolve(&["a"])) {
                let said = error.to_string();
                proptest::prop_assert!(!said.contains("hunter2"), "{}: {}", text, said);
            }
        }
    }
}
