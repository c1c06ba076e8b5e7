//! Entries by themselves: types, what a resource needs, params and their secrets.

use super::Findings;
use crate::config::integrations::Reference;
use crate::config::shippable::{Dependency, JOB_TYPES, Pipeline, RESOURCE_TYPES, Resource};
use crate::config::yaml::{Key, Node, Place, Value};
use crate::job::directory::Operation;
use crate::job::names::{self, did_you_mean};
use crate::job::params::SECURE;

/// Where both spellings have what a version is made of.
const SECTIONS: [&str; 4] = ["pointer", "seed", "version", "versionTemplate"];

/// What a resource is of no use without.
const NEEDED: [(&str, &str); 6] = [
    ("gitRepo", "sourceName"),
    ("syncRepo", "sourceName"),
    ("ciRepo", "sourceName"),
    ("image", "sourceName"),
    ("file", "sourceName"),
    ("params", "params"),
];

/// Variables that come after raw params, so that these are lost.
const OWN: [&str; 31] = [
    "RESOURCE_ID",
    "BUILD_ID",
    "BUILD_NUMBER",
    "BUILD_JOB_ID",
    "BUILD_JOB_NUMBER",
    "SUBSCRIPTION_ID",
    "JOB_NAME",
    "JOB_TYPE",
    "JOB_PATH",
    "JOB_STATE",
    "JOB_PREVIOUS_STATE",
    "JOB_INTEGRATIONS",
    "JOB_MESSAGE",
    "JOB_TRIGGERED_BY_NAME",
    "JOB_TRIGGERED_BY_ID",
    "JOB_TRIGGERED_BY_USER",
    "SHARED_DIR",
    "BUILD_DIR",
    "BUILD_SECRETS_DIR",
    "SUBSCRIPTION_PRIVATE_KEY",
    "SHIPPABLE_INTEGRATION_ENVS_PATH",
    "SHIPPABLE_AMI_VERSION",
    "SHIPPABLE_WWW_URL",
    "BUILD_URL",
    "SHIPPABLE_NODE_ARCHITECTURE",
    "SHIPPABLE_NODE_OPERATING_SYSTEM",
    "TASK_NAME",
    "TASK_IN_CONTAINER",
    "IS_RESTRICTED_NODE",
    "TASK_CONTAINER_OPTIONS",
    "TASK_CONTAINER_IMAGE",
];

pub(super) fn check(pipeline: &Pipeline, findings: &mut Findings) {
    for job in &pipeline.jobs {
        check_type(&job.kind, &job.name, &job.yml, ("job", &JOB_TYPES), ("resources:", &RESOURCE_TYPES), findings);
    }
    for resource in &pipeline.resources {
        let (name, kind) = (&resource.name, &resource.kind);
        check_type(kind, name, &resource.yml, ("resource", &RESOURCE_TYPES), ("jobs:", &JOB_TYPES), findings);
        check_needed(pipeline, resource, findings);
        for params in SECTIONS.iter().filter_map(|section| resource.yml.get(section)?.get("params")) {
            check_params(pipeline, resource, params, findings);
        }
    }
}

fn check_type(
    kind: &str,
    name: &str,
    yml: &Node,
    (what, known): (&str, &[&str]),
    (elsewhere, others): (&str, &[&str]),
    findings: &mut Findings,
) {
    if known.contains(&kind) {
        return;
    }
    let at = yml.get("type").map_or(&yml.at, |node| &node.at);
    let text = if others.contains(&kind) {
        format!("{name}: {kind} is no type of a {what}: move it below {elsewhere}")
    } else {
        let near = did_you_mean(kind, known.iter().copied());
        format!("{name}: {kind} is no type of a {what}: write one of {}{near}", known.join(", "))
    };
    findings.error("unknown-type", at, name, text);
}

fn check_needed(pipeline: &Pipeline, resource: &Resource, findings: &mut Findings) {
    let Resource { name, kind, yml, .. } = resource;
    if matches!(kind.as_str(), "integration" | "cliConfig") && resource.integration.is_none() {
        let text = format!("{name}: a resource of type {kind} needs an integration: add `integration: NAME`");
        findings.error("missing-field", &yml.at, name, text);
    }
    // Params that are only an output get theirs from the job.
    let is_input = |step: &Dependency| step.operation == Operation::In && step.name == *name;
    if kind == "params" && !pipeline.jobs.iter().any(|job| job.dependencies().any(is_input)) {
        return;
    }
    for (_, field) in NEEDED.iter().filter(|(needing, _)| needing == kind) {
        let has = |section: &&Node| section.get(field).is_some_and(|value| !value.is_null());
        if !SECTIONS.iter().filter_map(|section| yml.get(section)).any(|section| has(&section)) {
            let text = format!("{name}: a resource of type {kind} needs {field}: add it below versionTemplate:");
            findings.error("missing-field", &yml.at, name, text);
        }
    }
}

fn check_params(pipeline: &Pipeline, resource: &Resource, params: &Node, findings: &mut Findings) {
    let name = &resource.name;
    if !matches!(params.value, Value::Map(_)) && !params.is_null() {
        let text = format!("params: of {name} is {}, not a map: write `KEY: value` below it", params.kind());
        findings.error("wrong-kind", &params.at, name, text);
    }
    for (key, value) in params.members() {
        if key.text == SECURE {
            check_secure(value, name, findings);
            check_references(value, name, findings);
            for (key, _) in value.members() {
                check_param(pipeline, key, name, findings);
            }
        } else {
            check_param(pipeline, key, name, findings);
        }
    }
}

