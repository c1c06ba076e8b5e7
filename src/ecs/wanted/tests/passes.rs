//! `taskDefinition`, `service` and what else passes straight through; what is wrong, and where.

use serde_json::json;

use super::{ask, container, fails, job, with};

#[test]
fn tasks_and_services_pass_straight_through() {
    let options = "service:
  clientToken: t
  role: ecsRole
  desiredCount: 3
  deploymentConfiguration: {maximumPercent: 200, minimumHealthyPercent: 50}
  placementStrategy: [{field: memory, type: binpack}]
  placementConstraints: [{type: distinctInstance}]
  loadBalancers: [{targetGroupArn: arn, containerName: web, containerPort: 80}]
  networkConfiguration: {awsvpcConfiguration: {subnets: [s-1], assignPublicIp: ENABLED}}
  launchType: EC2
  capacityProviderStrategy: [{capacityProvider: cp, weight: 1}]
  enableECSManagedTags: true
  keyOfTomorrow: {deep: [1, 2.5, true, null]}
taskDefinition:
  family: fam
  taskRoleArn: arn:aws:iam::1:role/t
  executionRoleArn: arn:aws:iam::1:role/x
  cpu: 256
  memory: \"512\"
  keyOfTomorrow: [{a: 1.5}]";
    let wanted = with("dockerOptions", options, ", {IN: o}");
    let service = &wanted.services[0];
    assert_eq!(
        json!(service.service),
        json!({
            "desiredCount": 3,
            "clientToken": "t",
            "role": "ecsRole",
            "deploymentConfiguration": {"maximumPercent": 200, "minimumHealthyPercent": 50},
            "placementStrategy": [{"field": "memory", "type": "binpack"}],
            "placementConstraints": [{"type": "distinctInstance"}],
            "loadBalancers": [{"targetGroupArn": "arn", "containerName": "web", "containerPort": 80}],
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["s-1"], "assignPublicIp": "ENABLED"}},
            "launchType": "EC2",
            "capacityProviderStrategy": [{"capacityProvider": "cp", "weight": 1}],
            "enableECSManagedTags": true,
            "keyOfTomorrow": {"deep": [1, 2.5, true, null]}
        })
    );
    let mut definition = json!(service.task_definition);
    definition.as_object_mut().unwrap().shift_remove("containerDefinitions");
    assert_eq!(
        definition,
        json!({
            "family": "fam",
            "taskRoleArn": "arn:aws:iam::1:role/t",
            "executionRoleArn": "arn:aws:iam::1:role/x",
            "cpu": "256",
            "memory": "512",
            "keyOfTomorrow": [{"a": 1.5}]
        })
    );
    assert_eq!((service.family(), service.name.as_str(), service.wants_role), ("fam", "d-m", false));
    assert!(wanted.warnings.is_empty());
}

#[test]
fn dotted_keys_are_nested_ones() {
    let options =
        "taskDefinition.taskRoleArn: r\nservice.deploymentConfiguration.maximumPercent: 200\nservice: {role: x}";
    let wanted = with("dockerOptions", options, ", {IN: o}");
    assert_eq!(wanted.services[0].task_definition["taskRoleArn"], "r");
    let want = json!({"desiredCount": 1, "deploymentConfiguration": {"maximumPercent": 200}, "role": "x"});
    assert_eq!(json!(wanted.services[0].service), want);
}

#[test]
fn the_deployments_own_keys_are_left_out() {
    let wanted = with(
        "dockerOptions",
        "service: {cluster: c, serviceName: s, taskDefinition: t, loadBalancer: [{}]}",
        ", {IN: o}",
    );
    assert_eq!(json!(wanted.services[0].service), json!({"desiredCount": 1, "loadBalancers": [{}]}));
    assert_eq!(wanted.warnings.len(), 3);
    assert_eq!(
        wanted.warnings[1],
        "shippable.yml:7:42: service.serviceName is left out: write deployName at the manifest's step"
    );
}

