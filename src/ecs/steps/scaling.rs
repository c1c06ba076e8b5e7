//! Auto scaling around a service: what makes it, and what takes it away.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Step, text};
use crate::aws::alarms::ACTIONS;
use crate::aws::ecs::{Request, last_part};
use crate::ecs::memory::{Deployed, Scaled};
use crate::ecs::wanted::Scaling;

/// What Application Auto Scaling calls ECS.
pub(super) const NAMESPACE: &str = "ecs";
/// What it calls the count of a service.
pub(super) const DIMENSION: &str = "ecs:service:DesiredCount";

/// The cluster may be given as an ARN; here its name is wanted.
pub fn resource_id(cluster: &str, service: &str) -> String {
    format!("service/{}/{service}", last_part(cluster))
}

/// A request about a scalable target, complete.
fn filled(request: &Request, cluster: &str, service: &str) -> Request {
    let mut request = request.clone();
    let own = resource_id(cluster, service);
    for (key, value) in [("ServiceNamespace", NAMESPACE), ("ResourceId", &own), ("ScalableDimension", DIMENSION)] {
        request.entry(key).or_insert_with(|| value.into());
    }
    request
}

/// The steps that make auto scaling, or change it.
pub(super) fn puts(scaling: &Scaling, cluster: &str, service: &str) -> Vec<Step> {
    let target = scaling.target.iter().map(|request| Step::RegisterTarget(filled(request, cluster, service)));
    let policies = scaling.policies.iter().map(|request| Step::PutPolicy(filled(request, cluster, service)));
    target.chain(policies).chain(scaling.alarms.iter().cloned().map(Step::PutAlarm)).collect()
}

/// What those steps make.
pub(in crate::ecs) fn scaled(scaling: Option<&Scaling>, cluster: &str, service: &str) -> Option<Scaled> {
    let scaling = scaling?;
    scaled_names(&puts(scaling, cluster, service))
}

/// What steps make, by name.
pub(in crate::ecs) fn scaled_names(steps: &[Step]) -> Option<Scaled> {
    let mut made = Scaled::default();
    let mut is_any = false;
    let name = |request: &Request, key: &str| text(request, key).unwrap_or_default().to_owned();
    for step in steps {
        match step {
            Step::RegisterTarget(request) => made.resource_id = name(request, "ResourceId"),
            Step::PutPolicy(request) => {
                made.resource_id = name(request, "ResourceId");
                made.policies.push(name(request, "PolicyName"));
            }
            Step::PutAlarm(request) => made.alarms.push(name(request, "AlarmName")),
            _ => continue,
        }
        is_any = true;
    }
    is_any.then_some(made)
}

/// What steps take away, by name; a target with all its policies where none is named.
pub(in crate::ecs) fn scaling_taken(steps: &[Step]) -> Option<Scaled> {
    let mut taken = Scaled::default();
    for step in steps {
        match step {
            Step::DeleteAlarms(names) => taken.alarms.extend(names.iter().cloned()),
            Step::DeletePolicy { name, resource_id } => {
                taken.resource_id.clone_from(resource_id);
                taken.policies.push(name.clone());
            }
            Step::DeregisterTarget { resource_id } => taken.resource_id.clone_from(resource_id),
            _ => {}
        }
    }
    (taken != Scaled::default()).then_some(taken)
}

/// The steps that take auto scaling away, save alarms that something else goes on with.
pub(super) fn removal(old: &Scaled, still: Option<&Scaled>) -> Vec<Step> {
    let mut steps = Vec::new();
    let kept = |name: &&String| still.is_none_or(|still| !still.alarms.contains(name));
    let alarms: Vec<String> = old.alarms.iter().filter(kept).cloned().collect();
    if !alarms.is_empty() {
        steps.push(Step::DeleteAlarms(alarms));
    }
    if old.resource_id.is_empty() {
        return steps;
    }
    let stays = still.is_some_and(|still| still.resource_id == old.resource_id);
    for name in &old.policies {
        if !(stays && still.is_some_and(|still| still.policies.contains(name))) {
            steps.push(Step::DeletePolicy { name: name.clone(), resource_id: old.resource_id.clone() });
        }
    }
    if !stays {
        steps.push(Step::DeregisterTarget { resource_id: old.resource_id.clone() });
    }
    steps
}

/// Auto scaling as it was wanted, from what is remembered.
pub(in crate::ecs) fn remembered(wanted: &Value) -> Option<Scaling> {
    let scaling = wanted.get("scaling")?.as_object()?;
    let list = |key: &str| -> Vec<Request> {
        let found = scaling.get(key).and_then(Value::as_array);
        found.map(|found| found.iter().filter_map(Value::as_object).cloned().collect()).unwrap_or_default()
    };
    let target = scaling.get("target").and_then(Value::as_object).cloned();
    Some(Scaling { target, policies: list("policies"), alarms: list("alarms") })
}

/// The steps that put the auto scaling of what serves back.
pub(super) fn put_back(was: &Deployed) -> Vec<Step> {
    remembered(&was.wanted).map(|scaling| puts(&scaling, &was.cluster, &was.service)).unwrap_or_default()
}

/// An alarm whose actions that are names of policies have become the ARNs of these.
pub(in crate::ecs) fn alarm_actions(alarm: &Request, arns: &BTreeMap<String, String>) -> Request {
    let mut alarm = alarm.clone();
    for key in ACTIONS {
        for action in alarm.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(arn) = action.as_str().and_then(|name| arns.get(name)) {
                *action = arn.clone().into();
            }
        }
    }
    alarm
}
