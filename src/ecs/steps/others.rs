//! The steps of everything that is no new version.

use std::time::Duration;

use serde_json::Value;

use super::change::{LISTS, ONLY_CHANGED, create_request, was_daemon};
use super::deploy::look;
use super::{Step, scaling};
use crate::aws::ecs::Request;
use crate::ecs::memory::{Deployed, Leftover, Scaled};
use crate::ecs::wanted::Method;

/// Fields of a service that do not change in place, and those that are decided on their own.
const KEPT: [&str; 12] = [
    "cluster",
    "service",
    "serviceName",
    "taskDefinition",
    "desiredCount",
    "forceNewDeployment",
    "clientToken",
    "tags",
    "launchType",
    "role",
    "schedulingStrategy",
    "deploymentController",
];

/// Takes a service away, its scaling first. `still`: scaling that goes on.
pub fn removal_steps(service: &str, scaled: Option<&Scaled>, still: Option<&Scaled>, is_daemon: bool) -> Vec<Step> {
    let name = || service.to_owned();
    let mut steps = scaled.map(|scaled| scaling::removal(scaled, still)).unwrap_or_default();
    if !is_daemon {
        steps.extend([Step::ScaleToZero { service: name() }, Step::AwaitStopped { service: name() }]);
    }
    steps.extend([Step::Delete { service: name(), force: is_daemon }, Step::AwaitGone { service: name() }]);
    steps
}

/// Takes away everything that was made for a manifest.
pub fn delete_steps(was: &Deployed) -> Vec<Step> {
    let mut steps = vec![Step::Look { services: vec![was.service.clone()] }];
    steps.extend(removal_steps(&was.service, was.scaling.as_ref(), None, was_daemon(was)));
    steps.extend(was.own_revisions().into_iter().map(|task_definition| Step::Deregister { task_definition }));
    steps
}

/// What of a removal can be begun without waiting for anything: ECS stops the tasks of what is deleted with force by itself.
pub fn removal_begun(steps: Vec<Step>) -> Vec<Step> {
    let is_begun = |step: &Step| !step.is_wait() && !matches!(step, Step::Deregister { .. });
    let begun = |step| match step {
        Step::Delete { service, .. } => Step::Delete { service, force: true },
        other => other,
    };
    steps.into_iter().filter(is_begun).map(begun).collect()
}

/// Takes away what was left over.
pub fn prune_steps(leftover: &Leftover, still: Option<&Scaled>) -> Vec<Step> {
    match leftover {
        Leftover::Service { name, scaling, .. } => {
            // Whether it is a DAEMON is not remembered: force does for both, once nothing runs that could be spared.
            let mut steps = vec![Step::Look { services: vec![name.clone()] }];
            steps.extend(removal_steps(name, scaling.as_ref(), still, true));
            steps
        }
        Leftover::TaskDefinition { arn, .. } => vec![Step::Deregister { task_definition: arn.clone() }],
    }
}

/// Sets the count of a service.
pub fn scale_steps(was: &Deployed, count: u32) -> Vec<Step> {
    let mut request = named(was);
    request.insert("desiredCount".to_owned(), count.into());
    let service = was.service.clone();
    vec![
        Step::Look { services: vec![service.clone()] },
        Step::Update { service: service.clone(), request, registered: false },
        if count == 0 {
            Step::AwaitStopped { service }
        } else {
            Step::AwaitRollout { service, stability: Duration::ZERO }
        },
    ]
}

/// Goes back to the version before; none where there is no such version.
pub fn rollback_steps(was: &Deployed, build_number: &str) -> Option<Vec<Step>> {
    let previous = was.previous.first()?;
    let name = match was.method {
        Method::BlueGreen => {
            let base = was.service.strip_suffix(&format!("-{}", was.build_number)).unwrap_or(&was.service);
            format!("{base}-{build_number}")
        }
        Method::Upgrade | Method::Replace => was.service.clone(),
    };
    let mut steps = vec![look(Some(was), &name)];
    let stability = Duration::ZERO;
    if name == was.service {
        let mut request = named(was);
        request.insert("taskDefinition".to_owned(), previous.task_definition.clone().into());
        let (mut now, then) = (service_of(&was.wanted), service_of(&previous.wanted));
        for key in then.keys() {
            now.entry(key).or_insert(Value::Null);
        }
        fields_back(&mut request, &now, &then);
        unfinished_back(&mut request, was, &then);
        let is_stopped = was.method == Method::Replace && !was_daemon(was);
        if is_stopped || (was.is_stopped() && !was_daemon(was)) {
            let count = previous.wanted.get("service").and_then(|service| service.get("desiredCount")).cloned();
            request.insert("desiredCount".to_owned(), count.unwrap_or_else(|| 1.into()));
        }
        let is_scaled = is_stopped && was.is_scaled();
        steps.extend(put_steps(was, request, is_stopped, is_scaled));
        steps.extend(scaling_back(was, &previous.wanted, is_scaled));
        return Some(steps);
    }
    let empty = Request::new();
    let service = previous.wanted.get("service").and_then(Value::as_object).unwrap_or(&empty);
    if wants_role(&previous.wanted) {
        steps.push(Step::FindRole);
    }
    let mut request = create_request(service, &was.cluster, &name);
    request.insert("taskDefinition".to_owned(), previous.task_definition.clone().into());
    steps.push(Step::Create { service: name.clone(), request });
    steps.push(Step::AwaitRollout { service: name.clone(), stability });
    let scaling = scaling::remembered(&previous.wanted);
    steps.extend(scaling.iter().flat_map(|scaling| scaling::puts(scaling, &was.cluster, &name)));
    let made = scaling::scaled(scaling.as_ref(), &was.cluster, &name);
    steps.extend(removal_steps(&was.service, was.scaling.as_ref(), made.as_ref(), was_daemon(was)));
    Some(steps)
}

