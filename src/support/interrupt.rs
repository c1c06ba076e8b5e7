//! Signals that ask this process to end, noticed between one step and the next.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::error::Error;

/// The exit status of what a signal has ended, as a shell reports it.
pub fn status_of(signal: i32) -> u8 {
    128_u8.wrapping_add(u8::try_from(signal).unwrap_or(0))
}

/// Whether a signal has asked this process to end.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// Takes over SIGINT, SIGTERM and SIGHUP: they no longer end the process by themselves.
    pub fn install() -> Result<Self, Error> {
        Self::watching().map_err(|error| Error::failed(format_args!("signals cannot be waited for: {error}")))
    }

    fn watching() -> io::Result<Self> {
        let seen = Arc::new(AtomicUsize::new(0));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register_usize(signal, Arc::clone(&seen), signal.unsigned_abs() as usize)?;
        }
        Ok(Self(seen))
    }

    /// One that no signal reaches.
    pub fn never() -> Self {
        Self::default()
    }

    /// The signal, once one has come.
    pub fn signal(&self) -> Option<i32> {
        match self.0.load(Ordering::SeqCst) {
            0 => None,
            number => i32::try_from(number).ok(),
        }
    }

    /// Asks for the end, as the signal would.
    pub fn raise(&self, signal: i32) {
        self.0.store(signal.unsigned_abs() as usize, Ordering::SeqCst);
    }
}
