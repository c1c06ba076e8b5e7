//! Whole runs over a bucket: of moto, and of servers that refuse.

use std::collections::BTreeSet;
use std::fs;
use std::process::Child;

use serde_json::Value;

use crate::harness::{Ran, Sandbox};
use crate::moto;
use crate::servers::{Http, Reply};

/// Two jobs that run when they like, and meet in one resource.
const PARALLEL: &str = r#"
resources:
  - {name: img, type: image, versionTemplate: {sourceName: org/img}}
jobs:
  - name: build
    type: runSh
    triggerMode: parallel
    steps:
      - TASK:
          script:
            - echo $BUILD_NUMBER > $JOB_STATE/number; echo > "$MEET/$ME"; until [ -e "$MEET/a" ] && [ -e "$MEET/b" ]; do sleep 0.05; done
            - shipctl post_resource_state img versionName "of-$ME"
      - OUT: img
"#;

#[track_caller]
fn succeeds(sandbox: &Sandbox, words: &[&str]) -> String {
    let ran = sandbox.shipctl(words);
    assert_eq!(ran.status, 0, "{words:?}: {}{}", ran.out(), ran.err());
    ran.out()
}

/// The pipeline of `job example --pipeline`, in the working directory of a sandbox.
fn example(mut sandbox: Sandbox) -> Sandbox {
    let pipeline = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/job/example/pipeline");
    for file in fs::read_dir(pipeline).unwrap() {
        let path = file.unwrap().path();
        sandbox.write(format!("work/{}", path.file_name().unwrap().to_str().unwrap()), fs::read(&path).unwrap());
    }
    sandbox.set("DEMO_ACCESS_KEY", "AKIAIOSFODNN7EXAMPLE").set("DEMO_SECRET_KEY", "wJalrXUtnFEMI/K7MDENG/EXAMPLE");
    sandbox
}

fn run<'a>(job: &'a str, store: &'a str) -> [&'a str; 7] {
    ["job", "run", job, "--store", store, "--integrations", "integrations.yml"]
}

#[test]
fn the_second_job_of_the_example_reads_what_the_first_one_left() {
    let store = "s3://team/jobs/example/of the two";
    let first = example(moto::bucket().sandbox("ci"));
    let out = succeeds(&first, &run("build_web", store));
    assert!(out.contains("building 1.0.1 for staging, with the password ***"), "{out}");
    // Another machine: nothing but the yml and the bucket.
    let second = example(moto::bucket().sandbox("ci"));
    let out = succeeds(&second, &run("deploy_web", store));
    assert!(out.contains("built 1.0.1") && !out.contains("before it there was"), "{out}");
    assert!(out.contains("deploying registry.example.com/staging/web:1.0.1, 2 times, as ***"), "{out}");
    let out = succeeds(&first, &run("deploy_web", store));
    assert!(out.contains("before it there was registry.example.com/staging/web:1.0.1"), "{out}");

    let listed = succeeds(&second, &["version", "list", "web_img", "--store", store, "--json"]);
    let versions: Value = serde_json::from_str(&listed).unwrap();
    let names: Vec<_> = versions.as_array().unwrap().iter().map(|one| one["versionName"].as_str().unwrap()).collect();
    assert_eq!(names, ["none", "1.0.1"]);
    succeeds(&second, &["state", "get", "--job", "build_web", "--store", store, "--out", "left"]);
    assert_eq!(second.read("work/left/report.txt"), b"built 1.0.1\n");
    for sandbox in [&first, &second] {
        // Nothing of it is here, and no secret of it there.
        let here: BTreeSet<_> = fs::read_dir(&sandbox.cwd).unwrap().map(|one| one.unwrap().file_name()).collect();
        assert!(!sandbox.path("work/.shipctl/build/deploy_web").exists(), "{here:?}");
        let found = sandbox.bash("grep -rl 'correct horse\\|wJalr' . | grep -v '^./db_password'");
        assert_eq!(found.out(), "");
    }
    let all = everything_in("team");
    assert!(all.len() > 8, "{all:?}");
    for (key, content) in all {
        for secret in ["correct horse", "wJalrXUtnFEMI", "d2ViOmNvcnJlY3QgaG9yc2U"] {
            assert!(!content.contains(secret), "{secret} is in {key}");
        }
    }
}

