//! How the memory changes while something is deployed.

use super::{Deployed, Leftover, Memory, Scaled, Unfinished};
use crate::error::{Error, Kind};

impl Memory {
    /// Writes down what is about to be made, or what serves no more. What is known of it already stays.
    pub fn leave(&mut self, leftover: Leftover) {
        let is_known = self.leftovers.iter().any(|known| match &leftover {
            Leftover::Service { name, cluster: Some(cluster), .. } => known.is_service(cluster, name),
            Leftover::Service { name: new, cluster: None, .. } => {
                matches!(known, Leftover::Service { name, .. } if name == new)
            }
            Leftover::TaskDefinition { .. } => *known == leftover,
        });
        if !is_known {
            self.leftovers.push(leftover);
        }
    }

    /// Whether a service was left over.
    pub fn is_left(&self, cluster: &str, service: &str) -> bool {
        self.leftovers.iter().any(|known| known.is_service(cluster, service))
    }

    /// A service that a build has made, and that does not serve yet.
    pub fn made_by(&self, build: &str) -> Option<&str> {
        self.leftovers.iter().find_map(|known| match known {
            Leftover::Service { name, build_number, .. } if build_number == build => Some(name.as_str()),
            _ => None,
        })
    }

    /// A service is gone.
    pub fn service_is_gone(&mut self, cluster: &str, service: &str) {
        self.leftovers.retain(|known| !known.is_service(cluster, service));
    }

    /// A revision is inactive.
    pub fn revision_is_gone(&mut self, gone: &str) {
        self.leftovers.retain(|known| !matches!(known, Leftover::TaskDefinition { arn, .. } if arn == gone));
        for service in &mut self.services {
            service.previous.retain(|previous| previous.task_definition != gone);
        }
    }

    /// A revision was not made inactive, since a service is on it: that of a service which is left over goes with it.
    pub fn revision_stays(&mut self, manifest: &str, arn: &str) {
        if !self.services.iter().any(|service| service.task_definition == arn) {
            self.leave(Leftover::TaskDefinition { manifest: manifest.to_owned(), arn: arn.to_owned() });
        }
    }

    /// Whether a service is on a revision: one that serves, or one that was left over.
    pub fn uses(&self, arn: &str) -> bool {
        let is_left =
            |known: &Leftover| matches!(known, Leftover::Service { task_definition: Some(known), .. } if known == arn);
        self.services.iter().any(|service| service.task_definition == arn) || self.leftovers.iter().any(is_left)
    }

    /// Auto scaling is about to be made for a service, whether it serves or is being made.
    pub fn scales(&mut self, cluster: &str, service: &str, made: &Scaled) {
        let serving = self.services.iter_mut().filter(|one| one.is(cluster, service)).map(|one| &mut one.scaling);
        let others = self.leftovers.iter_mut().filter(|known| known.is_service(cluster, service));
        let others = others.filter_map(|known| match known {
            Leftover::Service { scaling, .. } => Some(scaling),
            Leftover::TaskDefinition { .. } => None,
        });
        for scaling in serving.chain(others) {
            scaling.get_or_insert_default().unite(made);
        }
    }

    /// Auto scaling of what serves has been taken away.
    pub fn scales_no_more(&mut self, taken: &Scaled) {
        for one in &mut self.services {
            if let Some(scaling) = &mut one.scaling {
                scaling.subtract(taken);
            }
            if one.scaling == Some(Scaled::default()) {
                one.scaling = None;
            }
        }
    }

