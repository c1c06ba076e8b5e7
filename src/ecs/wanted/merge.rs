//! Unions: the later wins, key by key.

use serde_json::{Map, Value};

/// Puts `from` into `into`, maps key by key however deep, everything else replaced.
pub(super) fn deep(into: &mut Map<String, Value>, from: &Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(key), value) {
            (Some(Value::Object(known)), Value::Object(more)) => deep(known, more),
            _ => drop(into.insert(key.clone(), value.clone())),
        }
    }
}

/// Puts lists of named objects together: what has a name that is there takes its place.
pub(super) fn named(into: &mut Vec<Value>, from: &[Value], key: &str) {
    for value in from {
        let name = value.get(key).filter(|name| !name.is_null());
        match into.iter_mut().find(|known| name.is_some() && known.get(key) == name) {
            Some(known) => *known = value.clone(),
            None => into.push(value.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_later_wins_key_by_key() {
        let mut into = json!({"a": {"b": 1, "c": [1, 2]}, "d": 1});
        let from = json!({"a": {"c": [3], "e": null}, "d": {"f": 1}});
        deep(into.as_object_mut().unwrap(), from.as_object().unwrap());
        assert_eq!(into, json!({"a": {"b": 1, "c": [3], "e": null}, "d": {"f": 1}}));
        let mut into = vec![json!({"name": "a", "v": 1}), json!({"v": 2})];
        named(&mut into, &[json!({"name": "a", "v": 3}), json!({"v": 4})], "name");
        assert_eq!(json!(into), json!([{"name": "a", "v": 3}, {"v": 2}, {"v": 4}]));
    }
}
