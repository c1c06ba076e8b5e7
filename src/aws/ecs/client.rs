//! The calls.

use aws_sdk_ecs::types::{DesiredStatus, SortOrder, TaskDefinitionField};
use serde_json::Value;

use super::{Refused, Request, Service, Task, TasksOf, answers, last_part};
use crate::aws::Connection;
use crate::aws::access::{Access, OwnBody, WholeAnswer, senseless};
use crate::aws::clock::NothingButTheClock;
use crate::aws::error::Failure;
use crate::credentials::Credentials;
use crate::error::Kind;
use crate::support::clock::Clock;

/// Services that one call describes.
const SERVICES_A_CALL: usize = 10;

/// Tasks that one call describes.
const TASKS_A_CALL: usize = 100;

/// What ECS adds to a task definition when it is registered.
const ADDED: [&str; 9] = [
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "deregisteredAt",
    "deleteRequestedAt",
    "registeredBy",
];

/// The ECS API.
#[derive(Debug, Clone)]
pub struct Ecs<'c> {
    access: Access<'c>,
    client: aws_sdk_ecs::Client,
}

impl<'c> Ecs<'c> {
    /// A client with these credentials. Calls are signed with the time of `clock`.
    pub fn new(connection: &'c Connection, with: &Credentials, clock: &Clock) -> Self {
        Self::of(&Access::new(connection, with, clock))
    }

    /// A client beside others.
    pub fn of(access: &Access<'c>) -> Self {
        let config = aws_sdk_ecs::config::Builder::from(access.config()).retry_classifier(NothingButTheClock);
        Self { access: access.clone(), client: aws_sdk_ecs::Client::from_conf(config.build()) }
    }

    /// Registers a revision; its ARN.
    pub fn register_task_definition(&self, request: &Request) -> Result<String, Failure> {
        let call = self.client.register_task_definition().customize().interceptor(OwnBody::of(request));
        let answer = self.access.call(call.send())?;
        let arn = answer.task_definition().and_then(|made| made.task_definition_arn());
        arn.map(ToOwned::to_owned).ok_or_else(|| senseless("the ARN of the task definition"))
    }

    /// Makes a revision inactive.
    pub fn deregister_task_definition(&self, arn: &str) -> Result<(), Failure> {
        let call = self.client.deregister_task_definition().task_definition(arn);
        self.access.call(call.send()).map(|_| ())
    }

    /// The ARNs of the active revisions of a family, the newest first.
    pub fn list_task_definitions(&self, family: &str) -> Result<Vec<String>, Failure> {
        let mut arns = Vec::new();
        let mut next = None;
        loop {
            let call = self.client.list_task_definitions().family_prefix(family).sort(SortOrder::Desc);
            let answer = self.access.call(call.set_next_token(next).send())?;
            arns.extend(answer.task_definition_arns().iter().filter(|arn| is_of_family(arn, family)).cloned());
            next = answer.next_token().filter(|token| !token.is_empty()).map(ToOwned::to_owned);
            if next.is_none() {
                return Ok(arns);
            }
        }
    }

    /// Creates a service.
    pub fn create_service(&self, request: &Request) -> Result<Service, Failure> {
        let call = self.client.create_service().customize().interceptor(OwnBody::of(request));
        let answer = self.access.call(call.send())?;
        answer.service().map(answers::service).ok_or_else(|| senseless("the service"))
    }

    /// Changes a service.
    pub fn update_service(&self, request: &Request) -> Result<Service, Failure> {
        let call = self.client.update_service().customize().interceptor(OwnBody::of(request));
        let answer = self.access.call(call.send())?;
        answer.service().map(answers::service).ok_or_else(|| senseless("the service"))
    }

    /// Deletes a service; `force` where it cannot be scaled to 0 first.
    pub fn delete_service(&self, cluster: &str, service: &str, force: bool) -> Result<(), Failure> {
        let call = self.client.delete_service().cluster(cluster).service(service).set_force(force.then_some(true));
        self.access.call(call.send()).map(|_| ())
    }

    /// Services by name, any number of them. Those that ECS does not show (`MISSING`) are not in the answer.
    pub fn describe_services(&self, cluster: &str, names: &[&str]) -> Result<Vec<Service>, Failure> {
        let mut services = Vec::with_capacity(names.len());
        for names in names.chunks(SERVICES_A_CALL) {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            let call = self.client.describe_services().cluster(cluster).set_services(Some(names));
            let answer = self.access.call(call.send())?;
            if let Some(other) = answer.failures().iter().find(|failure| failure.reason() != Some("MISSING")) {
                return Err(refusal(&answers::refused(other)));
            }
            services.extend(answer.services().iter().map(answers::service));
        }
        Ok(services)
    }

