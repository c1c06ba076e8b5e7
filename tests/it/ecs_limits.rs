//! Calls that fail again and again, hang, or are answered by somebody else: how long they are tried, and how it ends.

use std::time::{Duration, Instant};

use crate::ecs_failures::{BLUE_GREEN, Stage, UPGRADE, Yml};
use crate::ecs_faults::{CRASH, HEALTHY, WHOLE, whole};
use crate::ecs_jobs::{last, notes};
use crate::ecs_server::{Behaviour, Ecs, Fault, Scenario, When};
use crate::harness::Ran;
use rustix::process::Signal;
use serde_json::json;

/// More than any of these takes where it ends as it should, and much less than a try that hangs.
const SOON: Duration = Duration::from_secs(15);
const HANGS: Fault = Fault::Slow(40_000);

/// Build 2 on the machine's own clock, and how long it took.
fn second_by_the_clock(stage: &mut Stage, more: &[&str]) -> (Ran, Duration) {
    stage.ecs.forget_calls();
    stage.sandbox.env.remove(std::ffi::OsStr::new("SHIPCTL_CLOCK"));
    stage.sandbox.set("SHIPCTL_AWS_TIMEOUT", "60");
    let words = ["ecs", "deploy", "d", "--build-number", "2", "--image", "web=v2", "--ambient"];
    let began = Instant::now();
    let ran = stage.sandbox.shipctl([&words, more].concat());
    (ran, began.elapsed())
}

#[test]
fn no_call_is_tried_for_longer_than_there_is_time() {
    for (action, fault, status) in [
        ("DescribeServices*", Fault::Throttle, 6),
        ("DescribeServices*", Fault::Html500, 7),
        ("RegisterTaskDefinition*", Fault::Throttle, 6),
        ("RegisterTaskDefinition*", Fault::Http503, 7),
        ("CreateService*", Fault::Throttle, 6),
    ] {
        let mut stage = Stage::serving(Scenario::new(), BLUE_GREEN, HEALTHY);
        stage.ecs.change(|scenario| scenario.fault(action, When::Always, fault.clone()));
        let began = stage.ecs.elapsed();
        let ran = stage.second("--timeout 30");
        let took = stage.ecs.elapsed() - began;
        assert_eq!(ran.status, status, "{action} {fault:?}: {}", ran.err());
        // The server's clock lags a little behind the client's.
        assert!((15..=36).contains(&took), "{action} {fault:?}: {took} s\n{}", stage.ecs.transcript());
        assert_eq!(stage.ecs.service("d-m-1").unwrap().running, 1, "{action} {fault:?}");
    }
}

#[test]
fn what_rolls_out_while_nobody_can_look_is_late() {
    let mut stage = Stage::serving(Scenario::new(), UPGRADE, HEALTHY);
    stage.ecs.change(|scenario| scenario.fault("DescribeServices d-m", When::From(2), Fault::Html500));
    let ran = stage.second("--timeout 30");
    assert_eq!(ran.status, 24, "{}", ran.err());
    assert!(last(&ran).contains("not steady after 30 s (the last look at it failed: an HTML page"), "{}", ran.err());
}

#[test]
fn a_server_that_hangs() {
    let mut stage = Stage::serving(Scenario::new(), BLUE_GREEN, HEALTHY);
    stage.ecs.change(|scenario| scenario.fault("ecs:*", When::Always, HANGS));
    let (ran, took) = second_by_the_clock(&mut stage, &["--timeout", "2"]);
    assert_eq!(ran.status, 7, "{}", ran.err());
    assert!(last(&ran).contains("no answer in time") && took < SOON, "{took:?}: {}", ran.err());
    // A look that hangs ends at a signal; the one at what is live is answered.
    let mut stage = Stage::serving(Scenario::new(), BLUE_GREEN, Behaviour::Never);
    stage.ecs.change(|scenario| {
        let scenario = scenario.fault("DescribeServices d-m-2", When::Nth(2), Fault::SignalBefore(Signal::TERM));
        scenario.fault("DescribeServices d-m-2", When::Nth(2), HANGS)
    });
    let (ran, took) = second_by_the_clock(&mut stage, &[]);
    assert_eq!(ran.status, 143, "{}", ran.err());
    assert!(
        last(&ran).contains("live: d-m-1 on d-m:1: 1 of 1 tasks run, d-m-2") && took < SOON,
        "{took:?}: {}",
        ran.err()
    );
}

