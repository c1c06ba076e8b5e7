//! Looking values up in JSON files, as `jq -r` 1.6 would.
//!
//! A plain path (see [`Path`]) is looked up by one streaming pass that checks the whole text
//! but keeps only what was asked for; everything else is a jq program and goes to the filter
//! engine, which holds the documents in memory. Both give what jq 1.6 gives, except that:
//!
//! - a number that comes straight from a document prints as it is written there;
//! - keys in plain paths may hold `-` and start with a digit;
//! - only strict JSON is read, while jq takes `01`, `.5`, `+1` and `NaN` for numbers, and
//!   form feeds for white space; an unpaired leading surrogate, at which jq stops, is U+FFFD;
//! - nothing is printed when anything at all is wrong.
//!
//! See [`filter`] for what remains different in filters.

mod bytes;
pub mod filter;
mod input;
mod path;
mod print;
mod scan;
mod select;
mod source;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::cast_possible_wrap)]
mod tests;
mod text;
mod token;

pub use path::{Path, Query, Step};
pub use source::{compact, get, get_in, get_many, pretty, print, print_in};

use std::fmt;
use std::io;

/// What went wrong; each shows as one line.
#[derive(Debug)]
pub enum Error {
    /// The text is not JSON.
    Invalid {
        /// The line, counted from 1.
        line: u64,
        /// The byte within the line, counted from 1.
        column: u64,
        /// What is wrong there.
        what: String,
    },
    /// The text is nested more deeply than jq reads: the depth of a value is the number of
    /// arrays around it plus twice the number of objects, and may not exceed 256.
    Depth,
    /// A path enters a value of the wrong type.
    Index {
        /// jq's message.
        what: String,
    },
    /// The filter cannot be read, or failed.
    Filter(String),
    /// Reading or writing failed.
    Io(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid { line, column, what } => {
                write!(f, "invalid JSON at line {line}, column {column}: {what}")
            }
            Self::Depth => write!(f, "invalid JSON: nested too deeply"),
            Self::Index { what } | Self::Filter(what) => write!(f, "{}", one_line(what)),
            Self::Io(e) => write!(f, "{}", one_line(&e.to_string())),
        }
    }
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(e) => Some(e),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(e: io::Error) -> Self {
        Self::Io(e)
    }
}

/// What was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Printed {
    /// How many documents the text held; with none, nothing was printed.
    pub documents: u64,
    /// How many results were printed, each ended by a newline.
    pub results: u64,
}

/// A value that was looked up; never `null`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A string, decoded; broken UTF-8 shows as U+FFFD.
    String(String),
    /// A number, `true` or `false`, as written.
    Scalar(String),
    /// An array or object, as written: valid JSON apart from possibly broken UTF-8.
    Container(Vec<u8>),
}

impl Value {
    /// The text that `jq -r` prints, without its newline.
    ///
    /// # Errors
    /// None for a value that came from this module, as its text has been checked.
    pub fn to_text(&self) -> Result<Vec<u8>, Error> {
        match self {
            Self::String(text) | Self::Scalar(text) => Ok(text.clone().into_bytes()),
            Self::Container(text) => pretty(text),
        }
    }
}
