//! `job show`: what a person reads of a job directory, and what nobody may.

use serde_json::{Value, json};

use crate::harness::Sandbox;
use crate::vectors::job_fixture;

fn text(sandbox: &Sandbox) -> String {
    let ran = sandbox.shipctl(["job", "show"]);
    assert_eq!((ran.status, ran.err()), (0, String::new()));
    ran.out()
}

fn json_of(sandbox: &Sandbox) -> Value {
    let ran = sandbox.shipctl(["job", "show", "--json"]);
    assert_eq!((ran.status, ran.err()), (0, String::new()));
    serde_json::from_slice(&ran.stdout).unwrap()
}

#[test]
fn the_recorded_job() {
    let sandbox = job_fixture();
    let shown = text(&sandbox).replace(sandbox.root().to_str().unwrap(), "@ROOT@");
    insta::assert_snapshot!(shown, @r"
    job   deploy_app (runSh), build 42
    path  @ROOT@/job

    RESOURCE         SIDE  TYPE          VERSION    NO.  INTEGRATION          FIELDS
    1st.thing-2      IN    state         d1         3
    app-params       IN    params                   3                         DB_URL=my.database.local
                                                                              DB_PORT=3306
                                                                              db-name=foo
                                                                              lower=x=y z
    app_repo         IN    gitRepo       abc        3                         branch=master
                                                                              branchName=master
                                                                              commitSha=c0ffee
    arr_int          IN    integration              3    nodeCluster          nodes=10.0.0.1, 10.0.0.2
                                                                              publicKey=ssh-rsa AAA
    aws-cli          IN    cliConfig                3    amazonKeys           region=us-west-2
                                                                              accessKey=***
                                                                              secretKey=***
    aws_ecs_cluster  IN    cluster                  3    amazonIamRole        sourceName=deploy-ecs-cluster
                                                                              region=us-east-1
                                                                              awsAccountId=***
                                                                              assumeRoleARN=***
    kv.settings      IN    integration              3    keyValuePair         MY_KEY_1=***
                                                                              my_key_2=***
    legacy.aws       IN    integration              3    AWS                  aws_access_key_id=***
                                                                              aws_secret_access_key=***
    node_app_img_dh  IN    image         master.17  17   dockerRegistryLogin  sourceName=drship/node_app
                                                                              url=https://index.docker.io/v1/
                                                                              username=drship
                                                                              password=***
                                                                              email=ops@example.com
    slack_out        IN    notification             3    slackKey             method=slack
                                                                              recipients=#ops
                                                                              webhookUrl=***
    stateA           IN    state         s1         3
    tag_repo         IN    gitRepo       v1.2.0     3                         commitSha=1
                                                                              gitTagName=v1.2.0
    ci_repo          OUT   ciRepo                   3
    exc_repo         OUT   gitRepo                  3
    mst_repo         OUT   gitRepo                  3                         branch=master
    only_repo        OUT   gitRepo                  3
    out_img          OUT   image         master.1   3                         sourceName=drship/other
    out_params       OUT   params                   3                         A=1
    rel_repo         OUT   gitRepo                  3                         branch=dev
                                                                              branchName=dev
    stateB           OUT   state         old        3
    tag_except       OUT   gitRepo                  3
    tag_only         OUT   gitRepo                  3

    INTEGRATION OF THE JOB  TYPE        FIELDS
    deploy.pem              pemKey      key=***
    myAWSCreds              amazonKeys  accessKey=***
                                        secretKey=***
    ");
}

#[test]
fn no_secret_of_the_recorded_job_is_shown() {
    let sandbox = job_fixture();
    let both = text(&sandbox) + &sandbox.shipctl(["job", "show", "--json"]).out();
    for secret in [
        "AKIAIOSFODNN7EXAMPLE",
        "wJalrXUtnFEMI",
        "AKIALEGACY",
        "legacy/secret+=",
        "AKIADIRECT",
        "direct+secret/==",
        "p@ss w0rd",
        "arn:aws:iam",
        "http://127.0.0.1:9/none",
        "v 2",
        "PRIVATE KEY",
        "MIIB",
    ] {
        assert!(!both.contains(secret), "{secret} is shown");
    }
}

#[test]
fn every_kind_of_secret_is_masked() {
    let mut sandbox = Sandbox::new();
    let params = json!({
        "ENV": "prod", "DB_PASSWORD": "hidden-1", "secure": "A=hidden-2 hidden-3=x", "URL": "https://u:hidden-4@h/",
        "nested": {"apiToken": "hidden-5"}
    });
    let version = json!({
        "operation": "IN", "name": "p", "type": "params", "resourceId": 1,
        "propertyBag": {
            "yml": {"integration": "i", "pointer": {"token": "hidden-6"}},
            "sysDeployKey": {"private": "hidden-7"}
        },
        "version": {"versionName": "v1", "versionNumber": 3, "propertyBag": {"params": params, "other": "hidden-8"}}
    });
    sandbox.write("job/IN/p/version.json", version.to_string());
    sandbox.write("job/IN/p/key.json", "hidden-9");
    sandbox.write("job/IN/p/p_key.pem", "hidden-10");
    let integration = json!({
        "id": "7", "masterName": "odd", "JSON_key": "{\"k\": \"hidden-11\"}", "token": "hidden-12",
        "envs": {"url": "u", "x": "hidden-13"}, "list": ["hidden-14"], "url": "https://bob:hidden-15@h/p",
        "host": "h", "port": 22, "region": "r", "username": "bob", "email": "e@x", "nodes": ["n1", "n2"],
        "publicKey": "pub", "output": "json"
    });
    sandbox.write("job/IN/p/integration.json", integration.to_string());
    let kv = json!({"masterName": "keyValuePair", "URL": "hidden-16", "username": "hidden-17"});
    sandbox.write("job/integrations/kv/integration.json", kv.to_string());
    sandbox.write("job/message.json", r#"{"name": "j", "type": "runSh", "buildNumber": 4}"#);
    sandbox.set("JOB_PATH", sandbox.path("job"));
    let both = text(&sandbox) + &sandbox.shipctl(["job", "show", "--json"]).out();
    assert!(!both.contains("hidden"), "{both}");
    let shown = json_of(&sandbox);
    assert_eq!(
        shown,
        json!({
            "job": {"name": "j", "type": "runSh", "buildNumber": "4", "path": sandbox.path("job")},
            "resources": [{
                "name": "p", "operation": "IN", "type": "params", "id": "1", "versionName": "v1", "versionNumber": "3",
                "properties": {},
                "params": {"ENV": "prod", "DB_PASSWORD": "***", "secure": "***", "URL": "https://***@h/", "nested": "***"},
                "integration": {"name": "i", "type": "odd", "fields": {
                    "JSON_key": "***", "token": "***", "x": "***", "list": "***", "url": "https://***@h/p", "host": "h",
                    "port": "22", "region": "r", "username": "bob", "email": "e@x", "nodes": ["n1", "n2"],
                    "publicKey": "pub", "output": "json"
                }}
            }],
            "integrations": [{"name": "kv", "type": "keyValuePair", "fields": {"URL": "***", "username": "***"}}]
        })
    );
}

#[test]
fn a_log_is_not_driven_by_values() {
    let mut sandbox = Sandbox::new();
    let bag = json!({"sourceName": "a\u{1b}[2J\nb\r", "region": "x".repeat(500)});
    let version = json!({"type": "image\u{7}", "version": {"versionName": "v\n1", "propertyBag": bag}});
    sandbox.write("job/IN/i/version.json", version.to_string());
    sandbox.set("JOB_PATH", sandbox.path("job")).set("JOB_NAME", "j\u{1b}");
    let shown = text(&sandbox);
    assert!(shown.contains(r"a\u{1b}[2J\nb\r") && shown.contains(r"v\n1"), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() < 160 && line.chars().all(|c| !c.is_control())), "{shown}");
    assert_eq!(json_of(&sandbox)["resources"][0]["properties"]["region"], "x".repeat(500));
}

#[test]
fn an_empty_job_and_a_broken_one() {
    let mut sandbox = Sandbox::new();
    sandbox.set("JOB_PATH", sandbox.cwd.clone());
    assert_eq!(text(&sandbox), format!("job   without a name\npath  {}\n", sandbox.cwd.display()));
    for (content, message) in [
        ("{", "not valid JSON"),
        (r#"{"type": []}"#, "type is a list"),
        (r#"{"version": 1}"#, "version is a number"),
        (r#"{"version": {"propertyBag": {"params": "x"}}}"#, "params is text"),
    ] {
        sandbox.write("work/IN/x/version.json", content);
        for words in [&["job", "show"][..], &["job", "show", "--json"]] {
            sandbox.shipctl(words).fails(8, message);
        }
    }
}
