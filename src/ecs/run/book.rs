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
    pub(super) fn open(store: Option<&Store>, job: &str, holder: &str, now: SystemTime) -> Result<Self, Error> {
        let Some(store) = store else {
            return Ok(Self(Mutex::new(Held { memory: Memory::default(), stored: None })));
        };
        let lease = store.deployment_lease(job, holder, TURN)?;
        let kept = store.kept_deployed(job)?;
        let memory = kept.value().clone();
        Ok(Self(Mutex::new(Held { memory, stored: Some(Stored { kept, lease, renewed: now, failures: 0 }) })))
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
            Err(error) if stored.failures + 1 >= MOST_FAILURES => return Err(error),
            Err(_) => stored.failures += 1,
        }
        Ok(())
    }

    /// Gives the turn back.
    pub(super) fn close(self) -> Result<(), Error> {
        let held = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        held.stored.map_or(Ok(()), |stored| stored.lease.release())
    }
}
