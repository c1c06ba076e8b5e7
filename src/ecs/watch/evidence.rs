//! What the events of a service tell of its tasks.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use crate::aws::ecs::{Deployment, Event, Service};

/// How far the clocks of this machine and of ECS may be apart before an old event is taken for a new one.
const CLOCKS: Duration = Duration::from_secs(5);

/// What has been seen since a moment.
#[derive(Debug)]
pub(super) struct Evidence {
    since: SystemTime,
    /// Events from before, and those that have been read.
    known: HashSet<String>,
    is_first: bool,
    /// Tasks that were started.
    started: HashSet<String>,
    /// How many more tasks should have run at some time than should now: they were stopped on purpose.
    most_desired: i32,
    desired: i32,
    alive: i32,
    /// Tasks of ours that ran at one look and no longer at the next, with nobody having asked for fewer.
    dips: usize,
    running: i32,
    /// Tasks that ECS has counted as failed, in all: it begins anew when one is healthy.
    counted: usize,
    failed: i32,
    unplaced: Vec<String>,
    cannot_start: Option<String>,
    goes_back: bool,
    /// Whether ECS has called it steady since the last task was started.
    is_steady: bool,
}

impl Evidence {
    pub(super) fn since(now: SystemTime, known: HashSet<String>) -> Self {
        Self {
            since: now,
            known,
            is_first: true,
            started: HashSet::new(),
            most_desired: 0,
            desired: 0,
            alive: 0,
            dips: 0,
            running: 0,
            counted: 0,
            failed: 0,
            unplaced: Vec::new(),
            cannot_start: None,
            goes_back: false,
            is_steady: false,
        }
    }

    /// Another deployment of ours begins: what there was of the one before says nothing of it.
    pub(super) fn restart(&mut self, service: &Service) {
        let mut known = std::mem::take(&mut self.known);
        known.extend(service.events.iter().map(|event| event.id.clone()));
        *self = Self { is_first: self.is_first, ..Self::since(self.since, known) };
    }

    /// Looks at a service and at the deployment of ours.
    pub(super) fn take(&mut self, service: &Service, own: Option<&Deployment>) {
        let began = own.and_then(|own| own.created_at).unwrap_or(self.since).min(self.since);
        let began = began.checked_sub(CLOCKS).unwrap_or(began);
        // The newest comes first.
        for event in service.events.iter().rev() {
            if self.known.insert(event.id.clone()) && event.at.map_or(!self.is_first, |at| at >= began) {
                self.event(event);
            }
        }
        self.is_first = false;
        let Some(own) = own else { return };
        // Those beyond what should run were stopped on purpose.
        let ran = self.running.min(own.desired);
        if own.desired >= self.desired && own.running < ran {
            self.dips += usize::try_from(ran - own.running).unwrap_or_default();
        }
        self.counted += usize::try_from(own.failed_tasks - self.failed).unwrap_or_default();
        self.failed = own.failed_tasks;
        self.most_desired = self.most_desired.max(own.desired);
        (self.desired, self.running, self.alive) = (own.desired, own.running, own.running + own.pending);
    }

    fn event(&mut self, event: &Event) {
        let said = event.message.as_str();
        if said.contains(" has started ") {
            self.is_steady = false;
            self.started.extend(tasks_in(said).map(ToOwned::to_owned));
            // A task was placed after all.
            self.unplaced.clear();
        } else if said.contains("unable to place a task") {
            self.unplaced.push(essence(said).to_owned());
        } else if said.contains("unable to consistently start tasks") {
            self.cannot_start = Some(essence(said).to_owned());
        } else if said.contains("rolling back to deployment") {
            self.goes_back = true;
        } else if said.contains("has reached a steady state") {
            self.is_steady = true;
        }
    }

    /// Tasks that were started and are no longer there.
    pub(super) fn lost(&self) -> usize {
        let on_purpose = usize::try_from(self.most_desired - self.desired).unwrap_or_default();
        let alive = usize::try_from(self.alive).unwrap_or_default();
        self.started.len().saturating_sub(alive + on_purpose).max(self.dips)
    }

    /// Those of them that ECS has not counted as failed.
    pub(super) fn uncounted(&self) -> usize {
        self.lost().saturating_sub(self.counted)
    }

    /// How often in a row no place was found.
    pub(super) fn unplaced(&self) -> usize {
        self.unplaced.len()
    }

    pub(super) fn last_unplaced(&self) -> Option<&str> {
        self.unplaced.last().map(String::as_str)
    }

    pub(super) fn cannot_start(&self) -> Option<&str> {
        self.cannot_start.as_deref()
    }

    pub(super) fn is_steady(&self) -> bool {
        self.is_steady
    }

    pub(super) fn goes_back(&self) -> bool {
        self.goes_back
    }
}

/// The ids in `(service web) has started 2 tasks: (task 1f…) (task 2e…).`
fn tasks_in(said: &str) -> impl Iterator<Item = &str> {
    said.split("(task ").skip(1).filter_map(|rest| rest.split(')').next())
}

/// What an event tells, without the name of its service, what everybody sees, and where to read more.
pub fn essence(said: &str) -> &str {
    let said = said.strip_prefix("(service ").and_then(|rest| rest.split_once(") ")).map_or(said, |(_, told)| told);
    let said = said.strip_prefix("was unable to place a task because ").unwrap_or(said);
    said.split(" For more information, see").next().unwrap_or(said).trim_end_matches('.')
}
