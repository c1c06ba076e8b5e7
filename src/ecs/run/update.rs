//! A service that no yml describes gets other images, variables or another count.

use std::time::Duration;

use serde_json::json;

use super::book::Book;
use super::change::Change;
use super::work::{Hints, Rollout, Work};
use super::{Done, LIMIT, Run};
use crate::aws::ecs::{Deployment, Request, Service};
use crate::ecs::memory::Deployed;
use crate::ecs::steps::{Step, revision};
use crate::ecs::wanted::Method;
use crate::error::Error;

const HINTS: Hints = Hints {
    back: "with --rollback the version before is put back",
    again: "run the same again to go on",
    later: "run the same again to go on",
};

/// What is to become of a service.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// The cluster's own name.
    pub cluster: &'a str,
    /// The service as it is.
    pub service: &'a Service,
    /// Its task definition, as it is to be.
    pub definition: &'a Request,
    /// Whether that differs from what it is.
    pub is_other: bool,
    /// Another count.
    pub count: Option<u32>,
}

impl Asked<'_> {
    /// Whether everything is as it is to be, its tasks too.
    pub fn is_done(&self) -> bool {
        let service = self.service;
        let rolls_out = match service.deployments.iter().find(|one| one.status == "PRIMARY") {
            Some(Deployment { rollout_state: Some(state), .. }) => state != "COMPLETED",
            Some(_) => service.deployments.len() > 1 || service.running != service.desired,
            None => false,
        };
        !self.is_other && self.count.is_none() && !rolls_out
    }
}

/// Updates it, and sees to what comes of it. Where it has been asked for already and rolls out still, that is waited for.
pub fn update(run: &Run, asked: &Asked) -> Result<Done, Error> {
    let service = asked.service;
    let book = Book::open(run, &service.name)?;
    let was = as_deployed(asked);
    book.change(|memory| memory.serves(was.clone()))?;
    let limit = run.options.timeout.unwrap_or(LIMIT);
    let mut work = Work::new(run, &book, &service.name, asked.cluster, limit);
    work.hints = HINTS;
    work.target.clone_from(&service.name);
    work.definition.clone_from(asked.definition);
    work.previous = Some(service.task_definition.clone());
    work.is_daemon = service.scheduling == "DAEMON";
    work.known_events.extend(service.events.iter().map(|event| event.id.clone()));
    work.seen.insert(service.name.clone(), service.clone());
    if !asked.is_other {
        work.registered = Some(service.task_definition.clone());
    }
    let under_way = service.deployments.iter().find(|one| one.status == "PRIMARY");
    if let Some(Deployment { id, task_definition, .. }) = under_way.cloned() {
        work.rollouts.insert(service.name.clone(), Rollout { deployment: id, task_definition, may_be_empty: true });
    }
    let steps = steps(asked, run.options.force, run.options.no_wait);
    let change = Change {
        commit_at: Some(steps.len()),
        steps,
        new: was.clone(),
        was: Some(was),
        count: Some(service.desired),
        goes_back: run.options.rollback,
        gone: None,
    };
    let mut done = work.execute(&change);
    if run.options.no_wait && done.outcome.is_success() {
        let arn = done.task_definition.clone().unwrap_or_default();
        done.text = format!("{} is put on {}, which was not waited for", service.name, revision(&arn));
    }
    run.tell_done(&done);
    Ok(done)
}

/// What serves, as the memory of a job would have it.
fn as_deployed(asked: &Asked) -> Deployed {
    Deployed {
        manifest: asked.service.name.clone(),
        cluster: asked.cluster.to_owned(),
        region: None,
        service: asked.service.name.clone(),
        method: Method::Upgrade,
        build_number: String::new(),
        task_definition: asked.service.task_definition.clone(),
        digest: String::new(),
        wanted: json!({ "service": { "schedulingStrategy": asked.service.scheduling } }),
        scaling: None,
        previous: Vec::new(),
        unfinished: None,
    }
}

fn steps(asked: &Asked, force: bool, no_wait: bool) -> Vec<Step> {
    let name = &asked.service.name;
    let mut request = Request::new();
    request.insert("cluster".to_owned(), asked.cluster.into());
    request.insert("service".to_owned(), name.clone().into());
    if let Some(count) = asked.count {
        request.insert("desiredCount".to_owned(), count.into());
    }
    if force {
        request.insert("forceNewDeployment".to_owned(), true.into());
    }
    let mut steps = Vec::new();
    if asked.is_other {
        steps.push(Step::Register(asked.definition.clone()));
    } else if force {
        request.insert("taskDefinition".to_owned(), asked.service.task_definition.clone().into());
    }
    let service = name.clone();
    if asked.is_other || asked.count.is_some() || force {
        steps.push(Step::Update { service: service.clone(), request, registered: asked.is_other });
    }
    let count = asked.count.map_or(asked.service.desired, |count| i32::try_from(count).unwrap_or(i32::MAX));
    if !no_wait && count == 0 && asked.service.scheduling != "DAEMON" {
        steps.push(Step::AwaitStopped { service });
    } else if !no_wait {
        steps.push(Step::AwaitRollout { service, stability: Duration::ZERO });
    }
    steps
}
