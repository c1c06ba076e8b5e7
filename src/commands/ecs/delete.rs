//! `shipctl ecs delete JOB`.

use clap::Args;

use super::args::{JobArgs, WaitArgs};
use super::session::{carry_out, cluster};
use crate::ctx::Ctx;
use crate::ecs::run;
use crate::error::Error;

/// Arguments of `ecs delete`.
#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    job: JobArgs,
    /// Remove what was made for this manifest alone
    #[arg(long, value_name = "NAME")]
    manifest: Option<String>,
    #[command(flatten)]
    wait: WaitArgs,
}

pub(super) fn run(ctx: &Ctx, args: &DeleteArgs) -> Result<(), Error> {
    let store = args.job.store.open(ctx)?;
    let job = &args.job.job;
    let manifest = args.manifest.as_deref();
    let memory = store.deployed(job)?.narrowed(manifest);
    let cluster = cluster(ctx, &args.job, &memory)?;
    let options = args.wait.options(String::new());
    carry_out(ctx, &args.job, &cluster, &store, &[], &options, |run, there| run::delete(run, job, manifest, &there))
}
