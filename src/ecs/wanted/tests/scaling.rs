//! `replicas`: counts and auto scaling.

use serde_json::json;

use super::{ask, fails, job, with};
use crate::ecs::wanted::Scaling;

#[test]
fn a_count_is_desired() {
    let wanted = with("replicas", "count: 3", ", {IN: o}");
    assert_eq!(json!(wanted.services[0].service), json!({"desiredCount": 3}));
    assert_eq!(wanted.services[0].scaling, None);
    let daemon = "  - {name: r, type: replicas, version: {count: 3, minReplicas: 1, maxReplicas: 4}}
  - {name: o, type: dockerOptions, version: {service: {schedulingStrategy: DAEMON}}}
";
    let wanted = ask(&job(daemon, "", ", {IN: r}, {IN: o}"));
    assert_eq!(json!(wanted.services[0].service), json!({"schedulingStrategy": "DAEMON"}));
    assert_eq!((wanted.services[0].scaling.as_ref(), wanted.warnings.len()), (None, 1));
    // One key in step order, whichever resource says it.
    let both = "  - {name: r, type: replicas, version: {count: 3}}
  - {name: o, type: dockerOptions, version: {service: {desiredCount: 5}}}
";
    for (steps, want) in [(", {IN: r}, {IN: o}", 5), (", {IN: o}, {IN: r}", 3)] {
        assert_eq!(ask(&job(both, "", steps)).services[0].service["desiredCount"], want);
    }
}

