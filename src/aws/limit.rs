//! How long the calls of a thread may take, where less is left than a try would have.

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use crate::support::interrupt::Interrupt;

/// How often it is looked whether a call has to end.
const TICK: Duration = Duration::from_millis(100);

/// How long an answer may still take once a signal has come.
const LAST_WORD: Duration = Duration::from_secs(1);

thread_local! {
    static LIMIT: RefCell<Option<Limit>> = const { RefCell::new(None) };
}

/// What ends a call early.
#[derive(Debug, Clone)]
pub struct Limit {
    /// The longest that a try may take.
    pub time: Duration,
    /// A signal that ends it, where nothing is made or changed by it.
    pub leave: Option<Interrupt>,
}

impl Limit {
    /// Makes calls within it, in this thread.
    pub fn during<T>(self, calls: impl FnOnce() -> T) -> T {
        let before = LIMIT.replace(Some(self));
        let done = calls();
        LIMIT.replace(before);
        done
    }
}

/// A time, or less where less is left.
pub(super) fn shortened(time: Duration) -> Duration {
    LIMIT.with_borrow(|limit| limit.as_ref().map_or(time, |limit| limit.time.min(time)))
}

/// The end of a call; nothing where it had to end before. What it was about goes on in AWS.
pub(super) async fn within<T>(call: impl Future<Output = T>) -> Option<T> {
    let Some(limit) = LIMIT.with_borrow(Clone::clone) else { return Some(call.await) };
    let mut call = pin!(call);
    let mut end = Instant::now() + limit.time;
    let mut is_left = false;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        match tokio::time::timeout(left.min(TICK), call.as_mut()).await {
            Ok(done) => return Some(done),
            Err(_) if left.is_zero() => return None,
            Err(_) => {}
        }
        if !is_left && limit.leave.as_ref().is_some_and(|signal| signal.signal().is_some()) {
            is_left = true;
            end = end.min(Instant::now() + LAST_WORD);
        }
    }
}
