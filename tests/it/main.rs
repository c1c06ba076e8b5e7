//! The shipped binary, run as scripts run it.

mod harness; // a sandbox: folders, an environment, real shells
mod vectors; // recorded runs of the original
