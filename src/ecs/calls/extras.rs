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
    /// or out of reach is not asked for again.
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
        // What is out of reach has been waited for already.
        let is_useless = is_denied || failure.kind == Kind::Network;
        if extras.failed.insert(action, is_useless).is_none() {
            let what = what_of(action);
            extras.notes.push(if is_denied {
                let print = "shipctl iam policy --for deploy,extras";
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::aws::loopback::{Server, keys, ok};
    use crate::support::clock::Clock;
    use crate::support::interrupt::Interrupt;

    #[test]
    fn what_is_of_no_use_is_asked_for_once() {
        let server = Server::start(|_, _| ok(&serde_json::json!({})));
        let connection = server.connection();
        for (kind, times) in [(Kind::Denied, 1), (Kind::Network, 1), (Kind::Failed, 2)] {
            let clock = Clock::set(std::time::SystemTime::UNIX_EPOCH);
            let calls = Calls::new(&connection, Box::new(|| Ok(keys("AKID"))), clock, Interrupt::never());
            let asked = Cell::new(0);
            for _ in 0..2 {
                let found: Option<()> = calls.extra("logs:GetLogEvents", || {
                    asked.set(asked.get() + 1);
                    Err(Failure::plain(kind, "no"))
                });
                assert_eq!(found, None);
            }
            assert_eq!((asked.get(), calls.take_notes().len()), (times, 1), "{kind:?}");
        }
    }
}