#[test]
fn a_signal_ends_the_wait_for_another_try() {
    let mut stage = Stage::serving(Scenario::new(), BLUE_GREEN, HEALTHY);
    stage.ecs.change(|scenario| {
        let scenario = scenario.fault("CreateService*", When::Always, Fault::Throttle);
        scenario.fault("CreateService*", When::Nth(3), Fault::SignalBefore(Signal::TERM))
    });
    let ran = stage.second("");
    assert_eq!((ran.status, stage.ecs.calls_of("CreateService").len()), (143, 3), "{}", ran.err());
    assert!(last(&ran).contains("interrupted by signal 15; live: d-m-1 on d-m:1: 1 of 1"), "{}", ran.err());
}

#[test]
fn answers_of_somebody_else() {
    for status in [302, 403, 407] {
        let mut stage = Stage::serving(Scenario::new(), BLUE_GREEN, HEALTHY);
        stage.ecs.change(|scenario| scenario.fault("*", When::Always, Fault::Html(status)));
        let ran = stage.second("");
        assert_eq!((ran.status, stage.ecs.calls().len()), (7, 1), "{status}: {}", ran.err());
        let told = last(&ran);
        let named = told.contains(&format!("HTTP status {status}")) && told.contains("proxy");
        assert!(named && told.contains("nothing was changed"), "{told}");
    }
}

/// What was done although nobody could read the answer is not done twice, and what is asked again is answered.
#[test]
fn answers_that_cannot_be_read() {
    let undisturbed = {
        let mut stage = Stage::serving(whole(), WHOLE, HEALTHY);
        assert_eq!(stage.second("").status, 0);
        stage.ecs.world()
    };
    for fault in [Fault::Nonsense, Fault::Half] {
        for action in ["DescribeServices", "CreateService", "UpdateService", "DeleteService", "ListRoles"] {
            let mut stage = Stage::serving(whole(), WHOLE, HEALTHY);
            stage.ecs.change(|scenario| scenario.fault(action, When::Nth(1), fault.clone()));
            let ran = stage.second("");
            let story = format!("{action} {fault:?}: {}{}", ran.err(), stage.ecs.transcript());
            assert!(stage.ecs.calls_of(action)[0].error.is_some(), "{story}");
            assert_eq!((ran.status, stage.ecs.world()), (0, undisturbed.clone()), "{story}");
        }
    }
}

/// A policy that has just been changed is not the same everywhere at once.
#[test]
fn looks_that_are_denied_for_a_moment() {
    let mut stage = Stage::serving(Scenario::new(), BLUE_GREEN, HEALTHY);
    stage.ecs.change(|scenario| {
        let look = "DescribeServices d-m-2";
        scenario.fault(look, When::Nth(2), Fault::AccessDenied).fault(look, When::Nth(4), Fault::AccessDenied)
    });
    let ran = stage.second("");
    assert_eq!((ran.status, stage.ecs.service("d-m-1").unwrap().status.as_str()), (0, "INACTIVE"), "{}", ran.err());
    let mut stage = Stage::serving(Scenario::new(), UPGRADE, HEALTHY);
    stage.ecs.change(|scenario| scenario.fault("DescribeServices d-m", When::From(3), Fault::AccessDenied));
    let began = stage.ecs.elapsed();
    let ran = stage.second("");
    assert_eq!(ran.status, 4, "{}", ran.err());
    let denied: Vec<i64> =
        stage.ecs.calls().iter().filter(|call| call.error.is_some()).map(|call| call.at - began).collect();
    let took = denied.last().unwrap() - denied[0];
    assert!(denied.len() >= 3 && (10..=20).contains(&took), "{denied:?}");
}

#[test]
fn a_crash_that_no_breaker_counts_is_told() {
    let yml = Yml { job: ", stabilityDuration: 60", ..BLUE_GREEN };
    let crash = Behaviour::Crashes { exit: 1, after: 25 };
    let mut stage = Stage::serving(Scenario::new().breaker(true, 50), yml, crash);
    let began = stage.ecs.elapsed();
    let ran = stage.second("");
    assert_eq!(ran.status, 21, "{}", ran.err());
    assert!(last(&ran).contains("tasks start and stop again: "), "{}", ran.err());
    let took = stage.ecs.elapsed() - began;
    assert!(took < 180, "{took} s: {}", ran.err());
}

