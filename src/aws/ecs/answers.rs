//! Answers of the SDK in our own types.

use aws_sdk_ecs::types as sdk;

use super::{Container, Deployment, Event, LoadBalancer, Refused, Service, Task};
use crate::aws::access::moment;

fn text(value: Option<&str>) -> String {
    value.unwrap_or_default().to_owned()
}

fn some(value: Option<&str>) -> Option<String> {
    value.filter(|value| !value.is_empty()).map(ToOwned::to_owned)
}

pub(super) fn service(from: &sdk::Service) -> Service {
    let breaker = from
        .deployment_configuration()
        .and_then(|configuration| configuration.deployment_circuit_breaker())
        .filter(|breaker| breaker.enable());
    Service {
        name: text(from.service_name()),
        arn: text(from.service_arn()),
        status: text(from.status()),
        desired: from.desired_count(),
        running: from.running_count(),
        pending: from.pending_count(),
        task_definition: text(from.task_definition()),
        scheduling: from.scheduling_strategy().map_or("REPLICA", |strategy| strategy.as_str()).to_owned(),
        has_breaker: breaker.is_some(),
        rolls_back: breaker.is_some_and(sdk::DeploymentCircuitBreaker::rollback),
        deployments: from.deployments().iter().map(deployment).collect(),
        events: from.events().iter().map(event).collect(),
        load_balancers: from.load_balancers().iter().map(load_balancer).collect(),
    }
}

fn deployment(from: &sdk::Deployment) -> Deployment {
    Deployment {
        id: text(from.id()),
        status: text(from.status()),
        task_definition: text(from.task_definition()),
        desired: from.desired_count(),
        running: from.running_count(),
        pending: from.pending_count(),
        failed_tasks: from.failed_tasks(),
        rollout_state: from.rollout_state().map(|state| state.as_str().to_owned()),
        rollout_reason: some(from.rollout_state_reason()),
        created_at: moment(from.created_at()),
    }
}

fn event(from: &sdk::ServiceEvent) -> Event {
    Event { id: text(from.id()), at: moment(from.created_at()), message: text(from.message()) }
}

fn load_balancer(from: &sdk::LoadBalancer) -> LoadBalancer {
    LoadBalancer {
        target_group_arn: some(from.target_group_arn()),
        name: some(from.load_balancer_name()),
        container: text(from.container_name()),
        port: from.container_port().unwrap_or_default(),
    }
}

pub(super) fn task(from: &sdk::Task) -> Task {
    Task {
        arn: text(from.task_arn()),
        task_definition: text(from.task_definition_arn()),
        started_by: text(from.started_by()),
        last_status: text(from.last_status()),
        stop_code: from.stop_code().map(|code| code.as_str().to_owned()),
        stopped_reason: some(from.stopped_reason()),
        stopped_at: moment(from.stopped_at()),
        containers: from.containers().iter().map(container).collect(),
    }
}

fn container(from: &sdk::Container) -> Container {
    Container { name: text(from.name()), exit_code: from.exit_code(), reason: some(from.reason()) }
}

pub(super) fn refused(from: &sdk::Failure) -> Refused {
    Refused { arn: text(from.arn()), reason: text(from.reason()), detail: some(from.detail()) }
}
