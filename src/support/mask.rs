//! Secrets kept out of a stream of bytes.
//!
//! Every secret of four bytes or more is replaced by `***`: whole, line by line, and in the spellings that programs
//! give it (see `forms`). Secrets that overlap are covered by one mask, so that nothing of either is left. A secret
//! of `*` alone, or with `*` in it, can seem to appear beside a mask: that is the mask, not the secret.
//!
//! The stream is not held up: a byte is written as soon as it cannot belong to a secret that has begun. Only what is
//! the beginning of one waits for the byte that decides, however the bytes come in. Patterns have no line feed in
//! them (a secret of several lines is masked line by line, unless its lines are too short for that), so a finished
//! line never waits.

pub mod forms;

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, MatchKind};

use crate::error::Error;

/// What stands for a secret.
const MASK: &[u8] = b"***";

/// The secrets to look for, in all their spellings; cheap to clone.
#[derive(Clone)]
pub struct Masker(Option<Arc<Patterns>>);

/// An automaton that knows at each byte which patterns end there, and how much of one may just have begun.
struct Patterns {
    automaton: NFA,
    start: StateID,
    /// For each state: the bytes read of the longest pattern that has begun and not ended, and the length of the
    /// longest that ends here.
    states: Vec<(u32, u32)>,
    /// Bytes that begin no pattern.
    idle: [bool; 256],
}

impl Masker {
    /// A masker for these values. Those shorter than four bytes are left alone.
    pub fn new<I: IntoIterator<Item = S>, S: AsRef<[u8]>>(secrets: I) -> Result<Self, Error> {
        let patterns = forms::of_all(secrets);
        if patterns.is_empty() {
            return Ok(Self(None));
        }
        let too_many = |error: &dyn fmt::Display| {
            Error::failed(format_args!("the secrets are too many or too large to be masked in the output: {error}"))
        };
        let automaton = NFA::builder()
            .match_kind(MatchKind::Standard)
            .prefilter(false)
            .build(&patterns)
            .map_err(|error| too_many(&error))?;
        let start = automaton.start_state(Anchored::No).map_err(|error| too_many(&error))?;
        Ok(Self(Some(Arc::new(Patterns::new(automaton, start, &patterns)))))
    }

    /// A stream of its own, to which bytes are given as they come.
    pub fn stream(&self) -> Stream {
        Stream {
            state: self.0.as_ref().map(|patterns| patterns.start).unwrap_or_default(),
            patterns: self.0.clone(),
            held: Vec::new(),
            position: 0,
            covered: 0,
            found: VecDeque::new(),
        }
    }

    /// A writer whose output passes through a stream of its own.
    pub fn writer<W: Write>(&self, inner: W) -> MaskedWriter<W> {
        MaskedWriter { stream: self.stream(), ready: Vec::new(), inner }
    }

    /// A whole text, masked.
    pub fn mask(&self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        let mut stream = self.stream();
        stream.feed(text, &mut out);
        stream.finish(&mut out);
        out
    }
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Masker(***)")
    }
}

impl Patterns {
    fn new(automaton: NFA, start: StateID, patterns: &[Vec<u8>]) -> Self {
        let mut states: Vec<(u32, u32)> = Vec::new();
        let mut leaves = Vec::new();
        for pattern in patterns {
            let mut state = start;
            for (depth, byte) in (1..).zip(pattern) {
                leaves.pop_if(|(leaf, _)| *leaf == state);
                state = automaton.next_state(Anchored::No, state, *byte);
                let index = state.as_usize();
                if index >= states.len() {
                    states.resize(index + 1, (0, 0));
                }
                if states[index].0 == 0 {
                    states[index] = (depth, longest_match(&automaton, state));
                }
            }
            leaves.push((state, pattern));
        }
        // What no longer pattern goes on from is complete: only an end of it may begin another.
        leaves.sort_by_key(|(_, pattern)| pattern.len());
        for (leaf, pattern) in leaves {
            let rest = pattern.iter().skip(1);
            let state = rest.fold(start, |state, byte| automaton.next_state(Anchored::No, state, *byte));
            states[leaf.as_usize()].0 = if state == start { 0 } else { states[state.as_usize()].0 };
        }
        let mut idle = [false; 256];
        for (byte, idle) in (0..=u8::MAX).zip(&mut idle) {
            *idle = automaton.next_state(Anchored::No, start, byte) == start;
        }
        Self { automaton, start, states, idle }
    }

