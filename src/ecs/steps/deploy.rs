//! The steps that bring a new version.

use serde_json::Value;

use super::change::{create_request, resume_request, update_request, was_daemon};
use super::others::removal_steps;
use super::{Step, scaling};
use crate::aws::ecs::Request;
use crate::ecs::memory::{Deployed, Memory, Scaled};
use crate::ecs::wanted::{Method, Wanted, WantedService};

/// The name of the service that a deployment makes or changes. In place it is that of the first deployment.
pub fn service_name(method: Method, service: &WantedService, was: Option<&Deployed>, build_number: &str) -> String {
    match (method, was) {
        (Method::BlueGreen, _) => format!("{}-{build_number}", service.name),
        (Method::Upgrade | Method::Replace, Some(was)) => was.service.clone(),
        (Method::Upgrade | Method::Replace, None) => service.name.clone(),
    }
}

/// Manifests that are called otherwise by now, and deploy the same service: their old names and the new ones.
pub fn renamed(wanted: &Wanted, memory: &Memory, build_number: &str) -> Vec<(String, String)> {
    let is_wanted = |was: &&Deployed| wanted.services.iter().any(|service| service.manifest == was.manifest);
    let old = memory.services.iter().filter(|was| !is_wanted(was) && was.cluster == wanted.cluster.name);
    old.filter_map(|old| {
        let is_same = |service: &&WantedService| {
            let was = memory.of(&service.manifest);
            service_name(wanted.method, service, was, build_number) == old.service
        };
        let service = wanted.services.iter().find(is_same)?;
        Some((old.manifest.clone(), service.manifest.clone()))
    })
    .collect()
}

/// What a deployment of a manifest does, in order. `keep`: how many old versions stay, to go back to.
pub fn deploy_steps(
    wanted: &Wanted,
    service: &WantedService,
    was: Option<&Deployed>,
    build_number: &str,
    keep: usize,
) -> Vec<Step> {
    let cluster = wanted.cluster.name.as_str();
    let name = service_name(wanted.method, service, was, build_number);
    let made = scaling::scaled(service.scaling.as_ref(), cluster, &name);
    let mut steps = vec![look(was, &name)];
    match was.filter(|was| was.service == name) {
        Some(was) => in_place(wanted, service, was, made.as_ref(), &mut steps),
        None => beside(wanted, service, was, &name, made.as_ref(), &mut steps),
    }
    steps.extend(old_revisions(service, was, keep));
    steps
}

/// The same where the service that is remembered is gone: a first deployment, save what it has left.
pub fn deploy_steps_anew(
    wanted: &Wanted,
    service: &WantedService,
    gone: &Deployed,
    build_number: &str,
    keep: usize,
) -> Vec<Step> {
    let name = service_name(wanted.method, service, None, build_number);
    let made = scaling::scaled(service.scaling.as_ref(), &wanted.cluster.name, &name);
    let mut steps = deploy_steps(wanted, service, None, build_number, keep);
    steps.extend(gone.scaling.iter().flat_map(|scaled| scaling::removal(scaled, made.as_ref())));
    steps.extend(old_revisions(service, Some(gone), keep));
    steps
}

/// The look at what is remembered, and at the name that is wanted.
pub(super) fn look(was: Option<&Deployed>, name: &str) -> Step {
    let mut services: Vec<String> = was.map(|was| was.service.clone()).into_iter().collect();
    if !services.iter().any(|known| known == name) {
        services.push(name.to_owned());
    }
    Step::Look { services }
}

/// A service of its own; the one before it goes when it is steady.
fn beside(
    wanted: &Wanted,
    service: &WantedService,
    was: Option<&Deployed>,
    name: &str,
    made: Option<&Scaled>,
    steps: &mut Vec<Step>,
) {
    let cluster = wanted.cluster.name.as_str();
    if service.wants_role && !service.service.contains_key("role") {
        steps.push(Step::FindRole);
    }
    steps.push(Step::Register(service.task_definition.clone()));
    let request = create_request(&service.service, cluster, name);
    steps.push(Step::Create { service: name.to_owned(), request });
    steps.push(Step::AwaitRollout { service: name.to_owned(), stability: wanted.stability });
    steps.extend(service.scaling.iter().flat_map(|scaling| scaling::puts(scaling, cluster, name)));
    if let Some(was) = was {
        steps.extend(removal_steps(&was.service, was.scaling.as_ref(), made, was_daemon(was)));
    }
}

/// The service that serves, changed.
fn in_place(wanted: &Wanted, service: &WantedService, was: &Deployed, made: Option<&Scaled>, steps: &mut Vec<Step>) {
    let cluster = wanted.cluster.name.as_str();
    let name = was.service.clone();
    steps.push(Step::Register(service.task_definition.clone()));
    let mut request = update_request(service, Some(was), cluster, &name);
    let mut was_scaled = was.scaling.clone();
    if wanted.method == Method::Replace && !service.is_daemon() {
        // As long as the count may be scaled, scaling raises it again; its policies go with it.
        if let Some(scaled) = was_scaled.as_mut().filter(|scaled| !scaled.resource_id.is_empty()) {
            steps.push(Step::DeregisterTarget { resource_id: std::mem::take(&mut scaled.resource_id) });
        }
        steps.push(Step::ScaleToZero { service: name.clone() });
        steps.push(Step::AwaitStopped { service: name.clone() });
        let count = service.service.get("desiredCount").cloned().unwrap_or_else(|| Value::from(1));
        request.insert("desiredCount".to_owned(), count);
    }
    steps.push(Step::Update { service: name.clone(), request, registered: true });
    steps.push(Step::AwaitRollout { service: name.clone(), stability: wanted.stability });
    steps.extend(service.scaling.iter().flat_map(|scaling| scaling::puts(scaling, cluster, &name)));
    steps.extend(was_scaled.iter().flat_map(|scaled| scaling::removal(scaled, made)));
}

/// Revisions of ours that nobody goes back to any more.
fn old_revisions(service: &WantedService, was: Option<&Deployed>, keep: usize) -> Vec<Step> {
    let all = was.map(Deployed::with_previous).unwrap_or_default();
    let old = all.into_iter().skip(keep).filter(|old| old.is_ours(service.family()));
    old.map(|old| Step::Deregister { task_definition: old.task_definition }).collect()
}

/// The same steps where the service that would be created is there already: it is gone on with.
pub fn resumed(steps: Vec<Step>) -> Vec<Step> {
    let go_on = |step| match step {
        Step::Create { service, request } => {
            let request: Request = resume_request(&request, &service);
            Step::Update { service, request, registered: true }
        }
        other => other,
    };
    steps.into_iter().filter(|step| *step != Step::FindRole).map(go_on).collect()
}

/// The steps of a deployment that does not wait for the new version. `removes_another`: an old service stays beside the
/// new one then, since nobody knows yet whether the new one will do.
pub fn without_waits(steps: Vec<Step>, removes_another: bool) -> Vec<Step> {
    if removes_another {
        return steps.into_iter().take_while(|step| !matches!(step, Step::AwaitRollout { .. })).collect();
    }
    let waits = |step: &Step| matches!(step, Step::AwaitRollout { .. } | Step::Deregister { .. });
    steps.into_iter().filter(|step| !waits(step)).collect()
}
