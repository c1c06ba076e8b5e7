//! The fields of one integration, and the files of a job directory that show them.

use std::fmt;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::job::integration::scalar_text;
use crate::job::names;
use crate::support::shell::posix_quote;

/// An integration with its values. `Debug` names the fields and shows no value.
#[derive(Clone, PartialEq)]
pub struct Record {
    /// The name by which the yml refers to it.
    pub name: String,
    /// Its type, as it was given.
    pub master_name: String,
    /// Its fields: texts, lists of texts, and for a keyValuePair one object of texts.
    pub fields: Map<String, Value>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: Vec<&String> = self.fields.keys().collect();
        let mut shown = f.debug_struct("Record");
        shown.field("name", &self.name).field("master_name", &self.master_name).field("fields", &fields);
        shown.finish_non_exhaustive()
    }
}

impl Record {
    /// A field as text, when it is there and not empty.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// The fields as the platform split them: texts, then members of objects, then lists, in which an object stands
    /// for its values.
    pub fn split(&self) -> Map<String, Value> {
        let mut split = Map::new();
        let texts = self.fields.iter().filter(|(_, value)| !value.is_object() && !value.is_array());
        split.extend(texts.map(|(name, value)| (name.clone(), value.clone())));
        for members in self.fields.values().filter_map(Value::as_object) {
            split.extend(members.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        for (name, value) in &self.fields {
            if let Value::Array(elements) = value {
                split.insert(name.clone(), elements.iter().flat_map(values_of).collect());
            }
        }
        split
    }

    /// The content of `integration.json`: compact, id and type first.
    pub fn integration_json(&self) -> String {
        let mut shown = Map::new();
        shown.insert("id".to_owned(), stable_id(&self.name).into());
        shown.insert("masterName".to_owned(), self.master_name.clone().into());
        for (name, value) in self.split() {
            // A variable that the user named like one of the two must not take its place.
            shown.entry(name).or_insert(value);
        }
        Value::Object(shown).to_string()
    }

    /// The content of `integration.env`: what `source` reads back byte for byte. A plain value is in double quotes, as
    /// the platform had all of them. A name that no shell takes is repaired, or left out where nothing of it remains.
    pub fn integration_env(&self) -> Vec<u8> {
        let mut lines = Vec::new();
        for (name, value) in self.split() {
            let name = names::sanitize(name.as_bytes());
            let name = name.trim_start_matches(|c: char| c.is_ascii_digit());
            if name.is_empty() {
                continue;
            }
            let mut line = format!("{name}=").into_bytes();
            match &value {
                Value::Array(elements) => {
                    let quoted: Vec<String> = elements.iter().map(|one| format!("\"{}\"", scalar_text(one))).collect();
                    line.extend(posix_quote(quoted.join(",").as_bytes()));
                }
                other => line.extend(quoted_value(&scalar_text(other))),
            }
            lines.push(line);
        }
        lines.join(&b'\n')
    }
}

/// The number of a name: the same on every machine, and small enough for every reader of JSON.
pub fn stable_id(name: &str) -> u32 {
    let digest = Sha256::digest(name.as_bytes());
    let [a, b, c, d, ..] = <[u8; 32]>::from(digest);
    (u32::from_be_bytes([a, b, c, d]) & 0x7fff_ffff).max(1)
}

/// The single values in a value.
fn values_of(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(elements) => elements.iter().flat_map(values_of).collect(),
        Value::Object(members) => members.values().flat_map(values_of).collect(),
        one => vec![one.clone()],
    }
}

fn quoted_value(text: &str) -> Vec<u8> {
    let is_special = |c: char| c.is_control() || matches!(c, '"' | '\\' | '$' | '`' | '!');
    if text.contains(is_special) { posix_quote(text.as_bytes()) } else { format!("\"{text}\"").into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(master_name: &str, fields: Value) -> Record {
        let Value::Object(fields) = fields else { panic!("an object") };
        Record { name: "n".to_owned(), master_name: master_name.to_owned(), fields }
    }

    #[test]
    fn the_example_of_the_contract() {
        let fields = json!({"nodes": ["10.0.0.1", "10.0.0.2"], "publicKey": "PUBK", "privateKey": "PRVK"});
        let cluster = record("nodeCluster", fields);
        let want = format!(
            r#"{{"id":{},"masterName":"nodeCluster","publicKey":"PUBK","privateKey":"PRVK","nodes":["10.0.0.1","10.0.0.2"]}}"#,
            stable_id("n")
        );
        assert_eq!(cluster.integration_json(), want);
        let want = "publicKey=\"PUBK\"\nprivateKey=\"PRVK\"\nnodes='\"10.0.0.1\",\"10.0.0.2\"'";
        assert_eq!(String::from_utf8(cluster.integration_env()).unwrap(), want);
    }

    #[test]
    fn objects_are_lifted() {
        let pairs = record("keyValuePair", json!({"envs": {"A": "1", "url": "u", "kv-b": "2", "id": "mine"}}));
        let want = format!(r#"{{"id":{},"masterName":"keyValuePair","A":"1","url":"u","kv-b":"2"}}"#, stable_id("n"));
        assert_eq!(pairs.integration_json(), want);
        assert_eq!(pairs.integration_env(), b"A=\"1\"\nurl=\"u\"\nkvb=\"2\"\nid=\"mine\"");
        let listed = record("x", json!({"nodes": [{"ip": "1", "name": "a"}, "2"]}));
        assert!(listed.integration_json().ends_with(r#""nodes":["1","a","2"]}"#));
    }

    #[test]
    fn ids_are_stable() {
        assert_eq!(stable_id("dh"), stable_id("dh"));
        assert_ne!(stable_id("dh"), stable_id("dh2"));
        assert!(i32::try_from(stable_id("anything")).is_ok());
        assert_eq!(stable_id(""), 0x63b0_c442); // the first bytes of sha256 of nothing, without the sign
    }

    #[test]
    fn debug_shows_no_value() {
        let shown = format!("{:?}", record("amazonKeys", json!({"secretKey": "hunter2"})));
        assert!(shown.contains("secretKey") && !shown.contains("hunter2"), "{shown}");
    }

    proptest::proptest! {
        /// What bash reads is what was written, whatever the value.
        #[test]
        fn bash_reads_values_back(value in "[ -~\n\t'\"$`\\\\é]{0,24}") {
            let file = tempfile::NamedTempFile::new().unwrap();
            let record = record("x", json!({"k": value, "l": [value]}));
            std::fs::write(file.path(), record.integration_env()).unwrap();
            let script = "source \"$0\"; printf '%s|' \"$k\" \"$l\"";
            let output = std::process::Command::new("bash").args(["-c", script]).arg(file.path()).output().unwrap();
            proptest::prop_assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{value}|\"{value}\"|"));
        }
    }
}
