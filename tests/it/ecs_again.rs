//! Commands that were killed, refused or not waited for, and what the deployment after them makes of it.

use rustix::process::Signal;
use serde_json::Value;

use crate::ecs_jobs::{Bench, Yml, last, notes};
use crate::ecs_plan::{Around, bench};
use crate::ecs_server::{Behaviour, Fault, Scenario, When};

const MEMORY: &str = "work/.shipctl/jobs/d/deployed.json";
const METHODS: [&str; 3] = ["blueGreen", "upgrade", "replace"];

/// Kills it at each call in turn, before or after it is done; then what serves is deployed as it is.
#[test]
fn the_same_content_after_a_killed_command_runs_its_tasks() {
    for (command, method, around) in [
        ("rollback d --build-number 3", "blueGreen", Around::Nothing),
        ("rollback d --build-number 3", "upgrade", Around::Nothing),
        ("rollback d --build-number 3", "replace", Around::Nothing),
        ("rollback d --build-number 3", "replace", Around::All),
        ("delete d", "blueGreen", Around::Nothing),
        ("delete d", "upgrade", Around::All),
        ("delete d", "replace", Around::Nothing),
    ] {
        let deployed = || {
            let mut bench = bench(method, around);
            bench.deploys(1, "");
            bench.deploys(2, "--image web=v2");
            bench
        };
        let mut undisturbed = deployed();
        assert_eq!(undisturbed.run(command).status, 0);
        let calls = undisturbed.ecs.calls();
        for (index, call) in calls.iter().enumerate() {
            if index > 0 && calls[index - 1].line() == call.line() {
                continue;
            }
            let kill = [Fault::SignalBefore(Signal::KILL), Fault::SignalAfter(Signal::KILL)][index % 2].clone();
            let story = format!("{command} of {method}: {kill:?} at {}", call.line());
            let mut bench = deployed();
            bench.ecs.change(|scenario| scenario.fault("*", When::Nth(index + 1), kill));
            assert_eq!(bench.run(command).status, 137, "{story}");
            bench.ecs.change(|scenario| Scenario { faults: Vec::new(), ..scenario });
            bench.ecs.pass(60);
            let ran = bench.deploys(4, "--image web=v2");
            let memory: Value = serde_json::from_slice(&bench.sandbox.read(MEMORY)).unwrap();
            let service = memory["services"][0]["service"].as_str().unwrap();
            let serves = bench.ecs.service(service).unwrap();
            assert_eq!((serves.running, serves.desired), (2, 2), "{story}\n{}{}", ran.err(), bench.ecs.transcript());
            assert_eq!(serves.status, "ACTIVE", "{story}");
            if around == Around::All {
                let world = bench.ecs.world();
                for words in ["policy ", "alarm "] {
                    assert!(world.contains(words), "{story}\n{}{world}", ran.err());
                }
            }
            // And then it has not changed.
            bench.deploys(5, "--image web=v2");
            assert_eq!(bench.ecs.actions(), ["DescribeServices"], "{story}\n{}", bench.ecs.transcript());
            assert!(memory["services"][0].get("unfinished").is_none(), "{story}\n{memory}");
        }
    }
}

/// Somebody's wish for no task is not what a killed replacement has left.
#[test]
fn a_count_by_hand_after_a_killed_replacement() {
    for call in ["RegisterTaskDefinition", "UpdateService d-m count=0", "UpdateService*d-m:2"] {
        let mut bench = bench("replace", Around::Nothing);
        bench.deploys(1, "");
        let kill = Fault::SignalBefore(Signal::KILL);
        bench.ecs.change(|scenario| scenario.fault(call, When::First(1), kill));
        assert_eq!(bench.run("deploy d --build-number 2 --image web=v2").status, 137);
        bench.ecs.change(|scenario| Scenario { faults: Vec::new(), ..scenario });
        assert_eq!(bench.run("scale d 0").status, 0);
        bench.deploys(3, "");
        assert_eq!(bench.ecs.actions(), ["DescribeServices"], "{call}: {}", bench.ecs.transcript());
        assert_eq!(bench.ecs.service("d-m").unwrap().desired, 0, "{call}");
    }
}

