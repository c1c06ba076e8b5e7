//! The text of strings: decoding, mending broken UTF-8, and escaping, all as jq 1.6 does.

use super::Error;
use super::bytes::plain_run;
use super::input::Input;
use super::token::Part;

const MENDED: &[u8] = "\u{FFFD}".as_bytes();

/// Where text goes.
pub(super) trait Sink {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Error>;
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

/// Takes a string's parts and puts out valid UTF-8, escaped again when asked to.
pub(super) struct Text<'a> {
    out: &'a mut dyn Sink,
    escaped: bool,
    /// Bytes that may be the start of a longer sequence.
    partial: Vec<u8>,
    /// A leading surrogate that waits for its trailing one.
    lead: Option<u16>,
}

impl<'a> Text<'a> {
    pub(super) fn new(out: &'a mut dyn Sink, escaped: bool) -> Self {
        Self { out, escaped, partial: Vec::new(), lead: None }
    }

    pub(super) fn part(&mut self, part: &Part<'_>) -> Result<(), Error> {
        match part {
            Part::Plain(bytes) => {
                self.no_trail()?;
                self.bytes(bytes)
            }
            Part::Byte(b) => {
                self.no_trail()?;
                self.bytes(&[*b])
            }
            Part::Unit(unit) => self.unit(*unit),
        }
    }

    /// Ends the text.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        self.no_trail()?;
        let rest = std::mem::take(&mut self.partial);
        self.mend(&rest, true).map(|_| ())
    }

    fn no_trail(&mut self) -> Result<(), Error> {
        match self.lead.take() {
            Some(_) => self.bytes(MENDED),
            None => Ok(()),
        }
    }

    fn unit(&mut self, unit: u16) -> Result<(), Error> {
        let c = match (self.lead.take(), unit) {
            (Some(lead), 0xDC00..=0xDFFF) => {
                let high = (u32::from(lead) - 0xD800) << 10;
                char::from_u32(0x1_0000 + high + (u32::from(unit) - 0xDC00))
            }
            (lead, _) => {
                if lead.is_some() {
                    self.bytes(MENDED)?;
                }
                if let 0xD800..=0xDBFF = unit {
                    self.lead = Some(unit);
                    return Ok(());
                }
                char::from_u32(u32::from(unit))
            }
        };
        let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
        self.bytes(c.encode_utf8(&mut [0; 4]).as_bytes())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.partial.is_empty() {
            let used = self.mend(bytes, false)?;
            self.partial.extend_from_slice(&bytes[used..]);
        } else {
            let mut all = std::mem::take(&mut self.partial);
            all.extend_from_slice(bytes);
            let used = self.mend(&all, false)?;
            all.drain(..used);
            self.partial = all;
        }
        Ok(())
    }

    /// Puts out `bytes`, each broken sequence as U+FFFD; how many were dealt with.
    fn mend(&mut self, bytes: &[u8], last: bool) -> Result<usize, Error> {
        let mut at = 0;
        loop {
            let rest = &bytes[at..];
            let good = match std::str::from_utf8(rest) {
                Ok(_) => rest.len(),
                Err(e) => e.valid_up_to(),
            };
            self.emit(&rest[..good])?;
            at += good;
            let Some(len) = broken_len(&bytes[at..], last) else {
                return Ok(at);
            };
            self.emit(MENDED)?;
            at += len;
        }
    }

    fn emit(&mut self, good: &[u8]) -> Result<(), Error> {
        if !self.escaped {
            return self.out.put(good);
        }
        put_escaped(self.out, good)
    }
}

/// How much of what follows one U+FFFD stands for; `None` when more bytes must come first
/// or none are left.
///
/// jq takes as many bytes as the first one announces, even when they make a surrogate or an
/// overlong form, and all that is left when the string is too short for them.
fn broken_len(bytes: &[u8], last: bool) -> Option<usize> {
    let announced = match bytes.first()? {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return Some(1),
    };
    if bytes.len() < announced {
        return last.then_some(bytes.len());
    }
    let tail = &bytes[1..announced];
    let odd = tail.iter().position(|b| b & 0xC0 != 0x80);
    Some(odd.map_or(announced, |odd| odd + 1))
}

/// Puts out `text` with jq's escapes, without quotes.
pub(super) fn put_escaped(out: &mut dyn Sink, text: &[u8]) -> Result<(), Error> {
    let mut at = 0;
    while at < text.len() {
        let end = plain_run::<true>(text, at);
        if end > at {
            out.put(&text[at..end])?;
        }
        let Some(b) = text.get(end) else { break };
        match b {
            b'"' => out.put(b"\\\"")?,
            b'\\' => out.put(b"\\\\")?,
            b'\n' => out.put(b"\\n")?,
            b'\t' => out.put(b"\\t")?,
            b'\r' => out.put(b"\\r")?,
            0x08 => out.put(b"\\b")?,
            0x0C => out.put(b"\\f")?,
            _ => {
                let digit = |d: u8| b"0123456789abcdef"[usize::from(d & 15)];
                out.put(&[b'\\', b'u', b'0', b'0', digit(b >> 4), digit(*b)])?;
            }
        }
        at = end + 1;
    }
    Ok(())
}

impl Input<'_> {
    /// Passes over the string that starts at the next byte and puts out its text.
    pub(super) fn copy_string(&mut self, out: &mut dyn Sink, escaped: bool) -> Result<(), Error> {
        let mut text = Text::new(out, escaped);
        self.string_parts(|part| text.part(&part))?;
        text.finish()
    }
}
