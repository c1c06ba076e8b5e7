//! What a roll-out has come to: decided by the id of our own deployment and its task definition, never by "stable".

use std::time::{Duration, SystemTime};

use crate::aws::ecs::Service;

/// What is being waited for.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// The id of our deployment, as the call that began it answered.
    pub deployment: String,
    /// The ARN of our task definition.
    pub task_definition: String,
    /// That of the version before, when there is one.
    pub previous: Option<String>,
    /// Whether ECS runs one task on each instance.
    pub is_daemon: bool,
    /// How long it has to stay so.
    pub stability: Duration,
}

/// What it has come to.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Nothing is decided yet.
    Going,
    /// It is done.
    Done,
    /// It will not come to anything: the evidence, in one line.
    Failed(String),
    /// ECS itself has gone back to the version before: the reason, in one line.
    RolledBack(String),
    /// Somebody else has deployed: what, in one line.
    Superseded(String),
}

/// A roll-out under watch.
#[derive(Debug)]
pub struct Watch {
    _expected: Expected,
}

impl Watch {
    /// Begins to watch.
    pub fn new(expected: Expected, _now: SystemTime) -> Self {
        Self { _expected: expected }
    }

    /// Looks at the service as it is now; `None` when ECS does not show it.
    pub fn see(&mut self, _now: SystemTime, _service: Option<&Service>) -> Verdict {
        Verdict::Going
    }
}
