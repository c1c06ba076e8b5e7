//! Deletion, scaling by hand, going back, and what was left over.

use super::book::Book;
use super::change::{Change, commit_at};
use super::outcome::Outcome;
use super::work::{Stop, Work};
use super::{Done, LIMIT, Report, Run};
use crate::aws::ecs::Service;
use crate::ecs::memory::{Deployed, Leftover};
use crate::ecs::steps::{
    Step, delete_steps, is_daemon, prune_steps, resumed, revision, rollback_steps, scale_steps, scaled_names,
    undo_steps,
};
use crate::ecs::wanted::{Method, Wanted};
use crate::error::{Error, Kind};

/// Takes away everything that a job has made, or what it has made for one manifest. The yml may be gone. `cluster`: where
/// what was left over is, if it is anywhere.
pub fn delete(run: &Run, job: &str, manifest: Option<&str>, cluster: &str) -> Result<Report, Error> {
    let book = Book::open(run, job)?;
    let memory = book.memory();
    let services = chosen(&memory.services, job, manifest, memory.leftovers.is_empty())?;
    let mut report = Report::default();
    for was in &services {
        let mut work = work(run, &book, &was.manifest, &was.cluster);
        let done = take_away(&mut work, was);
        report.done.push(ended(
            &mut work,
            &was.service,
            done,
            format!("{} is deleted, with everything that it had", was.service),
        ));
        if matches!(report.outcome(), Outcome::Interrupted(_)) {
            break;
        }
    }
    if report.outcome().is_success() {
        report.done.extend(leftovers(run, &book, cluster, manifest));
    }
    book.close(run);
    Ok(report)
}

/// Takes a service away. Its revisions are left over from the moment that it is gone, until they are gone as well.
fn take_away(work: &mut Work, was: &Deployed) -> Result<(), Stop> {
    let (revisions, service): (Vec<_>, Vec<_>) =
        delete_steps(was).into_iter().partition(|step| matches!(step, Step::Deregister { .. }));
    remove(work, &service)?;
    let forgotten = work.book.change(|memory| {
        memory.forget(&was.manifest);
        for arn in was.own_revisions() {
            memory.leave(Leftover::TaskDefinition { manifest: was.manifest.clone(), arn });
        }
    });
    forgotten.map_err(Stop::Store)?;
    in_order(work, &revisions)
}

/// Sets the count of what serves.
pub fn scale(run: &Run, job: &str, count: u32, manifest: Option<&str>) -> Result<Report, Error> {
    let book = Book::open(run, job)?;
    let memory = book.memory();
    let mut report = Report::default();
    let services = chosen(&memory.services, job, manifest, true)?;
    if let Some(was) = services.iter().find(|was| is_daemon(was.wanted.get("service"))) {
        let told = format!("{} runs one task on each instance (DAEMON): it has no count", was.service);
        return Err(Error::new(Kind::Usage, told));
    }
    for was in services {
        let mut work = work(run, &book, &was.manifest, &was.cluster);
        if was.scaling.as_ref().is_some_and(|scaled| !scaled.resource_id.is_empty()) {
            work.note(format!("{} is scaled automatically: that may change the count again", was.service));
        }
        let mut steps = scale_steps(&was, count);
        if run.options.no_wait {
            steps.truncate(2);
        }
        let done = in_order(&mut work, &steps);
        report.done.push(match done {
            Err(cause @ (Stop::Failed(_) | Stop::TimedOut(_))) => work.scaled_badly(&was, &cause),
            done => ended(&mut work, &was.service, done, format!("{} has a count of {count}", was.service)),
        });
        if matches!(report.outcome(), Outcome::Interrupted(_)) {
            break;
        }
    }
    book.close(run);
    Ok(report)
}

