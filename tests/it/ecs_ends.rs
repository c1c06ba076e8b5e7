//! How a deployment ends: what is live, what is said of it, what is left, and how long that takes.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::ecs_failures::{BLUE_GREEN, REPLACE, Stage, UPGRADE};
use crate::ecs_faults::{CRASH, HEALTHY};
use crate::ecs_jobs::{last, notes};
use crate::ecs_server::{Behaviour, Ecs, Fault, Scenario, When};
use crate::harness::Ran;

#[test]
fn a_live_revision_is_no_leftover() {
    let mut stage = Stage::serving(Scenario::new(), UPGRADE, CRASH);
    let ran = stage.second("");
    assert_eq!(ran.status, 20, "{}", ran.err());
    assert!(last(&ran).contains("d-m is on d-m:2, and 1 task of d-m:1 still serves"), "{}", ran.err());
    assert!(!ran.err().contains("left over"), "{}", ran.err());
    let ran = stage.run("status d --ambient");
    assert!(ran.err().contains("not whole: d-m") && !ran.err().contains("left over"), "{}", ran.err());
    // One that nothing is on is left over.
    let ran = stage.run("rollback d --ambient");
    assert_eq!(ran.status, 0, "{}", ran.err());
    let ran = stage.run("status d --ambient");
    assert!(ran.err().contains("left over: the task definition d-m:2"), "{}", ran.err());
}

#[test]
fn a_revision_of_what_goes_is_left_over() {
    let mut stage = Stage::serving(Scenario::new(), BLUE_GREEN, Behaviour::Never);
    let signal = Fault::SignalBefore(Signal::TERM);
    stage.ecs.change(|scenario| scenario.fault("DescribeServices d-m-2", When::Nth(2), signal));
    let ran = stage.second("");
    assert_eq!(ran.status, 143, "{}", ran.err());
    let told = notes(&ran).into_iter().find(|note| note.starts_with("left over")).unwrap_or_default();
    assert!(told.contains("d-m:2") && told.contains("the service d-m-2 of build 2"), "{}", ran.err());
}

#[test]
fn a_first_version_that_fails() {
    for (yml, more, stays) in [
        (BLUE_GREEN, "", false),
        (REPLACE, "", false),
        (REPLACE, "--rollback", false),
        (UPGRADE, "--rollback", false),
        (UPGRADE, "", true),
    ] {
        let mut stage = Stage::of(Scenario::new().behaviour("org/web:v1", CRASH), yml);
        let ran = stage.run(&format!("deploy d --build-number 1 --ambient {more}"));
        assert_eq!(ran.status, 20, "{}", ran.err());
        let is_there = stage.ecs.world().contains(" ACTIVE ");
        assert_eq!(is_there, stays, "{} {more}: {}", yml.job, ran.err());
        if !stays {
            assert!(last(&ran).contains("was removed: nothing was there before"), "{}", ran.err());
            continue;
        }
        let told = last(&ran);
        for words in ["d-m on d-m:1: 0 of 1 tasks run", "deploy again to go on with it", "`shipctl ecs delete`"] {
            assert!(told.contains(words), "{words}: {told}");
        }
        assert!(!ran.err().contains("left over"), "{}", ran.err());
        let ran = stage.run("status d --ambient");
        assert!(ran.err().contains("`shipctl ecs delete d` removes it"), "{}", ran.err());
        // As it says: with --rollback it is removed when it fails again, or it is deleted.
        let ran = stage.run("deploy d --build-number 2 --ambient --rollback");
        assert_eq!((ran.status, stage.ecs.world().contains(" ACTIVE ")), (20, false), "{}", ran.err());
        let ran = stage.run("deploy d --build-number 3 --ambient");
        assert_eq!((ran.status, stage.ecs.world().contains(" ACTIVE ")), (20, true), "{}", ran.err());
        let ran = stage.run("delete d --ambient");
        assert_eq!((ran.status, stage.ecs.world().contains(" ACTIVE ")), (0, false), "{}", ran.err());
        assert!(!stage.ecs.world().contains("task definition"), "{}", stage.ecs.world());
    }
}

/// Three builds, of which the two before the last are kept; some are deregistered by somebody else.
fn kept(yml: crate::ecs_failures::Yml, gone: &[&str]) -> Stage {
    let mut stage = Stage::serving(Scenario::new(), yml, HEALTHY);
    assert_eq!(stage.second("--keep 2").status, 0);
    let ran = stage.run("deploy d --build-number 3 --image web=v3 --ambient --keep 2");
    assert_eq!(ran.status, 0, "{}", ran.err());
    for name in gone {
        stage.ecs.somebody("DeregisterTaskDefinition", &json!({"taskDefinition": name}));
    }
    stage
}

