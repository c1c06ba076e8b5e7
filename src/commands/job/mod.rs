//! `shipctl job …`.

mod env;
mod example;
mod lint;
mod list;
mod show;
mod show_job;
mod table;

use crate::cli;
use crate::ctx::Ctx;
use crate::error::Error;

pub(super) fn run(ctx: &Ctx, command: cli::Job) -> Result<(), Error> {
    match command {
        cli::Job::Env(args) => env::run(ctx, &args),
        cli::Job::List(args) => list::run(ctx, &args),
        cli::Job::Lint(args) => lint::run(ctx, &args),
        cli::Job::Show(args) => show::run(ctx, &args),
        cli::Job::Example(args) => example::run(ctx, &args),
    }
}
