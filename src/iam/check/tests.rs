use super::*;
use crate::error::Kind;
use crate::iam::{policy, read_policy};
use Purpose::{Deploy, Extras, Legacy, LoadBalancer, Run, Scaling};

const DEPLOY: &str = include_str!("../../../tests/policies/deploy.json");
const LOAD_BALANCER: &str = include_str!("../../../tests/policies/load-balancer.json");
const SCALING: &str = include_str!("../../../tests/policies/scaling.json");
const LEGACY: &str = include_str!("../../../tests/policies/legacy.json");

fn report(purposes: &[Purpose], texts: &[&str]) -> Report {
    let read = |(index, text): (usize, &&str)| read_policy(&format!("{}.json", index + 1), text.as_bytes()).unwrap();
    check(purposes, &texts.iter().enumerate().map(read).collect::<Vec<_>>())
}

fn missing(purposes: &[Purpose], texts: &[&str]) -> Vec<&'static str> {
    report(purposes, texts).missing().map(|verdict| verdict.action).collect()
}

/// One statement, from what stands in it.
fn of(statement: &str) -> String {
    format!(r#"{{"Version": "2012-10-17", "Statement": [{{{statement}}}]}}"#)
}

fn all_but(purpose: Purpose, held: &[&str]) -> Vec<&'static str> {
    actions(purpose).iter().copied().filter(|action| !held.contains(action)).collect()
}

#[test]
fn documented_policies_beside_each_purpose() {
    let held =
        |purposes: &[Purpose]| purposes.iter().flat_map(|purpose| actions(*purpose)).copied().collect::<Vec<_>>();
    for (text, holds) in [
        (DEPLOY, held(&[Deploy])),
        (LOAD_BALANCER, held(&[Deploy, LoadBalancer])),
        (SCALING, held(&[Deploy, LoadBalancer, Scaling])),
        (LEGACY, held(&[Legacy])),
    ] {
        for purpose in Purpose::ALL {
            let found = report(&[purpose], &[text]);
            let gone: Vec<_> = found.missing().map(|verdict| verdict.action).collect();
            assert_eq!(gone, all_but(purpose, &holds), "{purpose:?}");
            assert_eq!(found.notes, [], "{purpose:?}");
        }
    }
    // What that comes to.
    assert!(missing(&[Deploy, LoadBalancer], &[LEGACY]).is_empty());
    assert_eq!(missing(&[Deploy, LoadBalancer], &[DEPLOY]), ["iam:PassRole", "iam:ListRoles"]);
    assert_eq!(missing(&[Deploy, Scaling], &[LOAD_BALANCER]).len(), 6);
    assert_eq!(missing(&[Legacy], &[SCALING]).len(), 18 - 9);
}

#[test]
fn each_policy_is_enough_for_what_it_was_made_for() {
    for set in 1..64_u32 {
        let purposes: Vec<_> = (0..6).filter(|bit| set & (1 << bit) != 0).map(|bit| Purpose::ALL[bit]).collect();
        let text = policy(&purposes).compact().unwrap();
        let found = report(&purposes, &[&text]);
        assert!(found.missing().next().is_none() && found.notes.is_empty(), "{purposes:?}: {}", found.text());
    }
}

