//! The steps, carried out.
//!
//! ```text
//! Book    the memory and the turn of the job, for all manifests
//! Work    one manifest: does a step, waits, tells
//! Change  the steps from one version to another, and what happens when one of them fails
//! ```

mod back; // the version before
mod book; // what is remembered, held by one at a time
mod change; // a version takes the place of another
mod deploy; // a new version of each manifest
mod live; // what is there, in words
mod noted; // what is written down of a step
mod others; // deletion, scaling by hand, what was left over
mod outcome; // how it ended
mod role; // the role of a load balancer
mod update; // a service that no yml describes
mod wait; // looks, again and again
mod work; // a step

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use back::rollback;
pub use deploy::deploy;
pub use others::{delete, scale};
pub use outcome::Outcome;
pub use update::{Asked, update};
pub(in crate::ecs) use wait::{LONGEST_DENIED, Pace};

use super::api::Api;
use super::tell::{Listener, Tell};
use crate::error::Error;
use crate::store::Store;

/// What everything here is done with.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// The AWS API.
    pub api: &'a dyn Api,
    /// Where it is remembered; nowhere what no yml describes.
    pub store: Option<&'a Store>,
    /// Who is told.
    pub listener: &'a dyn Listener,
    /// Who does it, for those who want to do the same meanwhile.
    pub holder: &'a str,
    /// How it is done.
    pub options: &'a Options,
}

impl std::fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").field("options", self.options).finish_non_exhaustive()
    }
}

/// How it is done.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)] // each is an option of the command
pub struct Options {
    /// Deploys what has not changed as well.
    pub force: bool,
    /// Ends when everything is begun.
    pub no_wait: bool,
    /// Removes what was left over.
    pub prune: bool,
    /// How many old versions stay, to go back to.
    pub keep: usize,
    /// Puts the version before back when an upgrade fails.
    pub rollback: bool,
    /// The build.
    pub build_number: String,
    /// How long one service may take, instead of what the job says.
    pub timeout: Option<Duration>,
}

/// How long one service may take where no yml says it.
const LIMIT: Duration = Duration::from_mins(10);

/// How it ended for one manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The manifest.
    pub manifest: String,
    /// How.
    pub outcome: Outcome,
    /// The service that serves, or that was begun and not waited for.
    pub service: Option<String>,
    /// The ARN of its task definition.
    pub task_definition: Option<String>,
    /// One line.
    pub text: String,
}

impl Done {
    /// `web (rolled back)`.
    fn brief(&self) -> String {
        format!("{} ({})", self.manifest, self.outcome.in_words())
    }
}

/// How it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// For each manifest that was begun.
    pub done: Vec<Done>,
}

impl Report {
    /// The worst of all.
    pub fn outcome(&self) -> Outcome {
        self.worst().map_or(Outcome::Unchanged, |done| done.outcome)
    }

    fn worst(&self) -> Option<&Done> {
        self.done.iter().max_by_key(|done| done.outcome.rank())
    }

    /// The exit status.
    pub fn exit_status(&self) -> u8 {
        self.outcome().exit_status()
    }

    /// The failure, in one line with what it is about.
    pub fn error(&self) -> Option<Error> {
        let worst = self.worst()?;
        let kind = worst.outcome.kind()?;
        Some(Error::new(kind, format_args!("{}: {}", worst.manifest, worst.text)))
    }

    /// The same where how each ended has been told: which ones have failed.
    pub fn error_in_brief(&self) -> Option<Error> {
        let kind = self.outcome().kind()?;
        let failed: Vec<String> = self.done.iter().filter(|done| !done.outcome.is_success()).map(Done::brief).collect();
        let (count, all) = (failed.len(), self.done.len());
        let told = format_args!("{count} of {all} manifests failed: {}; each of them is told above", failed.join(", "));
        Some(Error::new(kind, told))
    }
}

impl Run<'_> {
    fn tell(&self, tell: &Tell) {
        self.listener.tell(self.api.now(), tell);
    }

    fn note(&self, manifest: Option<&str>, text: impl Into<String>) {
        self.tell(&Tell::Note { manifest: manifest.map(ToOwned::to_owned), text: text.into() });
    }

    /// Tells how it ended for a manifest.
    fn tell_done(&self, done: &Done) {
        self.tell(&Tell::Outcome {
            manifest: done.manifest.clone(),
            outcome: done.outcome.word(),
            service: done.service.clone(),
            task_definition: done.task_definition.clone(),
            text: done.text.clone(),
        });
    }
}
