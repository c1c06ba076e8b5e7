//! The time, as a value: the machine's, or one that tests set and that moves on with each wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use rustix::thread::Timespec;

use crate::ctx::Env;
use crate::error::{Error, Kind};
use crate::support::interrupt::Interrupt;

/// The variable that sets the clock: a moment of RFC 3339, from which on only waits move it.
pub const VARIABLE: &str = "SHIPCTL_CLOCK";

/// How long a wait may take to notice a signal that another thread was given. One of its own ends it at once.
const SLICE: Duration = Duration::from_secs(1);

/// A clock that waits are made on.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's.
    Machine(Steady),
    /// One that was set: waits are over at once, and it is so much later then.
    Set(Arc<SetClock>),
}

/// Time that goes on evenly from a moment: neither a correction of the machine's clock nor a machine that sleeps ends
/// what has been given some time, or gives it more.
#[derive(Debug, Clone, Copy)]
pub struct Steady {
    start: SystemTime,
    since: Instant,
}

impl Steady {
    /// Goes on from this moment.
    pub fn from(start: SystemTime) -> Self {
        Self { start, since: Instant::now() }
    }
}

/// A clock that only waits move.
#[derive(Debug)]
pub struct SetClock {
    start: SystemTime,
    passed_millis: AtomicU64,
}

impl Clock {
    /// The machine's, unless the environment sets one.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`]: what is set is no moment.
    pub fn from_env(env: &Env) -> Result<Self, Error> {
        let Some(text) = env.get_filled(VARIABLE) else { return Ok(Self::machine()) };
        let moment: Option<jiff::Timestamp> = text.to_str().and_then(|text| text.parse().ok());
        let moment = moment.ok_or_else(|| {
            let told =
                format_args!("{VARIABLE} is {}: a moment such as 2026-01-02T03:04:05Z was expected", text.display());
            Error::new(Kind::Configuration, told)
        })?;
        Ok(Self::set(moment.into()))
    }

    /// The machine's, from now on.
    pub fn machine() -> Self {
        Self::Machine(Steady::from(SystemTime::now()))
    }

    /// A clock that stands at a moment.
    pub fn set(start: SystemTime) -> Self {
        Self::Set(Arc::new(SetClock { start, passed_millis: AtomicU64::new(0) }))
    }

    /// The time now, for deadlines and whatever else is measured: it goes on evenly.
    pub fn now(&self) -> SystemTime {
        match self {
            Self::Machine(steady) => steady.start + steady.since.elapsed(),
            Self::Set(clock) => clock.start + Duration::from_millis(clock.passed_millis.load(Ordering::Relaxed)),
        }
    }

    /// The time of the calendar, for what others have dated, and for signatures: that of the machine, however it has been
    /// set meanwhile.
    pub fn calendar(&self) -> SystemTime {
        match self {
            Self::Machine(_) => SystemTime::now(),
            Self::Set(_) => self.now(),
        }
    }

    /// Waits, unless a signal asks for an end.
    pub fn wait(&self, time: Duration, interrupt: &Interrupt) {
        match self {
            Self::Set(clock) => {
                let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
                clock.passed_millis.fetch_add(millis, Ordering::Relaxed);
            }
            Self::Machine(_) => {
                let end = Instant::now() + time;
                while interrupt.signal().is_none() {
                    let left = end.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    // Unlike the standard library's, it ends with a signal: each time that it has to be begun anew
                    // costs, and a deployment mostly waits.
                    let left = left.min(SLICE);
                    let time = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
                    let _ = rustix::thread::nanosleep(&time);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_clock_moves_with_waits_alone() {
        let env = Env::Fixed([(VARIABLE.into(), "2026-01-02T03:04:05Z".into())].into());
        let clock = Clock::from_env(&env).unwrap();
        let start = clock.now();
        assert_eq!(start.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs(), 1_767_323_045);
        clock.clone().wait(Duration::from_mins(10), &Interrupt::never());
        assert_eq!(clock.now(), start + Duration::from_mins(10));
    }

    /// As after the machine's clock was set back or forth by years.
    #[test]
    fn what_is_measured_does_not_go_by_the_calendar() {
        let start = SystemTime::UNIX_EPOCH + Duration::from_hours(24);
        let clock = Clock::Machine(Steady::from(start));
        clock.wait(Duration::from_millis(5), &Interrupt::never());
        let passed = clock.now().duration_since(start).unwrap();
        assert!((Duration::from_millis(5)..Duration::from_mins(5)).contains(&passed), "{passed:?}");
        assert!(clock.calendar() > start + Duration::from_hours(24 * 365 * 50));
        let set = Clock::set(start);
        assert_eq!((set.now(), set.calendar()), (start, start));
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        let env = Env::Fixed([(VARIABLE.into(), "noon".into())].into());
        assert_eq!(Clock::from_env(&env).unwrap_err().exit_status(), 8);
        assert!(matches!(Clock::from_env(&Env::Fixed([].into())), Ok(Clock::Machine(_))));
    }
}
