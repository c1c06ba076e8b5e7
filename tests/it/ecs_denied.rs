//! Deployments whose caller may not do everything.

use std::fmt::Write as _;

use crate::ecs_failures::{BLUE_GREEN, GROUP, Stage, Yml, told};
use crate::ecs_faults::{CRASH, HEALTHY, WHOLE, left, said, whole, without_requests};
use crate::ecs_server::{Fault, Scenario, When};

/// An extra that is denied changes one line, never the end.
#[test]
fn extras_denied() {
    let balanced = |source: &str| {
        format!(
            "  - {{name: p, type: dockerOptions, version: {{portMappings: [\"0:80\"]}}}}
  - {{name: b, type: loadBalancer, pointer: {{sourceName: \"{source}\", role: ecs}}}}\n"
        )
    };
    for (action, source, behaviour) in [
        ("ecs:ListTasks", "", CRASH),
        ("ecs:DescribeTasks", "", CRASH),
        ("logs:GetLogEvents", "", CRASH),
        ("elasticloadbalancing:DescribeTargetHealth", GROUP, CRASH),
        ("elasticloadbalancing:DescribeInstanceHealth", "front", CRASH),
    ] {
        let resources = if source.is_empty() { String::new() } else { balanced(source) };
        let deploy =
            if source.is_empty() { "" } else { ", {IN: p}, {IN: b, applyTo: [{manifest: m, image: web, port: 80}]}" };
        let yml = Yml { resources: &resources, deploy, ..BLUE_GREEN };
        let mut ends = Vec::new();
        for denied in [false, true] {
            let mut stage = Stage::serving(whole(), yml, behaviour.clone());
            if denied {
                stage.ecs.change(|scenario| scenario.fault(action, When::Always, Fault::AccessDenied));
            }
            let ran = stage.second("");
            let name = action.split(':').nth(1).unwrap();
            assert_eq!(stage.ecs.calls_of(name).len(), 1, "{}", stage.ecs.transcript());
            let naming = ran.err().lines().filter(|line| line.contains(action)).count();
            assert_eq!(naming, usize::from(denied), "{action}: {}", ran.err());
            ends.push((ran.status, ran.err().lines().last().unwrap().to_owned()));
        }
        assert_eq!((ends[0].0, &ends[0]), (21, &ends[1]), "{action}");
    }
}

/// Without one of the documented actions: status 4, the action, and nothing half made that is not named.
#[test]
fn documented_calls_denied() {
    let mut tale = String::new();
    for action in [
        "ecs:DescribeServices",
        "ecs:RegisterTaskDefinition",
        "ecs:CreateService",
        "ecs:UpdateService",
        "ecs:DeleteService",
        "ecs:DeregisterTaskDefinition",
        "iam:ListRoles",
        "iam:PassRole",
        "application-autoscaling:RegisterScalableTarget",
        "application-autoscaling:PutScalingPolicy",
        "application-autoscaling:DeregisterScalableTarget",
        "cloudwatch:PutMetricAlarm",
        "cloudwatch:DeleteAlarms",
    ] {
        let mut stage = Stage::serving(whole(), WHOLE, HEALTHY);
        stage.ecs.change(|scenario| match action {
            "iam:PassRole" => {
                scenario.allow_only(&["ecs:*", "iam:ListRoles", "application-autoscaling:*", "cloudwatch:*"])
            }
            _ => scenario.fault(action, When::Always, Fault::AccessDenied),
        });
        if action == "cloudwatch:DeleteAlarms" {
            let other = WHOLE.resources.replace("AlarmName: busy", "AlarmName: full");
            stage.sandbox.write("work/shippable.yml", Yml { resources: &other, ..WHOLE }.text());
        }
        let ran = stage.second("--keep 0");
        writeln!(tale, "{action}: {}{}", without_requests(&said(&ran)), left(&stage)).unwrap();
        assert_eq!(ran.status, 4, "{action}: {}", ran.err());
        assert!(ran.err().lines().last().unwrap().contains(&format!("not authorized to perform: {action} ")), "{tale}");
        // One of both serves, whole.
        let serving = ["d-m-1", "d-m-2"].iter().filter_map(|name| stage.ecs.service(name));
        let serving =
            serving.filter(|service| service.status == "ACTIVE" && (service.running, service.desired) == (1, 1));
        assert!(serving.count() >= 1, "{action}: {tale}");
        // Given the permission, the next deployment goes through, and nothing is left over.
        stage.ecs.change(|scenario| Scenario { faults: Vec::new(), allowed: None, ..scenario });
        let ran = stage.run("deploy d --build-number 3 --image web=v3 --keep 0 --prune --ambient");
        assert_eq!(ran.status, 0, "{action}: {}", ran.err());
        let world = stage.ecs.world();
        let count = |words: &str| world.lines().filter(|line| line.contains(words)).count();
        let counts = [" ACTIVE ", "task definition ", "target service/", "policy ", "alarm "].map(count);
        assert_eq!(counts, [1; 5], "{action}: {world}");
    }
    told("ecs_denied", &tale);
}
