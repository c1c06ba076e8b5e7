//! When a roll-out is done, and when it is not: what counts, how soon, and how often it is looked at.

use crate::ecs_failures::{BLUE_GREEN, Stage, UPGRADE, Yml, told};
use crate::ecs_faults::{CRASH, HEALTHY};
use crate::ecs_server::{Behaviour, Scenario, When};
use serde_json::json;

/// A few tasks that fail are no failure, whoever counts.
#[test]
fn a_false_start_passes() {
    for scenario in [Scenario::new(), Scenario::new().breaker(true, 3), Scenario::new().without_rollout_state()] {
        for yml in [BLUE_GREEN, UPGRADE] {
            let mut stage = Stage::serving(scenario.clone(), yml, Behaviour::Flaky { failures: 2 });
            let ran = stage.second("--rollback");
            assert_eq!(ran.status, 0, "{}", ran.err());
            assert!(ran.out().contains("d-m:2"), "{}", ran.out());
        }
    }
}

/// Looks come at once, then up to 10 s apart; what does not change is not told again.
#[test]
fn looks_are_spaced() {
    let mut stage = Stage::serving(Scenario::new(), BLUE_GREEN, Behaviour::SlowStart { secs: 300 });
    let ran = stage.second("");
    assert_eq!(ran.status, 0, "{}", ran.err());
    let looks: Vec<i64> = stage.ecs.calls_of("DescribeServices").iter().map(|call| call.at).collect();
    let gaps: Vec<i64> = looks.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| *gap <= 11), "{gaps:?}");
    assert!(gaps[1] <= 2 && looks.len() <= 50, "{gaps:?}");
    let lines = ran.err().lines().filter(|line| line.contains("d-m-2: ")).count();
    assert_eq!(lines, 3, "{}", ran.err());
}

/// It has to stay as it should be, and the evidence is seen within two looks.
#[test]
fn stability_is_waited_for() {
    let yml = Yml { job: ", stabilityDuration: 60", ..BLUE_GREEN };
    let mut stage = Stage::serving(Scenario::new(), yml, HEALTHY);
    let began = stage.ecs.elapsed();
    let ran = stage.second("");
    assert_eq!(ran.status, 0, "{}", ran.err());
    let gone = stage.ecs.calls_of("UpdateService")[0].at - began;
    assert!((68..=82).contains(&gone), "{gone} s");
    // Done, as ECS has it, and gone a moment later.
    let mut stage = Stage::serving(Scenario::new(), yml, Behaviour::Crashes { exit: 9, after: 25 });
    let ran = stage.second("");
    told("ecs_unstable", &stage.tale(&ran));
    assert_eq!(ran.status, 21, "{}", ran.err());
    assert_eq!(stage.ecs.service("d-m-1").unwrap().running, 1);
}

/// Nobody takes the old service away for a new one that runs nothing.
#[test]
fn a_new_service_set_to_nothing_is_not_done() {
    let mut stage = Stage::serving(Scenario::new(), BLUE_GREEN, HEALTHY);
    stage.ecs.change(|scenario| scenario.meanwhile("d-m-2", When::Nth(2), json!({"desiredCount": 0})));
    let ran = stage.second("--timeout 60");
    told("ecs_set_to_nothing", &stage.tale(&ran));
    let old = stage.ecs.service("d-m-1").unwrap();
    assert_eq!((old.running, old.status.as_str()), (1, "ACTIVE"), "{}", ran.err());
    assert_eq!(ran.status, 23, "{}", ran.err());
}

#[test]
fn somebody_deletes_a_service() {
    let mut stage = Stage::serving(Scenario::new(), BLUE_GREEN, HEALTHY);
    stage.ecs.change(|scenario| scenario.deleted_meanwhile("d-m-2", When::Nth(2)));
    let ran = stage.second("");
    told("ecs_deleted_new", &stage.tale(&ran));
    assert_eq!((ran.status, stage.ecs.service("d-m-1").unwrap().running), (23, 1), "{}", ran.err());
    // The next deployment goes on.
    let ran = stage.run("deploy d --build-number 3 --image web=v3 --ambient");
    assert_eq!((ran.status, stage.ecs.service("d-m-3").unwrap().running), (0, 1), "{}", ran.err());
    // The old one would have gone anyway.
    let mut stage = Stage::serving(Scenario::new(), BLUE_GREEN, HEALTHY);
    let began = stage.ecs.elapsed();
    stage.ecs.change(|scenario| scenario.deleted_meanwhile("d-m-1", When::Between(began + 3, began + 9)));
    let ran = stage.second("");
    assert_eq!((ran.status, stage.ecs.service("d-m-2").unwrap().running), (0, 1), "{}", ran.err());
}

#[test]
fn nothing_was_there_before() {
    for (name, yml) in [("ecs_first_blue_green", BLUE_GREEN), ("ecs_first_upgrade", UPGRADE)] {
        let mut stage = Stage::of(Scenario::new().behaviour("org/web:v1", CRASH), yml);
        let ran = stage.run("deploy d --build-number 1 --ambient");
        told(name, &stage.tale(&ran));
        assert_eq!(ran.status, 20, "{name}: {}", ran.err());
        // The next one, mended, goes through.
        let ran = stage.second("");
        assert_eq!(ran.status, 0, "{name}: {}", ran.err());
        assert_eq!(stage.ecs.world().matches(" ACTIVE 1+0/1 ").count(), 1, "{name}: {}", stage.ecs.world());
    }
}

#[test]
fn late_and_put_back() {
    let mut stage = Stage::serving(Scenario::new(), UPGRADE, Behaviour::Never);
    let ran = stage.second("--timeout 60 --rollback");
    told("ecs_late_rollback", &stage.tale(&ran));
    assert_eq!(ran.status, 24, "{}", ran.err());
    let serves = stage.ecs.service("d-m").unwrap();
    assert_eq!((serves.running, serves.task_definition.as_str()), (1, "d-m:1"));
}

/// Scaling may ask for more while a new version rolls out.
#[test]
fn scaling_goes_on_meanwhile() {
    let resources = "  - {name: r, type: replicas, version: {count: 1, minReplicas: 1, maxReplicas: 3}}\n";
    let yml = Yml { resources, manifest: ", {IN: r}", ..UPGRADE };
    let mut stage = Stage::serving(Scenario::new(), yml, Behaviour::SlowStart { secs: 20 });
    stage.ecs.change(|scenario| scenario.autoscaler("d-m", 3, 7));
    let ran = stage.second("");
    assert_eq!(ran.status, 0, "{}", ran.err());
    let service = stage.ecs.service("d-m").unwrap();
    assert_eq!((service.running, service.desired), (3, 3), "{}", ran.err());
    assert!(stage.ecs.calls_of("UpdateService").iter().all(|call| call.request["desiredCount"].is_null()));
}
