//! `iam policy`, `check` and `trust`: what is documented, printed and compared, without a call to AWS.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::guards::root;
use crate::harness::{Ran, Sandbox};

fn documented(name: &str) -> String {
    fs::read_to_string(root().join("tests/policies").join(name)).unwrap()
}

/// Runs the binary with this on its standard input.
fn with_input(sandbox: &Sandbox, words: &[&str], input: &str) -> Ran {
    let mut command = sandbox.command(sandbox.path("bin/shipctl"));
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Ran::of(child.wait_with_output().unwrap())
}

#[test]
fn documented_policies_are_printed() {
    let sandbox = Sandbox::new();
    for (words, file) in [
        (&["--for", "deploy"][..], "deploy.json"),
        (&["--for=deploy,load-balancer"], "load-balancer.json"),
        (&["--for", "scaling", "--for", "load-balancer,deploy,deploy"], "scaling.json"),
        (&["--for", "legacy"], "legacy.json"),
    ] {
        let ran = sandbox.shipctl([&["iam", "policy"], words].concat());
        ran.prints(documented(file));
        let ran = sandbox.shipctl([&["iam", "policy", "--compact"], words].concat());
        let value: Value = serde_json::from_str(&documented(file)).unwrap();
        ran.prints(format!("{value}\n"));
    }
}