/// Goes back to the version before.
pub fn rollback(run: &Run, job: &str, manifest: Option<&str>) -> Result<Report, Error> {
    let book = Book::open(run, job)?;
    let memory = book.memory();
    let services = chosen(&memory.services, job, manifest, true)?;
    let mut report = Report::default();
    for was in &services {
        let mut work = work(run, &book, &was.manifest, &was.cluster);
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
    let is_on = |seen: &Service| revision(&seen.task_definition) == revision(&was.task_definition);
    if work.seen.get(&was.service).is_some_and(|seen| seen.status == "ACTIVE" && !is_on(seen)) {
        return Ok(restored(work, was));
    }
    let previous = was.previous.first().ok_or_else(lacks)?;
    let mut steps = rollback_steps(was, &options.build_number).ok_or_else(lacks)?;
    let look = steps.remove(0);
    if look != (Step::Look { services: vec![was.service.clone()] }) {
        work.carry_out(&look)?;
    }
    let target = steps.iter().find_map(Step::service).unwrap_or(&was.service).to_owned();
    let is_there = |name: &str| work.seen.get(name).is_some_and(|seen| seen.status == "ACTIVE");
    if target != was.service && is_there(&target) {
        steps = resumed(steps);
    }
    let commit_at = Some(commit_at(&steps));
    work.is_daemon = is_daemon(previous.wanted.get("service"));
    work.previous = (target == was.service).then(|| was.task_definition.clone());
    work.registered = Some(previous.task_definition.clone());
    work.target.clone_from(&target);
    let scaling = match was.method {
        Method::BlueGreen if target != was.service => scaled_names(&steps),
        _ => was.scaling.clone(),
    };
    let mut kept = vec![was.as_previous()];
    kept.extend(was.previous.iter().skip(1).cloned());
    let new = Deployed {
        service: target,
        build_number: options.build_number.clone(),
        task_definition: previous.task_definition.clone(),
        digest: previous.digest.clone(),
        wanted: previous.wanted.clone(),
        scaling,
        previous: kept,
        ..was.clone()
    };
    let count = work.seen.get(&was.service).map(|seen| seen.desired).filter(|count| *count > 0).or_else(|| was.count());
    // The count that it has by now is kept.
    for step in &mut steps {
        if let Step::Update { request, .. } = step
            && let (Some(wanted), Some(count)) = (request.get_mut("desiredCount"), count)
        {
            *wanted = count.into();
        }
    }
    Ok(Change { steps, was: Some(was.clone()), count, new, commit_at, gone: None, goes_back: true })
}

/// The change to what is remembered, where an upgrade that failed, or somebody else, has put the service on another
/// version.
fn restored(work: &mut Work, was: &Deployed) -> Change {
    work.target.clone_from(&was.service);
    work.is_daemon = is_daemon(was.wanted.get("service"));
    let begun = [Step::ScaleToZero { service: was.service.clone() }];
    let steps = undo_steps(&begun, Some(was), None, true);
    let (commit_at, was) = (Some(commit_at(&steps)), was.clone());
    Change { steps, count: None, gone: None, new: was.clone(), was: Some(was), commit_at, goes_back: false }
}

/// Removes what was left over, and revisions of our own families that nobody uses.
pub(super) fn prune(run: &Run, book: &Book, wanted: &Wanted) -> Vec<Done> {
    let mut done = leftovers(run, book, &wanted.cluster.name, None);
    // A family of another name may be somebody else's as well.
    for service in wanted.services.iter().filter(|service| service.family() == service.name) {
        let mut work = work(run, book, &service.manifest, &wanted.cluster.name);
        let step = Step::Deregister { task_definition: service.family().to_owned() };
        let pruned = work.called(&step, run.api.list_task_definitions(service.family())).and_then(|arns| {
            let memory = book.memory();
            let is_kept = |arn: &String| {
                memory.services.iter().any(|one| {
                    one.task_definition == *arn || one.previous.iter().any(|old| old.task_definition == *arn)
                })
            };
            let unused = arns.into_iter().filter(|arn| !is_kept(arn));
            let steps: Vec<Step> = unused.map(|task_definition| Step::Deregister { task_definition }).collect();
            in_order(&mut work, &steps)
        });
        if let Err(stop) = pruned {
            let (outcome, text) = work.words(&stop);
            let failed = work.ended(outcome, format!("what is left over of {}: {text}", service.family()));
            run.tell_done(&failed);
            done.push(failed);
        }
    }
    done
}

/// Removes what is remembered as left over, of `only` a manifest or of all; only what fails is told.
fn leftovers(run: &Run, book: &Book, cluster: &str, only: Option<&str>) -> Vec<Done> {
    let mut failed = Vec::new();
    let memory = book.memory();
    // A revision is free when its service is gone.
    let (services, revisions): (Vec<_>, Vec<_>) = memory
        .leftovers
        .iter()
        .filter(|leftover| is_here(run, leftover, cluster))
        .partition(|leftover| matches!(leftover, Leftover::Service { .. }));
    for leftover in services.into_iter().chain(revisions) {
        let (Leftover::Service { manifest, .. } | Leftover::TaskDefinition { manifest, .. }) = leftover;
        if only.is_some_and(|only| only != manifest) {
            continue;
        }
        let mut work = work(run, book, manifest, cluster);
        let still = memory.of(manifest).and_then(|serving| serving.scaling.as_ref());
        if let Err(stop) = remove(&mut work, &prune_steps(leftover, still)) {
            let (outcome, text) = work.words(&stop);
            let done = work.ended(outcome, format!("{} is left over still: {text}", leftover.text()));
            run.tell_done(&done);
            failed.push(done);
            if matches!(outcome, Outcome::Interrupted(_)) {
                break;
            }
        }
    }
    failed
}

/// Whether something left over is in this cluster, as far as that is known; what is not is told.
fn is_here(run: &Run, leftover: &Leftover, cluster: &str) -> bool {
    let elsewhere = leftover.elsewhere(cluster);
    if let Some(other) = elsewhere {
        let told = format!("{} is in the cluster {other}, and stays: prune with a yml that names it", leftover.text());
        run.note(None, told);
    }
    elsewhere.is_none()
}

/// What is meant of what serves.
fn chosen(all: &[Deployed], job: &str, manifest: Option<&str>, is_needed: bool) -> Result<Vec<Deployed>, Error> {
    let found: Vec<Deployed> =
        all.iter().filter(|one| manifest.is_none_or(|name| name == one.manifest)).cloned().collect();
    match manifest {
        Some(name) if found.is_empty() => {
            let known: Vec<&str> = all.iter().map(|one| one.manifest.as_str()).collect();
            let told = format!("{job} has not deployed the manifest {name}: it has {}", known.join(", "));
            Err(Error::new(Kind::Usage, told))
        }
        None if found.is_empty() && is_needed => Err(nothing(job)),
        _ => Ok(found),
    }
}

fn nothing(job: &str) -> Error {
    Error::failed(format_args!(
        "nothing that {job} has deployed is remembered: is this the store that it deploys with?"
    ))
}

fn work<'a>(run: &'a Run<'a>, book: &'a Book, manifest: &'a str, cluster: &'a str) -> Work<'a> {
    Work::new(run, book, manifest, cluster, run.options.timeout.unwrap_or(LIMIT))
}