#[test]
fn a_version_that_is_deregistered_is_passed_over() {
    for yml in [BLUE_GREEN, UPGRADE, REPLACE] {
        let mut stage = kept(yml, &["d-m:2"]);
        let ran = stage.run("rollback d --build-number 4 --ambient");
        assert_eq!(ran.status, 0, "{}: {}", yml.job, ran.err());
        let want = "d-m:2 of build 2 is deregistered, and cannot be gone back to: d-m:1 of build 1 is taken";
        assert!(notes(&ran).iter().any(|note| note == want), "{}", ran.err());
        assert!(ran.out().trim_end().ends_with("/d-m:1"), "{}", ran.out());

        let mut stage = kept(yml, &["d-m:2", "d-m:1"]);
        let ran = stage.run("rollback d --build-number 4 --ambient");
        assert_eq!(ran.status, 8, "{}: {}", yml.job, ran.err());
        let told = last(&ran);
        assert!(told.contains("d-m:2 of build 2, d-m:1 of build 1 are deregistered"), "{told}");
        assert!(
            told.contains("deploy what build 2 deployed anew") && told.ends_with("; nothing was changed"),
            "{told}"
        );
        assert!(stage.ecs.calls_of("UpdateService").is_empty(), "{}", stage.ecs.transcript());
    }
    // Where that cannot be seen before, the refusal says what helps.
    let mut stage = kept(UPGRADE, &["d-m:2"]);
    stage.ecs.change(|scenario| scenario.fault("ListTaskDefinitions*", When::Always, Fault::AccessDenied));
    let ran = stage.run("rollback d --build-number 4 --ambient");
    assert!(ran.status == 20 && last(&ran).contains("that revision is deregistered: deploy again"), "{}", ran.err());
}

#[test]
fn what_could_not_be_deregistered_is_pruned() {
    let broken = Fault::Error("ServerException", "Service Unavailable. Please try again later.");
    for (fault, status) in [(Fault::AccessDenied, 4), (broken, 0)] {
        let mut stage = Stage::serving(Scenario::new(), UPGRADE, HEALTHY);
        stage.ecs.change(|scenario| scenario.fault("DeregisterTaskDefinition*", When::Always, fault));
        let ran = stage.second("--keep 0");
        assert_eq!(ran.status, status, "{}", ran.err());
        stage.ecs.change(|mut scenario| {
            scenario.faults.clear();
            scenario
        });
        assert!(stage.ecs.world().contains("task definition d-m:1"), "{}", stage.ecs.world());
        let ran = stage.second("--keep 0 --prune");
        assert!(ran.status == 0 && ran.err().contains("nothing has changed"), "{}", ran.err());
        let world = stage.ecs.world();
        assert!(!world.contains("task definition d-m:1") && world.contains("task definition d-m:2"), "{world}");
    }
}

#[test]
fn going_back_has_one_time() {
    let mut stage = Stage::serving(Scenario::new(), BLUE_GREEN, Behaviour::Never);
    let began = stage.ecs.elapsed();
    stage.ecs.change(|scenario| scenario.fault("*", When::Between(began + 15, i64::MAX), Fault::DropBefore));
    let ran = stage.second("--timeout 30");
    let took = stage.ecs.elapsed() - began;
    assert_eq!(ran.status, 22, "{}", ran.err());
    // 30 s, the extras, and 60 s to go back.
    assert!((60..=125).contains(&took), "{took} s: {}", ran.err());
    assert!(last(&ran).contains("; last seen: d-m-1 on d-m:1: 1 of 1 tasks run"), "{}", ran.err());
}

/// Tasks that do not stop leave time to delete their service.
#[test]
fn going_back_comes_to_its_end() {
    let mut stage = Stage::serving(Scenario::new().stopping(1000), BLUE_GREEN, CRASH);
    let began = stage.ecs.elapsed();
    let ran = stage.second("--timeout 60");
    assert!((stage.ecs.elapsed() - began) < 140, "{}", ran.err());
    assert_eq!(stage.ecs.calls_of("DeleteService").len(), 1, "{}", ran.err());
    assert!(last(&ran).contains("d-m-1 serves, whole"), "{}", ran.err());
}

#[test]
fn the_old_one_has_as_long_to_go() {
    let mut stage = Stage::serving(Scenario::new().stopping(40), BLUE_GREEN, HEALTHY);
    let began = stage.ecs.elapsed();
    let ran = stage.second("--timeout 12");
    let took = stage.ecs.elapsed() - began;
    assert!(ran.status == 24 && took <= 28, "{took} s: {}", ran.err());
    let told = last(&ran);
    assert!(told.contains("the tasks of d-m-1 have not stopped after 12 s; the new version serves"), "{told}");
    assert!(notes(&ran).iter().any(|note| note.contains("--prune: the service d-m-1 of build 1")), "{}", ran.err());
    assert_eq!(stage.ecs.service("d-m-2").unwrap().running, 1);
    let ran = stage.second("--prune");
    assert!(ran.status == 0 && ran.err().contains("nothing has changed"), "{}", ran.err());
    assert_eq!(stage.ecs.service("d-m-1").unwrap().status, "INACTIVE");
}

