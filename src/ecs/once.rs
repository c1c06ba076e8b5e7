//! One-off tasks: started, watched until they end, stopped when they may not go on.

mod end; // how it ended
mod follow; // what containers say
mod request; // what is asked for

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

pub use end::End;
pub use request::{Given, unknown_container};

use super::calls::Calls;
use super::explain::{Found, explain};
use super::run::{LONGEST_DENIED, Pace};
use super::tell::{Listener, Tell};
use crate::aws::ecs::{Container, Refused, Request, Task, last_part};
use crate::aws::error::Failure;
use crate::error::{Error, Kind};
use crate::support::interrupt::Interrupt;
use follow::{Place, Stream};

/// How long ECS may show nothing of a task that is there, or not answer at all.
const LONGEST_UNSEEN: Duration = Duration::from_mins(5);

/// How long a task that was told to stop is waited for.
const STOPPING: Duration = Duration::from_secs(10);

/// How long it may take to tell it.
const LONGEST_TO_STOP: Duration = Duration::from_mins(1);

/// CloudWatch shows lines a little later than they are said.
const LAST_LINES: Duration = Duration::from_secs(2);

/// From here on a status says something of how a container was ended.
const TELLING_STATUS: i32 = 126;

/// A one-off task.
#[derive(Debug)]
pub struct Once<'a> {
    /// The name that it is told under.
    pub name: &'a str,
    /// The cluster's own name.
    pub cluster: &'a str,
    /// What `RunTask` is asked for.
    pub request: &'a Request,
    /// The task definition, where it could be read.
    pub definition: Option<&'a Request>,
    /// The container whose status counts, where it is known.
    pub container: Option<&'a str>,
    /// How long it may take.
    pub limit: Option<Duration>,
    /// Whether its end is waited for.
    pub waits: bool,
}

/// What became of it.
#[derive(Debug)]
pub struct Done {
    /// How it ended.
    pub end: End,
    /// ARNs of the tasks.
    pub tasks: Vec<String>,
}

/// Starts it, and sees it to its end. What happens is told as it happens; an error is what AWS refused.
pub fn run(calls: &Calls, listener: &dyn Listener, once: &Once) -> Result<Done, Error> {
    let began = calls.clock().now();
    let work = Work { calls, listener, once, began, tasks: Vec::new(), streams: Vec::new(), shown: BTreeMap::new() };
    work.run()
}

struct Work<'a, 'c> {
    calls: &'a Calls<'c>,
    listener: &'a dyn Listener,
    once: &'a Once<'a>,
    began: SystemTime,
    /// As they were seen last.
    tasks: Vec<Task>,
    streams: Vec<Stream>,
    /// The status of each task that was told last.
    shown: BTreeMap<String, String>,
}

impl Work<'_, '_> {
    fn run(mut self) -> Result<Done, Error> {
        let text = format!("run {}", self.once.name);
        self.tell(&Tell::Step { manifest: self.name(), text, action: "ecs:RunTask" });
        let (tasks, refused) = match self.calls.run_task(self.once.request) {
            Ok(answer) => answer,
            Err(failure) => return self.refused(&failure),
        };
        self.tasks = tasks;
        if !refused.is_empty() || self.tasks.is_empty() {
            return Ok(self.not_placed(&refused));
        }
        self.show();
        if !self.once.waits {
            return Ok(self.done(End::Started, "started, and not waited for".to_owned()));
        }
        self.open_streams();
        self.wait()
    }

    /// Looks until all have stopped, or may not go on.
    fn wait(mut self) -> Result<Done, Error> {
        let mut pace = Pace::new();
        let (mut seen_at, mut has_seen) = (self.began, false);
        loop {
            if let Some(signal) = self.calls.interrupt().signal() {
                let stopped = self.stop("a signal has come");
                return Ok(self.done(End::Interrupted(signal), format!("interrupted by signal {signal}; {stopped}")));
            }
            let now = self.calls.clock().now();
            let over = self.once.limit.is_some_and(|limit| now >= self.began + limit);
            if over {
                let limit = self.once.limit.unwrap_or_default().as_secs();
                let stopped = self.stop(&format!("not done within {limit} s"));
                return Ok(self.done(End::TimedOut, format!("not done within {limit} s; {stopped}")));
            }
            match self.look() {
                Ok(true) => (seen_at, has_seen) = (now, true),
                Err(failure) if now >= seen_at + longest_without(&failure, has_seen) => {
                    let error = self.calls.error("see what becomes of the task", &failure);
                    let live = self.live();
                    return Err(Error::new(error.kind(), format_args!("{error}; it may still run: {live}")));
                }
                Ok(false) if now >= seen_at + LONGEST_UNSEEN => {
                    return Ok(self.done(End::NotStarted, "ECS does not show the task any more".to_owned()));
                }
                Ok(false) | Err(_) => {}
            }
            if self.show() | self.read_logs() {
                pace.changed();
            }
            if self.tasks.iter().all(has_stopped) {
                return Ok(self.ended());
            }
            let left = self.once.limit.map(|limit| (self.began + limit).duration_since(now).unwrap_or_default());
            let wait = pace.next();
            self.calls.wait(left.map_or(wait, |left| wait.min(left)));
        }
    }

