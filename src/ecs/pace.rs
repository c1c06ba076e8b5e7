//! How long it is until the next look: often while something changes, seldom while nothing does.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const AFTER_CHANGE: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(10);

/// The waits between looks.
#[derive(Debug)]
pub(super) struct Pace(Duration);

impl Pace {
    pub(super) const fn new() -> Self {
        Self(FIRST)
    }

    /// The wait before the next look.
    pub(super) fn next(&mut self) -> Duration {
        let now = self.0;
        self.0 = now.mul_f64(1.5).min(LONGEST);
        now
    }

    /// Something has changed: more may follow.
    pub(super) fn changed(&mut self) {
        self.0 = self.0.min(AFTER_CHANGE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_become_rarer_until_something_changes() {
        let mut pace = Pace::new();
        let waits: Vec<u128> = (0..8).map(|_| pace.next().as_millis()).collect();
        assert_eq!(waits, [1000, 1500, 2250, 3375, 5062, 7593, 10_000, 10_000]);
        pace.changed();
        assert_eq!(pace.next(), AFTER_CHANGE);
        // A minute takes no more than a dozen looks.
        let mut pace = Pace::new();
        let mut passed = Duration::ZERO;
        let looks = std::iter::from_fn(|| {
            passed += pace.next();
            (passed <= Duration::from_mins(1)).then_some(())
        });
        assert!(looks.count() <= 12);
    }
}
