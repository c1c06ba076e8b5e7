//! The AWS API as a deployment calls it: credentials renewed before they end, passing failures tried again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use crate::aws::alarms::Alarms;
use crate::aws::ecs::Ecs;
use crate::aws::error::Failure;
use crate::aws::logs::Logs;
use crate::aws::roles::Roles;
use crate::aws::scaling::Scaling;
use crate::aws::targets::Targets;
use crate::aws::{Access, Connection};
use crate::credentials::Credentials;
use crate::error::{Error, Kind};
use crate::support::clock::Clock;
use crate::support::interrupt::Interrupt;

mod actions;
mod bounds;
mod extras;
mod patience;
#[cfg(test)]
mod tests;
mod words;

use bounds::{Bounds, Effect};
use extras::Extras;
use patience::{Budget, Patience};

/// Gives credentials, anew each time it is asked.
pub type Renew<'a> = dyn Fn() -> Result<Credentials, Error> + Send + Sync + 'a;

/// Credentials that end sooner are renewed: a roll-out's next wait must not outlive them.
const MARGIN: Duration = Duration::from_mins(5);

/// When renewing ahead of time has failed, it is tried again after this.
const RENEW_AGAIN: Duration = Duration::from_secs(30);

/// The AWS API. Several manifests may call at once.
pub struct Calls<'a> {
    connection: &'a Connection,
    renew: Box<Renew<'a>>,
    clock: Clock,
    interrupt: Interrupt,
    current: Mutex<Option<Current<'a>>>,
    budget: Mutex<Budget>,
    bounds: Mutex<Bounds>,
    purpose: &'static str,
    extras: Mutex<Extras>,
    answered: AtomicBool,
    renewal: Mutex<Option<String>>,
}

/// The clients of the credentials in use, and when those are renewed.
struct Current<'a> {
    clients: Arc<Clients<'a>>,
    renew_at: Option<SystemTime>,
}

/// The clients of some credentials, each made when it is first used.
struct Clients<'a> {
    access: Access<'a>,
    ecs: OnceLock<Ecs<'a>>,
    scaling: OnceLock<Scaling<'a>>,
    alarms: OnceLock<Alarms<'a>>,
    roles: OnceLock<Roles<'a>>,
    logs: OnceLock<Logs<'a>>,
    targets: OnceLock<Targets<'a>>,
}

impl<'a> Clients<'a> {
    fn new(access: Access<'a>) -> Self {
        Self {
            access,
            ecs: OnceLock::new(),
            scaling: OnceLock::new(),
            alarms: OnceLock::new(),
            roles: OnceLock::new(),
            logs: OnceLock::new(),
            targets: OnceLock::new(),
        }
    }

    fn ecs(&self) -> &Ecs<'a> {
        self.ecs.get_or_init(|| Ecs::of(&self.access))
    }

    fn scaling(&self) -> &Scaling<'a> {
        self.scaling.get_or_init(|| Scaling::of(&self.access))
    }

    fn alarms(&self) -> &Alarms<'a> {
        self.alarms.get_or_init(|| Alarms::of(&self.access))
    }

    fn roles(&self) -> &Roles<'a> {
        self.roles.get_or_init(|| Roles::of(&self.access))
    }

    fn logs(&self) -> &Logs<'a> {
        self.logs.get_or_init(|| Logs::of(&self.access))
    }

    fn targets(&self) -> &Targets<'a> {
        self.targets.get_or_init(|| Targets::of(&self.access))
    }
}

impl std::fmt::Debug for Calls<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Calls").finish_non_exhaustive()
    }
}

impl<'a> Calls<'a> {
    /// Credentials are asked for when the first call is made.
    pub fn new(connection: &'a Connection, renew: Box<Renew<'a>>, clock: Clock, interrupt: Interrupt) -> Self {
        Self {
            connection,
            renew,
            clock,
            interrupt,
            current: Mutex::default(),
            budget: Mutex::default(),
            bounds: Mutex::default(),
            purpose: "deploy",
            extras: Mutex::default(),
            answered: AtomicBool::new(false),
            renewal: Mutex::default(),
        }
    }

    /// The same for another purpose of `shipctl iam policy` than to deploy: what is denied is looked for there.
    #[must_use]
    pub fn of_purpose(mut self, purpose: &'static str) -> Self {
        self.purpose = purpose;
        self
    }

    /// The clock of all waits.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The signal that has asked for an end.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Waits between two polls.
    pub fn wait(&self, time: Duration) {
        self.clock.wait(time, &self.interrupt);
    }

    /// The credentials that calls are made with, renewed if need be.
    pub fn credentials(&self) -> Result<Credentials, Failure> {
        self.clients().map(|clients| clients.access.credentials().clone())
    }

