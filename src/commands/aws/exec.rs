//! `shipctl aws exec SOURCE -- CMD`: runs a command with the credentials in its environment.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use clap::Args;

use super::args::{CallArgs, RoleArgs, SourceArgs};
use super::resolve;
use crate::credentials::endpoint::Endpoint;
use crate::credentials::shared_files::SharedFiles;
use crate::credentials::{Credentials, variables};
use crate::ctx::Ctx;
use crate::error::{Error, Kind};
use crate::support::process::{self, SignalRelay};

/// Run a command with the credentials in its environment
#[derive(Debug, Clone, Args)]
pub(crate) struct Exec {
    #[command(flatten)]
    source: SourceArgs,
    /// Stay, and renew the credentials for as long as the command runs
    #[arg(long)]
    refresh: bool,
    #[command(flatten)]
    roles: RoleArgs,
    #[command(flatten)]
    call: CallArgs,
    /// The command and its arguments
    #[arg(value_name = "COMMAND", last = true, required = true)]
    command: Vec<OsString>,
}

pub(super) fn run(ctx: &Ctx, args: &Exec) -> Result<(), Error> {
    let source = args.source.source(None)?;
    let credentials = resolve::credentials(ctx, &source, &args.roles, &args.call)?;
    let mut command = Command::new(&args.command[0]);
    command.args(&args.command[1..]);
    if args.refresh && credentials.expires.is_some() {
        return run_beside(ctx, args, credentials, command);
    }
    if args.refresh {
        ctx.note(format_args!("{source}: these keys do not expire; --refresh has nothing to do"));
    }
    for name in variables::cleared_for(&credentials) {
        command.env_remove(name);
    }
    command.envs(variables::assignments(&credentials));
    // This process becomes the command: nothing is left to forward, wait for or hold.
    let error = command.exec();
    Err(not_started(ctx, args, &error))
}

/// Runs the command as a child, and serves it fresh credentials.
fn run_beside(ctx: &Ctx, args: &Exec, first: Credentials, mut command: Command) -> Result<(), Error> {
    let endpoint = Endpoint::bind().map_err(|error| cannot_serve(&error))?;
    let url = endpoint.url().map_err(|error| cannot_serve(&error))?;
    for name in variables::cleared_by_failure() {
        command.env_remove(name);
    }
    command.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
    command.env("AWS_CONTAINER_AUTHORIZATION_TOKEN", endpoint.token());
    for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
        command.envs(first.region.as_ref().map(|region| (name, region)));
    }
    if SharedFiles::of(&ctx.env).is_ok_and(|files| files.has_default_identity()) {
        command.envs([("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"), ("AWS_CONFIG_FILE", "/dev/null")]);
        ctx.note(
            "the default profile of the shared AWS files would win over renewed credentials: \
             the command does not see these files",
        );
    }
    let mut relay =
        SignalRelay::install().map_err(|error| Error::failed(format_args!("cannot watch for signals: {error}")))?;
    let (renew_ctx, renew) = (ctx.clone(), args.clone());
    let supply = move || {
        let source = renew.source.source(None)?;
        resolve::credentials(&renew_ctx, &source, &renew.roles, &renew.call)
    };
    let min_ttl = Duration::from_secs(args.call.min_ttl);
    endpoint.serve(first, Box::new(supply), min_ttl, Ctx::clock()).map_err(|error| cannot_serve(&error))?;
    let mut child = command.spawn().map_err(|error| not_started(ctx, args, &error))?;
    let status = relay
        .wait(&mut child)
        .map_err(|error| Error::failed(format_args!("cannot wait for the command to end: {error}")))?;
    if status.success() { Ok(()) } else { Err(Error::child(process::shell_status(status))) }
}

fn cannot_serve(error: &std::io::Error) -> Error {
    Error::failed(format_args!("cannot serve credentials on a loopback port: {error}"))
}

fn not_started(ctx: &Ctx, args: &Exec, error: &std::io::Error) -> Error {
    let fault = process::explain(&args.command[0], ctx.env.get("PATH").as_deref(), error);
    Error::new(Kind::Child(fault.status), fault.message)
}