/// A failure is said once: with its line where there are several, else as the error.
#[test]
fn a_failure_is_said_once() {
    let mut stage = Stage::serving(Scenario::new(), BLUE_GREEN, CRASH);
    let ran = stage.second("");
    assert_eq!(ran.err().matches("d-m-1 serves, whole").count(), 1, "{}", ran.err());
    assert!(last(&ran).starts_with("shipctl: m: "), "{}", ran.err());
    let ran = stage.second("--json --force");
    assert!(ran.out().contains("\"event\":\"outcome\"") && ran.out().contains("d-m-1 serves, whole"), "{}", ran.out());
}

#[test]
fn what_a_one_off_task_lacks_is_named_by_its_own_policy() {
    let app = json!({"name": "app", "image": "app:1", "memory": 400, "logConfiguration": {"logDriver": "awslogs",
        "options": {"awslogs-group": "/ecs/job", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "job"}}});
    let scenario = Scenario::new()
        .registered(json!({"family": "job", "containerDefinitions": [app]}))
        .behaviour("job", Behaviour::Crashes { exit: 0, after: 30 });
    let run = |scenario: Scenario| {
        let ecs = Ecs::start(scenario);
        let ran = ecs.run(&mut ecs.sandbox(), &["ecs", "run", "prod", "job", "--ambient"]);
        (ran, ecs)
    };
    let (ran, _) = run(scenario.clone().fault("GetLogEvents*", When::Always, Fault::AccessDenied));
    let told = "logs:GetLogEvents is not allowed; add it to the policy (shipctl iam policy --for run)";
    assert!(ran.status == 0 && notes(&ran).concat().contains(told), "{}", ran.err());
    // Denied for a moment, for good, and from the beginning.
    let denied = |when: When| scenario.clone().fault("DescribeTasks*", when, Fault::AccessDenied);
    assert_eq!(run(denied(When::Nth(3))).0.status, 0);
    let (ran, ecs) = run(denied(When::From(3)));
    assert!(ran.status == 4 && ecs.elapsed() < 60, "{} s: {}", ecs.elapsed(), ran.err());
    let (ran, ecs) = run(denied(When::Always));
    assert_eq!((ran.status, ecs.calls_of("DescribeTasks").len()), (4, 1), "{}", ran.err());
    assert!(last(&ran).contains("--for run"), "{}", ran.err());
}

/// Whoever cannot renew goes on for as long as the old ones are good.
#[test]
fn nobody_gives_credentials_any_more() {
    let mut stage = Stage::serving(Scenario::new(), BLUE_GREEN, Behaviour::SlowStart { secs: 1000 });
    let clock = stage.ecs.elapsed();
    let keys = json!({"Version": 1, "AccessKeyId": "AKIAONCE", "SecretAccessKey": "s", "SessionToken": "t",
        "Expiration": "2026-01-02T03:14:05Z"});
    let once = stage.sandbox.path("once");
    let script =
        format!("#!/bin/sh\n[ -e {0} ] && {{ echo no more >&2; exit 1; }}\n: >{0}\necho '{keys}'\n", once.display());
    let program = stage.sandbox.write("bin/keys", script);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&program, mode).unwrap();
    let config = format!("[profile ci]\nregion = us-east-1\ncredential_process = {}\n", program.display());
    stage.sandbox.write("home/.aws/config", config);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        stage.sandbox.env.remove(std::ffi::OsStr::new(name));
    }
    let ran = stage.run("deploy d --build-number 2 --image web=v2 --profile ci --timeout 3000");
    assert_eq!(ran.status, 3, "{}", ran.err());
    let calls = stage.ecs.calls();
    assert!((540..=610).contains(&(calls.last().unwrap().at - clock)), "{}", stage.ecs.transcript());
    assert!(last(&ran).contains("; live: "), "{}", ran.err());
    assert_eq!(stage.ecs.service("d-m-1").unwrap().running, 1);
}