/// A roll-back that was killed goes on, and does not turn round.
#[test]
fn a_killed_rollback_goes_on() {
    for method in ["upgrade", "replace"] {
        let mut bench = bench(method, Around::Nothing);
        bench.deploys(1, "");
        bench.deploys(2, "--image web=v2");
        let kill = Fault::SignalAfter(Signal::KILL);
        bench.ecs.change(|scenario| scenario.fault("UpdateService*d-m:1", When::First(1), kill));
        assert_eq!(bench.run("rollback d --build-number 3").status, 137);
        bench.ecs.change(|scenario| Scenario { faults: Vec::new(), ..scenario });
        let ran = bench.run("rollback d --build-number 4");
        assert_eq!(ran.status, 0, "{}", ran.err());
        let serves = bench.ecs.service("d-m").unwrap();
        assert_eq!((serves.task_definition.as_str(), serves.running, serves.desired), ("d-m:1", 2, 2), "{method}");
    }
}

/// A deletion that was killed has stopped the tasks: who goes back then wants them, and whoever asks is told.
#[test]
fn a_rollback_after_a_killed_deletion() {
    for (method, around) in [("upgrade", Around::Nothing), ("upgrade", Around::All), ("replace", Around::Nothing)] {
        let mut bench = bench(method, around);
        bench.deploys(1, "");
        bench.deploys(2, "--image web=v2");
        let kill = Fault::SignalBefore(Signal::KILL);
        bench.ecs.change(|scenario| scenario.fault("DeleteService", When::First(1), kill));
        assert_eq!(bench.run("delete d").status, 137);
        bench.ecs.change(|scenario| Scenario { faults: Vec::new(), ..scenario });
        let ran = bench.run("status d");
        assert_eq!((ran.status, ran.out().matches("it was stopped by a command that was cut short").count()), (1, 1));
        let ran = bench.run("rollback d --build-number 3");
        assert_eq!(ran.status, 0, "{}", ran.err());
        let serves = bench.ecs.service("d-m").unwrap();
        assert_eq!((serves.task_definition.as_str(), serves.running, serves.desired), ("d-m:1", 2, 2), "{method}");
        let is_scaled = bench.ecs.world().contains("policy ");
        assert_eq!(is_scaled, around == Around::All, "{}", bench.ecs.world());
        assert_eq!(bench.run("status d").status, 0);
    }
}

/// What has no task does not serve, whatever its count is.
#[test]
fn a_failure_after_a_killed_deletion() {
    let scenario = Scenario::new().behaviour("org/web:v2", Behaviour::Crashes { exit: 1, after: 1 });
    let mut bench = Bench::of(scenario, Yml::default());
    bench.deploys(1, "");
    let kill = Fault::SignalBefore(Signal::KILL);
    bench.ecs.change(|scenario| scenario.fault("DeleteService", When::First(1), kill));
    assert_eq!(bench.run("delete d").status, 137);
    bench.ecs.change(|scenario| Scenario { faults: Vec::new(), ..scenario });
    let ran = bench.run("deploy d --build-number 2 --image web=v2");
    assert_eq!(ran.status, 22, "{}", ran.err());
    assert!(last(&ran).ends_with("d-m-1 serves, and is not whole: 0 of 0 tasks run"), "{}", ran.err());
    bench.deploys(3, "");
    assert!(bench.ecs.world().contains("d-m-3 ACTIVE 1+0/1"), "{}", bench.ecs.world());
}

#[test]
fn what_an_interrupted_rollback_says_to_do() {
    let mut bench = bench("blueGreen", Around::Nothing);
    bench.deploys(1, "");
    bench.deploys(2, "--image web=v2");
    let term = Fault::SignalAfter(Signal::TERM);
    bench.ecs.change(|scenario| scenario.fault("CreateService", When::First(1), term));
    insta::assert_snapshot!(last(&bench.run("rollback d --build-number 3")), @"shipctl: m: interrupted by signal 15; live: d-m-2 on d-m:2: 2 of 2 tasks run, d-m-3 on d-m:1: 0 of 2 tasks run; roll back again, with the same --build-number, to go on");
    bench.ecs.change(|scenario| Scenario { faults: Vec::new(), ..scenario });
    assert_eq!(bench.run("rollback d --build-number 3").status, 0);
    assert_eq!(bench.ecs.calls_of("CreateService").len(), 0);
    assert!(bench.ecs.world().contains("d-m-3 ACTIVE 2+0/2 d-m:1"), "{}", bench.ecs.world());
}

