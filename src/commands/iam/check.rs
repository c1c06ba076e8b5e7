//! `shipctl iam check`.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::Purposes;
use crate::ctx::Ctx;
use crate::error::{Error, Kind};
use crate::iam::{self, Named, Outcome, Report, Verdict, read_policy};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    wanted: Purposes,
    /// Policy documents, JSON; - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    files: Vec<PathBuf>,
    /// How it is written
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// How `iam check` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One line each, for people
    Text,
    /// One object: allowed, for, missing, actions, notes
    Json,
}

pub(super) fn run(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    let policies = args.files.iter().map(|file| read(ctx, file)).collect::<Result<Vec<_>, _>>()?;
    let report = iam::check(&args.wanted.purposes, &policies);
    match args.format {
        Format::Text => ctx.print(report.text().as_bytes())?,
        Format::Json => ctx.print_line(format!("{:#}", report.json()))?,
    }
    verdict(&policies, &report)
}

fn read(ctx: &Ctx, file: &Path) -> Result<Named, Error> {
    if file.as_os_str() == "-" {
        let mut text = Vec::new();
        let read = ctx.input().read_to_end(&mut text);
        read.map_err(|error| Error::failed(format_args!("standard input cannot be read: {error}")))?;
        return read_policy("standard input", &text);
    }
    let text = std::fs::read(file).map_err(|error| Error::io("read", file, &error).with_kind(Kind::Configuration))?;
    read_policy(&file.display().to_string(), &text)
}

fn verdict(policies: &[Named], report: &Report) -> Result<(), Error> {
    let missing = report.missing().count();
    if missing == 0 {
        return Ok(());
    }
    let files = policies.iter().map(|policy| policy.name.as_str()).collect::<Vec<_>>().join(", ");
    let purposes = iam::names(&report.purposes);
    let is_denied = |verdict: &&Verdict| matches!(verdict.outcome, Outcome::Denied(_));
    let cure = match report.missing().filter(is_denied).count() {
        0 => "add them",
        denied if denied == missing => "take away what denies them",
        _ => "add them, and take away what denies some",
    };
    Err(Error::new(
        Kind::Denied,
        format_args!(
            "{files}: {missing} of {} actions for {purposes} not allowed: {cure}; `shipctl iam policy --for \
             {purposes}` prints a policy that allows them",
            report.verdicts.len()
        ),
    ))
}
