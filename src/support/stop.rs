//! A request to stop, from one thread to another.

use std::sync::{Arc, OnceLock};

/// Asked once, seen by every copy.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<OnceLock<String>>);

impl Stop {
    /// Asks, for this reason; the first one stays.
    pub fn ask(&self, reason: impl Into<String>) {
        let _ = self.0.set(reason.into());
    }

    /// Why, once it has been asked.
    pub fn reason(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}
