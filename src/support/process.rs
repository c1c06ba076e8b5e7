//! Child processes as a shell runs them: found by the same rules, told the same signals, ending in the same statuses.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::WithRawSiginfo;

/// The shell that runs command lines: the one that `system(3)` uses, whatever the path says.
const SHELL: &str = "/bin/sh";

/// What a shell does itself and seldom exists as a program, as far as it makes sense on its own.
const BUILTINS: [&str; 6] = [".", ":", "command", "eval", "exec", "type"];

/// Signals that are passed on to the child.
const PASSED_ON: [i32; 6] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];

/// Those that ask for an end.
const ENDING: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// Why a command could not be started.
#[derive(Debug)]
pub struct NotStarted {
    /// What a shell would report: 127 for a command that does not exist, 126 for one that cannot be run.
    pub status: u8,
    /// Whether another attempt may go better, as when the machine is out of processes.
    pub passing: bool,
    /// The cause and the cure.
    pub message: String,
}

/// Starts the command that `words` give, one word an argument. A single word that holds blanks and is no program is
/// a command line for `sh -c`. `path` is the search path.
pub fn start(words: &[OsString], path: Option<&OsStr>) -> Result<Child, NotStarted> {
    start_with(words, path, &|_| {})
}

/// [`start`] with an environment, a working directory or streams of its own, which `prepare` sets.
pub fn start_with(
    words: &[OsString],
    path: Option<&OsStr>,
    prepare: &dyn Fn(&mut Command),
) -> Result<Child, NotStarted> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(NotStarted { status: 127, passing: false, message: "no command given".to_owned() });
    };
    let mut command = Command::new(program);
    prepare(command.args(arguments));
    let error = match command.spawn() {
        Ok(child) => return Ok(child),
        Err(error) => error,
    };
    let found = find(program, path);
    let mut shell = Command::new(SHELL);
    prepare(&mut shell);
    match &found {
        // A script without a first line that names its interpreter is the shell's, as POSIX wants it.
        Some(file) if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => {
            shell.arg("--").arg(file).args(arguments);
        }
        None if is_command_line(words) => {
            shell.args([OsStr::new("-c"), OsStr::new("--"), program]);
        }
        None if BUILTINS.iter().any(|builtin| program == builtin) => {
            shell.args(["-c", "\"$@\"", SHELL]).args(words);
        }
        _ => return Err(not_started(program, found.as_deref(), &error)),
    }
    shell.spawn().map_err(|error| not_started(OsStr::new(SHELL), find(OsStr::new(SHELL), path).as_deref(), &error))
}

/// Why a program that was to be run by itself could not be.
pub fn explain(program: &OsStr, path: Option<&OsStr>, error: &io::Error) -> NotStarted {
    not_started(program, find(program, path).as_deref(), error)
}

/// A name of the command for messages, without anything that could be a secret: arguments may well hold one.
pub fn shown_name(words: &[OsString]) -> String {
    let Some(program) = words.first() else { return String::new() };
    if !is_command_line(words) {
        return program.display().to_string();
    }
    // The first word of a command line may be an assignment or the beginning of a quoted string.
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_./+-".contains(byte);
    match program.as_bytes().split(|byte| is_blank(*byte)).find(|word| !word.is_empty()) {
        Some(word) if word.iter().all(plain) => String::from_utf8_lossy(word).into_owned(),
        _ => "the command line".to_owned(),
    }
}

fn is_command_line(words: &[OsString]) -> bool {
    matches!(words, [line] if line.as_bytes().iter().copied().any(is_blank))
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// The file that a command's name stands for, whether or not it may be run.
fn find(program: &OsStr, path: Option<&OsStr>) -> Option<PathBuf> {
    if program.as_bytes().contains(&b'/') {
        return Path::new(program).exists().then(|| program.into());
    }
    let folders = path.unwrap_or(OsStr::new("/bin:/usr/bin"));
    std::env::split_paths(folders).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn not_started(program: &OsStr, found: Option<&Path>, error: &io::Error) -> NotStarted {
    let name = program.display();
    let passing = matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory | io::ErrorKind::ExecutableFileBusy
    );
    let (status, message) = match (found, error.kind()) {
        (None, io::ErrorKind::PermissionDenied) if program.as_bytes().contains(&b'/') => {
            (126, format!("cannot run {name}: a folder on the way to it is closed to this user"))
        }
        _ if passing => (126, format!("cannot run {name}: {error}")),
        (None, _) if program.as_bytes().contains(&b'/') => (127, format!("cannot run {name}: there is no such file")),
        (None, _) => (127, format!("cannot run {name}: no folder of PATH holds such a program; install it first")),
        (Some(file), _) if file.is_dir() => (126, format!("cannot run {name}: it is a directory")),
        (Some(file), io::ErrorKind::PermissionDenied) => {
            let file = file.display();
            (126, format!("cannot run {name}: {file} may not be executed by this user: chmod +x {file}"))
        }
        (Some(_), io::ErrorKind::NotFound) => {
            (127, format!("cannot run {name}: the interpreter or loader that it names does not exist here"))
        }
        (Some(_), _) => (126, format!("cannot run {name}: {error}")),
    };
    NotStarted { status, passing, message }
}

/// The status that a shell reports: 128 + n for signal n.
pub fn shell_status(status: ExitStatus) -> u8 {
    let status = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    status.and_then(|status| u8::try_from(status).ok()).unwrap_or(1)
}

/// How a child ended, in words.
pub fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (_, Some(signal)) => format!("killed by signal {signal}"),
        (code, _) => format!("exit status {}", code.unwrap_or_default()),
    }
}

