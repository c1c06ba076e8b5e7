//! `shipctl ecs deploy JOB`.

use clap::Args;

use super::args::{JobArgs, WhatArgs};
use super::project::Project;
use super::session::carry_out;
use crate::ctx::Ctx;
use crate::ecs::run::{self, Options};
use crate::error::Error;
use crate::support::secret::SecretText;

/// Arguments of `ecs deploy`.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools)] // each is an option of its own
pub(crate) struct DeployArgs {
    #[command(flatten)]
    job: JobArgs,
    #[command(flatten)]
    what: WhatArgs,
    /// Deploy what has not changed as well
    #[arg(long)]
    force: bool,
    /// Put the version before back when an upgrade fails
    #[arg(long)]
    rollback: bool,
    /// Remove what deployments that were killed have left behind
    #[arg(long)]
    prune: bool,
    /// End when everything is begun
    #[arg(long)]
    no_wait: bool,
}

pub(super) fn run(ctx: &Ctx, args: &DeployArgs) -> Result<(), Error> {
    let Project { mut wanted, store, build_number } = Project::read(ctx, &args.job, &args.what, true)?;
    for warning in &wanted.warnings {
        ctx.note(warning);
    }
    let options = Options {
        force: args.force,
        no_wait: args.no_wait,
        prune: args.prune,
        keep: args.what.keep,
        rollback: args.rollback,
        build_number,
        timeout: args.what.timeout(),
    };
    let secrets: Vec<SecretText> = wanted.services.iter().flat_map(|service| service.secrets.clone()).collect();
    let cluster = wanted.cluster.clone();
    carry_out(ctx, &args.job, &cluster, &store, &secrets, &options, |run, there| {
        wanted.cluster = there;
        run::deploy(run, &wanted)
    })
}
