//! `shipctl ecs plan JOB`: what a deployment would do.

use clap::Args;

use super::args::{JobArgs, WhatArgs};
use super::project::Project;
use crate::ctx::Ctx;
use crate::ecs::plan::{Ask, plan};
use crate::ecs::ports;
use crate::error::Error;

/// Arguments of `ecs plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    job: JobArgs,
    #[command(flatten)]
    what: WhatArgs,
    /// Plan for what has not changed as well
    #[arg(long)]
    force: bool,
}

pub(super) fn run(ctx: &Ctx, args: &PlanArgs) -> Result<(), Error> {
    let project = Project::read(ctx, &args.job, &args.what, false)?;
    for warning in &project.wanted.warnings {
        ctx.note(warning);
    }
    let memory = project.store.deployed(&args.job.job)?;
    let ask = Ask { build_number: &project.build_number, keep: args.what.keep, force: args.force };
    let plan = plan(&project.wanted, &memory, ask)?;
    for (service, planned) in
        project.wanted.services.iter().zip(&plan.manifests).filter(|(_, planned)| !planned.unchanged)
    {
        let was = memory.of(&service.manifest);
        if let Some(told) = ports::conflict(&project.wanted, service, was, &project.build_number) {
            ctx.note(format_args!("{}: {told}", planned.manifest));
        }
    }
    if !args.job.json {
        return ctx.print(plan.to_string().as_bytes());
    }
    ctx.print_line(plan.to_json().to_string())
}
