//! One run of a job at a time.
//!
//! A lease is an object with an end. Who wants it makes it, or replaces one that has ended, under the condition that it
//! is still as it was seen: of two who want it at once one fails.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::location::Owner;
use super::objects::{Objects, Seen};
use super::{Store, records};
use crate::error::Error;
use crate::support::alive::{Life, ProcessMark};

/// How often a lease that changes hands is looked at again.
const TRIES: usize = 20;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Note {
    holder: String,
    token: String,
    /// Milliseconds since 1970; 0 once it has been given back.
    ends: u64,
    ends_at: String,
    /// Its process, so that those of the same machine see when it has been killed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    process: Option<ProcessMark>,
}

/// The right to run a job, until it is given back, dropped, or over.
#[derive(Debug)]
pub struct Lease {
    objects: Arc<Objects>,
    clock: fn() -> SystemTime,
    object: String,
    note: Note,
    ttl: Duration,
    is_held: bool,
}

pub(super) fn millis(at: SystemTime) -> u64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl Store {
    /// Takes the lease of a job for `ttl`. Fails, naming the holder, while somebody else has it.
    pub fn lease(&self, job: &str, holder: &str, ttl: Duration) -> Result<Lease, Error> {
        let other = "wait for it, or set its triggerMode to parallel";
        self.take(job, "lease", &format!("job {job} is being run"), other, holder, ttl)
    }

    /// Takes the lease of what a job has deployed, for `ttl`. It is another than that of the job, which may hold its own
    /// while it deploys. Whose process has been killed on this machine holds it no more: unlike a run of a job, a
    /// deployment leaves no children that go on without it.
    pub fn deployment_lease(&self, job: &str, holder: &str, ttl: Duration) -> Result<Turn, Error> {
        let doing = format!("what job {job} deploys is being changed");
        self.turn(job, "deployment-lease", &doing, holder, ttl, |note| note.life() == Life::Over)
    }

    fn take(
        &self,
        job: &str,
        name: &str,
        doing: &str,
        cure: &str,
        holder: &str,
        ttl: Duration,
    ) -> Result<Lease, Error> {
        match self.turn(job, name, doing, holder, ttl, |_| false)? {
            Turn::Ours(lease) => Ok(lease),
            Turn::Others(other) => Err(Error::failed(format_args!("{other}: {cure}"))),
        }
    }

    fn turn(
        &self,
        job: &str,
        name: &str,
        doing: &str,
        holder: &str,
        ttl: Duration,
        is_abandoned: impl Fn(&Note) -> bool,
    ) -> Result<Turn, Error> {
        let object = format!("{}/{name}", Owner::Job(job.to_owned()).folder());
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| Error::failed(format_args!("no random bytes: {error}")))?;
        let token = format!("{:032x}", u128::from_ne_bytes(bytes));
        for _ in 0..TRIES {
            let now = (self.clock)();
            let note = note(holder, &token, now + ttl);
            let is_ours = match self.objects.see::<Note>(&object)? {
                None => self.objects.create(&object, &note)?,
                Some(seen) if seen.value.token == token => true,
                Some(seen) if seen.value.ends <= millis(now) || is_abandoned(&seen.value) => {
                    self.objects.swap(&object, &seen, &note)?
                }
                Some(Seen { value: note, .. }) => return Ok(Turn::Others(Other { doing: doing.to_owned(), note })),
            };
            if is_ours {
                let (objects, clock) = (Arc::clone(&self.objects), self.clock);
                return Ok(Turn::Ours(Lease { objects, clock, object, note, ttl, is_held: true }));
            }
        }
        Err(Error::failed(format_args!("{doing} by others all the time: try again later")))
    }
}

/// Whose turn it is.
#[derive(Debug)]
pub enum Turn {
    /// Ours.
    Ours(Lease),
    /// Somebody else's.
    Others(Other),
}

/// Somebody else, who has the turn. Of two looks, the same one has not renewed it meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    doing: String,
    note: Note,
}

impl Other {
    /// Whether that is a process of this machine, which is there.
    pub fn is_alive(&self) -> bool {
        self.note.life() == Life::Alive
    }
}

impl std::fmt::Display for Other {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Note { holder, ends_at, .. } = &self.note;
        write!(f, "{} by {holder}, until {ends_at} at the latest", self.doing)
    }
}

impl Note {
    fn life(&self) -> Life {
        self.process.as_ref().map_or(Life::Unknown, ProcessMark::life)
    }
}

fn note(holder: &str, token: &str, end: SystemTime) -> Note {
    Note {
        holder: holder.to_owned(),
        token: token.to_owned(),
        ends: millis(end),
        ends_at: records::timestamp(end),
        process: ProcessMark::own(),
    }
}

impl Lease {
    /// Holds it for another `ttl` from now on. Fails when it has gone to somebody else.
    pub fn renew(&mut self) -> Result<(), Error> {
        let note = note(&self.note.holder, &self.note.token, (self.clock)() + self.ttl);
        for _ in 0..TRIES {
            match self.objects.see::<Note>(&self.object)? {
                Some(seen) if seen.value.token == self.note.token => {
                    if self.objects.swap(&self.object, &seen, &note)? {
                        self.note = note;
                        return Ok(());
                    }
                }
                _ => break,
            }
        }
        self.is_held = false;
        Err(Error::failed(format_args!("the lease {} was over and has gone to somebody else", self.object)))
    }

    /// Whether it has gone to somebody else, or may have, since it is over.
    pub(crate) fn is_lost(&self) -> bool {
        !self.is_held || (self.clock)() >= self.ends()
    }

    /// When it is over unless it is renewed.
    pub fn ends(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.note.ends)
    }

    /// The clock that it ends by.
    pub(super) fn clock(&self) -> fn() -> SystemTime {
        self.clock
    }

    /// Gives it back.
    pub fn release(mut self) -> Result<(), Error> {
        self.give_back()
    }

    /// Not removed but ended: a bucket removes without a condition, and it might be somebody else's by now.
    pub(super) fn give_back(&mut self) -> Result<(), Error> {
        if !std::mem::take(&mut self.is_held) {
            return Ok(());
        }
        match self.objects.see::<Note>(&self.object)? {
            Some(seen) if seen.value.token == self.note.token => {
                let note = note(&self.note.holder, &self.note.token, SystemTime::UNIX_EPOCH);
                self.objects.swap(&self.object, &seen, &note).map(drop)
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let _ = self.give_back();
    }
}
