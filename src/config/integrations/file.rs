//! The file of integrations: its entries, checked against their types.

use std::path::Path;

use crate::config::yaml::{Key, Node, Place, Reader, Value};
use crate::error::{Error, Kind};
use crate::job::integration_types::{self, Field, IntegrationType};
use crate::job::names;

/// One integration as it is written.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) at: Place,
    pub(super) master_name: Option<String>,
    pub(super) fields: Vec<(Key, Node)>,
}

impl Entry {
    /// The members that the user named, of a keyValuePair: those under `envs`, and those beside it.
    pub(super) fn pairs(&self) -> impl Iterator<Item = &(Key, Node)> {
        let beside = self.fields.iter().filter(|(key, node)| !is_envs(key, node));
        let under = self.fields.iter().filter(|(key, node)| is_envs(key, node));
        under.flat_map(|(_, node)| node.members()).chain(beside)
    }
}

fn is_envs(key: &Key, node: &Node) -> bool {
    key.text == "envs" && matches!(node.value, Value::Map(_))
}

/// Reads a file, YAML or JSON; everything that is wrong with it is one message.
pub(super) fn read(path: &Path) -> Result<Vec<Entry>, Error> {
    let configuration = |error: Error| error.with_kind(Kind::Configuration);
    let text = std::fs::read_to_string(path).map_err(|error| configuration(Error::io("read", path, &error)))?;
    let mut reader = Reader::default();
    let root = reader.read(path, &text).map_err(|error| without_value(&error))?;
    let mut problems: Vec<String> = Vec::new();
    // What a number would become is not said: it may be a password.
    problems.extend(
        reader.remarks.iter().map(|remark| format!("{}: a number that would change: put it in quotes", remark.at)),
    );
    let root = root.get("integrations").unwrap_or(&root);
    let entries = match &root.value {
        Value::Null => Vec::new(),
        Value::Map(members) => members.iter().filter_map(|(key, node)| named(key, node, &mut problems)).collect(),
        Value::List(elements) => elements.iter().filter_map(|node| listed(node, &mut problems)).collect(),
        _ => {
            problems.push(format!(
                "{}: {} instead of integrations: write NAME: {{type: TYPE, …}}",
                root.at,
                root.kind()
            ));
            Vec::new()
        }
    };
    let mut seen: Vec<&Entry> = Vec::new();
    for entry in &entries {
        if let Some(first) = seen.iter().find(|known| known.name == entry.name) {
            problems.push(format!("{}: {} is there twice, first in line {}", entry.at, entry.name, first.at.line));
        }
        seen.push(entry);
        check(entry, &mut problems);
    }
    if problems.is_empty() { Ok(entries) } else { Err(Error::new(Kind::Configuration, problems.join("; "))) }
}

/// A value that begins with `*` is an alias to YAML, whose name the message would tell.
fn without_value(error: &Error) -> Error {
    let text = error.to_string();
    let text = match text.split_once("no anchor &") {
        Some((place, _)) => format!("{place}an alias of no anchor: put a value that begins with * in quotes"),
        None => text,
    };
    Error::new(Kind::Configuration, text)
}

fn named(key: &Key, node: &Node, problems: &mut Vec<String>) -> Option<Entry> {
    let entry = entry(key.text.clone(), key.at.clone(), node);
    if entry.is_none() {
        problems.push(format!("{}: {} is {}: write {{type: TYPE, FIELD: VALUE}}", key.at, key.text, node.kind()));
    }
    entry
}

fn listed(node: &Node, problems: &mut Vec<String>) -> Option<Entry> {
    let name = node.get("name").and_then(Node::scalar);
    let mut found = name.and_then(|name| entry(name, node.at.clone(), node));
    match &mut found {
        Some(entry) => entry.fields.retain(|(key, _)| key.text != "name"),
        None => problems.push(format!("{}: an integration without a name: add name: NAME", node.at)),
    }
    found
}

fn entry(name: String, at: Place, node: &Node) -> Option<Entry> {
    let Value::Map(members) = &node.value else { return None };
    let is_type = |key: &Key| key.text == "type" || key.text == "masterName";
    let master_name = members.iter().find(|(key, _)| is_type(key)).and_then(|(_, node)| node.scalar());
    let fields = members.iter().filter(|(key, _)| !is_type(key)).cloned().collect();
    Some(Entry { name, at, master_name, fields })
}

fn check(entry: &Entry, problems: &mut Vec<String>) {
    let Some(master_name) = &entry.master_name else { return };
    match integration_types::of(master_name) {
        Some(kind) => check_fields(entry, kind, problems),
        None => problems.push(format!("{}: {}: {}", entry.at, entry.name, unknown_type(master_name))),
    }
}

/// The words for a type that nobody knows.
pub(super) fn unknown_type(name: &str) -> String {
    format!("there is no type {name}{}", names::did_you_mean(name, integration_types::all_names()))
}

/// The words for a field that a type does not have.
pub(super) fn unknown_field(kind: &IntegrationType, master_name: &str, field: &str) -> String {
    let near = names::did_you_mean(field, kind.fields.iter().map(|field| field.name));
    let known: Vec<&str> = kind.fields.iter().map(|field| field.name).collect();
    let near = if near.is_empty() { format!("; it has {}", known.join(", ")) } else { near };
    format!("{master_name} has no field {field}{near}")
}

/// What the fields of an entry have wrong, as seen by a type.
pub(super) fn check_fields(entry: &Entry, kind: &'static IntegrationType, problems: &mut Vec<String>) {
    let mut wrong = |at: &Place, what: String| problems.push(format!("{at}: {}: {what}", entry.name));
    if kind.is_key_value_pair() {
        for (key, node) in entry.pairs() {
            if matches!(node.value, Value::List(_) | Value::Map(_)) {
                wrong(&node.at, format!("{} is {}: a variable holds a text", key.text, node.kind()));
            }
        }
        return;
    }
    for (key, node) in &entry.fields {
        match kind.field(&key.text) {
            None => wrong(&key.at, unknown_field(kind, entry.master_name.as_deref().unwrap_or(kind.name), &key.text)),
            Some(field) if !fits(field, node) => {
                let wanted = if field.list { "a list of texts" } else { "a text: quote it, or write |" };
                wrong(&node.at, format!("{} is {} instead of {wanted}", key.text, node.kind()));
            }
            Some(_) => {}
        }
    }
}

fn fits(field: &Field, node: &Node) -> bool {
    let single = |node: &Node| !matches!(node.value, Value::List(_) | Value::Map(_));
    match &node.value {
        Value::List(elements) => {
            field.list && elements.iter().all(|one| single(one) || one.members().iter().all(|(_, value)| single(value)))
        }
        Value::Map(_) => false,
        _ => true,
    }
}
