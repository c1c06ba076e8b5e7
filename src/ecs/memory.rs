//! What was deployed before. It is remembered in the store, not asked for: the documented permissions do not list
//! services.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::wanted::Method;

/// What a job has deployed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// One for each manifest.
    #[serde(default)]
    pub services: Vec<Deployed>,
    /// What a deployment that was killed or failed has left behind, as far as nobody knows that it is gone.
    #[serde(default)]
    pub leftovers: Vec<Leftover>,
}

/// A service that serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployed {
    /// The manifest.
    pub manifest: String,
    /// The cluster's own name.
    pub cluster: String,
    /// The region.
    #[serde(default)]
    pub region: Option<String>,
    /// The service, build number and all.
    pub service: String,
    /// How it was deployed.
    pub method: Method,
    /// The build that deployed it.
    pub build_number: String,
    /// The ARN of its task definition.
    pub task_definition: String,
    /// The digest of everything that was wanted, secrets included: what has not changed is not deployed again.
    pub digest: String,
    /// What was wanted, secrets masked: `{"taskDefinition": …, "service": …, "scaling": …}`.
    pub wanted: Value,
    /// Its auto scaling.
    #[serde(default)]
    pub scaling: Option<Scaled>,
    /// Versions before it, the newest first, that are kept for a roll-back.
    #[serde(default)]
    pub previous: Vec<Previous>,
}

/// A version that can be gone back to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Previous {
    /// The ARN of its task definition.
    pub task_definition: String,
    /// The build that deployed it.
    pub build_number: String,
    /// The digest of what was wanted.
    pub digest: String,
    /// What was wanted, secrets masked.
    pub wanted: Value,
}

/// What auto scaling has been made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scaled {
    /// `service/<cluster>/<service>`.
    pub resource_id: String,
    /// Names of policies.
    pub policies: Vec<String>,
    /// Names of alarms.
    pub alarms: Vec<String>,
}

/// Something that is there, or may be, and that nothing uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Leftover {
    /// A service.
    Service {
        /// The manifest.
        manifest: String,
        /// The service.
        name: String,
        /// The build that made it, or was about to.
        build_number: String,
        /// Its auto scaling.
        #[serde(default)]
        scaling: Option<Scaled>,
    },
    /// A revision of a task definition.
    TaskDefinition {
        /// The manifest.
        manifest: String,
        /// The ARN.
        arn: String,
    },
}

impl Memory {
    /// What serves for a manifest.
    pub fn of(&self, manifest: &str) -> Option<&Deployed> {
        self.services.iter().find(|one| one.manifest == manifest)
    }
}
