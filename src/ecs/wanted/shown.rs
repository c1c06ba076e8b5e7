//! What may be shown and kept of a service.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{Request, WantedService};
use crate::job::build::hex;
use crate::job::overview::is_secret_by_name;
use crate::support::secret::SecretText;

/// What stands for a secret.
pub(super) const MASK: &str = "***";
/// Shorter secrets are masked where they are the whole value: inside of others they would be everywhere.
const SHORTEST: usize = 4;

fn whole(service: &WantedService) -> Value {
    let scaling = service
        .scaling
        .as_ref()
        .map(|scaling| json!({"target": scaling.target, "policies": scaling.policies, "alarms": scaling.alarms}));
    json!({"taskDefinition": service.task_definition, "service": service.service, "scaling": scaling})
}

/// The digest of everything that is wanted, secrets included; the order of keys does not matter.
pub fn digest(service: &WantedService) -> String {
    let text = sorted(whole(service)).to_string();
    hex(&Sha256::digest(text.as_bytes()))
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(String, Value)> = members.into_iter().collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            members.into_iter().map(|(key, value)| (key, sorted(value))).collect::<Map<_, _>>().into()
        }
        Value::Array(elements) => elements.into_iter().map(sorted).collect(),
        other => other,
    }
}

/// `{"taskDefinition": …, "service": …, "scaling": …}`, secrets masked. Only task definitions have any: what the service and
/// its scaling are like is sent and compared again, and a role that has a secret's letters in it stays as it is.
pub fn masked(service: &WantedService) -> Value {
    let mut value = whole(service);
    if let Some(definition) = value.get_mut("taskDefinition") {
        *definition = hidden(service, std::mem::take(definition));
    }
    value
}

/// A request that is about the service, secrets masked.
pub fn masked_request(service: &WantedService, request: &Request) -> Value {
    hidden(service, Value::Object(request.clone()))
}

fn hidden(service: &WantedService, mut value: Value) -> Value {
    let mut secrets: Vec<&str> = service.secrets.iter().map(SecretText::expose).collect();
    secrets.retain(|secret| !secret.is_empty());
    // One may be part of another.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    mask(&mut value, &secrets);
    mask_short(&mut value, service);
    mask_names(&mut value);
    value
}

/// Masks what is a secret by its name, and passwords in addresses.
fn mask_named(name: &str, value: &mut Value) {
    let Value::String(text) = value else { return };
    if is_secret_by_name(name, text) {
        MASK.clone_into(text);
    } else if let Some((scheme, rest)) = text.split_once("://")
        && let Some((user, host)) = rest.split('/').next().and_then(|authority| authority.rsplit_once('@'))
        && let Some((user, _)) = user.split_once(':')
    {
        let path = rest.split_once('/').map(|(_, path)| format!("/{path}")).unwrap_or_default();
        *text = format!("{scheme}://{user}:{MASK}@{host}{path}");
    }
}

/// The places of a container where people write secrets out.
fn mask_names(value: &mut Value) {
    let definitions = value.get_mut("containerDefinitions").and_then(Value::as_array_mut);
    for definition in definitions.into_iter().flatten() {
        let environment = definition.get_mut("environment").and_then(Value::as_array_mut);
        for variable in environment.into_iter().flatten() {
            let name = variable.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            variable.get_mut("value").into_iter().for_each(|value| mask_named(&name, value));
        }
        for place in ["/logConfiguration/options", "/firelensConfiguration/options", "/dockerLabels"] {
            let options = definition.pointer_mut(place).and_then(Value::as_object_mut);
            options.into_iter().flatten().for_each(|(name, value)| mask_named(name, value));
        }
    }
}

fn mask(value: &mut Value, secrets: &[&str]) {
    match value {
        Value::String(text) => {
            for secret in secrets.iter().filter(|secret| secret.len() >= SHORTEST) {
                if text.contains(secret) {
                    *text = text.replace(secret, MASK);
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(|value| mask(value, secrets)),
        Value::Object(members) => members.values_mut().for_each(|value| mask(value, secrets)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Short secrets, in environments.
fn mask_short(value: &mut Value, service: &WantedService) {
    let definitions = value.get_mut("containerDefinitions").and_then(Value::as_array_mut);
    for definition in definitions.into_iter().flatten() {
        let environment = definition.get_mut("environment").and_then(Value::as_array_mut);
        for variable in environment.into_iter().flatten() {
            let Some(Value::String(text)) = variable.get_mut("value") else { continue };
            if !text.is_empty() && service.secrets.iter().any(|secret| secret.expose() == text) {
                MASK.clone_into(text);
            }
        }
    }
}
