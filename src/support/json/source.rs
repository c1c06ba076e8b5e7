//! The entry points: where text comes from, and what becomes of what is found in it.

use super::filter;
use super::input::Input;
use super::path::{Path, Query, Step};
use super::print::{Out, Style, print_value};
use super::select::{Found, Selector};
use super::text::Sink;
use super::{Error, Printed, Value};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;

/// The window for large files: small enough to stay in a processor's cache.
const WINDOW: usize = 256 * 1024;

/// How many bytes of results wait in memory for the end of the text, at least, and how long
/// a single value may be to wait there as well.
const WAITING: usize = 6 << 20;
const SMALL: u64 = 64 * 1024;

/// How many results are remembered, by their place, before the file is rather read again.
const REMEMBERED: usize = 1024;

/// Prints what `query` finds in `source` to `out`, as `jq -r` would: one result for each
/// document (or more, or none, with a filter), each followed by a newline.
///
/// A regular file is read from where it stands, with a window of at most 256 KiB; a value
/// found in it is read a second time to be printed. From a pipe, values found are kept in
/// memory. A filter needs all of the text in memory.
///
/// # Errors
/// Any [`Error`]; nothing has been written then, unless writing itself failed or the file
/// was changed in the meantime.
pub fn print(source: &File, query: &Query, out: &mut dyn Write) -> Result<Printed, Error> {
    match query {
        Query::Filter(program) => filter::print(&read_all(source)?, program, out),
        Query::Plain(path) => {
            let (regular, size) = shape(source)?;
            if regular {
                print_file(source, size, path, out)
            } else {
                let mut reader = source;
                let mut input = Input::of_reader(&mut reader, size);
                print_once(&mut input, path, out)
            }
        }
    }
}

/// As [`print`](fn@print), for text in memory.
///
/// # Errors
/// As [`print`](fn@print).
pub fn print_in(text: &[u8], query: &Query, out: &mut dyn Write) -> Result<Printed, Error> {
    match query {
        Query::Filter(program) => filter::print(text, program, out),
        Query::Plain(path) => print_once(&mut Input::of_slice(text), path, out),
    }
}

/// Looks `path` up in the first document of `source`; `None` when absent or `null`.
///
/// All of the text is checked, further documents included.
///
/// # Errors
/// Any [`Error`] but [`Error::Filter`].
pub fn get(source: &File, path: &Path) -> Result<Option<Value>, Error> {
    let (regular, size) = shape(source)?;
    let mut reader = source;
    let origin = if regular { reader.stream_position()? } else { 0 };
    let mut input = Input::of_reader(&mut reader, size);
    let Some(found) = first(&mut input, path, !regular)? else {
        return Ok(None);
    };
    let Found::At(start, end) = found else {
        return taken(found, path);
    };
    if let Some(text) = input.held(start, end) {
        return value(text).map(Some);
    }
    let mut text = Vec::new();
    range(source, origin, start, end).read_to_end(&mut text)?;
    value(&text).map(Some)
}

/// As [`get`], for text in memory.
///
/// # Errors
/// As [`get`].
pub fn get_in(text: &[u8], path: &Path) -> Result<Option<Value>, Error> {
    let mut input = Input::of_slice(text);
    match first(&mut input, path, false)? {
        Some(Found::At(start, end)) => value(input.held(start, end).unwrap_or(&[])).map(Some),
        Some(found) => taken(found, path),
        None => Ok(None),
    }
}

/// Looks several paths up in the first document of `source`, which is read once into memory
/// and passed over once for each path: meant for small files.
///
/// # Errors
/// As [`get`]; the first path that fails makes the whole fail.
pub fn get_many(source: &File, paths: &[Path]) -> Result<Vec<Option<Value>>, Error> {
    let text = read_all(source)?;
    paths.iter().map(|path| get_in(&text, path)).collect()
}

/// Lays out one JSON value as jq does, without a newline at the end.
///
/// # Errors
/// [`Error::Invalid`] or [`Error::Depth`] when the text is not one JSON value.
pub fn pretty(text: &[u8]) -> Result<Vec<u8>, Error> {
    lay_out(text, Style::Pretty)
}

/// Lays out one JSON value on one line as `jq -c` does, without a newline at the end.
///
/// # Errors
/// As [`pretty`].
pub fn compact(text: &[u8]) -> Result<Vec<u8>, Error> {
    lay_out(text, Style::Compact)
}

fn lay_out(text: &[u8], style: Style) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    let open = |with: &mut dyn FnMut(&mut Input<'_>) -> Result<(), Error>| {
        let mut input = Input::of_slice(text);
        with(&mut input)
    };
    let mut input = Input::of_slice(text);
    input.must()?;
    input.skip_value()?;
    if input.next()?.is_some() {
        return Err(input.expected("the end of the text"));
    }
    print_value(open, false, style, &mut out)?;
    Ok(out)
}

/// Whether the file can be read again, and how large a window suits it, in bytes.
fn shape(source: &File) -> Result<(bool, usize), Error> {
    let about = source.metadata()?;
    // Files made up by the kernel say they are empty, so a length of 0 means nothing.
    let regular = about.is_file() && about.len() > 0;
    let size =
        if regular { usize::try_from(about.len()).unwrap_or(WINDOW).saturating_add(1).min(WINDOW) } else { WINDOW / 4 };
    Ok((regular, size))
}

fn read_all(mut source: &File) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    source.read_to_end(&mut text)?;
    Ok(text)
}