const OPTIONS: &str = "{deploymentConfiguration: {maximumPercent: 150}, healthCheckGracePeriodSeconds: 30, \
    loadBalancers: [{loadBalancerName: one, containerName: web, containerPort: 80}]}";
const OTHERS: &str = "{deploymentConfiguration: {maximumPercent: 300}, healthCheckGracePeriodSeconds: 60, \
    placementStrategy: [{type: random}], \
    loadBalancers: [{loadBalancerName: two, containerName: web, containerPort: 80}]}";

/// A job whose service has these options, and so many tasks.
fn with_options(options: &str, count: usize) -> String {
    let resources = format!(
        "  - {{name: o, type: dockerOptions, version: {{portMappings: [\"0:80\"], service: {options}}}}}
  - {{name: r, type: replicas, version: {{count: {count}}}}}\n"
    );
    Yml { resources: &resources, manifest: ", {IN: o}, {IN: r}", job: ", method: upgrade", ..Yml::default() }.text()
}

/// After an upgrade that failed and was not undone everything comes back: by hand, and with a deployment.
#[test]
fn everything_that_a_failed_upgrade_has_sent_goes_back() {
    for next in ["rollback d --build-number 3", "deploy d --build-number 3"] {
        let scenario = Scenario::new()
            .role("ecsServiceRole", "ecs.amazonaws.com")
            .behaviour("org/web:v2", Behaviour::Crashes { exit: 1, after: 1 });
        let mut bench = Bench::new(scenario);
        bench.sandbox.write("work/shippable.yml", with_options(OPTIONS, 2));
        bench.deploys(1, "");
        bench.sandbox.write("work/shippable.yml", with_options(OTHERS, 3));
        let ran = bench.run("deploy d --build-number 2 --image web=v2");
        assert_eq!(ran.status, 20, "{}", ran.err());
        bench.sandbox.write("work/shippable.yml", with_options(OPTIONS, 2));
        let ran = bench.run(next);
        assert_eq!(ran.status, 0, "{next}: {}", ran.err());
        let sent = &bench.ecs.calls_of("UpdateService")[0].request;
        assert_eq!(sent["deploymentConfiguration"]["maximumPercent"], 150, "{next}: {sent}");
        assert_eq!(sent["healthCheckGracePeriodSeconds"], 30, "{next}: {sent}");
        assert_eq!(sent["placementStrategy"], serde_json::json!([]), "{next}: {sent}");
        assert_eq!(sent["loadBalancers"][0]["loadBalancerName"], "one", "{next}: {sent}");
        assert_eq!(sent["desiredCount"], 2, "{next}: {sent}");
        bench.deploys(4, "");
        assert_eq!(bench.ecs.actions(), ["DescribeServices"], "{next}: {}", bench.ecs.transcript());
    }
}

/// ECS goes back to the task definition alone: the rest is put back, at once or with the next deployment.
#[test]
fn what_the_circuit_breaker_leaves_as_it_is() {
    for more in ["--rollback", ""] {
        let breaker = "{deploymentConfiguration: {deploymentCircuitBreaker: {enable: true, rollback: true}}, \
                       healthCheckGracePeriodSeconds: 30}";
        let scenario = Scenario::new().behaviour("org/web:v2", Behaviour::Crashes { exit: 1, after: 1 });
        let mut bench = Bench::new(scenario);
        bench.sandbox.write("work/shippable.yml", with_options(breaker, 2));
        bench.deploys(1, "");
        bench.sandbox.write("work/shippable.yml", with_options(&breaker.replace("30}", "60}"), 2));
        let ran = bench.run(&format!("deploy d --build-number 2 --image web=v2 {more}"));
        assert_eq!(ran.status, 21, "{}", ran.err());
        let updates = |bench: &Bench| {
            let calls = bench.ecs.calls_of("UpdateService");
            calls.iter().map(|call| call.request["healthCheckGracePeriodSeconds"].clone()).collect::<Vec<_>>()
        };
        let sent = if more.is_empty() { vec![60] } else { vec![60, 30] };
        assert_eq!(updates(&bench), sent, "{}", ran.err());
        bench.sandbox.write("work/shippable.yml", with_options(breaker, 2));
        bench.deploys(3, "");
        let sent = if more.is_empty() { vec![30] } else { Vec::new() };
        assert_eq!(updates(&bench), sent, "{}", bench.ecs.transcript());
    }
}

