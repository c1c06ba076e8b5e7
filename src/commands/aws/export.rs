//! `shipctl aws export SOURCE`.

use clap::Args;

use super::args::{CallArgs, RoleArgs, SourceArgs};
use super::{print, resolve};
use crate::credentials::text::Format;
use crate::ctx::Ctx;
use crate::error::Error;

/// Print the credentials of a source, for eval
#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    roles: RoleArgs,
    #[command(flatten)]
    call: CallArgs,
    /// How they are written
    #[arg(long, value_enum, default_value_t = Format::Env)]
    format: Format,
}

pub(super) fn run(ctx: &Ctx, args: &Export) -> Result<(), Error> {
    let source = args.source.source(None)?;
    let credentials = resolve::credentials(ctx, &source, &args.roles, &args.call)?;
    print::credentials(ctx, &credentials, args.format)
}
