//! `version` of a `version.json`, as it is on disk, and whether it is another one than before.

use std::path::Path;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::job::document::Document;
use crate::job::integration::scalar_text;
use crate::job::params::SECURE;

/// Properties that make no difference: they tell where a version is from, not what it is.
const IGNORED: [&str; 3] = ["trace", "sourceObjectId", "sourceObjectType"];

/// What a version is about.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Version {
    /// `versionName`.
    pub name: Option<String>,
    /// `propertyBag`.
    pub bag: Map<String, Value>,
}

impl Version {
    /// A `version` object; the error is what is wrong with it.
    pub fn of(version: Option<&Map<String, Value>>) -> Result<Self, String> {
        let name = match version.and_then(|version| version.get("versionName")) {
            None | Some(Value::Null) => None,
            Some(Value::Array(_) | Value::Object(_)) => return Err("versionName is not a text".to_owned()),
            Some(scalar) => Some(scalar_text(scalar)),
        };
        let bag = match version.and_then(|version| version.get("propertyBag")) {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(bag)) => bag.clone(),
            Some(_) => return Err("propertyBag is not an object".to_owned()),
        };
        Ok(Self { name, bag })
    }

    /// Whether it is another version than the one that the job started with.
    pub fn differs_from(&self, start: &Self) -> bool {
        let known = |version: &Self| version.bag.keys().filter(|key| !IGNORED.contains(&key.as_str())).count();
        self.name != start.name
            || known(self) != known(start)
            || self.bag.iter().any(|(key, value)| {
                !IGNORED.contains(&key.as_str()) && !start.bag.get(key).is_some_and(|old| same(old, value))
            })
    }

    /// Puts placeholders back where a secret was filled in and nothing has changed since.
    pub fn put_back(&mut self, started: &Self, template: &Self, is_secret: &impl Fn(&str) -> bool) {
        if let (Some(name), Some(placeholder)) = (&self.name, &template.name)
            && self.name == started.name
            && is_secret(name)
        {
            self.name = Some(placeholder.clone());
        }
        put_back_members(&mut self.bag, &started.bag, &template.bag, is_secret);
    }

    /// `propertyBag.params`.
    pub fn params_mut(&mut self) -> Option<&mut Map<String, Value>> {
        self.bag.get_mut("params").and_then(Value::as_object_mut)
    }

    /// `propertyBag.params.secure`.
    pub fn secure(&self) -> Option<&Value> {
        self.bag.get("params").and_then(|params| params.get(SECURE))
    }
}

fn put_back_members(
    now: &mut Map<String, Value>,
    started: &Map<String, Value>,
    template: &Map<String, Value>,
    is_secret: &impl Fn(&str) -> bool,
) {
    for (key, now) in now.iter_mut() {
        if let (Some(started), Some(template)) = (started.get(key), template.get(key)) {
            put_back(now, started, template, is_secret);
        }
    }
}

fn put_back(now: &mut Value, started: &Value, template: &Value, is_secret: &impl Fn(&str) -> bool) {
    match (now, started, template) {
        (Value::Object(now), Value::Object(started), Value::Object(template)) => {
            put_back_members(now, started, template, is_secret);
        }
        (Value::Array(now), Value::Array(started), Value::Array(template)) => {
            for ((now, started), template) in now.iter_mut().zip(started).zip(template) {
                put_back(now, started, template, is_secret);
            }
        }
        (Value::String(now), Value::String(started), Value::String(template)) if now == started && is_secret(now) => {
            now.clone_from(template);
        }
        _ => {}
    }
}

/// The whole of a `version.json`; the error is why it cannot be used.
pub(super) fn document(file: &Path) -> Result<Map<String, Value>, Error> {
    match Document::read(file)? {
        Some(document) => Ok(document.root().members().cloned().unwrap_or_default()),
        None => Err(Error::failed(format_args!("{}: no such file", file.display()))),
    }
}

/// Whether two values are the same. Numbers are when their values are, however they are written; the order of members
/// means nothing.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.to_string(), b.to_string());
            match (a.parse::<i128>(), b.parse::<i128>()) {
                (Ok(a), Ok(b)) => a == b,
                _ => a == b || a.parse::<f64>().is_ok_and(|a| b.parse() == Ok(a)),
            }
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn version(value: Value) -> Version {
        Version::of(value.as_object()).unwrap()
    }

    /// Rule 5.
    #[test]
    fn what_makes_a_difference() {
        let start =
            json!({"versionName": "v1", "versionId": 4, "propertyBag": {"a": 1, "b": {"x": [1, "2"], "y": null}}});
        for (now, differs) in [
            (start.clone(), false),
            (json!({"versionName": "v1", "propertyBag": {"b": {"y": null, "x": [1, "2"]}, "a": 1.0}}), false),
            (
                json!({"versionName": "v1", "propertyBag": {"a": 1, "b": {"x": [1, "2"], "y": null},
                    "trace": [1], "sourceObjectId": 2, "sourceObjectType": "t"}}),
                false,
            ),
            (json!({"versionName": "v2", "propertyBag": start["propertyBag"].clone()}), true),
            (json!({"versionName": null, "propertyBag": start["propertyBag"].clone()}), true),
            (json!({"versionName": "v1", "propertyBag": {"a": "1", "b": {"x": [1, "2"], "y": null}}}), true),
            (json!({"versionName": "v1", "propertyBag": {"a": 1, "b": {"x": ["2", 1], "y": null}}}), true),
            (json!({"versionName": "v1", "propertyBag": {"a": 1, "b": {"x": [1, "2"]}}}), true),
            (json!({"versionName": "v1", "propertyBag": {"a": 1}}), true),
            (json!({"versionName": "v1", "propertyBag": {"a": 1, "b": {"x": [1, "2"], "y": null}, "c": 1}}), true),
        ] {
            assert_eq!(version(now.clone()).differs_from(&version(start.clone())), differs, "{now}");
        }
        let big = [json!(9_007_199_254_740_993_u64), json!(9_007_199_254_740_992_u64)];
        assert!(!same(&big[0], &big[1]));
    }

    #[test]
    fn a_version_of_the_wrong_shape() {
        assert_eq!(Version::of(None), Ok(Version::default()));
        assert_eq!(version(json!({"versionName": 3})).name.as_deref(), Some("3"));
        assert!(Version::of(json!({"versionName": []}).as_object()).is_err());
        assert!(Version::of(json!({"propertyBag": "x"}).as_object()).is_err());
    }
}
