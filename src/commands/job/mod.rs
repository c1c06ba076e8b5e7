//! `shipctl job …`.

mod env;
mod example;
pub(crate) mod init;
mod show;

use crate::cli;
use crate::ctx::Ctx;
use crate::error::Error;

pub(super) fn run(ctx: &Ctx, command: cli::Job) -> Result<(), Error> {
    match command {
        cli::Job::Init(args) => init::run(ctx, &args),
        cli::Job::Env(args) => env::run(ctx, &args),
        cli::Job::Show(args) => show::run(ctx, &args),
        cli::Job::Example(args) => example::run(ctx, &args),
    }
}
