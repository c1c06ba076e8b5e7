//! The memory of a job while it deploys: held by one at a time, written before and after each call that makes something.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Run;
use crate::aws::ecs::Service;
use crate::ecs::memory::{Deployed, Leftover, Memory};
use crate::ecs::steps::revision;
use crate::error::{Error, Kind};
use crate::store::{Keeper, Kept, Lease, Other, Store, Turn};
use crate::support::interrupt::status_of;
use crate::support::stop::Stop;

/// How long the turn lasts after a process was killed.
const TURN: Duration = Duration::from_mins(2);
/// How often it is renewed.
const RENEWED: Duration = Duration::from_secs(25);
/// How often somebody else's turn is looked at: he renews it several times before it is over, unless he was killed.
const LOOKED_AT: Duration = Duration::from_secs(5);
/// The memory, and the turn to change it.
pub(super) struct Book {
    held: Mutex<Held>,
    /// None where nothing is stored. It goes by the machine's clock, as the turns of others do, and is renewed beside the
    /// work: one call alone may be tried for longer than a turn lasts.
    turn: Option<Keeper>,
}

struct Held {
    memory: Memory,
    /// Services that were there when they were looked at last, and their task definitions.
    live: BTreeMap<String, String>,
    /// Services that have failed and stay, to be gone on with.
    staying: BTreeSet<String>,
    /// Nowhere, where no yml describes what is done.
    kept: Option<Kept<Memory>>,
}

impl Held {
    const fn new(memory: Memory, kept: Option<Kept<Memory>>) -> Self {
        Self { memory, kept, live: BTreeMap::new(), staying: BTreeSet::new() }
    }
}

impl Book {
    /// Takes the turn, and reads. Fails, naming the holder, while somebody else has it.
    pub(super) fn open(run: &Run, job: &str) -> Result<Self, Error> {
        let Some(store) = run.store else {
            return Ok(Self { held: Mutex::new(Held::new(Memory::default(), None)), turn: None });
        };
        let stop = Stop::default();
        run.api.heed(&stop);
        let turn = turn(run, store, job)?.keep(RENEWED, stop)?;
        Self::read(store, job, turn)
    }

    fn read(store: &Store, job: &str, turn: Keeper) -> Result<Self, Error> {
        let kept = store.kept_deployed(job)?;
        let memory = kept.value().clone();
        Ok(Self { held: Mutex::new(Held::new(memory, Some(kept))), turn: Some(turn) })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is remembered.
    pub(super) fn memory(&self) -> Memory {
        self.held().memory.clone()
    }

    /// Services as they are now.
    pub(super) fn sees(&self, found: &[Service]) {
        let mut held = self.held();
        for service in found {
            if service.status == "ACTIVE" {
                held.live.insert(service.name.clone(), service.task_definition.clone());
            } else {
                held.live.remove(&service.name);
            }
        }
    }

    /// A service has failed, and stays to be gone on with.
    pub(super) fn stays(&self, service: &str) {
        self.held().staying.insert(service.to_owned());
    }

    /// What is left over and may go: nothing that stays, and no revision that such a service is on, or one that serves.
    pub(super) fn removable(&self) -> Vec<Leftover> {
        let held = self.held();
        let all = &held.memory.leftovers;
        let goes = |service: &str| {
            let is_left = |known: &Leftover| matches!(known, Leftover::Service { name, .. } if name == service);
            !held.staying.contains(service) && all.iter().any(is_left)
        };
        let is_used = |arn: &str| held.live.iter().any(|(service, on)| revision(on) == revision(arn) && !goes(service));
        let may_go = |known: &&Leftover| match known {
            Leftover::Service { name, .. } => goes(name),
            Leftover::TaskDefinition { arn, .. } => !is_used(arn),
        };
        all.iter().filter(may_go).cloned().collect()
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
        if let Some(kept) = &mut held.kept {
            kept.write(memory.clone())?;
        }
        held.memory = memory;
        Ok(())
    }

    /// Fails when the turn is lost: nothing may be begun then.
    pub(super) fn hold(&self) -> Result<(), Error> {
        self.turn.as_ref().map_or(Ok(()), Keeper::hold)
    }

    /// Gives the turn back. Where that fails it is over by itself.
    pub(super) fn close(self, run: &Run) {
        if let Some(Err(error)) = self.turn.map(Keeper::release) {
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
            return Err(Error::new(
                Kind::Child(status_of(signal)),
                format_args!("interrupted by signal {signal}: {other}"),
            ));
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
    use std::time::SystemTime;

    use super::*;
    use crate::ctx::Env;
    use crate::store::Location;

    const OFTEN: Duration = Duration::from_millis(10);

    fn store(dir: &std::path::Path) -> Store {
        let nothing = Env::Fixed(std::collections::BTreeMap::new());
        Store::open(&Location::Folder(dir.join("store")), &nothing, SystemTime::now).unwrap()
    }

    fn book(store: &Store, every: Duration) -> Book {
        let Turn::Ours(lease) = store.deployment_lease("d", "a", TURN).unwrap() else { panic!("nobody has it") };
        Book::read(store, "d", lease.keep(every, Stop::default()).unwrap()).unwrap()
    }

    fn note(dir: &std::path::Path) -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(dir.join("store/jobs/d/deployment-lease")).unwrap()).unwrap()
    }

    fn change(dir: &std::path::Path, key: &str, value: serde_json::Value) {
        let mut changed = note(dir);
        changed[key] = value;
        std::fs::write(dir.join("store/jobs/d/deployment-lease"), changed.to_string()).unwrap();
    }

    fn until(mut is_so: impl FnMut() -> bool) {
        let end = std::time::Instant::now() + Duration::from_secs(30);
        while !is_so() {
            assert!(std::time::Instant::now() < end, "it never comes");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whatever the work waits for: nothing of it is asked here.
    #[test]
    fn a_turn_is_renewed_beside_the_work() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path());
        let book = book(&store, OFTEN);
        let ends = note(dir.path())["ends"].clone();
        until(|| note(dir.path())["ends"] != ends);
        book.hold().unwrap();
    }

    #[test]
    fn a_turn_that_is_lost_ends_the_work() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path());
        let book = book(&store, OFTEN);
        until(|| {
            // A renewal that is under way may come between.
            change(dir.path(), "token", "another".into());
            book.hold().is_err()
        });
        let error = book.hold().unwrap_err();
        assert!(error.to_string().contains("gone to somebody else"), "{error}");
    }

    #[test]
    fn where_nothing_is_stored_nothing_is_lost() {
        let held = Mutex::new(Held::new(Memory::default(), None));
        Book { held, turn: None }.hold().unwrap();
    }
}