/// Passes the signals that this process gets on to the child it waits for.
///
/// A signal that the kernel itself sends (Ctrl-C, Ctrl-\, a terminal that hangs up) goes to the whole foreground
/// group, the child included, and must not reach the child twice: many programs take a second Ctrl-C as "drop
/// everything". Ctrl-Z and `fg` need nothing for the same reason. Nothing can be done for a child whose parent gets
/// SIGKILL; it stays in the parent's process group, so that killing the group, as CI agents do, reaches both.
#[derive(Debug)]
pub struct SignalRelay {
    signals: SignalDelivery<UnixStream, WithRawSiginfo>,
    ending: Option<i32>,
}

impl SignalRelay {
    /// Takes over the signals, save those that whoever started this process wanted ignored (as `nohup` does): an
    /// ignored signal stays ignored in a child, a handled one would not.
    pub fn install() -> io::Result<Self> {
        let (wake, waker) = UnixStream::pair()?;
        // SIGCHLD may be blocked in what we inherited; then the child is looked at every now and then.
        wake.set_read_timeout(Some(Duration::from_millis(500)))?;
        let ignored = ignored_signals();
        let watched = PASSED_ON.into_iter().filter(|signal| ignored & (1 << (signal - 1)) == 0).chain([SIGCHLD]);
        let signals = SignalDelivery::with_pipe(wake, waker, WithRawSiginfo, watched)?;
        Ok(Self { signals, ending: None })
    }

    /// Waits for the child, passing signals on to it.
    pub fn wait(&mut self, child: &mut Child) -> io::Result<ExitStatus> {
        // What has come in before the child was there has not reached it in any way.
        let mut missed = true;
        loop {
            self.pass_on(Some((child, missed)));
            missed = false;
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            match self.signals.get_read_mut().read(&mut [0; 64]) {
                Err(error) if !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                    return Err(error);
                }
                _ => {}
            }
        }
    }

    /// The signal that has asked this process to end, if one has.
    pub fn ending(&mut self) -> Option<i32> {
        self.pass_on(None);
        self.ending
    }

    /// The same signal, told once: the next call tells the next.
    pub fn take_ending(&mut self) -> Option<i32> {
        self.pass_on(None);
        self.ending.take()
    }

    /// Passes on what has come in, and does not wait. `missed` for the first call after the child's start.
    pub fn relay(&mut self, child: &Child, missed: bool) {
        self.pass_on(Some((child, missed)));
    }

    /// Ends this process as it would have ended, had it not taken the signal over. Comes back only where it cannot.
    pub fn die_by(signal: i32) -> u8 {
        let _ = signal_hook::low_level::emulate_default_handler(signal);
        u8::try_from(128 + signal).unwrap_or(1)
    }

    fn pass_on(&mut self, child: Option<(&Child, bool)>) {
        for signal in self.signals.pending() {
            let number = signal.si_signo;
            if ENDING.contains(&number) {
                self.ending = Some(number);
            }
            // Positive codes are the kernel's. The child has not been waited for, so its id is still its own.
            if let Some((child, missed)) = child
                && number != SIGCHLD
                && (missed || signal.si_code <= 0)
                && let (Some(pid), Some(signal)) =
                    (Pid::from_raw(child.id().cast_signed()), Signal::from_named_raw(number))
            {
                let _ = kill_process(pid, signal);
            }
        }
    }
}

/// Readable as soon as a signal has come in, or a child has ended.
impl AsFd for SignalRelay {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.signals.get_read().as_fd()
    }
}

/// The signals that this process was started with as ignored, one bit each; none where the system does not say.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(words: &[&str]) -> String {
        shown_name(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn arguments_are_never_shown() {
        assert_eq!(shown(&["docker", "login", "-p", "secret"]), "docker");
        assert_eq!(shown(&["  docker login -p secret"]), "docker");
        assert_eq!(shown(&["TOKEN=secret docker push"]), "the command line");
        assert_eq!(shown(&["'secret one' two"]), "the command line");
        assert_eq!(shown(&[" "]), "the command line");
    }

    #[test]
    fn statuses_are_the_shells() {
        assert_eq!(shell_status(ExitStatus::from_raw(7 << 8)), 7);
        assert_eq!(shell_status(ExitStatus::from_raw(9)), 137);
    }
}
