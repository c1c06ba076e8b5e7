//! Application Auto Scaling: how many tasks a service may have, and what changes that.

use aws_sdk_applicationautoscaling::Client;
use aws_sdk_applicationautoscaling::config::Builder;
use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};

use super::access::{Access, OwnBody};
use super::clock::NothingButTheClock;
use super::ecs::Request;
use super::error::Failure;

/// What a resource that is not known is refused with.
const NOT_FOUND: &str = "ObjectNotFoundException";

/// Its words, which stand-ins for AWS give under another code.
const NONE_FOUND: [&str; 2] = ["No scaling policy found", "No scalable target found"];

/// What changes the desired count of a service by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `service/CLUSTER/SERVICE`.
    pub resource_id: String,
    /// The least.
    pub min: i32,
    /// The most.
    pub max: i32,
    /// The role that it acts as.
    pub role_arn: String,
}

/// The Application Auto Scaling API, for services of ECS.
#[derive(Debug, Clone)]
pub struct Scaling<'c> {
    access: Access<'c>,
    client: Client,
}

impl<'c> Scaling<'c> {
    /// A client.
    pub fn of(access: &Access<'c>) -> Self {
        let config = Builder::from(access.config()).retry_classifier(NothingButTheClock);
        Self { access: access.clone(), client: Client::from_conf(config.build()) }
    }

    /// Makes a service scalable.
    pub fn register_target(&self, request: &Request) -> Result<(), Failure> {
        let call = self.client.register_scalable_target().customize().interceptor(OwnBody::of(request));
        self.access.call(call.send()).map(|_| ())
    }

    /// Takes the target of a service away, and its policies with it; none is as good.
    pub fn deregister_target(&self, resource_id: &str) -> Result<(), Failure> {
        let call = self
            .client
            .deregister_scalable_target()
            .service_namespace(ServiceNamespace::Ecs)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .resource_id(resource_id);
        gone_is_as_good(self.access.call(call.send()).map(|_| ()))
    }

    /// Makes or changes a policy; its ARN.
    pub fn put_policy(&self, request: &Request) -> Result<String, Failure> {
        let call = self.client.put_scaling_policy().customize().interceptor(OwnBody::of(request));
        self.access.call(call.send()).map(|answer| answer.policy_arn().to_owned())
    }

    /// Deletes a policy; none is as good.
    pub fn delete_policy(&self, name: &str, resource_id: &str) -> Result<(), Failure> {
        let call = self
            .client
            .delete_scaling_policy()
            .policy_name(name)
            .service_namespace(ServiceNamespace::Ecs)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .resource_id(resource_id);
        gone_is_as_good(self.access.call(call.send()).map(|_| ()))
    }

    /// The target of a service, if it has one; an extra.
    pub fn describe_target(&self, resource_id: &str) -> Result<Option<Target>, Failure> {
        let call = self
            .client
            .describe_scalable_targets()
            .service_namespace(ServiceNamespace::Ecs)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .resource_ids(resource_id);
        let answer = self.access.call(call.send())?;
        Ok(answer.scalable_targets().first().map(|target| Target {
            resource_id: target.resource_id().to_owned(),
            min: target.min_capacity(),
            max: target.max_capacity(),
            role_arn: target.role_arn().to_owned(),
        }))
    }
}

fn gone_is_as_good(outcome: Result<(), Failure>) -> Result<(), Failure> {
    let is_gone = |failure: &Failure| {
        let says_so = NONE_FOUND.iter().any(|words| failure.message.starts_with(words));
        says_so || failure.code.as_deref() == Some(NOT_FOUND)
    };
    match outcome {
        Err(failure) if is_gone(&failure) => Ok(()),
        other => other,
    }
}
