//! An AWS that is slow, out of reach, forgetful or strict while a job is deployed.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;

use crate::ecs_failures::{BLUE_GREEN, GROUP, Stage, UPGRADE, Yml, told};
use crate::ecs_server::{Behaviour, Fault, Scenario, When};
use crate::harness::Ran;
use serde_json::json;

pub const HEALTHY: Behaviour = Behaviour::Healthy { start: 3 };
pub const CRASH: Behaviour = Behaviour::Crashes { exit: 3, after: 1 };

/// Scaling with one policy and one alarm, and a load balancer whose role is looked for.
pub const WHOLE: Yml = Yml {
    resources: "  - {name: p, type: dockerOptions, version: {portMappings: [\"0:80\"]}}
  - {name: b, type: loadBalancer, pointer: {sourceName: front}}
  - name: r
    type: replicas
    version:
      count: 1
      minReplicas: 1
      maxReplicas: 3
      autoScalingRole: arn:aws:iam::123456789012:role/scale
      autoScalingPolicies: [{PolicyName: up, PolicyType: StepScaling, StepScalingPolicyConfiguration: {AdjustmentType: ChangeInCapacity}}]
      metricAlarms:
        - {AlarmName: busy, AlarmActions: [up], MetricName: CPUUtilization, Namespace: AWS/ECS, Statistic: Average,
           Period: 60, EvaluationPeriods: 1, Threshold: 75, ComparisonOperator: GreaterThanThreshold}
",
    manifest: ", {IN: r}",
    deploy: ", {IN: p}, {IN: b, applyTo: [{manifest: m, image: web, port: 80}]}",
    job: "",
};

pub fn whole() -> Scenario {
    Scenario::new().role("ecs", "ecs.amazonaws.com").role("scale", "application-autoscaling.amazonaws.com")
}

/// Notes and the last line, without times.
pub fn said(ran: &Ran) -> String {
    let notes: String = ran
        .err()
        .lines()
        .filter_map(|line| line.split_once("note: ").map(|(_, note)| format!("  note: {note}\n")))
        .collect();
    let last = ran.err().lines().last().filter(|_| ran.status != 0).map(|line| format!("  {line}\n"));
    format!("exit {}\n{notes}{}", ran.status, last.unwrap_or_default())
}