#[test]
fn documented_trust_policies_are_printed() {
    let sandbox = Sandbox::new();
    for (words, file) in [
        (&["--for", "ecs,application-autoscaling"][..], "trust-ecs.json"),
        (&["--for", "application-autoscaling", "--for", "ecs"], "trust-ecs.json"),
        (&["--for", "ecs-tasks"], "trust-ecs-tasks.json"),
    ] {
        sandbox.shipctl([&["iam", "trust"], words].concat()).prints(documented(file));
    }
    let arn = "arn:aws:iam::123456789012:role/ci";
    let ran = sandbox.shipctl(["iam", "trust", "--compact", "--for", arn, "--external-id", "a"]);
    ran.fails(2, "--external-id: 2 to 1224 letters");
    let ran = sandbox.shipctl(["iam", "trust", "--compact", "--for", arn, "--external-id", "id-1"]);
    let statement = json!({"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "id-1"}}});
    ran.prints(format!("{}\n", json!({"Version": "2012-10-17", "Statement": [statement]})));
}

#[test]
fn wrong_words_are_usage_errors() {
    let sandbox = Sandbox::new();
    for (words, said) in [
        (&["iam", "policy"][..], "--for"),
        (&["iam", "policy", "--for", "depoly"], "a similar value exists: 'deploy'"),
        (&["iam", "policy", "--for", "deploy,"], "possible values: deploy, load-balancer"),
        (&["iam", "check"], "--for"),
        (&["iam", "check", "--for", "x"], "possible values: deploy, load-balancer"),
        (&["iam", "trust"], "--for"),
        (&["iam", "trust", "--for", "ecs-task"], "did you mean ecs-tasks"),
        (&["iam", "trust", "--for", "ecs", "--external-id", "id-1"], "services give none"),
        (&["iam", "polcy"], "did you mean policy"),
    ] {
        sandbox.shipctl(words).fails(2, said);
    }
}

#[test]
fn each_documented_policy_is_accepted_for_its_own_purpose() {
    let sandbox = Sandbox::new();
    let purposes = ["deploy", "deploy,load-balancer", "deploy,load-balancer,scaling", "legacy"];
    let files = ["deploy.json", "load-balancer.json", "scaling.json", "legacy.json"];
    for (row, file) in files.iter().enumerate() {
        let path = root().join("tests/policies").join(file);
        for (column, purpose) in purposes.iter().enumerate() {
            let ran = sandbox.shipctl(["iam", "check", path.to_str().unwrap(), "--for", purpose]);
            // The earlier list holds those of deploy and load-balancer, and none holds all of the earlier list.
            let missing = [[0, 2, 8, 11], [0, 0, 6, 9], [0, 0, 0, 9], [0, 0, 6, 0]][row][column];
            assert_eq!(ran.out().lines().count(), missing, "{file} {purpose}: {}", ran.out());
            assert!(ran.out().lines().all(|line| line.starts_with("missing: ")), "{}", ran.out());
            assert_eq!(ran.status, if missing == 0 { 0 } else { 4 }, "{file} {purpose}");
            let said = format!("{file}: {missing} of ");
            assert_eq!(ran.err().contains(&said), missing > 0, "{}", ran.err());
        }
    }
}

#[test]
fn what_is_missing_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write("work/p.json", documented("deploy.json"));
    let ran = sandbox.shipctl(["iam", "check", "p.json", "--for", "deploy,load-balancer"]);
    assert_eq!(ran.status, 4);
    assert_eq!(
        ran.out(),
        "missing: iam:PassRole (load-balancer): hands roles to ECS: the load balancer's, those of task definitions; \
         no statement allows it\n\
         missing: iam:ListRoles (load-balancer): looks for a role for the load balancer where none is given; \
         no statement allows it\n"
    );
    assert_eq!(
        ran.err(),
        "shipctl: p.json: 2 of 9 actions for deploy,load-balancer not allowed: add them; `shipctl iam policy --for \
         deploy,load-balancer` prints a policy that allows them\n"
    );
    let ran = sandbox.shipctl(["iam", "check", "p.json", "--for", "load-balancer", "--format", "json"]);
    let value: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!((ran.status, &value["missing"]), (4, &json!(["iam:PassRole", "iam:ListRoles"])));
    // The rest in a second file.
    let roles = sandbox.shipctl(["iam", "policy", "--for", "load-balancer"]);
    sandbox.write("work/roles.json", roles.stdout);
    sandbox.shipctl(["iam", "check", "p.json", "roles.json", "--for", "deploy,load-balancer"]).prints("");
}

#[test]
fn what_is_denied_is_not_to_be_added() {
    let sandbox = Sandbox::new();
    sandbox.write("work/p.json", documented("load-balancer.json"));
    let deny = json!({"Statement": {"Effect": "Deny", "NotAction": "ecs:*", "Resource": "*"}});
    sandbox.write("work/deny.json", deny.to_string());
    let ran = sandbox.shipctl(["iam", "check", "p.json", "deny.json", "--for", "deploy,load-balancer"]);
    assert_eq!((ran.status, ran.out().lines().count()), (4, 2), "{}", ran.out());
    assert!(ran.out().lines().all(|line| line.starts_with("denied: iam:")), "{}", ran.out());
    assert!(ran.err().contains("2 of 9 actions for deploy,load-balancer not allowed: take away what denies them; "));
    let denied = json!({"Statement": {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}});
    sandbox.write("work/deny.json", denied.to_string());
    let ran = sandbox.shipctl(["iam", "check", "p.json", "deny.json", "--for", "load-balancer,scaling"]);
    assert!(
        ran.err().contains("8 of 8 actions for load-balancer,scaling not allowed: add them, and take away what denies")
    );
}

#[test]
fn policies_come_from_pipes_as_aws_prints_them() {
    let sandbox = Sandbox::new();
    let document: Value = serde_json::from_str(&documented("scaling.json")).unwrap();
    let answer = json!({"PolicyVersion": {"Document": document, "VersionId": "v3"}}).to_string();
    for words in [&["iam", "check", "--for", "scaling"][..], &["iam", "check", "-", "--for", "deploy"]] {
        with_input(&sandbox, words, &answer).prints("");
    }
    let ran = with_input(&sandbox, &["iam", "check", "--for", "run"], &answer);
    assert_eq!((ran.status, ran.out().lines().count()), (4, 5));
    assert!(ran.err().starts_with("shipctl: standard input: 5 of 7 "), "{}", ran.err());
}

#[test]
fn notes_do_not_fail() {
    let sandbox = Sandbox::new();
    let narrow = documented("load-balancer.json").replace("arn:aws:iam::*:*", "arn:aws:iam::123456789012:role/*");
    sandbox.write("work/p.json", narrow);
    let ran = sandbox.shipctl(["iam", "check", "p.json", "--for", "deploy,load-balancer"]);
    ran.prints(
        "note: p.json: statement 2: iam:PassRole, iam:ListRoles: allowed on arn:aws:iam::123456789012:role/* alone\n",
    );
}

#[test]
fn wrong_documents_are_named_with_their_place() {
    let sandbox = Sandbox::new();
    sandbox.write("work/p.json", documented("deploy.json").replace("\"*\"", "\"*\","));
    sandbox.shipctl(["iam", "check", "p.json", "--for", "deploy"]).fails(8, "p.json:16:9: trailing comma");
    sandbox.write("work/p.json", documented("trust-ecs.json"));
    sandbox.shipctl(["iam", "check", "p.json", "--for", "deploy"]).fails(8, "p.json: statement 1: has a Principal");
    sandbox.shipctl(["iam", "check", "none.json", "--for", "deploy"]).fails(8, "cannot read none.json");
    sandbox.shipctl(["iam", "check", "--for", "deploy"]).fails(8, "standard input: empty");
}
