//! The documented policies.

use super::document::{Document, OneOrMany, Statement};
use super::{Purpose, actions};

/// The documents come in this order where several are united: that of scaling begins with its own actions.
const ORDER: [Purpose; 6] =
    [Purpose::Legacy, Purpose::Scaling, Purpose::Deploy, Purpose::Extras, Purpose::Run, Purpose::Update];

/// The resources of actions of IAM itself, in a statement of their own.
const IAM_RESOURCES: &str = "arn:aws:iam::*:*";

/// The documented policy of these purposes together.
pub fn policy(purposes: &[Purpose]) -> Document {
    let wanted = |purpose: &Purpose| purposes.contains(purpose);
    let mut everywhere: Vec<&str> = Vec::new();
    let mut on_roles: Vec<&str> = Vec::new();
    for purpose in ORDER.iter().chain(&[Purpose::LoadBalancer]).copied().filter(wanted) {
        for action in actions(purpose) {
            // The longer list of earlier has them all in one statement.
            let is_of_roles = action.starts_with("iam:") && purpose != Purpose::Legacy;
            if !everywhere.contains(action) && !on_roles.contains(action) {
                if is_of_roles { &mut on_roles } else { &mut everywhere }.push(action);
            }
        }
    }
    let statements = [(everywhere, "*"), (on_roles, IAM_RESOURCES)];
    let statements = statements.into_iter().filter(|(actions, _)| !actions.is_empty());
    Document::of(statements.map(|(actions, resource)| allow(&actions, resource)).collect())
}

fn allow(actions: &[&str], resource: &str) -> Statement {
    Statement {
        action: Some(OneOrMany::Many(actions.iter().map(|action| (*action).to_owned()).collect())),
        resource: Some(OneOrMany::One(resource.to_owned())),
        ..Statement::allow()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Purpose::{Deploy, Extras, Legacy, LoadBalancer, Run, Scaling};

    #[test]
    fn documents_are_the_documented_ones() {
        for (purposes, file) in [
            (&[Deploy][..], include_str!("../../tests/policies/deploy.json")),
            (&[LoadBalancer, Deploy, Deploy], include_str!("../../tests/policies/load-balancer.json")),
            (&[Deploy, LoadBalancer, Scaling], include_str!("../../tests/policies/scaling.json")),
            (&[Legacy], include_str!("../../tests/policies/legacy.json")),
            (&[Legacy, Deploy, LoadBalancer], include_str!("../../tests/policies/legacy.json")),
        ] {
            assert_eq!(policy(purposes).pretty(4).unwrap() + "\n", file, "{purposes:?}");
        }
    }

    #[test]
    fn scaling_without_a_load_balancer_is_the_first_statement_of_its_document() {
        let whole = policy(&[Deploy, Scaling, LoadBalancer]);
        assert_eq!(policy(&[Deploy, Scaling]).statement.0, whole.statement.0[..1]);
    }

    #[test]
    fn every_action_is_there_once() {
        for first in Purpose::ALL {
            for second in Purpose::ALL {
                let document = policy(&[first, second]);
                let all: Vec<_> =
                    document.statement.0.iter().flat_map(|one| one.action.as_ref().unwrap().all()).collect();
                for action in actions(first).iter().chain(actions(second)) {
                    assert_eq!(all.iter().filter(|other| *other == action).count(), 1, "{first:?} {second:?} {action}");
                }
            }
        }
    }

    #[test]
    fn roles_are_passed_in_a_statement_of_their_own() {
        let document = policy(&[Run, Extras]);
        let resources: Vec<_> = document.statement.0.iter().map(|one| one.resource.clone().unwrap()).collect();
        assert_eq!(resources, [OneOrMany::One("*".into()), OneOrMany::One(IAM_RESOURCES.into())]);
        assert_eq!(document.statement.0[1].action.as_ref().unwrap().all(), ["iam:PassRole"]);
    }
}
