//! What a deploy job says of itself: how, and how long.

use std::time::Duration;

use super::Method;
use super::field::Findings;
use super::inputs::deploy_name;
use crate::config::shippable::{Job, Named};
use crate::config::yaml::{Node, Value};
use crate::job::names;

/// Seconds that a service may take, where nothing is said, and at most.
const MAX_WAIT: (u64, u64) = (600, 3600);
/// Seconds that a new service has to stay steady.
const STABILITY: (u64, u64) = (0, 300);

/// Their keys.
const KEYS: [&str; 7] = ["steps", "method", "workflow", "maxWaitTime", "stabilityDuration", "deployName", "force"];

/// The settings of a job.
#[derive(Debug)]
pub(super) struct Settings {
    pub method: Method,
    pub parallel: bool,
    pub max_wait: Duration,
    pub stability: Duration,
    pub force: bool,
    pub deploy_name: Option<Named>,
}

impl Settings {
    /// Reads and checks them.
    pub fn of(job: &Job, services: usize, found: &mut Findings) -> Self {
        slips(&job.yml, &job.name, &KEYS, found);
        let option = |key: &str| job.yml.get(key).filter(|node| !node.is_null());
        let methods = [("blueGreen", Method::BlueGreen), ("upgrade", Method::Upgrade), ("replace", Method::Replace)];
        let method = choice("method", option("method"), &methods, found);
        let parallel = choice("workflow", option("workflow"), &[("serial", false), ("parallel", true)], found);
        let max_wait = seconds("maxWaitTime", option("maxWaitTime"), MAX_WAIT, found);
        let mut stability = seconds("stabilityDuration", option("stabilityDuration"), STABILITY, found);
        if let Some(node) = option("stabilityDuration")
            && method != Method::BlueGreen
        {
            found.warn(&node.at, "stabilityDuration has a meaning for the method blueGreen only");
            stability = Duration::ZERO;
        }
        if let Some(task) = job.tasks().find(|task| !task.scripts.is_empty()) {
            found.warn(
                &task.yml.at,
                format_args!("TASK of {} is left out: ECS runs no scripts of a deploy job", job.name),
            );
        }
        let force = option("force").is_some_and(|node| match &node.value {
            Value::Bool(value) => *value,
            Value::Text(text) => text == "true",
            _ => {
                found.error(&node.at, format_args!("force is {}: true or false was expected", node.kind()));
                false
            }
        });
        Self {
            method,
            parallel,
            max_wait,
            stability,
            force,
            deploy_name: deploy_name(option("deployName"), services, found),
        }
    }
}

/// Names keys that are slips of those that mean something. Others are nobody's business.
pub(super) fn slips(node: &Node, of: &str, known: &[&str], found: &mut Findings) {
    for (key, value) in node.members().iter().filter(|(key, _)| !known.contains(&key.text.as_str())) {
        if let Some(near) = names::slip_of(&key.text, known.iter().copied()) {
            found.warn(&value.at, format_args!("{} of {of} is left out; did you mean {near}?", key.text));
        }
    }
}

/// One of several words; the first where nothing is said.
fn choice<T: Copy>(key: &str, node: Option<&Node>, words: &[(&str, T)], found: &mut Findings) -> T {
    let first = words[0].1;
    let Some(node) = node else { return first };
    let text = node.scalar().unwrap_or_else(|| node.kind().to_owned());
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
        return *value;
    }
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let near = names::did_you_mean(&text, known.iter().copied());
    found.error(&node.at, format_args!("{key} is {text}: one of {} was expected{near}", known.join(", ")));
    first
}

fn seconds(key: &str, node: Option<&Node>, (default, most): (u64, u64), found: &mut Findings) -> Duration {
    let Some(node) = node else { return Duration::from_secs(default) };
    let text = node.scalar().unwrap_or_else(|| node.kind().to_owned());
    match text.parse::<u64>() {
        Ok(seconds) if seconds <= most => Duration::from_secs(seconds),
        _ => {
            found.error(&node.at, format_args!("{key} is {text}: 0 to {most} seconds were expected"));
            Duration::from_secs(default)
        }
    }
}
