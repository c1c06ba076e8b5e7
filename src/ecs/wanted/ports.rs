//! Ports that two mappings of one task would have at once, and those that a load balancer asks for in vain: ECS refuses
//! the task definition or the service, or no task of it ever starts.

use serde_json::{Map, Value};

use super::field::Findings;
use super::load_balancer::{Balancer, Target};

/// What is refused. `at` says where a mapping of a container is written.
pub(super) fn check(
    containers: &[Map<String, Value>],
    mode: Option<&str>,
    at: impl Fn(usize, usize) -> String,
    found: &mut Findings,
) {
    let mut taken: Vec<(String, &str)> = Vec::new();
    for (which, container) in containers.iter().enumerate() {
        let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
        let mappings = container.get("portMappings").and_then(Value::as_array);
        for (number, mapping) in mappings.into_iter().flatten().enumerate() {
            let Some(port) = port_of(mapping, mode) else { continue };
            let Some((_, other)) = taken.iter().find(|(known, _)| *known == port) else {
                taken.push((port, name));
                continue;
            };
            let whose = if mode == Some("awsvpc") { "of the task" } else { "of the host" };
            let who = if *other == name { format!("{name} maps") } else { format!("{other} and {name} both map") };
            let twice = if *other == name { " twice" } else { "" };
            let cure = match mode {
                Some("awsvpc" | "host") => "give one of them another containerPort",
                _ => "give one of them another, or `0` for any",
            };
            found.error(at(which, number), format_args!("{who} port {port} {whose}{twice}: {cure}"));
        }
    }
}

/// The port that a mapping takes, with its protocol. With `awsvpc` and `host` the containers of a task have one network, and
/// a container has the port that it listens on.
fn port_of(mapping: &Value, mode: Option<&str>) -> Option<String> {
    let number = |key: &str| mapping.get(key).and_then(Value::as_u64).filter(|port| *port > 0);
    let port = match mode {
        Some("none") => None,
        Some("awsvpc" | "host") => number("containerPort").or_else(|| number("hostPort")),
        _ => number("hostPort"),
    }?;
    let protocol = mapping.get("protocol").and_then(Value::as_str).unwrap_or("tcp").to_ascii_lowercase();
    Some(format!("{port}/{protocol}"))
}

/// ECS registers no port that the container does not map.
pub(super) fn check_balanced(
    balancer: &Balancer,
    target: &Target,
    task_definition: &Map<String, Value>,
    found: &mut Findings,
) {
    let containers = task_definition.get("containerDefinitions").and_then(Value::as_array);
    let own = |one: &&Value| one.get("name").and_then(Value::as_str) == Some(&target.image);
    let Some(container) = containers.into_iter().flatten().find(own) else { return };
    let mappings: Vec<&Value> = container.get("portMappings").and_then(Value::as_array).into_iter().flatten().collect();
    let port_of = |mapping: &&Value| mapping.get("containerPort").and_then(Value::as_u64);
    let is_open = |mapping: &&Value| port_of(mapping).is_none_or(|port| port == u64::from(target.port));
    if mappings.iter().any(is_open) {
        return;
    }
    let ports: Vec<String> = mappings.iter().filter_map(port_of).map(|port| port.to_string()).collect();
    let there = if ports.is_empty() { "maps none".to_owned() } else { format!("maps {}", ports.join(", ")) };
    let text = format!(
        "applyTo of {}: {} {there}, not port {}: add `portMappings: [\"{}\"]` to its dockerOptions",
        balancer.name, target.image, target.port, target.port
    );
    found.error(&target.at, text);
}
