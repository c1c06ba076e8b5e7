//! `integration.json` and `integration.env`: the fields of an integration.

use std::io::Read;
use std::path::Path;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::job::names;
use crate::job::resource::open_regular;

/// Fields that are not values of the user: never exported, never listed.
const BOOKKEEPING: [&str; 2] = ["id", "masterName"];

/// The fields of an integration, in the order of `integration.json`.
#[derive(Debug, Clone)]
pub struct Integration {
    fields: Map<String, Value>,
}

/// One variable that a field gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldVariable {
    /// What follows `<N>_INTEGRATION_`.
    pub key: String,
    /// The field it is from, as spelled in the integration.
    pub field: String,
    /// The value, byte for byte.
    pub value: String,
}

impl Integration {
    /// Reads `integration.json` of a folder; `None` when there is none.
    pub fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let file = folder.join("integration.json");
        let Some(mut source) = open_regular(&file)? else { return Ok(None) };
        let mut text = Vec::new();
        source.read_to_end(&mut text).map_err(|error| Error::io("read", &file, &error))?;
        match serde_json::from_slice(&text) {
            Ok(Value::Object(fields)) => Ok(Some(Self { fields })),
            Ok(_) => Err(Error::drop_in(format_args!("{}: not a JSON object", file.display()))),
            Err(error) => Err(Error::drop_in(format_args!("{}: {error}", file.display()))),
        }
    }

    /// What is going to be in `integration.json`.
    pub fn of(fields: Map<String, Value>) -> Self {
        Self { fields }
    }

    /// The integration's type, `masterName`.
    pub fn master_name(&self) -> Option<&str> {
        self.fields.get("masterName").and_then(Value::as_str)
    }

    /// The value of a field by its exact name, as text.
    pub fn text(&self, field: &str) -> Option<String> {
        self.fields.get(field).map(scalar_text)
    }

    /// Every user field in order; the members of an object count as fields, as the platform lifted them.
    pub fn user_fields(&self) -> Vec<(&str, &Value)> {
        let mut fields = Vec::new();
        for (name, value) in &self.fields {
            match value {
                Value::Object(members) => fields.extend(members.iter().map(|(name, value)| (name.as_str(), value))),
                _ if BOOKKEEPING.contains(&name.as_str()) => {}
                _ => fields.push((name.as_str(), value)),
            }
        }
        fields
    }

    /// What follows `<N>_INTEGRATION_`, and the values: one per field; for a list the quoted form of the platform,
    /// then one per element and their number.
    pub fn variables(&self) -> Vec<FieldVariable> {
        let mut variables = Vec::new();
        for (field, value) in self.user_fields() {
            let key = names::key(field.as_bytes());
            let mut push = |key: String, value: String| {
                variables.push(FieldVariable { key, field: field.to_owned(), value });
            };
            if let Value::Array(elements) = value {
                push(key.clone(), quoted_list(elements));
                for (index, element) in elements.iter().enumerate() {
                    push(format!("{key}_{index}"), scalar_text(element));
                }
                push(format!("{key}_LEN"), elements.len().to_string());
            } else {
                push(key, scalar_text(value));
            }
        }
        variables
    }

    /// The value that `<N>_INTEGRATION_<key>` has; a later field with the same key wins.
    pub fn variable(&self, key: &str) -> Option<String> {
        self.variables().into_iter().rev().find(|variable| variable.key == key).map(|variable| variable.value)
    }

    /// The fields that are also exported under their own names: all of a keyValuePair, and the members of objects.
    pub fn raw_fields(&self) -> Vec<(&str, &Value)> {
        if self.is_key_value_pair() {
            return self.user_fields();
        }
        let objects = self.fields.values().filter_map(Value::as_object);
        objects.flatten().map(|(name, value)| (name.as_str(), value)).collect()
    }

    /// Whether it is a set of variables that the user named.
    pub fn is_key_value_pair(&self) -> bool {
        self.master_name() == Some("keyValuePair")
    }
}

/// `'"a","b"'`, with both kinds of quotes: what the platform set for a list.
fn quoted_list(elements: &[Value]) -> String {
    let inner: Vec<String> = elements.iter().map(|element| format!("\"{}\"", scalar_text(element))).collect();
    format!("'{}'", inner.join(","))
}

