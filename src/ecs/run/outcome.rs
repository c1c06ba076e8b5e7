//! How a deployment ended, and the exit status of each end.

use crate::error::Kind;
use crate::support::interrupt::status_of;

/// How it ended for one manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Completed,
    /// Nothing had changed.
    Unchanged,
    /// It failed, and nothing was there to go back to, or going back was not asked.
    Failed,
    /// A call was refused, or got no answer that makes sense.
    Refused(Kind),
    /// It failed, and the version before serves.
    RolledBack,
    /// It failed, and so did going back.
    RollbackFailed,
    /// Somebody else deployed meanwhile.
    Superseded,
    /// It was not done within its time.
    TimedOut,
    /// A signal came.
    Interrupted(i32),
}

impl Outcome {
    /// The word for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Unchanged => "unchanged",
            Self::Failed | Self::Refused(_) => "failed",
            Self::RolledBack => "rolledBack",
            Self::RollbackFailed => "rollbackFailed",
            Self::Superseded => "superseded",
            Self::TimedOut => "timedOut",
            Self::Interrupted(_) => "interrupted",
        }
    }

    /// The words for people.
    pub(super) const fn in_words(self) -> &'static str {
        match self {
            Self::Completed => "done",
            Self::Unchanged => "nothing had changed",
            Self::Failed => "failed",
            Self::Refused(_) => "could not go on",
            Self::RolledBack => "rolled back",
            Self::RollbackFailed => "going back failed",
            Self::Superseded => "superseded",
            Self::TimedOut => "not done in time",
            Self::Interrupted(_) => "interrupted",
        }
    }

    /// The kind of failure; none where it is no failure.
    pub fn kind(self) -> Option<Kind> {
        match self {
            Self::Completed | Self::Unchanged => None,
            Self::Failed | Self::Refused(Kind::Failed) => Some(Kind::RolloutFailed),
            Self::Refused(kind) => Some(kind),
            Self::RolledBack => Some(Kind::RolledBack),
            Self::RollbackFailed => Some(Kind::RollbackFailed),
            Self::Superseded => Some(Kind::Superseded),
            Self::TimedOut => Some(Kind::TimedOut),
            Self::Interrupted(signal) => Some(Kind::Child(status_of(signal))),
        }
    }

    /// The exit status.
    pub fn exit_status(self) -> u8 {
        self.kind().map_or(0, Kind::exit_status)
    }

    /// Whether it is no failure.
    pub fn is_success(self) -> bool {
        self.kind().is_none()
    }

    /// How bad it is: of several manifests the worst decides.
    pub(super) const fn rank(self) -> u8 {
        match self {
            Self::Unchanged => 0,
            Self::Completed => 1,
            Self::RolledBack => 2,
            Self::Superseded => 3,
            Self::TimedOut => 4,
            Self::Refused(_) => 5,
            Self::Failed => 6,
            Self::RollbackFailed => 7,
            Self::Interrupted(_) => 8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_statuses() {
        for (outcome, status) in [
            (Outcome::Completed, 0),
            (Outcome::Unchanged, 0),
            (Outcome::Failed, 20),
            (Outcome::Refused(Kind::Failed), 20),
            (Outcome::RolledBack, 21),
            (Outcome::RollbackFailed, 22),
            (Outcome::Superseded, 23),
            (Outcome::TimedOut, 24),
            (Outcome::Refused(Kind::Denied), 4),
            (Outcome::Refused(Kind::Network), 7),
            (Outcome::Interrupted(2), 130),
            (Outcome::Interrupted(15), 143),
        ] {
            assert_eq!(outcome.exit_status(), status, "{outcome:?}");
            assert_eq!(outcome.is_success(), status == 0, "{outcome:?}");
        }
    }
}
