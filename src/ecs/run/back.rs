//! Going back to the version before.

use std::collections::BTreeMap;

use super::book::Book;
use super::change::{Change, commit_at};
use super::deploy::count_of;
use super::others::{chosen, work};
use super::work::{Hints, Stop, Work};
use super::{Report, Run};
use crate::aws::ecs::family;
use crate::ecs::memory::{Deployed, Previous};
use crate::ecs::steps::{
    Step, is_daemon, remembered_scaling, restore_steps, resumed, revision, rollback_steps, scaled, without_waits,
};
use crate::ecs::wanted::{Cluster, Method};
use crate::error::Error;

/// Goes back to the version before.
pub fn rollback(run: &Run, job: &str, manifest: Option<&str>, there: &Cluster) -> Result<Report, Error> {
    let book = Book::open(run, job)?;
    let memory = book.memory();
    let services = chosen(&memory, job, manifest, true, there)?;
    let mut report = Report::default();
    for was in &services {
        let mut work = work(run, &book, &was.manifest, &was.cluster);
        work.hints = Hints::ROLLBACK;
        let done = match going_back(&mut work, was) {
            Ok(change) => work.execute(&change),
            Err(stop) => {
                let (outcome, text) = work.words(&stop);
                work.ended(outcome, format!("{text}; nothing was changed"))
            }
        };
        run.tell_done(&done);
        report.done.push(done);
        if !report.outcome().is_success() {
            break;
        }
    }
    book.close(run);
    Ok(report)
}

/// The change to the version before.
fn going_back(work: &mut Work, was: &Deployed) -> Result<Change, Stop> {
    let options = work.run.options;
    let lacks = || {
        let name = &was.service;
        Stop::Lacks(format!("no version of {} before {name} is kept: nothing to go back to", was.manifest))
    };
    work.look(&[&was.service])?;
    let seen = work.seen.get(&was.service).filter(|seen| seen.status == "ACTIVE");
    let is_on = |arn: &str| seen.is_some_and(|seen| revision(&seen.task_definition) == revision(arn));
    // On the version before it is where a roll-back was cut short: that is gone on with.
    let is_begun = was.previous.first().is_some_and(|previous| is_on(&previous.task_definition));
    if seen.is_some() && !is_on(&was.task_definition) && !is_begun {
        return Ok(restored(work, was));
    }
    let was = &active(work, was)?;
    let previous = was.previous.first().ok_or_else(lacks)?.clone();
    if seen.is_none() && was.method != Method::BlueGreen {
        return Err(Stop::Lacks(format!("{} is not there any more: deploy it anew", was.service)));
    }
    let mut steps = rollback_steps(was, &options.build_number).ok_or_else(lacks)?;
    let look = steps.remove(0);
    if look != (Step::Look { services: vec![was.service.clone()] }) {
        work.carry_out(&look)?;
    }
    Ok(to_previous(work, was, &previous, steps))
}

/// The same without versions before it whose revisions are deregistered, as far as that may be looked at: ECS takes none of
/// these.
fn active(work: &Work, was: &Deployed) -> Result<Deployed, Stop> {
    let mut was = was.clone();
    let (mut listed, mut gone) = (BTreeMap::new(), Vec::new());
    while let Some(previous) = was.previous.first() {
        let name = revision(&previous.task_definition);
        let family = family(name);
        let active =
            listed.entry(family.to_owned()).or_insert_with(|| work.run.api.list_task_definitions(family).map_err(drop));
        // What cannot be looked at is tried.
        if active.as_ref().is_ok_and(|arns| arns.iter().all(|arn| revision(arn) != name)) {
            gone.push(was.previous.remove(0));
        } else {
            break;
        }
    }
    let Some(newest) = gone.first() else { return Ok(was) };
    let names: Vec<String> = gone.iter().map(of_build).collect();
    let are = if names.len() == 1 { "is" } else { "are" };
    let told = format!("{} {are} deregistered, and cannot be gone back to", names.join(", "));
    let Some(next) = was.previous.first() else {
        let what = match newest.build_number.as_str() {
            "" => "what it was".to_owned(),
            build => format!("what build {build} deployed"),
        };
        return Err(Stop::Lacks(format!(
            "{told}: deploy {what} anew, as in `shipctl ecs deploy --image RESOURCE=TAG`"
        )));
    };
    work.note(format!("{told}: {} is taken", of_build(next)));
    Ok(was)
}

/// `web:3 of build 12`.
fn of_build(version: &Previous) -> String {
    let build =
        if version.build_number.is_empty() { String::new() } else { format!(" of build {}", version.build_number) };
    format!("{}{build}", revision(&version.task_definition))
}

/// The change to a version before, by these steps.
fn to_previous(work: &mut Work, was: &Deployed, previous: &Previous, mut steps: Vec<Step>) -> Change {
    let options = work.run.options;
    let target = steps.iter().find_map(Step::service).unwrap_or(&was.service).to_owned();
    let is_there = |name: &str| work.seen.get(name).is_some_and(|seen| seen.status == "ACTIVE");
    if target != was.service && is_there(&target) {
        steps = resumed(steps);
    }
    let is_proven = !options.no_wait || target == was.service;
    if options.no_wait {
        steps = without_waits(steps, !is_proven);
    }
    let count = count_of(work, was);
    // The count that it has by now is kept.
    for step in &mut steps {
        if let Step::Update { request, .. } = step
            && let (Some(wanted), Some(count)) = (request.get_mut("desiredCount"), count)
        {
            *wanted = count.into();
        }
    }
    work.is_daemon = is_daemon(previous.wanted.get("service"));
    work.previous = (target == was.service).then(|| was.task_definition.clone());
    work.registered = Some(previous.task_definition.clone());
    work.target.clone_from(&target);
    let mut kept = vec![was.as_previous()];
    kept.extend(was.previous.iter().skip(1).cloned());
    let new = Deployed {
        scaling: scaled(remembered_scaling(&previous.wanted).as_ref(), &was.cluster, &target),
        service: target,
        build_number: options.build_number.clone(),
        task_definition: previous.task_definition.clone(),
        digest: previous.digest.clone(),
        wanted: previous.wanted.clone(),
        previous: kept,
        unfinished: None,
        ..was.clone()
    };
    let commit_at = is_proven.then(|| commit_at(&steps));
    Change { steps, was: Some(was.clone()), count, new, commit_at, gone: None, goes_back: true }
}

/// The change to what is remembered, where an upgrade that failed, or somebody else, has put the service on another
/// version.
fn restored(work: &mut Work, was: &Deployed) -> Change {
    work.target.clone_from(&was.service);
    work.is_daemon = is_daemon(was.wanted.get("service"));
    let mut steps = restore_steps(was);
    if work.run.options.no_wait {
        steps = without_waits(steps, false);
    }
    let scaling = scaled(remembered_scaling(&was.wanted).as_ref(), &was.cluster, &was.service);
    let new = Deployed { scaling, unfinished: None, ..was.clone() };
    let count = count_of(work, was);
    Change {
        commit_at: Some(commit_at(&steps)),
        steps,
        count,
        gone: None,
        new,
        was: Some(was.clone()),
        goes_back: false,
    }
}
