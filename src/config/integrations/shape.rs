//! Texts as their fields have them.

use serde_json::{Map, Value};

use crate::job::integration::scalar_text;
use crate::job::integration_types::Field;

/// A text as its field has it: a list is written with commas.
pub(super) fn shaped(field: &Field, text: &str) -> Value {
    if !field.list {
        return text.into();
    }
    if let Some(texts) = text.trim_start().starts_with('[').then(|| texts_of_json(text)).flatten() {
        return texts;
    }
    text.split(',').map(str::trim).filter(|one| !one.is_empty()).map(Value::from).collect()
}

/// A list of JSON as the file would have it; `None` for what is no list of single values.
fn texts_of_json(text: &str) -> Option<Value> {
    let elements: Vec<Value> = serde_json::from_str(text).ok()?;
    elements.iter().map(single_text).collect::<Option<Vec<_>>>().map(Value::from)
}

/// The members of an object of JSON; `None` for what is none, or has lists or objects in it.
pub(super) fn members_of_json(text: &str) -> Option<Vec<(String, String)>> {
    let members: Map<String, Value> = serde_json::from_str(text).ok()?;
    members.iter().map(|(key, value)| Some((key.clone(), single_text(value)?))).collect()
}

fn single_text(value: &Value) -> Option<String> {
    (!value.is_array() && !value.is_object()).then(|| scalar_text(value))
}

/// Whether there is nothing in it.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        _ => false,
    }
}
