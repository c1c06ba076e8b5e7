//! After a deployment: `ecs scale`, `rollback`, `delete`, `status`.

use serde_json::Value;

use crate::ecs_jobs::{Bench, Yml, last, notes};
use crate::ecs_server::{Behaviour, Fault, Scenario, When};

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
    insta::assert_snapshot!(last(&ran), @r"shipctl: m: no place for its tasks: (service d-m-1) was unable to place a task because no container instance met all of its requirements. The closest matching (container-instance 000000000000000000000000000000c1) has insufficient memory available. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide; d-m-1 serves, and is not whole: 2 of 4 tasks run");
    assert_eq!(bench.ecs.service("d-m-1").unwrap().running, 2);
}

#[test]
fn rollback() {
    for method in METHODS {
        let mut bench = bench(method);
        bench.deploys(1, "");
        let ran = bench.run("rollback d --build-number 2");
        assert_eq!((ran.status, bench.ecs.actions().len()), (1, 0), "{}", ran.err());
        if method == "blueGreen" {
            insta::assert_snapshot!(last(&ran), @r"shipctl: no version of m before d-m-1 is kept: nothing to go back to");
        }
        bench.deploys(2, "--image web=v2");
        let tale = bench.tale("rollback d --build-number 3");
        match method {
            "blueGreen" => insta::assert_snapshot!(tale, @r"
            exit 0
            m	d-m-3	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:1

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
        assert_eq!(ran.status, 1, "{}", ran.err());
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
fn delete() {
    for method in METHODS {
        let mut bench = bench(method);
        bench.deploys(1, "");
        bench.deploys(2, "--image web=v2");
        let tale = bench.tale("delete d");
        match method {
            "blueGreen" => insta::assert_snapshot!(tale, @r"
            exit 0

            DescribeServices d-m-2
            UpdateService d-m-2 count=0
            DescribeServices d-m-2 ×4
            DeleteService d-m-2
            DescribeServices d-m-2 ×2
            DeregisterTaskDefinition d-m:2
            DeregisterTaskDefinition d-m:1

            service prod/d-m-1 INACTIVE 0+0/0 d-m:1
            service prod/d-m-2 INACTIVE 0+0/0 d-m:2
            "),
            _ => assert!(!tale.contains("ACTIVE ") || !tale.contains(" ACTIVE"), "{tale}"),
        }
        assert!(!tale.contains("task definition"), "{tale}");
        // It is gone: once more is a mistake that is told.
        let ran = bench.run("delete d");
        assert_eq!((ran.status, bench.ecs.actions().len()), (1, 0));
        insta::allow_duplicates! { insta::assert_snapshot!(last(&ran), @r"shipctl: nothing that d has deployed is remembered: is this the store that it deploys with?"); }
        let ran = bench.run("status d");
        assert_eq!(ran.status, 1);
        // And it can be deployed again.
        bench.deploys(3, "");
    }
}

#[test]
fn a_job_that_is_gone_from_the_yml() {
    let mut bench = bench("blueGreen");
    bench.deploys(1, "");
    std::fs::remove_file(bench.sandbox.path("work/shippable.yml")).unwrap();
    let clock = bench.ecs.clock();
    bench.sandbox.set("SHIPCTL_CLOCK", clock);
    let ran = bench.sandbox.shipctl(["ecs", "delete", "d"]);
    assert_eq!(ran.status, 3);
    insta::assert_snapshot!(last(&ran).replace(bench.sandbox.root().to_str().unwrap(), ""), @r"shipctl: d is not in the yml any more, which would say whose credentials its cluster prod takes: give --ambient, --profile, --source or --clouddriver (no shippable.yml and no shippable.jobs.yml in /work: go to the folder that has it, or name it with --file)");
    assert_eq!(bench.run("status d").status, 0);
    let tale = bench.tale("delete d");
    assert!(tale.starts_with("exit 0") && tale.contains("d-m-1 INACTIVE") && !tale.contains("task def"), "{tale}");
}

#[test]
fn a_deletion_that_is_refused_goes_on_later() {
    let mut said = String::new();
    for call in ["UpdateService", "DeleteService", "DescribeServices", "DeregisterTaskDefinition"] {
        for fault in [Fault::AccessDenied, Fault::SignalAfter(rustix::process::Signal::KILL)] {
            let mut bench = bench("blueGreen");
            bench.deploys(1, "");
            bench.deploys(2, "--image web=v2");
            let killed = fault != Fault::AccessDenied;
            bench.ecs.change(|scenario| scenario.fault(call, When::First(1), fault));
            let ran = bench.run("delete d");
            said.push_str(&format!("{call}: {} {}\n", ran.status, if killed { String::new() } else { last(&ran) }));
            assert_eq!(ran.status == 137, killed);
            bench.ecs.change(|mut scenario| {
                scenario.faults.clear();
                scenario
            });
            bench.end_turn();
            let ran = bench.run("delete d");
            said.push_str(&format!(
                "  again: {} {}\n",
                ran.status,
                if ran.status == 0 { "" } else { last(&ran).leak() }
            ));
            let left = bench.ecs.world();
            let gone = !left.contains(" ACTIVE") && !left.contains("task definition");
            assert!(gone, "{call}: {left}");
            assert!(bench.run("status d").status == 1);
        }
    }
    insta::assert_snapshot!(said, @r"
    UpdateService: 4 shipctl: m: cannot set the count of d-m-2 to 0: AccessDeniedException: User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ecs:UpdateService on resource: * because no identity-based policy allows the ecs:UpdateService action (request 00000000-0000-4000-8000-000000000002); add ecs:UpdateService to the caller's policy: shipctl iam policy --for deploy prints what is needed
      again: 0 
    UpdateService: 137 
      again: 0 
    DeleteService: 4 shipctl: m: cannot delete the service d-m-2: AccessDeniedException: User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ecs:DeleteService on resource: * because no identity-based policy allows the ecs:DeleteService action (request 00000000-0000-4000-8000-000000000007); add ecs:DeleteService to the caller's policy: shipctl iam policy --for deploy prints what is needed
      again: 0 
    DeleteService: 137 
      again: 0 
    DescribeServices: 4 shipctl: m: cannot look at d-m-2: AccessDeniedException: User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ecs:DescribeServices on resource: * because no identity-based policy allows the ecs:DescribeServices action (request 00000000-0000-4000-8000-000000000001); add ecs:DescribeServices to the caller's policy: shipctl iam policy --for deploy prints what is needed
      again: 0 
    DescribeServices: 137 
      again: 0 
    DeregisterTaskDefinition: 4 shipctl: m: cannot deregister d-m:2: AccessDeniedException: User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ecs:DeregisterTaskDefinition on resource: * because no identity-based policy allows the ecs:DeregisterTaskDefinition action (request 00000000-0000-4000-8000-000000000010); add ecs:DeregisterTaskDefinition to the caller's policy: shipctl iam policy --for deploy prints what is needed
      again: 0 
    DeregisterTaskDefinition: 137 
      again: 0
    ");
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
    shipctl: left over: the task definition d-m:2; `shipctl ecs deploy d --prune` removes it
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

#[test]
fn leftovers_are_listed() {
    let mut bench = Bench::of(Scenario::new(), TWO);
    bench.deploys(1, "");
    let kill = Fault::SignalAfter(rustix::process::Signal::KILL);
    bench.ecs.change(|scenario| scenario.fault("CreateService", When::First(1), kill));
    assert_eq!(bench.run("deploy d --build-number 2 --image web=v2").status, 137);
    bench.ecs.change(|mut scenario| {
        scenario.faults.clear();
        scenario
    });
    bench.end_turn();
    let ran = bench.run("status d");
    assert_eq!(ran.status, 0);
    insta::assert_snapshot!(ran.err(), @r"
    shipctl: left over: the task definition d-m:2; `shipctl ecs deploy d --prune` removes it
    shipctl: left over: the service d-m-2 of build 2; `shipctl ecs deploy d --prune` removes it
    ");
    let ran = bench.deploys(3, "--image web=v3");
    insta::assert_snapshot!(notes(&ran).join("\n"), @r"left over, and removed with --prune: the task definition d-m:2, the service d-m-2 of build 2");
    insta::assert_snapshot!(bench.deploy(4, "--image web=v3 --prune"), @r"
    exit 0
    m	d-m-3	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:3

    DescribeServices d-m-3,d-m-4
    DescribeServices d-m-2
    DeleteService d-m-2
    DescribeServices d-m-2 ×4
    DeregisterTaskDefinition d-m:2
    ListTaskDefinitions d-m

    service prod/d-m-1 INACTIVE 0+0/0 d-m:1
    service prod/d-m-2 INACTIVE 0+0/0 d-m:2
    service prod/d-m-3 ACTIVE 2+0/2 d-m:3
    task definition d-m:1
    task definition d-m:3
    ");
    assert_eq!(bench.run("status d").err(), "");
}

#[test]
fn not_waited_for() {
    for method in METHODS {
        let mut bench = bench(method);
        let first = bench.deploy(1, "--no-wait");
        let second = bench.deploy(2, "--image web=v2 --no-wait");
        bench.ecs.pass(120);
        let again = bench.deploy(2, "--image web=v2");
        let tale = format!("first: {first}\nsecond: {second}\nagain: {again}");
        match method {
            "blueGreen" => insta::assert_snapshot!(tale, @r"
            first: exit 0
            m	d-m-1	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:1

            DescribeServices d-m-1
            RegisterTaskDefinition d-m
            CreateService d-m-1 count=2 d-m:1

            service prod/d-m-1 ACTIVE 0+0/2 d-m:1
            task definition d-m:1

            second: exit 0
            note: d-m-1 runs 0 of 2 tasks: it is deployed again
            m	d-m-1	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:1

            DescribeServices d-m-1,d-m-2
            RegisterTaskDefinition d-m
            CreateService d-m-2 count=2 d-m:2

            service prod/d-m-1 ACTIVE 0+0/2 d-m:1
            service prod/d-m-2 ACTIVE 0+0/2 d-m:2
            task definition d-m:1
            task definition d-m:2

            again: exit 0
            note: d-m-2 is there, half made by a deployment before: it is gone on with
            note: left over, and removed with --prune: the task definition d-m:2
            m	d-m-2	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:3

            DescribeServices d-m-1,d-m-2
            RegisterTaskDefinition d-m
            UpdateService d-m-2 count=2 d-m:3
            DescribeServices d-m-2 ×7
            UpdateService d-m-1 count=0
            DescribeServices d-m-1 ×4
            DeleteService d-m-1
            DescribeServices d-m-1 ×2

            service prod/d-m-1 INACTIVE 0+0/0 d-m:1
            service prod/d-m-2 ACTIVE 2+0/2 d-m:3
            task definition d-m:1
            task definition d-m:2
            task definition d-m:3
            "),
            "upgrade" => insta::assert_snapshot!(tale, @r"
            first: exit 0
            m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:1

            DescribeServices d-m
            RegisterTaskDefinition d-m
            CreateService d-m count=2 d-m:1

            service prod/d-m ACTIVE 0+0/2 d-m:1
            task definition d-m:1

            second: exit 0
            note: d-m runs 0 of 2 tasks: it is deployed again
            m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:2

            DescribeServices d-m
            RegisterTaskDefinition d-m
            UpdateService d-m count=2 d-m:2

            service prod/d-m ACTIVE 0+0/2 d-m:2
            task definition d-m:1
            task definition d-m:2

            again: exit 0
            m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:2

            DescribeServices d-m

            service prod/d-m ACTIVE 2+0/2 d-m:2
            task definition d-m:1
            task definition d-m:2
            "),
            _ => insta::assert_snapshot!(tale, @r"
            first: exit 0
            m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:1

            DescribeServices d-m
            RegisterTaskDefinition d-m
            CreateService d-m count=2 d-m:1

            service prod/d-m ACTIVE 0+0/2 d-m:1
            task definition d-m:1

            second: exit 0
            note: d-m runs 0 of 2 tasks: it is deployed again
            m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:2

            DescribeServices d-m
            RegisterTaskDefinition d-m
            UpdateService d-m count=0
            DescribeServices d-m
            UpdateService d-m count=2 d-m:2

            service prod/d-m ACTIVE 0+0/2 d-m:2
            task definition d-m:1
            task definition d-m:2

            again: exit 0
            m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:2

            DescribeServices d-m

            service prod/d-m ACTIVE 2+0/2 d-m:2
            task definition d-m:1
            task definition d-m:2
            "),
        }
    }
}
