//! `$JOB_STATE/<resource>.env`: what a job says about a resource, one `NAME=VALUE` a line.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::job::directory::JobDirectory;
use crate::job::{names, side};
use crate::support::append;

/// The longest file name of the systems that jobs run on.
const LONGEST_NAME: usize = 255;

/// The state file of one resource, or of the job.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
}

impl StateFile {
    /// The file for a resource, which need not be one of the job's.
    pub fn of(job: &JobDirectory, resource: &OsStr) -> Result<Self, Error> {
        if !names::is_component(resource.as_bytes()) {
            return Err(side::not_a_name(resource));
        }
        let mut name = resource.to_owned();
        name.push(".env");
        if name.len() > LONGEST_NAME {
            return Err(Error::drop_in(format_args!(
                "the name of the resource is too long for a file: {} bytes, {} at most: {}",
                resource.len(),
                LONGEST_NAME - ".env".len(),
                resource.display()
            )));
        }
        Ok(Self { path: job.state()?.join(name) })
    }

    /// Adds lines.
    pub fn put(&self, lines: &[u8]) -> Result<(), Error> {
        if lines.is_empty() {
            return Ok(());
        }
        append::append(&self.path, lines).map_err(|error| self.error("add to", &error))
    }

    /// Drops what was there, and leaves these lines.
    pub fn post(&self, lines: &[u8]) -> Result<(), Error> {
        append::replace(&self.path, lines).map_err(|error| self.error("replace", &error))
    }

    fn error(&self, doing: &str, error: &io::Error) -> Error {
        match self.path.parent() {
            Some(folder) if !folder.is_dir() => no_state_folder(folder),
            _ => Error::io(doing, &self.path, error),
        }
    }
}

/// Says that there is nowhere to keep state.
pub fn no_state_folder(folder: &Path) -> Error {
    Error::failed(format_args!(
        "the job's state folder {} does not exist: create it, or set JOB_STATE to the one you mean",
        folder.display()
    ))
}

/// `NAME=VALUE` as a line. A value may hold newlines, as it could with the original.
pub fn line(name: &[u8], value: &[u8]) -> Vec<u8> {
    [name, b"=", value, b"\n"].concat()
}

/// Every word of some arguments as a line of its own: split at blanks, tabs and newlines as the original's shell did,
/// but without its globs.
pub fn lines_of_words<'a>(arguments: impl IntoIterator<Item = &'a OsStr>) -> Vec<u8> {
    let mut lines = Vec::new();
    for argument in arguments {
        for word in argument.as_bytes().split(|byte| b" \t\n".contains(byte)).filter(|word| !word.is_empty()) {
            lines.extend_from_slice(word);
            lines.push(b'\n');
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_lines() {
        for (arguments, want) in [
            (&["A=1 B=2", "C=3"][..], "A=1\nB=2\nC=3\n"),
            (&[" A=1\t\n B='x", "y' "], "A=1\nB='x\ny'\n"),
            (&["*", "a\u{b}b\u{a0}c\r"], "*\na\u{b}b\u{a0}c\r\n"),
            (&[" ", "\n"], ""),
            (&[], ""),
        ] {
            let got = lines_of_words(arguments.iter().map(OsStr::new));
            assert_eq!(String::from_utf8(got).unwrap(), want, "{arguments:?}");
        }
    }
}
