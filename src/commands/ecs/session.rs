//! What carries out commands on a deploy job: the AWS API, signals, a clock, and who is told.

use super::access::{self, Way};
use super::args::JobArgs;
use super::log::Log;
use super::report;
use crate::commands::aws::resolve;
use crate::config::shippable::Pipeline;
use crate::ctx::Ctx;
use crate::ecs::memory::Memory;
use crate::ecs::run::{Options, Report, Run};
use crate::ecs::wanted::{Cluster, cluster_of};
use crate::error::{Error, Kind};
use crate::store::Store;
use crate::support::clock::Clock;
use crate::support::interrupt::Interrupt;
use crate::support::secret::SecretText;

/// Opens the way to the cluster and does `work` there, which is told the region that it is reached in: the yml need not say
/// it. Then says how it ended.
pub(super) fn carry_out(
    ctx: &Ctx,
    args: &JobArgs,
    cluster: &Cluster,
    store: &Store,
    secrets: &[SecretText],
    options: &Options,
    work: impl FnOnce(&Run, Cluster) -> Result<Report, Error>,
) -> Result<(), Error> {
    let clock = Clock::from_env(&ctx.env)?;
    let interrupt = Interrupt::install()?;
    let way = Way::to(ctx, &args.access, cluster, args.integrations.as_deref())?;
    let first = way.first(ctx, &interrupt, options.timeout)?;
    let there = Cluster { region: first.region.clone().or_else(|| cluster.region.clone()), ..cluster.clone() };
    let connection = resolve::connection(ctx, &first)?;
    let calls = access::calls(ctx, &way, first, &connection, &clock, &interrupt);
    let log = Log::new(ctx, args.json, &clock, secrets)?;
    let holder = crate::commands::job::holder(ctx);
    let run = Run { api: &calls, store: Some(store), listener: &log, holder: &holder, options };
    work(&run, there)
        .and_then(|report| report::end(ctx, &report, &log, args.json))
        .map_err(|error| log.masked_error(error))
}

/// The cluster that a job is deployed to, without the rest of the yml: that of the yml, else the one that is
/// remembered, for jobs that are no longer in it.
pub(super) fn cluster(ctx: &Ctx, args: &JobArgs, memory: &Memory) -> Result<Cluster, Error> {
    let remembered = memory.services.first().map(|was| (was.cluster.clone(), was.region.clone()));
    let of_yml = Pipeline::read(&args.files, &ctx.cwd()?).and_then(|pipeline| cluster_of(&pipeline, &args.job));
    match (of_yml, remembered) {
        (Ok(mut cluster), Some((name, region))) => {
            cluster.name = name;
            cluster.region = region.or(cluster.region);
            Ok(cluster)
        }
        (Ok(cluster), None) => Ok(cluster),
        (Err(_), Some((name, region))) if args.access.source().is_some() => {
            Ok(Cluster { resource: name.clone(), name, region, integration: None })
        }
        (Err(error), Some((name, _))) => {
            let told = format_args!(
                "{} is not in the yml any more, which would say whose credentials its cluster {name} takes: give \
                 --ambient, --profile, --source or --clouddriver ({error})",
                args.job
            );
            Err(Error::new(Kind::NoCredentials, told))
        }
        (Err(error), None) => Err(error),
    }
}
