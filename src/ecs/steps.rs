//! What a deployment does, in order: a plan prints the steps, a deployment carries them out.

use std::time::Duration;

use crate::aws::ecs::Request;

/// One step. Each is one call, or the wait for what a call has begun.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
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
            Self::AwaitRollout { .. } | Self::AwaitStopped { .. } | Self::AwaitGone { .. } => "ecs:DescribeServices",
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
}
