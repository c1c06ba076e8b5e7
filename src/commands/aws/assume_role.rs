//! `shipctl aws assume-role [SOURCE] --role-arn ARN`.

use clap::Args;

use super::args::{CallArgs, RoleArgs, SourceArgs};
use super::{print, resolve};
use crate::credentials::source::Source;
use crate::credentials::text::Format;
use crate::ctx::Ctx;
use crate::error::{Error, Kind};

/// Assume a role and print its credentials, for eval
#[derive(Debug, Args)]
pub(crate) struct AssumeRole {
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

pub(super) fn run(ctx: &Ctx, args: &AssumeRole) -> Result<(), Error> {
    if args.roles.role_arns.is_empty() {
        return Err(Error::new(Kind::Usage, "no role: add --role-arn ARN"));
    }
    let source = args.source.source(Some(Source::Ambient))?;
    let credentials = resolve::credentials(ctx, &source, &args.roles, &args.call)?;
    print::credentials(ctx, &credentials, args.format)
}