/// Every object of a bucket, as boto3 reads them.
fn everything_in(bucket: &str) -> Vec<(String, String)> {
    let sandbox = moto::bucket().sandbox("ci");
    let script = format!(
        "import boto3, json\ns3 = boto3.client('s3')\nkeys = [one['Key'] for page in s3.get_paginator('list_objects_v2')\
         .paginate(Bucket='{bucket}') for one in page.get('Contents', [])]\n\
         print(json.dumps([[key, s3.get_object(Bucket='{bucket}', Key=key)['Body'].read().decode('latin-1')] for key in keys]))"
    );
    let python = crate::harness::tool("python");
    let ran = Ran::of(sandbox.command(python).args(["-c", &script]).output().unwrap());
    assert_eq!(ran.status, 0, "{}", ran.err());
    serde_json::from_slice(&ran.stdout).unwrap()
}

#[test]
fn a_second_finish_changes_nothing_in_a_bucket() {
    let sandbox = example(moto::bucket().sandbox("ci"));
    let store = "s3://team/jobs/twice";
    let init = ["job", "init", "build_web", "--dir", "d", "--store", store, "--integrations", "integrations.yml"];
    succeeds(&sandbox, &init);
    succeeds(&sandbox, &["job", "finish", "--dir", "d"]);
    let before = succeeds(&sandbox, &["version", "list", "build_web", "--job", "--store", store, "--json"]);
    let ran = sandbox.shipctl(["job", "finish", "--dir", "d"]);
    assert!(ran.status == 0 && ran.err().contains("was finished before"), "{}", ran.err());
    assert_eq!(succeeds(&sandbox, &["version", "list", "build_web", "--job", "--store", store, "--json"]), before);
}

fn start(sandbox: &Sandbox, words: &[&str]) -> Child {
    let mut command = sandbox.command(sandbox.path("bin/shipctl"));
    command.args(words).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    command.spawn().unwrap()
}

/// Runs the job on two machines; neither goes on before both are in their script. Returns the versions of what it makes.
fn at_once(mut machines: [Sandbox; 2], store: &str) -> Vec<Value> {
    let meet = tempfile::tempdir().unwrap();
    let words = ["job", "run", "build", "--store", store];
    for (machine, me) in machines.iter_mut().zip(["a", "b"]) {
        machine.write("work/shippable.yml", PARALLEL);
        machine.set("MEET", meet.path()).set("ME", me);
    }
    let running = [start(&machines[0], &words), start(&machines[1], &words)];
    for child in running {
        let ran = Ran::of(child.wait_with_output().unwrap());
        assert_eq!(ran.status, 0, "{}{}", ran.out(), ran.err());
    }
    let listed = |words: &[&str]| -> Vec<Value> {
        let text = succeeds(&machines[0], &[&["version", "list"], words, &["--store", store, "--json"]].concat());
        serde_json::from_str(&text).unwrap()
    };
    let jobs = listed(&["build", "--job"]);
    let numbers: Vec<_> = jobs.iter().map(|one| one["versionNumber"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2]);
    let builds: BTreeSet<_> = jobs.iter().map(|one| one["run"]["buildNumber"].as_str().unwrap().to_owned()).collect();
    assert_eq!(builds, ["1", "2"].map(ToOwned::to_owned).into());
    listed(&["img"])
}

#[test]
fn runs_at_once_share_no_number() {
    for (machines, store) in [
        ([moto::bucket().sandbox("ci"), moto::bucket().sandbox("ci")], "s3://team/jobs/at-once".to_owned()),
        ([Sandbox::new(), Sandbox::new()], tempfile::tempdir().unwrap().keep().display().to_string()),
    ] {
        let versions = at_once(machines, &store);
        let numbers: Vec<_> = versions.iter().map(|one| one["versionNumber"].as_u64().unwrap()).collect();
        let names: BTreeSet<_> = versions.iter().filter_map(|one| one["versionName"].as_str()).collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
        assert!(names.is_superset(&["of-a", "of-b"].into()), "{versions:?}");
        if !store.starts_with("s3:") {
            fs::remove_dir_all(store).unwrap();
        }
    }
}

