//! What a roll-out has come to: decided by the id of our own deployment and its task definition, never by "stable".
//!
//! ECS says what it thinks of a roll-out in `rolloutState`, but not behind a classic load balancer, and a task that runs
//! for some seconds before it crashes counts as started there. So tasks that are started again and again, and those that
//! find no place, are counted here as well.

mod evidence; // what events tell

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use crate::aws::ecs::{Deployment, Service, last_part};
use evidence::Evidence;
pub use evidence::essence;

/// How long ECS may not show a service that is there.
const LONGEST_MISSING: Duration = Duration::from_mins(1);

/// Tasks that were lost, at least, before a roll-out is given up; as many as should run, where that is more.
const MOST_LOST: usize = 3;

/// The same of tasks that a circuit breaker counts: it is to decide. It does so at half of the tasks that should run,
/// but not below 3 nor above 200, unless the service says otherwise, so that ours is the later one of both; only a
/// breaker that is set to bear more is not waited for.
const MOST_LOST_UNDER_BREAKER: usize = 10;

/// Looks that have to show the tasks that no breaker counts: its count may be a look late.
const LOOKS_UNCOUNTED: usize = 2;

/// How long it has to stay as it should be where ECS says neither how far the roll-out is nor that it is steady: what
/// crashes at its start has done so by then, and a verdict waits for no more than two looks.
const UNTOLD_STABILITY: Duration = Duration::from_secs(20);

/// How often no place was found for a task before a roll-out is given up.
const MOST_UNPLACED: usize = 3;

/// Looks for which ECS may call a roll-out failed before it goes back by itself.
const LOOKS_UNTIL_BACK: usize = 2;

/// What is being waited for.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// The id of our deployment, as the call that began it answered.
    pub deployment: String,
    /// The ARN of our task definition.
    pub task_definition: String,
    /// That of the version before, when there is one.
    pub previous: Option<String>,
    /// Whether ECS runs one task on each instance.
    pub is_daemon: bool,
    /// Whether it may be asked for no task at all.
    pub may_be_empty: bool,
    /// How long it has to stay so.
    pub stability: Duration,
}

/// What it has come to.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Nothing is decided yet.
    Going,
    /// It is done.
    Done,
    /// It will not come to anything: the evidence, in one line.
    Failed(String),
    /// ECS itself goes back to the version before: the reason, in one line. [`Watch::going_back`] says what to wait
    /// for.
    RolledBack(String),
    /// Somebody else has deployed: what, in one line.
    Superseded(String),
}

/// A roll-out under watch.
#[derive(Debug)]
pub struct Watch {
    expected: Expected,
    /// Since when it has been as it should be.
    steady_since: Option<SystemTime>,
    missing_since: Option<SystemTime>,
    /// Whether it has been shown at all: until then, what is shown may be a service of that name from before.
    is_known: bool,
    /// Looks at which ECS called it failed.
    failed_looks: usize,
    /// Looks in a row at which enough tasks were lost that no breaker counts.
    uncounted_looks: usize,
    evidence: Evidence,
    going_back: Option<Expected>,
}

impl Watch {
    /// Begins to watch. `known`: ids of events that tell of what was before.
    pub fn new(expected: Expected, now: SystemTime, known: HashSet<String>) -> Self {
        let evidence = Evidence::since(now, known);
        Self {
            expected,
            steady_since: None,
            missing_since: None,
            is_known: false,
            failed_looks: 0,
            uncounted_looks: 0,
            evidence,
            going_back: None,
        }
    }

