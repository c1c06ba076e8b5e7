//! What was deployed before. It is remembered in the store, not asked for: the documented permissions do not list
//! services.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::wanted::Method;
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
            build_number: was.build_number.clone(),
            scaling: was.scaling.clone(),
        }
    }

    /// What it is, in words.
    pub fn text(&self) -> String {
        match self {
            Self::Service { name, build_number, .. } => format!("the service {name} of build {build_number}"),
            Self::TaskDefinition { arn, .. } => {
                format!("the task definition {}", arn.rsplit_once('/').map_or(arn.as_str(), |(_, name)| name))
            }
        }
    }

    /// Whether it is a revision of a manifest.
    pub fn is_revision_of(&self, wanted: &str) -> bool {
        matches!(self, Self::TaskDefinition { manifest, .. } if manifest == wanted)
    }

    fn is_service(&self, service: &str) -> bool {
        matches!(self, Self::Service { name, .. } if name == service)
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
}

impl Deployed {
    /// How many tasks were wanted.
    pub fn count(&self) -> Option<i32> {
        let count = self.wanted.get("service")?.get("desiredCount")?.as_i64()?;
        i32::try_from(count).ok()
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
}

impl Scaled {
    /// Adds what something else is made of.
    pub fn unite(&mut self, other: &Self) {
        if !other.resource_id.is_empty() {
            self.resource_id.clone_from(&other.resource_id);
        }
        for (own, new) in [(&mut self.policies, &other.policies), (&mut self.alarms, &other.alarms)] {
            own.extend(new.iter().filter(|name| !own.contains(name)).cloned().collect::<Vec<_>>());
        }
    }
}

impl Memory {
    /// Writes down what is about to be made, or what serves no more. What is known of it already stays.
    pub fn leave(&mut self, leftover: Leftover) {
        let is_known = self.leftovers.iter().any(|known| match &leftover {
            Leftover::Service { name, .. } => known.is_service(name),
            Leftover::TaskDefinition { .. } => *known == leftover,
        });
        if !is_known {
            self.leftovers.push(leftover);
        }
    }

    /// Whether a service was left over.
    pub fn is_left(&self, service: &str) -> bool {
        self.leftovers.iter().any(|known| known.is_service(service))
    }

    /// A service is gone.
    pub fn service_is_gone(&mut self, service: &str) {
        self.leftovers.retain(|known| !known.is_service(service));
    }

    /// A revision is inactive.
    pub fn revision_is_gone(&mut self, gone: &str) {
        self.leftovers.retain(|known| !matches!(known, Leftover::TaskDefinition { arn, .. } if arn == gone));
        for service in &mut self.services {
            service.previous.retain(|previous| previous.task_definition != gone);
        }
    }

    /// Whether a service that serves is on a revision, save that of `deleted`, a manifest that goes.
    pub fn uses(&self, task_definition: &str, deleted: Option<&str>) -> bool {
        let stays = |service: &&Deployed| Some(service.manifest.as_str()) != deleted;
        self.services.iter().filter(stays).any(|service| service.task_definition == task_definition)
    }

    /// Auto scaling is about to be made for a service, whether it serves or is being made.
    pub fn scales(&mut self, service: &str, made: &Scaled) {
        let serving = self.services.iter_mut().filter(|one| one.service == service).map(|one| &mut one.scaling);
        let others = self.leftovers.iter_mut().filter_map(|known| match known {
            Leftover::Service { name, scaling, .. } if name == service => Some(scaling),
            _ => None,
        });
        for scaling in serving.chain(others) {
            scaling.get_or_insert_default().unite(made);
        }
    }

    /// A version serves from now on. The service before it is left over where it is another one.
    pub fn serves(&mut self, new: Deployed) {
        let arn = new.task_definition.clone();
        self.service_is_gone(&new.service);
        self.leftovers.retain(|known| !matches!(known, Leftover::TaskDefinition { arn: known, .. } if *known == arn));
        match self.services.iter_mut().find(|one| one.manifest == new.manifest) {
            None => self.services.push(new),
            Some(one) => {
                let old = std::mem::replace(one, new);
                if old.service != one.service {
                    self.leave(Leftover::of(&old));
                }
            }
        }
    }

    /// A service that served is gone, and is not to be deployed again.
    pub fn forget(&mut self, manifest: &str) {
        self.services.retain(|one| one.manifest != manifest);
    }

    /// What serves for a manifest.
    pub fn of(&self, manifest: &str) -> Option<&Deployed> {
        self.services.iter().find(|one| one.manifest == manifest)
    }
}
