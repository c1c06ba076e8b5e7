//! Trust policies: who may assume a role.

use serde_json::json;

use super::document::{Document, Effect, OneOrMany, Principals, Statement};
use super::pattern;
use crate::error::{Error, Kind};
use crate::job::names::did_you_mean;

/// The call that a trust policy allows.
const ASSUME_ROLE: &str = "sts:AssumeRole";

/// The services that deployments have to do with, by their words: in the order of the documents.
const SERVICES: [(&str, &str); 4] = [
    ("ecs", "ecs.amazonaws.com"),
    ("application-autoscaling", "application-autoscaling.amazonaws.com"),
    ("ec2", "ec2.amazonaws.com"),
    ("ecs-tasks", TASKS),
];

/// The one whose document has a statement of its own.
const TASKS: &str = "ecs-tasks.amazonaws.com";

/// Somebody who may assume a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trusted {
    /// A service of AWS, by its principal.
    Service(&'static str),
    /// An account, role or user.
    Arn(String),
}

impl Trusted {
    /// By the word of a service, by an ARN, or by the number of an account.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let usage = |message: String| Err(Error::new(Kind::Usage, message));
        if let Some((_, service)) = SERVICES.iter().find(|(word, service)| *word == text || *service == text) {
            return Ok(Self::Service(service));
        }
        if is_account(text) {
            return Ok(Self::Arn(format!("arn:aws:iam::{text}:root")));
        }
        if text.starts_with("arn:") {
            return match wrong_with(text) {
                None => Ok(Self::Arn(text.to_owned())),
                Some(reason) => usage(format!("{text}: {reason}")),
            };
        }
        let words = SERVICES.iter().map(|(word, _)| *word);
        let near = did_you_mean(text, words.clone());
        let words = words.collect::<Vec<_>>().join(", ");
        usage(format!("{text} is nobody to trust: give one of {words}, an ARN or an account of 12 digits{near}"))
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Why an ARN can be no principal of a trust policy.
fn wrong_with(arn: &str) -> Option<&'static str> {
    const SHAPE: &str = "a principal is arn:aws:iam::ACCOUNT:root, arn:aws:iam::ACCOUNT:role/NAME, \
                         arn:aws:iam::ACCOUNT:user/NAME or arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION";
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, service, "", account, resource] = parts[..] else { return Some(SHAPE) };
    if arn.contains(['*', '?']) {
        return Some("a principal takes no wildcards: name each role, or trust the account");
    }
    if matches!(service, "iam" | "sts") && !is_account(account) {
        return Some("an account has 12 digits");
    }
    if service == "iam" && resource.starts_with("group/") {
        return Some("a group can be no principal: name its users, or trust the account");
    }
    let named = |kind: &str| resource.strip_prefix(kind).is_some_and(is_name);
    let fits = match service {
        "iam" => resource == "root" || named("role/") || named("user/"),
        "sts" => named("assumed-role/") && resource.matches('/').count() == 2,
        _ => false,
    };
    (!fits || !partition.starts_with("aws")).then_some(SHAPE)
}

/// A name with its path.
fn is_name(text: &str) -> bool {
    let of_a_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    text.split('/').all(|part| !part.is_empty() && part.bytes().all(of_a_part))
}

/// The trust policy that lets these assume a role; with an external id, which accounts, roles and users must give.
pub fn trust(trusted: &[Trusted], external_id: Option<&str>) -> Result<Document, Error> {
    let asked = |service: &str| trusted.iter().any(|one| matches!(one, Trusted::Service(known) if *known == service));
    let services = SERVICES.iter().map(|(_, service)| *service).filter(|service| asked(service) && *service != TASKS);
    let services: Vec<String> = services.map(str::to_owned).collect();
    let mut arns: Vec<String> = Vec::new();
    for one in trusted {
        if let Trusted::Arn(arn) = one
            && !arns.contains(arn)
        {
            arns.push(arn.clone());
        }
    }
    let mut statements = Vec::new();
    if !services.is_empty() {
        statements.push(assume("Service", services));
    }
    if asked(TASKS) {
        statements.push(Statement { sid: Some(String::new()), ..assume("Service", vec![TASKS.to_owned()]) });
    }
    let has_arns = !arns.is_empty();
    if has_arns {
        let condition = external_id.map(checked_external_id).transpose()?;
        let condition = condition.and_then(|id| json!({"StringEquals": {"sts:ExternalId": id}}).as_object().cloned());
        statements.push(Statement { condition, ..assume("AWS", arns) });
    }
    if external_id.is_some() && !has_arns {
        let message = "--external-id is for accounts, roles and users, and services give none: add --for ARN";
        return Err(Error::new(Kind::Usage, message));
    }
    Ok(Document::of(statements))
}

