//! One file per command: arguments, then three moves: validate, call below, write the result.

pub mod aws; // credentials
pub mod drop_in; // what the original shipctl did
pub mod ecs; // deployments
pub mod iam; // policies and trust policies
pub mod job; // the job directory as a whole
pub mod state; // folders that jobs left
pub mod version; // versions in the store

mod columns; // tables for people
mod completions; // `shipctl completions SHELL`
mod docker_credential; // `docker-credential-shipctl`
mod man; // `shipctl man`
mod older_names; // links under the names that older scripts call
mod shell_init; // `shipctl shell-init SHELL`

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use clap::FromArgMatches;

use crate::cli::{self, Cli};
use crate::ctx::Ctx;
use crate::error::{Error, Kind};

/// Runs what the arguments ask for. A drop-in command is found in a table and never builds the clap tree, which
/// would double the start-up of a look-up.
pub fn run(ctx: &mut Ctx, args: &[OsString]) -> Result<(), Error> {
    let (program, mut rest) = args.split_first().map_or((OsStr::new("shipctl"), args), |(first, rest)| (first, rest));
    let program_name = Path::new(program).file_name().unwrap_or_default();
    if let Some(command) = drop_in::by_program_name(program_name) {
        return command.run(ctx, rest);
    }
    if program_name == docker_credential::PROGRAM {
        return docker_credential::run(ctx, rest);
    }
    while let Some((first, after)) = rest.split_first() {
        match own_option(first, after)? {
            Some(OwnOption::Strict) => {
                ctx.strict = true;
                rest = after;
            }
            Some(OwnOption::JobDir(dir, after)) => {
                ctx.job_dir = Some(dir.into());
                rest = after;
            }
            None => break,
        }
    }
    match rest.split_first() {
        Some((name, arguments)) => match drop_in::by_name(name) {
            Some(command) => command.run(ctx, arguments),
            None => run_own(ctx, rest).inspect_err(|error| aws::fail_closed(ctx, rest, error)),
        },
        None => Err(Error::failed("no command given: Usage: shipctl COMMAND ARGUMENTS; `shipctl --help` lists them")),
    }
}

enum OwnOption<'a> {
    Strict,
    JobDir(&'a OsStr, &'a [OsString]),
}

/// Our own options, which come before the name of the command.
fn own_option<'a>(first: &'a OsStr, after: &'a [OsString]) -> Result<Option<OwnOption<'a>>, Error> {
    let bytes = first.as_bytes();
    if bytes == b"--strict" {
        return Ok(Some(OwnOption::Strict));
    }
    if let Some(dir) = bytes.strip_prefix(b"--job-dir=") {
        return Ok(Some(OwnOption::JobDir(OsStr::from_bytes(dir), after)));
    }
    if bytes == b"--job-dir" {
        return match after.split_first() {
            Some((dir, after)) => Ok(Some(OwnOption::JobDir(dir, after))),
            None => Err(Error::new(Kind::Usage, "--job-dir needs a folder: shipctl --job-dir DIR COMMAND")),
        };
    }
    Ok(None)
}

/// Everything that is not a drop-in command goes through clap.
fn run_own(ctx: &Ctx, rest: &[OsString]) -> Result<(), Error> {
    // `--help NAME` is asked before the name, where our options stand; it means that command's help.
    let asks_help = rest.len() > 1 && (rest[0] == "--help" || rest[0] == "-h");
    let first = asks_help.then(|| OsString::from("help"));
    let rest = &rest[usize::from(asks_help)..];
    let words = std::iter::once(OsString::from("shipctl")).chain(first).chain(rest.iter().cloned());
    let alone = if asks_help { None } else { cli::command_of(rest) };
    // What the command alone cannot make sense of is for the whole tree to answer, which knows what is near.
    let matches = match alone.and_then(|command| command.try_get_matches_from(words.clone()).ok()) {
        Some(matches) => matches,
        None => match cli::command().try_get_matches_from(words) {
            Ok(matches) => matches,
            Err(error) => return cli::report(ctx, &error, rest),
        },
    };
    let parsed = Cli::from_arg_matches(&matches).map_err(|error| Error::new(Kind::Usage, error))?;
    match parsed.command {
        cli::Own::Job(command) => job::run(ctx, command),
        cli::Own::Aws(command) => aws::run(ctx, &command),
        cli::Own::Iam(command) => iam::run(ctx, &command),
        cli::Own::Ecs(command) => ecs::run(ctx, &command),
        cli::Own::Version(command) => version::run(ctx, &command),
        cli::Own::State(command) => state::run(ctx, &command),
        cli::Own::ShellInit(args) => shell_init::run(ctx, &args),
        cli::Own::Completions(args) => completions::run(ctx, &args),
        cli::Own::Man(args) => man::run(ctx, args),
    }
}
