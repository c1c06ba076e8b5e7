//! `replicas`: how many tasks, and auto scaling.

use serde_json::{Map, Value};

use super::Scaling;
use super::field::{Field, Findings, Said};
use super::shapes;
use crate::aws::alarms;
use crate::job::names;

/// What one resource asks for.
#[derive(Debug, Clone, Default)]
pub(super) struct Replicas {
    pub count: Option<i64>,
    min: Option<i64>,
    max: Option<i64>,
    role: Option<String>,
    policies: Option<Vec<Value>>,
    /// Each with its place.
    alarms: Option<Vec<(String, Value)>>,
    /// Where, and which.
    at: String,
    name: String,
}

const FIELDS: [&str; 6] =
    ["count", "minReplicas", "maxReplicas", "autoScalingRole", "autoScalingPolicies", "metricAlarms"];

/// Reads one resource.
pub(super) fn replicas(said: &Said, found: &mut Findings) -> Replicas {
    let at = said.resource.at().to_string();
    let mut read = Replicas { at, name: said.name().to_owned(), ..Replicas::default() };
    let most = i64::from(i32::MAX);
    for field in said.fields() {
        match field.key() {
            "count" => read.count = field.integer(found, 1..=most, "a whole number from 1 on"),
            "minReplicas" => read.min = field.integer(found, 0..=most, "a whole number"),
            "maxReplicas" => read.max = field.integer(found, 0..=most, "a whole number"),
            "autoScalingRole" => {
                read.role = field.text(found);
                if read.role.as_ref().is_some_and(|role| !role.starts_with("arn:")) {
                    field.wrong(found, "the ARN of a role");
                }
            }
            "autoScalingPolicies" => {
                let fit = |policy: &Field, found: &mut Findings| shapes::fit(policy, shapes::POLICY, found);
                read.policies =
                    Some(listed(&field, "PolicyName", found, fit).into_iter().map(|(_, one)| one).collect());
            }
            "metricAlarms" => {
                read.alarms = Some(listed(&field, "AlarmName", found, |alarm, _| alarm.value.clone()));
                check_alarms(&field, found);
            }
            other => {
                let near = names::did_you_mean(other, FIELDS);
                let text = format!("{} is no field of replicas, and is left out{near}", field.shown());
                found.warn(field.at(), text);
            }
        }
    }
    if said.get("count").is_none() {
        found.error(&read.at, format_args!("{} has no count: add `count: 1`", read.name));
    }
    for (key, other) in [("minReplicas", "maxReplicas"), ("maxReplicas", "minReplicas")] {
        if let Some(field) = said.get(key).filter(|_| said.get(other).is_none()) {
            let text = format!("{} has {key} and no {other}: each needs the other", read.name);
            found.error(field.at(), text);
        }
    }
    if let (Some(min), Some(max), Some(field)) = (read.min, read.max, said.get("minReplicas"))
        && min > max
    {
        found.error(field.at(), format_args!("{}: minReplicas {min} is more than maxReplicas {max}", read.name));
    }
    read
}

/// A list of requests, each with a name and its place.
fn listed(
    field: &Field,
    key: &str,
    found: &mut Findings,
    read: impl Fn(&Field, &mut Findings) -> Value,
) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for element in field.elements(found) {
        if element.map(found).is_none() {
            continue;
        }
        if element.member(key).is_none() {
            element.lacks(found, key, "NAME");
        }
        all.push((element.at(), read(&element, found)));
    }
    all
}

/// Refuses alarms that CloudWatch would not take: they are put only when the new version serves.
fn check_alarms(field: &Field, found: &mut Findings) {
    for (number, alarm) in field.value.as_array().into_iter().flatten().enumerate() {
        let Err(told) = alarm.as_object().map_or(Ok(()), alarms::check) else { continue };
        let at = field.elements(&mut Findings::default()).get(number).map_or_else(|| field.at(), Field::at);
        found.error(at, format_args!("metricAlarms[{number}].{told}"));
    }
}