/// Without the numbers of requests: how often a call is repeated is left to chance.
pub fn without_requests(text: &str) -> String {
    let mut parts = text.split(" (request ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once(')').map_or("", |(_, rest)| rest))
}

/// The world, indented.
pub fn left(stage: &Stage) -> String {
    stage.ecs.world().lines().map(|line| format!("    {line}\n")).collect()
}

#[test]
fn what_passes_is_waited_for() {
    for (name, pattern, when, fault) in [
        ("throttled for 8 s", "ecs:*", When::Between(0, 8), Fault::Throttle),
        ("throttled for 8 s on the way", "ecs:*", When::Between(11, 19), Fault::Throttle),
        ("register, all at once", "RegisterTaskDefinition", When::First(4), Fault::TooManyConcurrent),
        ("looks", "DescribeServices", When::Between(10, 20), Fault::Html500),
        ("create", "CreateService", When::First(2), Fault::Html500),
        ("update", "UpdateService", When::First(2), Fault::Http503),
        ("delete", "DeleteService", When::First(3), Fault::Error("ServerException", "Service Unavailable.")),
        (
            "still draining",
            "CreateService",
            When::First(4),
            Fault::Error("InvalidParameterException", "Unable to Start a service that is still Draining."),
        ),
    ] {
        let mut stage = Stage::serving(Scenario::new(), BLUE_GREEN, HEALTHY);
        let began = stage.ecs.elapsed();
        stage.ecs.change(|scenario| {
            let when = match when {
                When::Between(from, to) if !name.ends_with("way") => When::Between(began + from, began + to),
                other => other,
            };
            scenario.fault(pattern, when, fault.clone())
        });
        let ran = stage.second("");
        assert_eq!(ran.status, 0, "{name}: {}", ran.err());
        assert!(stage.ecs.calls().iter().any(|call| call.error.is_some()), "{name}: nothing was refused");
        let new = stage.ecs.service("d-m-2").unwrap();
        let old = stage.ecs.service("d-m-1").unwrap();
        assert_eq!((new.running, old.status.as_str()), (1, "INACTIVE"), "{name}");
    }
}

#[test]
fn what_does_not_pass_is_told() {
    let mut tale = String::new();
    for (name, pattern, fault) in [
        ("pages instead of answers", "ecs:*", Fault::Html500),
        ("nothing but pages while it waits", "DescribeServices d-m-2", Fault::Html500),
        ("always throttled", "CreateService*", Fault::Throttle),
        ("no cluster", "*", Fault::Error("ClusterNotFoundException", "Cluster not found.")),
        ("a quota", "CreateService*", Fault::Error("LimitExceededException", "The limit of services is reached.")),
        ("nothing", "ecs:*", Fault::DropBefore),
    ] {
        let mut stage = Stage::serving(Scenario::new(), BLUE_GREEN, HEALTHY);
        stage.ecs.change(|scenario| scenario.fault(pattern, When::Always, fault.clone()));
        let ran = stage.second("--timeout 60");
        let told = without_requests(&said(&ran)).replace(stage.ecs.url().trim_start_matches("http://"), "ADDRESS");
        writeln!(tale, "{name}: {told}{}", left(&stage)).unwrap();
        assert_ne!(ran.status, 0, "{name}");
        assert_eq!(stage.ecs.service("d-m-1").unwrap().running, 1, "{name}: {}", ran.err());
    }
    told("ecs_refused", &tale);
}

/// Actions that make or change something.
const CHANGES: [&str; 10] = [
    "RegisterTaskDefinition",
    "CreateService",
    "UpdateService",
    "DeleteService",
    "DeregisterTaskDefinition",
    "RegisterScalableTarget",
    "PutScalingPolicy",
    "PutMetricAlarm",
    "DeregisterScalableTarget",
    "DeleteAlarms",
];

/// The connection is closed before and after each call that makes something, once: it makes no difference.
fn lost_answers(job: &str) {
    let other = WHOLE.resources.replace("AlarmName: busy", "AlarmName: full");
    let after = |fault: Option<(&str, usize, Fault)>| {
        let mut stage = Stage::serving(whole(), Yml { job, ..WHOLE }, HEALTHY);
        stage.sandbox.write("work/shippable.yml", Yml { resources: &other, job, ..WHOLE }.text());
        if let Some((action, nth, fault)) = fault {
            stage.ecs.change(|scenario| scenario.fault(action, When::Nth(nth), fault));
        }
        let ran = stage.second("--keep 0");
        assert_eq!(ran.status, 0, "{}\n{}", ran.err(), stage.ecs.transcript());
        (stage, ran)
    };
    let (stage, _) = after(None);
    let want = stage.ecs.world();
    let mut tried = 0;
    for action in CHANGES {
        for nth in 1..=stage.ecs.calls_of(action).len() {
            for fault in [Fault::DropBefore, Fault::DropAfter] {
                let (stage, ran) = after(Some((action, nth, fault.clone())));
                assert!(stage.ecs.calls_of(action)[nth - 1].error.is_some(), "{action} {nth}");
                tried += 1;
                if action == "RegisterTaskDefinition" && fault == Fault::DropAfter {
                    // Which revision the lost answer named, nobody knows.
                    assert!(ran.err().contains("the revision before it may be there"), "{}", ran.err());
                    assert_eq!(stage.ecs.world().matches("1+0/1 d-m:3").count(), 1, "{}", stage.ecs.world());
                } else {
                    assert_eq!(stage.ecs.world(), want, "{action} {nth} {fault:?}");
                }
            }
        }
    }
    assert!(tried >= 14, "{tried}: {}", stage.ecs.transcript());
}

#[test]
fn lost_answers_blue_green() {
    lost_answers("");
}

#[test]
fn lost_answers_upgrade() {
    lost_answers(", method: upgrade");
}

#[test]
fn lost_answers_replace() {
    lost_answers(", method: replace");
}

#[test]
fn slow_answers() {
    let mut stage = Stage::serving(Scenario::new(), BLUE_GREEN, HEALTHY);
    stage.sandbox.set("SHIPCTL_AWS_TIMEOUT", "1");
    // The look comes late, the creation is done by the time its caller has given up.
    stage.ecs.change(|scenario| {
        let scenario = scenario.fault("DescribeServices", When::Nth(3), Fault::Slow(1500));
        scenario.fault("CreateService", When::Nth(1), Fault::Slow(1500))
    });
    let address = stage.ecs.url();
    stage.ecs.forget_calls();
    let words = ["ecs", "deploy", "d", "--build-number", "2", "--image", "web=v2", "--ambient"];
    stage.sandbox.set("SHIPCTL_CLOCK", stage.ecs.clock());
    let ran = stage.sandbox.shipctl(words);
    assert_eq!((ran.status, ran.err().contains(&address)), (0, false), "{}", ran.err());
    // Given up, and asked again.
    assert!(stage.ecs.calls_of("CreateService").len() > 1, "{}", stage.ecs.transcript());
    assert_eq!(stage.ecs.service("d-m-2").unwrap().running, 1);
    assert_eq!(stage.ecs.service("d-m-1").unwrap().status, "INACTIVE");
}

/// A program hands out keys: others each time.
fn profile(stage: &mut Stage, expiration: impl Fn(usize) -> String) {
    let cases: String = (1..=4)
        .map(|number| {
            let keys = json!({"Version": 1, "AccessKeyId": format!("AKIAPROCESS{number}"),
                "SecretAccessKey": format!("secret/{number}"), "SessionToken": format!("token/{number}"),
                "Expiration": expiration(number)});
            let case = if number == 4 { "*".to_owned() } else { number.to_string() };
            format!("{case}) echo '{keys}';;\n")
        })
        .collect();
    let counted = stage.sandbox.path("counted");
    let script = format!("#!/bin/sh\necho >>{0}\ncase $(($(wc -l <{0}))) in\n{cases}esac\n", counted.display());
    let program = stage.sandbox.write("bin/keys", script);
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let config = format!("[profile ci]\nregion = us-east-1\ncredential_process = {}\n", program.display());
    stage.sandbox.write("home/.aws/config", config);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        stage.sandbox.env.remove(std::ffi::OsStr::new(name));
    }
}