    /// Looks at the service as it is now; `None` when ECS does not show it.
    pub fn see(&mut self, now: SystemTime, service: Option<&Service>) -> Verdict {
        let Some(service) = service else { return self.missing(now) };
        self.is_known |= service.deployments.iter().any(|one| one.id == self.expected.deployment);
        let is_deleted = service.status == "DRAINING" || service.status == "INACTIVE";
        if is_deleted && !self.is_known {
            return self.missing(now);
        }
        self.missing_since = None;
        if is_deleted {
            return Verdict::Superseded(format!("somebody has deleted the service {}", service.name));
        }
        let primary = service.deployments.iter().find(|one| one.status == "PRIMARY");
        // The same task definition under another deployment, such as a forced one: it is ours that rolls out, and stops
        // the tasks of the one before.
        if let Some(primary) = primary
            && primary.id != self.expected.deployment
            && same_revision(&primary.task_definition, &self.expected.task_definition)
        {
            self.expected.deployment.clone_from(&primary.id);
            self.evidence.restart(service);
        }
        let lost_before = self.evidence.lost();
        let own = service.deployments.iter().find(|one| one.id == self.expected.deployment);
        self.evidence.take(service, own);
        if let Some(primary) = primary
            && primary.id != self.expected.deployment
        {
            return self.replaced(service, own, primary);
        }
        let Some(own) = own.or(primary) else { return Verdict::Going };
        if self.may_go_back(service, own) {
            return Verdict::Going;
        }
        if let Some(verdict) = self.failure(service, own) {
            return verdict;
        }
        if service.desired == 0 && own.desired == 0 && !self.expected.is_daemon && !self.expected.may_be_empty {
            return Verdict::Superseded(format!("somebody has set the count of {} to 0", service.name));
        }
        if !self.is_as_wanted(service, own) || self.evidence.lost() > lost_before {
            self.steady_since = None;
            if !self.is_as_wanted(service, own) {
                return Verdict::Going;
            }
        }
        let since = *self.steady_since.get_or_insert(now);
        let steady = now.duration_since(since).unwrap_or_default();
        let untold =
            if own.rollout_state.is_some() || self.evidence.is_steady() { Duration::ZERO } else { UNTOLD_STABILITY };
        if steady >= self.expected.stability.max(untold) { Verdict::Done } else { Verdict::Going }
    }

    /// What ECS goes back to, after [`Verdict::RolledBack`].
    pub fn going_back(&self) -> Option<&Expected> {
        self.going_back.as_ref()
    }

    /// ECS may be late to show what was just made.
    fn missing(&mut self, now: SystemTime) -> Verdict {
        self.steady_since = None;
        let since = *self.missing_since.get_or_insert(now);
        if now.duration_since(since).unwrap_or_default() < LONGEST_MISSING {
            return Verdict::Going;
        }
        Verdict::Failed(format!("ECS has not shown the service for {} s", LONGEST_MISSING.as_secs()))
    }

    /// A deployment of another task definition has taken the place of ours.
    fn replaced(&mut self, service: &Service, own: Option<&Deployment>, primary: &Deployment) -> Verdict {
        let reason = own.filter(|own| own.rollout_state.as_deref() == Some("FAILED"));
        let told = primary.rollout_reason.as_deref().filter(|reason| reason.contains("rolling back"));
        // Between two looks it may have gone back already, and say nothing of it any more.
        let is_back = service.rolls_back
            && own.is_none()
            && self.expected.previous.as_deref().is_some_and(|arn| same_revision(arn, &primary.task_definition));
        let by_breaker = reason.is_some() || told.is_some() || self.evidence.goes_back() || is_back;
        if !by_breaker {
            let told = format!(
                "somebody has deployed {} to {} meanwhile ({})",
                last_part(&primary.task_definition),
                service.name,
                primary.id
            );
            return Verdict::Superseded(told);
        }
        let reason = reason.and_then(|own| own.rollout_reason.clone()).or_else(|| told.map(ToOwned::to_owned));
        self.going_back = Some(Expected {
            deployment: primary.id.clone(),
            task_definition: primary.task_definition.clone(),
            previous: None,
            is_daemon: self.expected.is_daemon,
            may_be_empty: true,
            stability: Duration::ZERO,
        });
        let reason = reason.unwrap_or_else(|| {
            format!("the circuit breaker of ECS has put {} back", last_part(&primary.task_definition))
        });
        Verdict::RolledBack(without_stop(reason))
    }

