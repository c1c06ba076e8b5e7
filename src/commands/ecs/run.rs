//! `shipctl ecs run CLUSTER TASKDEF [-- COMMAND…]`: a task, run once.

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;

use super::args::Access;
use super::log::Log;
use super::named::{self, Named, pair};
use crate::aws::ecs::{Request, last_part};
use crate::ctx::Ctx;
use crate::ecs::once::{Given, Once, run as run_once};
use crate::error::{Error, Kind};

/// Arguments of `ecs run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// A cluster of the job directory, or a cluster's own name
    #[arg(value_name = "CLUSTER")]
    cluster: OsString,
    /// A family, FAMILY:REVISION or an ARN
    #[arg(value_name = "TASKDEF")]
    task_definition: String,
    /// The command of the container, instead of its own
    #[arg(value_name = "COMMAND", last = true)]
    command: Vec<String>,
    /// The container that is meant [default: the first essential one]
    #[arg(long, value_name = "NAME")]
    container: Option<String>,
    /// A variable for it; may be repeated
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = pair)]
    env: Vec<(String, String)>,
    /// How many tasks; all of them are waited for
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10))]
    count: u32,
    /// EC2, FARGATE or EXTERNAL [default: the cluster's]
    #[arg(long, value_name = "TYPE", value_parser = ["EC2", "FARGATE", "EXTERNAL"], conflicts_with = "capacity_provider")]
    launch_type: Option<String>,
    /// A capacity provider of the cluster
    #[arg(long, value_name = "NAME")]
    capacity_provider: Option<String>,
    /// A subnet of the task, where it has its own network; may be repeated
    #[arg(long = "subnet", value_name = "ID")]
    subnets: Vec<String>,
    /// A security group of it; may be repeated
    #[arg(long = "security-group", value_name = "ID")]
    security_groups: Vec<String>,
    /// Give it a public address
    #[arg(long)]
    assign_public_ip: bool,
    /// A service whose network and launch type it gets
    #[arg(long, value_name = "SERVICE")]
    like: Option<String>,
    /// Another role for its containers
    #[arg(long, value_name = "ARN")]
    task_role: Option<String>,
    /// Other CPU units
    #[arg(long, value_name = "N")]
    cpu: Option<u32>,
    /// Another memory limit, in MiB
    #[arg(long, value_name = "N")]
    memory: Option<u32>,
    /// How long it may take; then it is stopped [default: no limit]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: Option<u64>,
    /// Print the ARN of the task that was started, and do not wait for it
    #[arg(long)]
    no_wait: bool,
    /// One JSON object per line on standard output, nothing else
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    access: Access,
}

impl RunArgs {
    fn given(&self, cluster: &str, started_by: String) -> Given {
        Given {
            cluster: cluster.to_owned(),
            task_definition: self.task_definition.clone(),
            container: self.container.clone(),
            command: self.command.clone(),
            env: self.env.clone(),
            count: self.count,
            launch_type: self.launch_type.clone(),
            capacity_provider: self.capacity_provider.clone(),
            subnets: self.subnets.clone(),
            security_groups: self.security_groups.clone(),
            assign_public_ip: self.assign_public_ip,
            task_role: self.task_role.clone(),
            cpu: self.cpu,
            memory: self.memory,
            started_by,
        }
    }
}

pub(super) fn run(ctx: &Ctx, args: &RunArgs) -> Result<(), Error> {
    let started_by = named::who(ctx)?;
    named::with(ctx, &args.access, &args.cluster, "run", |named| run_in(ctx, args, named, started_by))
}

fn run_in(ctx: &Ctx, args: &RunArgs, named: &Named, started_by: String) -> Result<(), Error> {
    let calls = named.calls;
    if let Some(limit) = args.timeout {
        calls.limit_to(calls.clock().now() + Duration::from_secs(limit));
    }
    let given = args.given(named.cluster, started_by);
    let definition = read_definition(named, &args.task_definition)?;
    let container = given.container(definition.as_ref())?;
    let like = args.like.as_ref().map(|service| settings_of(named, service)).transpose()?;
    let request = given.request(definition.as_ref(), like.as_ref())?;
    let once = Once {
        name: last_part(&args.task_definition),
        cluster: named.cluster,
        request: &request,
        definition: definition.as_ref(),
        container: container.as_deref(),
        limit: args.timeout.map(Duration::from_secs),
        waits: !args.no_wait,
    };
    let log = Log::new(ctx, args.json, calls.clock(), &[])?;
    let done = run_once(calls, &log, &once)?;
    if args.no_wait && !args.json {
        for task in &done.tasks {
            ctx.print_line(task)?;
        }
    }
    match done.end.exit_status() {
        0 => Ok(()),
        status => Err(Error::child(status)),
    }
}

/// The task definition, for the names of its containers and the place of their logs; none where it may not be read.
fn read_definition(named: &Named, name: &str) -> Result<Option<Request>, Error> {
    let refused = std::cell::RefCell::new(None);
    let read = named.calls.extra("ecs:DescribeTaskDefinition", || {
        named.calls.describe_task_definition(name).inspect_err(|failure| {
            *refused.borrow_mut() = Some(failure.clone());
        })
    });
    match refused.into_inner().filter(|failure| failure.kind != Kind::Denied) {
        // Nothing of this name can be run either.
        Some(failure) if failure.kind == Kind::Failed => {
            let told = format_args!(
                "cannot read the task definition {name} for the {}: {failure}; give a family, FAMILY:REVISION or an ARN",
                named.place
            );
            Err(Error::new(Kind::Configuration, told))
        }
        Some(failure) => Err(named.calls.error(&format!("read the task definition {name}"), &failure)),
        None => Ok(read),
    }
}

/// The settings of a service that is there.
fn settings_of(named: &Named, service: &str) -> Result<Request, Error> {
    let found = named.calls.service_settings(named.cluster, service);
    let found = found.map_err(|failure| named.calls.error(&format!("look at the service {service}"), &failure))?;
    let found = found.filter(|(seen, _)| seen.status == "ACTIVE");
    found.map(|(_, settings)| settings).ok_or_else(|| {
        Error::new(Kind::Configuration, format_args!("there is no service {service} in the {}", named.place))
    })
}
