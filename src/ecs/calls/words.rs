//! Failures in words.

use super::{Calls, locked};
use crate::aws::error::{Failure, usual_cure};
use crate::error::{Error, Kind};
use crate::support::clock::Clock;

impl Calls<'_> {
    /// What could not be done, why, and what helps: `doing` as in "cannot create the service web".
    pub fn error(&self, doing: &str, failure: &Failure) -> Error {
        let told = format!("cannot {doing}: {failure}");
        if failure.code.is_none() && locked(&self.renewal).as_deref() == Some(failure.message.as_str()) {
            // Whoever gives credentials has said what helps.
            return Error::new(failure.kind, told);
        }
        let clock = match self.clock {
            Clock::Machine(_) if failure.kind == Kind::Expired => self.connection.clock_note(),
            _ => None,
        };
        let cure = clock.unwrap_or_else(|| cure(failure, self.purpose));
        Error::new(kind_of(failure), format_args!("{told}; {cure}"))
    }
}

/// A cluster that is not there is one that the configuration names wrongly.
fn kind_of(failure: &Failure) -> Kind {
    match failure.code.as_deref() {
        Some("ClusterNotFoundException") => Kind::Configuration,
        _ => failure.kind,
    }
}

fn cure(failure: &Failure, purpose: &str) -> String {
    let known = match failure.code.as_deref().unwrap_or_default() {
        "ClusterNotFoundException" => Some("correct the name, the region or the account of the cluster"),
        "ServiceNotFoundException" | "ServiceNotActiveException" => {
            Some("deploy the job again: the service was deleted by someone else")
        }
        "LimitExceededException" => Some("raise the quota of the account, or delete what is no longer used"),
        _ if failure.message.contains("TaskDefinition is inactive") => {
            Some("that revision is deregistered: deploy again, which registers a new one")
        }
        _ => failure.cure().or_else(|| usual_cure(failure.kind)),
    };
    let by_whom = failure.code.is_some() || !failure.message.starts_with("HTTP status");
    match (failure.kind, known) {
        (Kind::Denied, _) if by_whom => denied(&failure.message, purpose),
        // AWS always says why.
        (Kind::Denied | Kind::Failed, _) if !by_whom => {
            "check the endpoint, and whether a proxy in between answers instead of AWS".to_owned()
        }
        (_, Some(known)) => known.to_owned(),
        _ => "correct what the yml asks for".to_owned(),
    }
}

/// AWS names the action that was refused.
fn denied(message: &str, purpose: &str) -> String {
    let (_, after) = message.split_once("not authorized to perform: ").unwrap_or_default();
    let action = after.split_whitespace().next().unwrap_or_default();
    let more = match action.split(':').next().unwrap_or_default() {
        // What is run or updated hands over its own roles.
        _ if purpose != "deploy" => "",
        "iam" => ",load-balancer",
        "application-autoscaling" | "cloudwatch" => ",scaling",
        _ => "",
    };
    let what = if action.is_empty() { "the action" } else { action };
    format!("add {what} to the caller's policy: shipctl iam policy --for {purpose}{more} prints what is needed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_missing_action_is_named() {
        for (purpose, message, cure) in [
            (
                "deploy",
                "User: arn:aws:iam::1:user/ci is not authorized to perform: ecs:CreateService on resource: x",
                "add ecs:CreateService to the caller's policy: shipctl iam policy --for deploy prints what is needed",
            ),
            (
                "deploy",
                "User: u is not authorized to perform: iam:PassRole",
                "add iam:PassRole to the caller's policy: shipctl iam policy --for deploy,load-balancer prints what \
                 is needed",
            ),
            (
                "run",
                "User: u is not authorized to perform: iam:PassRole",
                "add iam:PassRole to the caller's policy: shipctl iam policy --for run prints what is needed",
            ),
            (
                "run",
                "User: u is not authorized to perform: ecs:RunTask on resource: x",
                "add ecs:RunTask to the caller's policy: shipctl iam policy --for run prints what is needed",
            ),
            (
                "deploy",
                "no",
                "add the action to the caller's policy: shipctl iam policy --for deploy prints what is needed",
            ),
        ] {
            assert_eq!(denied(message, purpose), cure);
        }
    }
}
