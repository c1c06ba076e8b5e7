//! IAM documents of ECS deployments: the permissions that each case needs, policies that are compared with them, and
//! trust policies. Everything here is computed; AWS is never asked.

mod check; // a policy beside what is documented
mod document; // policy and trust documents
mod pattern; // `*` and `?`
mod policy; // documented policies
mod trust; // who may assume a role

use clap::ValueEnum as _;

pub use check::{Note, NoteKind, Outcome, Report, Verdict, check};
pub use document::{Document, Effect, Named, OneOrMany, Principals, Statement, Statements, read_policy};
pub use policy::policy;
pub use trust::{Trusted, allows_service, trust};

/// What permissions are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Purpose {
    /// Deployments to ECS
    Deploy,
    /// Beside deploy: services behind a load balancer
    LoadBalancer,
    /// Beside deploy: scaling policies and CloudWatch alarms
    Scaling,
    /// The longer list of earlier, which holds those of deploy and load-balancer
    Legacy,
    /// Beyond the documents, never needed: why a deployment failed, in more detail
    Extras,
    /// Beyond the documents: one-off tasks
    Run,
    /// Beyond the documents: new images for a service that no yml describes
    Update,
}

impl Purpose {
    /// Each of them.
    pub const ALL: [Self; 7] =
        [Self::Deploy, Self::LoadBalancer, Self::Scaling, Self::Legacy, Self::Extras, Self::Run, Self::Update];

    /// Its word on a command line.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// Purposes as they are written on a command line.
pub fn names(purposes: &[Purpose]) -> String {
    purposes.iter().map(|purpose| purpose.name()).collect::<Vec<_>>().join(",")
}

/// Each purpose once, in their own order.
fn distinct(purposes: &[Purpose]) -> Vec<Purpose> {
    Purpose::ALL.into_iter().filter(|purpose| purposes.contains(purpose)).collect()
}

/// The actions of a purpose, in the order of its document.
pub fn actions(purpose: Purpose) -> &'static [&'static str] {
    match purpose {
        Purpose::Deploy => &DEPLOY,
        Purpose::LoadBalancer => &LOAD_BALANCER,
        Purpose::Scaling => &SCALING,
        Purpose::Legacy => &LEGACY,
        Purpose::Extras => &EXTRAS,
        Purpose::Run => &RUN,
        Purpose::Update => &UPDATE,
    }
}

const DEPLOY: [&str; 7] = [
    "ecs:DeregisterTaskDefinition",
    "ecs:UpdateService",
    "ecs:CreateService",
    "ecs:RegisterTaskDefinition",
    "ecs:DeleteService",
    "ecs:DescribeServices",
    "ecs:ListTaskDefinitions",
];

const LOAD_BALANCER: [&str; 2] = ["iam:PassRole", "iam:ListRoles"];

const SCALING: [&str; 6] = [
    "application-autoscaling:RegisterScalableTarget",
    "application-autoscaling:DeregisterScalableTarget",
    "application-autoscaling:PutScalingPolicy",
    "application-autoscaling:DeleteScalingPolicy",
    "cloudwatch:PutMetricAlarm",
    "cloudwatch:DeleteAlarms",
];

const LEGACY: [&str; 18] = [
    "elasticloadbalancing:ConfigureHealthCheck",
    "elasticloadbalancing:DescribeLoadBalancers",
    "iam:ListRoles",
    "iam:PassRole",
    "ec2:DescribeRegions",
    "ec2:DescribeInstances",
    "ecs:DescribeClusters",
    "ecs:ListClusters",
    "ecs:RegisterTaskDefinition",
    "ecs:DeregisterTaskDefinition",
    "ecs:ListTaskDefinitions",
    "ecs:DescribeServices",
    "ecs:UpdateService",
    "ecs:DeleteService",
    "ecs:CreateService",
    "ecs:ListTasks",
    "ecs:ListContainerInstances",
    "ecs:DescribeContainerInstances",
];

const EXTRAS: [&str; 7] = [
    "ecs:ListTasks",
    "ecs:DescribeTasks",
    "logs:GetLogEvents",
    "elasticloadbalancing:DescribeTargetHealth",
    "elasticloadbalancing:DescribeInstanceHealth",
    "ecs:TagResource",
    "application-autoscaling:DescribeScalableTargets",
];

const RUN: [&str; 7] = [
    "ecs:RunTask",
    "ecs:DescribeTasks",
    "ecs:StopTask",
    "ecs:DescribeTaskDefinition",
    "ecs:DescribeServices",
    "logs:GetLogEvents",
    "iam:PassRole",
];

const UPDATE: [&str; 5] = [
    "ecs:DescribeServices",
    "ecs:DescribeTaskDefinition",
    "ecs:RegisterTaskDefinition",
    "ecs:UpdateService",
    "iam:PassRole",
];

/// What is known of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action {
    /// What it is called for, such as `creates services`.
    pub does: &'static str,
    /// The resources that AWS asks about, as a pattern; [`ANY`] where an action knows no single ones.
    pub resource: &'static str,
}

