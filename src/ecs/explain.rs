//! Why a roll-out failed: one block, from what ECS shows, what containers ended with and what they said last.

mod causes; // causes that are known, and what to do about them
mod gather; // what ECS, the logs and the load balancers say

use std::collections::BTreeMap;
use std::time::SystemTime;

pub use gather::{Subject, find_out};

use super::watch::essence;
use crate::aws::ecs::{Container, Event, Service, Task};

/// Events that are shown, the last ones.
const MOST_EVENTS: usize = 5;

/// What events say that explain nothing: tasks that were started and registered, versions before that were steady.
const UNTELLING: [&str; 6] = [
    "has reached a steady state",
    " deployment completed.",
    ") has started ",
    ") has stopped ",
    ") registered ",
    "rolling back to deployment",
];

/// Different ends of tasks that are shown.
const MOST_ENDS: usize = 5;

/// Lines of a container's log that are shown.
pub const LOG_LINES: usize = 10;

/// What has been found out about a roll-out.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The service as it was seen last.
    pub service: Option<Service>,
    /// The id of our deployment.
    pub deployment: String,
    /// The ARN of our task definition.
    pub task_definition: String,
    /// When it began.
    pub began: Option<SystemTime>,
    /// Tasks of ours that have stopped.
    pub stopped: Vec<Task>,
    /// The last lines of containers, by the container's name.
    pub logs: BTreeMap<String, Vec<String>>,
    /// Targets of load balancers that are not healthy, one line each.
    pub targets: Vec<String>,
    /// Whether it is a one-off task, that no yml describes.
    pub is_one_off: bool,
}

/// Why it failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Explanation {
    /// Lines, the verdict's evidence first.
    pub lines: Vec<String>,
    /// What to do next, for causes that are known.
    pub next: Vec<String>,
}

/// Puts together what has been found.
pub fn explain(evidence: &str, found: &Found) -> Explanation {
    let mut lines = vec![format!("reason: {evidence}")];
    let told = |reason: &&str| {
        !reason.contains(evidence) && ![" in progress.", " completed."].iter().any(|end| reason.ends_with(end))
    };
    if let Some(reason) = rollout_reason(found).filter(told) {
        lines.push(format!("roll-out: {reason}"));
    }
    let events = events(found).into_iter().filter(|event| !evidence.contains(essence(&event.message)));
    lines.extend(events.map(|event| format!("event: {}", event.message)));
    let ends = ends(&found.stopped);
    for (end, count) in ends.iter().take(MOST_ENDS) {
        let tasks = if *count == 1 { "1 task".to_owned() } else { format!("{count} tasks") };
        lines.push(format!("{tasks} stopped: {end}"));
    }
    if ends.len() > MOST_ENDS {
        lines.push(format!("{} more ends of tasks that differ", ends.len() - MOST_ENDS));
    }
    lines.extend(found.targets.iter().map(|target| format!("target: {target}")));
    for (container, said) in &found.logs {
        lines.extend(said.iter().map(|line| format!("{container} said: {line}")));
    }
    let next = causes::next_steps(lines.iter().map(String::as_str), &found.stopped, found.is_one_off);
    Explanation { lines, next }
}

fn rollout_reason(found: &Found) -> Option<&str> {
    let deployments = &found.service.as_ref()?.deployments;
    deployments.iter().find(|one| one.id == found.deployment)?.rollout_reason.as_deref()
}

/// The last events since it began, the oldest first; those that say the same, once.
fn events(found: &Found) -> Vec<&Event> {
    let since = |event: &&Event| found.began.is_none_or(|began| event.at.is_none_or(|at| at >= began));
    let mut events: Vec<&Event> = Vec::new();
    for event in found.service.iter().flat_map(|service| &service.events).filter(since) {
        let explains = UNTELLING.iter().all(|words| !event.message.contains(words));
        if explains && !events.iter().any(|known| known.message == event.message) {
            events.push(event);
        }
        if events.len() == MOST_EVENTS {
            break;
        }
    }
    events.reverse();
    events
}

/// How tasks have ended, the most frequent first.
fn ends(stopped: &[Task]) -> Vec<(String, usize)> {
    let mut ends: Vec<(String, usize)> = Vec::new();
    for task in stopped {
        let end = end(task);
        match ends.iter_mut().find(|(known, _)| *known == end) {
            Some((_, count)) => *count += 1,
            None => ends.push((end, 1)),
        }
    }
    ends.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    ends
}

fn end(task: &Task) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(task.stop_code.clone());
    parts.extend(task.stopped_reason.clone());
    for container in &task.containers {
        if let Some(told) = container_end(container, task.stopped_reason.as_deref()) {
            parts.push(told);
        }
    }
    if parts.is_empty() { "no reason given".to_owned() } else { parts.join("; ") }
}

/// What its task has not said already.
fn container_end(container: &Container, task: Option<&str>) -> Option<String> {
    let code = container.exit_code.map(|code| format!("exit status {code}"));
    let reason = container.reason.clone().filter(|reason| task != Some(reason));
    let told: Vec<String> = code.into_iter().chain(reason).collect();
    (!told.is_empty()).then(|| format!("container {} {}", container.name, told.join(": ")))
}

#[cfg(test)]
mod tests;
