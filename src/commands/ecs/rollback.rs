//! `shipctl ecs rollback JOB`.

use clap::Args;

use super::args::{JobArgs, WaitArgs, build_number as number};
use super::project::build_number;
use super::session::{carry_out, cluster};
use crate::ctx::Ctx;
use crate::ecs::run;
use crate::error::Error;

/// Arguments of `ecs rollback`.
#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    #[command(flatten)]
    job: JobArgs,
    /// Go back for this manifest alone
    #[arg(long, value_name = "NAME")]
    manifest: Option<String>,
    /// The build number [default: that of the CI, else the next of the store]
    #[arg(long, value_name = "N", value_parser = number)]
    build_number: Option<String>,
    #[command(flatten)]
    wait: WaitArgs,
}

pub(super) fn run(ctx: &Ctx, args: &RollbackArgs) -> Result<(), Error> {
    let store = args.job.store.open(ctx)?;
    let job = &args.job.job;
    let manifest = args.manifest.as_deref();
    let memory = store.deployed(job)?.narrowed(manifest);
    let cluster = cluster(ctx, &args.job, &memory)?;
    let options = args.wait.options(build_number(ctx, &store, job, args.build_number.as_deref())?);
    carry_out(ctx, &args.job, &cluster, &store, &[], &options, |run, there| run::rollback(run, job, manifest, &there))
}
