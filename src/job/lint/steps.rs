//! What a step refers to, and its options.

use super::Findings;
use super::keys::{IN_OPTIONS, OUT_OPTIONS};
use crate::config::shippable::{Dependency, Job, Pipeline, Step};
use crate::config::yaml::{Node, Value};
use crate::job::directory::Operation;
use crate::job::names::did_you_mean;

const SCOPES: [&str; 5] = ["configure", "ecr", "gcr", "gke", "aks"];

pub(super) fn check(pipeline: &Pipeline, job: &Job, findings: &mut Findings) {
    for step in &job.steps {
        match step {
            Step::Dependency(dependency) => {
                check_name(pipeline, job, dependency, findings);
                check_keys(job, dependency, findings);
                check_options(pipeline, job, dependency, findings);
            }
            Step::Notify(named) => check_notification(pipeline, job, named, findings),
            Step::Task(_) => {}
        }
    }
    let hooks = &job.hooks;
    for hook in [&hooks.on_start, &hooks.on_success, &hooks.on_failure, &hooks.on_cancel, &hooks.always] {
        hook.notify.iter().for_each(|named| check_notification(pipeline, job, named, findings));
    }
}

fn check_notification(
    pipeline: &Pipeline,
    job: &Job,
    named: &crate::config::shippable::Named,
    findings: &mut Findings,
) {
    match pipeline.resource(&named.name) {
        Some(resource) if resource.kind == "notification" => {}
        Some(resource) => {
            let text = format!(
                "NOTIFY: {} is of type {}, and only a notification can be told: name one",
                resource.name, resource.kind
            );
            findings.error("not-a-notification", &named.at, &job.name, text);
        }
        None => {
            let known = pipeline.resources.iter().filter(|resource| resource.kind == "notification");
            let near = did_you_mean(&named.name, known.map(|resource| resource.name.as_str()));
            let text = format!("NOTIFY: {}: no resource of this name: add it below resources:{near}", named.name);
            findings.error("unknown-resource", &named.at, &job.name, text);
        }
    }
}

fn check_name(pipeline: &Pipeline, job: &Job, dependency: &Dependency, findings: &mut Findings) {
    let Dependency { operation, name, at, .. } = dependency;
    let operation = operation.as_str();
    if *name == job.name {
        let text = format!("{operation}: {name} is the job itself: remove the step");
        findings.error("job-of-itself", at, &job.name, text);
        return;
    }
    if !pipeline.names().any(|known| known == name) {
        let near = did_you_mean(name, pipeline.names());
        let text = format!("{operation}: {name}: no resource or job of this name: add it below resources:{near}");
        findings.error("unknown-resource", at, &job.name, text);
        return;
    }
    let earlier = job.dependencies().take_while(|other| !std::ptr::eq(*other, dependency));
    let is_state = pipeline.resource(name).is_some_and(|resource| resource.kind == "state");
    for other in earlier.filter(|other| other.name == *name) {
        if other.operation == dependency.operation {
            let text = format!("{operation}: {name} is there twice, first in line {}: remove one", other.at.line);
            findings.warning("repeated-step", at, &job.name, text);
        } else if !is_state {
            let text = format!(
                "{name} is both IN and OUT of {}, a cycle that the platform allowed a resource of type state alone: its \
                 variables are those of the later step; give the output a name of its own and replicate: {name}",
                job.name
            );
            findings.warning("in-and-out", at, &job.name, text);
        }
    }
}

fn check_keys(job: &Job, dependency: &Dependency, findings: &mut Findings) {
    let (known, other): (&[&str], &[&str]) = match dependency.operation {
        Operation::In => (&IN_OPTIONS, &OUT_OPTIONS),
        Operation::Out => (&OUT_OPTIONS, &IN_OPTIONS),
    };
    let operation = dependency.operation.as_str();
    for (key, _) in dependency.step.members() {
        let word = key.text.as_str();
        if known.contains(&word) {
            continue;
        }
        let text = if other.contains(&word) && !matches!(word, "IN" | "OUT") {
            format!("{word}: has no meaning in an {operation} step: remove it from {operation}: {}", dependency.name)
        } else if matches!(word, "IN" | "OUT" | "TASK" | "NOTIFY") {
            format!("{word}: in the step of {operation}: {}, so only one is done: begin it with a `-`", dependency.name)
        } else {
            let near = did_you_mean(word, known.iter().copied());
            format!("{word}: is no option of an {operation} step and does nothing: remove it{near}")
        };
        findings.warning("unknown-key", &key.at, &job.name, text);
    }
}

fn check_options(pipeline: &Pipeline, job: &Job, dependency: &Dependency, findings: &mut Findings) {
    if let Some(number) = dependency.option("versionNumber") {
        let is_number = number.scalar().is_some_and(|text| text.parse::<u64>().is_ok_and(|number| number > 0));
        if !is_number {
            let text = format!(
                "versionNumber of {} is {}, not a number from 1: for the name of a version write versionName:",
                dependency.name,
                shown(number)
            );
            findings.error("version-number", &number.at, &job.name, text);
        }
    }
    if let Some(name) = dependency.option("versionName").filter(|name| name.scalar().is_none()) {
        let text = format!("versionName of {} is {}, not a text: write one", dependency.name, name.kind());
        findings.error("wrong-kind", &name.at, &job.name, text);
    }
    for scope in one_or_many(dependency.option("scopes")) {
        let word = scope.scalar().unwrap_or_default();
        if !SCOPES.contains(&word.as_str()) {
            let near = did_you_mean(&word, SCOPES);
            let text = format!("scope {} is none of {}{near}", shown(scope), SCOPES.join(", "));
            findings.warning("unknown-scope", &scope.at, &job.name, text);
        }
    }
    for applied in one_or_many(dependency.option("applyTo")) {
        // A loadBalancer names a port too: `{manifest: …, image: …, port: …}`.
        let within = ["manifest", "image"].into_iter().filter_map(|key| applied.get(key));
        let named: Vec<&Node> = if applied.members().is_empty() { vec![applied] } else { within.collect() };
        for named in named {
            let name = named.scalar().unwrap_or_default();
            if !pipeline.names().any(|known| known == name) {
                let near = did_you_mean(&name, pipeline.names());
                let text = format!("applyTo: {}: no resource or job of this name: remove it{near}", shown(named));
                findings.error("unknown-apply-to", &named.at, &job.name, text);
            }
        }
    }
    check_replicate(job, dependency, findings);
}

fn check_replicate(job: &Job, dependency: &Dependency, findings: &mut Findings) {
    let Some(source) = dependency.option("replicate").filter(|_| dependency.operation == Operation::Out) else {
        return;
    };
    let name = source.scalar().unwrap_or_default();
    let inputs = || {
        let inputs = job.dependencies().filter(|other| other.operation == Operation::In);
        inputs.map(|other| other.name.as_str())
    };
    if !inputs().any(|input| input == name) {
        let near = did_you_mean(&name, inputs());
        let text = format!(
            "replicate: {} is no IN of {}, so {} would get no version: add `- IN: {name}` before it{near}",
            shown(source),
            job.name,
            dependency.name
        );
        findings.error("replicate-source", &source.at, &job.name, text);
    }
}

fn one_or_many(node: Option<&Node>) -> Vec<&Node> {
    match node {
        Some(Node { value: Value::List(elements), .. }) => elements.iter().collect(),
        other => other.into_iter().collect(),
    }
}

/// A value as a message shows it.
fn shown(node: &Node) -> String {
    node.scalar().unwrap_or_else(|| node.kind().to_owned())
}
