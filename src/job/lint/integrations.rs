//! The integrations' own file (`name: {type: …, field: …}`), and what a pipeline needs of it.

use std::collections::HashSet;

use super::{Finding, Findings, names, sorted};
use crate::config::integrations::Integrations;
use crate::config::shippable::Pipeline;
use crate::config::yaml::Refusal;

/// Integrations that are used and not there, those that lack what their type needs, and what else is wrong with the
/// file. No value is looked at.
pub fn check_integrations(pipeline: &Pipeline, given: &Integrations, in_file: &[Refusal]) -> Vec<Finding> {
    let mut findings = Findings::default();
    let mut add = |problem: &Refusal, entry: &str| findings.error(problem.rule, &problem.at, entry, &problem.text);
    for problem in in_file {
        add(problem, "");
    }
    // What is in a file that could not be read is not missing.
    if in_file.is_empty() || given.names().next().is_some() {
        let used: Vec<&str> = names::uses_of_integrations(pipeline).map(|(named, _)| named.name.as_str()).collect();
        let mut told = HashSet::new();
        for name in given.names().filter(|name| told.insert((*name).to_owned())) {
            given.lint(name, None, &used).iter().for_each(|problem| add(problem, name));
        }
        for (named, entry) in names::uses_of_integrations(pipeline) {
            if told.insert(named.name.clone()) {
                given.lint(&named.name, Some(&named.at), &used).iter().for_each(|problem| add(problem, entry));
            }
        }
    }
    check_regions(pipeline, given, &mut findings);
    sorted(pipeline, findings.0)
}

/// The CLI of AWS is configured with the region of the resource.
fn check_regions(pipeline: &Pipeline, given: &Integrations, findings: &mut Findings) {
    for resource in pipeline.resources.iter().filter(|resource| resource.kind == "cliConfig") {
        let Some(integration) = &resource.integration else { continue };
        let kind = given.master_name(&integration.name).unwrap_or_default();
        let needs = matches!(kind.as_str(), "amazonKeys" | "AWS" | "ECR");
        if needs && resource.section().1.get("region").is_none_or(serde_json::Value::is_null) {
            let text = format!(
                "{}: a cliConfig of {} ({kind}) needs region: add it below versionTemplate:",
                resource.name, integration.name
            );
            findings.error("missing-field", resource.at(), &resource.name, text);
        }
    }
}
