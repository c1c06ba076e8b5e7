//! What was deployed before. It is remembered in the store, not asked for: the documented permissions do not list
//! services.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::wanted::Method;
use crate::aws::ecs::last_part;
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
    /// Services that serve, and whose tasks a deployment stops before it changes them: without the new version they are
    /// not as they were left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stopped: Vec<String>,
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

impl Deployed {
    /// The revisions that the job has made for it, the newest first.
    pub fn own_revisions(&self) -> Vec<String> {
        let family = last_part(&self.task_definition).rsplit_once(':').map_or("", |(family, _)| family);
        let ours = self.with_previous().into_iter().filter(|old| old.is_ours(family));
        ours.map(|old| old.task_definition).collect()
    }
}

impl Previous {
    /// Whether the job has made it. Of a service that was taken over no build is known: its revision is somebody else's,
    /// but for one of our own family.
    pub fn is_ours(&self, family: &str) -> bool {
        let own = last_part(&self.task_definition).rsplit_once(':').map(|(own, _)| own);
        !self.build_number.is_empty() || own == Some(family)
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
            Leftover::Service { name, cluster, .. } => {
                known.is_service(name) && cluster.as_deref().is_none_or(|here| known.elsewhere(here).is_none())
            }
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

    /// A service that a build has made, and that does not serve yet.
    pub fn made_by(&self, build: &str) -> Option<&str> {
        self.leftovers.iter().find_map(|known| match known {
            Leftover::Service { name, build_number, .. } if build_number == build => Some(name.as_str()),
            _ => None,
        })
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

    /// Whether a service is on a revision: one that serves, or one that was left over.
    pub fn uses(&self, arn: &str) -> bool {
        let is_left =
            |known: &Leftover| matches!(known, Leftover::Service { task_definition: Some(known), .. } if known == arn);
        self.services.iter().any(|service| service.task_definition == arn) || self.leftovers.iter().any(is_left)
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
        let (arn, service) = (new.task_definition.clone(), new.service.clone());
        self.leftovers.retain(|known| !known.is_service(&new.service) || known.elsewhere(&new.cluster).is_some());
        self.leftovers.retain(|known| !matches!(known, Leftover::TaskDefinition { arn: known, .. } if *known == arn));
        // A service serves for one manifest alone, whatever that was called.
        self.services
            .retain(|one| one.manifest == new.manifest || (&one.cluster, &one.service) != (&new.cluster, &new.service));
        match self.services.iter_mut().find(|one| one.manifest == new.manifest) {
            None => self.services.push(new),
            Some(one) => {
                let old = std::mem::replace(one, new);
                if old.service != one.service {
                    self.leave(Leftover::of(&old));
                }
            }
        }
        self.serves_again(&service);
    }

    /// A service that was deployed for a manifest of another name, and that `manifest` deploys from now on.
    pub fn renames(&mut self, old: &str, manifest: &str) {
        if self.of(manifest).is_some() {
            self.forget(old);
        }
        for one in self.services.iter_mut().filter(|one| one.manifest == old) {
            manifest.clone_into(&mut one.manifest);
        }
        for left in &mut self.leftovers {
            let (Leftover::Service { manifest: known, .. } | Leftover::TaskDefinition { manifest: known, .. }) = left;
            if known == old {
                manifest.clone_into(known);
            }
        }
    }

    /// The tasks of a service that serves are about to be stopped, and its count may no longer be scaled.
    pub fn stops(&mut self, service: &str) {
        if !self.is_stopped(service) && self.services.iter().any(|one| one.service == service) {
            self.stopped.push(service.to_owned());
        }
    }

    /// A service that was stopped serves again, or was not stopped after all.
    pub fn serves_again(&mut self, service: &str) {
        self.stopped.retain(|known| known != service && self.services.iter().any(|one| one.service == *known));
    }

    /// Whether a service was stopped to be changed, and nobody knows that it serves again.
    pub fn is_stopped(&self, service: &str) -> bool {
        self.stopped.iter().any(|known| known == service)
    }

    /// A service that served is gone, and is not to be deployed again.
    pub fn forget(&mut self, manifest: &str) {
        self.services.retain(|one| one.manifest != manifest);
        self.stopped.retain(|known| self.services.iter().any(|one| one.service == *known));
    }

    /// What serves for a manifest.
    pub fn of(&self, manifest: &str) -> Option<&Deployed> {
        self.services.iter().find(|one| one.manifest == manifest)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ecs::steps::tests::deployed;

    fn half_made(name: &str) -> Leftover {
        Leftover::Service {
            manifest: "app".to_owned(),
            name: name.to_owned(),
            cluster: Some("web".to_owned()),
            build_number: "5".to_owned(),
            task_definition: Some("arn:td/prod-app:5".to_owned()),
            scaling: None,
        }
    }

    #[test]
    fn what_is_about_to_be_made_is_left_over_until_it_serves() {
        let mut memory = Memory::default();
        memory.serves(deployed("prod-app-4", Method::BlueGreen, json!({})));
        let revision = Leftover::TaskDefinition { manifest: "app".to_owned(), arn: "arn:td/prod-app:5".to_owned() };
        memory.leave(revision.clone());
        memory.leave(half_made("prod-app-5"));
        memory.leave(half_made("prod-app-5"));
        assert_eq!(memory.leftovers.len(), 2);
        assert!(memory.is_left("prod-app-5") && memory.uses("arn:td/prod-app:5") && memory.uses("arn:td/prod-app:4"));
        let made = Scaled { policies: vec!["up".to_owned()], ..Scaled::default() };
        memory.scales("prod-app-5", &made);
        memory.scales("prod-app-5", &made);
        assert!(matches!(&memory.leftovers[1], Leftover::Service { scaling: Some(known), .. } if *known == made));
        let old = memory.services[0].clone();
        let new = Deployed {
            service: "prod-app-5".to_owned(),
            task_definition: "arn:td/prod-app:5".to_owned(),
            previous: old.with_previous(),
            ..old.clone()
        };
        memory.serves(new);
        assert_eq!(memory.leftovers, [Leftover::of(&old)]);
        // Its revision is in use as long as it is there.
        assert!(memory.uses("arn:td/prod-app:4"));
        memory.service_is_gone("prod-app-4");
        assert!(!memory.uses("arn:td/prod-app:4"));
        memory.revision_is_gone("arn:td/prod-app:3");
        let kept: Vec<&str> = memory.services[0].previous.iter().map(|one| one.build_number.as_str()).collect();
        assert_eq!((memory.leftovers.len(), kept), (0, vec!["4", "2"]));
    }

    #[test]
    fn it_is_read_as_it_was_written_and_without_what_came_later() {
        let mut memory = Memory::default();
        memory.serves(deployed("prod-app-4", Method::Upgrade, json!({ "desiredCount": 2 })));
        memory.leave(half_made("prod-app-5"));
        let text = serde_json::to_string(&memory).unwrap();
        assert_eq!(serde_json::from_str::<Memory>(&text).unwrap(), memory);
        assert_eq!(serde_json::from_str::<Memory>("{}").unwrap(), Memory::default());
        let old = r#"{"leftovers":[{"kind":"service","manifest":"a","name":"b","buildNumber":"1"}]}"#;
        assert!(serde_json::from_str::<Memory>(old).unwrap().is_left("b"));
    }
}