/// Puts what serves on another revision. `is_stopped`: its tasks stop first, which may have ports of the host that the others
/// need; `is_scaled`: something may raise their count again.
fn put_steps(was: &Deployed, request: Request, is_stopped: bool, is_scaled: bool) -> Vec<Step> {
    let service = || was.service.clone();
    let mut steps = Vec::new();
    if let Some(scaled) = was.scaling.as_ref().filter(|_| is_scaled) {
        steps.push(Step::DeregisterTarget { resource_id: scaled.resource_id.clone() });
    }
    if is_stopped {
        steps.extend([Step::ScaleToZero { service: service() }, Step::AwaitStopped { service: service() }]);
    }
    steps.push(Step::Update { service: service(), request, registered: false });
    steps.push(Step::AwaitRollout { service: service(), stability: Duration::ZERO });
    steps
}

/// Adds what a service was like before, of the fields that were `sent` since and that differ. What a field was that nothing
/// was said of is known of lists only.
fn fields_back(request: &mut Request, sent: &Request, before: &Request) {
    for (key, now) in sent {
        let then = match before.get(key) {
            None if now.is_array() => Value::Array(Vec::new()),
            None => continue,
            Some(then) => then.clone(),
        };
        if !KEPT.contains(&key.as_str()) && *now != then {
            request.insert(key.clone(), then);
        }
    }
}

/// Adds the fields that a change has sent which did not come to its end.
fn unfinished_back(request: &mut Request, was: &Deployed, before: &Request) {
    for field in was.sent_since().iter().filter(|field| !KEPT.contains(&field.as_str())) {
        match before.get(field) {
            Some(then) => request.insert(field.clone(), then.clone()),
            None if LISTS.contains(&field.as_str()) => request.insert(field.clone(), Value::Array(Vec::new())),
            None => None,
        };
    }
}

/// The fields of a request that are other than they are remembered.
pub(in crate::ecs) fn other_fields(request: &Request, was: &Deployed) -> Vec<String> {
    let before = service_of(&was.wanted);
    let is_other = |key: &str, value: &Value| !KEPT.contains(&key) && before.get(key) != Some(value);
    request.iter().filter(|(key, value)| is_other(key, value)).map(|(key, _)| key.clone()).collect()
}

/// The auto scaling that belongs to a version which is gone back to. `is_gone`: it has been taken away.
fn scaling_back(was: &Deployed, wanted: &Value, is_gone: bool) -> Vec<Step> {
    let (now, then) = (scaling::remembered(&was.wanted), scaling::remembered(wanted));
    let mut old = was.scaling.clone();
    let mut steps = Vec::new();
    if is_gone || was.is_stopped() || now != then {
        steps.extend(then.iter().flat_map(|scaling| scaling::puts(scaling, &was.cluster, &was.service)));
    }
    if let Some(old) = old.as_mut().filter(|_| is_gone) {
        old.resource_id.clear();
    }
    let made = scaling::scaled(then.as_ref(), &was.cluster, &was.service);
    steps.extend(old.iter().flat_map(|old| scaling::removal(old, made.as_ref())));
    steps
}

/// Takes away what is remembered of a service's scaling, and is none that is wanted.
pub fn surplus_scaling(was: &Deployed, made: Option<&Scaled>) -> Vec<Step> {
    was.scaling.as_ref().map(|scaled| scaling::removal(scaled, made)).unwrap_or_default()
}

