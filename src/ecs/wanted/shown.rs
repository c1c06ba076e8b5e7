//! What may be shown and kept of a service.

use serde_json::{Map, Value, json};

use super::digests::without_secrets;
use super::{Request, WantedService};
use crate::job::secret_names::is_secret_by_name;
use crate::support::secret::SecretText;

/// What stands for a secret.
pub(super) const MASK: &str = "***";
/// Shorter secrets are masked where they are the whole value: inside of others they would be everywhere.
const SHORTEST: usize = 4;

/// Everything that is wanted.
pub(super) fn whole(service: &WantedService) -> Value {
    let scaling = service
        .scaling
        .as_ref()
        .map(|scaling| json!({"target": scaling.target, "policies": scaling.policies, "alarms": scaling.alarms}));
    json!({"taskDefinition": service.task_definition, "service": service.service, "scaling": scaling})
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

/// The same as it may be shown: without the secrets among the log options of Service Connect either. These are kept, since
/// no task definition has them that could be gone back to.
pub fn shown(service: &WantedService) -> Value {
    shown_again(service, &masked(service))
}

/// What was kept of a service before, as it may be shown.
pub fn shown_again(service: &WantedService, kept: &Value) -> Value {
    let mut value = without_secrets(kept.clone());
    value.get_mut("service").into_iter().for_each(|of_service| mask_options(service, of_service));
    value
}

/// A request that is about the service, secrets masked.
pub fn masked_request(service: &WantedService, request: &Request) -> Value {
    let mut value = hidden(service, Value::Object(request.clone()));
    mask_options(service, &mut value);
    value
}

fn hidden(service: &WantedService, mut value: Value) -> Value {
    mask(&mut value, &secrets_of(service));
    mask_short(&mut value, service);
    mask_names(&mut value);
    value
}

/// The secrets of a service, the longest first: one may be part of another.
fn secrets_of(service: &WantedService) -> Vec<&str> {
    let mut secrets: Vec<&str> = service.secrets.iter().map(SecretText::expose).collect();
    secrets.retain(|secret| !secret.is_empty());
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
}

/// The log options of Service Connect.
const CONNECT_OPTIONS: &str = "/serviceConnectConfiguration/logConfiguration/options";

fn mask_options(service: &WantedService, value: &mut Value) {
    let Some(options) = value.pointer_mut(CONNECT_OPTIONS) else { return };
    mask(options, &secrets_of(service));
    options.as_object_mut().into_iter().flatten().for_each(|(name, value)| mask_named(name, value));
}

/// The log options of Service Connect that are secrets written out.
pub(super) fn secret_options(service: &Map<String, Value>) -> Vec<String> {
    let connect = service.get("serviceConnectConfiguration");
    let options = connect.and_then(|connect| connect.pointer("/logConfiguration/options")).and_then(Value::as_object);
    let is_secret = |value: &Value, name: &str| value.as_str().is_some_and(|text| is_secret_by_name(name, text));
    options.into_iter().flatten().filter(|(name, value)| is_secret(value, name)).map(|(name, _)| name.clone()).collect()
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
