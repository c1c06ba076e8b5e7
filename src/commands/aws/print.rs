//! Credentials on their way out, and what stands in their place when there are none.

use std::ffi::OsString;

use clap::ValueEnum;

use crate::credentials::Credentials;
use crate::credentials::github;
use crate::credentials::text::{self, Format};
use crate::ctx::Ctx;
use crate::error::{Error, Kind};
use crate::support::github_env::{self, EnvFile};

/// Writes credentials in a format.
pub(super) fn credentials(ctx: &Ctx, credentials: &Credentials, format: Format) -> Result<(), Error> {
    if format == Format::Github { github(ctx, credentials) } else { ctx.print(&text::print(credentials, format)?) }
}

/// Everything that can fail comes before the masks, and the masks before what they hide.
fn github(ctx: &Ctx, credentials: &Credentials) -> Result<(), Error> {
    let wrong = |message: String| Error::new(Kind::Configuration, message);
    let path = github_env::file(&ctx.env)?;
    if let Some(name) = github::NOT_EMPTIED.iter().find(|name| ctx.env.get(name).is_some()) {
        return Err(wrong(format!(
            "{name} is set, and GITHUB_ENV cannot unset it for the steps that follow: take it out of the workflow's env \
             (a profile as the source is --profile NAME)"
        )));
    }
    let lines = github::lines(credentials)?;
    let file = EnvFile::open(&path)?;
    ctx.print(&text::print(credentials, Format::Github)?)?;
    file.append(&lines)
}

/// After a failure of `export` or `assume-role`, whatever it was: lets the shell that evaluates the output fail as
/// well, without the old identity.
pub(crate) fn fail_closed(ctx: &Ctx, words: &[OsString], error: &Error) {
    if evaluated(words) {
        // Standard output that cannot be written to is why it failed, or cannot be helped.
        let _ = ctx.print(&text::failure(format(words), error.exit_status()));
    }
}

/// Whether the words call `aws export` or `aws assume-role`, as far as that can be told of words that clap may have
/// refused: an option of ours that is misspelled may stand before them, with or without a value.
fn evaluated(words: &[OsString]) -> bool {
    let is_option = |word: &OsString| word.as_encoded_bytes().starts_with(b"-");
    let start = match words.first() {
        Some(first) if is_option(first) => words.iter().position(|word| word == "aws"),
        Some(first) if first == "aws" => Some(0),
        _ => None,
    };
    let command = start.and_then(|start| words[start + 1..].iter().find(|word| !is_option(word)));
    command.is_some_and(|command| command == "export" || command == "assume-role")
}

/// The format asked for; that of sh when it is none of ours.
fn format(words: &[OsString]) -> Format {
    let joined = words.iter().filter_map(|word| word.to_str()?.strip_prefix("--format="));
    let apart = words.windows(2).filter(|pair| pair[0] == "--format").filter_map(|pair| pair[1].to_str());
    let named = apart.chain(joined).next();
    named.and_then(|name| Format::from_str(name, false).ok()).unwrap_or(Format::Env)
}
