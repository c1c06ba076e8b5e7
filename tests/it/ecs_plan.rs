//! Plans: what they list is what the deployment does, and they do nothing themselves.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::{Value, json};
use shipctl::iam::{Purpose, actions};

use crate::ecs_jobs::{Bench, Yml};
use crate::ecs_server::{Call, Fault, Scenario, When};
use crate::harness::{Ran, Sandbox};

const ROLE: &str = "arn:aws:iam::123456789012:role/scale";
const STEPS: &str = "{AdjustmentType: ChangeInCapacity, StepAdjustments: [{MetricIntervalLowerBound: 0, \
    ScalingAdjustment: 1}]}";
const ALARM: &str = "MetricName: CPUUtilization, Namespace: AWS/ECS, Statistic: Average, Period: 60, \
    EvaluationPeriods: 1, Threshold: 75, ComparisonOperator: GreaterThanThreshold";
const METHODS: [&str; 3] = ["blueGreen", "upgrade", "replace"];
const SECRET: &str = "hunter2-and-more";

/// What surrounds the service of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Around {
    Nothing,
    LoadBalancer,
    All,
}

/// A job with a secret, and a load balancer and auto scaling where they are wanted.
fn resources(around: Around) -> String {
    let balancer = match around {
        Around::Nothing => "",
        _ => {
            "  - {name: b, type: loadBalancer, pointer: {sourceName: elb}}
  - {name: o, type: dockerOptions, version: {portMappings: [\"0:8080\"]}}\n"
        }
    };
    let scaling = match around {
        Around::All => format!(
            ", minReplicas: 2, maxReplicas: 6, autoScalingRole: \"{ROLE}\", autoScalingPolicies: [{{PolicyName: up, \
             PolicyType: StepScaling, StepScalingPolicyConfiguration: {STEPS}}}], metricAlarms: [{{AlarmName: busy, \
             AlarmActions: [up], {ALARM}}}]"
        ),
        _ => String::new(),
    };
    format!(
        "{balancer}  - {{name: r, type: replicas, version: {{count: 2{scaling}}}}}
  - {{name: p, type: params, version: {{params: {{A: one, secure: 'PASSWORD=\"{SECRET}\"'}}}}}}\n"
    )
}

/// The yml of such a job.
pub fn job(method: &str, around: Around) -> String {
    let (manifest, deploy) = match around {
        Around::Nothing => (", {IN: r}, {IN: p}", ""),
        _ => (", {IN: r}, {IN: p}, {IN: o}", ", {IN: b, applyTo: [{manifest: m, image: web, port: 8080}]}"),
    };
    let job = format!(", method: {method}");
    Yml { resources: &resources(around), manifest, deploy, job: &job, ..Yml::default() }.text()
}

/// A bench for it.
pub fn bench(method: &str, around: Around) -> Bench {
    let scenario = Scenario::new().role("ecsServiceRole", "ecs.amazonaws.com").role("other", "ec2.amazonaws.com");
    let bench = Bench::new(scenario);
    bench.sandbox.write("work/shippable.yml", job(method, around));
    bench
}

/// Every file below a folder with its content.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            all.push((path.clone(), Vec::new()));
            all.extend(files(&path));
        } else {
            all.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    all.sort();
    all
}

/// Runs `ecs plan` without credentials, with nobody at AWS's address; it writes nothing.
#[track_caller]
fn plans(sandbox: &Sandbox, words: &str) -> Ran {
    let before = files(&sandbox.root());
    let mut command = sandbox.command(sandbox.path("bin/shipctl"));
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"] {
        command.env_remove(name);
    }
    command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1").args(["ecs", "plan", "d"]).args(words.split_whitespace());
    let ran = Ran::of(command.output().unwrap());
    assert_eq!(files(&sandbox.root()), before, "a plan has written something");
    assert!(!ran.out().contains(SECRET) && !ran.err().contains(SECRET), "{}{}", ran.out(), ran.err());
    ran
}

/// The plan of a bench, in JSON.
#[track_caller]
pub fn plan(bench: &Bench, words: &str) -> Value {
    let (plan, notes) = plan_and_notes(bench, words);
    assert_eq!(notes, "");
    plan
}

/// The same, and what it says beside.
#[track_caller]
pub fn plan_and_notes(bench: &Bench, words: &str) -> (Value, String) {
    let calls = bench.ecs.calls().len();
    let ran = plans(&bench.sandbox, &format!("--json {words}"));
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert_eq!(bench.ecs.calls().len(), calls, "a plan has called AWS");
    (serde_json::from_str(&ran.out()).unwrap(), ran.err())
}

/// Scalars as texts, since some protocols know nothing else; policies by their names; no secret.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), plain(value))).collect(),
        Value::Array(list) => list.iter().map(plain).collect(),
        Value::String(text) if text == SECRET => "***".into(),
        Value::String(text) => text.rsplit_once(":policyName/").map_or(text.as_str(), |(_, name)| name).into(),
        Value::Number(number) => number.as_f64().unwrap().to_string().into(),
        other => other.to_string().into(),
    }
}

