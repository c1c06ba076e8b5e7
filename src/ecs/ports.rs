//! Ports of the host that two versions cannot have at once: said before anything is called.

use serde_json::Value;

use super::memory::Deployed;
use super::steps::service_name;
use super::wanted::{Method, Wanted, WantedService};

/// What to know about ports before a manifest is deployed, in one line.
pub fn conflict(
    wanted: &Wanted,
    service: &WantedService,
    was: Option<&Deployed>,
    build_number: &str,
) -> Option<String> {
    let was = was?;
    let new = ports_of(&Value::Object(service.task_definition.clone()));
    let old = ports_of(was.wanted.get("taskDefinition").unwrap_or(&Value::Null));
    let both: Vec<String> = new.iter().filter(|port| old.contains(port)).map(ToString::to_string).collect();
    if both.is_empty() {
        return None;
    }
    let ports = both.join(", ");
    let name = service_name(wanted.method, service, Some(was), build_number);
    match wanted.method {
        Method::BlueGreen if name != was.service => Some(format!(
            "{name} and {} both want port {ports} of the host: the new tasks need instances of their own. Leave the \
             host's port out behind an application load balancer, or deploy with method replace",
            was.service
        )),
        Method::BlueGreen | Method::Upgrade => {
            // A task may stop before the new one starts, where the service may run with fewer.
            let configuration = service.service.get("deploymentConfiguration");
            let least = configuration.and_then(|how| how.get("minimumHealthyPercent")).and_then(Value::as_u64);
            let default = if service.is_daemon() { 0 } else { 100 };
            (least.unwrap_or(default) >= 100).then(|| {
                format!(
                    "{name} wants port {ports} of the host, which its tasks have now: new ones need instances that are \
                     free of them. Set service.deploymentConfiguration.minimumHealthyPercent below 100, or deploy with \
                     method replace"
                )
            })
        }
        Method::Replace => None,
    }
}

/// The ports of the host that a task definition takes. With `awsvpc` each task has its own.
fn ports_of(definition: &Value) -> Vec<u64> {
    if definition.get("networkMode").and_then(Value::as_str) == Some("awsvpc") {
        return Vec::new();
    }
    let is_host = definition.get("networkMode").and_then(Value::as_str) == Some("host");
    let containers = definition.get("containerDefinitions").and_then(Value::as_array);
    let mappings = containers.into_iter().flatten().filter_map(|container| container.get("portMappings")?.as_array());
    let mut ports: Vec<u64> = mappings
        .flatten()
        .filter_map(|mapping| {
            let port = |key: &str| mapping.get(key).and_then(Value::as_u64).filter(|port| *port > 0);
            port("hostPort").or_else(|| port("containerPort").filter(|_| is_host))
        })
        .collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ecs::steps::tests::{deployed, service, wanted};

    #[test]
    fn conflicts_are_announced() {
        let mapped = |port: u64| json!({ "containerDefinitions": [{ "portMappings": [{ "hostPort": port }] }] });
        let task_network = json!({ "networkMode": "awsvpc", "containerDefinitions":
            [{ "portMappings": [{ "hostPort": 80 }] }] });
        for (method, definition, extra, told) in [
            (Method::BlueGreen, mapped(80), json!({}), Some("prod-app-5 and prod-app-4 both want port 80")),
            (Method::BlueGreen, mapped(0), json!({}), None),
            (Method::BlueGreen, mapped(81), json!({}), None),
            (Method::BlueGreen, task_network, json!({}), None),
            (Method::Upgrade, mapped(80), json!({}), Some("minimumHealthyPercent")),
            (Method::Upgrade, mapped(80), json!({ "deploymentConfiguration": { "minimumHealthyPercent": 50 } }), None),
            (Method::Replace, mapped(80), json!({}), None),
        ] {
            let mut new = service(extra);
            new.task_definition = definition.as_object().unwrap().clone();
            let wanted = wanted(method, new);
            let mut was = deployed("prod-app-4", method, json!({}));
            was.wanted["taskDefinition"] = mapped(80);
            let found = conflict(&wanted, &wanted.services[0], Some(&was), "5");
            assert_eq!(found.is_some(), told.is_some(), "{found:?}");
            assert!(found.unwrap_or_default().contains(told.unwrap_or_default()));
            assert_eq!(conflict(&wanted, &wanted.services[0], None, "5"), None);
        }
    }
}
