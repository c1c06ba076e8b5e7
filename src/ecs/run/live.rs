//! What is there, in words.

use super::change::Change;
use super::work::Work;
use crate::aws::ecs::{Deployment, Service};
use crate::ecs::memory::Deployed;
use crate::ecs::steps::revision;
use crate::ecs::watch::is_whole;

impl Work<'_> {
    /// Whether the version that served before is whole, in words.
    pub(super) fn whole(&mut self, was: &Deployed) -> Result<String, String> {
        let found = self.run.api.describe_services(self.cluster, &[&was.service]).map_err(|failure| {
            let seen = self.last_seen(&[&was.service]);
            format!("whether {} is whole cannot be seen: {failure}{seen}", was.service)
        })?;
        self.book.sees(&found);
        let Some(service) = found.iter().find(|one| one.name == was.service && one.status == "ACTIVE") else {
            return Err(format!("{} is not there any more", was.service));
        };
        let same = revision(&service.task_definition) == revision(&was.task_definition);
        let counts = counts(service);
        let is_stopped = was.is_stopped() && service.desired == 0;
        if is_whole(service, &was.task_definition) && !is_stopped {
            return Ok(format!("{} serves, whole: {counts}", was.service));
        }
        if same {
            return Err(format!("{} serves, and is not whole: {counts}", was.service));
        }
        let old = |one: &&Deployment| revision(&one.task_definition) == revision(&was.task_definition);
        let running: i32 = service.deployments.iter().filter(old).map(|one| one.running).sum();
        let old = revision(&was.task_definition);
        let new = revision(&service.task_definition);
        match running {
            0 => Err(format!("{} is on {new}: {counts}, none of them of {old}", was.service)),
            1 => Err(format!("{} is on {new}, and 1 task of {old} still serves", was.service)),
            _ => Err(format!("{} is on {new}, and {running} tasks of {old} still serve", was.service)),
        }
    }

    /// What is there now.
    pub(super) fn live(&mut self, change: &Change, is_committed: bool) -> String {
        let mut names = vec![self.target.clone()];
        names.extend(change.was.iter().map(|was| was.service.clone()).filter(|name| *name != self.target));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let live = self.live_of(&names);
        if is_committed {
            return format!(
                "the new version serves; what is left of the old one is removed by `shipctl ecs deploy --prune` ({live})"
            );
        }
        format!("live: {live}; {}", self.hints.again)
    }

    /// What was there of these services when they were looked at last, to follow what says that they cannot be seen.
    fn last_seen(&self, names: &[&str]) -> String {
        let seen = names.iter().filter_map(|name| self.seen.get(*name));
        let seen: Vec<String> = seen.filter(|service| service.status != "INACTIVE").map(in_words).collect();
        if seen.is_empty() { String::new() } else { format!("; last seen: {}", seen.join(", ")) }
    }

    /// What is there of these services, in words.
    pub(super) fn live_of(&mut self, names: &[&str]) -> String {
        let found = match self.run.api.describe_once(self.cluster, names) {
            Ok(found) => found,
            Err(failure) => return format!("cannot be seen ({failure}){}", self.last_seen(names)),
        };
        self.book.sees(&found);
        self.seen = found.into_iter().map(|service| (service.name.clone(), service)).collect();
        let there = self.seen.values().filter(|service| service.status != "INACTIVE");
        let there: Vec<String> = there.map(in_words).collect();
        if there.is_empty() { "no service is there".to_owned() } else { there.join(", ") }
    }
}

/// A service, and what runs of it.
fn in_words(service: &Service) -> String {
    let going = if service.status == "DRAINING" { ", and is being deleted" } else { "" };
    format!("{} on {}: {}{going}", service.name, revision(&service.task_definition), counts(service))
}

/// How many tasks run; those of other versions apart.
fn counts(service: &Service) -> String {
    let current = service.deployments.iter().find(|one| one.status == "PRIMARY");
    let others = service.deployments.iter().filter(|one| one.status != "PRIMARY" && one.running > 0);
    let others: Vec<String> =
        others.map(|one| format!(", and {} of {}", one.running, revision(&one.task_definition))).collect();
    let running = match current {
        Some(current) if !others.is_empty() => current.running,
        _ => service.running,
    };
    format!("{running} of {} tasks run{}", service.desired, others.concat())
}