    fn state(&self, state: StateID) -> (u32, u32) {
        self.states.get(state.as_usize()).copied().unwrap_or_default()
    }
}

fn longest_match(automaton: &NFA, state: StateID) -> u32 {
    if !automaton.is_match(state) {
        return 0;
    }
    let lengths =
        (0..automaton.match_len(state)).map(|index| automaton.pattern_len(automaton.match_pattern(state, index))).max();
    lengths.and_then(|length| u32::try_from(length).ok()).unwrap_or_default()
}

/// One stream of bytes on its way through a [`Masker`].
pub struct Stream {
    patterns: Option<Arc<Patterns>>,
    state: StateID,
    /// Bytes that have come in and not yet gone out; they end at `position`.
    held: Vec<u8>,
    position: u64,
    /// Up to where a mask that has been written reaches.
    covered: u64,
    /// Secrets among the held bytes, as places in the stream: in order, none overlapping.
    found: VecDeque<(u64, u64)>,
}

impl Stream {
    /// Takes bytes in and adds to `out` what can go out.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let Some(patterns) = self.patterns.clone() else {
            out.extend_from_slice(bytes);
            return;
        };
        self.held.extend_from_slice(bytes);
        let mut state = self.state;
        for &byte in bytes {
            self.position += 1;
            if state == patterns.start && patterns.idle[usize::from(byte)] {
                continue;
            }
            state = patterns.automaton.next_state(Anchored::No, state, byte);
            if patterns.automaton.is_match(state) {
                let length = patterns.state(state).1;
                self.note(self.position - u64::from(length), self.position);
            }
        }
        self.state = state;
        let begun = if state == patterns.start { 0 } else { patterns.state(state).0 };
        self.release(self.position - u64::from(begun), out);
    }

    /// The end of the stream: what was held back has turned out to be no secret.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.release(self.position, out);
        if let Some(patterns) = &self.patterns {
            self.state = patterns.start;
        }
    }

    /// Notes a secret. It ends behind all that have been noted, and may begin before some of them.
    fn note(&mut self, mut start: u64, end: u64) {
        if start < self.covered {
            self.covered = end;
            self.found.clear();
            return;
        }
        while let Some((earlier, _)) = self.found.pop_back_if(|(_, its_end)| *its_end > start) {
            start = start.min(earlier);
        }
        self.found.push_back((start, end));
    }

    /// Lets go what lies before `safe`, where no secret can begin any more.
    fn release(&mut self, safe: u64, out: &mut Vec<u8>) {
        let first = self.position - self.held.len() as u64;
        let mut at = first;
        loop {
            at = at.max(self.covered.min(safe));
            let next = self.found.pop_front_if(|(start, _)| *start < safe);
            let plain_to = next.map_or(safe, |(start, _)| start).max(at);
            out.extend_from_slice(&self.held[index(at, first)..index(plain_to, first)]);
            at = plain_to;
            let Some((_, end)) = next else { break };
            out.extend_from_slice(MASK);
            self.covered = end;
        }
        self.held.drain(..index(at, first));
    }
}

fn index(place: u64, first: u64) -> usize {
    usize::try_from(place - first).unwrap_or(usize::MAX)
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream(***)")
    }
}

/// A writer that never writes a secret. What is held back goes out with [`finish`](Self::finish), not with a flush: a
/// secret whose first half is flushed would be out.
#[derive(Debug)]
pub struct MaskedWriter<W: Write> {
    stream: Stream,
    ready: Vec<u8>,
    inner: W,
}

impl<W: Write> MaskedWriter<W> {
    /// Writes what was held back, and gives the writer below back.
    pub fn finish(mut self) -> io::Result<W> {
        self.ready.clear();
        self.stream.finish(&mut self.ready);
        self.inner.write_all(&self.ready)?;
        self.inner.flush()?;
        Ok(self.inner)
    }
}

impl<W: Write> Write for MaskedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.ready.clear();
        self.stream.feed(bytes, &mut self.ready);
        self.inner.write_all(&self.ready)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests;
