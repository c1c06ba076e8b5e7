//! `shipctl aws …`.

pub(crate) mod args; // the options that say whose credentials
mod assume_role;
mod configure;
mod ecr_login;
mod exec;
mod export;
mod for_job; // what a job's tools are configured with
mod print; // credentials on their way out
pub(crate) mod resolve; // options → credentials
mod whoami;

use std::ffi::OsString;

use clap::{Args as _, Command, Subcommand};

pub(crate) use for_job::ForJob;
pub(super) use print::fail_closed;

use crate::aws::ecr::Login;
use crate::credentials::source::Source;
use crate::ctx::Ctx;
use crate::error::Error;

/// Commands on AWS credentials.
#[derive(Debug, Subcommand)]
pub(crate) enum Aws {
    /// Print the credentials of a source, for eval
    Export(export::Export),
    /// Assume a role and print its credentials, for eval
    AssumeRole(assume_role::AssumeRole),
    /// Run a command with the credentials in its environment
    Exec(exec::Exec),
    /// Say who the credentials belong to
    Whoami(whoami::Whoami),
    /// Write AWS profiles, as a cliConfig resource did
    Configure(configure::Configure),
    /// Log Docker in to ECR
    EcrLogin(ecr_login::EcrLogin),
}

impl Aws {
    /// The tree of one command. Its siblings have dozens of options, which cost a call more than a kept session does.
    pub(crate) fn leaf(name: &str) -> Option<Command> {
        Some(match name {
            "export" => export::Export::augment_args(Command::new("export")),
            "assume-role" => assume_role::AssumeRole::augment_args(Command::new("assume-role")),
            "exec" => exec::Exec::augment_args(Command::new("exec")),
            "whoami" => whoami::Whoami::augment_args(Command::new("whoami")),
            "configure" => configure::Configure::augment_args(Command::new("configure")),
            "ecr-login" => ecr_login::EcrLogin::augment_args(Command::new("ecr-login")),
            _ => return None,
        })
    }
}

pub(super) fn run(ctx: &Ctx, command: &Aws) -> Result<(), Error> {
    match command {
        Aws::Export(args) => export::run(ctx, args),
        Aws::AssumeRole(args) => assume_role::run(ctx, args),
        Aws::Exec(args) => exec::run(ctx, args),
        Aws::Whoami(args) => whoami::run(ctx, args),
        Aws::Configure(args) => configure::run(ctx, args),
        Aws::EcrLogin(args) => ecr_login::run(ctx, args),
    }
}

/// The login for one ECR registry, for Docker's credential helper: from a source of the job directory, else from the
/// ambient credentials.
pub(super) fn registry_login(ctx: &Ctx, source: Option<OsString>, account: &str, region: &str) -> Result<Login, Error> {
    let source = source.map_or(Source::Ambient, Source::Named);
    let call = args::CallArgs { region: Some(region.to_owned()), ..args::CallArgs::default() };
    let credentials = resolve::credentials(ctx, &source, &args::RoleArgs::default(), &call)?;
    let mut logins = ecr_login::logins(ctx, &source, &credentials, &[account.to_owned()])?;
    Ok(logins.swap_remove(0))
}