fn keys(stage: &Stage) -> Vec<String> {
    let mut keys: Vec<String> = stage.ecs.calls().into_iter().map(|call| call.access_key).collect();
    keys.dedup();
    keys
}

#[test]
fn credentials_expire_midway() {
    // Refused before their time.
    let mut stage = Stage::of(Scenario::new().behaviour("*", Behaviour::SlowStart { secs: 60 }), BLUE_GREEN);
    profile(&mut stage, |_| "2026-01-02T09:04:05Z".to_owned());
    stage.ecs.change(|scenario| {
        scenario.fault("ecs:*", When::Between(20, 9999), Fault::ExpiredToken("AKIAPROCESS1".to_owned()))
    });
    let ran = stage.run("deploy d --build-number 1 --profile ci");
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert_eq!(keys(&stage), ["AKIAPROCESS1", "AKIAPROCESS2"]);
    let refused = stage.ecs.calls().iter().filter(|call| call.error.is_some()).count();
    assert_eq!(refused, 1, "{}", stage.ecs.transcript());

    // Renewed ahead of their end: no call is refused.
    let mut stage = Stage::of(Scenario::new().behaviour("*", Behaviour::SlowStart { secs: 500 }), BLUE_GREEN);
    profile(&mut stage, |number| format!("2026-01-02T03:{:02}:05Z", 4 + 7 * number));
    let ran = stage.run("deploy d --build-number 1 --profile ci");
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert!(keys(&stage).len() > 1, "{:?}", keys(&stage));
    assert!(stage.ecs.calls().iter().all(|call| call.error.is_none()), "{}", stage.ecs.transcript());

    // Nobody gives new ones: the status is that of expired credentials, and what is live is told.
    let mut stage = Stage::of(Scenario::new().behaviour("*", Behaviour::SlowStart { secs: 60 }), BLUE_GREEN);
    profile(&mut stage, |_| "2026-01-02T09:04:05Z".to_owned());
    let every = |scenario: Scenario, number: usize| {
        let key = format!("AKIAPROCESS{number}");
        scenario.fault("ecs:*", When::Between(20, 9999), Fault::ExpiredToken(key))
    };
    stage.ecs.change(|scenario| (1..=4).fold(scenario, every));
    let ran = stage.run("deploy d --build-number 1 --profile ci");
    told("ecs_expired", &stage.tale(&ran));
    assert_eq!(ran.status, 5, "{}", ran.err());
}

#[test]
fn a_service_shows_late_or_goes_late() {
    let mut stage = Stage::of(Scenario::new().visible_after(4), BLUE_GREEN);
    let ran = stage.run("deploy d --build-number 1 --ambient");
    told("ecs_missing_at_first", &stage.tale(&ran));
    assert_eq!(ran.status, 0, "{}", ran.err());

    let mut stage = Stage::of(Scenario::new().with_service("d-m-1", "org/web:v0", 1).draining(45), BLUE_GREEN);
    let ran = stage.run("deploy d --build-number 1 --ambient");
    told("ecs_draining", &stage.tale(&ran));
    assert_eq!((ran.status, stage.ecs.service("d-m-1").unwrap().running), (0, 1), "{}", ran.err());
}