/// Part of a file, which must not have shrunk.
struct Range<'a> {
    source: &'a File,
    at: u64,
    left: u64,
}

fn range(source: &File, origin: u64, start: u64, end: u64) -> Range<'_> {
    Range { source, at: origin + start, left: end - start }
}

impl Read for Range<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let want = usize::try_from(self.left).map_or(buffer.len(), |n| n.min(buffer.len()));
        if want == 0 {
            return Ok(0);
        }
        let n = self.source.read_at(&mut buffer[..want], self.at)?;
        if n == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter while it was read"));
        }
        self.at += n as u64;
        self.left -= n as u64;
        Ok(n)
    }
}

/// Prints from a regular file, so that only results that are small need wait in memory for
/// the end of the text.
pub(super) fn print_file(source: &File, size: usize, path: &Path, out: &mut dyn Write) -> Result<Printed, Error> {
    let mut reader = source;
    let origin = reader.stream_position()?;
    let mut input = Input::of_reader(&mut reader, size);
    let mut selector = Selector::new(path, false);
    let mut documents = 0;
    let mut waiting = Vec::new();
    let mut later = Vec::new();
    let mut rest = None;
    selector.documents(&mut input, |input, at, found| {
        documents += 1;
        if let Found::Wrong(kind, step) = found {
            return Err(cannot_index(kind, path, step));
        }
        let small = found.len() <= SMALL && waiting.len() < WAITING;
        if small && later.is_empty() {
            print_found(source, origin, input, &found, &mut waiting)?;
        } else if later.len() < REMEMBERED {
            later.push(found);
        } else {
            rest.get_or_insert(at);
        }
        Ok(())
    })?;
    let mut out = Out::new(out);
    out.put(&waiting)?;
    drop(waiting);
    for found in &later {
        print_found(source, origin, &input, found, &mut out)?;
    }
    if let Some(rest) = rest {
        let origin = origin + rest;
        reader.seek(SeekFrom::Start(origin))?;
        let mut input = Input::of_reader(&mut reader, size);
        selector.documents(&mut input, |input, _, found| print_found(source, origin, input, &found, &mut out))?;
    }
    out.finish()?;
    Ok(Printed { documents, results: documents })
}

fn print_found(source: &File, origin: u64, input: &Input<'_>, found: &Found, out: &mut dyn Sink) -> Result<(), Error> {
    if let Found::At(start, end) = found {
        if let Some(text) = input.held(*start, *end) {
            print_text(text, out)?;
        } else {
            let size = usize::try_from(end - start).map_or(WINDOW, |n| n.min(WINDOW));
            let open = |with: &mut dyn FnMut(&mut Input<'_>) -> Result<(), Error>| {
                let mut reader = range(source, origin, *start, *end);
                with(&mut Input::of_reader(&mut reader, size))
            };
            print_value(open, true, Style::Pretty, out)?;
        }
    } else {
        out.put(b"null")?;
    }
    out.put(b"\n")
}

/// Prints a value that is in memory and has been checked.
fn print_text(text: &[u8], out: &mut dyn Sink) -> Result<(), Error> {
    if let Some(b'-' | b'0'..=b'9' | b't' | b'f') = text.first() {
        return out.put(text);
    }
    let open = |with: &mut dyn FnMut(&mut Input<'_>) -> Result<(), Error>| with(&mut Input::of_slice(text));
    print_value(open, true, Style::Pretty, out)
}

/// Prints from text that is not read again, so that results wait in memory.
pub(super) fn print_once(input: &mut Input<'_>, path: &Path, out: &mut dyn Write) -> Result<Printed, Error> {
    let mut results = Vec::new();
    let mut documents = 0;
    Selector::new(path, true).documents(input, |_, _, found| {
        documents += 1;
        match found {
            Found::Held(text) => print_text(&text, &mut results)?,
            Found::Wrong(kind, step) => return Err(cannot_index(kind, path, step)),
            Found::Null | Found::At(..) => results.extend_from_slice(b"null"),
        }
        results.push(b'\n');
        Ok(())
    })?;
    out.write_all(&results)?;
    Ok(Printed { documents, results: documents })
}

fn first(input: &mut Input<'_>, path: &Path, copy: bool) -> Result<Option<Found>, Error> {
    let mut first = None;
    Selector::new(path, copy).documents(input, |_, _, found| {
        first.get_or_insert(found);
        Ok(())
    })?;
    Ok(first)
}

fn taken(found: Found, path: &Path) -> Result<Option<Value>, Error> {
    match found {
        Found::Held(text) => value(&text).map(Some),
        Found::Wrong(kind, step) => Err(cannot_index(kind, path, step)),
        Found::Null | Found::At(..) => Ok(None),
    }
}

fn value(text: &[u8]) -> Result<Value, Error> {
    let mut input = Input::of_slice(text);
    let into_string = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match input.must()? {
        b'"' => {
            let mut decoded = Vec::new();
            input.copy_string(&mut decoded, false)?;
            Ok(Value::String(into_string(&decoded)))
        }
        b'[' | b'{' => Ok(Value::Container(text.to_vec())),
        _ => Ok(Value::Scalar(into_string(text))),
    }
}

fn cannot_index(kind: &str, path: &Path, step: usize) -> Error {
    let what = match path.steps().get(step) {
        Some(Step::Key(key)) => {
            format!("Cannot index {kind} with string \"{key}\"")
        }
        _ => format!("Cannot index {kind} with number"),
    };
    Error::Index { what }
}
