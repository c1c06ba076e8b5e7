//! Printing values as jq prints them.

use super::Error;
use super::bytes::plain_run;
use super::filter::Val;
use super::input::Input;
use super::scan::Visit;
use super::text::Sink;
use std::hash::{DefaultHasher, Hasher};
use std::io::Write;

/// How containers are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Indented by two spaces, as jq does unasked.
    Pretty,
    /// On one line without white space, as `jq -c` does.
    Compact,
}

/// Collects small pieces before they are written.
pub(super) struct Out<'a> {
    to: &'a mut dyn Write,
    buffer: Vec<u8>,
}

const FULL: usize = 32 * 1024;

impl<'a> Out<'a> {
    pub(super) fn new(to: &'a mut dyn Write) -> Self {
        Self { to, buffer: Vec::new() }
    }

    /// Writes what was collected.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        self.flush()
    }

    fn flush(&mut self) -> Result<(), Error> {
        let done = self.to.write_all(&self.buffer);
        self.buffer.clear();
        done.map_err(Error::Io)
    }
}

impl Sink for Out<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.buffer.len() + bytes.len() > FULL {
            self.flush()?;
            if bytes.len() > FULL {
                return self.to.write_all(bytes).map_err(Error::Io);
            }
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }
}

/// Prints the value that `open` gives the text of, without a newline after it.
///
/// The text is read twice, so that objects with equal keys, which jq merges, are known
/// before the first byte is printed; only such values are ever built in memory.
pub(super) fn print_value<F>(mut open: F, raw: bool, style: Style, out: &mut dyn Sink) -> Result<(), Error>
where
    F: FnMut(&mut dyn FnMut(&mut Input<'_>) -> Result<(), Error>) -> Result<(), Error>,
{
    let mut keys = Keys::default();
    let mut first = 0;
    open(&mut |input| {
        first = input.must()?;
        if matches!(first, b'{' | b'[') {
            input.walk(&mut keys)?;
        }
        Ok(())
    })?;
    open(&mut |input| {
        first = input.must()?;
        if keys.repeated {
            return Val::read(input)?.write(style, out);
        }
        if raw && first == b'"' {
            return input.copy_string(out, false);
        }
        input.walk(&mut Layout::new(out, style))
    })
}

/// Looks for equal keys in one object.
#[derive(Default)]
struct Keys {
    /// Hashes of the keys seen in the open objects, innermost last.
    hashes: Vec<u64>,
    starts: Vec<usize>,
    scratch: Vec<u8>,
    repeated: bool,
}

impl Visit for Keys {
    fn open(&mut self, object: bool) -> Result<(), Error> {
        if object {
            self.starts.push(self.hashes.len());
        }
        Ok(())
    }

    fn close(&mut self, object: bool, _: bool) -> Result<(), Error> {
        if object {
            let start = self.starts.pop().unwrap_or(0);
            let these = &mut self.hashes[start..];
            these.sort_unstable();
            self.repeated |= these.windows(2).any(|pair| pair[0] == pair[1]);
            self.hashes.truncate(start);
        }
        Ok(())
    }

    fn comma(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn colon(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn string(&mut self, input: &mut Input<'_>, key: bool) -> Result<(), Error> {
        if !key || self.repeated {
            return input.skip_string();
        }
        let mut hasher = DefaultHasher::new();
        let text = input.window();
        let start = input.pos + 1;
        let end = plain_run::<false>(text, start);
        if text.get(end) == Some(&b'"') && text[start..end].is_ascii() {
            hasher.write(&text[start..end]);
            input.pos = end + 1;
        } else {
            self.scratch.clear();
            input.copy_string(&mut self.scratch, false)?;
            hasher.write(&self.scratch);
        }
        self.hashes.push(hasher.finish());
        Ok(())
    }

    fn scalar(&mut self, input: &mut Input<'_>) -> Result<(), Error> {
        input.skip_scalar()
    }
}

/// Prints a value as it is passed.
pub(super) struct Layout<'a> {
    out: &'a mut dyn Sink,
    style: Style,
    depth: usize,
    /// Set right after a container opened, when only what follows says how to go on.
    opened: bool,
}

impl<'a> Layout<'a> {
    pub(super) fn new(out: &'a mut dyn Sink, style: Style) -> Self {
        Self { out, style, depth: 0, opened: false }
    }

    fn line(&mut self) -> Result<(), Error> {
        const SPACES: &[u8] = &[b' '; 64];
        if self.style == Style::Compact {
            return Ok(());
        }
        self.out.put(b"\n")?;
        let mut left = self.depth * 2;
        while left > 0 {
            let now = left.min(SPACES.len());
            self.out.put(&SPACES[..now])?;
            left -= now;
        }
        Ok(())
    }

    fn before(&mut self) -> Result<(), Error> {
        if std::mem::take(&mut self.opened) {
            self.line()?;
        }
        Ok(())
    }

    /// Starts an array or object.
    pub(super) fn start(&mut self, object: bool) -> Result<(), Error> {
        self.before()?;
        self.out.put(if object { b"{" } else { b"[" })?;
        self.depth += 1;
        self.opened = true;
        Ok(())
    }

    /// Ends an array or object.
    pub(super) fn end(&mut self, object: bool) -> Result<(), Error> {
        self.depth -= 1;
        if !std::mem::take(&mut self.opened) {
            self.line()?;
        }
        self.out.put(if object { b"}" } else { b"]" })
    }

    /// Parts one member from the next.
    pub(super) fn next(&mut self) -> Result<(), Error> {
        self.out.put(b",")?;
        self.line()
    }

    /// Parts a key from its value.
    pub(super) fn after_key(&mut self) -> Result<(), Error> {
        self.out.put(match self.style {
            Style::Pretty => b": ",
            Style::Compact => b":",
        })
    }

    /// A number or word, as it is to be printed.
    pub(super) fn word(&mut self, text: &[u8]) -> Result<(), Error> {
        self.before()?;
        self.out.put(text)
    }

    /// A string that is valid UTF-8.
    pub(super) fn text(&mut self, text: &[u8]) -> Result<(), Error> {
        self.before()?;
        self.out.put(b"\"")?;
        super::text::put_escaped(self.out, text)?;
        self.out.put(b"\"")
    }
}

impl Visit for Layout<'_> {
    fn open(&mut self, object: bool) -> Result<(), Error> {
        self.start(object)
    }

    fn close(&mut self, object: bool, _: bool) -> Result<(), Error> {
        self.end(object)
    }

    fn comma(&mut self) -> Result<(), Error> {
        self.next()
    }

    fn colon(&mut self) -> Result<(), Error> {
        self.after_key()
    }

    fn string(&mut self, input: &mut Input<'_>, _: bool) -> Result<(), Error> {
        self.before()?;
        let text = input.window();
        let start = input.pos + 1;
        let end = plain_run::<true>(text, start);
        if text.get(end) == Some(&b'"') && text[start..end].is_ascii() {
            self.out.put(&text[start - 1..=end])?;
            input.pos = end + 1;
            return Ok(());
        }
        self.out.put(b"\"")?;
        input.copy_string(self.out, true)?;
        self.out.put(b"\"")
    }

    fn scalar(&mut self, input: &mut Input<'_>) -> Result<(), Error> {
        self.before()?;
        if let Some(end) = input.scalar_end() {
            self.out.put(&input.window()[input.pos..end])?;
            input.pos = end;
            return Ok(());
        }
        let mut text = Vec::new();
        input.scalar_parts(&mut |b| text.push(b))?;
        self.out.put(&text)
    }
}
