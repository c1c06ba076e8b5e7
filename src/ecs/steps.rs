//! What a deployment does, in order: a plan prints the steps, a deployment carries them out.

mod change; // what can be changed in place
mod deploy; // a new version
mod others; // the rest: scaling by hand, going back, deletion
mod scaling; // auto scaling around a service

#[cfg(test)]
pub(super) mod tests;

use std::time::Duration;

use serde_json::{Value, json};

use crate::aws::ecs::Request;

pub use crate::aws::ecs::last_part as revision;
pub use change::{check_change, update_request};
pub use deploy::{deploy_steps, deploy_steps_anew, renamed, resumed, service_name, without_waits};
pub(super) use others::other_fields;
pub use others::{
    delete_steps, prune_steps, removal_begun, removal_steps, restore_steps, rollback_steps, scale_steps,
    surplus_scaling, undo_steps,
};
pub(super) use scaling::{
    alarm_actions, remembered as remembered_scaling, resource_id, scaled, scaled_names, scaling_taken,
};

/// One step. Each is one call, or the wait for what a call has begun.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Looks whether what is remembered is still there, and whether the name is free.
    Look {
        /// Services.
        services: Vec<String>,
    },
    /// Looks for the role of a load balancer (`iam:ListRoles`).
    FindRole,
    /// Registers the task definition.
    Register(Request),
    /// Creates a service with the task definition that was registered.
    Create {
        /// The service.
        service: String,
        /// The request, save what is not known before: `taskDefinition`, and `role` after [`Step::FindRole`].
        request: Request,
    },
    /// Changes a service.
    Update {
        /// The service.
        service: String,
        /// The request, save `taskDefinition`.
        request: Request,
        /// Whether it gets the task definition that was registered.
        registered: bool,
    },
    /// Waits until the roll-out is done.
    AwaitRollout {
        /// The service.
        service: String,
        /// How long it has to stay so.
        stability: Duration,
    },
    /// Makes the service's count one that may be scaled.
    RegisterTarget(Request),
    /// Makes or changes a scaling policy.
    PutPolicy(Request),
    /// Makes or changes an alarm.
    PutAlarm(Request),
    /// Deletes alarms.
    DeleteAlarms(Vec<String>),
    /// Deletes a scaling policy.
    DeletePolicy {
        /// Its name.
        name: String,
        /// `service/<cluster>/<service>`.
        resource_id: String,
    },
    /// Takes scaling away from a service.
    DeregisterTarget {
        /// `service/<cluster>/<service>`.
        resource_id: String,
    },
    /// Sets the count to 0.
    ScaleToZero {
        /// The service.
        service: String,
    },
    /// Waits until no task runs; a count that somebody raises again is set to 0 again.
    AwaitStopped {
        /// The service.
        service: String,
    },
    /// Deletes a service.
    Delete {
        /// The service.
        service: String,
        /// Where it cannot be scaled to 0: DAEMON.
        force: bool,
    },
    /// Waits until it is gone.
    AwaitGone {
        /// The service.
        service: String,
    },
    /// Makes a revision inactive.
    Deregister {
        /// Its ARN.
        task_definition: String,
    },
}