#[test]
fn a_rollback_that_is_not_waited_for() {
    let mut told = String::new();
    for method in METHODS {
        let mut bench = bench(method, Around::Nothing);
        bench.deploys(1, "");
        bench.deploys(2, "--image web=v2");
        let ran = bench.run("rollback d --build-number 3 --no-wait");
        assert_eq!(ran.status, 0, "{}", ran.err());
        told.push_str(&format!("{method}: {}\n{}\n", last(&ran), bench.ecs.transcript()));
        bench.ecs.pass(120);
        if method == "blueGreen" {
            let ran = bench.run("rollback d --build-number 3");
            assert_eq!((ran.status, bench.ecs.calls_of("CreateService").len()), (0, 0), "{}", ran.err());
        }
        let world = bench.ecs.world();
        assert!(world.contains(" ACTIVE 2+0/2 d-m:1") && !world.contains(" ACTIVE 2+0/2 d-m:2"), "{method}: {world}");
    }
    insta::assert_snapshot!(told, @r"
    blueGreen:   0:00 m: d-m-3 is there, and was not waited for: roll back with --build-number 3 again to go on with it
    DescribeServices d-m-2
    ListTaskDefinitions d-m
    DescribeServices d-m-2,d-m-3
    CreateService d-m-3 count=2 d-m:1

    upgrade:   0:00 m: d-m serves on d-m:1, which was not waited for
    DescribeServices d-m
    ListTaskDefinitions d-m
    UpdateService d-m d-m:1

    replace:   0:04 m: d-m serves on d-m:1, which was not waited for
    DescribeServices d-m
    ListTaskDefinitions d-m
    UpdateService d-m count=0
    DescribeServices d-m ×4
    UpdateService d-m count=2 d-m:1
    ");
}

#[test]
fn a_deletion_that_is_not_waited_for() {
    for method in METHODS {
        let mut bench = bench(method, Around::All);
        bench.deploys(1, "");
        bench.deploys(2, "--image web=v2");
        let first = bench.tale("delete d --no-wait");
        assert!(!bench.ecs.actions()[1..].contains(&"DescribeServices".to_owned()), "{first}");
        if method == "upgrade" {
            insta::assert_snapshot!(first, @r"
            exit 0
            note: left over, and removed with `shipctl ecs delete d`: the service d-m of build 2, the task definition d-m:2, the task definition d-m:1

            DescribeServices d-m
            DeleteAlarms busy
            DeleteScalingPolicy up
            DeregisterScalableTarget service/prod/d-m
            UpdateService d-m count=0
            DeleteService d-m

            service prod/d-m DRAINING 2+0/0 d-m:2
            task definition d-m:1
            task definition d-m:2
            ");
        }
        // It can be deployed at once, or deleted to its end.
        if method != "replace" {
            bench.deploys(3, "--image web=v2");
            assert!(bench.ecs.world().contains(" ACTIVE 2+0/2 "), "{}", bench.ecs.world());
        }
        if method == "replace" {
            let again = bench.tale("delete d --no-wait");
            insta::assert_snapshot!(again, @r"
            exit 0
            note: left over, and removed with `shipctl ecs delete d`: the service d-m of build 2, the task definition d-m:2

            DescribeServices d-m
            DeleteService d-m
            DeregisterTaskDefinition d-m:1

            service prod/d-m DRAINING 2+0/0 d-m:2
            task definition d-m:2
            ");
        }
        let ran = bench.run("delete d");
        assert_eq!(ran.status, 0, "{}", ran.err());
        let world = bench.ecs.world();
        for words in [" ACTIVE", " DRAINING", "task definition ", "policy ", "alarm "] {
            assert!(!world.contains(words), "{method}: {world}");
        }
        assert!(last(&bench.run("delete d")).contains("nothing that d has deployed is remembered"));
    }
}

/// In another region everything looks as if it were gone.
#[test]
fn another_region_is_refused() {
    let mut bench = bench("blueGreen", Around::Nothing);
    bench.deploys(1, "");
    let before = bench.sandbox.read(MEMORY);
    for words in ["delete d", "delete d --no-wait", "scale d 3", "rollback d", "status d"] {
        let ran = bench.run(&format!("{words} --region eu-west-1"));
        assert_eq!((ran.status, bench.ecs.calls().len()), (8, 0), "{words}: {}", ran.err());
        assert_eq!(
            last(&ran),
            "shipctl: manifest m is deployed to the cluster prod in us-east-1 as d-m-1, and the region is eu-west-1 now: \
             give --region us-east-1",
            "{words}"
        );
        assert_eq!(bench.sandbox.read(MEMORY), before, "{words}");
    }
    // What is left over stays as well.
    let kill = Fault::SignalAfter(Signal::KILL);
    bench.ecs.change(|scenario| scenario.fault("CreateService", When::First(1), kill));
    assert_eq!(bench.run("deploy d --build-number 2 --image web=v2").status, 137);
    bench.ecs.change(|scenario| Scenario { faults: Vec::new(), ..scenario });
    let mut memory: Value = serde_json::from_slice(&bench.sandbox.read(MEMORY)).unwrap();
    memory["services"] = serde_json::json!([]);
    bench.sandbox.write(MEMORY, memory.to_string());
    let ran = bench.run("delete d --region eu-west-1");
    assert_eq!((ran.status, bench.ecs.calls().len()), (0, 0), "{}", ran.err());
    assert!(ran.err().contains("the service d-m-2 of build 2 is in the region us-east-1, and stays"), "{}", ran.err());
    // Who has not written the region down is believed.
    memory["services"] = serde_json::from_slice::<Value>(&before).unwrap()["services"].clone();
    memory["services"][0].as_object_mut().unwrap().remove("region");
    bench.sandbox.write(MEMORY, memory.to_string());
    assert_eq!(bench.run("delete d").status, 0);
}

#[test]
fn what_is_not_there_to_be_deleted_is_told() {
    let mut bench = bench("upgrade", Around::Nothing);
    bench.deploys(1, "");
    let mut memory: Value = serde_json::from_slice(&bench.sandbox.read(MEMORY)).unwrap();
    memory["services"][0]["service"] = "d-n".into();
    bench.sandbox.write(MEMORY, memory.to_string());
    let ran = bench.run("delete d");
    assert_eq!(ran.status, 0, "{}", ran.err());
    insta::assert_snapshot!(notes(&ran).join("\n"), @"d-n is not there: somebody else has deleted it, or these are the credentials of another account");
}

/// What has become of a service meanwhile: it is created anew, beside another one as well.
#[test]
fn a_service_that_is_gone_is_created_anew() {
    for method in ["upgrade", "replace"] {
        for how in ["DRAINING", "INACTIVE", "MISSING"] {
            for workflow in ["", ", workflow: parallel"] {
                let yml = Yml {
                    jobs: "  - {name: n, type: manifest, steps: [{IN: web}]}\n",
                    deploy: ", {IN: n}",
                    job: &format!(", method: {method}{workflow}"),
                    ..Yml::default()
                };
                let mut bench = Bench::of(Scenario::new(), yml);
                bench.deploys(1, "");
                match how {
                    "MISSING" => {
                        let memory = String::from_utf8(bench.sandbox.read(MEMORY)).unwrap();
                        bench.sandbox.write(MEMORY, memory.replace("\"d-n\"", "\"d-gone\""));
                    }
                    _ => deleted_meanwhile(&mut bench, how),
                }
                let ran = bench.deploys(2, "");
                assert_eq!(bench.ecs.service("d-n").unwrap().status, "ACTIVE", "{method} {how}: {}", ran.err());
                assert_eq!(bench.ecs.service("d-n").unwrap().running, 1, "{method} {how}: {}", ran.err());
                assert!(ran.err().contains("is not there any more: it is deployed anew"), "{how}: {}", ran.err());
                assert!(
                    ran.err().contains("m: nothing has changed") || ran.err().contains("d-m serves"),
                    "{}",
                    ran.err()
                );
                assert_eq!(bench.ecs.calls_of("RegisterTaskDefinition").len(), 1, "{}", bench.ecs.transcript());
                bench.deploys(3, "");
                assert_eq!(bench.ecs.actions(), ["DescribeServices"; 2], "{method} {how}: {}", bench.ecs.transcript());
            }
        }
    }
}

/// Somebody else's store deletes the second manifest's service.
fn deleted_meanwhile(bench: &mut Bench, how: &str) {
    let memory = bench.sandbox.read(MEMORY);
    let more = if how == "DRAINING" { " --no-wait" } else { "" };
    let ran = bench.run(&format!("delete d --manifest n{more}"));
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert_eq!(bench.ecs.service("d-n").unwrap().status, how);
    bench.sandbox.write(MEMORY, memory);
}
