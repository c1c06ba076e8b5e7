//! `shipctl completions SHELL`.

use clap_complete::{Shell, generate};

use crate::cli;
use crate::ctx::Ctx;
use crate::error::{Error, Kind};

pub(super) fn run(ctx: &Ctx, args: &cli::Completions) -> Result<(), Error> {
    let shell: Shell = args.shell.parse().map_err(|error| Error::new(Kind::Usage, error))?;
    let mut script = Vec::new();
    generate(shell, &mut cli::command(), "shipctl", &mut script);
    ctx.print(&script)
}