/// What `job init` says of a store, which leaves nothing behind.
#[track_caller]
fn refused(sandbox: &Sandbox, status: i32, says: &[&str]) {
    for words in [&["job", "init", "build_web"][..], &["job", "run", "build_web"], &["job", "run", "deploy_web"]] {
        let all = [words, &["--store", "s3://team/jobs/p", "--integrations", "integrations.yml"]].concat();
        let before: BTreeSet<_> = fs::read_dir(&sandbox.cwd).unwrap().map(|one| one.unwrap().file_name()).collect();
        let ran = sandbox.shipctl(&all);
        ran.fails(status, "s3://team");
        for text in says {
            assert!(ran.err().contains(text), "{words:?}: {text} is not in {}", ran.err());
        }
        assert_eq!(ran.err().lines().count(), 1, "{}", ran.err());
        let after: BTreeSet<_> = fs::read_dir(&sandbox.cwd).unwrap().map(|one| one.unwrap().file_name()).collect();
        assert_eq!(after, before, "{words:?}");
    }
}

/// A sandbox whose S3 is at this address.
fn with_s3_at(url: &str) -> Sandbox {
    let mut sandbox = example(Sandbox::new());
    sandbox.set("AWS_ACCESS_KEY_ID", "AKIATEST").set("AWS_SECRET_ACCESS_KEY", "a secret word");
    sandbox.set("AWS_ENDPOINT_URL_S3", url).set("AWS_REGION", "us-east-1").set("AWS_EC2_METADATA_DISABLED", "true");
    sandbox
}

#[test]
fn a_bucket_that_cannot_be_reached() {
    refused(&with_s3_at("http://127.0.0.1:9"), 7, &["127.0.0.1:9", "onnection refused", "check the network"]);
}

#[test]
fn no_credentials() {
    let mut sandbox = with_s3_at("http://127.0.0.1:9");
    sandbox.env.retain(|name, _| !name.to_string_lossy().contains("KEY_ID"));
    sandbox.env.retain(|name, _| name != "AWS_SECRET_ACCESS_KEY");
    refused(&sandbox, 3, &["no AWS credentials", "AWS_PROFILE"]);
}

/// A server that refuses everything with this status and code.
fn refusing(status: &'static str, code: &'static str, message: &'static str) -> Http {
    Http::start(move |_| {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
             <BucketName>team</BucketName><RequestId>R</RequestId><HostId>H</HostId></Error>"
        );
        Reply::Answer(status, vec![("Content-Type", "application/xml".to_owned())], body.into_bytes())
    })
}

#[test]
fn what_the_bucket_says() {
    for (status, code, message, exit, cure) in [
        ("404 Not Found", "NoSuchBucket", "The specified bucket does not exist", 8, "create the bucket"),
        ("403 Forbidden", "AccessDenied", "Access Denied", 4, "allow s3:GetObject"),
        ("400 Bad Request", "ExpiredToken", "The provided token has expired.", 5, "renew the credentials"),
        ("403 Forbidden", "InvalidAccessKeyId", "The key does not exist in our records.", 5, "renew the credentials"),
        ("403 Forbidden", "SignatureDoesNotMatch", "The signature does not match.", 5, "renew the credentials"),
        ("301 Moved Permanently", "PermanentRedirect", "Use the other endpoint", 8, "AWS_REGION"),
    ] {
        let server = refusing(status, code, message);
        let sandbox = with_s3_at(&server.url(""));
        refused(&sandbox, exit, &[cure]);
        assert!(!server.requests().is_empty(), "{code}");
    }
}

#[test]
fn a_bucket_that_goes_in_the_middle_of_a_run_keeps_nothing_by_halves() {
    let sandbox = example(moto::bucket().sandbox("ci"));
    let store = "s3://team/goes";
    succeeds(&sandbox, &run("build_web", store));
    let init = ["job", "init", "build_web", "--dir", "d", "--store", store, "--integrations", "integrations.yml"];
    succeeds(&sandbox, &init);
    let mut gone = example(moto::bucket().sandbox("ci"));
    gone.set("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9");
    let place = sandbox.path("work/d");
    gone.shipctl(["job", "finish", "--dir", place.to_str().unwrap()]).fails(7, "check the network");
    let versions = || succeeds(&sandbox, &["version", "list", "build_web", "--job", "--store", store]).lines().count();
    assert_eq!(versions(), 2);
    succeeds(&sandbox, &["job", "finish", "--dir", "d"]);
    assert_eq!(versions(), 3);
}
