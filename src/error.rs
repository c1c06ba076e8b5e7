//! Kinds of failure, and the exit status of each.

use std::fmt;

/// What went wrong, as far as a caller's script can tell by the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Failed for a reason that has no status of its own.
    Failed,
    /// One of our own commands was called wrongly.
    Usage,
    /// No credentials, or a field of their source is missing.
    NoCredentials,
    /// AWS says no.
    Denied,
    /// Credentials that are expired or invalid.
    Expired,
    /// Throttled to the end.
    Throttled,
    /// The network, a call that timed out, an answer that makes no sense.
    Network,
    /// A file that describes the job is wrong or missing.
    Configuration,
    /// A deployment failed, and nothing was gone back to.
    RolloutFailed,
    /// A deployment failed, and the version before serves.
    RolledBack,
    /// A deployment failed, and so did going back.
    RollbackFailed,
    /// Somebody else deployed meanwhile.
    Superseded,
    /// A deployment was not done within its time.
    TimedOut,
    /// A drop-in command could not do its work; the status of the original.
    DropIn,
    /// `replace` was given a directory; the status of the original.
    Directory,
    /// `decrypt` has no key; the status of the original.
    NoKey,
    /// A child's own status, or 128 + n for signal n; says nothing of its own.
    Child(u8),
}

impl Kind {
    /// The table of exit statuses.
    pub const fn exit_status(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NoCredentials => 3,
            Self::Denied => 4,
            Self::Expired => 5,
            Self::Throttled => 6,
            Self::Network => 7,
            Self::Configuration => 8,
            Self::RolloutFailed => 20,
            Self::RolledBack => 21,
            Self::RollbackFailed => 22,
            Self::Superseded => 23,
            Self::TimedOut => 24,
            Self::DropIn => 99,
            Self::Directory => 82,
            Self::NoKey => 100,
            Self::Child(status) => status,
        }
    }
}

/// A failure: its kind and one line that names the thing, the cause and the cure.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    verbatim: bool,
}

impl Error {
    /// An error of any kind.
    pub fn new(kind: Kind, message: impl fmt::Display) -> Self {
        Self { kind, message: message.to_string(), verbatim: false }
    }

    /// A failure without a status of its own.
    pub fn failed(message: impl fmt::Display) -> Self {
        Self::new(Kind::Failed, message)
    }

    /// A drop-in command that cannot do its work.
    pub fn drop_in(message: impl fmt::Display) -> Self {
        Self::new(Kind::DropIn, message)
    }

    /// A drop-in command called without what it needs: the original's line, nothing before it.
    pub fn drop_in_usage(name: &str, arguments: &str) -> Self {
        let message = format!("Usage: shipctl {name} {arguments}").trim_end().to_owned();
        Self { kind: Kind::DropIn, message, verbatim: true }
    }

    /// The status that a child ended with.
    pub fn child(status: u8) -> Self {
        Self { kind: Kind::Child(status), message: String::new(), verbatim: true }
    }

    /// A failed call on a file: what was being done, to what, and what the system said.
    pub fn io(doing: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::failed(format_args!("cannot {doing} {}: {error}", path.display()))
    }

    /// The same failure under another kind.
    #[must_use]
    pub fn with_kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// The status that the process ends with.
    pub fn exit_status(&self) -> u8 {
        self.kind.exit_status()
    }

    /// The kind of failure.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The line for standard error, or nothing where the child has already said it.
    pub fn report(&self) -> Option<String> {
        match (self.verbatim, self.message.is_empty()) {
            (_, true) => None,
            (true, false) => Some(format!("{}\n", self.message)),
            (false, false) => Some(format!("shipctl: {}\n", one_line(&self.message))),
        }
    }
}

/// A message as one line of a log: what a file name or an answer brought along cannot break it or steer a terminal.
pub fn one_line(message: &str) -> String {
    message.chars().fold(String::with_capacity(message.len()), |mut line, letter| {
        if letter.is_control() {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
        line
    })
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_of_the_original_stay() {
        assert_eq!(Error::drop_in("x").exit_status(), 99);
        assert_eq!(Kind::Directory.exit_status(), 82);
        assert_eq!(Kind::NoKey.exit_status(), 100);
    }

    #[test]
    fn usage_is_the_line_of_the_original() {
        let error = Error::drop_in_usage("get_resource_id", "RESOURCE_NAME");
        assert_eq!(error.report().unwrap(), "Usage: shipctl get_resource_id RESOURCE_NAME\n");
    }

    #[test]
    fn a_message_stays_one_line() {
        let report = Error::failed("no file a\nb\u{1b}[31m").report().unwrap();
        assert_eq!(report, "shipctl: no file a\\nb\\u{1b}[31m\n");
    }

    #[test]
    fn a_child_speaks_for_itself() {
        assert_eq!(Error::child(7).report(), None);
        assert_eq!(Error::child(7).exit_status(), 7);
    }
}
