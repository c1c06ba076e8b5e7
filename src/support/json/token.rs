//! The slow forms of tokens, which cope with the end of the window and say what is wrong.

use super::Error;
use super::bytes::plain_run;
use super::input::Input;

impl Input<'_> {
    /// Passes over a scalar byte by byte, handing on its text.
    #[cold]
    pub(super) fn scalar_parts(&mut self, part: &mut dyn FnMut(u8)) -> Result<(), Error> {
        let word: &[u8] = match self.peek()? {
            Some(b't') => b"true",
            Some(b'f') => b"false",
            Some(b'n') => b"null",
            Some(b'-' | b'0'..=b'9') => return self.number_parts(part),
            _ => return Err(self.expected("a value")),
        };
        for b in word {
            match self.peek()? {
                Some(found) if found == *b => part(found),
                Some(_) => return Err(self.expected("true, false or null")),
                None => return Err(self.ended()),
            }
            self.pos += 1;
        }
        Ok(())
    }

    fn number_parts(&mut self, part: &mut dyn FnMut(u8)) -> Result<(), Error> {
        self.pass_any(b"-", part)?;
        if self.peek()? == Some(b'0') {
            self.pass_any(b"0", part)?;
            if matches!(self.peek()?, Some(b'0'..=b'9')) {
                return Err(self.wrong("a number must not start with 0"));
            }
        } else {
            self.pass_digits(part)?;
        }
        if self.pass_any(b".", part)? {
            self.pass_digits(part)?;
        }
        if self.pass_any(b"eE", part)? {
            self.pass_any(b"+-", part)?;
            self.pass_digits(part)?;
        }
        Ok(())
    }

    fn pass_any(&mut self, these: &[u8], part: &mut dyn FnMut(u8)) -> Result<bool, Error> {
        match self.peek()? {
            Some(b) if these.contains(&b) => {
                part(b);
                self.pos += 1;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn pass_digits(&mut self, part: &mut dyn FnMut(u8)) -> Result<(), Error> {
        if !matches!(self.peek()?, Some(b'0'..=b'9')) {
            return Err(self.expected("a digit"));
        }
        while self.pass_any(b"0123456789", part)? {}
        Ok(())
    }

    /// Passes over the string that starts at the next byte, handing on its parts.
    pub(super) fn string_parts<F>(&mut self, mut part: F) -> Result<(), Error>
    where
        F: FnMut(Part<'_>) -> Result<(), Error>,
    {
        self.pos += 1;
        loop {
            let text = self.window();
            let end = plain_run::<false>(text, self.pos);
            if end > self.pos {
                part(Part::Plain(&text[self.pos..end]))?;
            }
            let stop = text.get(end).copied();
            self.pos = end;
            match stop {
                Some(b'"') => {
                    self.pos += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.pos += 1;
                    let escape = self.escape()?;
                    part(escape)?;
                }
                Some(_) => return Err(self.wrong("a control character inside a string")),
                None => {
                    if !self.more()? {
                        return Err(self.wrong("the text ends inside a string"));
                    }
                }
            }
        }
    }

    fn escape(&mut self) -> Result<Part<'static>, Error> {
        let Some(letter) = self.peek()? else {
            return Err(self.wrong("the text ends inside a string"));
        };
        let byte = match letter {
            b'"' | b'\\' | b'/' => letter,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => 0,
            _ => return Err(self.wrong("no such escape in a string")),
        };
        self.pos += 1;
        if letter != b'u' {
            return Ok(Part::Byte(byte));
        }
        let mut unit = 0u16;
        for _ in 0..4 {
            let digit = match self.peek()? {
                Some(b) => (b as char).to_digit(16),
                None => return Err(self.wrong("the text ends inside a string")),
            };
            match digit.and_then(|d| u16::try_from(d).ok()) {
                Some(digit) => unit = unit << 4 | digit,
                None => return Err(self.wrong("\\u needs four hexadecimal digits")),
            }
            self.pos += 1;
        }
        Ok(Part::Unit(unit))
    }
}

/// A part of a string's text.
pub(super) enum Part<'a> {
    /// Bytes that stand for themselves.
    Plain(&'a [u8]),
    /// What a short escape stands for.
    Byte(u8),
    /// The UTF-16 unit of a `\u` escape.
    Unit(u16),
}
