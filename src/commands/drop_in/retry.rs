//! `retry`: runs a command up to three times until it succeeds.

use std::ffi::OsStr;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::Args;
use crate::ctx::Ctx;
use crate::error::{Error, Kind};
use crate::support::process::{self, SignalRelay};

const TRIES: u32 = 3;

/// The original's loop, without a pause as there. It showed the whole command between tries; arguments hold
/// passwords, so only the program's name is shown here.
pub(super) fn retry(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    let path = ctx.env.get("PATH");
    let mut relay =
        SignalRelay::install().map_err(|error| Error::failed(format_args!("cannot watch for signals: {error}")))?;
    let mut tried = 1;
    while let Some(failure) = try_once(args, path.as_deref(), &mut relay)? {
        if tried == TRIES {
            return Err(failure.into_error());
        }
        let name = process::shown_name(args.words);
        ctx.note(format_args!("retrying {tried} of {TRIES} times: {name} ({})", failure.how));
        if let Some(signal) = relay.ending() {
            return Err(Error::child(SignalRelay::die_by(signal)));
        }
        tried += 1;
    }
    Ok(())
}

/// A try that has failed, and may be followed by another.
struct Failure {
    status: u8,
    how: String,
    /// Whether the command was there to say something itself.
    said: bool,
}

impl Failure {
    fn into_error(self) -> Error {
        if self.said { Error::child(self.status) } else { Error::new(Kind::Child(self.status), self.how) }
    }
}

/// Runs the command once. What another try cannot change is an error.
fn try_once(args: &Args, path: Option<&OsStr>, relay: &mut SignalRelay) -> Result<Option<Failure>, Error> {
    let mut child = match process::start(args.words, path) {
        Ok(child) => child,
        Err(fault) if fault.passing => {
            return Ok(Some(Failure { status: fault.status, how: fault.message, said: false }));
        }
        Err(fault) => return Err(Error::new(Kind::Child(fault.status), fault.message)),
    };
    let status = relay
        .wait(&mut child)
        .map_err(|error| Error::failed(format_args!("cannot wait for the command to end: {error}")))?;
    if status.success() {
        return Ok(None);
    }
    match relay.ending() {
        Some(signal) => Err(ended_by(signal, status)),
        None => Ok(Some(Failure { status: process::shell_status(status), how: process::describe(status), said: true })),
    }
}

/// The end of a `retry` that was told to end: by the signal, when the child did not handle it either. The calling
/// shell can tell the difference, and stops its script at a Ctrl-C only then.
fn ended_by(signal: i32, status: ExitStatus) -> Error {
    if status.signal() == Some(signal) {
        return Error::child(SignalRelay::die_by(signal));
    }
    Error::child(process::shell_status(status))
}
