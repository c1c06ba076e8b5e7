//! Finding the value at a plain path, in one pass that checks all of the text.

use super::Error;
use super::input::Input;
use super::path::{Match, Path, matchers};
use std::collections::VecDeque;

/// What a path leads to in one document.
#[derive(Clone, Debug)]
pub(super) enum Found {
    /// Nothing, or `null`.
    Null,
    /// The text between two offsets.
    At(u64, u64),
    /// A copy of the text, where it cannot be read a second time.
    Held(Vec<u8>),
    /// A value that the path's step of this number cannot enter.
    Wrong(&'static str, usize),
}

impl Found {
    /// The length of the value's text, in bytes.
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::At(start, end) => end - start,
            _ => 0,
        }
    }
}

/// Looks up one path, document by document.
pub(super) struct Selector<'p> {
    path: Vec<Match<'p>>,
    /// Whether values are copied rather than remembered by their place.
    copy: bool,
    scratch: Vec<u8>,
}

impl<'p> Selector<'p> {
    pub(super) fn new(path: &'p Path, copy: bool) -> Self {
        Self { path: matchers(path), copy, scratch: Vec::new() }
    }

    /// Reads to the end, telling `each` of every document's start and result, in turn.
    pub(super) fn documents<F>(&mut self, input: &mut Input<'_>, mut each: F) -> Result<(), Error>
    where
        F: FnMut(&mut Input<'_>, u64, Found) -> Result<(), Error>,
    {
        skip_bom(input)?;
        while let Some(first) = input.next()? {
            let start = input.offset();
            let found = self.select(input, 0)?;
            input.check_end(first)?;
            each(input, start, found)?;
        }
        Ok(())
    }

    /// Follows the path from its step `step` on, in the value that comes next.
    fn select(&mut self, input: &mut Input<'_>, step: usize) -> Result<Found, Error> {
        let first = input.must()?;
        match (first, self.path.get(step)) {
            (b'n', _) => {
                input.skip_value()?;
                Ok(Found::Null)
            }
            (_, None) => self.whole(input),
            (b'{', Some(Match::Key { .. })) => self.object(input, step),
            (b'[', Some(Match::Index(i))) => {
                let i = *i;
                self.array(input, step, i)
            }
            _ => {
                input.skip_value()?;
                Ok(Found::Wrong(kind(first), step))
            }
        }
    }

    fn whole(&self, input: &mut Input<'_>) -> Result<Found, Error> {
        if self.copy {
            input.keep();
            input.skip_value()?;
            return Ok(Found::Held(input.kept()));
        }
        let start = input.offset();
        input.skip_value()?;
        Ok(Found::At(start, input.offset()))
    }

    fn object(&mut self, input: &mut Input<'_>, step: usize) -> Result<Found, Error> {
        let mut found = Found::Null;
        input.open(true)?;
        let mut b = input.must()?;
        if b != b'}' {
            loop {
                if b != b'"' {
                    return Err(input.expected("a key in double quotes"));
                }
                let hit = self.key(input, step)?;
                if input.must()? != b':' {
                    return Err(input.expected("':' after a key"));
                }
                input.pos += 1;
                if hit {
                    // Of equal keys the last one counts.
                    found = self.select(input, step + 1)?;
                } else {
                    input.must()?;
                    input.skip_value()?;
                }
                match input.must()? {
                    b',' => input.pos += 1,
                    b'}' => break,
                    _ => return Err(input.expected("',' or '}'")),
                }
                b = input.must()?;
            }
        }
        input.pos += 1;
        input.nest.pop();
        Ok(found)
    }

    fn array(&mut self, input: &mut Input<'_>, step: usize, index: i64) -> Result<Found, Error> {
        let back = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
        let mut recent = VecDeque::new();
        let mut found = Found::Null;
        let mut n = 0;
        input.open(false)?;
        if input.must()? != b']' {
            loop {
                if index < 0 {
                    // How long the array is shows only at its end.
                    if recent.len() == back {
                        recent.pop_front();
                    }
                    recent.push_back(self.select(input, step + 1)?);
                } else if n == index {
                    found = self.select(input, step + 1)?;
                } else {
                    input.must()?;
                    input.skip_value()?;
                }
                n += 1;
                match input.must()? {
                    b',' => input.pos += 1,
                    b']' => break,
                    _ => return Err(input.expected("',' or ']'")),
                }
            }
        }
        input.pos += 1;
        input.nest.pop();
        if index < 0 && recent.len() == back {
            found = recent.pop_front().unwrap_or(Found::Null);
        }
        Ok(found)
    }

    /// Passes over the key that comes next; whether it is the one step `step` wants.
    fn key(&mut self, input: &mut Input<'_>, step: usize) -> Result<bool, Error> {
        let Some(Match::Key { text, simple }) = self.path.get(step) else {
            input.skip_string()?;
            return Ok(false);
        };
        let text = text.as_bytes();
        if *simple {
            let rest = input.window().get(input.pos + 1..).unwrap_or(&[]);
            if rest.starts_with(text) && rest.get(text.len()) == Some(&b'"') {
                input.pos += text.len() + 2;
                return Ok(true);
            }
            let end = super::bytes::plain_run::<false>(rest, 0);
            if rest.get(end) == Some(&b'"') {
                input.pos += end + 2;
                return Ok(false);
            }
        }
        // The rare key that has an escape, or that the end of the window cuts in two.
        self.scratch.clear();
        let mut start = Bounded { kept: &mut self.scratch, room: text.len() + 1 };
        input.copy_string(&mut start, false)?;
        Ok(self.scratch == text)
    }
}

/// Keeps the first bytes only, so that a huge key takes no memory.
struct Bounded<'a> {
    kept: &'a mut Vec<u8>,
    room: usize,
}

impl super::text::Sink for Bounded<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let take = bytes.len().min(self.room - self.kept.len());
        self.kept.extend_from_slice(&bytes[..take]);
        Ok(())
    }
}

/// Passes over a byte-order mark.
pub(super) fn skip_bom(input: &mut Input<'_>) -> Result<(), Error> {
    if input.peek()? != Some(0xEF) {
        return Ok(());
    }
    for b in *b"\xEF\xBB\xBF" {
        if input.peek()? != Some(b) {
            return Err(input.wrong("a byte-order mark that is not UTF-8's"));
        }
        input.pos += 1;
    }
    Ok(())
}

/// jq's name for the type of the value that starts with this byte.
pub(super) fn kind(first: u8) -> &'static str {
    match first {
        b'{' => "object",
        b'[' => "array",
        b'"' => "string",
        b't' | b'f' => "boolean",
        b'n' => "null",
        _ => "number",
    }
}
