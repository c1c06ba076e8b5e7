//! The integrations' own file (`name: {type: …, field: …}`), and what a pipeline needs of it.

use std::collections::HashSet;
use std::path::Path;

use super::{Finding, Findings, names, sorted};
use crate::config::shippable::Pipeline;
use crate::config::yaml::{Key, Node, Place, Reader, Value};
use crate::error::Error;
use crate::job::names::did_you_mean;

/// An integration as it is declared. Its values are nobody's business here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Its name.
    pub name: String,
    /// Its type, such as `amazonKeys`.
    pub kind: Option<String>,
    /// The fields that have a value, and where.
    pub fields: Vec<(String, Place)>,
    /// Where it is.
    pub at: Place,
}

/// What is known of the types of integrations.
pub trait FieldTypes {
    /// Every type there is.
    fn types(&self) -> Vec<&str>;
    /// The fields of a type and whether each is required; `None` for no type, and no field for one whose fields the
    /// user names.
    fn fields(&self, kind: &str) -> Option<Vec<(&str, bool)>>;
}

/// Reads a file of integrations, YAML or JSON.
///
/// # Errors
///
/// [`crate::error::Kind::Configuration`]: not YAML, or not a map of maps.
pub fn declared(file: &Path, text: &str) -> Result<Vec<Declared>, Error> {
    let root = Reader::default().read(file, text)?;
    if !matches!(root.value, Value::Map(_) | Value::Null) {
        let text = format!("integrations are {}, not a map: write `name: {{type: …, field: …}}`", root.kind());
        return Err(crate::config::yaml::refused(&root.at, text));
    }
    root.members().iter().map(|(key, node)| one(key, node)).collect()
}

fn one(key: &Key, node: &Node) -> Result<Declared, Error> {
    if !matches!(node.value, Value::Map(_)) {
        let text = format!("{} is {}, not a map: write `{}: {{type: …, field: …}}`", key.text, node.kind(), key.text);
        return Err(crate::config::yaml::refused(&node.at, text));
    }
    let filled = node
        .members()
        .iter()
        .filter(|(field, value)| field.text != "type" && !value.is_null() && value.as_text() != Some(""));
    Ok(Declared {
        name: key.text.clone(),
        kind: node.get("type").and_then(Node::scalar).filter(|kind| !kind.is_empty()),
        fields: filled.map(|(field, _)| (field.text.clone(), field.at.clone())).collect(),
        at: key.at.clone(),
    })
}

/// Integrations that are used and not declared, and declared ones that lack what their type needs.
pub fn check_integrations(pipeline: &Pipeline, declared: &[Declared], types: &dyn FieldTypes) -> Vec<Finding> {
    let mut findings = Findings::default();
    let known = || declared.iter().map(|one| one.name.as_str());
    let mut told = HashSet::new();
    for (named, entry) in names::uses_of_integrations(pipeline) {
        if !known().any(|name| name == named.name) && told.insert(named.name.as_str()) {
            let near = did_you_mean(&named.name, known());
            let text = format!("integration {} is not in the file of integrations: add it there{near}", named.name);
            findings.error("unknown-integration", &named.at, entry, text);
        }
    }
    for one in declared {
        check_fields(one, types, &mut findings);
    }
    check_regions(pipeline, declared, &mut findings);
    sorted(pipeline, findings.0)
}

fn check_fields(one: &Declared, types: &dyn FieldTypes, findings: &mut Findings) {
    let name = &one.name;
    let Some(kind) = &one.kind else {
        let text = format!("integration {name} has no type: add `type:`, such as `type: amazonKeys`");
        return findings.error("missing-type", &one.at, name, text);
    };
    let Some(fields) = types.fields(kind) else {
        let near = did_you_mean(kind, types.types());
        let text = format!("integration {name}: there is no type {kind}: write one of the platform's{near}");
        return findings.error("unknown-integration-type", &one.at, name, text);
    };
    let missing = |field: &&str| !one.fields.iter().any(|(present, _)| present == field);
    let required = fields.iter().filter(|(_, required)| *required).map(|(field, _)| *field);
    let missing: Vec<&str> = required.filter(missing).collect();
    if !missing.is_empty() {
        let text = format!("integration {name} of type {kind} lacks {}: add what it needs", missing.join(", "));
        findings.error("missing-integration-field", &one.at, name, text);
    }
    for (field, at) in &one.fields {
        if !fields.is_empty() && !fields.iter().any(|(known, _)| known == field) {
            let near = did_you_mean(field, fields.iter().map(|(known, _)| *known));
            let text = format!("integration {name}: {field} is no field of type {kind}: rename or remove it{near}");
            findings.warning("unknown-integration-field", at, name, text);
        }
    }
}

/// The CLI of AWS is configured with the region of the resource.
fn check_regions(pipeline: &Pipeline, declared: &[Declared], findings: &mut Findings) {
    for resource in pipeline.resources.iter().filter(|resource| resource.kind == "cliConfig") {
        let Some(integration) = &resource.integration else { continue };
        let kind = declared.iter().find(|one| one.name == integration.name).and_then(|one| one.kind.as_deref());
        let needs = matches!(kind, Some("amazonKeys" | "AWS" | "ECR"));
        if needs && resource.section().1.get("region").is_none_or(serde_json::Value::is_null) {
            let text = format!(
                "{}: a cliConfig of {} ({}) needs region: add it below versionTemplate:",
                resource.name,
                integration.name,
                kind.unwrap_or_default()
            );
            findings.error("missing-field", resource.at(), &resource.name, text);
        }
    }
}
