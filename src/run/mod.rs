//! The scripts of a job: one bash for each TASK, its hooks, its output with the secrets masked as it streams.
//!
//! What a TASK came to is the exit status of its bash, and never a matter of what it printed. [`task`] runs one,
//! `script` writes what bash reads, `pipes` moves the output, and [`command`] runs a single command beside.

pub mod command; // one command with the job's environment
pub mod lines; // output that knows whether its last line has ended
mod pipes; // output on its way through the masks
mod script; // what bash reads
pub mod task; // one TASK and its hooks

pub use command::exec;
pub use task::run_task;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::support::mask::Masker;
use crate::support::stop::Stop;

/// A TASK: its entries share one shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its place in the job, from 1 on; names its folder of scripts.
    pub number: usize,
    /// Its name, for messages.
    pub name: String,
    /// Its entries.
    pub scripts: Vec<String>,
    /// Whether no TASK follows: `on_success` is for the last alone.
    pub last: bool,
}

/// What runs when TASKs have ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hooks {
    /// After the last TASK, when it succeeded.
    pub on_success: Vec<String>,
    /// After the TASK that failed.
    pub on_failure: Vec<String>,
    /// After either of them, or after `on_cancel`.
    pub always: Vec<String>,
    /// After a signal or a timeout.
    pub on_cancel: Vec<String>,
}

/// Where and how the scripts of a job run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The whole environment.
    pub env: Vec<(OsString, OsString)>,
    /// The working directory: the job's own.
    pub cwd: PathBuf,
    /// The folder for the scripts that bash reads, as an absolute path; made when it is not there.
    pub scripts_dir: PathBuf,
    /// What the output must not show.
    pub masker: Masker,
    /// When the job's time is over; one moment for all TASKs.
    pub deadline: Option<Instant>,
    /// From TERM to KILL.
    pub grace: Duration,
    /// What else may ask for an end, as a signal does.
    pub stop: Stop,
    /// How long `on_cancel` and `always` may take after a signal or a timeout.
    pub cancel_limit: Duration,
}

impl Settings {
    /// The usual grace.
    pub const GRACE: Duration = Duration::from_secs(10);
    /// The usual time for `on_cancel` and `always`.
    pub const CANCEL_LIMIT: Duration = Duration::from_mins(1);
}

/// What a TASK came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All went well, the hooks included.
    Success,
    /// A script ended with this status, which is never 0.
    Failure(u8),
    /// This signal asked for an end.
    Cancelled(i32),
    /// The time was over.
    TimedOut,
}

impl Outcome {
    /// An end that was asked for otherwise than by a signal: the same as after TERM.
    pub const STOPPED: Self = Self::Cancelled(15);

    /// The exit status that tells it: 128 + n for signal n, 124 for a timeout.
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure(status) => status,
            Self::Cancelled(signal) => u8::try_from(128 + signal).unwrap_or(1),
            Self::TimedOut => 124,
        }
    }
}