#[test]
fn somebody_raises_the_old_service_again() {
    // Its own scaling would, as long as its target is there.
    let mut stage = Stage::serving(whole().autoscaler("d-m-1", 2, 1), WHOLE, HEALTHY);
    let ran = stage.second("");
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert_eq!(stage.ecs.service("d-m-1").unwrap().status, "INACTIVE");
    assert!(!ran.err().contains("raised"), "{}", ran.err());
    // Somebody else does.
    let mut stage = Stage::serving(Scenario::new(), BLUE_GREEN, HEALTHY);
    stage.ecs.change(|scenario| scenario.meanwhile("d-m-1", When::Nth(9), json!({"desiredCount": 2})));
    let ran = stage.second("");
    told("ecs_raised_again", &stage.tale(&ran));
    assert_eq!((ran.status, stage.ecs.service("d-m-1").unwrap().status.as_str()), (0, "INACTIVE"), "{}", ran.err());
    assert_eq!(ran.err().matches("raised the count").count(), 1, "{}", ran.err());
}

#[test]
fn many_events_and_many_tasks() {
    let replicas = "  - {name: r, type: replicas, version: {count: 110}}\n";
    let yml = Yml { resources: replicas, manifest: ", {IN: r}", ..UPGRADE };
    let scenario = Scenario::new().with_service("d-m", "org/web:v0", 1).with_events(150).behaviour("org/web:v2", CRASH);
    let mut stage = Stage::of(scenario, yml);
    let ran = stage.second("");
    assert_eq!(ran.status, 20, "{}", ran.err());
    let listed = stage.ecs.calls_of("ListTasks").len();
    let described = stage.ecs.calls_of("DescribeTasks");
    assert!(listed > 1 && described.len() > 1, "{}", stage.ecs.transcript());
    assert!(described.iter().all(|call| call.request["tasks"].as_array().unwrap().len() <= 100));
    assert!(ran.err().contains(" tasks stopped: EssentialContainerExited"), "{}", ran.err());
    // Those of long ago are none of ours.
    assert!(!ran.err().contains("has reached a steady state"), "{}", ran.err());
    assert!(ran.err().lines().count() < 40, "{}", ran.err());
}

#[test]
fn secrets_are_masked() {
    let yml = Yml {
        resources: "  - {name: s, type: params, version: {params: {OPEN: shown-word, secure: 'TOKEN=hunter2/word PIN=\"99 luft\"'}}}\n",
        deploy: ", {IN: s}",
        ..BLUE_GREEN
    };
    let reason = Behaviour::FailsToStart("CannotStartContainerError: no --token=hunter2/word here, shown-word");
    for (behaviour, more) in [(reason.clone(), ""), (reason, "--json"), (CRASH, ""), (CRASH, "--json")] {
        let mut stage = Stage::serving(Scenario::new(), yml, behaviour.clone());
        stage
            .ecs
            .change(|scenario| scenario.logs("/ecs/web:*", &["token is hunter2/word", "pin 99 luft", "shown-word"]));
        let ran = stage.second(more);
        assert_eq!(ran.status, 21, "{}", ran.err());
        let said = ran.out() + &ran.err();
        let registered = stage.ecs.calls_of("RegisterTaskDefinition")[0].request.to_string();
        assert!(registered.contains("hunter2/word") && registered.contains("99 luft"), "{registered}");
        for secret in ["hunter2", "99 luft"] {
            assert!(!said.contains(secret), "{more}: {said}");
        }
        assert!(said.contains("shown-word"), "{more}: {said}");
        if behaviour == CRASH {
            assert!(said.contains("web said: token is "), "{said}");
        }
    }
}

/// A load balancer says what it finds while the target is there.
#[test]
fn targets_are_shown() {
    for (source, want) in [(GROUP, "unhealthy: Target.FailedHealthChecks"), ("front", "OutOfService: Instance")] {
        let resources = format!(
            "  - {{name: p, type: dockerOptions, version: {{portMappings: [\"0:80\"]}}}}
  - {{name: b, type: loadBalancer, pointer: {{sourceName: \"{source}\", role: ecs}}}}\n"
        );
        let deploy = ", {IN: p}, {IN: b, applyTo: [{manifest: m, image: web, port: 80}]}";
        let mut stage =
            Stage::serving(whole(), Yml { resources: &resources, deploy, ..BLUE_GREEN }, Behaviour::Unhealthy);
        let ran = stage.second("--timeout 8");
        assert_eq!(ran.status, 24, "{}", ran.err());
        let target = ran.err().lines().find(|line| line.contains("  target: ")).map(str::to_owned);
        assert!(target.as_ref().is_some_and(|line| line.contains(want)), "{target:?} {}", ran.err());
    }
}
