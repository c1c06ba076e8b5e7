//! The process boundary: environment, working directory, clock and standard streams.
//!
//! Only this file (and `main.rs`, for the arguments) touches the process; everything else is handed a [`Ctx`] or the
//! [`Env`] in it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::{Error, one_line};

/// The environment, as a value.
#[derive(Debug, Clone)]
pub enum Env {
    /// That of the process, which nobody changes after start-up: a look-up copies one value, never the whole.
    Process,
    /// A given one.
    Fixed(BTreeMap<OsString, OsString>),
}

impl Env {
    /// The value of a variable that is set, even to nothing.
    pub fn get(&self, name: impl AsRef<OsStr>) -> Option<OsString> {
        match self {
            Self::Process => std::env::var_os(name),
            Self::Fixed(map) => map.get(name.as_ref()).cloned(),
        }
    }

    /// The value of a variable that is set to something.
    pub fn get_filled(&self, name: impl AsRef<OsStr>) -> Option<OsString> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Every variable.
    pub fn all(&self) -> Vec<(OsString, OsString)> {
        match self {
            Self::Process => std::env::vars_os().collect(),
            Self::Fixed(map) => map.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        }
    }
}

/// What a command may know of the process it runs in.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// The environment.
    pub env: Env,
    /// `--strict` or `SHIPCTL_STRICT=1`: a look-up that finds nothing fails.
    pub strict: bool,
    /// `--job-dir DIR`.
    pub job_dir: Option<PathBuf>,
}

impl Ctx {
    /// The context of this process.
    pub fn from_process() -> Self {
        let env = Env::Process;
        let strict = env.get("SHIPCTL_STRICT").is_some_and(|value| value == "1" || value == "true");
        Self { env, strict, job_dir: None }
    }

    /// The working directory.
    #[allow(clippy::unused_self)] // stays a method: the working directory is the context's to know
    pub fn cwd(&self) -> Result<PathBuf, Error> {
        std::env::current_dir()
            .map_err(|error| Error::failed(format_args!("the working directory cannot be read: {error}")))
    }

    /// The file of the running program, links followed.
    #[allow(clippy::unused_self)] // stays a method: the process is the context's to know
    pub fn program(&self) -> Result<PathBuf, Error> {
        std::env::current_exe()
            .map_err(|error| Error::failed(format_args!("shipctl cannot find its own file: {error}")))
    }

    /// The clock, for what outlives a call.
    pub fn clock() -> fn() -> SystemTime {
        SystemTime::now
    }

    /// The time now.
    #[allow(clippy::unused_self)] // stays a method: the clock is the context's to know
    pub fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    /// `path` as seen from the working directory, which is only asked for when it is needed.
    pub fn absolute(&self, path: &Path) -> Result<PathBuf, Error> {
        if path.is_absolute() { Ok(path.to_owned()) } else { Ok(self.cwd()?.join(path)) }
    }

    /// Writes a value and one newline to standard output.
    pub fn print_line(&self, value: impl AsRef<[u8]>) -> Result<(), Error> {
        let mut line = Vec::with_capacity(value.as_ref().len() + 1);
        line.extend_from_slice(value.as_ref());
        line.push(b'\n');
        self.print(&line)
    }

    /// Writes bytes to standard output as they are, without a buffer of our own: they are all there.
    #[allow(clippy::unused_self)] // stays a method: standard output is the context's to write
    pub fn print(&self, bytes: &[u8]) -> Result<(), Error> {
        let mut out = io::stdout().lock();
        written(out.write_all(bytes).and_then(|()| out.flush()))
    }

    /// Hands standard output to `write`, buffered.
    #[allow(clippy::unused_self)] // stays a method: standard output is the context's to write
    pub fn write_out(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
        let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
        let result = written(write(&mut out).and_then(|()| out.flush()));
        // What a BufWriter could not write must not be tried again when it is dropped.
        drop(out.into_parts());
        result
    }

    /// Standard output, for what streams.
    #[allow(clippy::unused_self)] // stays a method: standard output is the context's to write
    pub fn out_stream(&self) -> impl Write {
        io::stdout()
    }

    /// Standard error, for what streams.
    #[allow(clippy::unused_self)] // stays a method: standard error is the context's to write
    pub fn err_stream(&self) -> impl Write {
        io::stderr()
    }

    /// Whether people look at standard error as it is written.
    #[allow(clippy::unused_self)] // stays a method: standard error is the context's to know
    pub fn error_is_terminal(&self) -> bool {
        io::IsTerminal::is_terminal(&io::stderr())
    }

    /// Standard input.
    #[allow(clippy::unused_self)] // stays a method: standard input is the context's to read
    pub fn input(&self) -> impl io::Read {
        io::stdin().lock()
    }

    /// Writes one message to standard error, in one call so that lines of parallel commands stay whole.
    #[allow(clippy::unused_self)] // stays a method: standard error is the context's to write
    pub fn note(&self, message: impl std::fmt::Display) {
        let line = format!("shipctl: {}\n", one_line(&message.to_string()));
        let _ = io::stderr().lock().write_all(line.as_bytes());
    }

    /// Says on standard error why the command failed.
    #[allow(clippy::unused_self)] // stays a method: standard error is the context's to write
    pub fn report(&self, error: &Error) {
        if let Some(text) = error.report() {
            let _ = io::stderr().lock().write_all(text.as_bytes());
        }
    }
}

/// A reader that has gone away is no failure: `shipctl … | head -1` is fine.
fn written(result: io::Result<()>) -> Result<(), Error> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::failed(format_args!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}
