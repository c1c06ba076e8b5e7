//! A lease that is renewed for as long as the work goes on.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use super::Lease;
use crate::error::Error;
use crate::support::stop::Stop;

/// Renews a lease, in a thread of its own: what the work prints never waits for the store. The lease is given back when
/// this is released or dropped; when the process is killed, it is over after its own time.
#[derive(Debug)]
pub struct Keeper {
    thread: Option<JoinHandle<Lease>>,
    /// Closed when the work is done.
    working: Option<mpsc::Sender<()>>,
}

impl Lease {
    /// Renews it as often as this. When it is lost all the same, `stop` is asked to end the work.
    pub fn keep(self, every: Duration, stop: Stop) -> Result<Keeper, Error> {
        let (working, done) = mpsc::channel();
        let thread = Builder::new()
            .name("lease".to_owned())
            .spawn(move || renew(self, every, &done, &stop))
            .map_err(|error| Error::failed(format_args!("cannot start a thread to renew the lease: {error}")))?;
        Ok(Keeper { thread: Some(thread), working: Some(working) })
    }
}

fn renew(mut lease: Lease, every: Duration, done: &Receiver<()>, stop: &Stop) -> Lease {
    while done.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
        // A store that cannot be reached for a while is asked again, until the lease is over.
        if let Err(error) = lease.renew()
            && lease.is_lost()
        {
            stop.ask(format!("the turn of the job is lost: {error}"));
            break;
        }
    }
    lease
}

impl Keeper {
    /// Gives the lease back.
    pub fn release(mut self) -> Result<(), Error> {
        self.lease().map_or(Ok(()), Lease::release)
    }

    /// The lease, renewed no more.
    fn lease(&mut self) -> Option<Lease> {
        self.working = None;
        self.thread.take()?.join().ok()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.lease());
    }
}
