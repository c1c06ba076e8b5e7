//! The bytes being read: one reusable window over a file, a pipe or memory.

use super::Error;
use std::io::{ErrorKind, Read};

/// The deepest nesting jq 1.6 reads, counted as jq counts: an array is one, an object two.
const MAX_WEIGHT: u32 = 256;

/// Which containers are open, outermost first.
#[derive(Clone, Copy, Default)]
pub(super) struct Nest {
    /// One bit for each level, set for an object.
    objects: [u64; 4],
    levels: u32,
    weight: u32,
}

impl Nest {
    /// Opens a container; false when that is too deep.
    #[inline]
    pub(super) fn push(&mut self, object: bool) -> bool {
        if self.weight >= MAX_WEIGHT {
            return false;
        }
        let bit = 1u64 << (self.levels & 63);
        let word = &mut self.objects[(self.levels >> 6) as usize & 3];
        *word = if object { *word | bit } else { *word & !bit };
        self.levels += 1;
        self.weight += 1 + u32::from(object);
        true
    }

    /// Whether no more containers can be opened.
    #[inline]
    pub(super) fn full(&self) -> bool {
        self.weight >= MAX_WEIGHT
    }

    #[inline]
    pub(super) fn pop(&mut self) {
        self.weight = self.weight.saturating_sub(1 + u32::from(self.in_object()));
        self.levels = self.levels.saturating_sub(1);
    }

    /// Whether the innermost open container is an object.
    #[inline]
    pub(super) fn in_object(&self) -> bool {
        let top = self.levels.wrapping_sub(1);
        self.objects[(top >> 6) as usize & 3] >> (top & 63) & 1 == 1
    }

    /// How many containers are open.
    #[inline]
    pub(super) fn levels(&self) -> u32 {
        self.levels
    }
}

/// A window over the text, with enough book-keeping to say where an error is and to keep
/// what a value held when it cannot be read again.
pub(super) struct Input<'a> {
    reader: Option<&'a mut dyn Read>,
    given: &'a [u8],
    own: Vec<u8>,
    /// How much of `own` holds text.
    end: usize,
    /// The next byte to look at, within the window.
    pub(super) pos: usize,
    /// Where in the text the window starts.
    base: u64,
    /// Newlines before the window, and where the line running into the window started.
    lines: u64,
    line_start: u64,
    /// Where the value that is to be kept started.
    mark: Option<u64>,
    kept: Vec<u8>,
    pub(super) nest: Nest,
}

impl<'a> Input<'a> {
    /// Text that is all in memory.
    pub(super) fn of_slice(given: &'a [u8]) -> Self {
        Self::new(None, given, 0)
    }

    /// Text that comes from `reader`, through a window of `size` bytes (at least one).
    pub(super) fn of_reader(reader: &'a mut dyn Read, size: usize) -> Self {
        Self::new(Some(reader), &[], size.max(1))
    }

    fn new(reader: Option<&'a mut dyn Read>, given: &'a [u8], size: usize) -> Self {
        Self {
            reader,
            given,
            own: vec![0; size],
            end: 0,
            pos: 0,
            base: 0,
            lines: 0,
            line_start: 0,
            mark: None,
            kept: Vec::new(),
            nest: Nest::default(),
        }
    }

    /// The part of the text at hand.
    #[inline]
    pub(super) fn window(&self) -> &[u8] {
        match self.reader {
            Some(_) => self.own.get(..self.end).unwrap_or(&[]),
            None => self.given,
        }
    }

    /// Where in the text the next byte is.
    pub(super) fn offset(&self) -> u64 {
        self.base + self.pos as u64
    }

    /// The text between two offsets, when the window still holds it.
    pub(super) fn held(&self, start: u64, end: u64) -> Option<&[u8]> {
        let from = usize::try_from(start.checked_sub(self.base)?).ok()?;
        let to = usize::try_from(end.checked_sub(self.base)?).ok()?;
        self.window().get(from..to)
    }

