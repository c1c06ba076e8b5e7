//! The shipped binary, run as scripts run it.

mod copy; // files into and out of states
mod durability; // kill -9, full disks, read-only folders
mod harness; // a sandbox: folders, an environment, real shells
mod replicate; // an output made a copy of an input
mod state; // what a job says about a resource
mod vectors; // recorded runs of the original
