//! `shipctl aws whoami SOURCE`.

use clap::Args;
use serde_json::json;

use super::args::{CallArgs, RoleArgs, SourceArgs};
use super::resolve;
use crate::credentials::timestamp;
use crate::ctx::Ctx;
use crate::error::{Error, Kind};

/// Say who the credentials belong to
#[derive(Debug, Args)]
pub(crate) struct Whoami {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    roles: RoleArgs,
    #[command(flatten)]
    call: CallArgs,
    /// Fail unless they are of this account
    #[arg(long, value_name = "ID")]
    expect_account: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(ctx: &Ctx, args: &Whoami) -> Result<(), Error> {
    let source = args.source.source(None)?;
    let credentials = resolve::credentials(ctx, &source, &args.roles, &args.call)?;
    let identity = resolve::identity(ctx, &source, &credentials)?;
    if let Some(expected) = &args.expect_account
        && *expected != identity.account
    {
        return Err(Error::new(
            Kind::Denied,
            format_args!(
                "{source}: these credentials are of account {}, not {expected}: use another source",
                identity.account
            ),
        ));
    }
    let expires = credentials.expires.map(timestamp);
    if args.json {
        let out =
            json!({"account": identity.account, "arn": identity.arn, "userId": identity.user_id, "expires": expires});
        return ctx.print_line(format!("{out:#}"));
    }
    ctx.print_line(format!(
        "account  {}\narn      {}\nuser id  {}\nexpires  {}",
        identity.account,
        identity.arn,
        identity.user_id,
        expires.as_deref().unwrap_or("never")
    ))
}
