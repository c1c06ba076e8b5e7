//! `secure` of params resources, and the params file.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::select::Chosen;
use super::sources::Secrets;
use crate::config::shippable::{Job, Task};
use crate::config::yaml;
use crate::error::{Error, Kind};
use crate::job::directory::Operation;
use crate::job::integration::scalar_text;
use crate::job::params::{SECURE, is_ciphertext};
use crate::support::secret::SecretText;
use crate::support::shell::posix_quote;

/// Takes the text of `secure` out of a section before it is kept anywhere: a null keeps its place. References stay.
pub(super) fn without_secure_text(section: &mut Map<String, Value>) {
    let Some(params) = section.get_mut("params").and_then(Value::as_object_mut) else { return };
    if let Some(secure @ Value::String(_)) = params.get_mut(SECURE) {
        *secure = Value::Null;
    }
}

/// The params of a version without what may be a secret: what is recorded, and what the message has.
pub(super) fn public(bag: &mut Map<String, Value>) {
    without_secure_text(bag);
    if let Some(params) = bag.get_mut("params").and_then(Value::as_object_mut)
        && params.get(SECURE).is_some_and(Value::is_null)
    {
        params.shift_remove(SECURE);
    }
}

/// What the references of `secure` stand for, by reference. Each is asked for once.
pub(crate) type References = HashMap<String, SecretText>;

/// Resolves the references of every params input, and warns of text that Shippable encrypted.
pub(crate) fn resolve(
    chosen: &[Chosen],
    secrets: &dyn Secrets,
    notes: &mut Vec<String>,
    missing: &mut Vec<String>,
) -> References {
    let mut references = References::new();
    for one in chosen.iter().filter(|one| one.operation == Operation::In && one.kind == "params") {
        if let Some(node) = secure_node(one)
            && node.as_text().is_some_and(is_ciphertext)
        {
            notes.push(format!(
                "{}: secure of {} is a text that Shippable encrypted, which nothing can decrypt any more: write secure: \
                 {{NAME: env:NAME}}",
                node.at, one.name
            ));
        }
        for (key, reference) in secure_map(one).into_iter().flatten() {
            let written = secure_node(one).and_then(|secure| secure.get(key));
            let at = written.map_or(&one.yml.at, |node| &node.at);
            let Value::String(text) = reference else {
                missing.push(format!("{at}: secure.{key} of {}: a reference such as env:{key} was expected", one.name));
                continue;
            };
            if references.contains_key(text) {
                continue;
            }
            match secrets.reference(text) {
                Ok(value) => drop(references.insert(text.clone(), value.into())),
                Err(why) => missing.push(format!("{at}: secure.{key} of {}: {why}", one.name)),
            }
        }
    }
    references
}

/// Resolves the references under `secure` in the env of a job's TASKs, by reference.
pub(super) fn resolve_tasks(
    job: &Job,
    secrets: &dyn Secrets,
    notes: &mut Vec<String>,
    missing: &mut Vec<String>,
) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for secure in job.tasks().flat_map(Task::secure_env) {
        if secure.as_text().is_some_and(is_ciphertext) {
            notes.push(format!(
                "{}: secure in the env of a TASK is a text that Shippable encrypted, which nothing can decrypt any more: \
                 write secure: {{NAME: env:NAME}}",
                secure.at
            ));
        }
        for (key, reference) in secure.members() {
            let (at, name) = (&reference.at, &key.text);
            let Some(text) = reference.as_text() else {
                missing.push(format!("{at}: secure.{name} of a TASK: a reference such as env:{name} was expected"));
                continue;
            };
            match secrets.reference(text) {
                Ok(value) => drop(found.insert(text.to_owned(), value)),
                Err(why) => missing.push(format!("{at}: secure.{name} of a TASK: {why}")),
            }
        }
    }
    found
}

/// `params.secure` as it is written in the yml.
fn secure_node<'a>(one: &Chosen<'a>) -> Option<&'a yaml::Node> {
    params_node(one)?.get(SECURE)
}