impl Step {
    /// The IAM action that it needs.
    pub const fn action(&self) -> &'static str {
        match self {
            Self::FindRole => "iam:ListRoles",
            Self::Register(_) => "ecs:RegisterTaskDefinition",
            Self::Create { .. } => "ecs:CreateService",
            Self::Update { .. } | Self::ScaleToZero { .. } => "ecs:UpdateService",
            Self::Look { .. } | Self::AwaitRollout { .. } | Self::AwaitStopped { .. } | Self::AwaitGone { .. } => {
                "ecs:DescribeServices"
            }
            Self::RegisterTarget(_) => "application-autoscaling:RegisterScalableTarget",
            Self::PutPolicy(_) => "application-autoscaling:PutScalingPolicy",
            Self::PutAlarm(_) => "cloudwatch:PutMetricAlarm",
            Self::DeleteAlarms(_) => "cloudwatch:DeleteAlarms",
            Self::DeletePolicy { .. } => "application-autoscaling:DeleteScalingPolicy",
            Self::DeregisterTarget { .. } => "application-autoscaling:DeregisterScalableTarget",
            Self::Delete { .. } => "ecs:DeleteService",
            Self::Deregister { .. } => "ecs:DeregisterTaskDefinition",
        }
    }

    /// Whether it is the wait for what a call has begun: looks, again and again.
    pub const fn is_wait(&self) -> bool {
        matches!(self, Self::AwaitRollout { .. } | Self::AwaitStopped { .. } | Self::AwaitGone { .. })
    }

    /// The service that it is about, if it is about one.
    pub fn service(&self) -> Option<&str> {
        match self {
            Self::Create { service, .. }
            | Self::Update { service, .. }
            | Self::AwaitRollout { service, .. }
            | Self::ScaleToZero { service }
            | Self::AwaitStopped { service }
            | Self::Delete { service, .. }
            | Self::AwaitGone { service } => Some(service),
            _ => None,
        }
    }

    /// What is done, in words.
    pub fn text(&self) -> String {
        let field = |request: &Request, key: &str| text(request, key).unwrap_or_default().to_owned();
        match self {
            Self::Look { services } => format!("look at {}", services.join(", ")),
            Self::FindRole => "look for the role of the load balancer".to_owned(),
            Self::Register(request) => format!("register the task definition {}", field(request, "family")),
            Self::Create { service, .. } => format!("create the service {service}"),
            Self::Update { service, registered: true, .. } => format!("update the service {service}"),
            Self::Update { service, request, registered: false } => match text(request, "taskDefinition") {
                Some(arn) => format!("put the service {service} on {}", revision(arn)),
                None => format!(
                    "set the count of {service} to {}",
                    request.get("desiredCount").map(ToString::to_string).unwrap_or_default()
                ),
            },
            Self::AwaitRollout { service, stability } if stability.is_zero() => format!("wait for {service}"),
            Self::AwaitRollout { service, stability } => {
                format!("wait for {service}, and that it is steady for {} s", stability.as_secs())
            }
            Self::RegisterTarget(request) => format!("let {} be scaled", field(request, "ResourceId")),
            Self::PutPolicy(request) => format!("put the scaling policy {}", field(request, "PolicyName")),
            Self::PutAlarm(request) => format!("put the alarm {}", field(request, "AlarmName")),
            Self::DeleteAlarms(names) => format!("delete the alarms {}", names.join(", ")),
            Self::DeletePolicy { name, resource_id } => format!("delete the scaling policy {name} of {resource_id}"),
            Self::DeregisterTarget { resource_id } => format!("let {resource_id} be scaled no more"),
            Self::ScaleToZero { service } => format!("set the count of {service} to 0"),
            Self::AwaitStopped { service } => format!("wait until no task of {service} runs"),
            Self::Delete { service, .. } => format!("delete the service {service}"),
            Self::AwaitGone { service } => format!("wait until {service} is gone"),
            Self::Deregister { task_definition } => format!("deregister {}", revision(task_definition)),
        }
    }

    /// The request as it is sent, save what is not known before; of a wait, that of each look.
    pub fn request(&self, cluster: &str) -> Request {
        let value = match self {
            Self::FindRole => json!({}),
            Self::Register(request)
            | Self::RegisterTarget(request)
            | Self::PutPolicy(request)
            | Self::PutAlarm(request)
            | Self::Create { request, .. }
            | Self::Update { request, .. } => return request.clone(),
            Self::Look { services } => json!({ "cluster": cluster, "services": services }),
            Self::AwaitRollout { service, .. } | Self::AwaitStopped { service } | Self::AwaitGone { service } => {
                json!({ "cluster": cluster, "services": [service] })
            }
            Self::DeleteAlarms(names) => json!({ "AlarmNames": names }),
            Self::DeletePolicy { name, resource_id } => json!({
                "PolicyName": name,
                "ServiceNamespace": scaling::NAMESPACE,
                "ResourceId": resource_id,
                "ScalableDimension": scaling::DIMENSION,
            }),
            Self::DeregisterTarget { resource_id } => json!({
                "ServiceNamespace": scaling::NAMESPACE,
                "ResourceId": resource_id,
                "ScalableDimension": scaling::DIMENSION,
            }),
            Self::ScaleToZero { service } => json!({ "cluster": cluster, "service": service, "desiredCount": 0 }),
            Self::Delete { service, force: false } => json!({ "cluster": cluster, "service": service }),
            Self::Delete { service, force: true } => json!({ "cluster": cluster, "service": service, "force": true }),
            Self::Deregister { task_definition } => json!({ "taskDefinition": task_definition }),
        };
        match value {
            Value::Object(request) => request,
            _ => Request::new(),
        }
    }
}

/// A text of a request.
fn text<'a>(request: &'a Request, key: &str) -> Option<&'a str> {
    request.get(key).and_then(Value::as_str)
}

/// Whether a service, as it was wanted, runs one task on each instance.
pub fn is_daemon(service: Option<&Value>) -> bool {
    service.and_then(|service| service.get("schedulingStrategy")).and_then(Value::as_str) == Some("DAEMON")
}
