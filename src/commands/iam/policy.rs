//! `shipctl iam policy`.

use super::Purposes;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::iam::policy;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    wanted: Purposes,
    /// In one line
    #[arg(long)]
    compact: bool,
}

/// As the documents of policies are set in.
const INDENT: usize = 4;

pub(super) fn run(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    super::print(ctx, &policy(&args.wanted.purposes), INDENT, args.compact)
}
