//! A version takes the place of another, or does not.

use super::Done;
use super::outcome::Outcome;
use super::work::{Stop, Work, is_refusal};
use crate::aws::ecs::Service;
use crate::ecs::memory::Deployed;
use crate::ecs::steps::{Step, revision, undo_steps};
use crate::error::Kind;

/// What is to change.
pub(super) struct Change {
    pub steps: Vec<Step>,
    /// What serves.
    pub was: Option<Deployed>,
    /// How many tasks it should have.
    pub count: Option<i32>,
    /// What serves then; its task definition is empty where it is registered first.
    pub new: Deployed,
    /// Before which step the new version is the one that serves; never where the change ends before.
    pub commit_at: Option<usize>,
    /// Whether a failure is to be undone.
    pub goes_back: bool,
}

/// Where the new version has proven itself, and has its scaling: from there on the old one goes.
pub(super) fn commit_at(steps: &[Step]) -> usize {
    let is_making = |step: &Step| {
        matches!(
            step,
            Step::AwaitRollout { .. }
                | Step::Create { .. }
                | Step::Update { .. }
                | Step::RegisterTarget(_)
                | Step::PutPolicy(_)
                | Step::PutAlarm(_)
        )
    };
    steps.iter().rposition(is_making).map_or(steps.len(), |last| last + 1)
}

