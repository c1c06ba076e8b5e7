//! `shipctl job …`.

mod clean;
mod cli_tools;
mod env;
mod example;
mod exec;
mod explain;
pub(crate) mod finish;
pub(crate) mod init;
mod left_over;
mod lint;
mod list;
mod notifications;
mod place;
mod run;
mod show;
mod show_job;
pub(super) mod sources;
mod table;
mod trace;

pub(crate) use clean::JobClean;
pub(crate) use exec::JobExec;
pub(crate) use run::{JobRun, holder};

use crate::cli;
use crate::ctx::Ctx;
use crate::error::Error;

pub(super) fn run(ctx: &Ctx, command: cli::Job) -> Result<(), Error> {
    match command {
        cli::Job::Clean(args) => clean::run(ctx, &args),
        cli::Job::Exec(args) => exec::run(ctx, &args),
        cli::Job::Init(args) => init::run(ctx, &args),
        cli::Job::Run(args) => run::run(ctx, &args),
        cli::Job::Env(args) => env::run(ctx, &args),
        cli::Job::List(args) => list::run(ctx, &args),
        cli::Job::Lint(args) => lint::run(ctx, &args),
        cli::Job::Show(args) => show::run(ctx, &args),
        cli::Job::Finish(args) => finish::run(ctx, &args),
        cli::Job::Example(args) => example::run(ctx, &args),
    }
}
