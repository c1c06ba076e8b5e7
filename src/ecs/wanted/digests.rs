//! What is kept of a service: its secrets as digests only.
//!
//! Each entry has a salt of its own, so that neither equal deployments of two jobs nor guesses made beforehand can be
//! compared with it.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::WantedService;
use super::shown::{masked, shown, whole};
use crate::job::build::{hex, token};
use crate::job::record::secure_digest;

/// The member of what is kept that has the digests of what is masked, by place.
const SECRETS: &str = "secrets";

/// What is kept of a service: the digest of everything that is wanted, secrets included, and all of it with secrets
/// masked. The order of keys does not matter to the digest.
pub fn kept(service: &WantedService) -> (String, Value) {
    let mut wanted = masked(service);
    // Without randomness nothing is kept that could be compared: it is deployed again then.
    let Ok(salt) = token() else { return (String::new(), wanted) };
    let secrets = secrets(service, &salt);
    if let Some(wanted) = wanted.as_object_mut().filter(|_| !secrets.is_empty()) {
        wanted.insert(SECRETS.to_owned(), secrets.into());
    }
    (format!("{salt}:{}", secure_digest(&salt, &whole(service))), wanted)
}

/// Whether a digest that was kept is that of a service.
pub fn is_digest(kept: &str, service: &WantedService) -> bool {
    match kept.split_once(':') {
        Some((salt, digest)) => digest == secure_digest(salt, &whole(service)),
        None => kept == unsalted(service),
    }
}

/// The places of masked values that are other than they were, as far as digests of them were kept. What was masked only
/// before, or is only now, is not among them: that can be seen.
pub fn changed_secrets(digest: &str, wanted: &Value, service: &WantedService) -> Vec<String> {
    let Some(((salt, _), old)) = digest.split_once(':').zip(wanted.get(SECRETS).and_then(Value::as_object)) else {
        return Vec::new();
    };
    let now = secrets(service, salt);
    let is_other = |place: &str, digest: &Value| old.get(place).is_some_and(|known| known != digest);
    now.into_iter().filter(|(place, digest)| is_other(place, digest)).map(|(place, _)| place).collect()
}

/// What is kept, without digests.
pub(super) fn without_secrets(mut wanted: Value) -> Value {
    if let Some(members) = wanted.as_object_mut() {
        members.shift_remove(SECRETS);
    }
    wanted
}

/// The digest as it was kept before there were salts.
fn unsalted(service: &WantedService) -> String {
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

/// The digest of each value that is masked, by its place. Equal values at two places have two digests.
fn secrets(service: &WantedService, salt: &str) -> Map<String, Value> {
    let mut found = Map::new();
    let mut add = |path: &[String], secret: &Value| {
        let place = place(path);
        let digest = secure_digest(&format!("{salt} {place}"), secret);
        found.insert(place, digest.into());
    };
    visit(&whole(service), &shown(service), &mut Vec::new(), &mut add);
    found
}

/// Visits what is masked.
fn visit(value: &Value, shown: &Value, path: &mut Vec<String>, add: &mut dyn FnMut(&[String], &Value)) {
    match (value, shown) {
        (Value::Object(members), Value::Object(masked)) => {
            for (key, value) in members {
                path.push(key.clone());
                visit(value, masked.get(key).unwrap_or(&Value::Null), path, add);
                path.pop();
            }
        }
        (Value::Array(elements), Value::Array(masked)) => {
            for (number, (value, masked)) in elements.iter().zip(masked).enumerate() {
                let name = masked.get("name").and_then(Value::as_str);
                path.push(name.map_or_else(|| number.to_string(), ToOwned::to_owned));
                visit(value, masked, path, add);
                path.pop();
            }
        }
        _ if value != shown => add(path, value),
        _ => {}
    }
}

/// A place, for people: `PASSWORD of web`.
fn place(path: &[String]) -> String {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["taskDefinition", "containerDefinitions", container, "environment", name, "value"] => {
            format!("{name} of {container}")
        }
        ["taskDefinition", "containerDefinitions", container, rest @ ..] => {
            format!("{} of {container}", rest.join("."))
        }
        path => path.join("."),
    }
}