/// Takes away; what was in a cluster that is gone is gone with it.
fn remove(work: &mut Work, steps: &[Step]) -> Result<(), Stop> {
    let mut is_gone = false;
    for step in steps {
        let is_there = matches!(step, Step::Look { .. }) || step.service().is_some();
        if is_gone && is_there {
            if let Step::AwaitGone { service } = step {
                work.book.change(|memory| memory.service_is_gone(service)).map_err(Stop::Store)?;
            }
            continue;
        }
        match work.carry_out(step) {
            Err(Stop::Call { failure, .. })
                if is_there && failure.code.as_deref() == Some("ClusterNotFoundException") =>
            {
                work.note(format!("the cluster {} is not there: what was in it is gone as well", work.cluster));
                is_gone = true;
                if let Step::AwaitGone { service } = step {
                    work.book.change(|memory| memory.service_is_gone(service)).map_err(Stop::Store)?;
                }
            }
            done => done?,
        }
    }
    Ok(())
}

fn in_order(work: &mut Work, steps: &[Step]) -> Result<(), Stop> {
    steps.iter().try_for_each(|step| work.carry_out(step))
}

/// How it ended, told; of what a signal has stopped, with what is live.
fn ended(work: &mut Work, service: &str, done: Result<(), Stop>, text: String) -> Done {
    let done = match done {
        Ok(()) => work.ended(Outcome::Completed, text),
        Err(stop) => {
            let (outcome, text) = work.words(&stop);
            let live = match outcome {
                Outcome::Interrupted(_) => format!("; live: {}; run it again to go on", work.live_of(&[service])),
                _ => String::new(),
            };
            work.ended(outcome, format!("{text}{live}"))
        }
    };
    work.run.tell_done(&done);
    done
}