impl Work<'_> {
    /// Carries a change out; where it fails, what was there before comes back as far as it can.
    pub(super) fn execute(&mut self, change: &Change) -> Done {
        let mut is_committed = false;
        for (index, step) in change.steps.iter().enumerate() {
            let done = self.commit_before(change, index, &mut is_committed).and_then(|()| self.carry_out(step));
            if let Err(stop) = done {
                return self.stopped(change, index, &stop, is_committed);
            }
        }
        if let Err(stop) = self.commit_before(change, change.steps.len(), &mut is_committed) {
            return self.stopped(change, change.steps.len(), &stop, is_committed);
        }
        let target = &self.target;
        let text = if is_committed {
            format!("{target} serves on {}", revision(&self.serving_revision()))
        } else {
            format!(
                "{target} is there, and was not waited for: deploy build {} again to go on with it",
                self.run.options.build_number
            )
        };
        self.ended(Outcome::Completed, text)
    }

    fn serving_revision(&self) -> String {
        self.book.of(self.manifest).map(|serving| serving.task_definition).unwrap_or_default()
    }

    fn commit_before(&self, change: &Change, index: usize, is_committed: &mut bool) -> Result<(), Stop> {
        if change.commit_at != Some(index) || *is_committed {
            return Ok(());
        }
        let mut new = change.new.clone();
        if let Some(registered) = &self.registered {
            new.task_definition.clone_from(registered);
        }
        self.book.change(|memory| memory.serves(new)).map_err(Stop::Store)?;
        *is_committed = true;
        Ok(())
    }

    /// How it ended, with what serves now.
    pub(super) fn ended(&self, outcome: Outcome, text: String) -> Done {
        let serving = self.book.of(self.manifest);
        Done {
            manifest: self.manifest.to_owned(),
            outcome,
            service: serving.as_ref().map(|serving| serving.service.clone()),
            task_definition: serving.map(|serving| serving.task_definition),
            text,
        }
    }

    /// What a stop means, in one line.
    pub(super) fn words(&self, stop: &Stop) -> (Outcome, String) {
        match stop {
            Stop::Call { doing, failure } => {
                let error = self.run.api.error(doing, failure);
                (Outcome::Refused(error.kind()), error.to_string())
            }
            Stop::Store(error) => (Outcome::Refused(error.kind()), error.to_string()),
            Stop::Lacks(text) => (Outcome::Refused(Kind::Configuration), text.clone()),
            Stop::Failed(reason) => (Outcome::Failed, reason.clone()),
            Stop::GoneBack { reason, is_whole: true } => (Outcome::RolledBack, reason.clone()),
            Stop::GoneBack { reason, is_whole: false } => (Outcome::RollbackFailed, reason.clone()),
            Stop::Superseded(what) => (Outcome::Superseded, what.clone()),
            Stop::TimedOut(what) => (Outcome::TimedOut, what.clone()),
            Stop::Interrupted(signal) => (Outcome::Interrupted(*signal), format!("interrupted by signal {signal}")),
        }
    }

    fn stopped(&mut self, change: &Change, index: usize, stop: &Stop, is_committed: bool) -> Done {
        let (outcome, reason) = self.words(stop);
        let step = change.steps.get(index);
        if let (Stop::Failed(_) | Stop::TimedOut(_), Some(Step::AwaitRollout { service, .. })) = (stop, step) {
            self.explain(&service.clone(), &reason);
        }
        let is_over = match stop {
            // Nothing can be undone either.
            Stop::Call { failure, .. } => matches!(failure.kind, Kind::Expired | Kind::NoCredentials) && index > 0,
            other => matches!(other, Stop::Interrupted(_) | Stop::Store(_) | Stop::Superseded(_)),
        };
        if is_over || is_committed {
            let text = format!("{reason}; {}", self.live(change, is_committed));
            return self.ended(outcome, text);
        }
        let has_effect = match stop {
            Stop::Call { failure, .. } => !is_refusal(failure),
            Stop::Lacks(_) => false,
            _ => true,
        };
        let begun = &change.steps[..(index + usize::from(has_effect)).min(change.steps.len())];
        let undo = match change.goes_back {
            true => undo_steps(begun, change.was.as_ref(), change.count, true),
            false => Vec::new(),
        };
        let is_back = matches!(stop, Stop::GoneBack { .. });
        if undo.is_empty() {
            let is_changed = begun.iter().any(|step| matches!(step, Step::Create { .. } | Step::Update { .. }));
            let text = self.not_undone(change, is_changed && !is_back);
            return self.ended(outcome, format!("{reason}; {text}"));
        }
        let why = match stop {
            Stop::Call { doing, .. } => format!("cannot {doing}"),
            _ => reason.clone(),
        };
        let back = if change.was.is_some() { "what was there before comes back" } else { "what was made is removed" };
        self.note(format!("{why}: {back}"));
        match self.undo(&undo) {
            Ok(problems) => self.undone(change, outcome, &reason, &problems),
            Err(stop) => {
                let (outcome, ended) = self.words(&stop);
                let text = format!("{reason}; going back: {ended}; {}", self.live(change, false));
                self.ended(outcome, text)
            }
        }
    }

    /// What is there where nothing has been undone.
    fn not_undone(&mut self, change: &Change, is_changed: bool) -> String {
        match &change.was {
            Some(was) if is_changed => format!(
                "{}; it was not gone back, as nobody asked for it: deploy with --rollback, or run `shipctl ecs rollback`",
                self.whole(was).unwrap_or_else(|text| text)
            ),
            Some(was) => self.whole(was).unwrap_or_else(|text| text),
            None if is_changed => format!("{} is left as it is: nothing was there before", self.target),
            None => "nothing was there before, and nothing is now".to_owned(),
        }
    }

    /// Undoes, as far as it can: what could not be undone is told.
    fn undo(&mut self, steps: &[Step]) -> Result<Vec<String>, Stop> {
        self.restart_clock();
        let mut problems = Vec::new();
        let mut is_running = false;
        for step in steps {
            let step = match step {
                // What cannot be scaled down is deleted with its tasks.
                Step::Delete { service, .. } if is_running => {
                    problems.clear();
                    &Step::Delete { service: service.clone(), force: true }
                }
                Step::AwaitStopped { .. } if is_running => continue,
                other => other,
            };
            match self.carry_out(step) {
                Ok(()) => {}
                Err(stop @ (Stop::Interrupted(_) | Stop::Store(_) | Stop::Superseded(_))) => return Err(stop),
                Err(stop) => {
                    is_running |= matches!(step, Step::ScaleToZero { .. } | Step::AwaitStopped { .. });
                    problems.push(self.words(&stop).1);
                    self.restart_clock();
                }
            }
        }
        Ok(problems)
    }

    fn undone(&mut self, change: &Change, outcome: Outcome, reason: &str, problems: &[String]) -> Done {
        let failed = match problems {
            [] => String::new(),
            some => format!("; going back failed: {}", some.join("; ")),
        };
        let Some(was) = &change.was else {
            let what = if problems.is_empty() { "was removed" } else { "may still be there" };
            let text = format!("{reason}; {} {what}: nothing was there before{failed}", self.target);
            return self.ended(outcome, text);
        };
        // It is not enough that its tasks run, where it was waited for in vain that they stay.
        let is_steady = problems.is_empty() || was.service != self.target;
        let (is_whole, serves) = match self.whole(was) {
            Ok(_) if !is_steady => (false, format!("{} is on {}", was.service, revision(&was.task_definition))),
            Ok(text) => (true, text),
            Err(text) => (false, text),
        };
        let outcome = match (outcome, is_whole && problems.is_empty()) {
            (Outcome::Failed | Outcome::RollbackFailed, true) => Outcome::RolledBack,
            (other, true) => other,
            (Outcome::Refused(kind), false) if is_whole => Outcome::Refused(kind),
            (_, false) => Outcome::RollbackFailed,
        };
        self.ended(outcome, format!("{reason}; {serves}{failed}"))
    }

    /// Whether the version that served before is whole, in words.
    fn whole(&mut self, was: &Deployed) -> Result<String, String> {
        let found = self.run.api.describe_services(self.cluster, &[&was.service]);
        let found = found.map_err(|failure| format!("whether {} is whole cannot be seen: {failure}", was.service))?;
        let Some(service) = found.iter().find(|one| one.name == was.service && one.status == "ACTIVE") else {
            return Err(format!("{} is not there any more", was.service));
        };
        let same = revision(&service.task_definition) == revision(&was.task_definition);
        if same && service.running >= service.desired {
            return Ok(format!("{} serves, whole: {}", was.service, counts(service)));
        }
        if same {
            return Err(format!("{} serves, and is not whole: {}", was.service, counts(service)));
        }
        Err(format!("{} is on {}: {}", was.service, revision(&service.task_definition), counts(service)))
    }

    /// What is there now.
    fn live(&mut self, change: &Change, is_committed: bool) -> String {
        let mut names = vec![self.target.clone()];
        names.extend(change.was.iter().map(|was| was.service.clone()).filter(|name| *name != self.target));
        let asked: Vec<&str> = names.iter().map(String::as_str).collect();
        if let Ok(found) = self.run.api.describe_once(self.cluster, &asked) {
            self.seen = found.into_iter().map(|service| (service.name.clone(), service)).collect();
        }
        let there = self.seen.values().filter(|service| service.status != "INACTIVE");
        let there: Vec<String> = there
            .map(|service| {
                let going = if service.status == "DRAINING" { ", and is being deleted" } else { "" };
                format!("{} on {}: {}{going}", service.name, revision(&service.task_definition), counts(service))
            })
            .collect();
        let live = if there.is_empty() { "no service is there".to_owned() } else { there.join(", ") };
        if is_committed {
            return format!(
                "the new version serves; what is left of the old one is removed by `shipctl ecs deploy --prune` ({live})"
            );
        }
        format!("live: {live}; deploy again to go on")
    }
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