#[test]
fn containers_pass_through_by_name() {
    let options = "portMappings: [80]
taskDefinition:
  containerDefinitions:
    - name: web
      startTimeout: 5
      logConfiguration: {logDriver: awslogs}
      environment: [{name: A, value: 1}, {name: B, value: b}]
    - {name: side, image: envoy, essential: false}";
    let resource = format!("  - name: o\n    type: dockerOptions\n    version:\n{}\n", super::indented(options));
    let params = "  - {name: p, type: params, version: {params: {A: a, C: c}}}\n";
    let wanted = ask(&job(&(resource + params), "", ", {IN: o}, {IN: p}"));
    assert_eq!(
        wanted.services[0].task_definition["containerDefinitions"],
        json!([
            {
                "name": "web", "image": "org/web:v1", "memory": 400, "cpu": 0, "essential": true,
                "portMappings": [{"containerPort": 80, "protocol": "tcp"}],
                "environment": [{"name": "A", "value": "1"}, {"name": "C", "value": "c"}, {"name": "B", "value": "b"}],
                "startTimeout": 5, "logConfiguration": {"logDriver": "awslogs"}
            },
            {"name": "side", "image": "envoy", "essential": false}
        ])
    );
    let wanted = with("dockerOptions", "taskDefinition: {containerDefinitions: [{stopTimeout: 9}]}", ", {IN: o}");
    assert_eq!(container(&wanted, 0)["stopTimeout"], 9);
}