    /// Whether ECS shows every task.
    fn look(&mut self) -> Result<bool, Failure> {
        let arns = self.arns();
        let (tasks, _) = self.calls.describe_tasks(self.once.cluster, &arns)?;
        let shows_all = tasks.len() == arns.len();
        for task in tasks {
            if let Some(known) = self.tasks.iter_mut().find(|known| known.arn == task.arn) {
                *known = task;
            }
        }
        Ok(shows_all)
    }

    /// Tells each status that is new; whether one was.
    fn show(&mut self) -> bool {
        let mut is_new = false;
        for task in &self.tasks {
            if self.shown.get(&task.arn) == Some(&task.last_status) {
                continue;
            }
            is_new = true;
            self.shown.insert(task.arn.clone(), task.last_status.clone());
            self.tell(&Tell::Task {
                manifest: self.name(),
                task: task.arn.clone(),
                status: task.last_status.clone(),
                exit_code: self.container(task).and_then(|container| container.exit_code),
                reason: task.stopped_reason.clone(),
            });
        }
        is_new
    }

    fn open_streams(&mut self) {
        let (Some(definition), Some(container)) = (self.once.definition, self.once.container) else { return };
        match follow::place(definition, container) {
            Place::Group { group, prefix } => {
                self.streams = self.tasks.iter().map(|task| Stream::of(task, container, &group, &prefix)).collect();
            }
            Place::Elsewhere(why) => self.note(&why),
        }
    }

    /// Tells what containers have said; whether they have said something.
    fn read_logs(&mut self) -> bool {
        let mut said = false;
        let mut streams = std::mem::take(&mut self.streams);
        // Before a task runs, there is no stream.
        let has_begun = |task: &&Task| !matches!(task.last_status.as_str(), "PROVISIONING" | "PENDING" | "ACTIVATING");
        let begun: BTreeSet<&str> = self.tasks.iter().filter(has_begun).map(|task| task.arn.as_str()).collect();
        for stream in streams.iter_mut().filter(|stream| begun.contains(stream.task.as_str())) {
            for line in stream.read(self.calls) {
                said = true;
                self.tell(&Tell::Log {
                    manifest: self.name(),
                    task: stream.task.clone(),
                    container: self.once.container.unwrap_or_default().to_owned(),
                    said_at: line.at.map(crate::aws::timestamp),
                    message: line.text,
                });
            }
        }
        self.streams = streams;
        for note in self.calls.take_notes() {
            self.note(&note);
        }
        said
    }

    /// The lines that come late.
    fn last_logs(&mut self) {
        if !self.streams.is_empty() && self.tasks.iter().any(|task| self.status(task).is_some()) {
            self.calls.clock().wait(LAST_LINES, &Interrupt::never());
            self.read_logs();
        }
    }

