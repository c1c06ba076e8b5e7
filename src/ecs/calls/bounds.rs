//! Until when calls are tried, and what stops them.

use std::collections::{HashMap, HashSet};
use std::thread::{self, ThreadId};
use std::time::{Duration, SystemTime};

use super::{Calls, locked};
use crate::aws::Limit;
use crate::support::stop::Stop;

/// What a call has at least, however late it is: what is live has to be told.
const LEAST: Duration = Duration::from_secs(3);

/// What a look has that begins at the end. Whether something was made is worth a longer wait.
const LEAST_TRY: Duration = Duration::from_secs(1);

/// How long a look may take once a signal has come: whoever sent it soon sends another one that cannot be heeded.
const AFTER_SIGNAL: Duration = Duration::from_secs(3);

/// The longest that a try takes anyway.
const LONGEST: Duration = Duration::from_mins(1);

/// What bounds the calls: each manifest is worked on in a thread of its own, and has its own time.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    ends: HashMap<ThreadId, SystemTime>,
    /// Those that go back, and have been given what they need for it.
    back: HashSet<ThreadId>,
    stop: Stop,
}

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It only looks: it can be left at any time.
    None,
    /// It makes or changes something: its answer is waited for.
    Some,
}

impl Calls<'_> {
    /// Calls of this thread are tried until then, from here on.
    pub fn limit_to(&self, end: SystemTime) {
        locked(&self.bounds).back.remove(&thread::current().id());
        self.set_end(Some(end));
    }

    /// The same for what brings back what was there before: tries are kept for it, once.
    pub fn go_back_until(&self, end: SystemTime) {
        self.set_end(Some(end));
        if locked(&self.bounds).back.insert(thread::current().id()) {
            locked(&self.budget).top_up();
        }
    }

    fn set_end(&self, end: Option<SystemTime>) {
        let (me, ends) = (thread::current().id(), &mut locked(&self.bounds).ends);
        match end {
            Some(end) => drop(ends.insert(me, end)),
            None => drop(ends.remove(&me)),
        }
    }

    /// Makes calls that are tried until then, and no longer than those before and after.
    pub fn within<T>(&self, end: SystemTime, calls: impl FnOnce() -> T) -> T {
        let before = locked(&self.bounds).ends.get(&thread::current().id()).copied();
        self.set_end(Some(end));
        let done = calls();
        self.set_end(before);
        done
    }

    /// No call is tried again once this has been asked for.
    pub fn heed(&self, stop: &Stop) {
        locked(&self.bounds).stop = stop.clone();
    }

    /// Whether nothing is to be tried again.
    pub(super) fn is_stopped(&self) -> bool {
        self.interrupt.signal().is_some() || locked(&self.bounds).stop.reason().is_some()
    }

    /// When a call that begins now is tried no more.
    pub(super) fn end(&self) -> Option<SystemTime> {
        let end = locked(&self.bounds).ends.get(&thread::current().id()).copied()?;
        Some(end.max(self.clock.now() + LEAST))
    }

    /// What is left until then.
    pub(super) fn left(&self, end: Option<SystemTime>) -> Option<Duration> {
        end.map(|end| end.duration_since(self.clock.now()).unwrap_or_default())
    }

    /// What bounds a try.
    pub(super) fn limit(&self, end: Option<SystemTime>, effect: Effect) -> Limit {
        let least = if effect == Effect::None { LEAST_TRY } else { LEAST };
        let time = self.left(end).map_or(LONGEST, |left| left.clamp(least, LONGEST));
        match (effect, self.interrupt.signal()) {
            (Effect::Some, _) => Limit { time, leave: None },
            (Effect::None, None) => Limit { time, leave: Some(self.interrupt.clone()) },
            (Effect::None, Some(_)) => Limit { time: time.min(AFTER_SIGNAL), leave: None },
        }
    }
}