#[test]
fn what_was_begun_is_told() {
    for (yml, service) in [(BLUE_GREEN, "d-m-2"), (UPGRADE, "d-m"), (REPLACE, "d-m")] {
        let arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:2";
        let mut stage = Stage::serving(Scenario::new(), yml, HEALTHY);
        let ran = stage.second("--no-wait");
        assert_eq!((ran.status, ran.out()), (0, format!("m\t{service}\t{arn}\n")), "{}", ran.err());
        let mut stage = Stage::serving(Scenario::new(), yml, HEALTHY);
        let ran = stage.second("--no-wait --json");
        let outcome: Value = serde_json::from_str(ran.out().lines().last().unwrap()).unwrap();
        let want = [json!("completed"), json!(service), json!(arn)];
        assert_eq!(["outcome", "service", "taskDefinition"].map(|key| outcome[key].clone()), want, "{}", yml.job);
    }
}

#[test]
fn a_cluster_that_is_not_there() {
    let nowhere = || Scenario { clusters: Vec::new(), ..Scenario::new() };
    let mut stage = Stage::of(nowhere(), BLUE_GREEN);
    let ran = stage.run("deploy d --build-number 1 --ambient");
    assert_eq!(ran.status, 8, "{}", ran.err());
    assert!(last(&ran).ends_with("correct the name, the region or the account of the cluster; nothing was changed"));
    let ecs = Ecs::start(nowhere());
    for words in [&["update", "prod", "web", "--force", "--ambient"][..], &["run", "prod", "job", "--ambient"]] {
        let registered =
            json!({"family": "job", "containerDefinitions": [{"name": "a", "image": "a:1", "memory": 64}]});
        ecs.somebody("RegisterTaskDefinition", &registered);
        let ran = ecs.run(&mut ecs.sandbox(), &[&["ecs"], words].concat());
        assert_eq!(ran.status, 8, "{words:?}: {}", ran.err());
        assert!(last(&ran).contains("correct the name, the region or the account"), "{}", ran.err());
    }
}

/// Build 2 by the machine's own clock, with a role's credentials, and whether it was over soon.
fn with_role(stage: &mut Stage, more: &[&str]) -> (Ran, bool) {
    let text = BLUE_GREEN.text().replace("type: cluster,", "type: cluster, integration: aws,");
    stage.sandbox.write("work/shippable.yml", text);
    let role = "aws: {type: amazonIamRole, assumeRoleARN: \"arn:aws:iam::123456789012:role/deploys\"}\n";
    stage.sandbox.write("work/values.yml", role);
    stage.ecs.forget_calls();
    stage.sandbox.env.remove(std::ffi::OsStr::new("SHIPCTL_CLOCK"));
    stage.sandbox.set("SHIPCTL_AWS_TIMEOUT", "60");
    let words = ["ecs", "deploy", "d", "--build-number", "2", "--image", "web=v2", "--integrations", "values.yml"];
    let began = Instant::now();
    let ran = stage.sandbox.shipctl([&words, more].concat());
    (ran, began.elapsed() < Duration::from_secs(15))
}

#[test]
fn credentials_that_do_not_come() {
    let hangs = Fault::Slow(40_000);
    // The first ones, until the time is over, or a signal comes.
    let mut stage = Stage::serving(Scenario::new(), BLUE_GREEN, HEALTHY);
    stage.ecs.change(|scenario| scenario.fault("AssumeRole*", When::Always, hangs.clone()));
    let (ran, is_soon) = with_role(&mut stage, &["--timeout", "2"]);
    assert!(ran.status == 7 && is_soon && last(&ran).contains("no answer in time"), "{}", ran.err());
    let signal = Fault::SignalBefore(Signal::TERM);
    let mut stage = Stage::serving(Scenario::new(), BLUE_GREEN, HEALTHY);
    stage.ecs.change(|scenario| {
        scenario.fault("AssumeRole*", When::Nth(1), signal.clone()).fault("AssumeRole*", When::Nth(1), hangs.clone())
    });
    let (ran, is_soon) = with_role(&mut stage, &[]);
    assert!(ran.status == 143 && is_soon, "{}: {}", ran.status, ran.err());
    assert!(last(&ran).contains("interrupted by signal 15; nothing was changed"), "{}", ran.err());
    // Those that take their place while it goes on.
    let mut stage = Stage::serving(Scenario::new().sessions_last(6), BLUE_GREEN, Behaviour::Never);
    stage.ecs.change(|scenario| {
        scenario.fault("AssumeRole*", When::Nth(2), signal.clone()).fault("AssumeRole*", When::Nth(2), hangs.clone())
    });
    let (ran, is_soon) = with_role(&mut stage, &[]);
    assert!(ran.status == 143 && is_soon, "{}: {}", ran.status, ran.err());
    assert!(stage.ecs.calls_of("AssumeRole").len() >= 2 && last(&ran).contains("live: d-m-1"), "{}", ran.err());
}