/// Looks that repeat the one before are one.
fn folded(calls: Vec<(String, Value)>) -> Vec<(String, Value)> {
    let mut all = calls;
    all.dedup_by(|one, before| one == before && one.0 == "ecs:DescribeServices");
    all
}

fn prefixed(call: &Call) -> String {
    let prefix = if call.service == "monitoring" { "cloudwatch" } else { &call.service };
    format!("{prefix}:{}", call.action)
}

/// What a plan lists: actions and requests.
fn listed(plan: &Value) -> Vec<(String, Value)> {
    let calls = plan["manifests"].as_array().unwrap().iter().flat_map(|one| one["calls"].as_array().unwrap());
    folded(calls.map(|call| (call["action"].as_str().unwrap().to_owned(), plain(&call["request"]))).collect())
}

/// What was called, save what no plan can know: the ARN of what has just been registered, the role that was found.
fn made(calls: &[Call], listed: &[(String, Value)]) -> Vec<(String, Value)> {
    let mut made = Vec::new();
    for call in calls {
        let mut request = plain(&call.request);
        if call.action == "ListRoles" {
            request = json!({});
        }
        if call.action == "CreateService" || call.action == "UpdateService" {
            let registered = request["taskDefinition"].as_str().is_some_and(|arn| arn.starts_with("arn:"));
            let planned = listed.iter().filter(|(action, _)| *action == prefixed(call));
            if registered && !planned.clone().any(|(_, planned)| planned.get("taskDefinition").is_some()) {
                request.as_object_mut().unwrap().remove("taskDefinition");
            }
            if request["role"].as_str() == Some("arn:aws:iam::123456789012:role/ecsServiceRole") {
                request.as_object_mut().unwrap().remove("role");
            }
        }
        made.push((prefixed(call), request));
    }
    folded(made)
}

