//! The store: versions and state between runs, in a folder or in a bucket of any S3.
//!
//! ```text
//! resources/<n>/versions/<number>.json   one version, never changed
//! resources/<n>/latest                   a hint at the newest version; it may lag behind, and never goes back
//! resources/<n>/pin                      the version that is to be used instead of the newest
//! resources/<n>/state/<sha>.tar.zst      a state, named by what is in it
//! jobs/<j>/…                             the same for jobs, and the lease of a serial one
//! jobs/<j>/deployed.json                 what a job has deployed, with a lease of its own
//! runs/<job>/<build>.json                what a run made: versions that it lists are there, others of it are not
//! runs/<job>/numbers/<n>                 build numbers that were given out
//! ```
//!
//! What a run makes becomes visible by the one object that lists it: a run that dies before leaves versions behind that
//! no reader sees, and one that dies after has done its work, since readers look beyond `latest`.

mod commit; // the versions of a run, all or none
mod failure; // what went wrong, in words
mod keeper; // a lease, renewed
mod kept; // one value, changed under the condition that nobody else has
mod lease; // one run of a job at a time
mod location; // where a store is, and whose a thing in it is
mod objects; // the operations on objects that the rest is made of
mod records; // what is written down
mod s3; // a bucket, over the product's own HTTP client
mod state; // folders kept as archives
mod upload; // large objects, in parts
mod versions; // versions, one by one

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::SystemTime;

pub use commit::Committed;
pub use keeper::Keeper;
pub use kept::Kept;
pub use lease::{Lease, Other, Turn};
pub use location::{DEFAULT_FOLDER, Location, Owner};
use objects::Objects;
pub use records::{Draft, Input, Output, RunId, RunPlan, RunRecord, Version};
pub use state::{Inspect, Saved, inspect_state};

use crate::ctx::Env;
use crate::error::Error;

/// Versions and state between runs.
#[derive(Debug)]
pub struct Store {
    objects: Arc<Objects>,
    clock: fn() -> SystemTime,
    #[cfg(test)]
    at_step: tests::AtStep,
}

/// Points of a commit between which a process may die; tests let it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Allocated,
    Recorded,
    Moved,
}

impl Store {
    /// Opens a store. Nothing is made before something is written.
    pub fn open(location: &Location, env: &Env, clock: fn() -> SystemTime) -> Result<Self, Error> {
        let objects = Arc::new(Objects::open(location, env)?);
        Ok(Self {
            objects,
            clock,
            #[cfg(test)]
            at_step: tests::AtStep::default(),
        })
    }

    /// The store in words, for messages.
    pub fn place(&self) -> &str {
        self.objects.place()
    }

    fn now(&self) -> String {
        records::timestamp((self.clock)())
    }

    #[cfg(test)]
    fn step(&self, step: Step) -> Result<(), Error> {
        self.at_step.reached(step)
    }

    #[cfg(not(test))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps)] // tests stop here
    const fn step(&self, _: Step) -> Result<(), Error> {
        Ok(())
    }
}
