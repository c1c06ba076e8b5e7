//! `shipctl ecs plan JOB`: what a deployment would do.

use clap::Args;

use super::args::{JobArgs, WhatArgs};
use super::project::{Project, build_number};
use crate::ctx::Ctx;
use crate::ecs::plan::{Ask, plan};
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
    let project = Project::read(ctx, &args.job, &args.what)?;
    for warning in &project.wanted.warnings {
        ctx.note(warning);
    }
    let job = &args.job.job;
    let build_number = build_number(ctx, &project.store, job, &args.what, false)?;
    let memory = project.store.deployed(job)?;
    let ask = Ask { build_number: &build_number, keep: args.what.keep, force: args.force };
    let plan = plan(&project.wanted, &memory, ask)?;
    if !args.job.json {
        return ctx.print(plan.to_string().as_bytes());
    }
    ctx.print_line(plan.to_json().to_string())
}
