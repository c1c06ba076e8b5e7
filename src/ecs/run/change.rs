//! A version takes the place of another, or does not.

use serde_json::Value;

use super::Done;
use super::outcome::Outcome;
use super::work::{Stop, Work, is_refusal};
use crate::aws::ecs::Request;
use crate::ecs::memory::Deployed;
use crate::ecs::steps::{Step, other_fields, revision, scaling_taken, undo_steps};
use crate::error::Kind;

/// What is told when a change is undone.
const BACK: &str = "what was there before comes back";

/// What is to change.
pub(super) struct Change {
    pub steps: Vec<Step>,
    /// What serves.
    pub was: Option<Deployed>,
    /// How many tasks it should have.
    pub count: Option<i32>,
    /// A service that is remembered and that is not there any more.
    pub gone: Option<String>,
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
        self.count = change.count;
        for (index, step) in change.steps.iter().enumerate() {
            let done = self.commit_before(change, index, &mut is_committed).and_then(|()| self.carry_out(step));
            if let Err(cause) = done {
                if is_committed && self.is_no_matter(step, &cause) {
                    continue;
                }
                return self.stopped(change, index, &cause, is_committed);
            }
        }
        if let Err(cause) = self.commit_before(change, change.steps.len(), &mut is_committed) {
            return self.stopped(change, change.steps.len(), &cause, is_committed);
        }
        let target = self.target.clone();
        if is_committed {
            let unseen = if self.run.options.no_wait { ", which was not waited for" } else { "" };
            let text = format!("{target} serves on {}{unseen}", revision(&self.serving_revision()));
            return self.ended(Outcome::Completed, text);
        }
        let later = self.hints.later.replace("{}", &self.run.options.build_number);
        let text = format!("{target} is there, and was not waited for: {later}");
        let done = self.ended(Outcome::Completed, text);
        // Whoever asks for no wait is told what was begun, as with the other methods.
        let begun = self.rollouts.get(&target).map(|rollout| rollout.task_definition.clone());
        Done { service: Some(target), task_definition: begun.or(done.task_definition), ..done }
    }

    /// Whether it does no harm that a step has failed: an old revision that is there still costs nothing, is remembered,
    /// and is tried again by the next deployment.
    fn is_no_matter(&self, step: &Step, cause: &Stop) -> bool {
        let Step::Deregister { task_definition } = step else { return false };
        let Stop::Call { failure, .. } = cause else { return false };
        if matches!(failure.kind, Kind::Denied | Kind::Expired | Kind::NoCredentials) {
            return false;
        }
        self.note(format!("{} is left over, and is tried again next time: {failure}", revision(task_definition)));
        true
    }

    fn serving_revision(&self) -> String {
        self.book.of(self.manifest).map(|serving| serving.task_definition).unwrap_or_default()
    }

    fn commit_before(&mut self, change: &Change, index: usize, is_committed: &mut bool) -> Result<(), Stop> {
        if change.commit_at != Some(index) || *is_committed {
            return Ok(());
        }
        let mut new = change.new.clone();
        if let Some(registered) = &self.registered {
            new.task_definition.clone_from(registered);
        }
        // The old scaling of the same service is known until it has gone.
        if change.was.as_ref().is_some_and(|was| was.service == new.service)
            && let Some(rest) = scaling_taken(&change.steps[index..])
        {
            new.scaling.get_or_insert_default().unite(&rest);
        }
        let serves = self.book.change(|memory| {
            memory.serves(new);
            if let Some(gone) = &change.gone {
                memory.service_is_gone(self.cluster, gone);
            }
        });
        serves.map_err(Stop::Store)?;
        *is_committed = true;
        self.is_committed = true;
        // What is left to do does not count against the new version, and has its own time.
        self.begin_anew();
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

    /// What a cause means, in one line.
    pub(super) fn words(&self, cause: &Stop) -> (Outcome, String) {
        match cause {
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

    fn stopped(&mut self, change: &Change, index: usize, cause: &Stop, is_committed: bool) -> Done {
        let (outcome, reason) = self.words(cause);
        // More is said behind it, on the same line.
        let reason = reason.trim_end_matches('.').to_owned();
        let step = change.steps.get(index);
        if let (Stop::Failed(_) | Stop::TimedOut(_), Some(Step::AwaitRollout { service, .. })) = (cause, step) {
            self.explain(&service.clone(), &reason);
        }
        let is_over = match cause {
            // Nothing can be undone either.
            Stop::Call { failure, .. } => matches!(failure.kind, Kind::Expired | Kind::NoCredentials) && index > 0,
            other => matches!(other, Stop::Interrupted(_) | Stop::Store(_) | Stop::Superseded(_)),
        };
        if is_over || is_committed {
            let text = format!("{reason}; {}", self.live(change, is_committed));
            return self.ended(outcome, text);
        }
        let has_effect = match cause {
            Stop::Call { failure, .. } => !is_refusal(failure),
            Stop::Lacks(_) => false,
            _ => true,
        };
        let begun = &change.steps[..(index + usize::from(has_effect)).min(change.steps.len())];
        let is_back = matches!(cause, Stop::GoneBack { .. });
        let undo = self.undo_of(change, begun, is_back);
        if undo.is_empty() {
            let is_changed = begun.iter().any(|step| matches!(step, Step::Create { .. } | Step::Update { .. }));
            let text = self.not_undone(change, is_changed && !is_back);
            return self.ended(outcome, format!("{reason}; {text}"));
        }
        let why = match cause {
            Stop::Call { doing, .. } => format!("cannot {doing}"),
            _ => reason.clone(),
        };
        let is_removed = undo.iter().any(|step| matches!(step, Step::Delete { .. }));
        let undoing = if is_removed { format!("{} is removed", self.target) } else { BACK.to_owned() };
        self.note(format!("{why}: {undoing}"));
        match self.undo(&undo) {
            Ok(problems) => self.undone(change, outcome, &reason, &problems),
            Err(cause) => {
                let (outcome, ended) = self.words(&cause);
                let text = format!("{reason}; going back: {ended}; {}", self.live(change, false));
                self.ended(outcome, text)
            }
        }
    }

    /// What undoes the steps that were begun. `is_back`: ECS has gone back by itself.
    fn undo_of(&self, change: &Change, begun: &[Step], is_back: bool) -> Vec<Step> {
        // Scaling, count and other fields are left to be put back then.
        let is_stripped = begun.iter().any(|step| match step {
            Step::ScaleToZero { .. } => true,
            Step::Update { request, .. } => {
                let has_others = change.was.as_ref().is_some_and(|was| !other_fields(request, was).is_empty());
                has_other_count(request, change.count) || has_others
            }
            _ => false,
        });
        let was_whole = |was: &Deployed| was.service == self.target && was.unfinished.is_none();
        if is_back && !is_stripped && change.was.as_ref().is_some_and(was_whole) {
            self.is_as_it_was();
        }
        if !change.goes_back || (is_back && !is_stripped) {
            return Vec::new();
        }
        let mut undo = undo_steps(begun, change.was.as_ref(), change.count, true);
        if is_back {
            // It serves again: none of its tasks is stopped.
            undo.retain(|step| !matches!(step, Step::ScaleToZero { .. } | Step::AwaitStopped { .. }));
        }
        undo
    }

    /// What is there where nothing has been undone.
    fn not_undone(&mut self, change: &Change, is_changed: bool) -> String {
        match &change.was {
            Some(was) if is_changed => format!(
                "{}; nobody has asked to go back: {}",
                self.whole(was).unwrap_or_else(|text| text),
                self.hints.back
            ),
            Some(was) => self.whole(was).unwrap_or_else(|text| text),
            None if is_changed => self.left_in_place(),
            None => "nothing was there before, and nothing is now".to_owned(),
        }
    }

    /// A first version that has failed, and that nobody has asked to remove.
    fn left_in_place(&mut self) -> String {
        let target = self.target.clone();
        let live = self.live_of(&[&target]);
        self.book.stays(&target);
        format!(
            "nothing was there before, and {target} is left as it is ({live}): deploy again to go on with it, with \
             --rollback to have it removed when that fails, or remove it now with `shipctl ecs delete`"
        )
    }

    /// Undoes, as far as it can in the time that there is for all of it: what could not be undone is told.
    fn undo(&mut self, steps: &[Step]) -> Result<Vec<String>, Stop> {
        self.begin_to_go_back();
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
            let done = match step {
                // Tasks that do not stop leave time for what comes after them.
                Step::AwaitStopped { .. } => self.in_half_the_time(|work| work.carry_out(step)),
                step => self.carry_out(step),
            };
            match done {
                Ok(()) => {}
                Err(cause @ (Stop::Interrupted(_) | Stop::Store(_) | Stop::Superseded(_))) => return Err(cause),
                Err(cause) => {
                    is_running |= matches!(step, Step::ScaleToZero { .. } | Step::AwaitStopped { .. });
                    problems.push(self.words(&cause).1);
                    let is_lost = matches!(&cause, Stop::Call { failure, .. } if failure.kind == Kind::Network);
                    if is_lost && self.run.api.now() >= self.deadline {
                        break;
                    }
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
        // Scaling that was gone before has not come back.
        if is_whole && problems.is_empty() && was.service == self.target && !(was.is_stopped() && was.is_scaled()) {
            self.is_as_it_was();
        }
        let outcome = match (outcome, is_whole && problems.is_empty()) {
            (Outcome::Failed | Outcome::Refused(Kind::Failed) | Outcome::RollbackFailed, true) => Outcome::RolledBack,
            (other, true) => other,
            (Outcome::Refused(kind), false) if is_whole => Outcome::Refused(kind),
            (_, false) => Outcome::RollbackFailed,
        };
        self.ended(outcome, format!("{reason}; {serves}{failed}"))
    }

    /// Nothing of what was begun with what serves is there any more.
    fn is_as_it_was(&self) {
        let Some(was) = self.book.of(self.manifest) else { return };
        if let Err(error) = self.book.change(|memory| memory.is_as_it_was(&was.cluster, &was.service)) {
            self.note(error.to_string());
        }
    }

    /// A count that could not be reached: why, and what serves.
    pub(super) fn scaled_badly(&mut self, was: &Deployed, cause: &Stop) -> Done {
        let (outcome, reason) = self.words(cause);
        self.explain(&was.service, &reason);
        let serves = self.whole(was).unwrap_or_else(|text| text);
        let done = self.ended(outcome, format!("{}; {serves}", reason.trim_end_matches('.')));
        self.run.tell_done(&done);
        done
    }
}

/// Whether a request sets another count than there was.
fn has_other_count(request: &Request, count: Option<i32>) -> bool {
    let asked = request.get("desiredCount").and_then(Value::as_i64);
    asked.is_some_and(|asked| count.is_some_and(|count| i64::from(count) != asked))
}
