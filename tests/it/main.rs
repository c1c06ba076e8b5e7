//! The shipped binary, run as scripts run it.

// A test that cannot go on stops at the spot.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod guards; // what must hold for every command and every file
mod harness; // a sandbox: folders, an environment, real shells
mod install; // make install, make demo
mod man; // man pages
mod readme; // README.md, tried
mod vectors; // recorded runs of the original
