//! The file of integrations: its entries, checked against their types.

use std::path::Path;

use crate::config::yaml::{Key, Node, Place, Reader, Refusal, Remark, Value};
use crate::error::{Error, Kind};
use crate::job::integration_types::{self, Field, IntegrationType};
use crate::job::names;

/// One integration as it is written.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) at: Place,
    pub(super) master_name: Option<String>,
    pub(super) fields: Vec<(Key, Node)>,
    /// What is wrong with it: of no concern to those who do not use it.
    pub(super) wrong: Vec<Refusal>,
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

/// A file as it was read, and what is wrong with it beside its entries.
pub(super) struct Inspected {
    pub(super) entries: Vec<Entry>,
    pub(super) problems: Vec<Refusal>,
}

impl Inspected {
    /// Everything that is wrong with the file and in it.
    pub(super) fn all_problems(&self) -> Vec<Refusal> {
        let mut all: Vec<Refusal> = self.entries.iter().flat_map(|entry| entry.wrong.clone()).collect();
        all.extend(self.problems.iter().cloned());
        all.sort_by(|a, b| a.at.cmp(&b.at));
        all
    }
}

/// Reads a file, YAML or JSON; everything that is wrong with the file itself is one message.
pub(super) fn read(path: &Path) -> Result<Vec<Entry>, Error> {
    let Inspected { entries, problems } = inspect(path)?;
    if problems.is_empty() {
        return Ok(entries);
    }
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    Err(Error::new(Kind::Configuration, lines.join("; ")))
}

/// Reads a file and gives what is wrong with it apart.
///
/// # Errors
///
/// [`Kind::Configuration`]: a file that cannot be read at all.
pub(super) fn inspect(path: &Path) -> Result<Inspected, Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::io("read", path, &error).with_kind(Kind::Configuration))?;
    let mut reader = Reader::default();
    let root = match reader.read_or_refuse(path, &text) {
        Ok(root) => root,
        Err(refusal) => return Ok(Inspected { entries: Vec::new(), problems: vec![without_value(refusal)] }),
    };
    // What a number would become is not said: it may be a password.
    let changed =
        |remark: &Remark| Refusal::new(&remark.at, "changed-number", "a number that would change: put it in quotes");
    let mut problems: Vec<Refusal> = reader.remarks.iter().map(changed).collect();
    let root = root.get("integrations").unwrap_or(&root);
    let entries = match &root.value {
        Value::Null => Vec::new(),
        Value::Map(members) => members.iter().map(|(key, node)| named(key, node)).collect(),
        Value::List(elements) => elements.iter().filter_map(|node| listed(node, &mut problems)).collect(),
        _ => {
            let text = format!("{} instead of integrations: write NAME: {{type: TYPE, …}}", root.kind());
            problems.push(Refusal::new(&root.at, "wrong-kind", text));
            Vec::new()
        }
    };
    let mut inspected = Inspected { entries, problems: Vec::new() };
    inspected.check();
    for problem in problems {
        inspected.add(problem);
    }
    Ok(inspected)
}

impl Inspected {
    /// Each entry by itself, and names that are there twice, of which the first counts.
    fn check(&mut self) {
        for at in 0..self.entries.len() {
            let (before, rest) = self.entries.split_at_mut(at);
            let Some(entry) = rest.first_mut() else { continue };
            let mut wrong = Vec::new();
            check(entry, &mut wrong);
            entry.wrong.extend(wrong);
            if let Some(first) = before.iter_mut().find(|known| known.name == entry.name) {
                let text = format!("{} is there twice, first in line {}", entry.name, first.at.line);
                first.wrong.push(Refusal::new(&entry.at, "duplicate-key", text));
            }
        }
    }

    /// A problem at a place: that of the entry it stands in.
    fn add(&mut self, problem: Refusal) {
        let is_before = |entry: &&mut Entry| entry.at.file == problem.at.file && entry.at <= problem.at;
        match self.entries.iter_mut().rev().find(is_before) {
            Some(entry) if problem.rule == "changed-number" => entry.wrong.push(problem),
            _ => self.problems.push(problem),
        }
    }
}

/// A value that begins with `*` is an alias to YAML, whose name the message would tell.
fn without_value(refusal: Refusal) -> Refusal {
    if refusal.rule == "unknown-anchor" {
        let text = "an alias of no anchor: put a value that begins with * in quotes";
        return Refusal::new(&refusal.at, refusal.rule, text);
    }
    refusal
}

/// One that is no map is there all the same: it may be one that nobody uses.
fn named(key: &Key, node: &Node) -> Entry {
    entry(key.text.clone(), key.at.clone(), node).unwrap_or_else(|| {
        let text = format!("{} is {}: write {{type: TYPE, FIELD: VALUE}}", key.text, node.kind());
        let wrong = vec![Refusal::new(&key.at, "wrong-kind", text)];
        Entry { name: key.text.clone(), at: key.at.clone(), master_name: None, fields: Vec::new(), wrong }
    })
}

fn listed(node: &Node, problems: &mut Vec<Refusal>) -> Option<Entry> {
    let name = node.get("name").and_then(Node::scalar);
    let mut found = name.and_then(|name| entry(name, node.at.clone(), node));
    match &mut found {
        Some(entry) => entry.fields.retain(|(key, _)| key.text != "name"),
        None => problems.push(Refusal::new(&node.at, "missing-name", "an integration without a name: add name: NAME")),
    }
    found
}

fn entry(name: String, at: Place, node: &Node) -> Option<Entry> {
    let Value::Map(members) = &node.value else { return None };
    let is_type = |key: &Key| key.text == "type" || key.text == "masterName";
    let master_name = members.iter().find(|(key, _)| is_type(key)).and_then(|(_, node)| node.scalar());
    let fields = members.iter().filter(|(key, _)| !is_type(key)).cloned().collect();
    Some(Entry { name, at, master_name, fields, wrong: Vec::new() })
}

fn check(entry: &Entry, problems: &mut Vec<Refusal>) {
    let Some(master_name) = &entry.master_name else { return };
    if let Some(kind) = integration_types::of(master_name) {
        return check_fields(entry, kind, master_name, problems);
    }
    let text = format!("{}: {}", entry.name, unknown_type(master_name));
    problems.push(Refusal::new(&entry.at, "unknown-integration-type", text));
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
pub(super) fn check_fields(
    entry: &Entry,
    kind: &'static IntegrationType,
    master_name: &str,
    problems: &mut Vec<Refusal>,
) {
    let mut wrong = |rule, at: &Place, what: String| {
        problems.push(Refusal::new(at, rule, format_args!("{}: {what}", entry.name)));
    };
    if kind.is_key_value_pair() {
        for (key, node) in entry.pairs() {
            if matches!(node.value, Value::List(_) | Value::Map(_)) {
                wrong("wrong-kind", &node.at, format!("{} is {}: a variable holds a text", key.text, node.kind()));
            }
        }
        return;
    }
    for (key, node) in &entry.fields {
        match kind.field(&key.text) {
            None => wrong("unknown-integration-field", &key.at, unknown_field(kind, master_name, &key.text)),
            Some(field) if !fits(field, node) => {
                let wanted = if field.list { "a list of texts" } else { "a text: quote it, or write |" };
                wrong("wrong-kind", &node.at, format!("{} is {} instead of {wanted}", key.text, node.kind()));
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
