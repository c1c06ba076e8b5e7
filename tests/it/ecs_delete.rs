//! Deletion, what is left over, and what was not waited for.

use crate::ecs_jobs::{Bench, Yml, brief, last, notes};
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
            _ => assert!(!tale.contains(" ACTIVE"), "{tale}"),
        }
        assert!(!tale.contains("task definition"), "{tale}");
        // It is gone: once more is a mistake that is told.
        let ran = bench.run("delete d");
        assert_eq!((ran.status, bench.ecs.actions().len()), (1, 0));
        assert!(last(&ran).contains("nothing that d has deployed is remembered"), "{}", last(&ran));
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
            said.push_str(&format!("{call}: {} {}\n", ran.status, if killed { String::new() } else { brief(&ran) }));
            assert_eq!(ran.status == 137, killed);
            bench.ecs.change(|mut scenario| {
                scenario.faults.clear();
                scenario
            });
            let ran = bench.run("delete d");
            assert_eq!(ran.status, 0, "{}", ran.err());
            let left = bench.ecs.world();
            let gone = !left.contains(" ACTIVE") && !left.contains("task definition");
            assert!(gone, "{call}: {left}");
            assert!(bench.run("status d").status == 1);
        }
    }
    insta::assert_snapshot!(said, @r"
    UpdateService: 4 shipctl: m: cannot set the count of d-m-2 to 0: AccessDeniedException …
    UpdateService: 137 
    DeleteService: 4 shipctl: m: cannot delete the service d-m-2: AccessDeniedException …
    DeleteService: 137 
    DescribeServices: 4 shipctl: m: cannot look at d-m-2: AccessDeniedException …
    DescribeServices: 137 
    DeregisterTaskDefinition: 4 shipctl: m: cannot deregister d-m:2: AccessDeniedException …
    DeregisterTaskDefinition: 137
    ");
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
            m	d-m-2	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:2

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