#[test]
fn each_action_taken_away_is_named() {
    for (text, purposes) in [(DEPLOY, &[Deploy][..]), (SCALING, &[Deploy, LoadBalancer, Scaling]), (LEGACY, &[Legacy])]
    {
        for action in purposes.iter().flat_map(|purpose| actions(*purpose)) {
            let without = text.replace(&format!("\"{action}\""), "\"other:Action\"");
            assert_eq!(missing(purposes, &[&without]), [*action]);
            let denied = of(&format!(r#""Effect": "Deny", "Action": "{action}", "Resource": "*""#));
            let found = report(purposes, &[text, &denied]);
            let verdict = found.missing().next().unwrap();
            assert_eq!(verdict.outcome, Outcome::Denied("2.json: statement 1 denies it".into()), "{action}");
        }
    }
}

#[test]
fn actions_are_read_as_iam_reads_them() {
    for (statement, gone) in [
        (r#""Effect": "Allow", "Action": "*", "Resource": "*""#, 0),
        (r#""Effect": "Allow", "Action": "ecs:*", "Resource": "*""#, 0),
        (r#""Effect": "Allow", "Action": "ECS:*service*", "Resource": ["*"]"#, 3),
        (r#""Effect": "Allow", "Action": ["ecs:?reateService", "ecs:createservic"], "Resource": "*""#, 6),
        (r#""Effect": "Allow", "Action": "ec2:*", "Resource": "*""#, 7),
        (r#""Effect": "Allow", "NotAction": "iam:*", "Resource": "*""#, 0),
        (r#""Effect": "Allow", "NotAction": ["iam:*", "ecs:Delete*"], "Resource": "*""#, 1),
        (r#""Effect": "Deny", "Action": "ec2:*", "Resource": "*""#, 7),
    ] {
        let found = report(&[Deploy], &[&of(statement)]);
        assert_eq!((found.missing().count(), found.notes.len()), (gone, 0), "{statement}: {}", found.text());
    }
    // A statement without a list, a document without a version.
    let plain = r#"{"Statement": {"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}}"#;
    assert!(missing(&[Deploy], &[plain]).is_empty());
}

#[test]
fn resources_are_those_that_the_action_is_asked_for() {
    let allow = |action: &str, resource: &str| {
        of(&format!(r#""Effect": "Allow", "Action": "{action}", "Resource": {resource}"#))
    };
    for (purpose, action, resource, is_allowed, notes) in [
        (LoadBalancer, "iam:PassRole", r#""arn:aws:iam::*:*""#, true, 0),
        (LoadBalancer, "iam:PassRole", r#""arn:aws:iam::*:role/*""#, true, 0),
        (LoadBalancer, "iam:PassRole", r#""arn:aws-cn:iam::*:*""#, true, 0),
        (LoadBalancer, "iam:PassRole", r#""arn:aws:iam::123456789012:role/ecs""#, true, 1),
        (LoadBalancer, "iam:PassRole", r#"["arn:aws:iam::123456789012:role/ecs", "*"]"#, true, 0),
        (LoadBalancer, "iam:PassRole", r#""arn:aws:iam::123456789012:user/ecs""#, false, 0),
        (LoadBalancer, "iam:PassRole", r#""arn:aws:iam::123456789012:role/${aws:username}""#, true, 1),
        (LoadBalancer, "iam:ListRoles", r#""arn:aws:iam::123456789012:role/*""#, true, 1),
        (LoadBalancer, "iam:ListRoles", r#""arn:aws:iam::123456789012:role/ecs""#, false, 0),
        (Deploy, "ecs:UpdateService", r#""arn:aws:ecs:eu-west-1:123456789012:service/prod/*""#, true, 1),
        (Deploy, "ecs:UpdateService", r#""arn:aws:ecs:eu-west-1:123456789012:*""#, true, 1),
        (Deploy, "ecs:UpdateService", r#""arn:aws:ecs:*:*:service/*""#, true, 0),
        (Deploy, "ecs:UpdateService", r#""arn:aws:ecs:eu-west-1:123456789012:cluster/prod""#, false, 0),
        (Deploy, "ecs:RegisterTaskDefinition", r#""arn:aws:ecs:*:*:task-definition/web:*""#, true, 1),
        (Deploy, "ecs:DeregisterTaskDefinition", r#""arn:aws:ecs:*:*:task-definition/web:*""#, false, 0),
        (Deploy, "ecs:ListTaskDefinitions", r#""arn:aws:ecs:*:*:*""#, false, 0),
        (Deploy, "ecs:ListTaskDefinitions", r#""*""#, true, 0),
        (Run, "ecs:RunTask", r#""arn:aws:ecs:*:123456789012:task-definition/web:*""#, true, 1),
        (Scaling, "cloudwatch:PutMetricAlarm", r#""arn:aws:cloudwatch:*:*:alarm:web-*""#, true, 1),
        (Extras, "logs:GetLogEvents", r#""arn:aws:logs:*:*:log-group:/ecs/*:log-stream:*""#, true, 1),
    ] {
        let found = report(&[purpose], &[&allow(action, resource)]);
        let verdict = found.verdicts.iter().find(|verdict| verdict.action == action).unwrap();
        let is_as_wanted = (verdict.outcome == Outcome::Allowed, found.notes.len()) == (is_allowed, notes);
        assert!(is_as_wanted, "{action} on {resource}: {}", found.text());
        assert!(found.notes.iter().all(|note| note.kind == NoteKind::Resource && note.actions == [action]));
    }
    // Before 2012 there were no variables.
    let earlier = allow("iam:PassRole", r#""arn:aws:iam::1:r${x}""#).replace("2012", "2008");
    assert_eq!(missing(&[LoadBalancer], &[&earlier]).len(), 2);
}

#[test]
fn everything_but_some_resources() {
    let allow =
        |resource: &str| of(&format!(r#""Effect": "Allow", "Action": "iam:PassRole", "NotResource": "{resource}""#));
    for (resource, is_allowed, notes) in [
        ("arn:aws:s3:::*", true, 0),
        ("arn:aws:iam::123456789012:role/admin", true, 1),
        ("arn:aws:iam::*:role/*", false, 0),
        ("*", false, 0),
    ] {
        let found = report(&[LoadBalancer], &[&allow(resource)]);
        let outcome = &found.verdicts[0].outcome;
        assert_eq!((*outcome == Outcome::Allowed, found.notes.len()), (is_allowed, notes), "{}", found.text());
    }
}

#[test]
fn conditions_are_told_not_judged() {
    let condition = r#""Condition": {"StringEquals": {"ecs:cluster": "prod"}}"#;
    let allow = of(&format!(r#""Sid": "Prod", "Effect": "Allow", "Action": "ecs:*", "Resource": "*", {condition}"#));
    let found = report(&[Deploy], &[&allow]);
    assert_eq!((found.missing().count(), found.notes.len()), (0, 1));
    assert_eq!(found.notes[0].actions, actions(Deploy));
    let text = found.text();
    assert!(text.starts_with("warning: 1.json: statement 1 (Prod): ecs:DeregisterTaskDefinition, "), "{text}");
    assert!(text.ends_with("looked into, {\"StringEquals\":{\"ecs:cluster\":\"prod\"}}\n"), "{text}");
    // Allowed anyway by another.
    assert_eq!(report(&[Deploy], &[&allow, DEPLOY]).notes, []);
    let deny = allow.replace("Allow", "Deny");
    let found = report(&[Deploy], &[DEPLOY, &deny]);
    assert_eq!((found.missing().count(), found.notes[0].kind), (0, NoteKind::Deny));
    // What is missing is that, whatever denies it too.
    assert_eq!(report(&[LoadBalancer], &[&deny]).notes, []);
}

#[test]
fn a_denial_on_some_resources_is_told() {
    let deny = of(r#""Effect": "Deny", "Action": "iam:*", "Resource": "arn:aws:iam::*:role/admin""#);
    let found = report(&[LoadBalancer], &[LOAD_BALANCER, &deny]);
    assert_eq!(found.text(), "warning: 2.json: statement 1: iam:PassRole: denied on arn:aws:iam::*:role/admin\n");
    let elsewhere = deny.replace("role/admin", "user/admin");
    assert_eq!(report(&[LoadBalancer], &[LOAD_BALANCER, &elsewhere]).text(), "");
}

#[test]
fn policies_are_united() {
    let roles = of(r#""Effect": "Allow", "Action": "iam:*", "Resource": "*""#);
    assert!(missing(&[Deploy, LoadBalancer], &[DEPLOY, &roles]).is_empty());
    assert_eq!(missing(&[Deploy, LoadBalancer], &[&roles]), actions(Deploy));
    assert_eq!(missing(&[Deploy], &[]), actions(Deploy));
}

#[test]
fn lines_say_what_an_action_is_for() {
    assert_eq!(
        report(&[Deploy, LoadBalancer, Run], &[DEPLOY]).text().lines().next().unwrap(),
        "missing: iam:PassRole (load-balancer,run): hands roles to ECS: the load balancer's, those of task definitions; \
         no statement allows it"
    );
    let cluster = of(r#""Effect": "Allow", "Action": "ecs:*", "Resource": "arn:aws:ecs:*:*:cluster/prod""#);
    let text = report(&[Deploy], &[&cluster]).text();
    assert!(text.contains("cluster/prod, but AWS asks for arn:aws:ecs:*:*:service/*"), "{text}");
    assert!(text.contains("this action knows no single resources: allow it on \"*\""), "{text}");
}

#[test]
fn json_has_every_action() {
    let json = report(&[LoadBalancer, Deploy], &[DEPLOY]).json();
    assert_eq!(json["allowed"], false);
    assert_eq!(json["for"], json!(["deploy", "load-balancer"]));
    assert_eq!(json["missing"], json!(["iam:PassRole", "iam:ListRoles"]));
    assert_eq!(json["actions"].as_array().unwrap().len(), 9);
    assert_eq!(json["actions"][8]["reason"], "no statement allows it");
    assert_eq!(report(&[Deploy], &[DEPLOY]).json()["allowed"], true);
}

#[test]
fn documents_in_answers_of_aws() {
    let value: Value = serde_json::from_str(DEPLOY).unwrap();
    let encoded = percent_encoding::utf8_percent_encode(DEPLOY, percent_encoding::NON_ALPHANUMERIC).to_string();
    for text in [
        json!({"PolicyVersion": {"Document": value, "VersionId": "v1", "IsDefaultVersion": true}}).to_string(),
        json!({"PolicyVersion": {"Document": encoded}}).to_string(),
        json!({"Document": value, "VersionId": "v1"}).to_string(),
        json!({"RoleName": "r", "PolicyName": "p", "PolicyDocument": value}).to_string(),
        json!({"UserName": "u", "PolicyName": "p", "PolicyDocument": encoded}).to_string(),
        encoded.clone(),
        format!("\n{encoded}"),
        format!("\u{feff}{DEPLOY}"),
    ] {
        assert!(missing(&[Deploy], &[&text]).is_empty(), "{text}");
    }
}

#[test]
fn wrong_documents_say_where() {
    let trust = include_str!("../../../tests/policies/trust-ecs.json");
    for (text, said) in [
        (String::new(), "p.json: empty"),
        ("{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [,]\n}".to_owned(), "p.json:3:17: expected value"),
        ("[]".to_owned(), "p.json: no policy document"),
        ("5".to_owned(), "p.json: no policy document"),
        ("{}".to_owned(), "p.json: no policy document"),
        (trust.to_owned(), "p.json: statement 1: has a Principal, so this is a trust policy"),
        (r#"{"Role": {}}"#.to_owned(), "p.json: a trust policy"),
        (r#"{"PolicyVersion": {}}"#.to_owned(), "p.json: no PolicyVersion.Document"),
        (r#"{"PolicyDocument": "%7B"}"#.to_owned(), "p.json: PolicyDocument: EOF"),
        (r#"{"PolicyDocument": {"Statement": [{}]}}"#.to_owned(), "p.json: PolicyDocument: missing field `Effect`"),
        (r#"{"Statement": "x"}"#.to_owned(), "p.json:1:17: invalid type: string \"x\", expected a list of statements"),
        (of(r#""Effect": "allow", "Action": "*", "Resource": "*""#), "unknown variant `allow`, expected `Allow` or"),
        (of(r#""Effect": "Allow", "Actions": "*", "Resource": "*""#), "unknown field `Actions`, expected one of"),
        (of(r#""Effect": "Allow", "Action": true, "Resource": "*""#), "expected a string or a list of strings"),
        (of(r#""Effect": "Allow", "Action": "*", "Action": "*", "Resource": "*""#), "duplicate field `Action`"),
        (of(r#""Effect": "Allow", "Resource": "*""#), "statement 1: has neither Action nor NotAction"),
        (of(r#""Effect": "Allow", "Action": "*""#), "statement 1: has neither Resource nor NotResource"),
        (of(r#""Effect": "Allow", "Action": [], "Resource": "*""#), "its list of Action is empty"),
        (of(r#""Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*""#), "has both Action and NotAction"),
        (of(r#""Effect": "Allow", "Action": "CreateService", "Resource": "*""#), "CreateService is no action"),
        (of(r#""Effect": "Allow", "Action": "*", "Resource": "prod""#), "p.json: statement 1: \"prod\" is no resource"),
        (of(r#""Effect": "Allow", "Action": "*", "NotResource": ["*", ""]"#), "\"\" is no resource: write an ARN"),
        (DEPLOY.replace("2012", "2022"), "there is no Version 2022-10-17: write 2012-10-17"),
    ] {
        let error = read_policy("p.json", text.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), Kind::Configuration);
        assert!(error.to_string().starts_with("p.json:") && error.to_string().contains(said), "{text}: {error}");
    }
    assert!(read_policy("p.json", b"\xff").unwrap_err().to_string().contains("not UTF-8"));
}
