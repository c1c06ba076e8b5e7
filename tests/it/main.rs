//! The shipped binary, run as scripts run it.

mod bump_version; // versions raised
mod decrypt; // files encrypted by the real openssl
mod harness; // a sandbox: folders, an environment, real shells
mod replace; // templates filled in, files replaced whole
mod retry; // tries, statuses and signals
mod vectors; // recorded runs of the original
