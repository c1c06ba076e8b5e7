//! One command with the job's environment, its output masked.

use std::ffi::OsString;
use std::io::{self, PipeWriter, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::pipes::{self, Lane};
use crate::error::{Error, Kind};
use crate::support::mask::Masker;
use crate::support::process::{self, NotStarted, SignalRelay};

/// How often a child is looked at that says nothing, should its signal be blocked.
pub(super) const LOOK: Duration = Duration::from_millis(500);

/// Runs the command that `words` give in `cwd`, with `env` as its whole environment. Its input is ours, its output
/// and its errors go through masks of their own to `out` and `err`, signals are passed on to it. The status is what
/// a shell would report: 126 and 127 for a command that cannot be run come as an [`Error`] of that status.
pub fn exec(
    words: &[OsString],
    env: &[(OsString, OsString)],
    cwd: &Path,
    masker: &Masker,
    relay: &mut SignalRelay,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    let (out, out_end) = Lane::new(masker, out).map_err(|error| no_pipe(&error))?;
    let (err, err_end) = Lane::new(masker, err).map_err(|error| no_pipe(&error))?;
    let child = start(words, env, cwd, out_end, err_end)
        .map_err(|fault| Error::new(Kind::Child(fault.status), fault.message))?;
    let mut lanes = [out, err];
    let (status, written) = watch(child, &mut lanes, relay)
        .map_err(|error| Error::failed(format_args!("cannot wait for the command to end: {error}")))?;
    match written {
        // As in a pipeline: the child has had its own SIGPIPE, or did not care.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(no_output(&error)),
        _ => Ok(process::shell_status(status)),
    }
}

fn start(
    words: &[OsString],
    env: &[(OsString, OsString)],
    cwd: &Path,
    out: PipeWriter,
    err: PipeWriter,
) -> Result<Child, NotStarted> {
    let fault = |error: &io::Error| NotStarted { status: 126, passing: true, message: no_pipe(error).to_string() };
    let path = env.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str());
    // A second attempt by way of the shell needs ends of its own.
    let (second_out, second_err) =
        (out.try_clone().map_err(|error| fault(&error))?, err.try_clone().map_err(|error| fault(&error))?);
    let ends = std::cell::RefCell::new(vec![(second_out, second_err), (out, err)]);
    process::start_with(words, path, &|command: &mut Command| {
        command.env_clear().envs(env.iter().map(|(name, value)| (name, value))).current_dir(cwd);
        if let Some((out, err)) = ends.borrow_mut().pop() {
            command.stdout(Stdio::from(out)).stderr(Stdio::from(err));
        }
    })
}

/// Waits for the child, and tells how it ended and how writing went.
fn watch(
    mut child: Child,
    lanes: &mut [Lane<'_>],
    relay: &mut SignalRelay,
) -> io::Result<(ExitStatus, io::Result<()>)> {
    let mut written = Ok(());
    let mut missed = true;
    let status = loop {
        relay.relay(&child, missed);
        missed = false;
        if let Some(status) = child.try_wait()? {
            break status;
        }
        written = written.and(pipes::pump(lanes, std::os::fd::AsFd::as_fd(relay), LOOK));
    };
    for lane in lanes {
        written = written.and(lane.finish());
    }
    Ok((status, written))
}

pub(super) fn no_pipe(error: &io::Error) -> Error {
    Error::failed(format_args!("cannot make a pipe for the output: {error}"))
}

pub(super) fn no_output(error: &io::Error) -> Error {
    Error::failed(format_args!("cannot pass the output on: {error}"))
}
