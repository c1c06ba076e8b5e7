//! The shipped binary, run as scripts run it.

// A test that cannot go on stops at the spot.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod bad_input; // broken files, wrong types, huge arguments
mod harness; // a sandbox: folders, an environment, real shells
mod lookups; // look-ups from the files of a job directory
mod safety; // nothing is evaluated, no name leads outside
mod vectors; // recorded runs of the original
