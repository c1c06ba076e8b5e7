//! What can be told of integrations without one of their values: for `job lint`, which runs no command and reads no
//! secret.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;

use super::file::{self, Entry};
use super::{Integrations, PREFIX, TYPE, fitting};
use crate::config::yaml::{Place, Refusal, Value};
use crate::ctx::Env;
use crate::error::Error;
use crate::job::integration_types::{self, Field, IntegrationType};
use crate::job::names;

impl Integrations {
    /// Reads a file as [`load`](Integrations::load) does, and gives what is wrong with it apart.
    ///
    /// # Errors
    ///
    /// [`crate::error::Kind::Configuration`]: the file cannot be read at all.
    pub fn inspect(env: &Env, file: &Path) -> Result<(Self, Vec<Refusal>), Error> {
        let inspected = file::inspect(file)?;
        let problems = inspected.all_problems();
        Ok((Self::of(env, Some(file), inspected.entries), problems))
    }

    /// What is wrong with the integrations of the file that are not among those `used`, one line each.
    pub fn wrong_elsewhere(&self, used: impl Fn(&str) -> bool) -> Vec<String> {
        let others = self.entries.iter().filter(|entry| !used(&entry.name));
        others.flat_map(|entry| &entry.wrong).map(ToString::to_string).collect()
    }

    /// What an integration of the file, or one that the yml uses at a place, lacks or has too much. What
    /// [`inspect`](Integrations::inspect) gave is not repeated.
    pub fn lint(&self, name: &str, used_at: Option<&Place>, all_used: &[&str]) -> Vec<Refusal> {
        let wanted: BTreeSet<&str> = all_used.iter().copied().collect();
        let variables = self.variables_of(name, &wanted);
        let entry = self.entry(name);
        let Some(at) = entry.map(|entry| &entry.at).or(used_at) else { return Vec::new() };
        if entry.is_some_and(|entry| entry.fields.is_empty() && !entry.wrong.is_empty()) {
            // It is no map, which has been told.
            return Vec::new();
        }
        let Some(master_name) = self.master_name(name) else {
            return vec![self.untyped(name, at, entry, &variables)];
        };
        let by_variable = entry.is_none_or(|entry| entry.master_name.as_deref() != Some(&master_name));
        let mut problems = Vec::new();
        let Some(kind) = integration_types::of(&master_name) else {
            if by_variable {
                let text = format!("{name}: {}", file::unknown_type(&master_name));
                problems.push(Refusal::new(at, "unknown-integration-type", text));
            }
            return problems;
        };
        if let Some(entry) = entry.filter(|_| by_variable) {
            file::check_fields(entry, kind, &master_name, &mut problems);
        }
        let lacking: Vec<&str> = lacking(kind, entry, &variables).map(|field| field.name).collect();
        if !lacking.is_empty() {
            let text = format!("{name}: {master_name} needs {}: add what is missing", lacking.join(", "));
            problems.push(Refusal::new(at, "missing-integration-field", text));
        }
        for key in variables.keys().filter(|key| !kind.is_key_value_pair() && kind.field_of_key(key).is_none()) {
            let unknown = file::unknown_field(kind, &master_name, key);
            let text = format!("{name}: {PREFIX}{}_{key}: {unknown}", names::prefix(name.as_bytes()));
            problems.push(Refusal::new(at, "unknown-integration-field", text));
        }
        problems
    }

    /// An integration whose type nobody tells.
    fn untyped(&self, name: &str, at: &Place, entry: Option<&Entry>, variables: &BTreeMap<&str, &OsString>) -> Refusal {
        let variable = format!("{PREFIX}{}_{TYPE}", names::prefix(name.as_bytes()));
        if let Some(entry) = entry {
            let given = entry.fields.iter().map(|(key, _)| names::key(key.text.as_bytes())).collect();
            return Refusal::new(at, "missing-type", format_args!("{name}: no type: add type: {}", fitting(&given)));
        }
        if !variables.is_empty() {
            let given = variables.keys().map(|key| (*key).to_owned()).collect();
            return Refusal::new(at, "missing-type", format_args!("{name}: set {variable} to {}", fitting(&given)));
        }
        let place = self.file.as_deref().unwrap_or(Path::new("the file of integrations"));
        let near = names::did_you_mean(name, self.names());
        let text = format!("integration {name} is not in {}: add it there, or set {variable}{near}", place.display());
        Refusal::new(at, "unknown-integration", text)
    }
}

/// The required fields that neither the file nor a variable gives. A reference counts: nobody looks where it leads.
fn lacking<'a>(
    kind: &'static IntegrationType,
    entry: Option<&'a Entry>,
    variables: &'a BTreeMap<&str, &OsString>,
) -> impl Iterator<Item = &'static Field> + use<'a> {
    let written = move |name: &str| {
        let of = |field: &&Field| field.name == name;
        let fields = entry.into_iter().flat_map(|entry| &entry.fields);
        fields.filter(|(key, _)| kind.field(&key.text).as_ref().is_some_and(of)).any(|(_, node)| is_filled(&node.value))
    };
    let given = move |name: &str| variables.contains_key(names::key(name.as_bytes()).as_str()) || written(name);
    let pairs = entry.into_iter().flat_map(Entry::pairs).any(|(_, node)| !node.is_null()) || !variables.is_empty();
    kind.fields.iter().filter(move |field| {
        let has = if kind.is_key_value_pair() { pairs } else { given(field.name) || field.instead.is_some_and(given) };
        field.required && !has
    })
}

fn is_filled(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Text(text) => !text.is_empty(),
        Value::List(elements) => !elements.is_empty(),
        _ => true,
    }
}