    /// A version serves from now on. The service before it is left over where it is another one.
    pub fn serves(&mut self, new: Deployed) {
        let arn = new.task_definition.clone();
        self.service_is_gone(&new.cluster, &new.service);
        self.leftovers.retain(|known| !matches!(known, Leftover::TaskDefinition { arn: known, .. } if *known == arn));
        // A service serves for one manifest alone, whatever that was called.
        self.services.retain(|one| one.manifest == new.manifest || !one.is(&new.cluster, &new.service));
        match self.services.iter_mut().find(|one| one.manifest == new.manifest) {
            None => self.services.push(new),
            Some(one) => {
                let old = std::mem::replace(one, new);
                if !old.is(&one.cluster, &one.service) {
                    self.leave(Leftover::of(&old));
                }
            }
        }
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

    /// The tasks of a service that serves are about to be stopped. `count`: how many it has.
    pub fn stops(&mut self, cluster: &str, service: &str, count: Option<i32>) {
        if let Some(one) = self.at(cluster, service) {
            one.begin(count).stopped = true;
        }
    }

    /// The auto scaling of a service that serves is about to be taken away.
    pub fn unscales(&mut self, taken: &Scaled, count: Option<i32>) {
        let is_meant = |scaling: &Scaled| {
            (!taken.resource_id.is_empty() && scaling.resource_id == taken.resource_id)
                || taken.alarms.iter().any(|name| scaling.alarms.contains(name))
        };
        for one in self.services.iter_mut().filter(|one| one.scaling.as_ref().is_some_and(is_meant)) {
            one.begin(count).stopped = true;
        }
    }

    /// A service that serves is about to be changed; `sent`: its fields, as they are to be.
    pub fn changes(&mut self, cluster: &str, service: &str, count: Option<i32>, fields: Vec<String>) {
        if let Some(one) = self.at(cluster, service) {
            let known = &mut one.begin(count).fields;
            known.extend(fields.into_iter().filter(|field| !known.contains(field)).collect::<Vec<_>>());
        }
    }

    /// A service was brought to a count by hand: that is no change that was cut short, save that its scaling may be gone.
    pub fn counts(&mut self, cluster: &str, service: &str, count: i32) {
        let Some(one) = self.at(cluster, service) else { return };
        let is_scaled = one.is_scaled();
        let Some(begun) = &mut one.unfinished else { return };
        begun.count = Some(count);
        begun.stopped &= is_scaled;
        if !begun.stopped && begun.fields.is_empty() {
            one.unfinished = None;
        }
    }

    /// A service is as it is remembered.
    pub fn is_as_it_was(&mut self, cluster: &str, service: &str) {
        self.has_begun(cluster, service, None);
    }

    /// Nothing more was begun with a service than this.
    pub fn has_begun(&mut self, cluster: &str, service: &str, begun: Option<Unfinished>) {
        if let Some(one) = self.at(cluster, service) {
            one.unfinished = begun;
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

    /// The same alone, where a manifest is named that is known.
    #[must_use]
    pub fn narrowed(mut self, manifest: Option<&str>) -> Self {
        if let Some(manifest) = manifest.filter(|manifest| self.of(manifest).is_some()) {
            self.services.retain(|one| one.manifest == manifest);
        }
        self
    }

    /// Whether what serves is where calls go to: elsewhere everything would look as if it were gone.
    pub fn check_region(&self, region: Option<&str>) -> Result<(), Error> {
        let regions = || self.services.iter().filter_map(|one| one.region.as_deref());
        let Some(here) = region else { return Ok(()) };
        let Some(one) = self.services.iter().find(|one| one.region.as_deref().is_some_and(|there| there != here))
        else {
            return Ok(());
        };
        let there = one.region.as_deref().unwrap_or_default();
        let is_same = regions().all(|region| region == there);
        let alone = if is_same { String::new() } else { format!(" and --manifest {}", one.manifest) };
        Err(Error::new(
            Kind::Configuration,
            format_args!(
                "manifest {} is deployed to the cluster {} in {there} as {}, and the region is {here} now: give --region \
                 {there}{alone}",
                one.manifest, one.cluster, one.service
            ),
        ))
    }

    fn at(&mut self, cluster: &str, service: &str) -> Option<&mut Deployed> {
        self.services.iter_mut().find(|one| one.is(cluster, service))
    }
}

impl Deployed {
    fn is(&self, cluster: &str, service: &str) -> bool {
        self.cluster == cluster && self.service == service
    }

    /// How a change that was killed, or has failed, has left it other than it is remembered, with this count. One of 0 that
    /// somebody asked for is none of that.
    pub fn cut_short(&self, desired: i32) -> Option<String> {
        let begun = self.unfinished.as_ref()?;
        if begun.stopped && (desired == 0 || self.is_scaled()) {
            return Some("was stopped by a command that was cut short".to_owned());
        }
        let has_other_count = !self.is_scaled() && begun.count.is_some_and(|count| count != desired);
        let is_other = !begun.fields.is_empty() || has_other_count;
        is_other.then(|| "was changed by a deployment that did not come to its end".to_owned())
    }

    /// The count from which a change has begun is that of the first one.
    fn begin(&mut self, count: Option<i32>) -> &mut Unfinished {
        let begun = self.unfinished.get_or_insert_default();
        begun.count = begun.count.or(count);
        begun
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

    /// Takes away what is gone: alarms, policies of a target, or a target with all its policies.
    fn subtract(&mut self, gone: &Self) {
        self.alarms.retain(|name| !gone.alarms.contains(name));
        if gone.resource_id.is_empty() || gone.resource_id != self.resource_id {
            return;
        }
        if gone.policies.is_empty() {
            self.policies.clear();
            self.resource_id.clear();
        }
        self.policies.retain(|name| !gone.policies.contains(name));
    }
}
