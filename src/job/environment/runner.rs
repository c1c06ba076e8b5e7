//! Variables of the machine that runs the TASKs. They come last, and win.

use std::os::unix::ffi::OsStringExt;

use super::sequence::{Environment, Origin, Rule};
use crate::job::directory::JobDirectory;

/// Its system, as the platform called it.
const SYSTEM: &str = if cfg!(target_os = "macos") { "macOS" } else { "ubuntu" };

/// What is true of any machine of ours: a TASK runs on it as it is, and may do what its user may.
const VARIABLES: [(&str, &str); 4] = [
    ("SHIPPABLE_NODE_ARCHITECTURE", std::env::consts::ARCH),
    ("SHIPPABLE_NODE_OPERATING_SYSTEM", SYSTEM),
    ("TASK_IN_CONTAINER", "false"),
    ("IS_RESTRICTED_NODE", "false"),
];

/// What the process environment has already, on the platform, is taken over.
pub(super) fn variables(job: &JobDirectory, env: &mut Environment) {
    for (name, value) in VARIABLES {
        let taken = job.env.get(name).map(|value| (value.into_vec(), Rule::Process));
        let (value, rule) = taken.unwrap_or_else(|| (value.as_bytes().to_vec(), Rule::Job));
        env.set(name.to_owned(), value, &Origin::new(rule, ""));
    }
}
