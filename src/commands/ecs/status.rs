//! `shipctl ecs status JOB`: what is remembered, and what ECS shows of it.

use std::fmt::Write as _;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use super::access::{self, Way};
use super::args::JobArgs;
use super::session::cluster;
use crate::aws::ecs::Service;
use crate::commands::aws::resolve;
use crate::ctx::Ctx;
use crate::ecs::calls::Calls;
use crate::ecs::memory::{Deployed, Leftover, Memory};
use crate::ecs::steps::revision;
use crate::ecs::watch::is_whole;
use crate::error::{Error, Kind, one_line};
use crate::support::clock::Clock;
use crate::support::interrupt::Interrupt;

/// Events of a service that are shown.
const EVENTS: usize = 3;

/// How long it is looked for: somebody waits.
const LONGEST: Duration = Duration::from_mins(1);

/// Arguments of `ecs status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    job: JobArgs,
}

/// What serves for a manifest.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    deployed: &'a Deployed,
    /// Nothing when ECS does not show it.
    service: Option<&'a Service>,
    is_whole: bool,
}

pub(super) fn run(ctx: &Ctx, args: &StatusArgs) -> Result<(), Error> {
    let job = &args.job.job;
    let memory = args.job.store.open(ctx)?.deployed(job)?;
    if memory.services.is_empty() && memory.leftovers.is_empty() {
        let told = format_args!("nothing is deployed for {job}, as far as the store knows: is it the right --store?");
        return Err(Error::failed(told));
    }
    let cluster = cluster(ctx, &args.job, &memory)?;
    let way = Way::to(ctx, &args.job.access, &cluster, args.job.integrations.as_deref())?;
    let first = way.first(ctx, &Interrupt::never(), None)?;
    memory.check_region(first.region.as_deref())?;
    let connection = resolve::connection(ctx, &first)?;
    let clock = Clock::from_env(&ctx.env)?;
    let calls = access::calls(ctx, &way, first, &connection, &clock, &Interrupt::never());
    calls.limit_to(clock.now() + LONGEST);
    let services = seen(&calls, &memory)?;
    let shown: Vec<Shown> = memory.services.iter().map(|was| shown(was, &services)).collect();
    for one in &shown {
        if args.job.json {
            ctx.print_line(json(one).to_string())?;
        } else {
            ctx.print(text(one).as_bytes())?;
        }
    }
    let is_live = |leftover: &&Leftover| match leftover {
        Leftover::TaskDefinition { arn, .. } => services.iter().any(|(_, seen)| seen.task_definition == *arn),
        Leftover::Service { .. } => false,
    };
    for leftover in memory.leftovers.iter().filter(|leftover| !is_live(leftover)) {
        let how = match leftover {
            // Its name is that of the next deployment too.
            Leftover::Service { name, build_number, .. } if !name.ends_with(&format!("-{build_number}")) => {
                format!("`shipctl ecs deploy {job}` goes on with it, `shipctl ecs delete {job}` removes it")
            }
            _ => format!("`shipctl ecs deploy {job} --prune` removes it"),
        };
        ctx.note(format_args!("left over: {}; {how}", leftover.text()));
    }
    let bad: Vec<&str> = shown.iter().filter(|one| !one.is_whole).map(|one| one.deployed.service.as_str()).collect();
    if shown.is_empty() {
        return Err(Error::failed(format_args!("no deployment of {job} has succeeded yet: nothing of it serves")));
    }
    if bad.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        Kind::Failed,
        format_args!("not whole: {}; `shipctl ecs deploy {job} --force` mends it", bad.join(", ")),
    ))
}

/// Without what is for the next deployment alone.
fn json(one: &Shown) -> Value {
    let mut shown = json!(one);
    without_wanted(&mut shown["deployed"]);
    if let Some(previous) = shown["deployed"]["previous"].as_array_mut() {
        previous.iter_mut().for_each(without_wanted);
    }
    shown
}

/// What was wanted has digests of secrets in it, and for Service Connect even some in plain.
fn without_wanted(version: &mut Value) {
    if let Some(version) = version.as_object_mut() {
        version.shift_remove("digest");
        version.shift_remove("wanted");
    }
}

/// What ECS shows of what is remembered, each with its cluster.
fn seen(calls: &Calls, memory: &Memory) -> Result<Vec<(String, Service)>, Error> {
    let mut clusters: Vec<&str> = memory.services.iter().map(|was| was.cluster.as_str()).collect();
    clusters.sort_unstable();
    clusters.dedup();
    let mut all = Vec::new();
    for cluster in clusters {
        let there = memory.services.iter().filter(|was| was.cluster == cluster);
        let names: Vec<&str> = there.map(|was| was.service.as_str()).collect();
        let found = calls
            .describe_services(cluster, &names)
            .map_err(|failure| calls.error(&format!("look at {}", names.join(", ")), &failure))?;
        all.extend(found.into_iter().map(|service| (cluster.to_owned(), service)));
    }
    Ok(all)
}

fn shown<'a>(was: &'a Deployed, services: &'a [(String, Service)]) -> Shown<'a> {
    let is_meant = |cluster: &str, service: &Service| {
        cluster == was.cluster && service.name == was.service && service.status != "INACTIVE"
    };
    let found = services.iter().find(|(cluster, service)| is_meant(cluster, service));
    let service = found.map(|(_, service)| service);
    let serves =
        |service: &Service| is_whole(service, &was.task_definition) && was.cut_short(service.desired).is_none();
    Shown { deployed: was, service, is_whole: service.is_some_and(serves) }
}

fn text(one: &Shown) -> String {
    let was = one.deployed;
    let revision_of = |arn: &str| revision(arn).to_owned();
    let head = format!(
        "{}: {} ({}, build {})",
        was.manifest,
        was.service,
        revision_of(&was.task_definition),
        was.build_number
    );
    let Some(service) = one.service else { return format!("{head}: ECS does not show it\n") };
    let pending = if service.pending > 0 { format!(", {} pending", service.pending) } else { String::new() };
    let how = was.cut_short(service.desired).map(|how| format!("; it {how}")).unwrap_or_default();
    let (running, desired) = (service.running, service.desired);
    let mut text = format!("{head}: {}, {running} of {desired} running{pending}{how}\n", service.status);
    for rollout in service.deployments.iter().filter(|one| service.deployments.len() > 1 || one.status != "PRIMARY") {
        let state = rollout.rollout_state.as_deref().map(|state| format!(", {state}")).unwrap_or_default();
        let _ = writeln!(
            text,
            "  roll-out {} of {}: {} of {} running{state}",
            rollout.status,
            revision_of(&rollout.task_definition),
            rollout.running,
            rollout.desired
        );
    }
    for event in service.events.iter().take(EVENTS) {
        let at = event.at.map(crate::aws::timestamp).unwrap_or_default();
        let _ = writeln!(text, "  {at} {}", one_line(&event.message));
    }
    text
}
