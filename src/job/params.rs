//! `params` resources: the variables of their values, and the text of `secure`.

use serde_json::Value;

use crate::job::integration::scalar_text;
use crate::job::names;

/// The key whose value is a text of many pairs.
pub const SECURE: &str = "secure";

/// The variables of a `params` object, in order: the key as spelled, and the value. A text under `secure` gives one
/// per pair in it; a later pair of the same text wins. Containers are compact JSON.
pub fn variables(params: &serde_json::Map<String, Value>) -> Vec<(String, String)> {
    variables_as(params, false)
}

/// [`variables`]; with `compat`, containers have a backslash before each space, as on the platform, though that is no
/// JSON.
pub fn variables_as(params: &serde_json::Map<String, Value>, compat: bool) -> Vec<(String, String)> {
    let mut variables = Vec::new();
    for (key, value) in params {
        match value {
            Value::String(text) if key == SECURE => variables.extend(parse_secure(text)),
            // `secure: {K: ref}`, whose references are resolved before they reach the job directory.
            Value::Object(members) if key == SECURE => {
                variables.extend(members.iter().map(|(key, value)| (key.clone(), scalar_text(value))));
            }
            Value::Array(_) | Value::Object(_) if compat => {
                variables.push((key.clone(), scalar_text(value).replace(' ', "\\ ")));
            }
            other => variables.push((key.clone(), scalar_text(other))),
        }
    }
    variables
}

/// The value of one parameter, its name compared as it appears in variables; the last such one wins.
pub fn value(params: &serde_json::Map<String, Value>, name: &[u8]) -> Option<String> {
    let wanted = names::key(name);
    let found = variables(params).into_iter().rev().find(|(key, _)| names::key(key.as_bytes()) == wanted);
    found.map(|(_, value)| value)
}

/// The pairs of a `secure` text, by the state machine of the platform: a key is everything up to `=`; a value is
/// quoted when it starts with a quote, or when a `=` in it is followed by one; `\` protects the next byte and stays;
/// a blank outside quotes ends the value, a newline does not; one pair of double quotes around the whole is removed.
pub fn parse_secure(text: &str) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut rest = text;
    while let Some((key, after)) = rest.split_once('=') {
        let length = secure_value_length(after);
        let value = &after[..length];
        rest = after.get(length + 1..).unwrap_or_default();
        let value = value.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(value);
        pairs.retain(|(known, _)| known != key);
        pairs.push((key.to_owned(), value.to_owned()));
    }
    pairs
}

/// Whether a `secure` text is one that the platform encrypted: long base64. Pairs would have a `=` inside.
pub fn is_ciphertext(text: &str) -> bool {
    let joined: String = text.split_ascii_whitespace().collect();
    let body = joined.trim_end_matches('=');
    body.len() >= 40 && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte))
}

/// How many bytes of `text` the value takes; the blank that ends it comes next.
fn secure_value_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut quote = None;
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        match (byte, quote) {
            (b'\\', _) => at += 1,
            (b'"' | b'\'', None) if at == 0 || bytes[at - 1] == b'=' => quote = Some(byte),
            (_, Some(open)) if byte == open => quote = None,
            (b' ', None) => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secure_texts_of_the_contract() {
        let table: &[(&str, &[(&str, &str)])] = &[
            ("A=1 B=2", &[("A", "1"), ("B", "2")]),
            ("A=1  B=2", &[("A", "1"), (" B", "2")]),
            ("A=\"x y\" B=3", &[("A", "x y"), ("B", "3")]),
            ("A=1\nB=2", &[("A", "1\nB=2")]),
            ("A='x y'", &[("A", "'x y'")]),
            ("NOEQ", &[]),
            ("A=a=b", &[("A", "a=b")]),
            ("A=\"open B=2", &[("A", "\"open B=2")]),
            ("A=-Dk=\"v w\" B=1", &[("A", "-Dk=\"v w\""), ("B", "1")]),
            ("A=a\\ b B=1", &[("A", "a\\ b"), ("B", "1")]),
            ("A=\"a\\\"b\" B=1", &[("A", "a\\\"b"), ("B", "1")]),
            ("A= B=1", &[("A", ""), ("B", "1")]),
            ("A=1 A=2", &[("A", "2")]),
        ];
        for (text, want) in table {
            let want: Vec<_> = want.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            assert_eq!(parse_secure(text), want, "{text:?}");
        }
    }

    #[test]
    fn values_by_kind() {
        let params = serde_json::json!({
            "ENV": "prod", "PORT": 8080, "ON": true, "NIL": null, "L": ["x", "y z"], "secure": "TOKEN=abc DBPW=\"x y\""
        });
        let got = variables(params.as_object().unwrap());
        let want = [
            ("ENV", "prod"),
            ("PORT", "8080"),
            ("ON", "true"),
            ("NIL", ""),
            ("L", r#"["x","y z"]"#),
            ("TOKEN", "abc"),
            ("DBPW", "x y"),
        ];
        assert_eq!(got, want.map(|(k, v)| (k.to_owned(), v.to_owned())));
        let quirk = variables_as(params.as_object().unwrap(), true).into_iter().find(|(key, _)| key == "L");
        assert_eq!(quirk.unwrap().1, r#"["x","y\ z"]"#);
        assert_eq!(value(params.as_object().unwrap(), b"token").as_deref(), Some("abc"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed(text in "[ -~\n=\"'\\\\é]{0,40}") {
            let _ = parse_secure(&text);
        }
    }
}
