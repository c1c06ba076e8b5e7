//! What is wrong with a pipeline, or likely not meant as it is written: each with its place and a stable rule.

mod fields; // of resources: types, what they need, params, secrets
mod format; // for people, programs and GitHub
mod integrations; // the integrations' own file
mod keys; // slips of keys
mod names; // names that collide
mod scripts; // entries of tasks and hooks
mod steps; // what a step refers to, and its options

use std::fmt;

use crate::config::shippable::{Pipeline, Problem};
use crate::config::yaml::Place;

pub use format::{github, json, text};
pub use integrations::check_integrations;
pub use scripts::old_paths;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The job cannot run, or not as it is written.
    Error,
    /// Likely not meant.
    Warning,
}

impl Severity {
    /// In one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Something found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub at: Place,
    /// How bad.
    pub severity: Severity,
    /// What kind: words with hyphens, stable.
    pub rule: &'static str,
    /// The job or resource it is in, when it is in one.
    pub entry: Option<String>,
    /// The thing, the cause and the cure.
    pub message: String,
}

/// Findings on their way.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn error(&mut self, rule: &'static str, at: &Place, entry: &str, message: impl fmt::Display) {
        self.add(Severity::Error, rule, at, entry, message);
    }

    fn warning(&mut self, rule: &'static str, at: &Place, entry: &str, message: impl fmt::Display) {
        self.add(Severity::Warning, rule, at, entry, message);
    }

    fn add(&mut self, severity: Severity, rule: &'static str, at: &Place, entry: &str, message: impl fmt::Display) {
        let entry = Some(entry.to_owned()).filter(|entry| !entry.is_empty());
        self.0.push(Finding { at: at.clone(), severity, rule, entry, message: message.to_string() });
    }
}

/// Everything found in a pipeline, by file and line.
pub fn check(pipeline: &Pipeline) -> Vec<Finding> {
    let of = |severity| {
        move |problem: &Problem| Finding {
            at: problem.at.clone(),
            severity,
            rule: problem.rule,
            entry: problem.entry.clone(),
            message: problem.text.clone(),
        }
    };
    let problems = pipeline.problems.iter().map(of(Severity::Error));
    let remarks = pipeline.remarks.iter().map(of(Severity::Warning));
    let mut findings = Findings(problems.chain(remarks).collect());
    fields::check(pipeline, &mut findings);
    keys::check_sections(pipeline, &mut findings);
    pipeline.resources.iter().for_each(|resource| keys::check_resource(resource, &mut findings));
    for job in &pipeline.jobs {
        scripts::check(pipeline, job, &mut findings);
        keys::check_job(job, &mut findings);
        names::check_job(job, &mut findings);
        // What is in a file that could not be read is not missing.
        if !pipeline.is_incomplete {
            steps::check(pipeline, job, &mut findings);
        }
    }
    names::check_integration_names(pipeline, &mut findings);
    sorted(pipeline, findings.0)
}

/// By the order of the files, then by line; what templates bring to several jobs is said once.
pub fn sorted(pipeline: &Pipeline, mut findings: Vec<Finding>) -> Vec<Finding> {
    let file = |finding: &Finding| pipeline.files.iter().position(|file| **file == *finding.at.file);
    let rank = |finding: &Finding| file(finding).unwrap_or(usize::MAX);
    findings.sort_by(|a, b| {
        (rank(a), &a.at, a.severity, a.rule, &a.message).cmp(&(rank(b), &b.at, b.severity, b.rule, &b.message))
    });
    findings.dedup_by(|a, b| (&a.at, a.rule, &a.message) == (&b.at, b.rule, &b.message));
    findings
}

#[cfg(test)]
mod tests;