impl Replicas {
    /// The later wins, key by key.
    pub fn unite(&mut self, later: &Self) {
        self.count = later.count.or(self.count);
        self.min = later.min.or(self.min);
        self.max = later.max.or(self.max);
        self.role = later.role.clone().or(self.role.take());
        self.policies = later.policies.clone().or(self.policies.take());
        self.alarms = later.alarms.clone().or(self.alarms.take());
        self.at.clone_from(&later.at);
        self.name.clone_from(&later.name);
    }

    /// The names of its policies.
    pub fn policy_names(&self) -> impl Iterator<Item = &str> {
        self.policies.iter().flatten().filter_map(|policy| policy.get("PolicyName")?.as_str())
    }

    /// The auto scaling of a service, if any. `others`: the policies of other manifests, with these.
    pub fn scaling(&self, others: &[(&str, &str)], found: &mut Findings) -> Option<Scaling> {
        let policies = self.policies.clone().unwrap_or_default();
        let alarms = self.alarms.clone().unwrap_or_default();
        let target = self.min.zip(self.max).map(|(min, max)| {
            let mut target = Map::new();
            target.insert("ServiceNamespace".to_owned(), "ecs".into());
            target.insert("ScalableDimension".to_owned(), "ecs:service:DesiredCount".into());
            target.insert("MinCapacity".to_owned(), min.into());
            target.insert("MaxCapacity".to_owned(), max.into());
            if let Some(role) = &self.role {
                target.insert("RoleARN".to_owned(), role.clone().into());
            }
            target
        });
        if target.is_none() && !policies.is_empty() {
            let text = format!(
                "autoScalingPolicies of {} need something to scale: add minReplicas and maxReplicas",
                self.name
            );
            found.error(&self.at, text);
        }
        if let (Some(count), Some(min), Some(max)) = (self.count, self.min, self.max)
            && !(min..=max).contains(&count)
        {
            let text = format!("count {count} of {} is not between minReplicas {min} and maxReplicas {max}", self.name);
            found.warn(&self.at, text);
        }
        if target.is_none() && policies.is_empty() && alarms.is_empty() {
            return None;
        }
        check_actions(&alarms, &policies, others, found);
        let alarms = alarms.into_iter().map(|(_, alarm)| alarm).collect();
        let objects = |all: Vec<Value>| all.into_iter().filter_map(|one| one.as_object().cloned());
        let filled = objects(policies).map(|mut policy| {
            for (key, value) in [("ServiceNamespace", "ecs"), ("ScalableDimension", "ecs:service:DesiredCount")] {
                policy.entry(key).or_insert(value.into());
            }
            policy
        });
        Some(Scaling { target, policies: filled.collect(), alarms: objects(alarms).collect() })
    }

    /// Where it is written.
    pub fn at(&self) -> &str {
        &self.at
    }
}

/// Refuses an action of an alarm that is neither an ARN nor a policy of the same manifest.
///
/// The ARN of another manifest's policy is known only when that was deployed before in the same run; where it has not
/// changed, or goes side by side, it is not.
fn check_actions(all: &[(String, Value)], policies: &[Value], others: &[(&str, &str)], found: &mut Findings) {
    let policies = || policies.iter().filter_map(|policy| policy.get("PolicyName")?.as_str());
    for (at, alarm) in all {
        let name = alarm.get("AlarmName").and_then(Value::as_str).unwrap_or_default();
        for key in alarms::ACTIONS {
            let actions = alarm.get(key).and_then(Value::as_array).into_iter().flatten();
            for action in actions.filter_map(Value::as_str) {
                if action.starts_with("arn:") || policies().any(|policy| policy == action) {
                    continue;
                }
                if let Some((other, _)) = others.iter().find(|(_, policy)| *policy == action) {
                    let text = format!(
                        "{key} of {name}: {action} is a policy of manifest {other}, and an alarm can name those of its own \
                         manifest alone: move the alarm to the replicas of {other}, or write the policy's ARN"
                    );
                    found.error(at, text);
                } else {
                    let near = names::did_you_mean(action, policies());
                    let text =
                        format!("{key} of {name}: {action:?} is neither an ARN nor a PolicyName of its manifest{near}");
                    found.error(at, text);
                }
            }
        }
    }
}
