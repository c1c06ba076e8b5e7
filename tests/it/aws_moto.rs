//! Credentials against moto, which checks signatures, policies and trust as AWS does.

use std::sync::LazyLock;

use serde_json::json;

use crate::harness::{Ran, Sandbox, tool};
use crate::moto::Moto;
use crate::scripted_sts::printed;

const DEPLOY: &str = "arn:aws:iam::123456789012:role/deploy";

/// Users and roles with the documented policies, and from then on nothing that they do not allow.
static ENFORCING: LazyLock<Moto> = LazyLock::new(|| {
    let documented = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::123456789012:role/*"}
    ]});
    let pull = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}
    ]});
    Moto::start(&format!(
        r#"
iam = client("iam")
def user(name, *policies):
    iam.create_user(UserName=name)
    for number, policy in enumerate(policies):
        iam.put_user_policy(UserName=name, PolicyName=f"p{{number}}", PolicyDocument=policy)
    made[name] = {{k: v for k, v in iam.create_access_key(UserName=name)["AccessKey"].items() if isinstance(v, str)}}
def role(name, principal, external_id=None, *policies):
    statement = {{"Effect": "Allow", "Principal": {{"AWS": principal}}, "Action": "sts:AssumeRole"}}
    if external_id:
        statement["Condition"] = {{"StringEquals": {{"sts:ExternalId": external_id}}}}
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({{"Version": "2012-10-17", "Statement": [statement]}}))
    for number, policy in enumerate(policies):
        iam.put_role_policy(RoleName=name, PolicyName=f"p{{number}}", PolicyDocument=policy)
documented, pull = '{documented}', '{pull}'
user("ci", documented)
user("other", documented)
user("nobody")
user("puller", pull)
user("denied", documented, '{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Action":"sts:AssumeRole","Resource":"*"}}]}}')
role("deploy", "arn:aws:iam::123456789012:user/ci", "ticket-42")
role("first", "arn:aws:iam::123456789012:user/ci", None, documented)
role("second", "arn:aws:sts::123456789012:assumed-role/first/chain")
from moto import settings
settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
"#
    ))
});

/// One line, that names all of these.
#[track_caller]
fn refuses(ran: &Ran, status: i32, holds: &[&str]) {
    assert_eq!((ran.status, ran.out()), (status, String::new()), "{}", ran.err());
    assert_eq!(ran.err().lines().count(), 1, "{}", ran.err());
    for words in holds {
        assert!(ran.err().contains(words), "{words:?} is not in {:?}", ran.err());
    }
}

fn assume(sandbox: &Sandbox, more: &[&str]) -> Ran {
    sandbox.shipctl([&["aws", "assume-role", "--format", "json"], more].concat())
}

#[test]
fn the_documented_policies_suffice() {
    let sandbox = ENFORCING.sandbox("ci");
    let got = printed(&assume(&sandbox, &["--role-arn", DEPLOY, "--external-id", "ticket-42"]));
    assert_eq!((&got["role"], &got["account"]), (&DEPLOY.into(), &"123456789012".into()));
    let words = ["aws", "whoami", "--ambient", "--role-arn", DEPLOY, "--external-id", "ticket-42", "--json"];
    let who = printed(&sandbox.shipctl([&words[..], &["--role-session-name", "release-7"]].concat()));
    assert_eq!(who["arn"], "arn:aws:sts::123456789012:assumed-role/deploy/release-7");
    assert_eq!(who["account"], "123456789012");
    let who = printed(&sandbox.shipctl(["aws", "whoami", "--ambient", "--json"]));
    assert_eq!(who["arn"], "arn:aws:iam::123456789012:user/ci");
}

#[test]
fn a_denial_names_role_caller_and_cure() {
    let ci = ENFORCING.sandbox("ci");
    let denied = |sandbox: &Sandbox, more: &[&str], caller: &str| {
        let ran = assume(sandbox, &[&["--role-arn", DEPLOY], more].concat());
        refuses(&ran, 4, &[DEPLOY, "AccessDenied", caller, "trust policy", "external id"]);
    };
    // The wrong external id: the role's trust policy refuses. (Where none is given, AWS refuses too; moto does not.)
    denied(&ci, &["--external-id", "ticket-43"], "user/ci");
    // Somebody whom the trust policy does not name; one without a policy; one with a denial.
    for name in ["other", "nobody", "denied"] {
        denied(&ENFORCING.sandbox(name), &["--external-id", "ticket-42"], &format!("user/{name}"));
    }
}

#[test]
fn a_chain_goes_as_far_as_trust_does() {
    let sandbox = ENFORCING.sandbox("ci");
    let roles =
        ["--role-arn", "arn:aws:iam::123456789012:role/first", "--role-arn", "arn:aws:iam::123456789012:role/second"];
    let words = [&roles[..], &["--role-session-name", "chain"]].concat();
    assert_eq!(printed(&assume(&sandbox, &words))["role"], "arn:aws:iam::123456789012:role/second");
    // Under another name of the session the second role does not trust us.
    let words = [&roles[..], &["--role-session-name", "stranger"]].concat();
    refuses(&assume(&sandbox, &words), 4, &["role/second", "role 2 of 2", "assumed-role/first/stranger"]);
}

#[test]
fn keys_that_are_wrong_are_told_apart() {
    let mut sandbox = ENFORCING.sandbox("ci");
    sandbox.set("AWS_SECRET_ACCESS_KEY", "not the secret");
    let ran = sandbox.shipctl(["aws", "whoami", "--ambient"]);
    refuses(&ran, 5, &["SignatureDoesNotMatch", "renew"]);
    assert!(!ran.err().contains("not the secret"), "{}", ran.err());
    sandbox.set("AWS_ACCESS_KEY_ID", "AKIANOSUCHKEY");
    refuses(&sandbox.shipctl(["aws", "whoami", "--ambient"]), 5, &["InvalidClientTokenId", "renew"]);
}

#[test]
fn exported_keys_are_used_by_the_real_cli() {
    let sandbox = ENFORCING.sandbox("ci");
    let aws = tool("aws");
    let ran = sandbox.bash(&format!(
        "set -e; eval \"$(shipctl aws assume-role --role-arn {DEPLOY} --external-id ticket-42 --role-session-name by-cli)\"; \
         {} sts get-caller-identity --query Arn --output text",
        aws.display()
    ));
    assert_eq!(
        (ran.status, ran.out()),
        (0, "arn:aws:sts::123456789012:assumed-role/deploy/by-cli\n".to_owned()),
        "{}",
        ran.err()
    );
    // And those of a job's integration, by a name with every kind of letter.
    let mut job = ENFORCING.sandbox("nobody");
    let key = |part: &str| ENFORCING.made["ci"][part].as_str().unwrap().to_owned();
    job.write(
        "job/IN/my.keys-1/integration.json",
        json!({"masterName": "amazonKeys", "accessKey": key("AccessKeyId"), "secretKey": key("SecretAccessKey")})
            .to_string(),
    );
    let root = job.path("job");
    job.set("JOB_PATH", root);
    let ran = job.bash(&format!(
        "set -e; eval \"$(shipctl aws export my.keys-1)\"; {} sts get-caller-identity --query Arn --output text",
        aws.display()
    ));
    assert_eq!((ran.status, ran.out()), (0, "arn:aws:iam::123456789012:user/ci\n".to_owned()), "{}", ran.err());
}

#[test]
fn ecr_needs_its_one_permission() {
    let puller = ENFORCING.sandbox("puller");
    let ran = puller.shipctl(["aws", "ecr-login", "--ambient"]);
    assert_eq!((ran.status, ran.out()), (0, String::new()), "{}", ran.err());
    let config: serde_json::Value = serde_json::from_slice(&puller.read("home/.docker/config.json")).unwrap();
    let auths = config["auths"].as_object().unwrap();
    assert_eq!(auths.keys().collect::<Vec<_>>(), ["123456789012.dkr.ecr.us-east-1.amazonaws.com"]);
    let nobody = ENFORCING.sandbox("nobody");
    refuses(
        &nobody.shipctl(["aws", "ecr-login", "--ambient"]),
        4,
        &["AccessDenied", "user/nobody", "ecr:GetAuthorizationToken", "allow"],
    );
    assert!(!nobody.path("home/.docker/config.json").exists());
}
