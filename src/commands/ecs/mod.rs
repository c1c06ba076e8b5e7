//! `shipctl ecs …`: deployments to ECS.

mod access; // whose credentials a cluster is reached with
mod args; // options that several commands have
mod delete;
mod deploy;
mod log; // what is seen while it goes on
mod named; // a cluster that no yml describes
mod plan;
mod project; // a deploy job, read
mod report; // how it ended
mod rollback;
mod run;
mod scale;
mod session; // the AWS API, with signals and a clock
mod status;
mod update;

use clap::Subcommand;

use crate::ctx::Ctx;
use crate::error::Error;

/// Commands on ECS.
#[derive(Debug, Subcommand)]
pub(crate) enum Ecs {
    /// Deploy a deploy job of shippable.yml
    ///
    /// Deploys each manifest of the job as a service, by the job's method: blueGreen (the default) puts a new service
    /// beside the old one and removes that when the new one is steady, upgrade changes the service in place, replace stops
    /// the old tasks first. What has not changed since the last time is left alone, unless it is forced.
    ///
    /// What was deployed before is remembered in the store, so that the documented permissions are enough; see shipctl
    /// iam policy. Two deployments of one job cannot get in each other's way. One that was killed is picked up by the
    /// next: what it left behind is named, and removed with --prune.
    ///
    /// --timeout bounds the time in which the new version has to serve; the old service has as long again to go, and going
    /// back as long, 60 s at least. An old service that is not gone in its time is told, remembered, and removed with
    /// --prune; the new version serves, and the exit status is 24.
    ///
    /// Progress goes to standard error, one line per change; on a terminal a live line shows the counts. On success each
    /// manifest prints MANIFEST SERVICE TASK_DEFINITION, separated by tabs: what serves, or with --no-wait what was begun.
    /// With --json each line of standard output is an object with `at`, `event` (step, counts, serviceEvent, note,
    /// explanation, outcome), `manifest` and what belongs to the event; the last for each manifest is its outcome.
    /// `shipctl man ecs` has every field.
    ///
    /// Exit status: 0 done, or nothing had changed; 20 failed, with nothing to go back to or none asked for; 21 failed and
    /// rolled back: the old version serves; 22 failed, and so did the roll-back; 23 superseded: somebody else has deployed
    /// meanwhile; 24 not done within the time; 130, 143 interrupted.
    Deploy(deploy::DeployArgs),
    /// Show what ecs deploy would do, without a call
    ///
    /// Prints, for each manifest, the calls in order, the IAM actions that they need, and what differs from the last
    /// deployment; the first time the whole task definition and service. Nothing is called and nothing is written.
    /// Secrets are masked.
    Plan(plan::PlanArgs),
    /// Show what serves for a deploy job
    ///
    /// Prints one line for each manifest: what is remembered of it, and what ECS shows: counts, roll-outs, the last
    /// events. Left-overs of deployments that were killed are listed.
    ///
    /// Exit status: 0 when every service is there and all its tasks run; 1 when one is not.
    Status(status::StatusArgs),
    /// Go back to the version before
    ///
    /// Deploys the task definition of the version before the one that serves, by the method that deployed it. One that was
    /// deregistered meanwhile is passed over for the next older one that is kept. Exit status as of ecs deploy.
    Rollback(rollback::RollbackArgs),
    /// Set the count of a job's services
    Scale(scale::ScaleArgs),
    /// Remove everything that a deploy job has made
    ///
    /// Scales to 0, waits, deletes services, alarms, scaling policies, scalable targets, and makes task definitions
    /// inactive: those that the store remembers for the job, which need not be in the yml any more.
    Delete(delete::DeleteArgs),
    /// Put new images into a service that no yml describes
    ///
    /// Registers the service's task definition with other images and variables, updates the service to
    /// it and waits. This reads the task definition, which needs ecs:DescribeTaskDefinition beyond the
    /// documented permissions; see shipctl iam policy --for update. Everything else of it stays as it
    /// is. When nothing is to change, a roll-out that is under way is waited for, and nothing more is
    /// done.
    ///
    ///   shipctl ecs update prod web --image app=registry/app:1.2 --env app:LOG=info --rollback
    ///   shipctl ecs update prod web --ambient --region us-east-1 --desired-count 4
    ///
    /// On success prints SERVICE TASK_DEFINITION, separated by a tab. With --json each line of standard
    /// output is an object, as of ecs deploy.
    ///
    /// CLUSTER is a cluster of the job directory, or the name of any cluster together with --ambient,
    /// --profile, --source or --clouddriver. Exit status as of ecs deploy.
    #[command(verbatim_doc_comment)]
    Update(update::UpdateArgs),
    /// Run a task once and end with its exit status
    ///
    /// Starts a task, shows what it says where its log goes to CloudWatch, and ends with the exit
    /// status of its container: the first essential one, or that of --container. A signal stops the
    /// task. See shipctl iam policy --for run.
    ///
    ///   shipctl ecs run prod web --like web -- ./manage migrate
    ///
    /// What the container says goes to standard output, what becomes of the task to standard error.
    /// With --json each line of standard output is an object with `at`, `event` (step, task, log, note,
    /// explanation, outcome), `manifest` (the task definition) and what belongs to the event; the last
    /// is the outcome.
    ///
    /// Exit status: that of the container; 20 when it could not be started, with the reason; 24 when it
    /// was not done within the time.
    #[command(verbatim_doc_comment)]
    Run(run::RunArgs),
}

pub(super) fn run(ctx: &Ctx, command: &Ecs) -> Result<(), Error> {
    match command {
        Ecs::Deploy(args) => deploy::run(ctx, args),
        Ecs::Plan(args) => plan::run(ctx, args),
        Ecs::Status(args) => status::run(ctx, args),
        Ecs::Rollback(args) => rollback::run(ctx, args),
        Ecs::Scale(args) => scale::run(ctx, args),
        Ecs::Delete(args) => delete::run(ctx, args),
        Ecs::Update(args) => update::run(ctx, args),
        Ecs::Run(args) => run::run(ctx, args),
    }
}
