//! What would change, for people and for programs; secrets masked.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Map, Value};

use super::version::same;
use super::{Draft, Outcome, Planned, StateChoice};
use crate::error::one_line;
use crate::job::env_file::VERSION_NAME;
use crate::job::overview::masked;

/// What a run would change.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The version that the job itself would get: there is one with every run that ends.
    pub job: Option<Changed>,
    /// What becomes of the job's state: `new`, `previous`, or `unchanged` after cancel.
    pub job_state: &'static str,
    /// Outputs that would get a version.
    pub resources: Vec<Changed>,
    /// Outputs that would not.
    pub unchanged: Vec<String>,
    /// Jobs to run next.
    pub triggers: Vec<String>,
}

/// A version that would be made.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Changed {
    /// The resource or job.
    pub name: String,
    /// Whether the files of its state would be saved, after which the version names their sum.
    pub saves_state: bool,
    /// What is not as it was.
    pub changes: Vec<Change>,
}

/// A value that is not as it was.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// `versionName`, or the names that lead to a property.
    pub key: String,
    /// What it was; nothing when it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    /// What it would be; nothing when it is dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
}

impl Outcome {
    /// What would change.
    pub fn difference(&self) -> Difference {
        Difference {
            job: self.job.as_ref().map(|draft| {
                let saves_state = self.job_state != StateChoice::None;
                Changed { name: self.job_name.clone(), saves_state, changes: changes(None, &Map::new(), draft) }
            }),
            job_state: match self.job_state {
                StateChoice::Folder(_) => "new",
                StateChoice::Previous(_) => "previous",
                StateChoice::None => "unchanged",
            },
            resources: self.drafts.iter().map(changed).collect(),
            unchanged: self.unchanged.clone(),
            triggers: self.triggers.clone(),
        }
    }
}

impl Difference {
    /// One line per change.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if let Some(job) = &self.job {
            let _ = writeln!(text, "job {}: a new version, {}", one_line(&job.name), self.state_text());
            lines(&mut text, &job.changes);
        } else {
            text.push_str("nothing is kept of a run that was cancelled\n");
        }
        for resource in &self.resources {
            let (name, state) = (one_line(&resource.name), if resource.saves_state { ", with its state" } else { "" });
            let _ = writeln!(text, "{name}: a new version{state}");
            lines(&mut text, &resource.changes);
        }
        for (what, names) in [("unchanged", &self.unchanged), ("to run next", &self.triggers)] {
            if !names.is_empty() {
                let _ = writeln!(text, "{what}: {}", one_line(&names.join(", ")));
            }
        }
        text
    }

    fn state_text(&self) -> &'static str {
        if self.job_state == "previous" { "its previous state" } else { "its state as it is now" }
    }
}

fn lines(text: &mut String, changes: &[Change]) {
    let shown = |value: &Option<Value>| value.as_ref().map_or_else(|| "none".to_owned(), Value::to_string);
    for change in changes {
        let (old, new) = (shown(&change.old), shown(&change.new));
        let _ = writeln!(text, "  {}: {}", one_line(&change.key), one_line(&format!("{old} -> {new}")));
    }
}

fn changed(planned: &Planned) -> Changed {
    let saves_state = planned.state_folder.is_some();
    let mut changes = changes(planned.start.name.as_deref(), &planned.start.bag, &planned.draft);
    // The sum of a state is not known before it is saved.
    changes.retain(|change| !saves_state || planned.from_env.contains(&change.key) || !is_sum(&change.key));
    Changed { name: planned.resource.clone(), saves_state, changes }
}

fn is_sum(key: &str) -> bool {
    key == VERSION_NAME || key == "shaData"
}

fn changes(old_name: Option<&str>, old: &Map<String, Value>, draft: &Draft) -> Vec<Change> {
    let mut changes = Vec::new();
    if draft.version_name.as_deref() != old_name {
        let value = |name: Option<&str>| name.map(|name| masked(VERSION_NAME, &name.into()));
        let (old, new) = (value(old_name), value(draft.version_name.as_deref()));
        changes.push(Change { key: VERSION_NAME.to_owned(), old, new });
    }
    compare("", old, &draft.property_bag, &mut changes);
    changes
}

/// Walks down to the values that differ.
fn compare(at: &str, old: &Map<String, Value>, new: &Map<String, Value>, changes: &mut Vec<Change>) {
    let dropped = old.keys().filter(|key| !new.contains_key(*key));
    for key in new.keys().chain(dropped) {
        if at.is_empty() && key == "trace" {
            continue;
        }
        let place = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        let shown = |value: Option<&Value>| value.map(|value| masked(key, value));
        match (old.get(key), new.get(key)) {
            (Some(old), Some(new)) if same(old, new) => {}
            (Some(Value::Object(old)), Some(Value::Object(new))) if key != crate::job::params::SECURE => {
                compare(&place, old, new, changes);
            }
            (old, new) => changes.push(Change { key: place, old: shown(old), new: shown(new) }),
        }
    }
}