    /// The clients, with credentials that last.
    fn clients(&self) -> Result<Arc<Clients<'a>>, Failure> {
        // Held while they are renewed: several threads would ask for several.
        let mut current = locked(&self.current);
        let now = self.clock.calendar();
        // Whoever has asked for an end does not wait for new ones while the old ones are good.
        let is_ending = self.interrupt.signal().is_some();
        let serves = |it: &&Current| it.renew_at.is_none_or(|at| now < at) || is_ending && it.clients.lasts(now);
        if let Some(current) = current.as_ref().filter(serves) {
            return Ok(Arc::clone(&current.clients));
        }
        match (self.renew)() {
            Ok(credentials) => {
                let clients = Arc::new(Clients::new(Access::new(self.connection, &credentials, &self.clock)));
                let renew_at = credentials.expires.map(|expires| renew_at(expires, now));
                *current = Some(Current { clients: Arc::clone(&clients), renew_at });
                Ok(clients)
            }
            Err(error) => match current.as_mut().filter(|it| it.clients.lasts(now)) {
                Some(old) => {
                    old.renew_at = Some(now + RENEW_AGAIN);
                    Ok(Arc::clone(&old.clients))
                }
                None => Err(self.not_renewed(&error)),
            },
        }
    }

    /// The words of whoever gives credentials are whole: they are kept, to be told as they are.
    fn not_renewed(&self, error: &Error) -> Failure {
        let message = error.to_string();
        *locked(&self.renewal) = Some(message.clone());
        Failure::plain(error.kind(), message)
    }

    /// Credentials that AWS has refused are not used again.
    fn give_up(&self, clients: &Arc<Clients<'a>>) {
        let mut current = locked(&self.current);
        if current.as_ref().is_some_and(|it| Arc::ptr_eq(&it.clients, clients)) {
            *current = None;
        }
    }

    /// A call that makes or changes something.
    fn call<T>(&self, call: impl Fn(&Clients<'a>) -> Result<T, Failure>) -> Result<T, Failure> {
        self.call_told(|clients, _| call(clients))
    }

    /// The same. It is told whether an earlier try of it may have been carried out, though its answer was lost.
    fn call_told<T>(&self, call: impl Fn(&Clients<'a>, bool) -> Result<T, Failure>) -> Result<T, Failure> {
        self.tried(Patience::Whole, Effect::Some, call)
    }

    /// A call that only looks.
    fn read<T>(&self, patience: Patience, call: impl Fn(&Clients<'a>) -> Result<T, Failure>) -> Result<T, Failure> {
        self.tried(patience, Effect::None, |clients, _| call(clients))
    }

    /// Calls until it is done, refused, or patience or time ends.
    fn tried<T>(
        &self,
        patience: Patience,
        effect: Effect,
        call: impl Fn(&Clients<'a>, bool) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let end = self.end();
        let (mut tries, mut renewed, mut maybe_done) = (0, false, false);
        loop {
            let began = self.clock.now();
            // New credentials make nothing: nobody waits for them longer than for a look.
            let clients = self.limit(end, Effect::None).during(|| self.clients());
            let limit = self.limit(end, effect);
            let call = |clients| limit.during(|| call(clients, maybe_done));
            let outcome = clients.as_ref().map_err(Clone::clone).and_then(|clients| call(clients));
            let failure = match outcome {
                Ok(done) => {
                    self.answered.store(true, Ordering::Relaxed);
                    return Ok(done);
                }
                Err(failure) => failure,
            };
            if self.is_stopped() {
                return Err(failure);
            }
            let was_asked = clients.is_ok();
            let took = self.clock.now().duration_since(began).unwrap_or_default();
            match clients {
                Ok(clients) if failure.kind == Kind::Expired && !renewed => {
                    renewed = true;
                    self.give_up(&clients);
                }
                _ if self.waited(patience, &failure, (tries, took), end) => {
                    maybe_done |= was_asked && failure.kind == Kind::Network;
                    tries += 1;
                }
                _ => return Err(failure),
            }
        }
    }

    /// Waits before another try, unless there is none: `tried` so often before, the last time for so long.
    fn waited(
        &self,
        patience: Patience,
        failure: &Failure,
        (tries, took): (u32, Duration),
        end: Option<SystemTime>,
    ) -> bool {
        if patience::has_answer(failure) {
            self.answered.store(true, Ordering::Relaxed);
        }
        let most = patience.repetitions(self.answered.load(Ordering::Relaxed));
        let left = self.left(end);
        if tries >= most || !patience::is_passing(failure) || left.is_some_and(|left| left.is_zero()) {
            return false;
        }
        let Some(wait) = locked(&self.budget).take(tries, took, failure.retry_after) else { return false };
        // Once more at the end, however short the wait has become.
        self.wait(left.map_or(wait, |left| wait.min(left)));
        !self.is_stopped()
    }
}

impl Clients<'_> {
    fn lasts(&self, now: SystemTime) -> bool {
        self.access.credentials().expires.is_none_or(|expires| now < expires)
    }
}

/// Ahead of the end; of short sessions, half of what is left.
fn renew_at(expires: SystemTime, now: SystemTime) -> SystemTime {
    let left = expires.duration_since(now).unwrap_or_default();
    expires - MARGIN.min(left / 2)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
