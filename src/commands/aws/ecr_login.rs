//! `shipctl aws ecr-login SOURCE`: logs Docker in to ECR.

use clap::Args;

use super::args::{CallArgs, RoleArgs, SourceArgs};
use super::resolve;
use crate::aws::ecr::{self, Login};
use crate::credentials::source::Source;
use crate::credentials::{Credentials, docker, timestamp};
use crate::ctx::Ctx;
use crate::error::{Error, Kind};

/// Log Docker in to ECR
#[derive(Debug, Args)]
pub(crate) struct EcrLogin {
    #[command(flatten)]
    source: SourceArgs,
    /// The account of a registry (else the credentials' own); several are logged in to
    #[arg(long, value_name = "ID", num_args = 1..)]
    registry: Vec<String>,
    #[command(flatten)]
    roles: RoleArgs,
    #[command(flatten)]
    call: CallArgs,
}

pub(super) fn run(ctx: &Ctx, args: &EcrLogin) -> Result<(), Error> {
    let source = args.source.source(None)?;
    let credentials = resolve::credentials(ctx, &source, &args.roles, &args.call)?;
    log_in(ctx, &source, &credentials, &args.registry)
}

/// Logs Docker in with credentials that are at hand.
pub(super) fn log_in(
    ctx: &Ctx,
    source: &Source,
    credentials: &Credentials,
    registries: &[String],
) -> Result<(), Error> {
    let logins = logins(ctx, source, credentials, registries)?;
    let config = docker::Config::of(&ctx.env)?;
    config.log_in(&logins)?;
    for login in &logins {
        let until = login.expires.map(|at| format!(" until {}", timestamp(at))).unwrap_or_default();
        ctx.note(format_args!("Docker is logged in to {}{until}", docker::host(&login.endpoint)));
    }
    Ok(())
}

/// Asks ECR, in the region of the credentials.
pub(super) fn logins(
    ctx: &Ctx,
    source: &Source,
    credentials: &Credentials,
    registries: &[String],
) -> Result<Vec<Login>, Error> {
    resolve::require_region(source, credentials)?;
    let connection = resolve::connection(ctx, credentials)?;
    let logins = ecr::logins(&connection, credentials, registries);
    resolve::note_clock(ctx, &connection);
    logins.map_err(|failure| {
        let cure = match failure.kind {
            Kind::Denied => "; allow ecr:GetAuthorizationToken on *",
            _ => "",
        };
        Error::new(failure.kind, format_args!("{source}: cannot log in to ECR: {failure}{cure}"))
    })
}