/// A value as a variable holds it: strings raw, null empty, containers as compact JSON.
pub fn scalar_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The keys of an `integration.env`, in order, without the bookkeeping ones.
///
/// The platform wrote `key="value"` without escaping, so a value may hold newlines and quotes: it ends at the quote
/// that opened it, where that is the last byte of a line and what follows is the end or another `key=`. A value
/// without quotes ends with its line.
pub fn env_file_keys(text: &[u8]) -> Vec<String> {
    let mut keys = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let line_end = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        let line = &rest[..line_end];
        let Some(equals) = line.iter().position(|&byte| byte == b'=') else {
            rest = &rest[(line_end + 1).min(rest.len())..];
            continue;
        };
        let key = String::from_utf8_lossy(&line[..equals]).trim_start_matches("export ").trim().to_owned();
        if !key.is_empty() && !BOOKKEEPING.contains(&key.as_str()) {
            keys.push(key);
        }
        rest = &rest[equals + 1..];
        rest = &rest[value_length(rest)..];
    }
    keys
}

/// The length of the value at the start of `text`, with the newline that ends it.
fn value_length(text: &[u8]) -> usize {
    let line_end =
        |from: usize| text[from..].iter().position(|&byte| byte == b'\n').map_or(text.len(), |at| from + at + 1);
    let Some(&quote) = text.first().filter(|&&byte| byte == b'"' || byte == b'\'') else { return line_end(0) };
    let mut from = 1;
    while let Some(at) = text[from..].iter().position(|&byte| byte == quote).map(|at| from + at) {
        match text.get(at + 1) {
            None => return text.len(),
            Some(b'\n') if starts_assignment(&text[at + 2..]) => return at + 2,
            Some(_) => from = at + 1,
        }
    }
    // Never closed: a broken file, of which only this line is taken.
    line_end(0)
}

fn starts_assignment(text: &[u8]) -> bool {
    let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    match line.iter().position(|&byte| byte == b'=') {
        Some(0) => false,
        Some(equals) => line[..equals].iter().all(|&byte| byte != b'"' && byte != b'\''),
        None => text.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integration(json: Value) -> Integration {
        match json {
            Value::Object(fields) => Integration { fields },
            _ => panic!("an object"),
        }
    }

    #[test]
    fn a_list_is_quoted_indexed_and_counted() {
        let nodes = integration(serde_json::json!({
            "id": 1, "masterName": "nodeCluster", "nodes": ["10.0.0.1", "10.0.0.2"], "publicKey": "k"
        }));
        let got: Vec<_> = nodes.variables().into_iter().map(|v| (v.key, v.value)).collect();
        let want = [
            ("NODES", r#"'"10.0.0.1","10.0.0.2"'"#),
            ("NODES_0", "10.0.0.1"),
            ("NODES_1", "10.0.0.2"),
            ("NODES_LEN", "2"),
            ("PUBLICKEY", "k"),
        ];
        assert_eq!(got, want.map(|(k, v)| (k.to_owned(), v.to_owned())));
    }

    #[test]
    fn bookkeeping_has_no_variables() {
        let keys = integration(serde_json::json!({"id": "i", "masterName": "amazonKeys", "accessKey": "A"}));
        assert_eq!(keys.variable("ID"), None);
        assert_eq!(keys.variable("MASTERNAME"), None);
        assert_eq!(keys.variable("ACCESSKEY").as_deref(), Some("A"));
    }

    #[test]
    fn keys_of_an_env_file() {
        for (text, want) in [
            ("a=\"1\"\nb=\"2\"", vec!["a", "b"]),
            ("key=\"-----BEGIN\nMIIB\n  AA==\n-----END\"", vec!["key"]),
            ("key=\"-----BEGIN\nAA==\n-----END\"\nother=\"x\"\n", vec!["key", "other"]),
            ("p=\"a\"b\"\nq=\"c\"", vec!["p", "q"]),
            ("nodes='\"10.0.0.1\",\"10.0.0.2\"'\npublicKey=\"ssh\"", vec!["nodes", "publicKey"]),
            ("id=\"7\"\nmasterName=\"x\"\nurl=\"u\"", vec!["url"]),
            ("plain=1\n\nnoequals\nlast=", vec!["plain", "last"]),
            ("open=\"never\nb=2", vec!["open", "b"]),
            ("", vec![]),
        ] {
            assert_eq!(env_file_keys(text.as_bytes()), want, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_an_env_file(text in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80)) {
            let _ = env_file_keys(&text);
        }

        /// What the platform wrote is read back, whatever the values hold but the end of a value itself.
        #[test]
        fn keys_of_what_the_platform_wrote(
            fields in proptest::collection::vec(("[A-Zj-z_][A-Za-z0-9_ ]{0,6}[a-z]", "[ -!#-~\n=]{0,12}"), 0..6)
        ) {
            let lines: Vec<String> = fields.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
            let keys: Vec<String> = fields.into_iter().map(|(key, _)| key).collect();
            proptest::prop_assert_eq!(env_file_keys(lines.join("\n").as_bytes()), keys);
        }
    }
}
