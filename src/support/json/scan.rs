//! The grammar: passes over values, checking them as strict JSON.
//!
//! Each kind of token has a fast form (see [`super::bytes`]) and a slow one (see
//! [`super::token`]); the fast forms are only ever a short cut for the slow ones.

use super::Error;
use super::bytes::{key_end, number_end, string_end, unspaced};
use super::input::Input;

/// What is told of a value's parts as they are passed; it must pass strings and scalars
/// itself, so that it can choose what to do with their text.
pub(super) trait Visit {
    /// Whether nothing is done with any part.
    const IDLE: bool = false;
    /// A container opens.
    fn open(&mut self, object: bool) -> Result<(), Error>;
    /// A container closes.
    fn close(&mut self, object: bool, empty: bool) -> Result<(), Error>;
    /// A comma was passed.
    fn comma(&mut self) -> Result<(), Error>;
    /// A key and its colon were passed.
    fn colon(&mut self) -> Result<(), Error>;
    /// A string starts at the next byte.
    fn string(&mut self, input: &mut Input<'_>, key: bool) -> Result<(), Error>;
    /// A number, `true`, `false` or `null` starts at the next byte.
    fn scalar(&mut self, input: &mut Input<'_>) -> Result<(), Error>;
}

/// Passes over everything.
pub(super) struct Skip;

impl Visit for Skip {
    const IDLE: bool = true;
    #[inline]
    fn open(&mut self, _: bool) -> Result<(), Error> {
        Ok(())
    }
    #[inline]
    fn close(&mut self, _: bool, _: bool) -> Result<(), Error> {
        Ok(())
    }
    #[inline]
    fn comma(&mut self) -> Result<(), Error> {
        Ok(())
    }
    #[inline]
    fn colon(&mut self) -> Result<(), Error> {
        Ok(())
    }
    #[inline]
    fn string(&mut self, input: &mut Input<'_>, _: bool) -> Result<(), Error> {
        input.skip_string()
    }
    #[inline]
    fn scalar(&mut self, input: &mut Input<'_>) -> Result<(), Error> {
        input.skip_scalar()
    }
}

/// What the grammar allows next.
#[derive(Clone, Copy)]
enum Need {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    CommaOrEnd,
}

impl Input<'_> {
    /// Passes over the value that starts at the next byte.
    pub(super) fn skip_value(&mut self) -> Result<(), Error> {
        self.walk(&mut Skip)
    }

    /// After a document that started with `first`: two words or numbers that touch are one
    /// bad token, not two documents.
    pub(super) fn check_end(&mut self, first: u8) -> Result<(), Error> {
        let word = !matches!(first, b'"' | b'[' | b'{');
        let touching = |b: u8| b.is_ascii_alphanumeric() || b"+-._".contains(&b);
        if word && self.peek()?.is_some_and(touching) {
            return Err(self.expected("white space after a value"));
        }
        Ok(())
    }

    /// Passes over the value that starts at the next byte, telling `visit` of its parts.
    #[inline]
    pub(super) fn walk<V: Visit>(&mut self, visit: &mut V) -> Result<(), Error> {
        let floor = self.nest.levels();
        let mut need = Need::Value;
        loop {
            if V::IDLE && matches!(need, Need::Value) {
                match self.skip_ahead(floor) {
                    Some(next) => need = next,
                    None => return Ok(()),
                }
            }
            let b = self.must()?;
            match need {
                Need::KeyOrEnd | Need::Key => match b {
                    b'"' => {
                        visit.string(self, true)?;
                        if self.must()? != b':' {
                            return Err(self.expected("':' after a key"));
                        }
                        self.pos += 1;
                        visit.colon()?;
                        need = Need::Value;
                        continue;
                    }
                    b'}' if matches!(need, Need::KeyOrEnd) => {
                        self.pos += 1;
                        self.nest.pop();
                        visit.close(true, true)?;
                    }
                    _ => return Err(self.expected("a key in double quotes")),
                },
                Need::Value | Need::ValueOrEnd => match b {
                    b'"' => visit.string(self, false)?,
                    b'{' | b'[' => {
                        let object = b == b'{';
                        self.open(object)?;
                        visit.open(object)?;
                        need = if object { Need::KeyOrEnd } else { Need::ValueOrEnd };
                        continue;
                    }
                    b']' if matches!(need, Need::ValueOrEnd) => {
                        self.pos += 1;
                        self.nest.pop();
                        visit.close(false, true)?;
                    }
                    _ => visit.scalar(self)?,
                },
                Need::CommaOrEnd => {
                    let object = self.nest.in_object();
                    match b {
                        b',' => {
                            self.pos += 1;
                            visit.comma()?;
                            need = if object { Need::Key } else { Need::Value };
                            continue;
                        }
                        b'}' if object => {}
                        b']' if !object => {}
                        _ if object => return Err(self.expected("',' or '}'")),
                        _ => return Err(self.expected("',' or ']'")),
                    }
                    self.pos += 1;
                    self.nest.pop();
                    visit.close(object, false)?;
                }
            }
            if self.nest.levels() == floor {
                return Ok(());
            }
            need = Need::CommaOrEnd;
        }
    }

    /// Passes over as much of a value as is plain and at hand; what the grammar allows next,
    /// or `None` at the end of the value.
    ///
    /// This is [`Self::walk`] once more, with everything in registers; whatever is wrong or
    /// unusual is left for that to meet again.
    fn skip_ahead(&mut self, floor: u32) -> Option<Need> {
        let text = self.window();
        let mut at = self.pos;
        let mut nest = self.nest;
        let need = 'value: loop {
            let need = Need::Value;
            let Some(first) = unspaced(text, &mut at) else {
                break need;
            };
            let end = match first {
                b'"' => string_end(text, at + 1),
                b'-' | b'0'..=b'9' => number_end(text, at),
                b't' => text[at..].starts_with(b"true").then_some(at + 4),
                b'n' => text[at..].starts_with(b"null").then_some(at + 4),
                b'f' => text[at..].starts_with(b"false").then_some(at + 5),
                b'[' | b'{' => {
                    let object = first == b'{';
                    let mut inside = at + 1;
                    match unspaced(text, &mut inside) {
                        Some(b']') if !object => Some(inside + 1),
                        Some(b'}') if object => Some(inside + 1),
                        Some(_) if nest.push(object) => {
                            at = inside;
                            if !object {
                                continue 'value;
                            }
                            match key_end(text, at) {
                                Some(end) => at = end,
                                None => break Need::Key,
                            }
                            continue 'value;
                        }
                        _ => None,
                    }
                }
                _ => None,
            };
            // An empty container may not be deeper than others, either.
            match end {
                Some(end) if !nest.full() => at = end,
                _ => break need,
            }
            loop {
                if nest.levels() == floor {
                    self.pos = at;
                    self.nest = nest;
                    return None;
                }
                let Some(b) = unspaced(text, &mut at) else {
                    break 'value Need::CommaOrEnd;
                };
                let object = nest.in_object();
                match b {
                    b',' => {
                        at += 1;
                        if object {
                            if unspaced(text, &mut at).is_none() {
                                break 'value Need::Key;
                            }
                            match key_end(text, at) {
                                Some(end) => at = end,
                                None => break 'value Need::Key,
                            }
                        }
                        continue 'value;
                    }
                    b'}' if object => {}
                    b']' if !object => {}
                    _ => break 'value Need::CommaOrEnd,
                }
                at += 1;
                nest.pop();
            }
        };
        self.pos = at;
        self.nest = nest;
        Some(need)
    }

    /// Passes over the string that starts at the next byte, a quote.
    #[inline]
    pub(super) fn skip_string(&mut self) -> Result<(), Error> {
        if let Some(end) = string_end(self.window(), self.pos + 1) {
            self.pos = end;
            return Ok(());
        }
        self.string_parts(|_| Ok(()))
    }

    /// Passes over a number, `true`, `false` or `null`.
    #[inline]
    pub(super) fn skip_scalar(&mut self) -> Result<(), Error> {
        match self.scalar_end() {
            Some(end) => {
                self.pos = end;
                Ok(())
            }
            None => self.scalar_parts(&mut |_| {}),
        }
    }

    /// The end of the scalar that starts at the next byte, if that is at hand.
    #[inline]
    pub(super) fn scalar_end(&self) -> Option<usize> {
        let text = self.window();
        let rest = text.get(self.pos..)?;
        match rest.first()? {
            b'-' | b'0'..=b'9' => number_end(text, self.pos),
            b't' => rest.starts_with(b"true").then_some(self.pos + 4),
            b'n' => rest.starts_with(b"null").then_some(self.pos + 4),
            b'f' => rest.starts_with(b"false").then_some(self.pos + 5),
            _ => None,
        }
    }
}
