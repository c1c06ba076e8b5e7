//! `loadBalancer`: where the tasks of a service are registered.

use serde_json::{Map, Value};

use super::field::{Findings, Said};
use crate::config::yaml::{self, Node, Place};

/// A load balancer.
#[derive(Debug, Clone)]
pub(super) struct Balancer {
    /// `loadBalancerName` or `targetGroupArn`, and its value.
    key: &'static str,
    value: String,
    pub role: Option<String>,
    pub at: String,
    pub name: String,
    /// What it is in front of.
    pub targets: Vec<Target>,
}

/// A container behind it.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// None in a manifest, for the manifest itself.
    pub manifest: Option<String>,
    pub image: String,
    pub port: u16,
    pub at: Place,
}

impl Balancer {
    /// An element of `loadBalancers`.
    pub fn entry(&self, target: &Target) -> Value {
        let mut entry = Map::new();
        entry.insert(self.key.to_owned(), self.value.clone().into());
        entry.insert("containerName".to_owned(), target.image.clone().into());
        entry.insert("containerPort".to_owned(), target.port.into());
        entry.into()
    }

    /// Whether its role is the one that ECS makes for itself, which cannot be named in a request.
    pub fn is_role_service_linked(&self) -> bool {
        self.role.as_deref().is_some_and(|role| role.contains("AWSServiceRoleForECS"))
    }
}

/// Reads one resource, and the `applyTo` of its step. In a manifest, `applyTo` need not name one.
pub(super) fn balancer(said: &Said, in_manifest: bool, found: &mut Findings) -> Option<Balancer> {
    let targets = targets(said, in_manifest, found);
    said.left_out(&["sourceName", "method", "role"], found);
    let source = said.required("sourceName", "NAME-OR-ARN", found)?;
    let method = said.get("method").and_then(|field| field.text(found));
    let is_target_group = source.starts_with("arn:") && source.contains(":targetgroup/");
    let key = match method.as_deref() {
        _ if is_target_group => "targetGroupArn",
        None | Some("classic" | "") => {
            if source.starts_with("arn:") {
                let field = said.get("sourceName")?;
                field.wrong(found, "the name of a classic load balancer, or the ARN of a target group,");
            }
            "loadBalancerName"
        }
        Some("application") => {
            said.get("sourceName")?.wrong(found, "the ARN of the target group (not of the load balancer itself)");
            return None;
        }
        Some(_) => {
            said.get("method")?.wrong(found, "classic or application");
            return None;
        }
    };
    let role = said.get("role").and_then(|field| field.text(found)).filter(|role| !role.is_empty());
    let at = said.resource.at().to_string();
    Some(Balancer { key, value: source, role, at, name: said.name().to_owned(), targets })
}

fn targets(said: &Said, in_manifest: bool, found: &mut Findings) -> Vec<Target> {
    let example = if in_manifest { "{image: IMAGE, port: 80}" } else { "{manifest: MANIFEST, image: IMAGE, port: 80}" };
    let Some(apply_to) = said.step.option("applyTo") else {
        let text = format!("the loadBalancer {} needs `applyTo: [{example}]`", said.name());
        found.error(&said.step.at, text);
        return Vec::new();
    };
    let elements = match &apply_to.value {
        yaml::Value::List(elements) => elements.as_slice(),
        _ => std::slice::from_ref(apply_to),
    };
    elements.iter().filter_map(|element| target(said, element, in_manifest, example, found)).collect()
}

fn target(said: &Said, node: &Node, in_manifest: bool, example: &str, found: &mut Findings) -> Option<Target> {
    if !matches!(node.value, yaml::Value::Map(_)) {
        found.error(&node.at, format_args!("applyTo of {} has {}: {example} was expected", said.name(), node.kind()));
        return None;
    }
    for (key, value) in node.members() {
        if !["manifest", "image", "port"].contains(&key.text.as_str()) {
            let text = format!("{} in applyTo of {} is left out: {example} was expected", key.text, said.name());
            found.warn(&value.at, text);
        }
    }
    let mut text = |key: &str, is_required: bool| {
        let value = node.get(key).and_then(Node::scalar).filter(|text| !text.is_empty());
        if value.is_none() && is_required {
            let at = node.get(key).map_or(&node.at, |node| &node.at);
            found.error(at, format_args!("applyTo of {} has no {key}: {example} was expected", said.name()));
        }
        value
    };
    let (manifest, image, port) = (text("manifest", !in_manifest), text("image", true), text("port", true));
    let port = match port?.parse::<u16>() {
        Ok(port) if port > 0 => port,
        _ => {
            let at = node.get("port").map_or(&node.at, |node| &node.at);
            found.error(at, format_args!("port in applyTo of {}: a container port was expected", said.name()));
            return None;
        }
    };
    if manifest.is_none() && !in_manifest {
        return None;
    }
    Some(Target { manifest, image: image?, port, at: node.at.clone() })
}
