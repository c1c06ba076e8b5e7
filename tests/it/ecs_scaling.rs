//! Auto scaling around the methods: targets, policies, alarms.

use serde_json::json;

use crate::ecs_jobs::{Bench, Yml, brief, notes};
use crate::ecs_server::{Behaviour, Fault, Scenario, When};

const ALARM: &str = "MetricName: CPUUtilization, Namespace: AWS/ECS, Statistic: Average, Period: 60, \
    EvaluationPeriods: 1, Threshold: 75, ComparisonOperator: GreaterThanThreshold";

/// Replicas of 2 to 6 with a policy for each name of `policies`, and an alarm for each of `alarms` that calls it.
fn replicas(policies: &[&str], alarms: &[(&str, &str)]) -> String {
    let policy = |name: &&str| {
        format!(
            "{{PolicyName: {name}, PolicyType: StepScaling, StepScalingPolicyConfiguration: {{AdjustmentType: \
             ChangeInCapacity, StepAdjustments: [{{MetricIntervalLowerBound: 0, ScalingAdjustment: 1}}]}}}}"
        )
    };
    let alarm = |(name, action): &(&str, &str)| format!("{{AlarmName: {name}, AlarmActions: [{action}], {ALARM}}}");
    let policies: Vec<_> = policies.iter().map(policy).collect();
    let alarms: Vec<_> = alarms.iter().map(alarm).collect();
    format!(
        "  - {{name: r, type: replicas, version: {{count: 2, minReplicas: 2, maxReplicas: 6, autoScalingRole: \
         \"arn:aws:iam::1:role/scale\", autoScalingPolicies: [{}], metricAlarms: [{}]}}}}\n",
        policies.join(", "),
        alarms.join(", ")
    )
}

fn yml<'a>(resources: &'a str, job: &'a str) -> Yml<'a> {
    Yml { resources, manifest: ", {IN: r}", job, ..Yml::default() }
}

/// Both names of policies, one alarm each.
fn scaled() -> String {
    replicas(&["up", "down"], &[("busy", "up"), ("idle", "down")])
}

fn bench(job: &str) -> Bench {
    let scenario = Scenario::new().behaviour("org/web:bad*", Behaviour::Crashes { exit: 3, after: 2 });
    Bench::of(scenario, yml(&scaled(), job))
}