    /// The container that counts.
    fn container<'t>(&self, task: &'t Task) -> Option<&'t Container> {
        match self.once.container {
            Some(name) => task.containers.iter().find(|container| container.name == name),
            None => task.containers.first(),
        }
    }

    fn status(&self, task: &Task) -> Option<i32> {
        self.container(task)?.exit_code
    }

    /// All have stopped.
    fn ended(mut self) -> Done {
        self.last_logs();
        if let Some(task) = self.tasks.iter().find(|task| self.status(task).is_none()) {
            let reason = task.stopped_reason.clone().or_else(|| task.stop_code.clone());
            let reason = reason.unwrap_or_else(|| "ECS gives no reason".to_owned());
            self.explain(&reason);
            return self.done(End::NotStarted, format!("the task did not run: {reason}"));
        }
        let statuses = self.tasks.iter().filter_map(|task| self.status(task));
        let status = statuses.into_iter().find(|status| *status != 0).unwrap_or(0);
        let failed = self.tasks.iter().find(|task| self.status(task) == Some(status));
        let container = failed.and_then(|task| self.container(task));
        let why = container.and_then(|container| container.reason.clone());
        if status != 0 && (why.is_some() || status >= TELLING_STATUS) {
            self.explain(&why.unwrap_or_else(|| format!("exit status {status}")));
        }
        let name = container.map(|container| container.name.clone()).unwrap_or_default();
        self.done(End::Exited(status), format!("container {name} ended with exit status {status}"))
    }

    /// Some found no place: a run is all of them or none.
    fn not_placed(mut self, refused: &[Refused]) -> Done {
        let reasons: BTreeSet<String> = refused
            .iter()
            .map(|refused| match &refused.detail {
                Some(detail) => format!("{}: {detail}", refused.reason),
                None => refused.reason.clone(),
            })
            .collect();
        let reason = if reasons.is_empty() {
            "ECS has started nothing, and gives no reason".to_owned()
        } else {
            reasons.into_iter().collect::<Vec<_>>().join(", ")
        };
        self.explain(&reason);
        let mut text = format!("no place for the task: {reason}");
        if !self.tasks.is_empty() {
            let placed = self.tasks.len();
            let stopped = self.stop("not all of them could be started");
            let _ = write!(text, "; {placed} of {} had one: {stopped}", placed + refused.len());
        }
        self.done(End::NotStarted, text)
    }

    fn refused(self, failure: &Failure) -> Result<Done, Error> {
        if let Some(signal) = self.calls.interrupt().signal().filter(|_| failure.kind == Kind::Network) {
            let text = format!("interrupted by signal {signal}; whether the task was started is not known");
            return Ok(self.done(End::Interrupted(signal), text));
        }
        let error = self.calls.error(&format!("run {}", self.once.name), failure);
        if error.kind() != Kind::Failed {
            return Err(error);
        }
        let next = explain(&failure.message, &Found { is_one_off: true, ..Found::default() }).next;
        if next.is_empty() {
            let told =
                format_args!("cannot run {}: {failure}; correct the options or the task definition", self.once.name);
            return Err(Error::new(Kind::RolloutFailed, told));
        }
        self.explain(&failure.message);
        Ok(self.done(End::NotStarted, format!("cannot run {}: {failure}", self.once.name)))
    }

    /// Stops what runs and waits a moment; what has come of it, in words.
    fn stop(&mut self, reason: &str) -> String {
        self.calls.go_back_until(self.calls.clock().now() + LONGEST_TO_STOP);
        let mut failures = Vec::new();
        for task in self.tasks.iter().filter(|task| !has_stopped(task)) {
            self.tell(&Tell::Step {
                manifest: self.name(),
                text: format!("stop the task {}", last_part(&task.arn)),
                action: "ecs:StopTask",
            });
            if let Err(failure) = self.calls.stop_task(self.once.cluster, &task.arn, &format!("shipctl: {reason}")) {
                failures.push(self.calls.error(&format!("stop the task {}", task.arn), &failure).to_string());
            }
        }
        if !failures.is_empty() {
            return format!("{}; it runs on", failures.join("; "));
        }
        let clock = self.calls.clock();
        let end = clock.now() + STOPPING;
        // A signal that has come would cut these waits short.
        while !self.tasks.iter().all(has_stopped) && clock.now() < end {
            clock.wait(Duration::from_secs(1), &Interrupt::never());
            if self.look().is_err() {
                break;
            }
            self.show();
        }
        self.last_logs();
        if self.tasks.iter().all(has_stopped) { "it has stopped".to_owned() } else { "it is stopping".to_owned() }
    }

    fn explain(&self, evidence: &str) {
        let stopped = self.tasks.iter().filter(|task| has_stopped(task)).cloned().collect();
        let told = explain(evidence, &Found { stopped, is_one_off: true, ..Found::default() });
        self.tell(&Tell::Explanation { manifest: self.name(), lines: told.lines, next: told.next });
    }

    fn done(&self, end: End, text: String) -> Done {
        let task_definition = self.tasks.first().map(|task| task.task_definition.clone());
        let (manifest, outcome) = (self.name(), end.word());
        self.tell(&Tell::Outcome { manifest, outcome, service: None, task_definition, text });
        Done { end, tasks: self.arns() }
    }

    fn arns(&self) -> Vec<String> {
        self.tasks.iter().map(|task| task.arn.clone()).collect()
    }

    fn live(&self) -> String {
        self.arns().join(", ")
    }

    fn name(&self) -> String {
        self.once.name.to_owned()
    }

    fn note(&self, text: &str) {
        self.tell(&Tell::Note { manifest: Some(self.name()), text: text.to_owned() });
    }

    fn tell(&self, tell: &Tell) {
        self.listener.tell(self.calls.clock().now(), tell);
    }
}

fn has_stopped(task: &Task) -> bool {
    matches!(task.last_status.as_str(), "STOPPED" | "DELETED")
}

/// How long looks may fail in this way; what was never allowed is not waited for.
fn longest_without(failure: &Failure, has_seen: bool) -> Duration {
    match failure.kind {
        Kind::Network | Kind::Throttled | Kind::Failed => LONGEST_UNSEEN,
        Kind::Denied if has_seen => LONGEST_DENIED,
        _ => Duration::ZERO,
    }
}