/// The resource of actions that know no single ones: a policy that names an ARN for them allows nothing.
pub const ANY: &str = "*";
const SERVICE: &str = "arn:aws:ecs:*:*:service/*";
const TASK: &str = "arn:aws:ecs:*:*:task/*";
const TASK_DEFINITION: &str = "arn:aws:ecs:*:*:task-definition/*:*";
const CLUSTER: &str = "arn:aws:ecs:*:*:cluster/*";
const CONTAINER_INSTANCE: &str = "arn:aws:ecs:*:*:container-instance/*";
const ECS: &str = "arn:aws:ecs:*:*:*";
const ROLE: &str = "arn:aws:iam::*:role/*";
/// Asked about as the path that the roles are below.
const ROLES: &str = "arn:aws:iam::*:role/";
const TARGET: &str = "arn:aws:application-autoscaling:*:*:scalable-target/*";
const ALARM: &str = "arn:aws:cloudwatch:*:*:alarm:*";
const LOG_STREAM: &str = "arn:aws:logs:*:*:log-group:*:log-stream:*";
const CLASSIC_LOAD_BALANCER: &str = "arn:aws:elasticloadbalancing:*:*:loadbalancer/*";

/// What is known of an action of the lists above.
pub fn about(action: &str) -> Action {
    let (does, resource) = match action {
        "ecs:DeregisterTaskDefinition" => ("takes old task definitions out of use", ANY),
        "ecs:UpdateService" => ("updates and scales services, and scales down those that are replaced", SERVICE),
        "ecs:CreateService" => ("creates services", SERVICE),
        "ecs:RegisterTaskDefinition" => ("registers the task definition of a new version", TASK_DEFINITION),
        "ecs:DeleteService" => ("deletes services that are replaced, or new ones that failed", SERVICE),
        "ecs:DescribeServices" => ("watches rollouts", SERVICE),
        "ecs:DescribeTaskDefinition" => ("reads the task definition that is changed or run", ANY),
        "ecs:ListTaskDefinitions" => ("finds the task definitions of earlier deployments", ANY),
        "iam:PassRole" => ("hands roles to ECS: the load balancer's, those of task definitions", ROLE),
        "iam:ListRoles" => ("looks for a role for the load balancer where none is given", ROLES),
        "application-autoscaling:RegisterScalableTarget" => ("makes a service scalable", TARGET),
        "application-autoscaling:DeregisterScalableTarget" => {
            ("ends the scaling of services that are replaced", TARGET)
        }
        "application-autoscaling:PutScalingPolicy" => ("puts scaling policies in place", TARGET),
        "application-autoscaling:DeleteScalingPolicy" => ("deletes scaling policies", TARGET),
        "application-autoscaling:DescribeScalableTargets" => ("finds what else scales a service", ANY),
        "cloudwatch:PutMetricAlarm" => ("puts alarms in place", ALARM),
        "cloudwatch:DeleteAlarms" => ("deletes alarms", ALARM),
        "elasticloadbalancing:ConfigureHealthCheck" => ("set up health checks, earlier", CLASSIC_LOAD_BALANCER),
        "elasticloadbalancing:DescribeLoadBalancers" => ("listed load balancers, earlier", ANY),
        "elasticloadbalancing:DescribeTargetHealth" => ("says which targets are unhealthy, and why", ANY),
        "elasticloadbalancing:DescribeInstanceHealth" => ("says which instances are unhealthy, and why", ANY),
        "ec2:DescribeRegions" => ("listed regions, earlier", ANY),
        "ec2:DescribeInstances" => ("listed the instances of clusters, earlier", ANY),
        "ecs:DescribeClusters" => ("showed clusters, earlier", CLUSTER),
        "ecs:ListClusters" => ("listed clusters, earlier", ANY),
        "ecs:ListContainerInstances" => ("listed the instances of clusters, earlier", CLUSTER),
        "ecs:DescribeContainerInstances" => ("showed the instances of clusters, earlier", CONTAINER_INSTANCE),
        "ecs:ListTasks" => ("finds the tasks that stopped", CONTAINER_INSTANCE),
        "ecs:DescribeTasks" => ("says why tasks stopped, and with which exit status", TASK),
        "ecs:TagResource" => ("tags what is created", ECS),
        "ecs:RunTask" => ("starts one-off tasks", TASK_DEFINITION),
        "ecs:StopTask" => ("stops one-off tasks", TASK),
        "logs:GetLogEvents" => ("shows the last log lines of a container", LOG_STREAM),
        _ => ("is asked for", ANY),
    };
    Action { does, resource }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_known() {
        for purpose in Purpose::ALL {
            for (index, action) in actions(purpose).iter().enumerate() {
                assert_ne!(about(action).does, about("other:Action").does, "{action}");
                assert!(!actions(purpose)[..index].contains(action), "{action} is listed twice for {purpose:?}");
            }
        }
    }

    #[test]
    fn no_extra_is_needed_by_a_deploy() {
        let needed = [Purpose::Deploy, Purpose::LoadBalancer, Purpose::Scaling].map(actions).concat();
        assert!(!needed.iter().any(|action| EXTRAS.contains(action)));
    }
}
