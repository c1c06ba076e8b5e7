//! Output of a child on its way through the masks: what has come in goes on at once.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use crate::support::mask::{Masker, Stream};

/// The most that a pipe holds: what is there when the child has ended is read up to this, lest something left behind
/// that goes on writing keeps us here.
const PIPE_HOLDS: usize = 1 << 20;

/// One stream of output.
pub struct Lane<'a> {
    pipe: Option<PipeReader>,
    stream: Stream,
    out: &'a mut dyn Write,
    ready: Vec<u8>,
}

impl<'a> Lane<'a> {
    /// A lane to `out`, and the end for the child.
    pub fn new(masker: &Masker, out: &'a mut dyn Write) -> io::Result<(Self, PipeWriter)> {
        let (reader, writer) = io::pipe()?;
        fcntl_setfl(&reader, fcntl_getfl(&reader)? | OFlags::NONBLOCK)?;
        Ok((Self { pipe: Some(reader), stream: masker.stream(), out, ready: Vec::new() }, writer))
    }

    /// Moves on what one read gives; how much that was, 0 for nothing at the moment.
    fn move_on(&mut self) -> io::Result<usize> {
        let Some(pipe) = &mut self.pipe else { return Ok(0) };
        let mut buffer = [0; 16 << 10];
        match pipe.read(&mut buffer) {
            Ok(0) => {
                self.pipe = None;
                Ok(0)
            }
            Ok(length) => {
                self.ready.clear();
                self.stream.feed(&buffer[..length], &mut self.ready);
                self.write()?;
                Ok(length)
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(0),
            Err(error) => Err(error),
        }
    }

    fn write(&mut self) -> io::Result<()> {
        if self.ready.is_empty() {
            return Ok(());
        }
        // Nobody reads any more: the child finds out as it would without us.
        let written = self.out.write_all(&self.ready).and_then(|()| self.out.flush());
        written.inspect_err(|_| self.pipe = None)
    }

    /// Moves on what is there, and then no more: the child has ended.
    pub fn finish(&mut self) -> io::Result<()> {
        let mut total = 0;
        while total < PIPE_HOLDS {
            match self.move_on()? {
                0 => break,
                length => total += length,
            }
        }
        self.pipe = None;
        self.ready.clear();
        self.stream.finish(&mut self.ready);
        self.write()
    }
}

/// Waits until there is output, `wake` is readable or the time is over, and moves the output on.
pub fn pump(lanes: &mut [Lane<'_>], wake: BorrowedFd<'_>, patience: Duration) -> io::Result<()> {
    let timeout = Timespec::try_from(patience).map_err(io::Error::other)?;
    let mut watched = vec![PollFd::from_borrowed_fd(wake, PollFlags::IN)];
    let pipes = lanes.iter().filter_map(|lane| lane.pipe.as_ref());
    watched.extend(pipes.map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN)));
    match poll(&mut watched, Some(&timeout)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let mut result = Ok(());
    for lane in lanes {
        // A read that would block is cheap, and one lane's fault is not the other's.
        result = result.and(lane.move_on().map(drop));
    }
    result
}
