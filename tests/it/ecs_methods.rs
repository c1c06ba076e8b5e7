//! Each method: the first deployment, the next ones, those that fail.

use crate::ecs_jobs::{Bench, Yml};
use crate::ecs_server::{Behaviour, Scenario};

pub const UPGRADE: Yml = Yml { job: ", method: upgrade", ..BLUE_GREEN };
pub const REPLACE: Yml = Yml { job: ", method: replace", ..BLUE_GREEN };
pub const BLUE_GREEN: Yml = Yml {
    resources: "  - {name: r, type: replicas, version: {count: 2}}\n",
    jobs: "",
    manifest: ", {IN: r}",
    deploy: "",
    job: "",
    cluster: "",
};

/// One where images with a tag of `bad…` crash.
pub fn bench(yml: Yml) -> Bench {
    Bench::of(Scenario::new().behaviour("org/web:bad*", Behaviour::Crashes { exit: 3, after: 2 }), yml)
}

#[test]
fn blue_green() {
    let mut bench = bench(BLUE_GREEN);
    insta::assert_snapshot!(bench.deploy(1, ""), @r"
    exit 0
    m	d-m-1	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:1

    DescribeServices d-m-1
    RegisterTaskDefinition d-m
    CreateService d-m-1 count=2 d-m:1
    DescribeServices d-m-1 ×6

    service prod/d-m-1 ACTIVE 2+0/2 d-m:1
    task definition d-m:1
    ");
    insta::assert_snapshot!(bench.deploy(2, "--image web=v2"), @r"
    exit 0
    m	d-m-2	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:2

    DescribeServices d-m-1,d-m-2
    RegisterTaskDefinition d-m
    CreateService d-m-2 count=2 d-m:2
    DescribeServices d-m-2 ×6
    UpdateService d-m-1 count=0
    DescribeServices d-m-1 ×4
    DeleteService d-m-1
    DescribeServices d-m-1 ×2

    service prod/d-m-1 INACTIVE 0+0/0 d-m:1
    service prod/d-m-2 ACTIVE 2+0/2 d-m:2
    task definition d-m:1
    task definition d-m:2
    ");
    insta::assert_snapshot!(bench.deploy(3, "--image web=v2"), @r"
    exit 0
    m	d-m-2	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:2

    DescribeServices d-m-2,d-m-3

    service prod/d-m-1 INACTIVE 0+0/0 d-m:1
    service prod/d-m-2 ACTIVE 2+0/2 d-m:2
    task definition d-m:1
    task definition d-m:2
    ");
    insta::assert_snapshot!(bench.deploy(4, "--image web=v2 --force"), @r"
    exit 0
    m	d-m-4	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:3

    DescribeServices d-m-2,d-m-4
    RegisterTaskDefinition d-m
    CreateService d-m-4 count=2 d-m:3
    DescribeServices d-m-4 ×6
    UpdateService d-m-2 count=0
    DescribeServices d-m-2 ×4
    DeleteService d-m-2
    DescribeServices d-m-2 ×2
    DeregisterTaskDefinition d-m:1

    service prod/d-m-1 INACTIVE 0+0/0 d-m:1
    service prod/d-m-2 INACTIVE 0+0/0 d-m:2
    service prod/d-m-4 ACTIVE 2+0/2 d-m:3
    task definition d-m:2
    task definition d-m:3
    ");
    insta::assert_snapshot!(bench.deploy(5, "--image web=bad1"), @r"
    exit 21
    note: 4 tasks have failed to start: d-m-5 is removed
    note: left over, and removed with --prune: the task definition d-m:4
    shipctl: m: 4 tasks have failed to start; d-m-4 serves, whole: 2 of 2 tasks run

    DescribeServices d-m-4,d-m-5
    RegisterTaskDefinition d-m
    CreateService d-m-5 count=2 d-m:4
    DescribeServices d-m-5 ×6
    ListTasks d-m-5
    DescribeTasks
    UpdateService d-m-5 count=0
    DescribeServices d-m-5
    DeleteService d-m-5
    DescribeServices d-m-5 ×2
    DescribeServices d-m-4

    service prod/d-m-1 INACTIVE 0+0/0 d-m:1
    service prod/d-m-2 INACTIVE 0+0/0 d-m:2
    service prod/d-m-4 ACTIVE 2+0/2 d-m:3
    service prod/d-m-5 INACTIVE 0+0/0 d-m:4
    task definition d-m:2
    task definition d-m:3
    task definition d-m:4
    ");
}

#[test]
fn upgrade() {
    let mut bench = bench(UPGRADE);
    insta::assert_snapshot!(bench.deploy(1, ""), @r"
    exit 0
    m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:1

    DescribeServices d-m
    RegisterTaskDefinition d-m
    CreateService d-m count=2 d-m:1
    DescribeServices d-m ×6

    service prod/d-m ACTIVE 2+0/2 d-m:1
    task definition d-m:1
    ");
    insta::assert_snapshot!(bench.deploy(2, "--image web=v2"), @r"
    exit 0
    m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:2

    DescribeServices d-m
    RegisterTaskDefinition d-m
    UpdateService d-m count=2 d-m:2
    DescribeServices d-m ×7

    service prod/d-m ACTIVE 2+0/2 d-m:2
    task definition d-m:1
    task definition d-m:2
    ");
    insta::assert_snapshot!(bench.deploy(3, "--image web=v2"), @r"
    exit 0
    m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:2

    DescribeServices d-m

    service prod/d-m ACTIVE 2+0/2 d-m:2
    task definition d-m:1
    task definition d-m:2
    ");
    insta::assert_snapshot!(bench.deploy(4, "--image web=v2 --force"), @r"
    exit 0
    m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:3

    DescribeServices d-m
    RegisterTaskDefinition d-m
    UpdateService d-m count=2 d-m:3
    DescribeServices d-m ×7
    DeregisterTaskDefinition d-m:1

    service prod/d-m ACTIVE 2+0/2 d-m:3
    task definition d-m:2
    task definition d-m:3
    ");
    insta::assert_snapshot!(bench.deploy(5, "--image web=bad1"), @r"
    exit 20
    shipctl: m: 4 tasks have failed to start; d-m is on d-m:4, and 2 tasks of d-m:3 still serve; nobody has asked to go back: deploy with --rollback, or run `shipctl ecs rollback`

    DescribeServices d-m
    RegisterTaskDefinition d-m
    UpdateService d-m count=2 d-m:4
    DescribeServices d-m ×6
    ListTasks d-m
    DescribeTasks
    DescribeServices d-m

    service prod/d-m ACTIVE 2+0/2 d-m:4
    task definition d-m:2
    task definition d-m:3
    task definition d-m:4
    ");
    insta::assert_snapshot!(bench.deploy(6, "--image web=bad2 --rollback"), @r"
    exit 21
    note: d-m is on d-m:4, not on d-m:3 as the last deployment left it: it is deployed
    note: 4 tasks have failed to start: what was there before comes back
    note: left over, and removed with --prune: the task definition d-m:4, the task definition d-m:5
    shipctl: m: 4 tasks have failed to start; d-m serves, whole: 2 of 2 tasks run

    DescribeServices d-m
    RegisterTaskDefinition d-m
    UpdateService d-m count=2 d-m:5
    DescribeServices d-m ×6
    ListTasks d-m
    DescribeTasks
    UpdateService d-m count=2 d-m:3
    DescribeServices d-m ×8

    service prod/d-m ACTIVE 2+0/2 d-m:3
    task definition d-m:2
    task definition d-m:3
    task definition d-m:4
    task definition d-m:5
    ");
}

#[test]
fn replace() {
    let mut bench = bench(REPLACE);
    insta::assert_snapshot!(bench.deploy(1, ""), @r"
    exit 0
    m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:1

    DescribeServices d-m
    RegisterTaskDefinition d-m
    CreateService d-m count=2 d-m:1
    DescribeServices d-m ×6

    service prod/d-m ACTIVE 2+0/2 d-m:1
    task definition d-m:1
    ");
    insta::assert_snapshot!(bench.deploy(2, "--image web=v2"), @r"
    exit 0
    m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:2

    DescribeServices d-m
    RegisterTaskDefinition d-m
    UpdateService d-m count=0
    DescribeServices d-m ×4
    UpdateService d-m count=2 d-m:2
    DescribeServices d-m ×6

    service prod/d-m ACTIVE 2+0/2 d-m:2
    task definition d-m:1
    task definition d-m:2
    ");
    insta::assert_snapshot!(bench.deploy(3, "--image web=v2"), @r"
    exit 0
    m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:2

    DescribeServices d-m

    service prod/d-m ACTIVE 2+0/2 d-m:2
    task definition d-m:1
    task definition d-m:2
    ");
    insta::assert_snapshot!(bench.deploy(4, "--image web=v2 --force"), @r"
    exit 0
    m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:3

    DescribeServices d-m
    RegisterTaskDefinition d-m
    UpdateService d-m count=0
    DescribeServices d-m ×4
    UpdateService d-m count=2 d-m:3
    DescribeServices d-m ×6
    DeregisterTaskDefinition d-m:1

    service prod/d-m ACTIVE 2+0/2 d-m:3
    task definition d-m:2
    task definition d-m:3
    ");
    insta::assert_snapshot!(bench.deploy(5, "--image web=bad1"), @r"
    exit 21
    note: 4 tasks have failed to start: what was there before comes back
    note: left over, and removed with --prune: the task definition d-m:4
    shipctl: m: 4 tasks have failed to start; d-m serves, whole: 2 of 2 tasks run

    DescribeServices d-m
    RegisterTaskDefinition d-m
    UpdateService d-m count=0
    DescribeServices d-m ×4
    UpdateService d-m count=2 d-m:4
    DescribeServices d-m ×6
    ListTasks d-m
    DescribeTasks
    UpdateService d-m count=0
    DescribeServices d-m
    UpdateService d-m count=2 d-m:3
    DescribeServices d-m ×7

    service prod/d-m ACTIVE 2+0/2 d-m:3
    task definition d-m:2
    task definition d-m:3
    task definition d-m:4
    ");
}
