//! The shipped binary, run as scripts run it.

mod harness; // a sandbox: folders, an environment, real shells
mod lookups; // look-ups from the files of a job directory
mod vectors; // recorded runs of the original
