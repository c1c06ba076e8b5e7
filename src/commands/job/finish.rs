//! `shipctl job finish`: what a run left becomes new versions and kept state.

use std::path::{Path, PathBuf};

use crate::ctx::Ctx;
use crate::error::{Error, Kind};
use crate::job::directory::JobDirectory;
use crate::job::outcome::{self, Options, Outcome};
use crate::job::record::Record;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How the job ended
    #[arg(long, value_name = "STATUS", value_enum, default_value_t = Status::Success)]
    pub status: Status,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
    /// Cut the lines of .env files at every =, as the platform did
    #[arg(long)]
    pub compat_split: bool,
    /// The job directory; the same as --job-dir before the command
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// How a job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Status {
    /// The outputs get their versions, the job its state
    Success,
    /// Only outputs with on_failure get versions; the job keeps the state it had
    Failure,
    /// Nothing is kept; for a timeout too
    Cancelled,
}

impl From<Status> for outcome::Status {
    fn from(status: Status) -> Self {
        match status {
            Status::Success => Self::Success,
            Status::Failure => Self::Failure,
            Status::Cancelled => Self::Cancelled,
        }
    }
}

pub(super) fn run(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    let chosen = Ctx { job_dir: args.dir.clone().or_else(|| ctx.job_dir.clone()), ..ctx.clone() };
    let job = JobDirectory::of(&chosen).map_err(|error| error.with_kind(Kind::Configuration))?;
    let root = job.require_root().map_err(|error| error.with_kind(Kind::Configuration))?;
    let record = Record::read(root)?;
    let status = outcome::Status::from(args.status);
    let outcome = outcome::outcome(root, &record, status, Options { compat_split: args.compat_split })?;
    for note in &outcome.notes {
        ctx.note(note);
    }
    if args.dry_run {
        return print_difference(ctx, &outcome, args.json);
    }
    commit(ctx, root, &record, status, &outcome)
}

fn print_difference(ctx: &Ctx, outcome: &Outcome, json: bool) -> Result<(), Error> {
    let difference = outcome.difference();
    if !json {
        return ctx.print(difference.text().as_bytes());
    }
    let text = serde_json::to_string_pretty(&difference)
        .map_err(|error| Error::failed(format_args!("the difference cannot be written as JSON: {error}")))?;
    ctx.print_line(text)
}

/// Hands the outcome to the store: states first, then every version at once.
fn commit(
    _ctx: &Ctx,
    _root: &Path,
    record: &Record,
    _status: outcome::Status,
    _outcome: &Outcome,
) -> Result<(), Error> {
    Err(Error::failed(format_args!("{}: there is no store to keep versions in yet: use --dry-run", record.store)))
}
