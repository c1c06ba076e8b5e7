//! What a deploy job asks for: services and their task definitions, in the words of the API.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::aws::ecs::Request;
use crate::support::secret::SecretText;

/// How a new version takes the place of the old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Method {
    /// A new service beside the old one, which goes when the new one is steady.
    #[default]
    BlueGreen,
    /// The service is changed in place.
    Upgrade,
    /// The old tasks stop before the new ones start.
    Replace,
}

/// The cluster of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The resource.
    pub resource: String,
    /// The cluster's own name: `sourceName`.
    pub name: String,
    /// The region.
    pub region: Option<String>,
    /// The integration that its credentials come from.
    pub integration: Option<String>,
}

/// What a deploy job asks for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The job.
    pub job: String,
    /// Where to.
    pub cluster: Cluster,
    /// How.
    pub method: Method,
    /// Whether manifests go side by side: `workflow: parallel`.
    pub parallel: bool,
    /// How long one service may take: `maxWaitTime`.
    pub max_wait: Duration,
    /// How long a new service has to stay steady: `stabilityDuration`.
    pub stability: Duration,
    /// One service for each manifest, in the order of the steps.
    pub services: Vec<WantedService>,
    /// What was given and has no meaning here, one line each.
    pub warnings: Vec<String>,
}

/// What a manifest becomes.
#[derive(Debug, Clone)]
pub struct WantedService {
    /// The manifest.
    pub manifest: String,
    /// The name without a build number: `<job>-<manifest>`, or `deployName`. Also the task definition's family, unless
    /// `taskDefinition.family` says otherwise.
    pub name: String,
    /// Whether it is deployed even when nothing has changed.
    pub force: bool,
    /// The request of `RegisterTaskDefinition`, complete.
    pub task_definition: Request,
    /// The request of `CreateService`, without `cluster`, `serviceName` and `taskDefinition`. It has a `role` when one
    /// was named.
    pub service: Request,
    /// Whether a load balancer needs a role that was not named: one is looked for.
    pub wants_role: bool,
    /// Auto scaling.
    pub scaling: Option<Scaling>,
    /// The images, `name → source:tag`.
    pub images: Vec<(String, String)>,
    /// Values that must not be shown or kept: those of `secure`.
    pub secrets: Vec<SecretText>,
}

/// Auto scaling of a service, in the words of the API. What the service's name is part of is filled in later:
/// `ResourceId` where it is not given.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scaling {
    /// The request of `RegisterScalableTarget`.
    pub target: Option<Request>,
    /// Requests of `PutScalingPolicy`.
    pub policies: Vec<Request>,
    /// Requests of `PutMetricAlarm`; an action that is a policy's name stands for its ARN.
    pub alarms: Vec<Request>,
}

impl WantedService {
    /// Whether ECS runs one task on each instance.
    pub fn is_daemon(&self) -> bool {
        self.service.get("schedulingStrategy").and_then(serde_json::Value::as_str) == Some("DAEMON")
    }

    /// The family of its task definition.
    pub fn family(&self) -> &str {
        self.task_definition.get("family").and_then(serde_json::Value::as_str).unwrap_or(&self.name)
    }
}
