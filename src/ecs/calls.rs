//! The AWS API as a deployment calls it: credentials renewed before they end, passing failures tried again.

use std::time::Duration;

use crate::aws::Connection;
use crate::aws::error::Failure;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::support::clock::Clock;
use crate::support::interrupt::Interrupt;

/// Gives credentials, anew each time it is asked.
pub type Renew<'a> = dyn Fn() -> Result<Credentials, Error> + Send + Sync + 'a;

/// The AWS API. Several manifests may call at once.
pub struct Calls<'a> {
    connection: &'a Connection,
    renew: Box<Renew<'a>>,
    clock: Clock,
    interrupt: Interrupt,
}

impl std::fmt::Debug for Calls<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Calls").finish_non_exhaustive()
    }
}

impl<'a> Calls<'a> {
    /// With the first credentials.
    pub fn new(connection: &'a Connection, renew: Box<Renew<'a>>, clock: Clock, interrupt: Interrupt) -> Self {
        Self { connection, renew, clock, interrupt }
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
}

#[allow(dead_code)] // until the calls are there
fn unused(calls: &Calls) -> Result<Option<Failure>, Error> {
    let _ = calls.connection;
    (calls.renew)().map(|_| None)
}