fn check_param(pipeline: &Pipeline, key: &Key, name: &str, findings: &mut Findings) {
    check_variable(key, &format!("params of {name}"), name, findings);
    let variable = names::sanitize(key.text.as_bytes());
    if let Some(job) = overriding(pipeline, &variable, name) {
        let text = format!(
            "{} of {name} is lost as a variable of its own, for {job} sets {variable} later: rename it, or read it as {}_PARAMS_{}",
            key.text,
            names::prefix(name.as_bytes()),
            names::key(key.text.as_bytes())
        );
        findings.warning("shadowed-param", &key.at, name, text);
    }
}

/// What sets the same variable later: the job, or a dependency of a job that takes in these params.
fn overriding(pipeline: &Pipeline, variable: &str, params: &str) -> Option<String> {
    const SUFFIXES: [&str; 6] = ["NAME", "TYPE", "PATH", "STATE", "PREVIOUS_STATE", "INTEGRATIONS"];
    const OF_RESOURCES: [&str; 11] = [
        "PATH",
        "META",
        "STATE",
        "NAME",
        "TYPE",
        "OPERATION",
        "ID",
        "VERSIONNAME",
        "VERSIONNUMBER",
        "VERSIONID",
        "SOURCENAME",
    ];
    if OWN.contains(&variable) {
        return Some("the job".to_owned());
    }
    let is_of = |name: &str, suffixes: &[&str]| {
        let prefix = names::prefix(name.as_bytes());
        let suffix = variable.strip_prefix(prefix.as_str()).and_then(|rest| rest.strip_prefix('_'));
        suffix.is_some_and(|suffix| suffixes.contains(&suffix))
    };
    let jobs = pipeline.jobs.iter().filter(|job| job.dependencies().any(|dependency| dependency.name == params));
    for job in jobs {
        if is_of(&job.name, &SUFFIXES) {
            return Some(format!("the job {}", job.name));
        }
        if let Some(found) = job.dependencies().find(|dependency| is_of(&dependency.name, &OF_RESOURCES)) {
            return Some(format!("{} of {}", found.name, job.name));
        }
    }
    None
}

/// A key that becomes a variable as it is, what a name cannot have left out.
pub(super) fn check_variable(key: &Key, of: &str, entry: &str, findings: &mut Findings) {
    let becomes = names::sanitize(key.text.as_bytes());
    let is_name = becomes.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if is_name && becomes == key.text {
        return;
    }
    let what = if is_name { format!("becomes {becomes}") } else { "is left out".to_owned() };
    let text = format!(
        "{:?} in {of} is no name of a variable and {what}: rename it with letters, digits and _ alone",
        key.text
    );
    findings.warning("invalid-variable", &key.at, entry, text);
}

/// Values of `secure` that a run would refuse. None is shown.
pub(super) fn check_references(secure: &Node, entry: &str, findings: &mut Findings) {
    for (key, value) in secure.members() {
        let is_reference = value.as_text().and_then(Reference::of).is_some();
        if is_reference || value.scalar().as_deref().is_some_and(is_ciphertext) {
            continue;
        }
        let name = &key.text;
        let text = format!(
            "secure.{name} of {entry} is no reference, without which no job gets it: write `{name}: env:{name}`, \
             file:PATH or exec:COMMAND"
        );
        findings.error("secure-reference", &value.at, entry, text);
    }
}

/// What the platform encrypted can be decrypted nowhere. The value itself is not shown.
pub(super) fn check_secure(node: &Node, entry: &str, findings: &mut Findings) {
    match &node.value {
        Value::Null => {}
        Value::List(elements) => elements.iter().for_each(|element| check_secure(element, entry, findings)),
        Value::Map(members) => {
            for (key, value) in members {
                if value.scalar().as_deref().is_some_and(is_ciphertext) {
                    refuse(&value.at, entry, &key.text, findings);
                }
            }
        }
        _ => match node.scalar() {
            Some(text) if !is_base64(&text) => {
                let text = format!(
                    "secure: of {entry} has its values in clear text: write `secure: {{NAME: env:NAME}}`, a line for \
                     each variable, and change what was readable here"
                );
                findings.warning("clear-secret", &node.at, entry, text);
            }
            _ => refuse(&node.at, entry, "NAME", findings),
        },
    }
}

fn refuse(at: &Place, entry: &str, name: &str, findings: &mut Findings) {
    let text = format!(
        "secure: of {entry} has a text that was encrypted for the platform and cannot be decrypted any more: write \
         `secure: {{{name}: env:{name}}}`, a line for each variable that was in it"
    );
    findings.error("secure-ciphertext", at, entry, text);
}

/// Long base64, as the platform's `encrypt` printed it.
fn is_ciphertext(text: &str) -> bool {
    text.trim().len() >= 88 && is_base64(text)
}

fn is_base64(text: &str) -> bool {
    let digits = text.trim().trim_end_matches('=');
    digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/') || byte.is_ascii_whitespace())
        && !digits.trim().contains(' ')
}
