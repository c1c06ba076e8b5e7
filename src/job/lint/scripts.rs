//! Entries of tasks and hooks, and the environment of tasks.

use super::{Findings, fields};
use crate::config::shippable::{Job, Pipeline, Script, Task};
use crate::config::yaml::{Node, Place};

/// Where the platform had the job directory in a container.
const BUILD: &str = "/build/";

pub(super) fn check(pipeline: &Pipeline, job: &Job, findings: &mut Findings) {
    for (at, text) in old_paths(pipeline, job) {
        findings.warning("build-path", &at, &job.name, text);
    }
    for task in job.tasks() {
        check_env(job, task, findings);
    }
    if let Some(script) = job.hooks.on_start.scripts.first() {
        let text = format!("on_start of {} has a script, which is never run: make it the first TASK", job.name);
        findings.warning("script-not-run", &script.at, &job.name, text);
    }
}

/// Where the scripts of a job name the folder that the platform had the job directory in, and what to write instead.
pub fn old_paths(pipeline: &Pipeline, job: &Job) -> Vec<(Place, String)> {
    let hooks = &job.hooks;
    let of_hooks = [&hooks.on_start, &hooks.on_success, &hooks.on_failure, &hooks.on_cancel, &hooks.always];
    let scripts = job.tasks().flat_map(|task| &task.scripts).chain(of_hooks.into_iter().flat_map(|hook| &hook.scripts));
    let found = scripts.flat_map(|script| build_paths(pipeline, script));
    let told = |(at, path): (Place, String)| {
        let below = path.trim_start_matches(BUILD);
        (at, format!("{path} is where the platform had the job directory: write ${{JOB_PATH}}/{below}"))
    };
    found.map(told).collect()
}

/// `/build/…` as a path of its own, not the end of another, with the place of each.
fn build_paths(pipeline: &Pipeline, script: &Script) -> Vec<(Place, String)> {
    let source = pipeline.sources.iter().find(|(file, _)| **file == *script.at.file).map(|(_, text)| text.as_str());
    let mut found = Vec::new();
    for (nth, (index, _)) in script.text.match_indices(BUILD).enumerate() {
        let before = script.text[..index].chars().next_back();
        if before.is_some_and(|letter| letter.is_alphanumeric() || "_-.}/~)*?\\".contains(letter)) {
            continue;
        }
        let end = |letter: char| letter.is_whitespace() || "\"'`;|&<>()".contains(letter);
        let rest = &script.text[index..];
        let path = &rest[..rest.find(end).unwrap_or(rest.len())];
        let at = source.and_then(|source| nth_place(source, &script.at, nth)).unwrap_or_else(|| script.at.clone());
        found.push((at, path.to_owned()));
    }
    found
}

/// Where the nth `/build/` from a place on is written: blocks and quotes spell a script in many ways, yet all keep it.
fn nth_place(source: &str, from: &Place, nth: usize) -> Option<Place> {
    let mut left = nth;
    for (index, line) in source.lines().enumerate().skip(from.line - 1) {
        let start = if index + 1 == from.line { from.column - 1 } else { 0 };
        for (at, _) in line.match_indices(BUILD) {
            let column = line[..at].chars().count() + 1;
            if column <= start {
                continue;
            }
            if left == 0 {
                return Some(Place { file: from.file.clone(), line: index + 1, column });
            }
            left -= 1;
        }
    }
    None
}

/// `runtime.options.env`: a map, or a list of maps.
fn check_env(job: &Job, task: &Task, findings: &mut Findings) {
    for (key, value) in task.env().into_iter().flat_map(Node::members) {
        if key.text == crate::job::params::SECURE {
            fields::check_secure(value, &job.name, findings);
            fields::check_references(value, &job.name, findings);
            for (key, _) in value.members() {
                fields::check_variable(key, "env of the TASK", &job.name, findings);
            }
        } else {
            fields::check_variable(key, "env of the TASK", &job.name, findings);
        }
    }
}