fn checked_external_id(id: &str) -> Result<&str, Error> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&byte);
    if (2..=1224).contains(&id.len()) && id.bytes().all(fits) {
        return Ok(id);
    }
    Err(Error::new(Kind::Usage, "--external-id: 2 to 1224 letters, digits and _+=,.@:/- are wanted"))
}

fn assume(kind: &str, principals: Vec<String>) -> Statement {
    Statement {
        principal: Some(Principals::Kinds([(kind.to_owned(), OneOrMany::of(principals))].into())),
        action: Some(OneOrMany::One(ASSUME_ROLE.to_owned())),
        ..Statement::allow()
    }
}

/// Whether a trust policy, as JSON or URL-encoded as `ListRoles` returns it, lets a service assume the role. A text
/// that is no trust policy does not. A statement that allows under a condition counts, as those that name the account
/// on whose behalf a service acts; one that denies under a condition does not.
pub fn allows_service(document: &str, service: &str) -> bool {
    let Ok(document) = Document::parse(document) else { return false };
    let speaks = |effect: Effect| {
        let speaking = document.statement.0.iter().filter(move |statement| statement.effect == effect);
        speaking.filter(|statement| is_about_assuming(statement) && is_about(statement, service))
    };
    let is_denied = speaks(Effect::Deny).any(|statement| statement.condition.is_none());
    !is_denied && speaks(Effect::Allow).next().is_some()
}

fn is_about_assuming(statement: &Statement) -> bool {
    let matches = |actions: &OneOrMany| {
        let patterns = actions.all().iter().map(|action| action.to_ascii_lowercase());
        patterns.into_iter().any(|action| pattern::covers(&action, "sts:assumerole"))
    };
    match (&statement.action, &statement.not_action) {
        (Some(actions), _) => matches(actions),
        (None, Some(others)) => !matches(others),
        (None, None) => false,
    }
}

