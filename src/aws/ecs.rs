//! ECS: task definitions, services and tasks.
//!
//! Requests that make or change something are JSON as the API takes it, so that keys which the SDK does not know yet
//! reach AWS all the same: the SDK builds, signs and sends a call whose body is replaced by ours before it is signed.

use std::time::SystemTime;

use serde::Serialize;
use serde_json::{Map, Value};

mod answers;
mod client;
#[cfg(test)]
mod tests;

pub use client::Ecs;

/// A request as the API takes it.
pub type Request = Map<String, Value>;

/// A service, as `DescribeServices` shows it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// The name.
    pub name: String,
    /// The ARN.
    pub arn: String,
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub status: String,
    /// Tasks that should run.
    pub desired: i32,
    /// Tasks that run.
    pub running: i32,
    /// Tasks that are about to.
    pub pending: i32,
    /// The ARN of the task definition that is being, or has been, rolled out.
    pub task_definition: String,
    /// `REPLICA` or `DAEMON`.
    pub scheduling: String,
    /// Whether ECS gives a roll-out up by itself when too many tasks fail: its circuit breaker.
    pub has_breaker: bool,
    /// Whether the circuit breaker then goes back to the version before.
    #[serde(skip)]
    pub rolls_back: bool,
    /// Roll-outs: that under way or done, and those it replaces.
    pub deployments: Vec<Deployment>,
    /// What happened, the newest first, 100 at most.
    #[serde(skip)]
    pub events: Vec<Event>,
    /// Where its tasks are registered.
    pub load_balancers: Vec<LoadBalancer>,
}

/// A roll-out of a service.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// `ecs-svc/…`.
    pub id: String,
    /// `PRIMARY`, `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// The ARN of its task definition.
    pub task_definition: String,
    /// Tasks that should run.
    pub desired: i32,
    /// Tasks that run.
    pub running: i32,
    /// Tasks that are about to.
    pub pending: i32,
    /// Tasks that failed to start.
    pub failed_tasks: i32,
    /// `IN_PROGRESS`, `COMPLETED` or `FAILED`; absent behind a classic load balancer.
    pub rollout_state: Option<String>,
    /// Why, in the words of ECS.
    pub rollout_reason: Option<String>,
    /// When it began.
    #[serde(skip)]
    pub created_at: Option<SystemTime>,
}

/// An event of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Unique.
    pub id: String,
    /// When.
    pub at: Option<SystemTime>,
    /// What, in the words of ECS.
    pub message: String,
}

/// A load balancer of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadBalancer {
    /// That of an application or network load balancer.
    pub target_group_arn: Option<String>,
    /// That of a classic one.
    pub name: Option<String>,
    /// The container behind it.
    pub container: String,
    /// The container's port.
    pub port: i32,
}

/// A task.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Task {
    /// The ARN.
    pub arn: String,
    /// The ARN of its task definition.
    pub task_definition: String,
    /// The id of the roll-out that started it, or what the caller of RunTask gave.
    pub started_by: String,
    /// `PROVISIONING` … `RUNNING` … `STOPPED`.
    pub last_status: String,
    /// Such as `TaskFailedToStart` or `EssentialContainerExited`.
    pub stop_code: Option<String>,
    /// Why, in the words of ECS.
    pub stopped_reason: Option<String>,
    /// When it was stopped.
    pub stopped_at: Option<SystemTime>,
    /// Its containers.
    pub containers: Vec<Container>,
}

/// A container of a task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Container {
    /// The name.
    pub name: String,
    /// The status that it ended with.
    pub exit_code: Option<i32>,
    /// Why, in the words of ECS.
    pub reason: Option<String>,
}

/// A failure that the API lists beside its answer, as `RunTask` does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refused {
    /// What.
    pub arn: String,
    /// Why, such as `RESOURCE:MEMORY`.
    pub reason: String,
    /// More of it.
    pub detail: Option<String>,
}

/// The last part of an ARN: `family:revision` of a task definition, the id of a task, the name of a cluster. What is no
/// ARN is its own.
pub fn last_part(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// The family of a revision, which may be given by its ARN.
pub fn family(revision: &str) -> &str {
    let name = last_part(revision);
    name.rsplit_once(':').map_or(name, |(family, _)| family)
}

/// Which tasks are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TasksOf<'a> {
    /// Those of a service.
    Service(&'a str),
    /// Those that were started under this name.
    StartedBy(&'a str),
}