    /// A service with everything that is set of it; none where ECS does not show it.
    pub fn service_settings(&self, cluster: &str, name: &str) -> Result<Option<(Service, Request)>, Failure> {
        let whole = WholeAnswer::default();
        let call = self.client.describe_services().cluster(cluster).services(name);
        let answer = self.access.call(call.customize().interceptor(whole.clone()).send())?;
        if let Some(other) = answer.failures().iter().find(|failure| failure.reason() != Some("MISSING")) {
            return Err(refusal(&answers::refused(other)));
        }
        let Some(service) = answer.services().first().map(answers::service) else { return Ok(None) };
        match whole.json()?.pointer_mut("/services/0").map(Value::take) {
            Some(Value::Object(settings)) => Ok(Some((service, settings))),
            _ => Err(senseless("the service")),
        }
    }

    /// The ARNs of tasks; stopped ones are kept for an hour.
    pub fn list_tasks(&self, cluster: &str, of: TasksOf, stopped: bool) -> Result<Vec<String>, Failure> {
        let status = if stopped { DesiredStatus::Stopped } else { DesiredStatus::Running };
        let mut arns = Vec::new();
        let mut next = None;
        loop {
            let call = self.client.list_tasks().cluster(cluster).desired_status(status.clone()).set_next_token(next);
            let call = match of {
                TasksOf::Service(name) => call.service_name(name),
                TasksOf::StartedBy(name) => call.started_by(name),
            };
            let answer = self.access.call(call.send())?;
            arns.extend_from_slice(answer.task_arns());
            next = answer.next_token().filter(|token| !token.is_empty()).map(ToOwned::to_owned);
            if next.is_none() {
                return Ok(arns);
            }
        }
    }

    /// Tasks by ARN, any number of them.
    pub fn describe_tasks(&self, cluster: &str, arns: &[String]) -> Result<(Vec<Task>, Vec<Refused>), Failure> {
        let (mut tasks, mut refused) = (Vec::with_capacity(arns.len()), Vec::new());
        for arns in arns.chunks(TASKS_A_CALL) {
            let call = self.client.describe_tasks().cluster(cluster).set_tasks(Some(arns.to_vec()));
            let answer = self.access.call(call.send())?;
            tasks.extend(answer.tasks().iter().map(answers::task));
            refused.extend(answer.failures().iter().map(answers::refused));
        }
        Ok((tasks, refused))
    }

    /// Starts tasks.
    pub fn run_task(&self, request: &Request) -> Result<(Vec<Task>, Vec<Refused>), Failure> {
        let call = self.client.run_task().customize().interceptor(OwnBody::of(request));
        let answer = self.access.call(call.send())?;
        let tasks = answer.tasks().iter().map(answers::task).collect();
        Ok((tasks, answer.failures().iter().map(answers::refused).collect()))
    }

    /// Stops a task.
    pub fn stop_task(&self, cluster: &str, arn: &str, reason: &str) -> Result<(), Failure> {
        let call = self.client.stop_task().cluster(cluster).task(arn).reason(reason);
        self.access.call(call.send()).map(|_| ())
    }

    /// A task definition as it was registered, without what ECS adds: a request that registers it again, with the tags
    /// that it has by now. An extra.
    pub fn describe_task_definition(&self, name: &str) -> Result<Request, Failure> {
        let whole = WholeAnswer::default();
        let call = self.client.describe_task_definition().task_definition(name).include(TaskDefinitionField::Tags);
        self.access.call(call.customize().interceptor(whole.clone()).send())?;
        let mut answer = whole.json()?;
        let mut tags = answer.get_mut("tags").map(Value::take);
        if let Some(tags) = tags.as_mut().and_then(Value::as_array_mut) {
            tags.retain(|tag| !is_of_aws(tag));
        }
        match answer.get_mut("taskDefinition").map(Value::take) {
            Some(Value::Object(mut definition)) => {
                definition.retain(|key, _| !ADDED.contains(&key.as_str()));
                if let Some(tags) = tags.filter(|tags| tags.as_array().is_some_and(|tags| !tags.is_empty())) {
                    definition.insert("tags".to_owned(), tags);
                }
                Ok(definition)
            }
            _ => Err(senseless("the task definition")),
        }
    }
}

/// Whether a tag is one that AWS has given, which nobody else may.
fn is_of_aws(tag: &Value) -> bool {
    let key = tag.get("key").and_then(Value::as_str).unwrap_or_default();
    key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
}

/// A prefix of a family's name finds other families too.
fn is_of_family(arn: &str, family: &str) -> bool {
    last_part(arn).rsplit_once(':').is_some_and(|(its, _)| its == family)
}

fn refusal(refused: &Refused) -> Failure {
    let detail = refused.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
    let what = if refused.arn.is_empty() { "a service" } else { &refused.arn };
    Failure::plain(Kind::Network, format!("ECS cannot show {what}: {}{detail}", refused.reason))
}
