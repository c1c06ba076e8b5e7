//! The shipped binary, run as scripts run it.

mod harness; // a sandbox: folders, an environment, real shells
mod job_env; // the environment of a job directory, in real shells
mod job_example; // the example job directory and its script
mod job_show; // the overview, secrets masked
mod vectors; // recorded runs of the original