/// `params` as it is written in the yml: what is in the last section counts.
fn params_node<'a>(one: &Chosen<'a>) -> Option<&'a yaml::Node> {
    let sections = ["versionTemplate", "version", "seed", "pointer"];
    sections.iter().find_map(|section| one.yml.get(section)?.get("params"))
}

fn secure_map<'a>(one: &'a Chosen) -> Option<&'a Map<String, Value>> {
    one.version.as_ref()?.property_bag.get("params")?.get(SECURE)?.as_object()
}

/// Puts the values of `secure` into the params of an input, for the file that only the job reads.
///
/// # Errors
///
/// No params, without which the platform failed the job.
pub(crate) fn fill(one: &Chosen, bag: &mut Map<String, Value>, references: &References) -> Result<(), Error> {
    let params = match bag.get_mut("params") {
        Some(Value::Object(params)) => params,
        None | Some(Value::Null) => {
            let message = format!("{}: {} has no params: add versionTemplate: {{params: {{…}}}}", one.yml.at, one.name);
            return Err(Error::new(Kind::Configuration, message));
        }
        Some(other) => {
            let node = params_node(one);
            let at = node.map_or(&one.yml.at, |node| &node.at);
            let kind = node.map_or(if other.is_array() { "a list" } else { "a text" }, yaml::Node::kind);
            let message = format!("{at}: params of {} is {kind}, not a map: write `KEY: value` below it", one.name);
            return Err(Error::new(Kind::Configuration, message));
        }
    };
    if let Some(text) = secure_node(one).and_then(yaml::Node::as_text)
        && params.get(SECURE).is_none_or(Value::is_null)
    {
        params.insert(SECURE.to_owned(), text.into());
    }
    match params.get_mut(SECURE) {
        Some(Value::Object(members)) => {
            for value in members.values_mut() {
                if let Some(found) = value.as_str().and_then(|text| references.get(text)) {
                    *value = found.expose().into();
                }
            }
        }
        Some(Value::Null) => drop(params.shift_remove(SECURE)),
        _ => {}
    }
    Ok(())
}

/// The file `IN/<n>/params`: a line per key, in quotes where a shell needs them.
pub(super) fn file(params: &Map<String, Value>) -> Vec<u8> {
    let mut out = Vec::new();
    for (key, value) in params {
        match value {
            Value::String(text) if key == SECURE => {
                out.extend_from_slice(text.as_bytes());
                out.push(b'\n');
            }
            Value::Object(members) if key == SECURE => members.iter().for_each(|(key, value)| {
                line(&mut out, key, value);
            }),
            other => line(&mut out, key, other),
        }
    }
    out
}

fn line(out: &mut Vec<u8>, key: &str, value: &Value) {
    let text = scalar_text(value);
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(&byte));
    out.extend_from_slice(key.as_bytes());
    out.push(b'=');
    if is_plain {
        out.extend_from_slice(text.as_bytes());
    } else {
        out.extend(posix_quote(text.as_bytes()));
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ciphertext_and_what_is_none() {
        for (text, want) in [
            ("q2ZsZm9vYmFyMTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6==", true),
            ("q2ZsZm9vYmFyMTIzNDU2Nzg5MGFi\n  Y2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6", true),
            ("TOKEN=q2ZsZm9vYmFyMTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6", false),
            ("short", false),
        ] {
            assert_eq!(is_ciphertext(text), want, "{text}");
        }
    }

    #[test]
    fn a_line_per_key() {
        let params = json!({
            "ENV": "prod", "PORT": 8080, "ON": true, "NIL": null, "Q": "it's $x", "L": ["a b"],
            "secure": "TOKEN=abc DBPW=\"x y\""
        });
        let got = String::from_utf8(file(params.as_object().unwrap())).unwrap();
        let want = "ENV=prod\nPORT=8080\nON=true\nNIL=\nQ='it'\\''s $x'\nL='[\"a b\"]'\nTOKEN=abc DBPW=\"x y\"\n";
        assert_eq!(got, want);
        let got = file(json!({"secure": {"K": "a b"}}).as_object().unwrap());
        assert_eq!(got, b"K='a b'\n");
    }
}
