//! Which failures pass, and how long they are waited for.

use std::time::Duration;

use crate::aws::error::Failure;
use crate::error::Kind;

/// Repetitions that all calls of a command share: a roll-out makes a few hundred calls at most, and one that fails this
/// often is not helped by asking on.
const REPETITIONS: u32 = 60;

/// The time that they may take in all, the tries that failed and the waits between them, however long the roll-out may
/// take.
const TIME: Duration = Duration::from_mins(5);

/// What there is at least to go back with, however much was used up before.
const REPETITIONS_BACK: u32 = 20;
const TIME_BACK: Duration = Duration::from_mins(2);

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
    time: Duration,
}

impl Default for Budget {
    fn default() -> Self {
        Self { repetitions: REPETITIONS, time: TIME }
    }
}

impl Budget {
    /// The wait before the next repetition of a call that has been repeated so often, and whose last try took so long.
    pub(super) fn take(&mut self, tries: u32, took: Duration, asked_for: Option<Duration>) -> Option<Duration> {
        let longest = FIRST_WAIT.saturating_mul(1_u32.checked_shl(tries).unwrap_or(u32::MAX)).min(LAST_WAIT);
        let wait = longest.mul_f64(random()).max(asked_for.unwrap_or_default());
        self.repetitions = self.repetitions.checked_sub(1)?;
        self.time = self.time.checked_sub(wait + took)?;
        Some(wait)
    }

    /// Has enough to go back with.
    pub(super) fn top_up(&mut self) {
        self.repetitions = self.repetitions.max(REPETITIONS_BACK);
        self.time = self.time.max(TIME_BACK);
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

/// Failures of the way to AWS that are there until someone changes a setting: so is what a proxy or a portal refuses, or
/// leads elsewhere, unless it asks for time.
fn is_lasting(message: &str) -> bool {
    let by_proxy = message.split_once("instead of an answer (HTTP status ").map_or("", |(_, status)| status);
    let asks_for_time = ["408", "425", "429"].iter().any(|status| by_proxy.starts_with(status));
    let is_refused = by_proxy.starts_with(['3', '4']) && !asks_for_time;
    is_refused || ["certificate", "not a URL", "is not one: expected"].iter().any(|words| message.contains(words))
}

/// Whether AWS, or what is in between, has said anything.
pub(super) fn has_answer(failure: &Failure) -> bool {
    failure.kind != Kind::Network || failure.code.is_some() || failure.message.contains("HTTP status")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_proxy_says_goes_by_its_status() {
        for (status, passes) in
            [(200, true), (302, false), (403, false), (407, false), (429, true), (500, true), (502, true), (503, true)]
        {
            let told = format!("an HTML page instead of an answer (HTTP status {status}): is a proxy in between?");
            assert_eq!(is_passing(&Failure::plain(Kind::Network, told)), passes, "{status}");
        }
    }

    #[test]
    fn tries_that_hang_use_it_up_too() {
        let mut budget = Budget::default();
        let hung = Duration::from_secs(10);
        let taken = (0..100).take_while(|_| budget.take(0, hung, None).is_some()).count();
        assert!((28..=30).contains(&taken), "{taken}");
        budget.top_up();
        assert!(budget.take(0, hung, None).is_some());
    }

    #[test]
    fn whoever_asks_for_time_gets_it() {
        let asked = Duration::from_secs(40);
        let mut budget = Budget::default();
        assert_eq!(budget.take(0, Duration::ZERO, Some(asked)), Some(asked));
        assert_eq!(budget.take(0, Duration::ZERO, Some(TIME)), None);
    }
}
