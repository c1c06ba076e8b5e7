//! Waits: looks at a service again and again, often while something changes, seldom while nothing does.

use std::time::{Duration, SystemTime};

use super::work::{Rollout, Stop, Work};
use crate::aws::ecs::Service;
use crate::ecs::explain::Subject;
use crate::ecs::steps::{Step, resource_id};
use crate::ecs::tell::Tell;
use crate::ecs::watch::{Expected, Verdict, Watch};
use crate::error::Kind;

const FIRST: Duration = Duration::from_secs(1);
const AFTER_CHANGE: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(10);
/// How long looks may be denied that were allowed before: a policy that is changed is not the same everywhere at once.
pub(in crate::ecs) const LONGEST_DENIED: Duration = Duration::from_secs(15);
/// How often it is looked meanwhile.
const WHILE_DENIED: Duration = Duration::from_secs(5);

/// How long until the next look.
#[derive(Debug)]
pub(in crate::ecs) struct Pace(Duration);

impl Pace {
    pub(in crate::ecs) const fn new() -> Self {
        Self(FIRST)
    }

    /// The wait before the next look.
    pub(in crate::ecs) fn next(&mut self) -> Duration {
        let now = self.0;
        self.0 = now.mul_f64(1.5).min(LONGEST);
        now
    }

    /// What was denied is soon looked at again, or is denied for good.
    fn denied(&mut self) {
        self.0 = WHILE_DENIED;
    }

    /// Something has changed: more may follow.
    pub(in crate::ecs) fn changed(&mut self) {
        self.0 = self.0.min(AFTER_CHANGE);
    }
}

/// What a look shows that is told when it changes.
pub(super) type Shown = (i32, i32, i32, i32, Option<String>);

