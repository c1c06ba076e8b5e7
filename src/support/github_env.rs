//! What a step of a GitHub Actions job leaves for the later ones: `$GITHUB_ENV`, and masks in the log.

use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::ctx::Env;
use crate::error::{Error, Kind};

/// The workflow command that hides a value in the job's log, newline and all.
pub fn mask(value: &str) -> String {
    let escaped = value.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    format!("::add-mask::{escaped}\n")
}

/// The lines that set a variable; an error is what the file cannot hold.
pub fn assignment(name: &str, value: &str) -> Result<String, &'static str> {
    if value.contains('\0') {
        return Err("a NUL byte");
    }
    // The runner takes a carriage return before the end of the line for part of the line's end.
    if value.ends_with('\r') {
        return Err("a carriage return at its end");
    }
    if !value.contains('\n') {
        return Ok(format!("{name}={value}\n"));
    }
    let end = delimiter(value);
    Ok(format!("{name}<<{end}\n{value}\n{end}\n"))
}

/// The file that `$GITHUB_ENV` names.
pub fn file(env: &Env) -> Result<PathBuf, Error> {
    env.get_filled("GITHUB_ENV").map(PathBuf::from).ok_or_else(|| {
        let message = "GITHUB_ENV is not set: run this in a step of a GitHub Actions job, or use another --format";
        Error::new(Kind::Configuration, message)
    })
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
