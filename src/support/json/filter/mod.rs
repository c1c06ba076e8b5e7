//! The filter engine: jq programs, run by jaq on values that behave as those of jq 1.6.
//!
//! jaq reads and runs the programs; values, operators, formats and most named filters are
//! our own. What is known to remain different from jq 1.6:
//!
//! - Numbers that come from a document keep their text until they are calculated with, and
//!   integers that a double would round are compared by their digits.
//! - `|= empty` removes every element it is applied to; jq 1.6 misses every second one.
//! - Updates through `first(f)`, `limit(n; f)` and the like are errors, as are paths through
//!   `reduce` with several results. So are the alternative destructuring operator `?//` and
//!   numbers that start with a dot (`.5`).
//! - `gsub` with an empty match, and `indices("")`, come to an end, where jq 1.6 never does.
//! - Programs that jq 1.6 refuses may work: `if` without `else`, `.a.[0]`, `.a?//1`, and
//!   mistakes with constants, such as `1/0`, which are errors at run time only.
//! - `import`, `include`, `builtins`, `modulemeta`, `get_search_list` and `$__prog_args` are
//!   not there; `input_filename` is always `<stdin>`, and `halt_error` an ordinary error.
//! - `strptime` and `strftime` know the usual conversions in the C locale; a date without a
//!   day is the first of January 1900. Years before -9999 or after 9999 are not formatted.
//! - Regular expressions are those of the crate `fancy-regex`: what Oniguruma alone has, such
//!   as absent operators, is an error.
//! - The texts of some errors differ, above all of regular expressions and of `fromjson`.
//! - Programs are limited to 16 KiB and 200 nested brackets. One that calls itself without
//!   end, other than as its last step, overflows the stack, where jq uses up the memory.

mod access;
mod collections;
mod dates;
mod engine;
mod formats;
mod funs;
mod given;
mod math;
mod number;
mod ops;
mod regex;
mod rewrite;
mod stream;
mod value;

pub(super) use value::Val;

use super::input::Input;
use super::print::Style;
use super::select::skip_bom;
use super::{Error, Printed};
use std::collections::VecDeque;
use std::io::Write;

/// The stack of the thread that filters run in, in bytes; only what is used of it counts.
const STACK: usize = 256 << 20;

/// Runs `program` on the documents in `text` and prints the results as `jq -r` does.
pub(super) fn print(text: &[u8], program: &str, out: &mut dyn Write) -> Result<Printed, Error> {
    let run = || print_here(text, program);
    let (printed, results) = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        let running = thread.spawn_scoped(scope, run).map_err(Error::Io)?;
        let failed = |_| Err(Error::Filter("the filter engine failed".into()));
        running.join().unwrap_or_else(failed)
    })?;
    out.write_all(&results)?;
    Ok(printed)
}

fn print_here(text: &[u8], program: &str) -> Result<(Printed, Vec<u8>), Error> {
    let documents = read(text)?;
    let mut printed = Printed { documents: documents.len() as u64, results: 0 };
    let mut out = Vec::new();
    engine::run(program, documents, |value| {
        printed.results += 1;
        match value {
            Val::Str(text) => out.extend_from_slice(text.as_bytes()),
            value => value.write(Style::Pretty, &mut out)?,
        }
        out.push(b'\n');
        Ok(())
    })?;
    Ok((printed, out))
}

/// The documents, with how many lines a reader of lines has seen after each.
fn read(text: &[u8]) -> Result<VecDeque<(Val, usize)>, Error> {
    let mut input = Input::of_slice(text);
    let mut documents = VecDeque::new();
    let (mut line, mut counted) = (0, 0);
    skip_bom(&mut input)?;
    while let Some(first) = input.next()? {
        let value = Val::read(&mut input)?;
        input.check_end(first)?;
        let end = memchr::memchr(b'\n', &text[input.pos..]).map_or(text.len(), |newline| input.pos + newline + 1);
        if end > counted {
            line += memchr::memchr_iter(b'\n', &text[counted..end]).count();
            counted = end;
        }
        documents.push_back((value, line));
    }
    Ok(documents)
}
