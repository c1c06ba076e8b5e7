//! Any value at any field: it counts, or its place is told. Nothing is lost in silence, nothing panics.

use super::{Bench, job, shown};

/// Values of every kind, most of them wrong wherever they stand.
const VALUES: [&str; 20] = [
    "null",
    "true",
    "5",
    "-1",
    "1.5",
    "99999999999999999999",
    "\"\"",
    "x",
    "\"a b\"",
    "\"8\"",
    "[]",
    "{}",
    "[null]",
    "[5]",
    "[x, y]",
    "[[x]]",
    "[{}]",
    "[{a: [b]}]",
    "{a: b}",
    "{a: {b: [c]}}",
];

/// What says nothing, and may come to nothing.
const EMPTY: [&str; 5] = ["null", "\"\"", "[]", "{}", "[{}]"];

const DOCKER_OPTIONS: &str = "memory cpuShares portMappings links volumes logConfig entryPoint cmd workingDir privileged \
    labels volumesFrom ulimits dnsServers dnsSearch user hostName domainName memorySwap attachStdin attachStdout \
    attachStderr tty stdin stdinOnce networkDisabled publishAllPorts readOnlyRootFilesystem extraHosts capAdd capDrop \
    restartPolicy securityOptions cGroupParent memoryReservation pid network devices essential environment service \
    taskDefinition healthCheck secrets linuxParameters repositoryCredentials dependsOn stopTimeout mountPoints command \
    service.loadBalancers service.loadBalancer service.desiredCount service.clientToken service.role service.tags \
    service.deploymentConfiguration service.deploymentConfiguration.maximumPercent service.placementStrategy \
    service.placementConstraints service.schedulingStrategy service.networkConfiguration service.launchType \
    service.capacityProviderStrategy service.cluster service.tomorrow taskDefinition.family taskDefinition.cpu \
    taskDefinition.taskRoleArn taskDefinition.executionRoleArn taskDefinition.networkMode taskDefinition.volumes \
    taskDefinition.containerDefinitions taskDefinition.requiresCompatibilities taskDefinition.tomorrow pod meemory";

const REPLICAS: &str = "count minReplicas maxReplicas autoScalingRole autoScalingPolicies metricAlarms coutn";

const BALANCER: &str = "sourceName method role bastionHost namespace";

/// A job with a resource `o` of this kind, which says this.
fn with(kind: &str, section: &str) -> String {
    let key = if kind == "loadBalancer" { "pointer" } else { "version" };
    let apply_to = if kind == "loadBalancer" { ", applyTo: [{manifest: m, image: web, port: 80}]" } else { "" };
    let resources = format!(
        "  - {{name: o, type: {kind}, {key}: {{{section}}}}}
  - {{name: ports, type: dockerOptions, version: {{portMappings: [80], links: [web]}}}}
"
    );
    job(&resources, ", {IN: ports}", &format!(", {{IN: o{apply_to}}}"))
}

#[test]
fn any_value_at_any_field_counts_or_is_told() {
    let kinds = [
        ("dockerOptions", DOCKER_OPTIONS, ""),
        ("replicas", REPLICAS, "count: 2, minReplicas: 1, maxReplicas: 9"),
        ("loadBalancer", BALANCER, "sourceName: lb"),
    ];
    let mut counted = 0;
    for (kind, fields, rest) in kinds {
        let plain = shown(&Bench::default().wanted(&with(kind, rest)));
        for field in fields.split_whitespace() {
            for value in VALUES {
                let others = rest.split(", ").filter(|other| !other.starts_with(&format!("{field}:")));
                let said = [format!("{field}: {value}")];
                let all: Vec<&str> =
                    others.chain(said.iter().map(String::as_str)).filter(|one| !one.is_empty()).collect();
                let yml = with(kind, &all.join(", "));
                match Bench::default().try_wanted(&yml) {
                    Ok(wanted) => {
                        let is_lost = wanted.warnings.is_empty() && shown(&wanted) == plain;
                        let is_so_anyway = field == "essential" && value == "true";
                        assert!(!is_lost || is_so_anyway || EMPTY.contains(&value), "lost: {field}: {value} of {kind}");
                        counted += 1;
                    }
                    Err(error) => {
                        let text = error.to_string();
                        assert_eq!(error.exit_status(), 8, "{field}: {value}: {text}");
                        for one in text.split("; shippable.yml:") {
                            let place = one.trim_start_matches("shippable.yml:").split(':').next().unwrap();
                            assert!(place.parse::<usize>().is_ok(), "no line: {field}: {value}: {one}");
                        }
                        let name = field.rsplit('.').next().unwrap();
                        // What ECS would refuse as a whole is told of the container, the alarm or the policy.
                        let is_told = text.contains(name) || text.contains("web ") || text.contains(" of o");
                        assert!(is_told, "{field}: {value}: {text}");
                    }
                }
            }
        }
    }
    assert!(counted > 300, "{counted}");
}