#[test]
fn blue_green() {
    let mut bench = bench("");
    insta::assert_snapshot!(bench.deploy(1, ""), @r"
    exit 0
    m	d-m-1	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:1

    DescribeServices d-m-1
    RegisterTaskDefinition d-m
    CreateService d-m-1 count=2 d-m:1
    DescribeServices d-m-1 ×6
    RegisterScalableTarget service/prod/d-m-1
    PutScalingPolicy up
    PutScalingPolicy down
    PutMetricAlarm busy
    PutMetricAlarm idle

    service prod/d-m-1 ACTIVE 2+0/2 d-m:1
    task definition d-m:1
    target service/prod/d-m-1 2-6
    policy down of service/prod/d-m-1
    policy up of service/prod/d-m-1
    alarm busy
    alarm idle
    ");
    let policy = &bench.ecs.calls_of("PutScalingPolicy")[0].request;
    for (key, value) in [
        ("ResourceId", "service/prod/d-m-1"),
        ("ScalableDimension", "ecs:service:DesiredCount"),
        ("ServiceNamespace", "ecs"),
    ] {
        assert_eq!(policy[key], value);
        assert_eq!(bench.ecs.calls_of("RegisterScalableTarget")[0].request[key], value);
    }
    assert_eq!(bench.ecs.calls_of("RegisterScalableTarget")[0].request["RoleARN"], "arn:aws:iam::1:role/scale");
    let alarm = &bench.ecs.calls_of("PutMetricAlarm")[0].request;
    let arn = "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:00000000-0000-4000-8000-000000000001:\
               resource/ecs/service/prod/d-m-1:policyName/up";
    assert_eq!(alarm["AlarmActions"], json!([arn]));
    // The alarms call the policies of the new service before those of the old one go.
    insta::assert_snapshot!(bench.deploy(2, "--image web=v2"), @r"
    exit 0
    m	d-m-2	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:2

    DescribeServices d-m-1,d-m-2
    RegisterTaskDefinition d-m
    CreateService d-m-2 count=2 d-m:2
    DescribeServices d-m-2 ×6
    RegisterScalableTarget service/prod/d-m-2
    PutScalingPolicy up
    PutScalingPolicy down
    PutMetricAlarm busy
    PutMetricAlarm idle
    DeleteScalingPolicy up
    DeleteScalingPolicy down
    DeregisterScalableTarget service/prod/d-m-1
    UpdateService d-m-1 count=0
    DescribeServices d-m-1 ×4
    DeleteService d-m-1
    DescribeServices d-m-1 ×2

    service prod/d-m-1 INACTIVE 0+0/0 d-m:1
    service prod/d-m-2 ACTIVE 2+0/2 d-m:2
    task definition d-m:1
    task definition d-m:2
    target service/prod/d-m-2 2-6
    policy down of service/prod/d-m-2
    policy up of service/prod/d-m-2
    alarm busy
    alarm idle
    ");
    insta::assert_snapshot!(bench.deploy(3, "--image web=bad"), @r"
    exit 21
    note: 4 tasks have failed to start: d-m-3 is removed
    note: left over, and removed with --prune: the task definition d-m:3
    shipctl: m: 4 tasks have failed to start; d-m-2 serves, whole: 2 of 2 tasks run

    DescribeServices d-m-2,d-m-3
    RegisterTaskDefinition d-m
    CreateService d-m-3 count=2 d-m:3
    DescribeServices d-m-3 ×6
    ListTasks d-m-3
    DescribeTasks
    UpdateService d-m-3 count=0
    DescribeServices d-m-3
    DeleteService d-m-3
    DescribeServices d-m-3 ×2
    DescribeServices d-m-2

    service prod/d-m-1 INACTIVE 0+0/0 d-m:1
    service prod/d-m-2 ACTIVE 2+0/2 d-m:2
    service prod/d-m-3 INACTIVE 0+0/0 d-m:3
    task definition d-m:1
    task definition d-m:2
    task definition d-m:3
    target service/prod/d-m-2 2-6
    policy down of service/prod/d-m-2
    policy up of service/prod/d-m-2
    alarm busy
    alarm idle
    ");
}

/// An autoscaler that raises the old service again does so no more once its target is gone.
#[test]
fn an_old_service_that_is_raised_again() {
    let mut bench = bench("");
    bench.deploys(1, "");
    bench.ecs.change(|scenario| scenario.autoscaler("d-m-1", 4, 1));
    bench.ecs.pass(30);
    assert_eq!(bench.ecs.service("d-m-1").unwrap().desired, 4);
    let tale = bench.deploy(2, "--image web=v2");
    assert!(tale.contains("service prod/d-m-1 INACTIVE"), "{tale}");
    assert!(!tale.contains("target service/prod/d-m-1"), "{tale}");
    // Nobody raised it any more: it was told to stop once.
    assert_eq!(bench.ecs.calls_of("UpdateService").len(), 1, "{tale}");
    // One that somebody raises by hand, just as it is told to stop, is told again.
    let looks = bench.ecs.calls_of("DescribeServices").iter().filter(|call| call.line().contains("d-m-2")).count();
    bench.ecs.change(|scenario| scenario.meanwhile("d-m-2", When::Nth(looks + 2), json!({"desiredCount": 3})));
    let ran = bench.deploys(3, "--image web=v3");
    assert_eq!(notes(&ran), ["somebody has raised the count of d-m-2 again: it is set to 0 again"]);
    assert_eq!(bench.ecs.calls_of("UpdateService").len(), 2);
}

#[test]
fn upgrade_leaves_the_count_to_scaling() {
    let mut bench = bench(", method: upgrade");
    bench.deploys(1, "");
    bench.ecs.change(|scenario| scenario.autoscaler("d-m", 4, 1));
    bench.ecs.pass(30);
    insta::assert_snapshot!(bench.deploy(2, "--image web=v2"), @r"
    exit 0
    m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:2

    DescribeServices d-m
    RegisterTaskDefinition d-m
    UpdateService d-m d-m:2
    DescribeServices d-m ×7
    RegisterScalableTarget service/prod/d-m
    PutScalingPolicy up
    PutScalingPolicy down
    PutMetricAlarm busy
    PutMetricAlarm idle

    service prod/d-m ACTIVE 4+0/4 d-m:2
    task definition d-m:1
    task definition d-m:2
    target service/prod/d-m 2-6
    policy down of service/prod/d-m
    policy up of service/prod/d-m
    alarm busy
    alarm idle
    ");
    assert_eq!(bench.ecs.service("d-m").unwrap().desired, 4);
}

#[test]
fn replace_takes_scaling_away_meanwhile() {
    let mut bench = bench(", method: replace");
    bench.deploys(1, "");
    bench.ecs.change(|scenario| scenario.autoscaler("d-m", 4, 1));
    bench.ecs.pass(30);
    insta::assert_snapshot!(bench.deploy(2, "--image web=v2"), @r"
    exit 0
    m	d-m	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:2

    DescribeServices d-m
    RegisterTaskDefinition d-m
    DeregisterScalableTarget service/prod/d-m
    UpdateService d-m count=0
    DescribeServices d-m ×4
    UpdateService d-m count=2 d-m:2
    DescribeServices d-m ×6
    RegisterScalableTarget service/prod/d-m
    PutScalingPolicy up
    PutScalingPolicy down
    PutMetricAlarm busy
    PutMetricAlarm idle

    service prod/d-m ACTIVE 2+0/2 d-m:2
    task definition d-m:1
    task definition d-m:2
    target service/prod/d-m 2-6
    policy down of service/prod/d-m
    policy up of service/prod/d-m
    alarm busy
    alarm idle
    ");
    insta::assert_snapshot!(bench.deploy(3, "--image web=bad"), @r"
    exit 21
    note: 4 tasks have failed to start: what was there before comes back
    note: left over, and removed with --prune: the task definition d-m:3
    shipctl: m: 4 tasks have failed to start; d-m serves, whole: 2 of 2 tasks run

    DescribeServices d-m
    RegisterTaskDefinition d-m
    DeregisterScalableTarget service/prod/d-m
    UpdateService d-m count=0
    DescribeServices d-m ×4
    UpdateService d-m count=2 d-m:3
    DescribeServices d-m ×6
    ListTasks d-m
    DescribeTasks
    UpdateService d-m count=0
    DescribeServices d-m
    UpdateService d-m count=2 d-m:2
    DescribeServices d-m ×6
    RegisterScalableTarget service/prod/d-m
    PutScalingPolicy up
    PutScalingPolicy down
    PutMetricAlarm busy
    PutMetricAlarm idle
    DescribeServices d-m

    service prod/d-m ACTIVE 2+0/2 d-m:2
    task definition d-m:1
    task definition d-m:2
    task definition d-m:3
    target service/prod/d-m 2-6
    policy down of service/prod/d-m
    policy up of service/prod/d-m
    alarm busy
    alarm idle
    ");
}

/// What the yml has no more is taken away; what it has is changed in place.
#[test]
fn policies_and_alarms_that_are_gone() {
    let less = replicas(&["up"], &[("busy", "up")]);
    let none = "  - {name: r, type: replicas, version: {count: 2}}\n";
    for job in ["", ", method: upgrade", ", method: replace"] {
        let mut bench = bench(job);
        bench.deploys(1, "");
        let rest = |bench: &Bench| {
            let world = bench.ecs.world();
            let scaling = |line: &&str| ["target", "policy", "alarm"].iter().any(|word| line.starts_with(word));
            world.lines().filter(scaling).filter_map(|line| line.split(' ').nth(1)).collect::<Vec<_>>().join(" ")
        };
        let name = |number: u32| if job.is_empty() { format!("d-m-{number}") } else { "d-m".to_owned() };
        assert_eq!(rest(&bench), format!("service/prod/{} down up busy idle", name(1)));
        bench.job(yml(&less, job));
        bench.deploys(2, "");
        assert_eq!(rest(&bench), format!("service/prod/{} up busy", name(2)), "{job}");
        bench.job(yml(none, job));
        bench.deploys(3, "");
        assert_eq!(rest(&bench), "", "{job}");
    }
}

/// Scaling that cannot be made is a deployment that failed: what was there before serves on, scaled as it was.
#[test]
fn scaling_that_is_refused() {
    let mut said = String::new();
    for job in ["", ", method: upgrade", ", method: upgrade --rollback", ", method: replace"] {
        for call in ["RegisterScalableTarget", "PutScalingPolicy", "PutMetricAlarm", "DeregisterScalableTarget"] {
            let (yml_job, flag) = job.split_once(" --").map_or((job, ""), |(job, _)| (job, "--rollback"));
            let mut bench = bench(yml_job);
            bench.deploys(1, "");
            let world = bench.ecs.world();
            let before: String = world.lines().skip_while(|line| !line.starts_with("target")).collect();
            bench.ecs.change(|scenario| scenario.fault(call, When::First(1), Fault::AccessDenied));
            let ran = bench.run(&format!("deploy d --build-number 2 --image web=v2 {flag}"));
            bench.ecs.pass(60);
            let world = bench.ecs.world();
            let services: Vec<&str> = world.lines().filter(|line| line.contains(" ACTIVE ")).collect();
            let after: String = world.lines().skip_while(|line| !line.starts_with("target")).collect();
            let is_same = after == before;
            let services = services.join(", ");
            said.push_str(&format!(
                "{job} {call}: {} {}; {services}; scaled as before: {is_same}\n",
                ran.status,
                brief(&ran)
            ));
        }
    }
    insta::assert_snapshot!(said, @r"
     RegisterScalableTarget: 4 shipctl: m: cannot let service/prod/d-m-2 be scaled: AccessDeniedException …; d-m-1 serves, whole: 2 of 2 tasks run; service prod/d-m-1 ACTIVE 2+0/2 d-m:1; scaled as before: true
     PutScalingPolicy: 4 shipctl: m: cannot put the scaling policy up: AccessDeniedException …; d-m-1 serves, whole: 2 of 2 tasks run; service prod/d-m-1 ACTIVE 2+0/2 d-m:1; scaled as before: true
     PutMetricAlarm: 4 shipctl: m: cannot put the alarm busy: AccessDenied …; d-m-1 serves, whole: 2 of 2 tasks run; service prod/d-m-1 ACTIVE 2+0/2 d-m:1; scaled as before: true
     DeregisterScalableTarget: 4 shipctl: m: cannot let service/prod/d-m-1 be scaled no more: AccessDeniedException …; the new version serves; what is left of the old one is removed by `shipctl ecs deploy --prune` (d-m-1 on d-m:1: 2 of 2 tasks run, d-m-2 on d-m:2: 2 of 2 tasks run); service prod/d-m-1 ACTIVE 2+0/2 d-m:1, service prod/d-m-2 ACTIVE 2+0/2 d-m:2; scaled as before: false
    , method: upgrade RegisterScalableTarget: 4 shipctl: m: cannot let service/prod/d-m be scaled: AccessDeniedException …; d-m is on d-m:2: 2 of 2 tasks run, none of them of d-m:1; nobody has asked to go back: deploy with --rollback, or run `shipctl ecs rollback`; service prod/d-m ACTIVE 2+0/2 d-m:2; scaled as before: true
    , method: upgrade PutScalingPolicy: 4 shipctl: m: cannot put the scaling policy up: AccessDeniedException …; d-m is on d-m:2: 2 of 2 tasks run, none of them of d-m:1; nobody has asked to go back: deploy with --rollback, or run `shipctl ecs rollback`; service prod/d-m ACTIVE 2+0/2 d-m:2; scaled as before: true
    , method: upgrade PutMetricAlarm: 4 shipctl: m: cannot put the alarm busy: AccessDenied …; d-m is on d-m:2: 2 of 2 tasks run, none of them of d-m:1; nobody has asked to go back: deploy with --rollback, or run `shipctl ecs rollback`; service prod/d-m ACTIVE 2+0/2 d-m:2; scaled as before: true
    , method: upgrade DeregisterScalableTarget: 0   0:14 m: d-m serves on d-m:2; service prod/d-m ACTIVE 2+0/2 d-m:2; scaled as before: true
    , method: upgrade --rollback RegisterScalableTarget: 4 shipctl: m: cannot let service/prod/d-m be scaled: AccessDeniedException …; d-m serves, whole: 2 of 2 tasks run; service prod/d-m ACTIVE 2+0/2 d-m:1; scaled as before: true
    , method: upgrade --rollback PutScalingPolicy: 4 shipctl: m: cannot put the scaling policy up: AccessDeniedException …; d-m serves, whole: 2 of 2 tasks run; service prod/d-m ACTIVE 2+0/2 d-m:1; scaled as before: true
    , method: upgrade --rollback PutMetricAlarm: 4 shipctl: m: cannot put the alarm busy: AccessDenied …; d-m serves, whole: 2 of 2 tasks run; service prod/d-m ACTIVE 2+0/2 d-m:1; scaled as before: true
    , method: upgrade --rollback DeregisterScalableTarget: 0   0:14 m: d-m serves on d-m:2; service prod/d-m ACTIVE 2+0/2 d-m:2; scaled as before: true
    , method: replace RegisterScalableTarget: 4 shipctl: m: cannot let service/prod/d-m be scaled: AccessDeniedException …; d-m serves, whole: 2 of 2 tasks run; service prod/d-m ACTIVE 2+0/2 d-m:1; scaled as before: true
    , method: replace PutScalingPolicy: 4 shipctl: m: cannot put the scaling policy up: AccessDeniedException …; d-m serves, whole: 2 of 2 tasks run; service prod/d-m ACTIVE 2+0/2 d-m:1; scaled as before: true
    , method: replace PutMetricAlarm: 4 shipctl: m: cannot put the alarm busy: AccessDenied …; d-m serves, whole: 2 of 2 tasks run; service prod/d-m ACTIVE 2+0/2 d-m:1; scaled as before: true
    , method: replace DeregisterScalableTarget: 4 shipctl: m: cannot let service/prod/d-m be scaled no more: AccessDeniedException …; d-m serves, whole: 2 of 2 tasks run; service prod/d-m ACTIVE 2+0/2 d-m:1; scaled as before: true
    ");
}

#[test]
fn scaled_by_hand() {
    let mut bench = bench("");
    bench.deploys(1, "");
    insta::assert_snapshot!(bench.tale("scale d 5"), @r"
    exit 0
    note: d-m-1 is scaled automatically: that may change the count again
    m	d-m-1	arn:aws:ecs:us-east-1:123456789012:task-definition/d-m:1

    DescribeServices d-m-1
    UpdateService d-m-1 count=5
    DescribeServices d-m-1 ×4

    service prod/d-m-1 ACTIVE 5+0/5 d-m:1
    task definition d-m:1
    target service/prod/d-m-1 2-6
    policy down of service/prod/d-m-1
    policy up of service/prod/d-m-1
    alarm busy
    alarm idle
    ");
}

/// Whatever was made goes: targets, policies and alarms, too, also those of a deployment that was killed.
#[test]
fn a_scaled_job_is_deleted() {
    let mut bench = bench("");
    bench.deploys(1, "");
    let kill = Fault::SignalAfter(rustix::process::Signal::KILL);
    bench.ecs.change(|scenario| scenario.fault("PutMetricAlarm", When::First(1), kill));
    assert_eq!(bench.run("deploy d --build-number 2 --image web=v2").status, 137);
    bench.ecs.change(|mut scenario| {
        scenario.faults.clear();
        scenario
    });
    insta::assert_snapshot!(bench.tale("delete d"), @r"
    exit 0

    DescribeServices d-m-1
    DeleteAlarms busy,idle
    DeleteScalingPolicy up
    DeleteScalingPolicy down
    DeregisterScalableTarget service/prod/d-m-1
    UpdateService d-m-1 count=0
    DescribeServices d-m-1 ×4
    DeleteService d-m-1
    DescribeServices d-m-1 ×2
    DeregisterTaskDefinition d-m:1
    DescribeServices d-m-2
    DeleteAlarms busy -> ResourceNotFound
    DeleteScalingPolicy up
    DeleteScalingPolicy down
    DeregisterScalableTarget service/prod/d-m-2
    DeleteService d-m-2
    DescribeServices d-m-2 ×4
    DeregisterTaskDefinition d-m:2

    service prod/d-m-1 INACTIVE 0+0/0 d-m:1
    service prod/d-m-2 INACTIVE 0+0/0 d-m:2
    ");
}
