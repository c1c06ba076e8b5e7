//! Credentials as text: statements that a shell evaluates, or data that a tool reads.
//!
//! Statements clear the old identity before they set the new one. When there is no new one they clear everything and
//! end with the status of the failure, because `set -e; eval "$(command)"` does not see the command's own.

use std::fmt::Write as _;

use serde_json::json;

use super::variables::{assignments, cleared_by_failure, cleared_for};
use super::{Credentials, timestamp};
use crate::error::Error;
use crate::support::secret::SecretText;
use crate::support::shell::{fish_quote, posix_quote, powershell_quote};

/// How credentials are written; named as `aws configure export-credentials` names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// export NAME='…'; for eval in sh, bash, dash and zsh
    Env,
    /// NAME='…'; for the same shells, not exported
    EnvNoExport,
    /// set -gx NAME '…'; for eval in fish
    Fish,
    /// $Env:NAME = '…'; for Invoke-Expression
    Powershell,
    /// set NAME=…, for a batch file
    WindowsCmd,
    /// JSON for credential_process
    Process,
    /// The lines of a profile in a shared credentials file
    Ini,
    /// Masks on standard output, variables appended to $GITHUB_ENV
    Github,
    /// JSON with region, account, role and expiry
    Json,
}

/// What a failure says to a reader that is evaluated.
#[derive(Clone, Copy)]
enum Dialect {
    Posix { export: bool },
    Fish,
    Powershell,
    Cmd,
}

impl Format {
    /// The name on the command line.
    pub fn name(self) -> String {
        use clap::ValueEnum;
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// The language of its statements; none for data.
    fn dialect(self) -> Option<Dialect> {
        match self {
            Self::Env => Some(Dialect::Posix { export: true }),
            Self::EnvNoExport => Some(Dialect::Posix { export: false }),
            Self::Fish => Some(Dialect::Fish),
            Self::Powershell => Some(Dialect::Powershell),
            Self::WindowsCmd => Some(Dialect::Cmd),
            Self::Process | Self::Ini | Self::Github | Self::Json => None,
        }
    }
}

/// The text for standard output. For [`Format::Github`] that is the masks; the variables go to a file.
pub fn print(credentials: &Credentials, format: Format) -> Result<Vec<u8>, Error> {
    if let Some(dialect) = format.dialect() {
        return statements(credentials, format, dialect);
    }
    match format {
        Format::Process => Ok(process(credentials)),
        Format::Ini => ini(credentials),
        Format::Github => Ok(super::github::masks(credentials)),
        _ => Ok(everything(credentials)),
    }
}

/// What to print when there are no credentials: the old ones are cleared and the evaluation ends with `status`.
/// Nothing for formats that are data.
pub fn failure(format: Format, status: u8) -> Vec<u8> {
    let Some(dialect) = format.dialect() else { return Vec::new() };
    let mut out = dialect.clear(&cleared_by_failure(), &[]);
    out.push_str(&dialect.fail(status));
    out.into_bytes()
}

fn statements(credentials: &Credentials, format: Format, dialect: Dialect) -> Result<Vec<u8>, Error> {
    let assignments = assignments(credentials);
    let assigned: Vec<_> = assignments.iter().map(|(name, _)| *name).collect();
    let mut out = dialect.clear(&cleared_for(credentials), &assigned).into_bytes();
    for (name, value) in assignments {
        dialect.check(&value).map_err(|holds| cannot_hold(name, format, holds))?;
        out.extend(dialect.set(name, &value));
    }
    Ok(out)
}

/// The error for a value that would arrive as another one.
pub(super) fn cannot_hold(name: &str, format: Format, holds: &str) -> Error {
    Error::failed(format_args!(
        "the format {} cannot hold this {name}, which has {holds}: correct it in its source, or use another --format",
        format.name()
    ))
}

impl Dialect {
    /// The statements that come first. `assigned` are about to be set.
    fn clear(self, names: &[&str], assigned: &[&str]) -> String {
        match self {
            Self::Posix { .. } => format!("unset {};\n", names.join(" ")),
            // Innermost scope first, until none is left: children see a universal variable past any other. What is
            // about to be set globally must not be hidden by a local variable of the caller's function.
            Self::Fish => {
                let local = if assigned.is_empty() { String::new() } else { fish_erase(assigned, "l") };
                format!("{}{local}set -e shipctl_name;\n", fish_erase(names, ""))
            }
            Self::Powershell => each(names, |name| format!("Remove-Item Env:{name} -ErrorAction SilentlyContinue;\n")),
            Self::Cmd => each(names, |name| format!("set {name}=\n")),
        }
    }

