//! How a one-off task ended, and the exit status of each end.

use crate::error::Kind;
use crate::support::interrupt::status_of;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was started, and not waited for.
    Started,
    /// Its container ended with this status.
    Exited(i32),
    /// It could not be started, or was stopped before its container could.
    NotStarted,
    /// It was not done within its time, and was stopped.
    TimedOut,
    /// A signal came, and it was stopped.
    Interrupted(i32),
}

impl End {
    /// The word for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Started | Self::Exited(0) => "completed",
            Self::Exited(_) | Self::NotStarted => "failed",
            Self::TimedOut => "timedOut",
            Self::Interrupted(_) => "interrupted",
        }
    }

    /// The exit status.
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Started => 0,
            Self::Exited(status) => u8::try_from(status).unwrap_or(1),
            Self::NotStarted => Kind::RolloutFailed.exit_status(),
            Self::TimedOut => Kind::TimedOut.exit_status(),
            Self::Interrupted(signal) => status_of(signal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends() {
        for (end, status, word) in [
            (End::Started, 0, "completed"),
            (End::Exited(0), 0, "completed"),
            (End::Exited(3), 3, "failed"),
            (End::Exited(255), 255, "failed"),
            // As Windows has them.
            (End::Exited(-1), 1, "failed"),
            (End::Exited(3_221_225_477_u32.cast_signed()), 1, "failed"),
            (End::NotStarted, 20, "failed"),
            (End::TimedOut, 24, "timedOut"),
            (End::Interrupted(2), 130, "interrupted"),
            (End::Interrupted(15), 143, "interrupted"),
        ] {
            assert_eq!((end.exit_status(), end.word()), (status, word), "{end:?}");
        }
    }
}
