//! What becomes of what serves when a deployment fails, and of old revisions.

use serde_json::json;

use crate::ecs_jobs::{Bench, Yml, brief, last, notes};
use crate::ecs_methods::{BLUE_GREEN, REPLACE, UPGRADE, bench};
use crate::ecs_server::{Fault, Scenario, When};

#[test]
fn a_first_deployment_that_fails() {
    for (yml, want) in [(BLUE_GREEN, "d-m-1 INACTIVE"), (UPGRADE, "d-m ACTIVE"), (REPLACE, "d-m INACTIVE")] {
        let mut bench = bench(yml);
        let tale = bench.deploy(1, "--image web=bad");
        assert!(tale.contains(want), "{want}: {tale}");
    }
}

/// A step that is refused leaves what serves as it was, in whatever method.
#[test]
fn a_refused_call_leaves_what_serves() {
    let mut said = String::new();
    for (name, yml, service) in
        [("blueGreen", BLUE_GREEN, "d-m-1"), ("upgrade", UPGRADE, "d-m"), ("replace", REPLACE, "d-m")]
    {
        for call in ["RegisterTaskDefinition", "CreateService", "UpdateService", "UpdateService * d-m:2"] {
            let mut bench = bench(yml);
            bench.deploys(1, "");
            bench.ecs.change(|scenario| scenario.fault(call, When::First(1), Fault::AccessDenied));
            let ran = bench.run("deploy d --build-number 2 --image web=v2");
            bench.ecs.pass(60);
            let state = bench.ecs.service(service).unwrap();
            said.push_str(&format!("{name}, {call}: {} {}\n", ran.status, brief(&ran)));
            said.push_str(&format!(
                "  {} {}/{} {}\n",
                state.status, state.running, state.desired, state.task_definition
            ));
        }
    }
    insta::assert_snapshot!(said, @r"
    blueGreen, RegisterTaskDefinition: 4 shipctl: m: cannot register the task definition d-m: AccessDeniedException …; d-m-1 serves, whole: 2 of 2 tasks run
      ACTIVE 2/2 d-m:1
    blueGreen, CreateService: 4 shipctl: m: cannot create the service d-m-2: AccessDeniedException …; d-m-1 serves, whole: 2 of 2 tasks run
      ACTIVE 2/2 d-m:1
    blueGreen, UpdateService: 4 shipctl: m: cannot set the count of d-m-1 to 0: AccessDeniedException …; the new version serves; what is left of the old one is removed by `shipctl ecs deploy --prune` (d-m-1 on d-m:1: 2 of 2 tasks run, d-m-2 on d-m:2: 2 of 2 tasks run)
      ACTIVE 2/2 d-m:1
    blueGreen, UpdateService * d-m:2: 0   0:15 m: d-m-2 serves on d-m:2
      INACTIVE 0/0 d-m:1
    upgrade, RegisterTaskDefinition: 4 shipctl: m: cannot register the task definition d-m: AccessDeniedException …; d-m serves, whole: 2 of 2 tasks run
      ACTIVE 2/2 d-m:1
    upgrade, CreateService: 0   0:14 m: d-m serves on d-m:2
      ACTIVE 2/2 d-m:2
    upgrade, UpdateService: 4 shipctl: m: cannot update the service d-m: AccessDeniedException …; d-m serves, whole: 2 of 2 tasks run
      ACTIVE 2/2 d-m:1
    upgrade, UpdateService * d-m:2: 4 shipctl: m: cannot update the service d-m: AccessDeniedException …; d-m serves, whole: 2 of 2 tasks run
      ACTIVE 2/2 d-m:1
    replace, RegisterTaskDefinition: 4 shipctl: m: cannot register the task definition d-m: AccessDeniedException …; d-m serves, whole: 2 of 2 tasks run
      ACTIVE 2/2 d-m:1
    replace, CreateService: 0   0:14 m: d-m serves on d-m:2
      ACTIVE 2/2 d-m:2
    replace, UpdateService: 4 shipctl: m: cannot set the count of d-m to 0: AccessDeniedException …; d-m serves, whole: 2 of 2 tasks run
      ACTIVE 2/2 d-m:1
    replace, UpdateService * d-m:2: 4 shipctl: m: cannot update the service d-m: AccessDeniedException …; d-m serves, whole: 2 of 2 tasks run
      ACTIVE 2/2 d-m:1
    ");
}

#[test]
fn old_revisions_are_kept_as_asked() {
    let mut bench = bench(BLUE_GREEN);
    let revisions = |bench: &Bench| {
        let world = bench.ecs.world();
        let all = world.lines().filter_map(|line| line.strip_prefix("task definition d-m:"));
        all.collect::<Vec<_>>().join(" ")
    };
    let mut kept = Vec::new();
    for (number, keep) in
        [(1, "--keep 3"), (2, "--keep 3"), (3, "--keep 3"), (4, "--keep 3"), (5, "--keep 3"), (6, ""), (7, "--keep 0")]
    {
        bench.deploys(number, &format!("--image web=v{number} {keep}"));
        kept.push(revisions(&bench));
    }
    assert_eq!(kept, ["1", "1 2", "1 2 3", "1 2 3 4", "2 3 4 5", "5 6", "7"]);
    let ran = bench.run("rollback d --build-number 8");
    assert_eq!(ran.status, 8);
    insta::assert_snapshot!(last(&ran), @r"shipctl: m: no version of m before d-m-7 is kept: nothing to go back to; nothing was changed");
    assert_eq!(notes(&ran), [""; 0]);
}

/// Revisions of others, and those that a service of ours is on still, are not ours to deregister.
#[test]
fn revisions_of_others_stay() {
    let app = json!({"name": "web", "image": "org/web:other", "memory": 400});
    let other = json!({"family": "d-m", "containerDefinitions": [app]});
    let scenario = Scenario::new().registered(other.clone()).with_service("d-m-prod", "org/other:1", 1);
    let mut bench = Bench::of(scenario.registered(other), BLUE_GREEN);
    bench.deploys(1, "");
    bench.deploys(2, "--image web=v2 --keep 0");
    bench.deploys(3, "--image web=v3 --keep 0");
    insta::assert_snapshot!(bench.ecs.world(), @r"
    service prod/d-m-prod ACTIVE 1+0/1 d-m-prod:1
    service prod/d-m-1 INACTIVE 0+0/0 d-m:3
    service prod/d-m-2 INACTIVE 0+0/0 d-m:4
    service prod/d-m-3 ACTIVE 2+0/2 d-m:5
    task definition d-m-prod:1
    task definition d-m:1
    task definition d-m:2
    task definition d-m:5
    ");
}

/// A port of the host that is there once: with replace the tasks stop first, on the way back as well.
#[test]
fn replace_where_there_is_one_place() {
    let resources = "  - {name: r, type: replicas, version: {count: 1, minReplicas: 1, maxReplicas: 3}}
  - {name: o, type: dockerOptions, version: {portMappings: [\"80:8080\"]}}
";
    let mut bench = bench(Yml { resources, manifest: ", {IN: r}, {IN: o}", ..REPLACE });
    bench.ecs.change(|scenario| scenario.instances(1));
    bench.deploys(1, "");
    bench.deploys(2, "--image web=v2");
    bench.ecs.change(|scenario| scenario.fault("RegisterScalableTarget", When::First(1), Fault::AccessDenied));
    let ran = bench.run("deploy d --build-number 3 --image web=v3");
    insta::assert_snapshot!(format!("{} {}\n{}", ran.status, brief(&ran), bench.ecs.transcript()), @r"
    4 shipctl: m: cannot let service/prod/d-m be scaled: AccessDeniedException …; d-m serves, whole: 1 of 1 tasks run
    DescribeServices d-m
    RegisterTaskDefinition d-m
    DeregisterScalableTarget service/prod/d-m
    UpdateService d-m count=0
    DescribeServices d-m ×4
    UpdateService d-m count=1 d-m:3
    DescribeServices d-m ×6
    RegisterScalableTarget service/prod/d-m -> AccessDeniedException
    UpdateService d-m count=0
    DescribeServices d-m ×4
    UpdateService d-m count=1 d-m:2
    DescribeServices d-m ×6
    RegisterScalableTarget service/prod/d-m
    DescribeServices d-m
    ");
    bench.ecs.change(|mut scenario| {
        scenario.faults.clear();
        scenario
    });
    assert_eq!(bench.run("rollback d --build-number 4").status, 0);
    insta::assert_snapshot!(bench.ecs.transcript(), @r"
    DescribeServices d-m
    ListTaskDefinitions d-m
    DeregisterScalableTarget service/prod/d-m
    UpdateService d-m count=0
    DescribeServices d-m ×4
    UpdateService d-m count=1 d-m:1
    DescribeServices d-m ×6
    RegisterScalableTarget service/prod/d-m
    ");
    assert_eq!(bench.ecs.service("d-m").unwrap().running, 1);
}

/// What `rollback` goes back to after an upgrade that failed is what served, not the version before that.
#[test]
fn rollback_of_an_upgrade_that_failed() {
    let mut bench = bench(UPGRADE);
    bench.deploys(1, "");
    assert_eq!(bench.run("deploy d --build-number 2 --image web=bad").status, 20);
    insta::assert_snapshot!(bench.tale("rollback d --build-number 3"), @r"
    exit 0
    m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:1

    DescribeServices d-m
    UpdateService d-m count=2 d-m:1
    DescribeServices d-m ×7

    service prod/d-m ACTIVE 2+0/2 d-m:1
    task definition d-m:1
    task definition d-m:2
    ");
    bench.deploys(4, "--image web=v4");
    assert_eq!(bench.run("deploy d --build-number 5 --image web=bad").status, 20);
    assert_eq!(bench.run("rollback d --build-number 6").status, 0);
    assert!(bench.ecs.world().contains("ACTIVE 2+0/2 d-m:3"), "{}", bench.ecs.world());
    // Once more is one further back.
    assert_eq!(bench.run("rollback d --build-number 7").status, 0);
    assert!(bench.ecs.world().contains("ACTIVE 2+0/2 d-m:1"), "{}", bench.ecs.world());
}

/// The same again is deployed again where it does not run.
#[test]
fn what_does_not_run_is_not_unchanged() {
    let mut bench = bench(UPGRADE);
    bench.deploys(1, "");
    bench.deploys(2, "--image web=bad --no-wait");
    bench.ecs.pass(120);
    let ran = bench.run("deploy d --build-number 3 --image web=bad");
    assert_eq!(ran.status, 20, "{}", ran.err());
    insta::assert_snapshot!(format!("{}\n{}", notes(&ran).join("\n"), last(&ran)), @r"
    nothing has changed, but d-m runs 0 of 2 tasks of it: it is deployed again
    shipctl: m: 4 tasks have failed to start; d-m is on d-m:3: 0 of 2 tasks run, and 2 of d-m:1, none of them of d-m:2; nobody has asked to go back: deploy with --rollback, or run `shipctl ecs rollback`
    ");
}

/// A service of that name that the store does not know: it is taken over, and serves on when the new version fails.
#[test]
fn a_service_that_is_not_remembered() {
    for (yml, flag, want) in [(UPGRADE, "--rollback", 21), (REPLACE, "", 21), (UPGRADE, "", 20)] {
        let mut bench = bench(yml);
        bench.deploys(1, "");
        std::fs::remove_dir_all(bench.sandbox.path("work/.shipctl")).unwrap();
        let ran = bench.run(&format!("deploy d --build-number 2 --image web=bad {flag}"));
        bench.ecs.pass(60);
        assert_eq!(ran.status, want, "{}", ran.err());
        assert_eq!(notes(&ran)[0], "d-m is there, and was not deployed with this store: it is taken over");
        let state = bench.ecs.service("d-m").unwrap();
        assert_eq!((state.status.as_str(), state.running, state.desired), ("ACTIVE", 2, 2), "{}", ran.err());
        bench.deploys(3, "--image web=v3");
        let ran = bench.run("rollback d --build-number 4");
        assert_eq!(ran.status, if want == 21 { 0 } else { 21 }, "{}", ran.err());
    }
}

/// Nobody knows whether the new one will do, however often it is asked for: the old one serves on, and none is pruned.
#[test]
fn what_is_not_waited_for_takes_nothing_away() {
    let mut bench = bench(BLUE_GREEN);
    bench.deploys(1, "");
    for more in ["", "", "--prune"] {
        let ran = bench.deploys(2, &format!("--image web=bad --no-wait {more}"));
        let made = bench.ecs.calls().iter().filter(|call| call.action == "DeleteService").count();
        assert_eq!(made, 0, "{more}: {}", bench.ecs.transcript());
        let old = bench.ecs.service("d-m-1").unwrap();
        assert_eq!((old.status.as_str(), old.desired), ("ACTIVE", 2), "{more}: {}", ran.err());
        assert_eq!(bench.ecs.service("d-m-2").unwrap().status, "ACTIVE", "{more}: {}", ran.err());
        let told = "d-m-2 was not waited for, so nothing is pruned: deploy with --prune and without --no-wait";
        assert_eq!(notes(&ran).iter().any(|note| note == told), more == "--prune", "{}", ran.err());
        bench.ecs.pass(120);
    }
    bench.deploys(2, "--image web=v2 --prune");
    assert!(bench.ecs.world().contains("d-m-1 INACTIVE"), "{}", bench.ecs.world());
    assert!(bench.ecs.world().contains("d-m-2 ACTIVE 2+0/2"), "{}", bench.ecs.world());
}

/// A manifest of another name that deploys the same service: it is remembered once.
#[test]
fn a_manifest_that_is_renamed() {
    for method in ["upgrade", "replace"] {
        let job = format!(", method: {method}, deployName: shop");
        let yml = Yml { job: &job, ..BLUE_GREEN };
        let mut bench = bench(yml);
        bench.deploys(1, "");
        let text = yml.text().replace("name: m,", "name: app,").replace("{IN: m}", "{IN: app}");
        bench.sandbox.write("work/shippable.yml", text);
        let ran = bench.deploys(2, "--image web=v2");
        insta::allow_duplicates! { insta::assert_snapshot!(notes(&ran).join("\n"), @"the service of m, which is no manifest any more, is taken over"); }
        let ran = bench.deploys(3, "--image web=v2");
        assert_eq!(notes(&ran), [""; 0]);
        assert_eq!(bench.ecs.actions(), ["DescribeServices"]);
        let status = bench.run("status d").out();
        assert_eq!(status.matches(": shop (").count(), 1, "{status}");
        assert_eq!(bench.run("delete d --manifest m").status, 2);
        let state = bench.ecs.service("shop").unwrap();
        assert_eq!((state.status.as_str(), state.running), ("ACTIVE", 2));
        // What it had before can be gone back to.
        assert_eq!(bench.run("rollback d --build-number 4").status, 0);
        assert!(bench.ecs.world().contains("ACTIVE 2+0/2 shop:1"), "{}", bench.ecs.world());
    }
}

/// What is in another cluster by now is not taken for gone.
#[test]
fn what_is_left_over_in_another_cluster() {
    let mut bench = Bench::of(Scenario::new().cluster("other"), BLUE_GREEN);
    let kill = Fault::SignalAfter(rustix::process::Signal::KILL);
    bench.ecs.change(|scenario| scenario.fault("CreateService", When::First(1), kill));
    assert_eq!(bench.run("deploy d --build-number 1").status, 137);
    bench.ecs.change(|scenario| Scenario { faults: Vec::new(), ..scenario });
    bench.job(Yml { cluster: "other", ..BLUE_GREEN });
    let ran = bench.deploys(2, "--prune");
    let told = "the service d-m-1 of build 1 is in the cluster prod, and stays: prune with a yml that names it";
    assert!(notes(&ran).iter().any(|note| note == told), "{}", ran.err());
    assert_eq!(bench.run("delete d").status, 0);
    assert!(bench.ecs.world().contains("prod/d-m-1 ACTIVE"), "{}", bench.ecs.world());
    bench.job(BLUE_GREEN);
    assert_eq!(bench.run("delete d").status, 0);
    assert!(!bench.ecs.world().contains(" ACTIVE"), "{}", bench.ecs.world());
}
