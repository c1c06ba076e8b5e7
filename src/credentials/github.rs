//! Credentials for the later steps of a GitHub Actions job: masked first, then appended to `$GITHUB_ENV`.

use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::Credentials;
use super::text::{Format, cannot_hold};
use super::variables::{assignments, cleared_for};
use crate::error::{Error, Kind};

/// Variables that break the AWS tools when they are empty instead of unset: `The config profile () could not be
/// found`. `$GITHUB_ENV` cannot unset, so they must not be there.
pub const NOT_EMPTIED: [&str; 2] = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"];

/// The workflow commands that hide the secrets in the job's log.
pub fn masks(credentials: &Credentials) -> Vec<u8> {
    let secrets = std::iter::once(&credentials.secret_access_key).chain(&credentials.session_token);
    let lines: Vec<String> = secrets.map(|secret| format!("::add-mask::{}\n", escaped(secret.expose()))).collect();
    lines.concat().into_bytes()
}

/// A value in a workflow command: one line.
fn escaped(value: &str) -> String {
    value.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// What is appended to `$GITHUB_ENV`. It cannot unset a variable, so that stale ones are written empty, which the AWS
/// tools take for unset.
pub fn lines(credentials: &Credentials) -> Result<Vec<u8>, Error> {
    let set = assignments(credentials);
    let assigned = |name: &str| set.iter().any(|(other, _)| *other == name);
    let cleared = cleared_for(credentials);
    let emptied = cleared.iter().filter(|name| !NOT_EMPTIED.contains(name) && !assigned(name));
    let mut out: Vec<String> = emptied.map(|name| format!("{name}=\n")).collect();
    for (name, value) in &set {
        if value.contains('\0') {
            return Err(cannot_hold(name, Format::Github, "a NUL byte"));
        }
        // The runner takes a carriage return before the end of the line for part of the line's end.
        if value.ends_with('\r') {
            return Err(cannot_hold(name, Format::Github, "a carriage return at its end"));
        }
        if value.contains('\n') {
            let end = delimiter(value);
            out.push(format!("{name}<<{end}\n{value}\n{end}\n"));
        } else {
            out.push(format!("{name}={value}\n"));
        }
    }
    Ok(out.concat().into_bytes())
}

/// A line that nobody can have foreseen, and that the value does not have.
fn delimiter(value: &str) -> String {
    loop {
        let [high, low] = [(), ()].map(|()| std::hash::RandomState::new().build_hasher().finish());
        let end = format!("shipctl_{high:016x}{low:016x}");
        if !value.contains(&end) {
            return end;
        }
    }
}

/// The file behind `$GITHUB_ENV`, locked against other appenders for as long as this lives.
#[derive(Debug)]
pub struct EnvFile<'a> {
    file: File,
    path: &'a Path,
}

impl<'a> EnvFile<'a> {
    /// Opens and locks the file, before anything is printed.
    pub fn open(path: &'a Path) -> Result<Self, Error> {
        let failed =
            |error: &io::Error| Error::io("append to $GITHUB_ENV,", path, error).with_kind(Kind::Configuration);
        let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path);
        let file = file.map_err(|error| failed(&error))?;
        file.lock().map_err(|error| failed(&error))?;
        Ok(Self { file, path })
    }

    /// Appends the lines; what stood there before is ended first.
    pub fn append(mut self, lines: &[u8]) -> Result<(), Error> {
        self.write(lines)
            .map_err(|error| Error::io("append to $GITHUB_ENV,", self.path, &error).with_kind(Kind::Configuration))
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let mut last = [b'\n'];
        if self.file.metadata()?.len() > 0 {
            self.file.seek(SeekFrom::End(-1))?;
            self.file.read_exact(&mut last)?;
        }
        let before: &[u8] = if last == *b"\n" { b"" } else { b"\n" };
        self.file.write_all(&[before, lines].concat())
    }
}
