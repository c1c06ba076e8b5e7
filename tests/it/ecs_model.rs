//! Plans beside the model of the API that AWS publishes: every request is one that it takes, field by field.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::ecs_jobs::Bench;
use crate::ecs_plan::{plan, plan_and_notes};
use crate::ecs_server::Scenario;
use crate::guards::root;
use crate::harness::tool;

/// Prints what is wrong with calls: a field that is missing, unknown, or of another type.
const VALIDATE: &str = r#"
import json, sys
import botocore.session
from botocore.validate import ParamValidator
session = botocore.session.get_session()
for call in json.load(sys.stdin):
    service, action = call["action"].split(":")
    shape = session.get_service_model(service).operation_model(action).input_shape
    report = ParamValidator().validate(call["request"], shape)
    if report.has_errors():
        print(action, report.generate_report())
"#;

/// What the model says against calls: nothing.
fn faults(calls: &[Value]) -> String {
    let mut command = Command::new(tool("python"));
    command.args(["-W", "ignore", "-c", VALIDATE]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(json!(calls).to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Every field that the reference has for ECS, as old and as new files spell it.
const JOB: &str = r#"resources:
  - {name: c, type: cluster, POINTER: {sourceName: prod, region: us-east-1}}
  - {name: web, type: image, IMAGE_OF org/web}
  - {name: side, type: image, IMAGE_OF org/side}
  - name: o
    type: dockerOptions
    VERSION:
      memory: "512"
      memoryReservation: 128
      cpuShares: 64
      portMappings: ["0:8080/tcp", 53:53/udp, ":9000", 9001, {containerPort: "9002", name: grpc}]
      links: ["side:cache", side]
      volumes: ["/var/log:/log:ro", "data:/data:rw", /cache]
      logConfig: {type: awslogs, options: {awslogs-group: /app, max-size: 3}}
      entryPoint: [/bin/sh, -c]
      cmd: [serve, 8080, true]
      workingDir: /srv
      privileged: true
      labels: {team: web, level: 1}
      volumesFrom: ["side:ro", side]
      ulimits: [{name: nofile, soft: 50, hard: "100"}]
      dnsServers: [10.0.0.2]
      dnsSearch: [a.local]
      user: 1000
      hostName: box
      networkDisabled: false
      readOnlyRootFilesystem: true
      extraHosts: ["db:10.0.0.1", "six:fd00::1"]
      securityOptions: [no-new-privileges]
      network: bridge
      essential: true
      healthCheck: {command: [CMD, true], interval: "5"}
      environment: {LEVEL: 3}
      secrets: [{name: KEY, valueFrom: "arn:aws:ssm:us-east-1:123456789012:parameter/key"}]
      repositoryCredentials: {credentialsParameter: "arn:aws:secretsmanager:us-east-1:123456789012:secret:hub"}
      linuxParameters: {capabilities: {add: [NET_ADMIN]}, tmpfs: [{containerPath: /t, size: 64}]}
      restartPolicy: {enabled: true, ignoredExitCodes: [0]}
      service:
        clientToken: token
        deploymentConfiguration: {maximumPercent: 200, minimumHealthyPercent: 50}
        placementStrategy: [{field: memory, type: binpack}]
        placementConstraints: [{type: distinctInstance}]
        schedulingStrategy: REPLICA
        launchType: EC2
        healthCheckGracePeriodSeconds: "30"
        enableECSManagedTags: true
        propagateTags: SERVICE
      taskDefinition:
        family: shop
        taskRoleArn: arn:aws:iam::123456789012:role/task
        executionRoleArn: arn:aws:iam::123456789012:role/execution
        cpu: 256
        memory: 1024
        requiresCompatibilities: EC2
        volumes: ["/var/run:/run", {name: shared, efsVolumeConfiguration: {fileSystemId: fs-1}}]
        containerDefinitions: [{name: agent, image: "org/agent:1", memory: 64, essential: false}]
  - name: r
    type: replicas
    VERSION:
      count: "2"
      minReplicas: 1
      maxReplicas: "6"
      autoScalingRole: arn:aws:iam::123456789012:role/scale
      autoScalingPolicies:
        - PolicyName: up
          PolicyType: StepScaling
          StepScalingPolicyConfiguration:
            AdjustmentType: ChangeInCapacity
            StepAdjustments: [{MetricIntervalLowerBound: 0, ScalingAdjustment: 1}]
            Cooldown: 60
            MetricAggregationType: Average
        - PolicyName: track
          PolicyType: TargetTrackingScaling
          TargetTrackingScalingPolicyConfiguration:
            TargetValue: 75.5
            PredefinedMetricSpecification: {PredefinedMetricType: ECSServiceAverageCPUUtilization}
            ScaleOutCooldown: 30
            DisableScaleIn: false
      metricAlarms:
        - AlarmName: busy
          AlarmDescription: too much to do
          ActionsEnabled: true
          AlarmActions: [up, "arn:aws:sns:us-east-1:123456789012:people"]
          OKActions: []
          MetricName: CPUUtilization
          Namespace: AWS/ECS
          Statistic: Average
          Dimensions: [{Name: ClusterName, Value: prod}]
          Period: 60
          EvaluationPeriods: 1
          Threshold: 75.5
          ComparisonOperator: GreaterThanThreshold
          TreatMissingData: notBreaching
  - {name: p, type: params, VERSION: {params: {A: one, N: 1, secure: 'PASSWORD="hunter2-and-more"'}}}
  - {name: b, type: loadBalancer, POINTER: {sourceName: GROUP, method: application, role: ecsServiceRole}}
jobs:
  - {name: m, type: manifest, steps: [{IN: web}, {IN: side}, {IN: o, applyTo: [web]}, {IN: p}, {IN: r}]}
  - name: d
    type: deploy
    method: METHOD
    steps: [{IN: m}, {IN: c}, {IN: b, applyTo: [{manifest: m, image: web, port: 8080}]}]
"#;

fn spelled(is_new: bool, method: &str) -> String {
    let group = "\"arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/1\"";
    let image = if is_new {
        "versionTemplate: {versionName: v1, sourceName:"
    } else {
        "seed: {versionName: v1}, pointer: {sourceName:"
    };
    let mut yml = String::new();
    for line in JOB.lines() {
        let line = match line.split_once("IMAGE_OF ") {
            Some((start, rest)) => format!("{start}{image} {}}}}}", rest.trim_end_matches('}')),
            None => line.to_owned(),
        };
        yml += &(line + "\n");
    }
    let (pointer, version) = if is_new { ("versionTemplate", "versionTemplate") } else { ("pointer", "version") };
    let words = [("POINTER", pointer), ("VERSION", version), ("GROUP", group), ("METHOD", method)];
    words.iter().fold(yml, |yml, (word, text)| yml.replace(word, text))
}

/// The calls of a plan, but the looks that are repeated.
fn planned(plan: &Value) -> Vec<Value> {
    plan["manifests"][0]["calls"].as_array().unwrap().clone()
}

#[test]
fn every_request_is_one_that_aws_takes() {
    let mut actions = std::collections::BTreeSet::new();
    for method in ["blueGreen", "upgrade", "replace"] {
        let mut plans = Vec::new();
        for is_new in [false, true] {
            let mut bench = Bench::new(Scenario::new().role("ecsServiceRole", "ecs.amazonaws.com"));
            bench.sandbox.write("work/shippable.yml", spelled(is_new, method));
            let first = plan(&bench, "--build-number 1");
            bench.deploys(1, "");
            let mut calls: Vec<Value> = Vec::new();
            for call in bench.ecs.calls() {
                // Those of CloudWatch go over a protocol that knows nothing but texts.
                if call.service == "ecs" || call.service == "application-autoscaling" {
                    calls.push(json!({"action": format!("{}:{}", call.service, call.action), "request": call.request}));
                }
            }
            let (second, notes) = plan_and_notes(&bench, "--build-number 2 --image web=v2 --keep 0");
            // Both services are there for a while.
            assert_eq!(notes.contains("both want port 53 of the host"), method == "blueGreen", "{method}: {notes}");
            calls.extend(planned(&first).into_iter().chain(planned(&second)));
            actions.extend(calls.iter().map(|call| call["action"].as_str().unwrap().to_owned()));
            assert_eq!(faults(&calls), "", "{method}");
            plans.push([first, second]);
        }
        // Both spellings come to the same.
        assert_eq!(plans[0], plans[1], "{method}");
    }
    for action in [
        "ecs:RegisterTaskDefinition",
        "ecs:CreateService",
        "ecs:UpdateService",
        "ecs:DeleteService",
        "ecs:DescribeServices",
        "application-autoscaling:RegisterScalableTarget",
        "application-autoscaling:PutScalingPolicy",
        "application-autoscaling:DeregisterScalableTarget",
        "cloudwatch:PutMetricAlarm",
    ] {
        assert!(actions.contains(action), "no {action} in {actions:?}");
    }
}

/// The judge itself: it finds what is wrong.
#[test]
fn the_model_finds_faults() {
    let calls = [
        json!({"action": "ecs:RegisterTaskDefinition", "request": {"containerDefinitions": [{"memory": "512"}]}}),
        json!({"action": "cloudwatch:PutMetricAlarm", "request": {"AlarmName": "a", "Treshold": 1}}),
        json!({"action": "ecs:DeleteService", "request": {"service": "s"}}),
    ];
    let said = faults(&calls);
    for want in
        ["parameter in input: \"family\"", "containerDefinitions[0].memory", "\"Treshold\"", "EvaluationPeriods"]
    {
        assert!(said.contains(want), "{want}: {said}");
    }
    assert!(!said.contains("DeleteService"), "{said}");
}

#[test]
fn the_table_of_fields_is_that_of_the_model() {
    let script = root().join("tests/tools/shapes.py");
    let output = Command::new(tool("python")).args(["-W", "ignore"]).arg(script).output().unwrap();
    let table = include_str!("../../src/ecs/wanted/shapes.txt");
    let told = "tests/tools/shapes.py prints what src/ecs/wanted/shapes.txt has to be";
    assert_eq!(String::from_utf8(output.stdout).unwrap(), table, "{told}");
}
