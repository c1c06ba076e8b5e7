//! `shipctl job …`.

mod clean;
mod env;
mod example;
mod exec;
mod explain;
mod place;
pub(crate) mod finish;
mod lint;
mod list;
mod show;
mod show_job;
mod table;

pub(crate) use clean::JobClean;
pub(crate) use exec::JobExec;

use crate::cli;
use crate::ctx::Ctx;
use crate::error::Error;

pub(super) fn run(ctx: &Ctx, command: cli::Job) -> Result<(), Error> {
    match command {
        cli::Job::Clean(args) => clean::run(ctx, &args),
        cli::Job::Exec(args) => exec::run(ctx, &args),
        cli::Job::Env(args) => env::run(ctx, &args),
        cli::Job::List(args) => list::run(ctx, &args),
        cli::Job::Lint(args) => lint::run(ctx, &args),
        cli::Job::Show(args) => show::run(ctx, &args),
        cli::Job::Finish(args) => finish::run(ctx, &args),
        cli::Job::Example(args) => example::run(ctx, &args),
    }
}
