//! What was deployed before. It is remembered in the store, not asked for: the documented permissions do not list
//! services.

mod changes; // what becomes of it
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::wanted::Method;
use crate::aws::ecs::{family, last_part};
use crate::error::Error;
use crate::store::{Kept, Owner, Store};

/// The object of a job's memory.
const OBJECT: &str = "deployed.json";

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
    /// What a later version has added. It stays; and a list is no memory.
    #[serde(flatten)]
    pub more: Map<String, Value>,
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
    /// The digest of everything that was wanted, secrets included: what has not changed is not deployed again. Salted,
    /// `<salt>:<digest>`; one without a salt is from before there were any.
    pub digest: String,
    /// What was wanted, secrets masked: `{"taskDefinition": …, "service": …, "scaling": …}`, and digests of what is
    /// masked by its place, `"secrets": {"PASSWORD of web": …}`, with the salt of the digest.
    pub wanted: Value,
    /// Its auto scaling.
    #[serde(default)]
    pub scaling: Option<Scaled>,
    /// Versions before it, the newest first, that are kept for a roll-back.
    #[serde(default)]
    pub previous: Vec<Previous>,
    /// What was begun with it since, and has not come to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<Unfinished>,
}

/// What a change that was killed or has failed may have made of a service other than it is remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unfinished {
    /// Whether its tasks were stopped, or its scaling was taken away.
    #[serde(default)]
    pub stopped: bool,
    /// How many tasks it had.
    #[serde(default)]
    pub count: Option<i32>,
    /// Fields of the service that were sent, and that are other than they are remembered.
    #[serde(default)]
    pub fields: Vec<String>,
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
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum Leftover {
    /// A service.
    Service {
        /// The manifest.
        manifest: String,
        /// The service.
        name: String,
        /// Its cluster's own name; whoever wrote this down before may not have known.
        #[serde(default)]
        cluster: Option<String>,
        /// The build that made it, or was about to.
        build_number: String,
        /// The ARN of its task definition, as far as it is known.
        #[serde(default)]
        task_definition: Option<String>,
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

impl Store {
    /// What a job has deployed.
    pub fn deployed(&self, job: &str) -> Result<Memory, Error> {
        self.kept_deployed(job).map(|kept| kept.value().clone())
    }

    /// The same, to be changed.
    pub(super) fn kept_deployed(&self, job: &str) -> Result<Kept<Memory>, Error> {
        self.kept(&Owner::Job(job.to_owned()), OBJECT)
    }
}

impl Leftover {
    /// A service that serves no more.
    pub fn of(was: &Deployed) -> Self {
        Self::Service {
            manifest: was.manifest.clone(),
            name: was.service.clone(),
            cluster: Some(was.cluster.clone()),
            build_number: was.build_number.clone(),
            task_definition: Some(was.task_definition.clone()),
            scaling: was.scaling.clone(),
        }
    }

    /// What it is, in words.
    pub fn text(&self) -> String {
        match self {
            Self::Service { name, build_number, .. } => format!("the service {name} of build {build_number}"),
            Self::TaskDefinition { arn, .. } => {
                format!("the task definition {}", last_part(arn))
            }
        }
    }

    /// The cluster that it is in, where that is another one.
    pub fn elsewhere(&self, here: &str) -> Option<&str> {
        match self {
            Self::Service { cluster, .. } => cluster.as_deref().filter(|cluster| *cluster != here),
            Self::TaskDefinition { .. } => None,
        }
    }

    /// The region that it is in, as far as an ARN says it.
    pub fn region(&self) -> Option<&str> {
        let (Self::Service { task_definition: Some(arn), .. } | Self::TaskDefinition { arn, .. }) = self else {
            return None;
        };
        arn.split(':').nth(3).filter(|region| !region.is_empty())
    }

    /// Whether it is this service. One that was written down without its cluster may be any of that name.
    fn is_service(&self, cluster: &str, service: &str) -> bool {
        matches!(self, Self::Service { name, .. } if name == service) && self.elsewhere(cluster).is_none()
    }
}

impl Deployed {
    /// As a version that can be gone back to.
    pub fn as_previous(&self) -> Previous {
        Previous {
            task_definition: self.task_definition.clone(),
            build_number: self.build_number.clone(),
            digest: self.digest.clone(),
            wanted: self.wanted.clone(),
        }
    }

    /// How many tasks were wanted.
    pub fn count(&self) -> Option<i32> {
        let count = self.wanted.get("service")?.get("desiredCount")?.as_i64()?;
        i32::try_from(count).ok()
    }

    /// Whether something scales it.
    pub fn is_scaled(&self) -> bool {
        self.scaling.as_ref().is_some_and(|scaled| !scaled.resource_id.is_empty())
    }

    /// Whether a change that has not come to its end has stopped its tasks, or taken its scaling away.
    pub fn is_stopped(&self) -> bool {
        self.unfinished.as_ref().is_some_and(|begun| begun.stopped)
    }

    /// Fields that a change that has not come to its end has sent.
    pub fn sent_since(&self) -> &[String] {
        self.unfinished.as_ref().map_or(&[], |begun| &begun.fields)
    }

    /// It and the versions before it, each once.
    pub fn with_previous(&self) -> Vec<Previous> {
        let mut all = vec![self.as_previous()];
        for previous in &self.previous {
            if !all.iter().any(|known| known.task_definition == previous.task_definition) {
                all.push(previous.clone());
            }
        }
        all
    }

    /// The revisions that the job has made for it, the newest first.
    pub fn own_revisions(&self) -> Vec<String> {
        let ours = self.with_previous().into_iter().filter(|old| old.is_ours(family(&self.task_definition)));
        ours.map(|old| old.task_definition).collect()
    }
}

impl Previous {
    /// Whether the job has made it. Of a service that was taken over no build is known: its revision is somebody else's,
    /// but for one of our own family.
    pub fn is_ours(&self, own: &str) -> bool {
        !self.build_number.is_empty() || family(&self.task_definition) == own
    }
}