fn texts(list: &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// The actions of calls, with those that requests bring with them.
fn used(calls: &[Call]) -> BTreeSet<String> {
    let hands_on = |call: &&Call| ["role", "RoleARN"].iter().any(|key| call.request[*key].is_string());
    let roles = calls.iter().find(hands_on).map(|_| "iam:PassRole".to_owned());
    calls.iter().map(prefixed).chain(roles).collect()
}

/// What the documents allow.
fn documented(around: Around) -> BTreeSet<String> {
    let purposes = match around {
        Around::Nothing => &[Purpose::Deploy][..],
        Around::LoadBalancer => &[Purpose::Deploy, Purpose::LoadBalancer],
        Around::All => &[Purpose::Deploy, Purpose::LoadBalancer, Purpose::Scaling],
    };
    purposes.iter().flat_map(|purpose| actions(*purpose)).map(|action| (*action).to_owned()).collect()
}

/// A manifest of another name takes the service over that the old one had: the plan knows it, and so does it know scaling
/// that is to go still.
#[test]
fn plans_after_a_change_of_names_or_scaling() {
    for method in ["upgrade", "replace"] {
        let mut bench = bench(method, Around::All);
        let text = job(method, Around::All).replace("method: ", "deployName: shop, method: ");
        bench.sandbox.write("work/shippable.yml", &text);
        bench.deploys(1, "");
        let renamed = text
            .replace("name: m,", "name: app,")
            .replace("{IN: m}", "{IN: app}")
            .replace("manifest: m,", "manifest: app,");
        bench.sandbox.write("work/shippable.yml", &renamed);
        compare(&mut bench, method, "--build-number 2 --image web=v2");
        // Killed when the alarms are to go.
        let words = "--build-number 3 --image web=v2";
        let other = job(method, Around::LoadBalancer).replace("method: ", "deployName: shop, method: ");
        let other = other
            .replace("name: m,", "name: app,")
            .replace("{IN: m}", "{IN: app}")
            .replace("manifest: m,", "manifest: app,");
        bench.sandbox.write("work/shippable.yml", &other);
        let kill = Fault::SignalBefore(Signal::KILL);
        bench.ecs.change(|scenario| scenario.fault("DeleteAlarms", When::First(1), kill));
        assert_eq!(bench.run(&format!("deploy d {words}")).status, 137);
        bench.ecs.change(|scenario| Scenario { faults: Vec::new(), ..scenario });
        compare(&mut bench, method, words);
        assert!(!bench.ecs.world().contains("alarm "), "{method}: {}", bench.ecs.world());
        assert!(!bench.ecs.world().contains("policy "), "{method}: {}", bench.ecs.world());
        compare(&mut bench, method, words);
        assert_eq!(bench.ecs.actions(), ["DescribeServices"], "{method}");
    }
}

/// Plans, deploys, and compares the calls.
#[track_caller]
fn compare(bench: &mut Bench, case: &str, words: &str) {
    let listed = listed(&plan(bench, words));
    let ran = bench.run(&format!("deploy d {words}"));
    assert_eq!(ran.status, 0, "{case}: {}", ran.err());
    assert_eq!(made(&bench.ecs.calls(), &listed), listed, "{case}: {}", ran.err());
}

#[test]
fn plans_are_what_deployments_do() {
    for around in [Around::Nothing, Around::LoadBalancer, Around::All] {
        for method in METHODS {
            let mut bench = bench(method, around);
            for (build, image) in [(1, "v1"), (2, "v2"), (3, "v3"), (4, "v3"), (5, "v4")] {
                let case = format!("{method}, {around:?}, build {build}");
                let words = format!("--build-number {build} --image web={image}");
                let plan = plan(&bench, &words);
                let needed = texts(&plan["actions"]);
                assert!(needed.is_subset(&documented(around)), "{case}: {needed:?}");
                // Nothing but what the plan lists is allowed.
                let allowed: Vec<&str> = needed.iter().map(String::as_str).collect();
                bench.ecs.change(|scenario| scenario.allow_only(&allowed));
                let ran = bench.run(&format!("deploy d {words}"));
                assert_eq!(ran.status, 0, "{case}: {}", ran.err());
                assert!(!ran.err().contains(SECRET) && !ran.out().contains(SECRET), "{case}: {}", ran.err());
                let calls = bench.ecs.calls();
                let planned = listed(&plan);
                assert_eq!(made(&calls, &planned), planned, "{case}");
                assert_eq!(used(&calls), needed, "{case}");
                assert_eq!(plan["manifests"][0]["unchanged"], build == 4, "{case}");
                assert_eq!(plan["manifests"][0]["service"].as_str().unwrap(), ran.out().split('\t').nth(1).unwrap());
            }
        }
    }
}

#[test]
fn what_is_forced_is_planned_too() {
    for method in METHODS {
        let mut bench = bench(method, Around::All);
        bench.deploys(1, "");
        let plan = plan(&bench, "--build-number 2 --force --keep 0");
        bench.deploys(2, "--force --keep 0");
        let planned = listed(&plan);
        assert!(planned.iter().any(|(action, _)| action == "ecs:DeregisterTaskDefinition"), "{method}");
        assert_eq!(made(&bench.ecs.calls(), &planned), planned, "{method}");
    }
}

#[test]
fn the_second_time_shows_what_differs() {
    let mut bench = bench("upgrade", Around::Nothing);
    insta::assert_snapshot!(plans(&bench.sandbox, "--build-number 1").out(), @r#"
    d to the cluster prod in us-east-1, upgrade

    m: d-m is new
       1. look at d-m: ecs:DescribeServices
       2. register the task definition d-m: ecs:RegisterTaskDefinition
       3. create the service d-m: ecs:CreateService
       4. wait for d-m: ecs:DescribeServices (repeated)
      {
        "taskDefinition": {
          "family": "d-m",
          "containerDefinitions": [
            {
              "name": "web",
              "image": "org/web:v1",
              "memory": 400,
              "cpu": 0,
              "essential": true,
              "environment": [
                {
                  "name": "A",
                  "value": "one"
                },
                {
                  "name": "PASSWORD",
                  "value": "***"
                }
              ]
            }
          ]
        },
        "service": {
          "desiredCount": 2
        }
      }

    IAM actions: ecs:DescribeServices, ecs:RegisterTaskDefinition, ecs:CreateService
    "#);
    bench.deploys(1, "");
    insta::assert_snapshot!(plans(&bench.sandbox, "--build-number 2").out(), @r"
    d to the cluster prod in us-east-1, upgrade

    m: unchanged, d-m serves

    IAM actions: ecs:DescribeServices
    ");
    insta::assert_snapshot!(plans(&bench.sandbox, "--build-number 2 --image web=v2").out(), @r#"
    d to the cluster prod in us-east-1, upgrade

    m: d-m changes
       1. look at d-m: ecs:DescribeServices
       2. register the task definition d-m: ecs:RegisterTaskDefinition
       3. update the service d-m: ecs:UpdateService
       4. wait for d-m: ecs:DescribeServices (repeated)
      @@ -5,5 +5,5 @@
             {
               "name": "web",
      -        "image": "org/web:v1",
      +        "image": "org/web:v2",
               "memory": 400,
               "cpu": 0,

    IAM actions: ecs:DescribeServices, ecs:RegisterTaskDefinition, ecs:UpdateService
    "#);
    // A secret that has changed is a change, and is not shown either.
    let yml = fs::read_to_string(bench.sandbox.path("work/shippable.yml")).unwrap();
    bench.sandbox.write("work/shippable.yml", yml.replace(SECRET, "hunter3"));
    let ran = plans(&bench.sandbox, "--build-number 2");
    assert!(!ran.out().contains("hunter3"), "{}", ran.out());
    insta::assert_snapshot!(ran.out(), @r"
    d to the cluster prod in us-east-1, upgrade

    m: d-m changes
       1. look at d-m: ecs:DescribeServices
       2. register the task definition d-m: ecs:RegisterTaskDefinition
       3. update the service d-m: ecs:UpdateService
       4. wait for d-m: ecs:DescribeServices (repeated)
      secrets differ, which are not shown: PASSWORD of web

    IAM actions: ecs:DescribeServices, ecs:RegisterTaskDefinition, ecs:UpdateService
    ");
}

#[test]
fn wrong_yml_is_told_before_any_call() {
    let mut bench = bench("blueGreen", Around::Nothing);
    let right = fs::read_to_string(bench.sandbox.path("work/shippable.yml")).unwrap();
    let mut told = String::new();
    for (from, to) in [
        ("{IN: web}", "{IN: wob}"),
        ("count: 2", "count: two"),
        ("sourceName: prod, ", ""),
        ("method: blueGreen", "method: greenBlue"),
        ("name: d, type: deploy", "name: e, type: deploy"),
        ("resources:", "resources: {"),
    ] {
        assert!(right.contains(from), "{from}");
        bench.sandbox.write("work/shippable.yml", right.replace(from, to));
        let ran = plans(&bench.sandbox, "--build-number 1");
        assert_eq!((ran.status, ran.out()), (8, String::new()), "{to}: {}", ran.err());
        let deployed = bench.run("deploy d --build-number 1");
        assert_eq!((deployed.status, deployed.out(), deployed.err()), (8, String::new(), ran.err()), "{to}");
        told.push_str(&ran.err());
    }
    assert!(bench.ecs.calls().is_empty(), "{}", bench.ecs.transcript());
    insta::assert_snapshot!(told.replace(&*bench.sandbox.root().to_string_lossy(), "[root]"), @r#"
    shipctl: shippable.yml:7:44: Missing dependency for: IN wob: no resource or job of this name; did you mean web?
    shipctl: shippable.yml:4:48: count of r is "two": a whole number from 1 on was expected
    shipctl: shippable.yml:2:5: c has no sourceName: add `sourceName: CLUSTER`
    shipctl: shippable.yml:8:64: method is greenBlue: one of blueGreen, upgrade, replace was expected
    shipctl: no job d in shippable.yml; see `shipctl job list`
    shipctl: shippable.yml:2:3: not YAML: "-" is only valid inside a block
    "#);
}
