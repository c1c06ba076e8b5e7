//! A lease that is renewed for as long as the work goes on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, SystemTime};

use super::Lease;
use super::lease::millis;
use crate::error::Error;
use crate::support::stop::Stop;

/// Renews a lease, in a thread of its own: what the work prints or asks others for never waits for the store. The lease
/// is given back when this is released or dropped; when the process is killed, it is over after its own time.
#[derive(Debug)]
pub struct Keeper {
    kept: Arc<Kept>,
    thread: Option<JoinHandle<()>>,
    /// Closed when the work is done.
    working: Option<mpsc::Sender<()>>,
}

#[derive(Debug)]
struct Kept {
    lease: Mutex<Lease>,
    clock: fn() -> SystemTime,
    /// In milliseconds since 1970: known without waiting for a renewal that is under way.
    ends: AtomicU64,
    stop: Stop,
}

impl Lease {
    /// Renews it as often as this. When it is lost all the same, `stop` is asked to end the work.
    pub fn keep(self, every: Duration, stop: Stop) -> Result<Keeper, Error> {
        let (working, done) = mpsc::channel();
        let (clock, ends) = (self.clock(), AtomicU64::new(millis(self.ends())));
        let kept = Arc::new(Kept { lease: Mutex::new(self), clock, ends, stop });
        let renewed = Arc::clone(&kept);
        let thread = Builder::new()
            .name("lease".to_owned())
            .spawn(move || renewed.renew_every(every, &done))
            .map_err(|error| Error::failed(format_args!("cannot start a thread to renew the lease: {error}")))?;
        Ok(Keeper { kept, thread: Some(thread), working: Some(working) })
    }
}

impl Kept {
    fn lease(&self) -> MutexGuard<'_, Lease> {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn renew_every(&self, every: Duration, done: &Receiver<()>) {
        while done.recv_timeout(every) == Err(RecvTimeoutError::Timeout) && self.stop.reason().is_none() {
            self.renew(&mut self.lease());
        }
    }

    /// A store that cannot be reached for a while is asked again, until the lease is over.
    fn renew(&self, lease: &mut Lease) {
        match lease.renew() {
            Ok(()) => self.ends.store(millis(lease.ends()), Ordering::SeqCst),
            Err(error) if lease.is_lost() => self.stop.ask(format!("the turn of the job is lost: {error}")),
            Err(_) => {}
        }
    }

    fn is_over(&self) -> bool {
        millis((self.clock)()) >= self.ends.load(Ordering::SeqCst)
    }
}

impl Keeper {
    /// Fails once the lease is lost. One that is over, as after the machine has slept, is renewed before anything goes on.
    pub fn hold(&self) -> Result<(), Error> {
        let Kept { stop, .. } = &*self.kept;
        if stop.reason().is_none() && self.kept.is_over() {
            let mut lease = self.kept.lease();
            if self.kept.is_over() {
                self.kept.renew(&mut lease);
            }
        }
        stop.reason().map_or(Ok(()), |reason| Err(Error::failed(reason)))
    }

    /// Gives the lease back.
    pub fn release(mut self) -> Result<(), Error> {
        self.end();
        self.kept.lease().give_back()
    }

    /// It is renewed no more.
    fn end(&mut self) {
        self.working = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.end();
    }
}