impl Work<'_> {
    /// Looks until `decide` has something to say, or the time is over.
    fn poll<T>(
        &mut self,
        service: &str,
        what: &str,
        mut decide: impl FnMut(&mut Self, Option<&Service>) -> Result<Option<T>, Stop>,
    ) -> Result<T, Stop> {
        let mut pace = Pace::new();
        let mut denied_since = None;
        loop {
            self.go_on()?;
            let failure = match self.run.api.describe_once(self.cluster, &[service]) {
                Ok(found) => {
                    denied_since = None;
                    let found = found.into_iter().find(|one| one.name == service);
                    if let Some(found) = &found
                        && self.tell_look(found)
                    {
                        pace.changed();
                    }
                    if let Some(decided) = decide(self, found.as_ref())? {
                        return Ok(decided);
                    }
                    None
                }
                Err(denied)
                    if denied.kind == Kind::Denied
                        && self.is_denied_shortly(*denied_since.get_or_insert(self.run.api.now())) =>
                {
                    pace.denied();
                    Some(denied)
                }
                Err(denied) if matches!(denied.kind, Kind::Denied | Kind::NoCredentials | Kind::Expired) => {
                    let step = Step::Look { services: vec![service.to_owned()] };
                    return self.called(&step, Err(denied));
                }
                // Never taken for "absent" or "0".
                Err(passing) => Some(passing),
            };
            let left = self.deadline.duration_since(self.run.api.now()).unwrap_or_default();
            if left.is_zero() {
                let last = failure.map(|failure| format!(" (the last look at it failed: {failure})"));
                let within = self.limit.as_secs();
                return Err(Stop::TimedOut(format!("{what} after {within} s{}", last.unwrap_or_default())));
            }
            self.run.api.wait(pace.next().min(left));
        }
    }

    /// Tells what is new of a service; whether something is.
    fn tell_look(&mut self, found: &Service) -> bool {
        self.tell_events(found);
        let now = self.shown_of(found);
        let is_new = self.shown.get(&found.name) != Some(&now);
        if is_new {
            self.tell_counts(&found.name, &now);
            self.shown.insert(found.name.clone(), now);
        }
        self.seen.insert(found.name.clone(), found.clone());
        is_new
    }

    /// Whether looks that are denied since then may be allowed again by themselves. The first look of all was allowed, or
    /// there was nothing to wait for.
    fn is_denied_shortly(&self, since: SystemTime) -> bool {
        self.run.api.now() < since + LONGEST_DENIED
    }

    pub(super) fn await_rollout(&mut self, service: &str, stability: Duration) -> Result<(), Stop> {
        let Rollout { deployment, task_definition, may_be_empty } =
            self.rollouts.get(service).cloned().unwrap_or_default();
        let previous = self.previous.clone().filter(|arn| *arn != task_definition);
        let is_daemon = self.is_daemon;
        let expected = Expected { deployment, task_definition, previous, is_daemon, may_be_empty, stability };
        let mut watch = Watch::new(expected, self.run.api.now(), self.known_events.clone());
        let verdict = self.poll(service, &format!("{service} is not steady"), |work, found| {
            let verdict = watch.see(work.run.api.now(), found);
            Ok((verdict != Verdict::Going).then_some(verdict))
        });
        match verdict.map_err(|stop| self.late(service, stop))? {
            Verdict::Going | Verdict::Done => Ok(()),
            Verdict::Failed(reason) => Err(Stop::Failed(reason)),
            Verdict::Superseded(what) => Err(Stop::Superseded(what)),
            Verdict::RolledBack(reason) => {
                let back = watch.going_back().cloned();
                Err(self.gone_back(service, reason, back))
            }
        }
    }

    /// How far it has come in its time.
    fn late(&self, service: &str, stop: Stop) -> Stop {
        match (stop, self.seen.get(service)) {
            (Stop::TimedOut(text), Some(seen)) => {
                let (desired, running, pending, ..) = self.shown_of(seen);
                let pending = if pending > 0 { format!(", {pending} pending") } else { String::new() };
                Stop::TimedOut(format!("{text}: {running} of {desired} tasks run{pending}"))
            }
            (stop, _) => stop,
        }
    }

    /// Waits until the version that ECS goes back to runs.
    fn gone_back(&mut self, service: &str, reason: String, back: Option<Expected>) -> Stop {
        self.explain(service, &reason);
        let Some(expected) = back else { return Stop::GoneBack { reason, is_whole: false } };
        self.note(format!("ECS goes back to the version before: {reason}"));
        self.begin_to_go_back();
        let (deployment, task_definition) = (expected.deployment.clone(), expected.task_definition.clone());
        self.rollouts.insert(service.to_owned(), Rollout { deployment, task_definition, may_be_empty: true });
        let mut watch = Watch::new(expected, self.run.api.now(), self.known_events.clone());
        let done = self.poll(service, &format!("{service} is not back"), |work, found| {
            let verdict = watch.see(work.run.api.now(), found);
            Ok((verdict != Verdict::Going).then_some(verdict))
        });
        match done {
            Ok(verdict) => Stop::GoneBack { reason, is_whole: verdict == Verdict::Done },
            Err(stop @ (Stop::Interrupted(_) | Stop::Store(_))) => stop,
            Err(_) => Stop::GoneBack { reason, is_whole: false },
        }
    }

    /// Waits until no task runs. Whoever raises the count meanwhile loses: most likely a scalable target that is none of
    /// ours.
    pub(super) fn await_stopped(&mut self, service: &str) -> Result<(), Stop> {
        let what = format!("the tasks of {service} have not stopped");
        let mut raised = 0;
        loop {
            let is_raised = self.poll(service, &what, |_, found| {
                let Some(found) = found.filter(|found| found.status != "INACTIVE") else { return Ok(Some(false)) };
                let is_raised = found.desired > 0 && found.status == "ACTIVE";
                Ok((is_raised || found.running == 0 && found.pending == 0).then_some(is_raised))
            })?;
            if !is_raised {
                return Ok(());
            }
            if self.run.api.now() >= self.deadline {
                return Err(Stop::TimedOut(format!(
                    "{what} after {} s: its count is raised again",
                    self.limit.as_secs()
                )));
            }
            raised += 1;
            match raised {
                1 => self.note(format!("somebody has raised the count of {service} again: it is set to 0 again")),
                2 => self.scale_no_more(service),
                _ => {}
            }
            self.scale_to_zero(service)?;
            self.run.api.wait(AFTER_CHANGE);
        }
    }

    /// Takes away a scalable target that keeps a service up. It is not known to be there, so this may be denied.
    fn scale_no_more(&self, service: &str) {
        let resource_id = resource_id(self.cluster, service);
        let step = Step::DeregisterTarget { resource_id: resource_id.clone() };
        match self.run.api.deregister_scalable_target(&resource_id) {
            Err(denied) if denied.kind == Kind::Denied => self.note(format!(
                "cannot look whether it is scaled automatically: {} is not allowed; add it to the policy (shipctl iam \
                 policy --for deploy,scaling)",
                step.action()
            )),
            Err(other) => self.note(format!("cannot {}: {other}", step.text())),
            Ok(()) => {}
        }
    }

    pub(super) fn await_gone(&mut self, service: &str) -> Result<(), Stop> {
        self.poll(service, &format!("{service} is not gone"), |_, found| {
            Ok(found.is_none_or(|found| found.status == "INACTIVE").then_some(()))
        })
    }

    /// The counts of our roll-out, else of the service.
    fn shown_of(&self, service: &Service) -> Shown {
        let id = self.rollouts.get(&service.name).map(|rollout| rollout.deployment.as_str());
        match service.deployments.iter().find(|one| Some(one.id.as_str()) == id) {
            Some(own) => (own.desired, own.running, own.pending, own.failed_tasks, own.rollout_state.clone()),
            None => (service.desired, service.running, service.pending, 0, None),
        }
    }

    fn tell_counts(&self, service: &str, shown: &Shown) {
        let (desired, running, pending, failed, rollout_state) = shown.clone();
        let (manifest, service) = (self.manifest.to_owned(), service.to_owned());
        self.tell(&Tell::Counts { manifest, service, desired, running, pending, failed, rollout_state });
    }

    /// Events that were not there when the work began, each once, the oldest first.
    fn tell_events(&mut self, service: &Service) {
        for event in service.events.iter().rev() {
            if self.known_events.insert(event.id.clone()) {
                let at = crate::aws::timestamp(event.at.unwrap_or_else(|| self.run.api.now()));
                let (manifest, message) = (self.manifest.to_owned(), event.message.clone());
                self.tell(&Tell::ServiceEvent { manifest, service: service.name.clone(), at, message });
            }
        }
    }

    /// Says why a roll-out failed.
    pub(super) fn explain(&self, service: &str, evidence: &str) {
        let Some(rollout) = self.rollouts.get(service) else { return };
        let subject = Subject {
            cluster: self.cluster,
            service,
            deployment: &rollout.deployment,
            task_definition: &rollout.task_definition,
            request: &self.definition,
            seen: self.seen.get(service),
            began: self.began,
        };
        let explanation = self.run.api.explain(&subject, evidence);
        let manifest = self.manifest.to_owned();
        self.tell(&Tell::Explanation { manifest, lines: explanation.lines, next: explanation.next });
        for note in self.run.api.take_notes() {
            self.note(note);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_become_rarer_until_something_changes() {
        let mut pace = Pace::new();
        let waits: Vec<u128> = (0..8).map(|_| pace.next().as_millis()).collect();
        assert_eq!(waits, [1000, 1500, 2250, 3375, 5062, 7593, 10_000, 10_000]);
        pace.changed();
        assert_eq!(pace.next(), AFTER_CHANGE);
        // A minute takes no more than a dozen looks.
        let mut pace = Pace::new();
        let mut passed = Duration::ZERO;
        let looks = std::iter::from_fn(|| {
            passed += pace.next();
            (passed <= Duration::from_mins(1)).then_some(())
        });
        assert!(looks.count() <= 12);
    }
}
