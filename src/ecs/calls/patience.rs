//! Which failures pass, and how long they are waited for.

use std::time::Duration;

use crate::aws::error::Failure;
use crate::error::Kind;

/// Repetitions that all calls of a command share: a roll-out makes a few hundred calls at most, and one that fails this
/// often is not helped by asking on.
const REPETITIONS: u32 = 60;

/// The time that they may wait in all, however long the roll-out may take.
const WAITS: Duration = Duration::from_mins(5);

/// The waits: below the first, then below twice that, and so on up to the last.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LAST_WAIT: Duration = Duration::from_secs(10);

/// Repetitions of a call that nothing depends on.
const FEW: u32 = 2;

/// Repetitions while nothing of AWS has answered yet: a network that is not there is told early.
const UNANSWERED: u32 = 5;

/// What a service under load, or in doubt, answers.
const PASSING_CODES: [&str; 7] = [
    "ServerException",
    "InternalFailure",
    "InternalError",
    "InternalServiceException",
    "InternalServiceFault",
    "ServiceUnavailable",
    "ConcurrentUpdateException",
];

/// What `RegisterTaskDefinition` answers when a family is registered by several at once.
const REVISIONS_AT_ONCE: &str = "Too many concurrent attempts to create a new revision";

/// How long a call is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Once: whoever calls asks again by itself.
    Once,
    /// A few times: nothing depends on it.
    Few,
    /// As long as the budget lasts.
    Whole,
}

impl Patience {
    pub(super) fn repetitions(self, answered: bool) -> u32 {
        match self {
            Self::Once => 0,
            Self::Few => FEW,
            Self::Whole if answered => REPETITIONS,
            Self::Whole => UNANSWERED,
        }
    }
}

/// What is left of the repetitions that all calls share.
#[derive(Debug)]
pub(super) struct Budget {
    repetitions: u32,
    waits: Duration,
}

impl Default for Budget {
    fn default() -> Self {
        Self { repetitions: REPETITIONS, waits: WAITS }
    }
}

impl Budget {
    /// The wait before the next repetition of a call that has been repeated so often.
    pub(super) fn take(&mut self, tries: u32) -> Option<Duration> {
        let longest = FIRST_WAIT.saturating_mul(1_u32.checked_shl(tries).unwrap_or(u32::MAX)).min(LAST_WAIT);
        let wait = longest.mul_f64(random());
        self.repetitions = self.repetitions.checked_sub(1)?;
        self.waits = self.waits.checked_sub(wait)?;
        Some(wait)
    }
}

/// Between 0 and 1: callers that were refused together do not come back together.
fn random() -> f64 {
    // Where there is no randomness, the longest wait is as good.
    getrandom::u32().map_or(1.0, |number| f64::from(number) / f64::from(u32::MAX))
}

/// Whether another try may do better.
pub(super) fn is_passing(failure: &Failure) -> bool {
    let code = failure.code.as_deref().unwrap_or_default();
    match failure.kind {
        // A limit of the account, not of the pace.
        Kind::Throttled => code != "LimitExceededException",
        Kind::Network => !is_lasting(&failure.message),
        _ => PASSING_CODES.contains(&code) || failure.message.contains(REVISIONS_AT_ONCE),
    }
}

/// Failures of the way to AWS that are there until someone changes a setting.
fn is_lasting(message: &str) -> bool {
    ["certificate", "not a URL", "is not one: expected"].iter().any(|words| message.contains(words))
}

/// Whether AWS, or what is in between, has said anything.
pub(super) fn has_answer(failure: &Failure) -> bool {
    failure.kind != Kind::Network || failure.code.is_some() || failure.message.contains("HTTP status")
}
