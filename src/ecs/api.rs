//! The calls that a deployment makes. Tests answer them from memory.

use std::time::{Duration, SystemTime};

use crate::aws::ecs::{Request, Service};
use crate::aws::error::Failure;
use crate::aws::roles::Role;
use crate::error::Error;
use crate::support::stop::Stop;

use super::calls::Calls;
use super::explain::{Explanation, Subject, explain, find_out};

/// What carries a deployment out. Every method is one action of the API, tried again while that may help.
#[allow(missing_docs)] // each is the action of that name
pub trait Api: Sync {
    /// The time of all waits.
    fn now(&self) -> SystemTime;
    /// Waits between two polls, unless a signal comes.
    fn wait(&self, time: Duration);
    /// The signal that has asked for an end.
    fn signal(&self) -> Option<i32>;
    /// The calls of this thread are tried until then, from here on.
    fn limit_to(&self, _end: SystemTime) {}
    /// The same for what brings back what was there before: tries are kept for it.
    fn go_back_until(&self, _end: SystemTime) {}
    /// No call is tried again once this has been asked for.
    fn heed(&self, _stop: &Stop) {}

    fn register_task_definition(&self, request: &Request) -> Result<String, Failure>;
    fn deregister_task_definition(&self, arn: &str) -> Result<(), Failure>;
    fn list_task_definitions(&self, family: &str) -> Result<Vec<String>, Failure>;
    fn create_service(&self, request: &Request, until: SystemTime) -> Result<Service, Failure>;
    fn update_service(&self, request: &Request) -> Result<Service, Failure>;
    fn delete_service(&self, cluster: &str, service: &str, force: bool) -> Result<(), Failure>;
    fn describe_services(&self, cluster: &str, names: &[&str]) -> Result<Vec<Service>, Failure>;
    fn describe_once(&self, cluster: &str, names: &[&str]) -> Result<Vec<Service>, Failure>;
    fn list_roles(&self) -> Result<Vec<Role>, Failure>;
    fn register_scalable_target(&self, request: &Request) -> Result<(), Failure>;
    fn deregister_scalable_target(&self, resource_id: &str) -> Result<(), Failure>;
    fn put_scaling_policy(&self, request: &Request) -> Result<String, Failure>;
    fn delete_scaling_policy(&self, name: &str, resource_id: &str) -> Result<(), Failure>;
    fn put_metric_alarm(&self, request: &Request) -> Result<(), Failure>;
    fn delete_alarms(&self, names: &[String]) -> Result<(), Failure>;

    /// A failure in words: what could not be done, why, and what helps.
    fn error(&self, doing: &str, failure: &Failure) -> Error;
    /// Why a roll-out failed, from everything that may be looked at.
    fn explain(&self, subject: &Subject, evidence: &str) -> Explanation;
    /// What extras could not tell, one line each, once.
    fn take_notes(&self) -> Vec<String>;
}

impl Api for Calls<'_> {
    fn now(&self) -> SystemTime {
        self.clock().now()
    }

    fn wait(&self, time: Duration) {
        Calls::wait(self, time);
    }

    fn signal(&self) -> Option<i32> {
        self.interrupt().signal()
    }

    fn limit_to(&self, end: SystemTime) {
        Calls::limit_to(self, end);
    }

    fn go_back_until(&self, end: SystemTime) {
        Calls::go_back_until(self, end);
    }

    fn heed(&self, stop: &Stop) {
        Calls::heed(self, stop);
    }

    fn register_task_definition(&self, request: &Request) -> Result<String, Failure> {
        Calls::register_task_definition(self, request)
    }

    fn deregister_task_definition(&self, arn: &str) -> Result<(), Failure> {
        Calls::deregister_task_definition(self, arn)
    }

    fn list_task_definitions(&self, family: &str) -> Result<Vec<String>, Failure> {
        Calls::list_task_definitions(self, family)
    }

    fn create_service(&self, request: &Request, until: SystemTime) -> Result<Service, Failure> {
        Calls::create_service(self, request, until)
    }

    fn update_service(&self, request: &Request) -> Result<Service, Failure> {
        Calls::update_service(self, request)
    }

    fn delete_service(&self, cluster: &str, service: &str, force: bool) -> Result<(), Failure> {
        Calls::delete_service(self, cluster, service, force)
    }

    fn describe_services(&self, cluster: &str, names: &[&str]) -> Result<Vec<Service>, Failure> {
        Calls::describe_services(self, cluster, names)
    }

    fn describe_once(&self, cluster: &str, names: &[&str]) -> Result<Vec<Service>, Failure> {
        Calls::describe_once(self, cluster, names)
    }

    fn register_scalable_target(&self, request: &Request) -> Result<(), Failure> {
        Calls::register_scalable_target(self, request)
    }

    fn deregister_scalable_target(&self, resource_id: &str) -> Result<(), Failure> {
        Calls::deregister_scalable_target(self, resource_id)
    }

    fn put_scaling_policy(&self, request: &Request) -> Result<String, Failure> {
        Calls::put_scaling_policy(self, request)
    }

    fn delete_scaling_policy(&self, name: &str, resource_id: &str) -> Result<(), Failure> {
        Calls::delete_scaling_policy(self, name, resource_id)
    }

    fn put_metric_alarm(&self, request: &Request) -> Result<(), Failure> {
        Calls::put_metric_alarm(self, request)
    }

    fn delete_alarms(&self, names: &[String]) -> Result<(), Failure> {
        Calls::delete_alarms(self, names)
    }

    fn list_roles(&self) -> Result<Vec<Role>, Failure> {
        Calls::list_roles(self)
    }

    fn error(&self, doing: &str, failure: &Failure) -> Error {
        Calls::error(self, doing, failure)
    }

    fn explain(&self, subject: &Subject, evidence: &str) -> Explanation {
        explain(evidence, &find_out(self, subject))
    }

    fn take_notes(&self) -> Vec<String> {
        Calls::take_notes(self)
    }
}
