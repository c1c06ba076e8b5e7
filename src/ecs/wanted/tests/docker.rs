//! `dockerOptions`, row by row.

use serde_json::{Value, json};

use super::{container, with};

/// What a field of dockerOptions makes of a container.
#[test]
fn every_row_of_the_table() {
    let table: &[(&str, Value)] = &[
        ("memory: 256", json!({"memory": 256})),
        ("memory: \"256\"", json!({"memory": 256})),
        ("memoryReservation: 128", json!({"memoryReservation": 128})),
        ("cpuShares: 64", json!({"cpu": 64})),
        ("cpuShares: 0", json!({"cpu": 0})),
        (
            "portMappings:\n  - \"80:8080/tcp\"",
            json!({"portMappings": [{"containerPort": 8080, "hostPort": 80, "protocol": "tcp"}]}),
        ),
        (
            "portMappings: [80:8080, 53:53/udp, \":90\", 0:91, 92, \"93/UDP\", {containerPort: 94, name: grpc}]",
            json!({"portMappings": [
                {"containerPort": 8080, "hostPort": 80, "protocol": "tcp"},
                {"containerPort": 53, "hostPort": 53, "protocol": "udp"},
                {"containerPort": 90, "protocol": "tcp"},
                {"containerPort": 91, "hostPort": 0, "protocol": "tcp"},
                {"containerPort": 92, "protocol": "tcp"},
                {"containerPort": 93, "protocol": "udp"},
                {"containerPort": 94, "name": "grpc"}
            ]}),
        ),
        ("links:\n  - \"web:database\"\n  - web", json!({"links": ["web:database", "web"]})),
        ("hostName: box", json!({"hostname": "box"})),
        ("user: 1000", json!({"user": "1000"})),
        ("user: app:app", json!({"user": "app:app"})),
        ("labels: {a: b, n: 1, t: true}", json!({"dockerLabels": {"a": "b", "n": "1", "t": "true"}})),
        (
            "cmd:\n  - /bin/sh\n  - -c\n  - while true; do :; done",
            json!({"command": ["/bin/sh", "-c", "while true; do :; done"]}),
        ),
        ("cmd: sh -c 'echo $HOME 1'", json!({"command": ["sh", "-c", "echo $HOME 1"]})),
        ("entryPoint: [a, 1, true]", json!({"entryPoint": ["a", "1", "true"]})),
        ("entryPoint: /run me", json!({"entryPoint": ["/run", "me"]})),
        ("privileged: true", json!({"privileged": true})),
        ("privileged: \"false\"", json!({"privileged": false})),
        ("readOnlyRootFilesystem: true", json!({"readonlyRootFilesystem": true})),
        ("dnsServers: [10.0.0.2]", json!({"dnsServers": ["10.0.0.2"]})),
        ("dnsSearch: [a.local, b.local]", json!({"dnsSearchDomains": ["a.local", "b.local"]})),
        (
            "extraHosts: [\"db:10.0.0.1\", \"six:fd00::1\"]",
            json!({"extraHosts": [
                {"hostname": "db", "ipAddress": "10.0.0.1"}, {"hostname": "six", "ipAddress": "fd00::1"}
            ]}),
        ),
        (
            "volumesFrom: [\"web:ro\", \"web:rw\", web]",
            json!({"volumesFrom": [
                {"sourceContainer": "web", "readOnly": true},
                {"sourceContainer": "web", "readOnly": false},
                {"sourceContainer": "web", "readOnly": false}
            ]}),
        ),
        (
            "ulimits: [{name: nofile, soft: 50, hard: \"100\"}, {name: core, soft: -1, hard: -1}]",
            json!({"ulimits": [
                {"name": "nofile", "softLimit": 50, "hardLimit": 100}, {"name": "core", "softLimit": -1, "hardLimit": -1}
            ]}),
        ),
        ("securityOptions: [no-new-privileges]", json!({"dockerSecurityOptions": ["no-new-privileges"]})),
        (
            "logConfig:\n  type: awslogs\n  options:\n    awslogs-group: /app\n    max: 3",
            json!({"logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/app", "max": "3"}}}),
        ),
        ("logConfig: {type: syslog}", json!({"logConfiguration": {"logDriver": "syslog"}})),
        ("workingDir: /srv", json!({"workingDirectory": "/srv"})),
        ("networkDisabled: true", json!({"disableNetworking": true})),
        ("essential: true", json!({"essential": true})),
        (
            "healthCheck: {command: [CMD, true], interval: 5}",
            json!({"healthCheck": {"command": ["CMD", "true"], "interval": 5}}),
        ),
        (
            "linuxParameters: {capabilities: {add: [NET_ADMIN]}}",
            json!({"linuxParameters": {"capabilities": {"add": ["NET_ADMIN"]}}}),
        ),
        ("restartPolicy: {enabled: true}", json!({"restartPolicy": {"enabled": true}})),
        ("secrets: [{name: A, valueFrom: arn}]", json!({"secrets": [{"name": "A", "valueFrom": "arn"}]})),
        ("environment: {A: 1}", json!({"environment": [{"name": "A", "value": "1"}]})),
        (
            "environment: [{A: 1}, {name: B, value: b}]",
            json!({"environment": [
                {"name": "A", "value": "1"}, {"name": "B", "value": "b"}
            ]}),
        ),
        ("memory: null\nlinks: ~", json!({})),
    ];
    for (options, want) in table {
        let wanted = with("dockerOptions", options, ", {IN: o}");
        let mut whole = json!({"name": "web", "image": "org/web:v1", "memory": 400, "cpu": 0, "essential": true});
        whole.as_object_mut().unwrap().extend(want.as_object().unwrap().clone());
        assert_eq!(container(&wanted, 0), whole, "{options}");
        assert_eq!(wanted.warnings, Vec::<String>::new(), "{options}");
    }
}

