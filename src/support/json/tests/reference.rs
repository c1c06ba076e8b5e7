//! Arbitrary documents, and what jq would find in them by way of an unrelated parser.

use crate::support::json::Step;
use proptest::prelude::*;
use std::fmt::Write as _;

/// A document, with equal keys where they come about.
#[derive(Clone, Debug)]
pub(super) enum Doc {
    Word(&'static str),
    Number(String),
    Text(String),
    Array(Vec<Doc>),
    Object(Vec<(String, Doc)>),
}

pub(super) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => proptest::sample::select(vec!["a", "b", "ab", "key", "a b", "é", ""])
            .prop_map(str::to_owned),
        1 => any::<String>(),
        1 => proptest::collection::vec(
            proptest::sample::select(vec!['"', '\\', '\n', '\u{7f}', '\u{1}', '/', 'x', '\u{1F600}', '\u{FFFD}']),
            0..40,
        ).prop_map(|chars| chars.into_iter().collect()),
    ]
}

pub(super) fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>()
            .prop_filter("finite", |n| n.is_finite())
            .prop_map(|n| format!("{n:e}").replace('e', "e+").replace("+-", "-")),
        proptest::sample::select(vec!["-0", "1.10", "1e+2", "0.5e-3", "12345678901234567890", "0.0"])
            .prop_map(str::to_owned),
    ]
}

pub(super) fn doc() -> impl Strategy<Value = Doc> {
    let leaf = prop_oneof![
        proptest::sample::select(vec!["null", "true", "false"]).prop_map(Doc::Word),
        number().prop_map(Doc::Number),
        text().prop_map(Doc::Text),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Doc::Array),
            proptest::collection::vec((text(), inner), 0..6).prop_map(Doc::Object),
        ]
    })
}

pub(super) fn path() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => text().prop_map(Step::Key),
        2 => (-3i64..4).prop_map(Step::Index),
    ];
    proptest::collection::vec(step, 0..4)
}

/// A path that mostly leads somewhere: each choice picks a member of what is there.
pub(super) fn follow(doc: &Doc, choices: &[usize], steps: &mut Vec<Step>) {
    let Some((choice, rest)) = choices.split_first() else {
        return;
    };
    match doc {
        Doc::Array(values) if !values.is_empty() => {
            let at = choice % values.len();
            let index = if choice % 2 == 0 { at as i64 } else { at as i64 - values.len() as i64 };
            steps.push(Step::Index(index));
            follow(&values[at], rest, steps);
        }
        Doc::Object(entries) if !entries.is_empty() => {
            let at = choice % entries.len();
            steps.push(Step::Key(entries[at].0.clone()));
            follow(&entries[at].1, rest, steps);
        }
        _ => {}
    }
}

/// How a document is written down.
#[derive(Clone, Copy, Debug)]
pub(super) struct Looks {
    space: &'static str,
    escape_all: bool,
}

pub(super) fn looks() -> impl Strategy<Value = Looks> {
    (proptest::sample::select(vec!["", " ", "\n  ", "\t\r\n", "            "]), any::<bool>())
        .prop_map(|(space, escape_all)| Looks { space, escape_all })
}

pub(super) fn write_text(out: &mut String, text: &str, looks: Looks) {
    out.push('"');
    for c in text.chars() {
        if looks.escape_all || c < ' ' || c == '"' || c == '\\' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04X}").unwrap();
            }
        } else {
            out.push(c);
        }
    }
    out.push('"');
}

pub(super) fn write_doc(out: &mut String, doc: &Doc, looks: Looks) {
    let space = looks.space;
    match doc {
        Doc::Word(word) => out.push_str(word),
        Doc::Number(number) => out.push_str(number),
        Doc::Text(text) => write_text(out, text, looks),
        Doc::Array(values) => {
            out.push('[');
            for (i, value) in values.iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                out.push_str(space);
                write_doc(out, value, looks);
                out.push_str(space);
            }
            out.push(']');
        }
        Doc::Object(entries) => {
            out.push('{');
            for (i, (key, value)) in entries.iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                out.push_str(space);
                write_text(out, key, looks);
                write!(out, "{space}:{space}").unwrap();
                write_doc(out, value, looks);
                out.push_str(space);
            }
            out.push('}');
        }
    }
}

pub(super) fn written(doc: &Doc, looks: Looks) -> String {
    let mut out = String::new();
    write_doc(&mut out, doc, looks);
    out
}

/// What jq would find, by way of an unrelated parser; an error is `None`.
pub(super) fn expected(text: &str, path: &[Step]) -> Option<serde_json::Value> {
    use serde_json::Value as V;
    let mut value: V = serde_json::from_str(text).unwrap();
    for step in path {
        value = match (value, step) {
            (V::Null, _) => V::Null,
            (V::Object(map), Step::Key(key)) => map.get(key).cloned().unwrap_or_default(),
            (V::Array(values), Step::Index(i)) => {
                let at = if *i < 0 { *i + values.len() as i64 } else { *i };
                let at = usize::try_from(at).ok();
                at.and_then(|at| values.get(at).cloned()).unwrap_or_default()
            }
            _ => return None,
        };
    }
    Some(value)
}

pub(super) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap().replace('\u{7f}', "\\u007f")
}

pub(super) fn laid_out(value: &serde_json::Value, indent: usize) -> String {
    use serde_json::Value as V;
    let line = |indent| format!("\n{}", "  ".repeat(indent));
    let join = |parts: Vec<String>, ends: [char; 2]| {
        if parts.is_empty() {
            return ends.iter().collect();
        }
        let between = format!(",{}", line(indent + 1));
        format!("{}{}{}{}{}", ends[0], line(indent + 1), parts.join(&between), line(indent), ends[1])
    };
    match value {
        V::String(text) => quoted(text),
        V::Array(values) => join(values.iter().map(|v| laid_out(v, indent + 1)).collect(), ['[', ']']),
        V::Object(map) => {
            let entry = |(k, v): (&String, &V)| format!("{}: {}", quoted(k), laid_out(v, indent + 1));
            join(map.iter().map(entry).collect(), ['{', '}'])
        }
        other => other.to_string(),
    }
}

pub(super) fn printed(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => format!("{text}\n"),
        other => format!("{}\n", laid_out(other, 0)),
    }
}
