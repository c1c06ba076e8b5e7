//! Output that knows whether its last line has ended.

use std::io::{self, Write};

/// A writer that remembers its last byte: what scripts print need not end its line, and what a CI reads in the log has to
/// begin one.
#[derive(Debug)]
pub struct Lines<W> {
    inner: W,
    is_open: bool,
}

impl<W: Write> Lines<W> {
    /// Nothing has been written.
    pub const fn new(inner: W) -> Self {
        Self { inner, is_open: false }
    }

    /// Ends the line, if it has not been.
    ///
    /// # Errors
    ///
    /// Of the writer within.
    pub fn end_line(&mut self) -> io::Result<()> {
        if self.is_open { self.write_all(b"\n") } else { Ok(()) }
    }
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        if let Some(last) = bytes.get(..written).and_then(<[u8]>::last) {
            self.is_open = *last != b'\n';
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