#[test]
fn volumes_are_mounted_and_listed() {
    let options = "volumes:
  - /var/log:/log:ro
  - \"data:/data\"
  - /cache
  - /var/log:/again:rw";
    let wanted = with("dockerOptions", options, ", {IN: o}");
    assert_eq!(
        container(&wanted, 0)["mountPoints"],
        json!([
            {"sourceVolume": "var-log", "containerPath": "/log", "readOnly": true},
            {"sourceVolume": "data", "containerPath": "/data"},
            {"sourceVolume": "web-cache", "containerPath": "/cache"},
            {"sourceVolume": "var-log", "containerPath": "/again"}
        ])
    );
    assert_eq!(
        wanted.services[0].task_definition["volumes"],
        json!([{"name": "var-log", "host": {"sourcePath": "/var/log"}}, {"name": "data"}, {"name": "web-cache"}])
    );
    let options = "volumes: [\"data:/data\"]
taskDefinition:
  volumes:
    - {name: data, efsVolumeConfiguration: {fileSystemId: fs-1}}
    - /var/log:/log:ro";
    let wanted = with("dockerOptions", options, ", {IN: o}");
    assert_eq!(
        wanted.services[0].task_definition["volumes"],
        json!([
            {"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}},
            {"name": "var-log", "host": {"sourcePath": "/var/log"}}
        ])
    );
    assert_eq!(container(&wanted, 0)["mountPoints"].as_array().unwrap().len(), 2);
}

#[test]
fn the_network_is_the_task_definitions() {
    for (options, want) in [
        ("network: host", json!("host")),
        ("network: none", json!("none")),
        ("network: default", Value::Null),
        ("network: host\ntaskDefinition: {networkMode: bridge}", json!("bridge")),
        ("taskDefinition: {networkMode: bridge}\nnetwork: host", json!("bridge")),
    ] {
        let wanted = with("dockerOptions", options, ", {IN: o}");
        let definition = &wanted.services[0].task_definition;
        assert_eq!(definition.get("networkMode").cloned().unwrap_or_default(), want, "{options}");
    }
}

#[test]
fn a_daemon_has_no_count() {
    let wanted = with("dockerOptions", "service: {schedulingStrategy: DAEMON, desiredCount: 2}", ", {IN: o}");
    assert_eq!(json!(wanted.services[0].service), json!({"schedulingStrategy": "DAEMON"}));
    assert!(wanted.services[0].is_daemon());
}

#[test]
fn fields_without_a_meaning_are_named() {
    for (option, cure) in [
        ("domainName: a.b", ""),
        ("memorySwap: 100", ": write `linuxParameters: {maxSwap: MIB}`"),
        ("attachStdin: true", ""),
        ("attachStdout: true", ""),
        ("attachStderr: true", ""),
        ("tty: true", ": write `pseudoTerminal: true`"),
        ("stdin: true", ": write `interactive: true`"),
        ("stdinOnce: true", ""),
        ("publishAllPorts: true", ": write `portMappings: [\"PORT\"]`"),
        ("capAdd: [A]", ": write `linuxParameters: {capabilities: {add: [NAME]}}`"),
        ("capDrop: [A]", ": write `linuxParameters: {capabilities: {drop: [NAME]}}`"),
        ("restartPolicy: Always", ": write `restartPolicy: {enabled: true}`"),
        ("devices: [/dev/a]", ": write `linuxParameters: {devices: [{hostPath: PATH}]}`"),
        ("cGroupParent: a", ""),
        ("pid: host", ": write `taskDefinition: {pidMode: host}`"),
    ] {
        let wanted = with("dockerOptions", option, ", {IN: o}");
        let (name, value) = option.split_once(": ").unwrap();
        let column = 7 + name.len() + 2;
        let want = format!("shippable.yml:7:{column}: {name} of o has no meaning on ECS{cure}");
        assert_eq!(wanted.warnings, [want], "{value}");
        assert_eq!(container(&wanted, 0).as_object().unwrap().len(), 5);
    }
    let wanted = with("dockerOptions", "memmory: 1\npod: {}", ", {IN: o}");
    assert!(wanted.warnings[0].starts_with("shippable.yml:7:16: memmory of o is no field of dockerOptions"));
    assert!(wanted.warnings[0].contains("did you mean memory"), "{}", wanted.warnings[0]);
    assert!(wanted.warnings[1].ends_with("pod of o is for another platform"));
}