fn is_about(statement: &Statement, service: &str) -> bool {
    let names = |principals: &Principals| principals.of_kind("Service").iter().any(|name| name == service);
    match (&statement.principal, &statement.not_principal) {
        // Everybody: a service is meant by a denial of it; to trust it, it has to be named.
        (Some(Principals::Text(everybody)), _) => statement.effect == Effect::Deny && everybody == "*",
        (Some(principals), _) => names(principals),
        (None, Some(others)) => statement.effect == Effect::Deny && !names(others),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str], external_id: Option<&str>) -> String {
        let trusted: Vec<_> = words.iter().map(|word| Trusted::parse(word).unwrap()).collect();
        trust(&trusted, external_id).unwrap().pretty(2).unwrap() + "\n"
    }

    #[test]
    fn documents_are_the_documented_ones() {
        assert_eq!(
            of(&["application-autoscaling", "ecs", "ecs"], None),
            include_str!("../../tests/policies/trust-ecs.json")
        );
        assert_eq!(of(&["ecs-tasks"], None), include_str!("../../tests/policies/trust-ecs-tasks.json"));
    }

    #[test]
    fn principals_as_they_are_given() {
        for (words, want) in [
            (&["ec2"][..], r#"{"Service":"ec2.amazonaws.com"}"#),
            (&["ecs.amazonaws.com"], r#"{"Service":"ecs.amazonaws.com"}"#),
            (&["123456789012"], r#"{"AWS":"arn:aws:iam::123456789012:root"}"#),
            (&["arn:aws-cn:iam::123456789012:role/a/b"], r#"{"AWS":"arn:aws-cn:iam::123456789012:role/a/b"}"#),
            (
                &["arn:aws:iam::123456789012:user/u", "123456789012", "123456789012"],
                r#"{"AWS":["arn:aws:iam::123456789012:user/u","arn:aws:iam::123456789012:root"]}"#,
            ),
            (
                &["arn:aws:sts::123456789012:assumed-role/r/s"],
                r#"{"AWS":"arn:aws:sts::123456789012:assumed-role/r/s"}"#,
            ),
        ] {
            let trusted: Vec<_> = words.iter().map(|word| Trusted::parse(word).unwrap()).collect();
            let document = trust(&trusted, None).unwrap();
            let statement = format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{want},"Action":"sts:AssumeRole"}}]}}"#
            );
            assert_eq!(document.compact().unwrap(), statement);
        }
    }

    #[test]
    fn an_external_id_is_for_those_who_can_give_it() {
        let text = of(&["ecs", "123456789012", "ecs-tasks"], Some("a-1"));
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let conditions: Vec<_> = (0..3).map(|at| value["Statement"][at]["Condition"].clone()).collect();
        let wanted = serde_json::json!({"StringEquals": {"sts:ExternalId": "a-1"}});
        assert_eq!(conditions, [serde_json::Value::Null, serde_json::Value::Null, wanted]);
        for (word, id) in [("ecs", "a-1"), ("123456789012", "a"), ("123456789012", "a b")] {
            let error = trust(&[Trusted::parse(word).unwrap()], Some(id)).unwrap_err();
            assert_eq!(error.kind(), Kind::Usage, "{word} {id}");
        }
    }

    #[test]
    fn nobody_else_is_trusted() {
        for (word, said) in [
            ("ecs-task", "did you mean ecs-tasks"),
            ("application-autoscale", "did you mean application-autoscaling?"),
            ("", "is nobody to trust"),
            ("*", "is nobody to trust"),
            ("12345678901", "an account of 12 digits"),
            ("arn:aws:iam::*:root", "no wildcards"),
            ("arn:aws:iam::123456789012:role/*", "no wildcards"),
            ("arn:aws:iam::12345:root", "12 digits"),
            ("arn:aws:iam::123456789012:group/g", "a group can be no principal"),
            ("arn:aws:iam::123456789012:role/", "a principal is"),
            ("arn:aws:iam::123456789012:role/a b", "a principal is"),
            ("arn:aws:iam::123456789012:role/a\"b", "a principal is"),
            ("arn:aws:sts::123456789012:assumed-role/r", "a principal is"),
            ("arn:aws:s3:::bucket", "a principal is"),
            ("arn:x:iam::123456789012:root", "a principal is"),
        ] {
            let error = Trusted::parse(word).unwrap_err();
            assert!(error.kind() == Kind::Usage && error.to_string().contains(said), "{word}: {error}");
        }
    }

    #[test]
    fn who_lets_a_service_in() {
        let document = |rest: &str| format!(r#"{{"Version": "2012-10-17", "Statement": [{rest}]}}"#);
        let allow = r#"{"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}, "Action": "sts:AssumeRole"}"#;
        let deny = |principal: &str, more: &str| {
            format!(r#"{allow}, {{"Effect": "Deny", "Principal": {principal}, "Action": "sts:*"{more}}}"#)
        };
        let with = |from: &str, to: &str| document(&allow.replace(from, to));
        for (text, want) in [
            (document(allow), true),
            (of(&["ecs", "ec2", "123456789012"], None), true),
            (of(&["ecs-tasks"], None), false),
            (of(&["123456789012"], None), false),
            (with("sts:AssumeRole", "STS:*"), true),
            (with("\"sts:AssumeRole\"", r#"["sts:TagSession", "*"]"#), true),
            (with("sts:AssumeRole", "sts:AssumeRoleWithSAML"), false),
            (with("Service", "AWS"), false),
            (with(r#""Action""#, r#""Condition": {"StringEquals": {"aws:SourceAccount": "1"}}, "Action""#), true),
            (with("Allow", "Deny"), false),
            (with(r#"{"Service": "ecs.amazonaws.com"}"#, r#""*""#), false),
            (document(&deny(r#""*""#, "")), false),
            (document(&deny(r#"{"Service": ["a.amazonaws.com", "ecs.amazonaws.com"]}"#, "")), false),
            (document(&deny(r#"{"Service": "a.amazonaws.com"}"#, "")), true),
            (document(&deny(r#""*""#, r#", "Condition": {"Bool": {"aws:SecureTransport": "false"}}"#)), true),
            (document(&deny(r#""*""#, "").replace(r#""Action": "sts:*""#, r#""NotAction": "sts:AssumeRole""#)), true),
            (format!(r#"{{"Statement": {allow}}}"#), true),
            (String::new(), false),
            ("{".to_owned(), false),
            ("[]".to_owned(), false),
        ] {
            assert_eq!(allows_service(&text, "ecs.amazonaws.com"), want, "{text}");
            let encoded = percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC).to_string();
            assert_eq!(allows_service(&encoded, "ecs.amazonaws.com"), want, "{encoded}");
        }
    }
}
