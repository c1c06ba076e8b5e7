//! The shipped binary, run as scripts run it.

mod harness; // a sandbox: folders, an environment, real shells
mod notify; // notifications, against servers that the tests start
mod servers; // HTTP, IRC, DNS and a certificate authority, on the loopback
mod vectors; // recorded runs of the original
