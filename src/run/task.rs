//! One TASK: its bash, what follows when it ends, and how it is made to end.

use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use super::command::{LOOK, no_output, no_pipe};
use super::pipes::{self, Lane};
use super::script::{Files, Stage};
use super::{Hooks, Outcome, Settings, Task};
use crate::error::Error;
use crate::support::process::{self, SignalRelay};
use crate::support::stop::Stop;

/// How long what a TASK has left behind may take to end after TERM.
const LEFT_BEHIND: Duration = Duration::from_millis(500);

/// How often a group whose leader has ended is looked at.
const SHORT_LOOK: Duration = Duration::from_millis(10);

/// Runs a TASK, and the hooks that are due after it, by the rules of the old platform. Both of its streams go, in the
/// order in which they come and with the secrets masked, to `out`.
///
/// The TASK's bash has a process group of its own, and nothing of that group is left when this returns.
pub fn run_task(
    task: &Task,
    hooks: &Hooks,
    settings: &Settings,
    relay: &mut SignalRelay,
    out: &mut dyn Write,
) -> Result<Outcome, Error> {
    let files = Files::write(&settings.scripts_dir, task, hooks)?;
    let until = Until { deadline: settings.deadline, stop: settings.stop.clone() };
    let mut shells = Shells { settings, relay, out, files: &files, until };
    let ended = match shells.run(&files.main)? {
        // A shell that has become another program (`exec`) or was killed has not come to its hooks.
        Ended::Status(status) if files.stage() == Stage::Before => shells.hooks(task, status)?,
        ended => ended,
    };
    match ended {
        Ended::Status(0) => Ok(Outcome::Success),
        Ended::Status(status) => Ok(Outcome::Failure(status)),
        Ended::Stopped(outcome) => {
            if files.stage() != Stage::Always {
                // A second signal or the end of its own time ends this too; the outcome stays.
                let deadline = Some(Instant::now() + settings.cancel_limit);
                shells.until = Until { deadline, stop: Stop::default() };
                shells.run(&files.after_cancel)?;
            }
            Ok(outcome)
        }
    }
}

/// How a shell ended.
#[derive(Debug, Clone, Copy)]
enum Ended {
    /// By itself, with this status.
    Status(u8),
    /// Because it had to.
    Stopped(Outcome),
}

/// Shells of one TASK, one after the other.
struct Shells<'a> {
    settings: &'a Settings,
    relay: &'a mut SignalRelay,
    out: &'a mut dyn Write,
    files: &'a Files,
    until: Until,
}

/// What makes a shell end beside a signal.
struct Until {
    deadline: Option<Instant>,
    stop: Stop,
}

impl Shells<'_> {
    /// The hooks that are due, in a shell of their own.
    fn hooks(&mut self, task: &Task, status: u8) -> Result<Ended, Error> {
        let files = self.files;
        match (status, task.last) {
            (0, false) => Ok(Ended::Status(0)),
            (0, true) => self.run(&files.after_success),
            _ => Ok(match self.run(&files.after_failure)? {
                Ended::Status(_) => Ended::Status(status),
                stopped @ Ended::Stopped(_) => stopped,
            }),
        }
    }

    /// Runs a script to its end.
    fn run(&mut self, script: &Path) -> Result<Ended, Error> {
        let (lane, writer) = Lane::new(&self.settings.masker, self.out).map_err(|error| no_pipe(&error))?;
        let second = writer.try_clone().map_err(|error| no_pipe(&error))?;
        let mut command = Command::new("bash");
        command.arg("--").arg(script).current_dir(&self.settings.cwd).process_group(0);
        command.env_clear().envs(self.settings.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(writer).stderr(second);
        let child = command.spawn().map_err(|error| {
            let path = self.settings.env.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str());
            let cwd = &self.settings.cwd;
            if cwd.is_dir() {
                Error::failed(process::explain("bash".as_ref(), path, &error).message)
            } else {
                Error::io("run scripts in", cwd, &error)
            }
        })?;
        // The command holds ends of the pipe: with them open, its end would never be seen.
        drop(command);
        let mut group = Group { id: Pid::from_child(&child), child, status: None, lanes: [lane] };
        let result = watch(&mut group, self.relay, &self.until, self.files, self.settings.grace);
        // On an error as well, nothing is left behind.
        group.kill();
        let ended = result?;
        group.lanes[0].finish().map_err(|error| no_output(&error))?;
        Ok(ended)
    }
}

/// Waits for the shell to end, or makes it end.
fn watch(
    group: &mut Group<'_>,
    relay: &mut SignalRelay,
    until: &Until,
    files: &Files,
    grace: Duration,
) -> Result<Ended, Error> {
    loop {
        let left = until.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let stop = match relay.take_ending() {
            Some(signal) => Some(Outcome::Cancelled(signal)),
            None if until.stop.reason().is_some() => Some(Outcome::STOPPED),
            None => (left == Some(Duration::ZERO)).then_some(Outcome::TimedOut),
        };
        if let Some(stop) = stop {
            files.cancel()?;
            group.end(grace, relay, true)?;
            return Ok(Ended::Stopped(stop));
        }
        if let Some(status) = group.status()? {
            group.end(LEFT_BEHIND, relay, false)?;
            return Ok(Ended::Status(process::shell_status(status)));
        }
        group.pump(relay, left.map_or(LOOK, |left| left.min(LOOK)))?;
    }
}

/// A shell, and all that it has started in its process group.
struct Group<'a> {
    child: Child,
    id: Pid,
    status: Option<ExitStatus>,
    lanes: [Lane<'a>; 1],
}

impl Group<'_> {
    fn status(&mut self) -> Result<Option<ExitStatus>, Error> {
        if self.status.is_none() {
            let waited = self.child.try_wait();
            self.status =
                waited.map_err(|error| Error::failed(format_args!("cannot wait for bash to end: {error}")))?;
        }
        Ok(self.status)
    }

    fn pump(&mut self, relay: &SignalRelay, patience: Duration) -> Result<(), Error> {
        pipes::pump(&mut self.lanes, relay.as_fd(), patience).map_err(|error| no_output(&error))
    }

    /// TERM, and KILL when the time is over or a signal comes in. That signal is done with when the group was being
    /// `stopped`; after an end of its own, it still has to stop what comes next.
    fn end(&mut self, patience: Duration, relay: &mut SignalRelay, stopped: bool) -> Result<(), Error> {
        let deadline = Instant::now() + patience;
        let _ = kill_process_group(self.id, Signal::TERM);
        // A stopped process has to go on to take notice.
        let _ = kill_process_group(self.id, Signal::CONT);
        let mut hurry = false;
        while self.is_alive()? && Instant::now() < deadline && !hurry {
            self.pump(relay, SHORT_LOOK)?;
            let signal = if stopped { relay.take_ending() } else { relay.ending() };
            hurry = signal.is_some();
        }
        self.kill();
        Ok(())
    }

    fn is_alive(&mut self) -> Result<bool, Error> {
        Ok(self.status()?.is_none() || test_kill_process_group(self.id).is_ok())
    }

    /// KILL for all that is left; the shell is waited for.
    fn kill(&mut self) {
        // The group's id is nobody else's as long as the shell has not been waited for, or something is left in it.
        if self.status.is_none() || test_kill_process_group(self.id).is_ok() {
            let _ = kill_process_group(self.id, Signal::KILL);
        }
        if self.status.is_none() {
            self.status = self.child.wait().ok();
        }
    }
}