/// yml has numbers where texts were meant, and texts where numbers were.
#[test]
fn what_passes_through_is_as_aws_takes_it() {
    let options = "healthCheck: {command: CMD-SHELL, interval: \"5\", retries: 3}
logConfiguration: {logDriver: awslogs, options: {max: 3, on: true, none: ~}}
linuxParameters: {initProcessEnabled: \"true\", tmpfs: [{containerPath: /t, size: \"64\"}]}
portMappings: [{containerPort: \"80\", appProtocol: http}]
environment: [{name: 1, value: 2}]
stopTimeout: \"9\"
taskDefinition.cpu: 256
taskDefinition.runtimePlatform.cpuArchitecture: ARM64
taskDefinition.volumes: [\"/var/log:/log\"]
service.deploymentConfiguration.maximumPercent: \"150\"
service:
  tags: [{key: build, value: 7}]
  enableExecuteCommand: \"true\"
  healthCheckGracePeriodSeconds: \"30\"
  desiredCount: ~
taskDefinition:
  requiresCompatibilities: FARGATE
  tags: [{key: t, value: 1.5}]";
    let wanted = with("dockerOptions", options, ", {IN: o}");
    let mut definition = json!(wanted.services[0].task_definition);
    assert_eq!(
        definition.as_object_mut().unwrap().shift_remove("containerDefinitions").unwrap(),
        json!([{
            "name": "web", "image": "org/web:v1", "memory": 400, "cpu": 0, "essential": true,
            "healthCheck": {"command": ["CMD-SHELL"], "interval": 5, "retries": 3},
            "logConfiguration": {"logDriver": "awslogs", "options": {"max": "3", "on": "true", "none": ""}},
            "linuxParameters": {"initProcessEnabled": true, "tmpfs": [{"containerPath": "/t", "size": 64}]},
            "portMappings": [{"containerPort": 80, "appProtocol": "http"}],
            "environment": [{"name": "1", "value": "2"}],
            "stopTimeout": 9,
            "mountPoints": [{"sourceVolume": "var-log", "containerPath": "/log"}]
        }])
    );
    assert_eq!(
        definition,
        json!({
            "family": "d-m", "cpu": "256", "runtimePlatform": {"cpuArchitecture": "ARM64"},
            "requiresCompatibilities": ["FARGATE"], "tags": [{"key": "t", "value": "1.5"}],
            "volumes": [{"name": "var-log", "host": {"sourcePath": "/var/log"}}]
        })
    );
    assert_eq!(
        json!(wanted.services[0].service),
        json!({
            "desiredCount": 1, "deploymentConfiguration": {"maximumPercent": 150},
            "tags": [{"key": "build", "value": "7"}], "enableExecuteCommand": true,
            "healthCheckGracePeriodSeconds": 30
        })
    );
    assert!(wanted.warnings.is_empty(), "{:?}", wanted.warnings);
}

/// AWS passes over a key that it does not know: a slip would be lost in silence.
#[test]
fn slips_are_told_and_keys_of_tomorrow_are_not() {
    for (option, slip, near) in [
        ("healthCheck: {retrys: 3}", "healthCheck.retrys", "retries"),
        ("portMappings: [{containerport: 3}]", "portMappings[0].containerport", "containerPort"),
        ("logConfig: {type: json-file, secretOption: []}", "logConfig.secretOption", "secretOptions"),
        ("taskDefinition: {taskRoleARN: x}", "taskDefinition.taskRoleARN", "taskRoleArn"),
        (
            "taskDefinition: {containerDefinitions: [{Image: x}]}",
            "taskDefinition.containerDefinitions[0].Image",
            "image",
        ),
        (
            "taskDefinition: {volumes: [{name: v, efsVolumeConfiguration: {filesystemId: fs}}]}",
            "taskDefinition.volumes[0].efsVolumeConfiguration.filesystemId",
            "fileSystemId",
        ),
        ("service.launch_type: EC2", "service.launch_type", "launchType"),
        ("service: {launch_type: EC2}", "service.launch_type", "launchType"),
        (
            "service: {loadBalancers: [{targetGroupARN: x}]}",
            "service.loadBalancers[0].targetGroupARN",
            "targetGroupArn",
        ),
    ] {
        let wanted = with("dockerOptions", option, ", {IN: o}");
        let want = format!(": {slip} of o is not known, and goes to AWS as it is; did you mean {near}?");
        assert!(wanted.warnings.len() == 1 && wanted.warnings[0].ends_with(&want), "{option}: {:?}", wanted.warnings);
    }
    let options = "service: {keyOfTomorrow: 1}\ntaskDefinition: {alsoThat: [1]}\nlogConfig: {type: a, newer: {b: 1}}";
    assert!(with("dockerOptions", options, ", {IN: o}").warnings.is_empty());
}

#[test]
fn members_that_are_no_limits_are_named() {
    let wanted = with("dockerOptions", "ulimits: [{name: nofile, soft: 1, hard: 2, sotf: 3}]", ", {IN: o}");
    assert_eq!(
        wanted.warnings,
        ["shippable.yml:7:56: ulimits[0].sotf of o is left out: a limit has name, soft and hard; did you mean soft?"]
    );
}

#[test]
fn wrong_values_have_their_line() {
    for (option, want) in [
        ("memory: lots", "7:15: memory of o is \"lots\": a whole number of MiB was expected"),
        ("memory: 0", "7:15: memory of o is 0: a whole number of MiB was expected"),
        ("memory: 1.5", "7:15: memory of o is 1.5: a whole number of MiB was expected"),
        ("cpuShares: [1]", "7:18: cpuShares of o is [1]: a whole number of CPU units was expected"),
        (
            "portMappings: [\"127.0.0.1:80:80\"]",
            "7:22: portMappings[0] of o is \"127.0.0.1:80:80\": HOSTPORT:CONTAINERPORT/PROTOCOL without an address, which ECS cannot bind to, was expected",
        ),
        (
            "portMappings: [\"80:x\"]",
            "7:22: portMappings[0] of o is \"80:x\": HOSTPORT:CONTAINERPORT/PROTOCOL, such as \"80:8080/tcp\", was expected",
        ),
        ("portMappings: [\"80:70000\"]", "7:22: portMappings[0] of o is"),
        ("portMappings: [\"80/sctp\"]", "7:22: portMappings[0] of o is \"80/sctp\": /tcp or /udp was expected"),
        ("portMappings: [80-90:80-90]", "7:22: portMappings[0] of o is \"80-90:80-90\": one port"),
        ("portMappings: {a: b}", "7:21: portMappings of o is {\"a\":\"b\"}: a list was expected"),
        ("labels: [a=b]", "7:15: labels of o is [\"a=b\"]: a map, `key: value` was expected"),
        ("privileged: maybe", "7:19: privileged of o is \"maybe\": true or false was expected"),
        ("ulimits: [{name: nofile, soft: 1}]", "7:17: ulimits[0] of o has no hard: add `hard: 1024`"),
        ("ulimits: [{soft: 1, hard: 1}]", "7:17: ulimits[0] of o has no name: add `name: nofile`"),
        ("logConfig: {options: {a: b}}", "7:18: logConfig of o has no type: add `type: awslogs`"),
        ("extraHosts: [db]", "7:20: extraHosts[0] of o is \"db\": HOST:ADDRESS was expected"),
        (
            "volumesFrom: [\"a:b\"]",
            "7:21: volumesFrom[0] of o is \"a:b\": CONTAINER, CONTAINER:ro or CONTAINER:rw was expected",
        ),
        ("volumes: [\"./a:/b\"]", "7:17: volumes[0] of o is \"./a:/b\": SOURCE:PATH:OPTIONS with"),
        ("volumes: [\"a:b\"]", "7:17: volumes[0] of o is"),
        ("cmd: \"a 'b\"", "7:12: cmd of o is \"a 'b\": a list, or a text whose quotes are closed, was expected"),
        ("user: [a]", "7:13: user of o is [\"a\"]: a text was expected"),
        ("network: overlay", "7:16: network of o is \"overlay\": one of bridge, host, awsvpc and none was expected"),
        ("labels: {a: {b: c}}", "7:19: labels.a of o is {\"b\":\"c\"}: a text was expected"),
        ("links: [~]", "7:15: links[0] of o is null: a text was expected"),
        ("logConfig: {type: a, options: {b: [c]}}", "7:41: logConfig.options.b of o is [\"c\"]: a text was expected"),
        ("logConfig: {type: a, options: [b]}", "7:37: logConfig.options of o is [\"b\"]: a map, `key: value` was"),
        (
            "portMappings: [{containerPort: http}]",
            "7:38: portMappings[0].containerPort of o is \"http\": a whole number",
        ),
        ("healthCheck: curl", "7:20: healthCheck of o is \"curl\": a map was expected"),
        ("healthCheck: {command: {a: b}}", "7:30: healthCheck.command of o is {\"a\":\"b\"}: a list was expected"),
        ("secrets: {A: arn}", "7:16: secrets of o is ***: a list was expected"),
        ("secrets: [arn]", "7:17: secrets[0] of o is ***: a map was expected"),
        ("environment: [A=1]", "7:21: environment[0] of o is \"A=1\": a map was expected"),
        ("environment: [API_TOKEN=a]", "7:21: environment[0] of o is ***: a map was expected"),
        ("logConfig: {type: a, options: {splunk-token: [b]}}", "7:52: logConfig.options.splunk-token of o is ***: a"),
        ("environment: [{name: A, value: [1]}]", "7:38: environment[0].value of o is [1]: a text was expected"),
        ("linuxParameters: {maxSwap: much}", "7:34: linuxParameters.maxSwap of o is \"much\": a whole number was"),
        ("startTimeout: 1.5", "7:21: startTimeout of o is 1.5: a whole number was expected"),
        (
            "service.desiredCount: many",
            "7:29: service.desiredCount of o is \"many\": a whole number from 0 on was expected",
        ),
        (
            "service.deploymentConfiguration.maximumPercent: all",
            "7:55: service.deploymentConfiguration.maximumPercent of",
        ),
        (
            "service: {desiredCount: many}",
            "7:31: service.desiredCount of o is \"many\": a whole number from 0 on was expected",
        ),
        ("service: {loadBalancers: elb}", "7:32: service.loadBalancers of o is \"elb\": a map was expected"),
        (
            "service: {placementConstraints: {type: a}}",
            "7:39: service.placementConstraints of o is {\"type\":\"a\"}: a list",
        ),
        (
            "service: {networkConfiguration: {awsvpcConfiguration: [a]}}",
            "7:61: service.networkConfiguration.awsvpcConf",
        ),
        ("service: {enableExecuteCommand: 1}", "7:39: service.enableExecuteCommand of o is 1: true or false was"),
        ("taskDefinition: [a]", "7:23: taskDefinition of o is [\"a\"]: a map was expected"),
        ("taskDefinition: {family: [a]}", "7:32: taskDefinition.family of o is [\"a\"]: a text was expected"),
        ("taskDefinition: {volumes: [5]}", "7:34: taskDefinition.volumes[0] of o is 5: SOURCE:PATH:OPTIONS with"),
        ("taskDefinition: {volumes: {}}", "7:33: taskDefinition.volumes of o is {}: a list was expected"),
        (
            "taskDefinition: {containerDefinitions: [a]}",
            "7:47: taskDefinition.containerDefinitions[0] of o is \"a\": a map",
        ),
        ("service: yes", "7:16: service of o is \"yes\": a map was expected"),
        (
            "taskDefinition: {containerDefinitions: {}}",
            "7:46: taskDefinition.containerDefinitions of o is {}: a list was",
        ),
    ] {
        for key in ["version", "versionTemplate"] {
            let resource = format!("  - name: o\n    type: dockerOptions\n    {key}:\n      {option}\n");
            let message = fails(&job(&resource, "", ", {IN: o}"));
            assert!(message.starts_with(&format!("8: shippable.yml:{want}")), "{option}\n{message}\n{want}");
        }
    }
}
