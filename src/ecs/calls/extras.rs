//! Calls that make a deployment tell more, and that it does without when they are denied.

use std::collections::BTreeMap;

use super::{Calls, locked};
use crate::aws::error::Failure;
use crate::error::Kind;

/// What has become of the extras.
#[derive(Debug, Default)]
pub(super) struct Extras {
    /// Those that have failed, and whether asking again is of no use.
    failed: BTreeMap<&'static str, bool>,
    notes: Vec<String>,
}

impl Calls<'_> {
    /// Tries what is told besides. Where it fails there is nothing, and one line about each action; one that is denied
    /// is not asked for again.
    pub fn extra<T>(&self, action: &'static str, call: impl Fn() -> Result<T, Failure>) -> Option<T> {
        if locked(&self.extras).failed.get(action) == Some(&true) {
            return None;
        }
        let failure = match call() {
            Ok(found) => return Some(found),
            Err(failure) => failure,
        };
        let mut extras = locked(&self.extras);
        let is_denied = failure.kind == Kind::Denied;
        if extras.failed.insert(action, is_denied).is_none() {
            let what = what_of(action);
            extras.notes.push(if is_denied {
                // What looks at a one-off task is among what it needs.
                let extras = if self.purpose == "run" { "" } else { ",extras" };
                let print = format!("shipctl iam policy --for {}{extras}", self.purpose);
                format!("cannot say {what}: {action} is not allowed; add it to the policy ({print})")
            } else {
                format!("cannot say {what}: {action}: {failure}")
            });
        }
        None
    }

    /// Something to know besides.
    pub(super) fn add_note(&self, text: String) {
        locked(&self.extras).notes.push(text);
    }

    /// The lines about extras since they were last taken.
    pub fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut locked(&self.extras).notes)
    }
}

/// What is not told without an action.
fn what_of(action: &str) -> &'static str {
    match action {
        "ecs:ListTasks" | "ecs:DescribeTasks" => "why tasks stopped",
        "ecs:DescribeTaskDefinition" => "where the logs of its containers are",
        "logs:GetLogEvents" => "what the containers logged last",
        "elasticloadbalancing:DescribeTargetHealth" | "elasticloadbalancing:DescribeInstanceHealth" => {
            "what the load balancer finds"
        }
        "application-autoscaling:DescribeScalableTargets" => "what else scales the service",
        _ => "more",
    }
}
