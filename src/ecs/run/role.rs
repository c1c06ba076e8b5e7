//! The role that ECS takes to register tasks with a load balancer, where none was named.

use crate::aws::roles::Role;
use crate::iam::allows_service;

/// Who takes it.
const SERVICE: &str = "ecs.amazonaws.com";
/// Roles under this path are made by services for themselves, and cannot be passed on.
const SERVICE_LINKED: &str = "/aws-service-role/";
/// The one that ECS makes for itself.
pub(super) const LINKED: &str = "AWSServiceRoleForECS";
/// What the documentation of ECS calls it.
const USUAL: &str = "ecsServiceRole";

/// The ARN of the role to take, or what is wrong in one line. None where ECS takes the role that it has made for itself.
pub(super) fn choose(roles: &[Role]) -> Result<Option<&str>, String> {
    let is_linked = |role: &&Role| role.path.starts_with(SERVICE_LINKED);
    let trusts = |role: &&Role| !is_linked(role) && allows_service(&role.trust.to_string(), SERVICE);
    let fitting: Vec<&Role> = roles.iter().filter(trusts).collect();
    match fitting.as_slice() {
        [] if roles.iter().any(|role| is_linked(&role) && role.name == LINKED) => Ok(None),
        [] => Err(format!(
            "no role of this account trusts {SERVICE}: make one (`shipctl iam trust --for ecs` prints its trust policy), \
             or name one as `role` of the loadBalancer"
        )),
        [one] => Ok(Some(&one.arn)),
        several => {
            let mut usual = several.iter().filter(|role| role.name == USUAL);
            if let (Some(role), None) = (usual.next(), usual.next()) {
                return Ok(Some(&role.arn));
            }
            let mut names: Vec<&str> = several.iter().map(|role| role.name.as_str()).collect();
            names.sort_unstable();
            Err(format!("several roles trust {SERVICE} ({}): name one as `role` of the loadBalancer", names.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn role(name: &str, path: &str, service: &str) -> Role {
        let statement = json!({ "Effect": "Allow", "Principal": { "Service": service }, "Action": "sts:AssumeRole" });
        Role {
            name: name.to_owned(),
            arn: format!("arn:aws:iam::1:role{path}{name}"),
            path: path.to_owned(),
            trust: json!({ "Version": "2012-10-17", "Statement": [statement] }),
        }
    }

    #[test]
    fn the_role_is_one_that_ecs_may_take() {
        let linked = role("AWSServiceRoleForECS", "/aws-service-role/ecs.amazonaws.com/", SERVICE);
        let other = role("web", "/", "ec2.amazonaws.com");
        let one = role("mine", "/", SERVICE);
        let two = role("also", "/team/", SERVICE);
        let usual = role(USUAL, "/", SERVICE);
        let unreadable = Role { trust: serde_json::Value::Null, ..one.clone() };
        for (roles, want) in [
            (vec![linked.clone(), other.clone(), one.clone()], Ok("arn:aws:iam::1:role/mine")),
            (vec![one.clone(), usual, two.clone()], Ok("arn:aws:iam::1:role/ecsServiceRole")),
            (vec![one.clone(), two], Err("also, mine")),
            (vec![other.clone(), unreadable], Err("no role")),
        ] {
            match (choose(&roles), want) {
                (Ok(arn), want) => assert_eq!(Ok(arn.unwrap()), want),
                (Err(told), Err(part)) => assert!(told.contains(part) && told.contains("`role`"), "{told}"),
                (Err(told), Ok(_)) => panic!("{told}"),
            }
        }
        // ECS has one of its own: nothing has to be named.
        assert_eq!(choose(&[linked, other]), Ok(None));
    }
}
