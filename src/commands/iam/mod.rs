//! `shipctl iam …`: policies and trust policies, without a call to AWS.

mod check;
mod policy;
mod trust;

use clap::Subcommand;

use crate::ctx::Ctx;
use crate::error::Error;
use crate::iam::{Document, Purpose};

/// Commands on IAM documents.
#[derive(Debug, Subcommand)]
pub(crate) enum Iam {
    /// Print the policy that deployments to ECS need
    ///
    /// Prints the documented policy, action for action. Purposes are united: deploy is the least;
    /// load-balancer is for a loadBalancer of the job, scaling for scaling policies and alarms. Each
    /// alone prints what it adds to deploy. A task definition with a taskRoleArn or an
    /// executionRoleArn needs iam:PassRole too, which load-balancer has.
    ///
    /// Three are beyond the documents. extras is never needed: with it the explanation of a failed
    /// deployment has the tasks that stopped, their last log lines and the health of their targets;
    /// without it a line names the action instead. run is for one-off tasks, of which the first
    /// three actions and iam:PassRole are needed; update is for ecs update.
    ///
    ///   shipctl iam policy --for deploy,load-balancer > policy.json
    ///   aws iam put-role-policy --role-name ci --policy-name ecs --policy-document file://policy.json
    ///
    /// AWS is not asked. Exit status: 2 for a purpose that is none.
    #[command(verbatim_doc_comment)]
    Policy(policy::Args),
    /// Compare policies with what deployments to ECS need
    ///
    /// Reads policy documents, united where there are several, as IAM does: wildcards, NotAction,
    /// NotResource, a Deny that wins. FILE may be what the AWS CLI prints around one. Without FILE,
    /// or as -, it is read from standard input.
    ///
    ///   aws iam get-role-policy --role-name ci --policy-name ecs | shipctl iam check --for deploy
    ///   shipctl iam check policy.json roles.json --for deploy,load-balancer,scaling --format json
    ///
    /// Prints a line for each action that is missing, with what it is for and why it is not allowed;
    /// nothing when all are allowed. A note names resources that are fewer than documented, which
    /// may be meant so; a warning names a Condition, which is not looked into, or a Deny that holds
    /// for some resources.
    ///
    /// AWS is not asked. Exit status: 0 when everything that is asked for is allowed, 2 for a purpose
    /// that is none, 4 when an action is missing, 8 when a file is no policy document.
    #[command(verbatim_doc_comment)]
    Check(check::Args),
    /// Print the trust policy of a role
    ///
    /// Prints who may assume a role, action for action as documented:
    ///
    ///   ecs, application-autoscaling   the role of load balancers and of scaling
    ///   ecs-tasks                      the roles of tasks
    ///   ec2                            the role of the instances of a cluster
    ///   an ARN                         of the root of an account, a role, a user
    ///   12 digits                      the root of this account
    ///
    ///   shipctl iam trust --for ecs,application-autoscaling
    ///   shipctl iam trust --for arn:aws:iam::123456789012:role/ci --external-id deployments
    ///
    /// AWS is not asked. Exit status: 2 for somebody who cannot be trusted.
    #[command(verbatim_doc_comment)]
    Trust(trust::Args),
}

/// What is asked for.
#[derive(Debug, clap::Args)]
struct Purposes {
    /// What the permissions are for; several are united
    #[arg(long = "for", value_name = "PURPOSE", value_enum, value_delimiter = ',', required = true)]
    purposes: Vec<Purpose>,
}

pub(super) fn run(ctx: &Ctx, command: &Iam) -> Result<(), Error> {
    match command {
        Iam::Policy(args) => policy::run(ctx, args),
        Iam::Check(args) => check::run(ctx, args),
        Iam::Trust(args) => trust::run(ctx, args),
    }
}

/// Prints a document, in lines that are set in by so many spaces or as one.
fn print(ctx: &Ctx, document: &Document, indent: usize, compact: bool) -> Result<(), Error> {
    ctx.print_line(if compact { document.compact()? } else { document.pretty(indent)? })
}
