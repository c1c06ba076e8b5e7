//! The calls that a deployment makes. Tests answer them from memory.

use std::time::{Duration, SystemTime};

use crate::aws::ecs::{Request, Service};
use crate::aws::error::Failure;
use crate::aws::roles::Role;

use super::explain::{Explanation, Subject};

/// What carries a deployment out. Every method is one action of the API, tried again while that may help.
#[allow(missing_docs)] // each is the action of that name
pub trait Api: Sync {
    /// The time of all waits.
    fn now(&self) -> SystemTime;
    /// Waits between two polls, unless a signal comes.
    fn wait(&self, time: Duration);
    /// The signal that has asked for an end.
    fn signal(&self) -> Option<i32>;

    fn register_task_definition(&self, request: &Request) -> Result<String, Failure>;
    fn deregister_task_definition(&self, arn: &str) -> Result<(), Failure>;
    fn list_task_definitions(&self, family: &str) -> Result<Vec<String>, Failure>;
    fn create_service(&self, request: &Request) -> Result<Service, Failure>;
    fn update_service(&self, request: &Request) -> Result<Service, Failure>;
    fn delete_service(&self, cluster: &str, service: &str, force: bool) -> Result<(), Failure>;
    fn describe_services(&self, cluster: &str, names: &[&str]) -> Result<Vec<Service>, Failure>;
    fn list_roles(&self) -> Result<Vec<Role>, Failure>;
    fn register_target(&self, request: &Request) -> Result<(), Failure>;
    fn deregister_target(&self, resource_id: &str) -> Result<(), Failure>;
    fn put_policy(&self, request: &Request) -> Result<String, Failure>;
    fn delete_policy(&self, name: &str, resource_id: &str) -> Result<(), Failure>;
    fn put_alarm(&self, request: &Request) -> Result<(), Failure>;
    fn delete_alarms(&self, names: &[String]) -> Result<(), Failure>;

    /// Why a roll-out failed, from everything that may be looked at.
    fn explain(&self, subject: &Subject, evidence: &str) -> Explanation;
}
