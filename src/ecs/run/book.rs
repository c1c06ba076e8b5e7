//! The memory of a job while it deploys: held by one at a time, written before and after each call that makes something.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::ecs::memory::{Deployed, Memory};
use crate::error::Error;
use crate::store::{Kept, Lease, Store};

/// How long the turn lasts after a process was killed.
const TURN: Duration = Duration::from_mins(2);
/// How often it is renewed.
const RENEWED: Duration = Duration::from_secs(25);
/// How often renewing may fail: the store may be out of reach for a while.
const MOST_FAILURES: u32 = 3;

/// The memory, and the turn to change it.
pub(super) struct Book(Mutex<Held>);

struct Held {
    kept: Kept<Memory>,
    lease: Lease,
    renewed: SystemTime,
    failures: u32,
}

impl Book {
    /// Takes the turn, and reads. Fails, naming the holder, while somebody else has it.
    pub(super) fn open(store: &Store, job: &str, holder: &str, now: SystemTime) -> Result<Self, Error> {
        let lease = store.deployment_lease(job, holder, TURN)?;
        let kept = store.kept_deployed(job)?;
        Ok(Self(Mutex::new(Held { kept, lease, renewed: now, failures: 0 })))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is remembered.
    pub(super) fn memory(&self) -> Memory {
        self.held().kept.value().clone()
    }

    /// What serves for a manifest.
    pub(super) fn of(&self, manifest: &str) -> Option<Deployed> {
        self.held().kept.value().of(manifest).cloned()
    }

    /// Changes it, at once and in the store.
    pub(super) fn change(&self, change: impl FnOnce(&mut Memory)) -> Result<(), Error> {
        let mut held = self.held();
        let mut memory = held.kept.value().clone();
        change(&mut memory);
        if memory == *held.kept.value() { Ok(()) } else { held.kept.write(memory) }
    }

    /// Holds the turn for longer, when it is time.
    pub(super) fn renew(&self, now: SystemTime) -> Result<(), Error> {
        let mut held = self.held();
        if now.duration_since(held.renewed).unwrap_or_default() < RENEWED {
            return Ok(());
        }
        held.renewed = now;
        match held.lease.renew() {
            Ok(()) => held.failures = 0,
            Err(error) if held.failures + 1 >= MOST_FAILURES => return Err(error),
            Err(_) => held.failures += 1,
        }
        Ok(())
    }

    /// Gives the turn back.
    pub(super) fn close(self) -> Result<(), Error> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner).lease.release()
    }
}
