//! After a deployment: `ecs scale`, `rollback`, `status`.

use serde_json::Value;

use crate::ecs_jobs::{Bench, Yml, last};
use crate::ecs_server::{Behaviour, Scenario, When};

const TWO: Yml = Yml {
    resources: "  - {name: r, type: replicas, version: {count: 2}}\n",
    jobs: "",
    manifest: ", {IN: r}",
    deploy: "",
    job: "",
    cluster: "",
};
const METHODS: [&str; 3] = ["blueGreen", "upgrade", "replace"];

fn bench(method: &str) -> Bench {
    let scenario = Scenario::new().behaviour("org/web:bad*", Behaviour::Crashes { exit: 3, after: 2 });
    Bench::of(scenario, Yml { job: &format!(", method: {method}"), ..TWO })
}

#[test]
fn scale() {
    let mut bench = bench("upgrade");
    let ran = bench.run("scale d 3");
    assert_eq!((ran.status, bench.ecs.actions().len()), (1, 0));
    insta::assert_snapshot!(last(&ran), @r"shipctl: nothing that d has deployed is remembered: is this the store that it deploys with?");
    bench.deploys(1, "");
    insta::assert_snapshot!(bench.tale("scale d 4"), @r"
    exit 0
    m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:1

    DescribeServices d-m
    UpdateService d-m count=4
    DescribeServices d-m ×4

    service prod/d-m ACTIVE 4+0/4 d-m:1
    task definition d-m:1
    ");
    insta::assert_snapshot!(bench.tale("scale d 1"), @r"
    exit 0
    m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:1

    DescribeServices d-m
    UpdateService d-m count=1
    DescribeServices d-m ×4

    service prod/d-m ACTIVE 1+0/1 d-m:1
    task definition d-m:1
    ");
    insta::assert_snapshot!(bench.tale("scale d 0"), @r"
    exit 0
    m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:1

    DescribeServices d-m
    UpdateService d-m count=0
    DescribeServices d-m ×4

    service prod/d-m ACTIVE 0+0/0 d-m:1
    task definition d-m:1
    ");
    insta::assert_snapshot!(bench.tale("scale d 2 --no-wait"), @r"
    exit 0
    m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:1

    DescribeServices d-m
    UpdateService d-m count=2

    service prod/d-m ACTIVE 0+0/2 d-m:1
    task definition d-m:1
    ");
    // It was told to run no more, and is: somebody who deploys wants it to serve.
    bench.run("scale d 0");
    insta::assert_snapshot!(bench.deploy(2, "--image web=v2"), @r"
    exit 0
    m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:2

    DescribeServices d-m
    RegisterTaskDefinition d-m
    UpdateService d-m count=2 d-m:2
    DescribeServices d-m ×6

    service prod/d-m ACTIVE 2+0/2 d-m:2
    task definition d-m:1
    task definition d-m:2
    ");
}

#[test]
fn scaled_beyond_what_there_is() {
    let mut bench = bench("blueGreen");
    bench.deploys(1, "");
    bench.ecs.change(|scenario| scenario.behaviour("d-m", Behaviour::NoCapacity));
    let ran = bench.run("scale d 4");
    assert_eq!(ran.status, 20, "{}", ran.err());
    insta::assert_snapshot!(last(&ran), @r"shipctl: m: no place for its tasks: no container instance met all of its requirements. The closest matching (container-instance 000000000000000000000000000000c1) has insufficient memory available; d-m-1 serves, and is not whole: 2 of 4 tasks run");
    assert_eq!(bench.ecs.service("d-m-1").unwrap().running, 2);
}

#[test]
fn rollback() {
    for method in METHODS {
        let mut bench = bench(method);
        bench.deploys(1, "");
        let ran = bench.run("rollback d --build-number 2");
        assert_eq!((ran.status, bench.ecs.transcript().lines().count()), (8, 1), "{}", ran.err());
        if method == "blueGreen" {
            insta::assert_snapshot!(last(&ran), @r"shipctl: m: no version of m before d-m-1 is kept: nothing to go back to; nothing was changed");
        }
        bench.deploys(2, "--image web=v2");
        let tale = bench.tale("rollback d --build-number 3");
        match method {
            "blueGreen" => insta::assert_snapshot!(tale, @r"
            exit 0
            m	d-m-3	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:1

            DescribeServices d-m-2
            ListTaskDefinitions d-m
            DescribeServices d-m-2,d-m-3
            CreateService d-m-3 count=2 d-m:1
            DescribeServices d-m-3 ×6
            UpdateService d-m-2 count=0
            DescribeServices d-m-2 ×4
            DeleteService d-m-2
            DescribeServices d-m-2 ×2

            service prod/d-m-1 INACTIVE 0+0/0 d-m:1
            service prod/d-m-2 INACTIVE 0+0/0 d-m:2
            service prod/d-m-3 ACTIVE 2+0/2 d-m:1
            task definition d-m:1
            task definition d-m:2
            "),
            "upgrade" => insta::assert_snapshot!(tale, @r"
            exit 0
            m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:1

            DescribeServices d-m
            ListTaskDefinitions d-m
            UpdateService d-m d-m:1
            DescribeServices d-m ×7

            service prod/d-m ACTIVE 2+0/2 d-m:1
            task definition d-m:1
            task definition d-m:2
            "),
            _ => insta::assert_snapshot!(tale, @r"
            exit 0
            m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:1

            DescribeServices d-m
            ListTaskDefinitions d-m
            UpdateService d-m count=0
            DescribeServices d-m ×4
            UpdateService d-m count=2 d-m:1
            DescribeServices d-m ×6

            service prod/d-m ACTIVE 2+0/2 d-m:1
            task definition d-m:1
            task definition d-m:2
            "),
        }
        // Twice is forward again.
        let ran = bench.run("rollback d --build-number 4");
        assert_eq!(ran.status, 0, "{}", ran.err());
        let name = if method == "blueGreen" { "d-m-4" } else { "d-m" };
        let state = bench.ecs.service(name).unwrap();
        assert_eq!((state.task_definition.as_str(), state.running), ("d-m:2", 2), "{method}");
        // What is there is what was asked for: nothing has changed.
        let ran = bench.deploys(5, "--image web=v2");
        assert!(ran.err().contains("nothing has changed"), "{method}: {}", ran.err());
        bench.deploys(6, "--image web=v3 --keep 0");
        let ran = bench.run("rollback d");
        assert_eq!(ran.status, 8, "{}", ran.err());
    }
}

#[test]
fn a_rollback_that_fails() {
    for method in METHODS {
        let mut bench = bench(method);
        bench.deploys(1, "");
        bench.deploys(2, "--image web=v2");
        bench.ecs.change(|scenario| scenario.behaviour("d-m:1", Behaviour::Crashes { exit: 1, after: 1 }));
        let ran = bench.run("rollback d --build-number 3");
        let name = if method == "blueGreen" { "d-m-2" } else { "d-m" };
        bench.ecs.pass(60);
        let state = bench.ecs.service(name).unwrap();
        assert_eq!(ran.status, 21, "{method}: {}", ran.err());
        assert_eq!((state.task_definition.as_str(), state.running), ("d-m:2", 2), "{method}");
        assert!(last(&ran).contains(&format!("{name} serves, whole: 2 of 2 tasks run")), "{}", last(&ran));
    }
}

#[test]
fn status() {
    let mut bench = bench("upgrade");
    let ran = bench.run("status d");
    assert_eq!((ran.status, bench.ecs.actions().len()), (1, 0));
    insta::assert_snapshot!(last(&ran), @r"shipctl: nothing is deployed for d, as far as the store knows: is it the right --store?");
    bench.deploys(1, "");
    insta::assert_snapshot!(bench.tale("status d"), @r"
    exit 0
    m: d-m (d-m:1, build 1): ACTIVE, 2 of 2 running
      2026-01-02T03:04:14Z (service d-m) has reached a steady state.
      2026-01-02T03:04:14Z (service d-m) (deployment ecs-svc/0000000000000000001) deployment completed.
      2026-01-02T03:04:06Z (service d-m) has started 2 tasks: (task 00000000000000000000000000000001) (task 00000000000000000000000000000002).

    DescribeServices d-m

    service prod/d-m ACTIVE 2+0/2 d-m:1
    task definition d-m:1
    ");
    let ran = bench.run("status d --json");
    let shown: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!((ran.status, shown["isWhole"].as_bool()), (0, Some(true)));
    assert_eq!(shown["deployed"]["service"], "d-m");
    insta::assert_snapshot!(shown.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" "), @r"deployed service isWhole");
    // Half of it is gone.
    bench.ecs.change(|scenario| scenario.behaviour("*:bad*", Behaviour::Crashes { exit: 3, after: 2 }));
    bench.run("deploy d --build-number 2 --image web=bad");
    let ran = bench.run("status d");
    assert_eq!(ran.status, 1, "{}", ran.err());
    insta::assert_snapshot!(format!("{}{}", ran.out(), ran.err()), @r"
    m: d-m (d-m:1, build 1): ACTIVE, 2 of 2 running
      roll-out PRIMARY of d-m:2: 0 of 2 running, IN_PROGRESS
      roll-out ACTIVE of d-m:1: 2 of 2 running, COMPLETED
      2026-01-02T03:04:18Z (service d-m) has started 2 tasks: (task 00000000000000000000000000000005) (task 00000000000000000000000000000006).
      2026-01-02T03:04:15Z (service d-m) has started 2 tasks: (task 00000000000000000000000000000003) (task 00000000000000000000000000000004).
      2026-01-02T03:04:14Z (service d-m) has reached a steady state.
    shipctl: not whole: d-m; `shipctl ecs deploy d --force` mends it
    ");
    assert_eq!(bench.run("status d --json").status, 1);
}

#[test]
fn status_of_what_somebody_has_deleted() {
    let mut bench = Bench::of(Scenario::new(), TWO);
    bench.deploys(1, "");
    bench.ecs.change(|scenario| scenario.deleted_meanwhile("d-m-1", When::Between(0, 1)));
    bench.ecs.pass(60);
    let ran = bench.run("status d");
    insta::assert_snapshot!(format!("{} {}{}", ran.status, ran.out(), ran.err()), @r"
    1 m: d-m-1 (d-m:1, build 1): ECS does not show it
    shipctl: not whole: d-m-1; `shipctl ecs deploy d --force` mends it
    ");
    let ran = bench.run("status d --json");
    let shown: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!((&shown["service"], &shown["isWhole"]), (&Value::Null, &Value::Bool(false)));
    // It says what mends it.
    let tale = bench.deploy(2, "");
    insta::assert_snapshot!(tale, @r"
    exit 0
    note: d-m-1 of build 1 is not there any more: it is deployed anew
    m	d-m-2	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:2

    DescribeServices d-m-1,d-m-2
    DescribeServices d-m-2
    RegisterTaskDefinition d-m
    CreateService d-m-2 count=2 d-m:2
    DescribeServices d-m-2 ×6

    service prod/d-m-1 INACTIVE 0+0/0 d-m:1
    service prod/d-m-2 ACTIVE 2+0/2 d-m:2
    task definition d-m:1
    task definition d-m:2
    ");
    assert_eq!(bench.run("status d").status, 0);
}