/// Puts a service back on what is remembered of it, wherever it has been brought meanwhile.
pub fn restore_steps(was: &Deployed) -> Vec<Step> {
    let then = service_of(&was.wanted);
    let mut request = named(was);
    request.insert("taskDefinition".to_owned(), was.task_definition.clone().into());
    for (key, value) in &then {
        if !KEPT.contains(&key.as_str()) && !ONLY_CHANGED.contains(&key.as_str()) {
            request.insert(key.clone(), value.clone());
        }
    }
    unfinished_back(&mut request, was, &then);
    let is_stopped = was.method == Method::Replace && !was_daemon(was);
    let count = was.unfinished.as_ref().and_then(|begun| begun.count).filter(|count| *count > 0);
    // As long as scaling decides, the count is none of ours.
    let is_ours = !was_daemon(was) && (is_stopped || was.is_stopped() || !was.is_scaled());
    if let Some(count) = count.or_else(|| was.count().filter(|_| is_stopped)).filter(|_| is_ours) {
        request.insert("desiredCount".to_owned(), count.into());
    }
    let is_scaled = is_stopped && was.is_scaled();
    let mut steps = put_steps(was, request, is_stopped, is_scaled);
    let has_begun = was.unfinished.is_some();
    if is_scaled || has_begun {
        steps.extend(scaling::put_back(was));
    }
    let made = scaling::scaled(scaling::remembered(&was.wanted).as_ref(), &was.cluster, &was.service);
    let mut old = was.scaling.clone();
    if let Some(old) = old.as_mut().filter(|_| is_scaled) {
        old.resource_id.clear();
    }
    steps.extend(old.iter().flat_map(|old| scaling::removal(old, made.as_ref())));
    steps
}

/// A service as it was wanted.
fn service_of(wanted: &Value) -> Request {
    wanted.get("service").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Whether the role of a load balancer was looked for.
fn wants_role(wanted: &Value) -> bool {
    let service = wanted.get("service");
    let has_balancer = service
        .and_then(|service| service.get("loadBalancers"))
        .and_then(Value::as_array)
        .is_some_and(|list| !list.is_empty());
    let network = wanted.get("taskDefinition").and_then(|definition| definition.get("networkMode"));
    let is_named = service.is_some_and(|service| service.get("role").is_some());
    has_balancer && !is_named && network.and_then(Value::as_str) != Some("awsvpc")
}

fn named(was: &Deployed) -> Request {
    let mut request = Request::new();
    request.insert("cluster".to_owned(), was.cluster.clone().into());
    request.insert("service".to_owned(), was.service.clone().into());
    request
}

/// What to do after a failure: `done` are the steps that were begun, the failed one among them where it may have had
/// an effect. `count`: how many tasks the version that serves should have.
pub fn undo_steps(done: &[Step], was: Option<&Deployed>, count: Option<i32>, goes_back: bool) -> Vec<Step> {
    // One that was there half made, and that was gone on with, is none that serves either.
    let created = done.iter().find_map(|step| match step {
        Step::Create { service, request } => Some((service, request)),
        Step::Update { service, request, .. } if was.is_none_or(|was| was.service != *service) => {
            Some((service, request))
        }
        _ => None,
    });
    if let Some((service, request)) = created {
        let is_daemon = super::text(request, "schedulingStrategy") == Some("DAEMON");
        let scaled = scaling::scaled_names(done);
        let mut steps = removal_steps(service, scaled.as_ref(), was.and_then(|was| was.scaling.as_ref()), is_daemon);
        // An alarm of the same name was the old service's before.
        if let Some(was) = was.filter(|_| done.iter().any(|step| matches!(step, Step::PutAlarm(_)))) {
            steps.extend(scaling::put_back(was));
        }
        return steps;
    }
    let is_changed =
        |step: &Step| matches!(step, Step::Update { .. } | Step::ScaleToZero { .. } | Step::DeregisterTarget { .. });
    let Some(was) = was.filter(|_| goes_back && done.iter().any(is_changed)) else { return Vec::new() };
    let mut request = named(was);
    request.insert("taskDefinition".to_owned(), was.task_definition.clone().into());
    for step in done {
        if let Step::Update { request: sent, .. } = step {
            fields_back(&mut request, sent, &service_of(&was.wanted));
        }
    }
    unfinished_back(&mut request, was, &service_of(&was.wanted));
    if let Some(count) = count.filter(|_| !was_daemon(was)) {
        request.insert("desiredCount".to_owned(), count.into());
    }
    // One that was replaced is replaced again.
    let is_stopped = done.iter().any(|step| matches!(step, Step::ScaleToZero { .. }))
        && done.iter().any(|step| matches!(step, Step::Update { .. }));
    let is_scaled = is_stopped && done.iter().any(|step| matches!(step, Step::RegisterTarget(_)));
    let mut steps = put_steps(was, request, is_stopped, is_scaled);
    let scaling_touched = |step: &Step| {
        matches!(step, Step::DeregisterTarget { .. } | Step::RegisterTarget(_) | Step::PutPolicy(_) | Step::PutAlarm(_))
    };
    if done.iter().any(scaling_touched) {
        steps.extend(scaling::put_back(was));
    }
    steps
}
