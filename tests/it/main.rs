//! The shipped binary, run as scripts run it.

// A test that cannot go on stops at the spot.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod aws_cache; // sessions kept between processes
mod aws_formats; // credentials as text, evaluated by real shells
mod aws_sts; // sources and roles, against a scripted STS
mod bad_input; // broken files, wrong types, huge arguments
mod bump_version; // versions raised
mod decrypt; // files encrypted by the real openssl
mod harness; // a sandbox: folders, an environment, real shells
mod lookups; // look-ups from the files of a job directory
mod replace; // templates filled in, files replaced whole
mod retry; // tries, statuses and signals
mod safety; // nothing is evaluated, no name leads outside
mod scripted_sts; // an STS that plays what a test tells it to
mod sts_stub; // one answer to every request
mod vectors; // recorded runs of the original
