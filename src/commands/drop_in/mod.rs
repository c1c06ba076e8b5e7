//! The commands of the original, under its names, arguments and exit statuses.
//!
//! [`TABLE`] is the list: dispatch, help, man pages and completions all come from it.

mod bump_version;
mod copy;
mod decrypt;
mod get_git_changes;
mod get_json_value;
mod integration;
mod jdk;
mod lookup;
mod notify;
mod replace;
mod replicate;
mod retry;
mod service;
mod split_tests;
mod state;
mod text;
mod version_key;

mod table;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

pub use table::TABLE;

use crate::ctx::Ctx;
use crate::error::Error;
use crate::job::directory::JobDirectory;
use crate::job::names;

/// What the commands are grouped under in `--help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Resources and the job.
    Lookup,
    /// Integrations.
    Integration,
    /// State that a job keeps.
    State,
    /// Names and text.
    Text,
    /// Running things.
    Run,
}

impl Group {
    /// Every group, in the order of `--help`.
    pub const ALL: [Self; 5] = [Self::Lookup, Self::Integration, Self::State, Self::Text, Self::Run];

    /// The heading in `--help`.
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Lookup => "Drop-in: resources and jobs",
            Self::Integration => "Drop-in: integrations and JSON",
            Self::State => "Drop-in: state of the job and its resources",
            Self::Text => "Drop-in: names and text",
            Self::Run => "Drop-in: running things",
        }
    }
}

/// One command of the original.
#[derive(Debug)]
pub struct DropIn {
    /// The name in scripts.
    pub name: &'static str,
    /// Other names for it: of older programs and of the platform's successor.
    pub aliases: &'static [&'static str],
    /// The arguments, as the usage line names them.
    pub usage: &'static str,
    /// How many leading arguments must be there and not be empty.
    pub required: usize,
    /// Where `--help` lists it.
    pub group: Group,
    /// One line for `--help`.
    pub about: &'static str,
    /// What it does.
    pub action: fn(&Ctx, &Args) -> Result<(), Error>,
}

impl DropIn {
    /// Checks the arguments and runs the command. Arguments after the ones it takes are the script's to waste.
    pub fn run(&'static self, ctx: &Ctx, arguments: &[OsString]) -> Result<(), Error> {
        let missing = (0..self.required).any(|at| arguments.get(at).is_none_or(|argument| argument.is_empty()));
        if missing {
            return Err(self.usage_error());
        }
        (self.action)(ctx, &Args { command: self, words: arguments })
    }

    /// The line of the original for arguments that are missing.
    pub fn usage_error(&self) -> Error {
        Error::drop_in_usage(self.name, self.usage)
    }
}

/// The arguments of a drop-in command: words that are never parsed as options unless the command says so.
#[derive(Debug)]
pub struct Args<'a> {
    /// The command they are for.
    pub command: &'static DropIn,
    /// The words as given.
    pub words: &'a [OsString],
}

impl Args<'_> {
    /// An argument; one that was not given is empty, as in a shell.
    pub fn get(&self, at: usize) -> &OsStr {
        self.words.get(at).map_or(OsStr::new(""), OsString::as_os_str)
    }

    /// An argument as bytes.
    pub fn bytes(&self, at: usize) -> &[u8] {
        self.get(at).as_bytes()
    }

    /// An argument for messages.
    pub fn display(&self, at: usize) -> std::ffi::os_str::Display<'_> {
        self.get(at).display()
    }
}

/// The command of that name or alias.
pub fn by_name(name: &OsStr) -> Option<&'static DropIn> {
    let name = name.to_str()?;
    TABLE.iter().find(|command| command.name == name || command.aliases.contains(&name))
}

/// The command that a link to the binary stands for: `shippable_retry`, or any other name of a drop-in command.
pub fn by_program_name(program: &OsStr) -> Option<&'static DropIn> {
    (program != "shipctl").then(|| by_name(program)).flatten()
}

/// Prints what a look-up found, or an empty line. With `--strict` nothing found is a failure that names what is near.
fn answer(ctx: &Ctx, job: &JobDirectory, args: &Args, found: Option<Vec<u8>>) -> Result<(), Error> {
    match found {
        Some(value) => ctx.print_line(value),
        None if ctx.strict => {
            let asked: Vec<_> =
                args.words.iter().take(args.command.required).map(|word| word.display().to_string()).collect();
            let known = job.known_names();
            let near = names::did_you_mean(&asked[0], known.iter().map(String::as_str));
            Err(Error::drop_in(format_args!("{} {}: nothing found{near}", args.command.name, asked.join(" "))))
        }
        None => ctx.print_line(b""),
    }
}