#[test]
fn scaling_in_the_words_of_the_api() {
    let section = "count: 2
minReplicas: 1
maxReplicas: 5
autoScalingRole: arn:aws:iam::1:role/scale
autoScalingPolicies:
  - PolicyName: up
    PolicyType: StepScaling
    StepScalingPolicyConfiguration: {AdjustmentType: ChangeInCapacity, Cooldown: 60}
  - {PolicyName: down, ResourceId: service/prod/own, ScalableDimension: other, ServiceNamespace: mine}
metricAlarms:
  - {AlarmName: high, AlarmActions: [up, \"arn:aws:sns:eu-west-1:1:topic\"], Threshold: 75.5}";
    let wanted = with("replicas", section, ", {IN: o}");
    assert!(wanted.warnings.is_empty(), "{:?}", wanted.warnings);
    let Scaling { target, policies, alarms } = wanted.services[0].scaling.clone().unwrap();
    assert_eq!(
        json!([target, policies, alarms]),
        json!([
            {
                "ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount",
                "MinCapacity": 1, "MaxCapacity": 5, "RoleARN": "arn:aws:iam::1:role/scale"
            },
            [
                {
                    "PolicyName": "up", "PolicyType": "StepScaling",
                    "StepScalingPolicyConfiguration": {"AdjustmentType": "ChangeInCapacity", "Cooldown": 60},
                    "ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"
                },
                {
                    "PolicyName": "down", "ResourceId": "service/prod/own",
                    "ScalableDimension": "other", "ServiceNamespace": "mine"
                }
            ],
            [{"AlarmName": "high", "AlarmActions": ["up", "arn:aws:sns:eu-west-1:1:topic"], "Threshold": 75.5}]
        ])
    );
    let with_alarms = with("replicas", "count: 1\nmetricAlarms: [{AlarmName: a}]", ", {IN: o}");
    let scaling = with_alarms.services[0].scaling.as_ref().unwrap();
    assert_eq!((scaling.target.is_none(), scaling.policies.len(), scaling.alarms.len()), (true, 0, 1));
    let outside = with("replicas", "{count: 9, minReplicas: 1, maxReplicas: 2}", ", {IN: o}");
    assert!(outside.warnings[0].contains("count 9 of o is not between minReplicas 1 and maxReplicas 2"));
}

#[test]
fn replicas_that_are_wrong() {
    for (section, want) in [
        ("{minReplicas: 1, maxReplicas: 2}", "4:5: o has no count: add `count: 1`"),
        ("count: 0", "7:14: count of o is 0: a whole number from 1 on was expected"),
        ("count: many", "7:14: count of o is \"many\": a whole number from 1 on was expected"),
        ("{count: 1, minReplicas: 1}", "7:31: o has minReplicas and no maxReplicas: each needs the other"),
        ("{count: 1, maxReplicas: 1}", "7:31: o has maxReplicas and no minReplicas: each needs the other"),
        ("{count: 1, minReplicas: 3, maxReplicas: 2}", "7:31: o: minReplicas 3 is more than maxReplicas 2"),
        ("{count: 1, autoScalingRole: role}", "7:35: autoScalingRole of o is \"role\": the ARN of a role was expected"),
        (
            "{count: 1, metricAlarms: [{AlarmActions: []}]}",
            "7:33: metricAlarms[0] of o has no AlarmName: add `AlarmName: NAME`",
        ),
        (
            "{count: 1, autoScalingPolicies: [{PolicyName: up}]}",
            "4:5: autoScalingPolicies of o need something to scale",
        ),
        (
            "{count: 1, minReplicas: 1, maxReplicas: 2, autoScalingPolicies: [{PolicyName: scale-up}], metricAlarms: [{AlarmName: a, AlarmActions: [scale-upp]}]}",
            "7:112: AlarmActions of a: \"scale-upp\" is neither an ARN nor a PolicyName of its manifest; did you mean scale-up?",
        ),
        (
            "{count: 1, metricAlarms: [{AlarmName: a, OKActions: [up]}]}",
            "7:33: OKActions of a: \"up\" is neither an ARN",
        ),
        (
            "{count: 1, metricAlarms: [{AlarmName: a, InsufficientDataActions: [up]}]}",
            "7:33: InsufficientDataActions of a: \"up\" is neither an ARN",
        ),
        (
            "{count: 1, metricAlarms: [{AlarmName: a}, {AlarmName: b, Treshold: 1}]}",
            "7:49: metricAlarms[1].Treshold is no field that is known: is Threshold",
        ),
        (
            "{count: 1, metricAlarms: [{AlarmName: a, Period: often}]}",
            "7:33: metricAlarms[0].Period is \"often\": a whole number was expected",
        ),
    ] {
        let resource = format!("  - name: o\n    type: replicas\n    version:\n      {section}\n");
        let message = fails(&job(&resource, "", ", {IN: o}"));
        assert!(message.starts_with(&format!("8: shippable.yml:{want}")), "{section}\n{message}");
    }
}

/// Policies are read by what Application Auto Scaling takes.
#[test]
fn scaling_policies_of_both_kinds() {
    let section = "count: 1
minReplicas: \"1\"
maxReplicas: 4
autoScalingPolicies:
  - PolicyName: step
    StepScalingPolicyConfiguration: {Cooldown: \"60\", StepAdjustments: [{MetricIntervalLowerBound: \"0.5\", ScalingAdjustment: 1}]}
  - PolicyName: track
    PolicyType: TargetTrackingScaling
    TargetTrackingScalingPolicyConfiguration: {TargetValue: 75, DisableScaleIn: \"false\", ScaleinCooldown: 3}";
    let wanted = with("replicas", section, ", {IN: o}");
    let own = json!({"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"});
    let mut policies = vec![
        json!({"PolicyName": "step", "StepScalingPolicyConfiguration":
            {"Cooldown": 60, "StepAdjustments": [{"MetricIntervalLowerBound": 0.5, "ScalingAdjustment": 1}]}}),
        json!({"PolicyName": "track", "PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration":
            {"TargetValue": 75, "DisableScaleIn": false, "ScaleinCooldown": 3}}),
    ];
    for policy in &mut policies {
        policy.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
    }
    let scaling = wanted.services[0].scaling.clone().unwrap();
    assert_eq!(json!(scaling.policies), json!(policies));
    // Without a role AWS takes its own.
    assert_eq!(scaling.target.unwrap().get("RoleARN"), None);
    assert_eq!(wanted.warnings.len(), 1);
    assert!(
        wanted.warnings[0].ends_with("and goes to AWS as it is; did you mean ScaleInCooldown?"),
        "{:?}",
        wanted.warnings
    );
    for (policy, want) in [
        ("up", "7:72: autoScalingPolicies[0] of o is \"up\": a map was expected"),
        ("{policyName: up}", "7:72: autoScalingPolicies[0] of o has no PolicyName: add `PolicyName: NAME`"),
        (
            "{PolicyName: a, StepScalingPolicyConfiguration: {Cooldown: long}}",
            "7:131: autoScalingPolicies[0].StepScalingPolicyConfiguration.Cooldown of o is \"long\": a whole number was",
        ),
    ] {
        let section = format!("{{count: 1, minReplicas: 1, maxReplicas: 2, autoScalingPolicies: [{policy}]}}");
        let resource = format!("  - name: o\n    type: replicas\n    version:\n      {section}\n");
        let message = fails(&job(&resource, "", ", {IN: o}"));
        assert!(message.starts_with(&format!("8: shippable.yml:{want}")), "{message}");
    }
}

/// Each manifest is deployed on its own: the ARN of another's policy may not be known yet, or not any more.
#[test]
fn alarms_name_policies_of_their_own_manifest() {
    let policy = "minReplicas: 1, maxReplicas: 2, autoScalingPolicies: [{PolicyName: up}]";
    let alarm = "metricAlarms: [{AlarmName: busy, AlarmActions: [up]}]";
    let resources = format!(
        "  - {{name: r, type: replicas, version: {{count: 1, {policy}}}}}
  - {{name: s, type: replicas, version: {{count: 1, {alarm}}}}}\n"
    );
    let yml = job(&resources, ", {IN: r}", ", {IN: n}")
        .replace("jobs:\n", "jobs:\n  - {name: n, type: manifest, steps: [{IN: web}, {IN: s}]}\n");
    let told = "AlarmActions of busy: up is a policy of manifest m, and an alarm can name those of its own manifest alone: \
                move the alarm to the replicas of m, or write the policy's ARN";
    let message = fails(&yml);
    assert!(message.starts_with("8: shippable.yml:5:") && message.contains(told), "{message}");
    // What applies to both is each one's own.
    let both = format!("  - {{name: r, type: replicas, version: {{count: 1, {policy}, {alarm}}}}}\n");
    let yml = job(&both, "", ", {IN: n}, {IN: r}")
        .replace("jobs:\n", "jobs:\n  - {name: n, type: manifest, steps: [{IN: web}]}\n");
    assert_eq!(ask(&yml).services.len(), 2);
}
