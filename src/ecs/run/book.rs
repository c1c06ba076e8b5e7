//! The memory of a job while it deploys: held by one at a time, written before and after each call that makes something.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::Run;
use crate::ecs::memory::{Deployed, Memory};
use crate::error::{Error, Kind};
use crate::store::{Kept, Lease, Other, Store, Turn};

/// How long the turn lasts after a process was killed.
const TURN: Duration = Duration::from_mins(2);
/// How often it is renewed.
const RENEWED: Duration = Duration::from_secs(25);
/// How often somebody else's turn is looked at: he renews it several times before it is over, unless he was killed.
const LOOKED_AT: Duration = Duration::from_secs(5);
/// How often renewing may fail: the store may be out of reach for a while.
const MOST_FAILURES: u32 = 3;

/// The memory, and the turn to change it.
pub(super) struct Book(Mutex<Held>);

struct Held {
    memory: Memory,
    /// Nowhere, where no yml describes what is done.
    stored: Option<Stored>,
}

struct Stored {
    kept: Kept<Memory>,
    lease: Lease,
    renewed: SystemTime,
    failures: u32,
}

impl Book {
    /// Takes the turn, and reads. Fails, naming the holder, while somebody else has it.
    pub(super) fn open(run: &Run, job: &str) -> Result<Self, Error> {
        let Some(store) = run.store else {
            return Ok(Self(Mutex::new(Held { memory: Memory::default(), stored: None })));
        };
        let lease = turn(run, store, job)?;
        let kept = store.kept_deployed(job)?;
        let memory = kept.value().clone();
        let stored = Stored { kept, lease, renewed: run.api.now(), failures: 0 };
        Ok(Self(Mutex::new(Held { memory, stored: Some(stored) })))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is remembered.
    pub(super) fn memory(&self) -> Memory {
        self.held().memory.clone()
    }

    /// What serves for a manifest.
    pub(super) fn of(&self, manifest: &str) -> Option<Deployed> {
        self.held().memory.of(manifest).cloned()
    }

    /// Changes it, at once and in the store.
    pub(super) fn change(&self, change: impl FnOnce(&mut Memory)) -> Result<(), Error> {
        let mut held = self.held();
        let mut memory = held.memory.clone();
        change(&mut memory);
        if memory == held.memory {
            return Ok(());
        }
        if let Some(stored) = &mut held.stored {
            stored.kept.write(memory.clone())?;
        }
        held.memory = memory;
        Ok(())
    }

    /// Holds the turn for longer, when it is time.
    pub(super) fn renew(&self, now: SystemTime) -> Result<(), Error> {
        let mut held = self.held();
        let Some(stored) = &mut held.stored else { return Ok(()) };
        if now.duration_since(stored.renewed).unwrap_or_default() < RENEWED {
            return Ok(());
        }
        stored.renewed = now;
        match stored.lease.renew() {
            Ok(()) => stored.failures = 0,
            Err(error) if stored.lease.is_lost() || stored.failures + 1 >= MOST_FAILURES => return Err(error),
            Err(_) => stored.failures += 1,
        }
        Ok(())
    }

    /// Gives the turn back. Where that fails it is over by itself.
    pub(super) fn close(self, run: &Run) {
        let held = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(stored) = held.stored
            && let Err(error) = stored.lease.release()
        {
            run.note(None, format!("the turn could not be given back, and is over within 2 minutes: {error}"));
        }
    }
}

/// Takes the turn. Whoever was killed on another machine holds it until it is over: that is waited for, as long as
/// nobody renews it.
fn turn(run: &Run, store: &Store, job: &str) -> Result<Lease, Error> {
    let end = run.api.now() + TURN + LOOKED_AT;
    let mut waited_for: Option<Other> = None;
    loop {
        let other = match store.deployment_lease(job, run.holder, TURN)? {
            Turn::Ours(lease) => return Ok(lease),
            Turn::Others(other) => other,
        };
        if let Some(signal) = run.api.signal() {
            let status = 128_u8.wrapping_add(u8::try_from(signal).unwrap_or(0));
            return Err(Error::new(Kind::Child(status), format_args!("interrupted by signal {signal}: {other}")));
        }
        let is_renewed = waited_for.as_ref().is_some_and(|known| *known != other);
        if is_renewed || other.is_alive() || run.api.now() >= end {
            return Err(Error::failed(format_args!("{other}: nothing was begun; wait for it, and deploy again")));
        }
        if waited_for.is_none() {
            run.note(None, format!("{other}: whether that is still at work is waited for"));
        }
        waited_for = Some(other);
        run.api.wait(LOOKED_AT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctx::Env;
    use crate::store::Location;

    #[test]
    fn a_turn_that_is_lost_ends_the_work_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let nothing = Env::Fixed(std::collections::BTreeMap::new());
        let store = Store::open(&Location::Folder(dir.path().join("store")), &nothing, SystemTime::now).unwrap();
        let Turn::Ours(lease) = store.deployment_lease("d", "a", TURN).unwrap() else { panic!("nobody has it") };
        let kept = store.kept_deployed("d").unwrap();
        let now = SystemTime::now();
        let stored = Some(Stored { kept, lease, renewed: now, failures: 0 });
        let book = Book(Mutex::new(Held { memory: Memory::default(), stored }));
        book.renew(now + RENEWED).unwrap();
        let file = dir.path().join("store/jobs/d/deployment-lease");
        let mut note: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        note["token"] = "another".into();
        std::fs::write(&file, note.to_string()).unwrap();
        book.renew(now + RENEWED).unwrap();
        let error = book.renew(now + RENEWED * 2).unwrap_err();
        assert!(error.to_string().contains("gone to somebody else"), "{error}");
    }
}