    /// Which character of a value would not survive, if any.
    fn check(self, value: &str) -> Result<(), &'static str> {
        match self {
            _ if value.contains('\0') => Err("a NUL byte"),
            // What a batch file reads depends on its code page, on delayed expansion (!), and on whether the line is
            // run from a file or from `for /f`, which disagree on %.
            Self::Cmd if value.contains(['"', '%', '!']) => Err("one of \" % !"),
            Self::Cmd if !value.bytes().all(|byte| matches!(byte, b' '..=b'~')) => {
                Err("a character other than printable ASCII")
            }
            Self::Posix { .. } | Self::Fish | Self::Powershell | Self::Cmd => Ok(()),
        }
    }

    fn set(self, name: &str, value: &str) -> Vec<u8> {
        let (before, quoted, after) = match self {
            Self::Posix { export: true } => (format!("export {name}="), posix_quote(value.as_bytes()), ";\n"),
            Self::Posix { export: false } => (format!("{name}="), posix_quote(value.as_bytes()), ";\n"),
            Self::Fish => (format!("set -gx {name} "), fish_quote(value.as_bytes()), ";\n"),
            Self::Powershell => (format!("$Env:{name} = "), powershell_quote(value.as_bytes()), ";\n"),
            // Quotes around the whole protect & | < > ^ and blanks, and are not part of the value.
            Self::Cmd if value.bytes().all(plain) => (format!("set {name}="), value.into(), "\n"),
            Self::Cmd => (format!("set \"{name}="), value.into(), "\"\n"),
        };
        [before.as_bytes(), &quoted, after.as_bytes()].concat()
    }

    fn fail(self, status: u8) -> String {
        match self {
            Self::Posix { .. } => format!("(exit {status});\n"),
            // fish has no sub-shell; a function's status needs no other program. It is gone before it returns.
            Self::Fish => {
                format!("function shipctl_failed; functions -e shipctl_failed; return {status}; end; shipctl_failed;\n")
            }
            Self::Powershell => {
                format!("$global:LASTEXITCODE = {status}; throw 'shipctl gave no credentials (status {status})';\n")
            }
            Self::Cmd => format!("exit /b {status}\n"),
        }
    }
}

/// Erases variables until none is left in any scope, or in one.
fn fish_erase(names: &[&str], scope: &str) -> String {
    let one = format!("while set -q{scope} $shipctl_name; and set -e{scope} $shipctl_name; end;");
    format!("for shipctl_name in {}; {one} end; ", names.join(" "))
}

fn each(names: &[&str], statement: impl Fn(&str) -> String) -> String {
    names.iter().map(|name| statement(name)).collect()
}

/// Characters that mean nothing to a batch file.
fn plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/+=_.:-".contains(&byte)
}

fn process(credentials: &Credentials) -> Vec<u8> {
    let mut out = json!({
        "Version": 1,
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key.expose(),
    });
    if let Some(token) = &credentials.session_token {
        out["SessionToken"] = token.expose().into();
    }
    if let Some(at) = credentials.expires {
        out["Expiration"] = timestamp(at).into();
    }
    format!("{out:#}\n").into_bytes()
}

fn everything(credentials: &Credentials) -> Vec<u8> {
    let out = json!({
        "accessKeyId": credentials.access_key_id,
        "secretAccessKey": credentials.secret_access_key.expose(),
        "sessionToken": credentials.session_token.as_ref().map(SecretText::expose),
        "expires": credentials.expires.map(timestamp),
        "region": credentials.region,
        "account": credentials.account,
        "role": credentials.role,
    });
    format!("{out:#}\n").into_bytes()
}

/// Readers of these files differ in comments and quotes; a value that means the same to all of them has neither blanks
/// nor controls, and begins with no comment sign or quote.
fn ini(credentials: &Credentials) -> Result<Vec<u8>, Error> {
    let keys = [
        ("aws_access_key_id", Some(credentials.access_key_id.as_str())),
        ("aws_secret_access_key", Some(credentials.secret_access_key.expose())),
        ("aws_session_token", credentials.session_token.as_ref().map(SecretText::expose)),
        ("region", credentials.region.as_deref()),
    ];
    let mut out = String::new();
    for (key, value) in keys {
        let Some(value) = value else { continue };
        if value.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
            return Err(cannot_hold(key, Format::Ini, "a blank or a control character"));
        }
        if value.starts_with(['#', ';', '"', '\'']) {
            return Err(cannot_hold(key, Format::Ini, "a comment sign or a quote at its start"));
        }
        let _ = writeln!(out, "{key} = {value}");
    }
    Ok(out.into_bytes())
}
