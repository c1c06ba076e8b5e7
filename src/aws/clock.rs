//! Calls that were signed under a wrong clock: signed again once, with the server's time.
//!
//! The SDK takes over the time of every answer's Date header for what it signs next; what is left to decide is whether
//! a refusal was about time. It was when the signature's own time was off; when that was right, the refusal means what
//! it says, and asking again would change nothing.

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction, RetryClassifierPriority};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use aws_smithy_types::retry::ErrorKind;

use super::connection::TOLERATED_SKEW;

/// Codes of refusals that may be about time.
const ABOUT_TIME: [&str; 5] =
    ["SignatureDoesNotMatch", "InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed", "AuthFailure"];

/// How many seconds the time of a signature was behind the server's; kept with the answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct SignedBehind(pub(super) i64);

/// Decides about refusals that may be about time.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClockClassifier;

impl ClassifyRetry for ClockClassifier {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(answer) = context.response() else { return RetryAction::NoActionIndicated };
        let Some(SignedBehind(behind)) = answer.extension() else { return RetryAction::NoActionIndicated };
        let body = answer.body().bytes().unwrap_or_default();
        let refused = (400..500).contains(&answer.status().as_u16());
        if !refused || !ABOUT_TIME.iter().any(|code| memchr::memmem::find(body, code.as_bytes()).is_some()) {
            return RetryAction::NoActionIndicated;
        }
        if behind.abs() > TOLERATED_SKEW {
            RetryAction::retryable_error(ErrorKind::ServerError)
        } else {
            RetryAction::RetryForbidden
        }
    }

    fn name(&self) -> &'static str {
        "Clock"
    }

    /// After the SDK's own, which looks at the local clock alone and would try to the end.
    fn priority(&self) -> RetryClassifierPriority {
        let sdk = RetryClassifierPriority::run_after(RetryClassifierPriority::http_status_code_classifier());
        RetryClassifierPriority::run_after(sdk)
    }
}

/// Repeats what was signed under a wrong clock, once, and leaves every other repetition to the caller, who waits on a
/// clock of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct NothingButTheClock;

impl ClassifyRetry for NothingButTheClock {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match ClockClassifier.classify_retry(context) {
            RetryAction::NoActionIndicated => RetryAction::RetryForbidden,
            decided => decided,
        }
    }

    fn name(&self) -> &'static str {
        "Nothing but the clock"
    }

    fn priority(&self) -> RetryClassifierPriority {
        ClockClassifier.priority()
    }
}

/// Seconds since 1970 of a Date header.
pub(super) fn of_answer(text: &str) -> Option<i64> {
    DateTime::from_str(text, Format::HttpDate).ok().map(|date| date.secs())
}

/// Seconds since 1970 of a signature's `YYYYMMDDTHHMMSSZ`.
pub(super) fn of_signature(text: &str) -> Option<i64> {
    let part = |from: usize, to: usize| text.get(from..to);
    let spelled = format!("{}-{}-{}:{}:{}", part(0, 4)?, part(4, 6)?, part(6, 11)?, part(11, 13)?, part(13, 16)?);
    DateTime::from_str(&spelled, Format::DateTime).ok().map(|date| date.secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_a_moment() {
        assert_eq!(of_signature("20190102T030405Z"), Some(1_546_398_245));
        assert_eq!(of_answer("Wed, 02 Jan 2019 03:04:05 GMT"), Some(1_546_398_245));
        for text in ["", "2019", "20190102T0304", "xxxxxxxxTxxxxxxZ"] {
            assert_eq!(of_signature(text), None, "{text}");
        }
    }
}