    /// Whether ECS, which has just called it failed, is about to put the version before in its place.
    fn may_go_back(&mut self, service: &Service, own: &Deployment) -> bool {
        if !service.rolls_back || self.expected.previous.is_none() || own.rollout_state.as_deref() != Some("FAILED") {
            return false;
        }
        self.failed_looks += 1;
        self.failed_looks <= LOOKS_UNTIL_BACK
    }

    fn failure(&mut self, service: &Service, own: &Deployment) -> Option<Verdict> {
        if own.rollout_state.as_deref() == Some("FAILED") {
            let reason = own.rollout_reason.clone().unwrap_or_else(|| format!("the roll-out {} has failed", own.id));
            return Some(Verdict::Failed(without_stop(reason)));
        }
        let breaker_decides = service.has_breaker && own.rollout_state.is_some();
        let wanted = usize::try_from(own.desired).unwrap_or_default();
        let least = if breaker_decides { MOST_LOST_UNDER_BREAKER } else { MOST_LOST };
        let failed = usize::try_from(own.failed_tasks).unwrap_or_default();
        if failed >= least.max(wanted) {
            return Some(Verdict::Failed(format!("{failed} tasks have failed to start")));
        }
        let lost = self.evidence.lost();
        // The breaker counts what does not come to run, or fails a health check. What runs for a while and ends, again and
        // again, is none of that: it would never decide.
        let is_uncounted = self.evidence.uncounted() >= MOST_LOST.max(wanted);
        self.uncounted_looks = if is_uncounted { self.uncounted_looks + 1 } else { 0 };
        if lost >= least.max(wanted) || breaker_decides && self.uncounted_looks >= LOOKS_UNCOUNTED {
            return Some(Verdict::Failed(format!("tasks start and stop again: {lost} so far")));
        }
        // A place may be made while others stop: nothing is decided as long as tasks of ours begin to run.
        if own.running < own.desired.max(1) && self.evidence.unplaced() >= MOST_UNPLACED {
            let said = self.evidence.last_unplaced().unwrap_or_default();
            return Some(Verdict::Failed(format!("no place for its tasks: {said}")));
        }
        match self.evidence.cannot_start() {
            Some(said) if !breaker_decides => Some(Verdict::Failed(said.to_owned())),
            _ => None,
        }
    }

    /// Whether all its tasks run, and none of another version. Behind a classic load balancer ECS says nothing of the
    /// roll-out itself.
    fn is_as_wanted(&self, service: &Service, own: &Deployment) -> bool {
        // The count of the service may have been changed just now, and that of the roll-out not yet.
        let is_told = self.expected.is_daemon || own.desired >= service.desired;
        let all_run = own.desired > 0 && own.running == own.desired && own.pending == 0 && is_told;
        match own.rollout_state.as_deref() {
            Some("COMPLETED") if own.desired == 0 => !self.expected.is_daemon && is_told,
            Some("COMPLETED") => all_run,
            Some(_) => false,
            None if own.desired == 0 => {
                let is_empty = service.desired == 0 && service.running == 0 && service.pending == 0;
                is_empty && self.expected.may_be_empty && !self.expected.is_daemon
            }
            None => all_run && service.deployments.len() == 1,
        }
    }
}

/// Whether a service has all the tasks that it should have, of this task definition.
pub fn is_whole(service: &Service, task_definition: &str) -> bool {
    let primary = service.deployments.iter().find(|one| one.status == "PRIMARY");
    // Those of the version before count among the service's own.
    let runs = |one: &Deployment| one.running >= service.desired && one.rollout_state.as_deref() != Some("FAILED");
    service.status == "ACTIVE"
        && same_revision(&service.task_definition, task_definition)
        && service.running >= service.desired
        && primary.is_none_or(runs)
}

/// Whether two names mean the same revision: an ARN, or its last part.
fn same_revision(one: &str, other: &str) -> bool {
    last_part(one) == last_part(other)
}

/// Sentences of ECS, as parts of ours.
fn without_stop(mut sentence: String) -> String {
    sentence.truncate(sentence.trim_end_matches('.').len());
    sentence
}

#[cfg(test)]
mod tests;
