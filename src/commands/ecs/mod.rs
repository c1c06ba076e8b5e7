//! `shipctl ecs …`: deployments to ECS.

mod access; // whose credentials a cluster is reached with
mod args; // options that several commands have
mod log; // what is seen while it goes on
mod named; // a cluster that no yml describes
mod run;
mod update;

use clap::Subcommand;

use crate::ctx::Ctx;
use crate::error::Error;

/// Commands on ECS.
#[derive(Debug, Subcommand)]
pub(crate) enum Ecs {
    /// Put new images into a service that no yml describes
    ///
    /// Registers the service's task definition with other images and variables, updates the service to it and waits.
    /// This reads the task definition, which needs ecs:DescribeTaskDefinition beyond the documented permissions; see
    /// shipctl iam policy --for update. Everything else of it stays as it is. When nothing is to change, a roll-out that
    /// is under way is waited for, and nothing more is done.
    ///
    ///   shipctl ecs update prod web --image app=registry/app:1.2 --env app:LOG=info --rollback
    ///   shipctl ecs update prod web --ambient --region us-east-1 --desired-count 4
    ///
    /// On success prints SERVICE TASK_DEFINITION, separated by a tab. With --json each line of standard output is an
    /// object, as of ecs deploy.
    ///
    /// CLUSTER is a cluster of the job directory, or the name of any cluster together with --ambient, --profile, --source
    /// or --clouddriver. Exit status as of ecs deploy.
    #[command(verbatim_doc_comment)]
    Update(update::UpdateArgs),
    /// Run a task once and end with its exit status
    ///
    /// Starts a task, shows what it says where its log goes to CloudWatch, and ends with the exit status of its
    /// container: the first essential one, or that of --container. A signal stops the task. See shipctl iam policy
    /// --for run.
    ///
    ///   shipctl ecs run prod web --like web -- ./manage migrate
    ///
    /// What the container says goes to standard output, what becomes of the task to standard error. With --json each line
    /// of standard output is an object with `at`, `event` (step, task, log, note, explanation, outcome), `manifest` (the
    /// task definition) and what belongs to the event; the last is the outcome.
    ///
    /// Exit status: that of the container; 20 when it could not be started, with the reason; 24 when it was not done
    /// within the time.
    #[command(verbatim_doc_comment)]
    Run(run::RunArgs),
}

pub(super) fn run(ctx: &Ctx, command: &Ecs) -> Result<(), Error> {
    match command {
        Ecs::Update(args) => update::run(ctx, args),
        Ecs::Run(args) => run::run(ctx, args),
    }
}
