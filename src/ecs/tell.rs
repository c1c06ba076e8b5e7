//! What people and programs are told while a deployment goes on: one line per change, or one JSON object.

use std::time::SystemTime;

use serde::Serialize;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Tell {
    /// A step begins.
    Step {
        /// The manifest.
        manifest: String,
        /// What is done, in words.
        text: String,
        /// The IAM action.
        action: &'static str,
    },
    /// Counts of a service have changed.
    Counts {
        /// The manifest.
        manifest: String,
        /// The service.
        service: String,
        /// Tasks that should run.
        desired: i32,
        /// Tasks of our roll-out that run.
        running: i32,
        /// Tasks that are about to.
        pending: i32,
        /// Tasks that failed.
        failed: i32,
        /// `IN_PROGRESS`, `COMPLETED`, `FAILED`, where ECS says so.
        rollout_state: Option<String>,
    },
    /// An event of a service, in the words of ECS; each once.
    ServiceEvent {
        /// The manifest.
        manifest: String,
        /// The service.
        service: String,
        /// When.
        at: String,
        /// What.
        message: String,
    },
    /// The status of a one-off task has changed.
    Task {
        /// The task definition, as it was given.
        manifest: String,
        /// The ARN of the task.
        task: String,
        /// `PROVISIONING` … `RUNNING` … `STOPPED`.
        status: String,
        /// The status that its container ended with.
        exit_code: Option<i32>,
        /// Why it was stopped, in the words of ECS.
        reason: Option<String>,
    },
    /// A line that a container of a one-off task has said.
    Log {
        /// The task definition, as it was given.
        manifest: String,
        /// The ARN of the task.
        task: String,
        /// The container.
        container: String,
        /// When.
        said_at: Option<String>,
        /// What.
        message: String,
    },
    /// Something to know.
    Note {
        /// The manifest, if it is about one.
        manifest: Option<String>,
        /// One line.
        text: String,
    },
    /// Why it failed: one block.
    Explanation {
        /// The manifest.
        manifest: String,
        /// Lines, the most telling first.
        lines: Vec<String>,
        /// What to do next.
        next: Vec<String>,
    },
    /// How it ended for one manifest.
    Outcome {
        /// The manifest.
        manifest: String,
        /// `completed`, `unchanged`, `failed`, `rolledBack`, `rollbackFailed`, `superseded`, `timedOut`, `interrupted`.
        outcome: &'static str,
        /// The service that serves, if one does; where that is not waited for, the one that was begun.
        service: Option<String>,
        /// The ARN of its task definition.
        task_definition: Option<String>,
        /// One line.
        text: String,
    },
}

/// Who is told. Several manifests may tell at once.
pub trait Listener: Sync {
    /// Is told.
    fn tell(&self, at: SystemTime, tell: &Tell);
}