    /// Reads more; the whole window must have been used. False at the end of the text.
    ///
    /// While the window has room it only grows, so that a small text stays at hand whole.
    #[cold]
    pub(super) fn more(&mut self) -> Result<bool, Error> {
        debug_assert_eq!(self.pos, self.window().len());
        if self.reader.is_none() {
            return Ok(false);
        }
        if self.end == self.own.len() {
            self.forget();
        }
        let Some(reader) = self.reader.as_mut() else {
            return Ok(false);
        };
        loop {
            match reader.read(&mut self.own[self.end..]) {
                Ok(n) => {
                    self.end = self.own.len().min(self.end + n);
                    return Ok(n > 0);
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::Io(e)),
            }
        }
    }

    /// Empties the window, noting what later error messages and the kept value need.
    fn forget(&mut self) {
        let old = &self.own[..self.end];
        if let Some(mark) = self.mark {
            let from = usize::try_from(mark.saturating_sub(self.base)).unwrap_or(old.len());
            self.kept.extend_from_slice(old.get(from..).unwrap_or(&[]));
        }
        self.lines += memchr::memchr_iter(b'\n', old).count() as u64;
        if let Some(last) = memchr::memrchr(b'\n', old) {
            self.line_start = self.base + last as u64 + 1;
        }
        self.base += self.end as u64;
        self.pos = 0;
        self.end = 0;
    }

    /// The next byte, left where it is; `None` at the end.
    #[inline]
    pub(super) fn peek(&mut self) -> Result<Option<u8>, Error> {
        if let Some(b) = self.window().get(self.pos) {
            return Ok(Some(*b));
        }
        self.more()?;
        Ok(self.window().get(self.pos).copied())
    }

    /// The next byte that is not white space, left where it is; `None` at the end.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<u8>, Error> {
        loop {
            match self.peek()? {
                Some(b' ' | b'\n' | b'\t' | b'\r') => self.pos += 1,
                b => return Ok(b),
            }
        }
    }

    /// As [`Self::next`], where the text must not end.
    #[inline]
    pub(super) fn must(&mut self) -> Result<u8, Error> {
        match self.window().get(self.pos) {
            Some(b) if *b > b' ' => Ok(*b),
            _ => self.must_move(),
        }
    }

    #[inline(never)]
    fn must_move(&mut self) -> Result<u8, Error> {
        match self.next()? {
            Some(b) => Ok(b),
            None => Err(self.ended()),
        }
    }

    /// Starts keeping the text from here on.
    pub(super) fn keep(&mut self) {
        self.mark = Some(self.offset());
        self.kept.clear();
    }

    /// Stops keeping; what was read since [`Self::keep`].
    pub(super) fn kept(&mut self) -> Vec<u8> {
        let mut kept = std::mem::take(&mut self.kept);
        if let Some(mark) = self.mark.take() {
            let from = usize::try_from(mark.saturating_sub(self.base)).unwrap_or(self.pos);
            kept.extend_from_slice(self.window().get(from..self.pos).unwrap_or(&[]));
        }
        kept
    }

    /// An error about the next byte.
    #[cold]
    pub(super) fn wrong(&self, what: &str) -> Error {
        let before = self.window().get(..self.pos).unwrap_or(&[]);
        let lines = memchr::memchr_iter(b'\n', before).count() as u64;
        let start = memchr::memrchr(b'\n', before).map_or(self.line_start, |last| self.base + last as u64 + 1);
        Error::Invalid { line: self.lines + lines + 1, column: self.offset() - start + 1, what: what.to_owned() }
    }

    /// The error for a byte that is not what the grammar asks for.
    #[cold]
    pub(super) fn expected(&mut self, what: &str) -> Error {
        match self.peek() {
            Ok(Some(b)) if b.is_ascii_graphic() => self.wrong(&format!("expected {what}, found '{}'", b as char)),
            Ok(Some(b)) => self.wrong(&format!("expected {what}, found the byte 0x{b:02x}")),
            Ok(None) => self.wrong(&format!("expected {what}, found the end of the text")),
            Err(e) => e,
        }
    }

    #[cold]
    pub(super) fn ended(&self) -> Error {
        self.wrong("the text ends before its value is complete")
    }

    /// Opens a container at the next byte, which it passes.
    #[inline]
    pub(super) fn open(&mut self, object: bool) -> Result<(), Error> {
        if !self.nest.push(object) {
            return Err(Error::Depth);
        }
        self.pos += 1;
        Ok(())
    }
}
