//! Deletion, scaling by hand, and what was left over.

use super::book::Book;
use super::outcome::Outcome;
use super::work::{Stop, Work};
use super::{Done, LIMIT, Report, Run};
use crate::ecs::memory::{Deployed, Leftover, Memory};
use crate::ecs::steps::{Step, delete_steps, is_daemon, prune_steps, removal_begun, scale_steps};
use crate::ecs::wanted::{Cluster, Wanted, WantedService};
use crate::error::{Error, Kind};

/// Takes away everything that a job has made, or what it has made for one manifest. The yml may be gone. `there`: where
/// calls go to, and what was left over is, if it is anywhere.
pub fn delete(run: &Run, job: &str, manifest: Option<&str>, there: &Cluster) -> Result<Report, Error> {
    let book = Book::open(run, job)?;
    let memory = book.memory();
    let services = chosen(&memory, job, manifest, memory.leftovers.is_empty(), there)?;
    let mut report = Report::default();
    for was in &services {
        let mut work = work(run, &book, &was.manifest, &was.cluster);
        let done = take_away(&mut work, was);
        let how = if run.options.no_wait {
            "is being deleted, and was not waited for"
        } else {
            "is deleted, with everything that it had"
        };
        let text = format!("{} {how}", was.service);
        report.done.push(ended(&mut work, &was.service, done, text));
        if matches!(report.outcome(), Outcome::Interrupted(_)) {
            break;
        }
    }
    if report.outcome().is_success() && (services.is_empty() || !run.options.no_wait) {
        report.done.extend(leftovers(run, &book, there, manifest));
    }
    let left = book.memory().leftovers;
    if run.options.no_wait && !left.is_empty() {
        let names: Vec<String> = left.iter().map(Leftover::text).collect();
        run.note(None, format!("left over, and removed with `shipctl ecs delete {job}`: {}", names.join(", ")));
    }
    book.close(run);
    Ok(report)
}

/// Takes a service away. Its revisions are left over from the moment that it is gone, until they are gone as well; and so is
/// the service, where that is not waited for.
fn take_away(work: &mut Work, was: &Deployed) -> Result<(), Stop> {
    let no_wait = work.run.options.no_wait;
    let (revisions, mut service): (Vec<_>, Vec<_>) =
        delete_steps(was).into_iter().partition(|step| matches!(step, Step::Deregister { .. }));
    if no_wait {
        service = removal_begun(service);
    }
    remove(work, &service, true)?;
    let forgotten = work.book.change(|memory| {
        memory.forget(&was.manifest);
        if no_wait {
            memory.leave(Leftover::of(&Deployed { scaling: None, ..was.clone() }));
        }
        for arn in was.own_revisions() {
            memory.leave(Leftover::TaskDefinition { manifest: was.manifest.clone(), arn });
        }
    });
    forgotten.map_err(Stop::Store)?;
    if no_wait { Ok(()) } else { in_order(work, &revisions) }
}

/// Sets the count of what serves.
pub fn scale(run: &Run, job: &str, count: u32, manifest: Option<&str>, there: &Cluster) -> Result<Report, Error> {
    let book = Book::open(run, job)?;
    let memory = book.memory();
    let mut report = Report::default();
    let services = chosen(&memory, job, manifest, true, there)?;
    if let Some(was) = services.iter().find(|was| is_daemon(was.wanted.get("service"))) {
        let told = format!("{} runs one task on each instance (DAEMON): it has no count", was.service);
        return Err(Error::new(Kind::Usage, told));
    }
    for was in services {
        let mut work = work(run, &book, &was.manifest, &was.cluster);
        if was.is_scaled() {
            work.note(format!("{} is scaled automatically: that may change the count again", was.service));
        }
        let mut steps = scale_steps(&was, count);
        if run.options.no_wait {
            steps.truncate(2);
        }
        let done = scaled_by_hand(&mut work, &was, &steps, count);
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

/// Sets a count, which is the one that is wanted from then on, whatever was begun before.
fn scaled_by_hand(work: &mut Work, was: &Deployed, steps: &[Step], count: u32) -> Result<(), Stop> {
    for step in steps {
        work.carry_out(step)?;
        if matches!(step, Step::Update { .. }) {
            let count = i32::try_from(count).unwrap_or(i32::MAX);
            let counted = work.book.change(|memory| memory.counts(&was.cluster, &was.service, count));
            counted.map_err(Stop::Store)?;
        }
    }
    Ok(())
}

/// Removes what was left over, and revisions of our own families that nobody uses.
pub(super) fn prune(run: &Run, book: &Book, wanted: &Wanted) -> Vec<Done> {
    let mut done = leftovers(run, book, &wanted.cluster, None);
    done.extend(wanted.services.iter().filter_map(|service| surplus(run, book, wanted, service)));
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

/// Removes revisions of ours that are remembered beyond those that are kept: they were to go when the version after them
/// began to serve, and did not. What fails.
fn surplus(run: &Run, book: &Book, wanted: &Wanted, service: &WantedService) -> Option<Done> {
    let serving = book.of(&service.manifest)?;
    let old = serving.previous.iter().skip(run.options.keep).filter(|old| old.is_ours(service.family()));
    let steps: Vec<Step> = old.map(|old| Step::Deregister { task_definition: old.task_definition.clone() }).collect();
    let mut work = work(run, book, &service.manifest, &wanted.cluster.name);
    let stop = in_order(&mut work, &steps).err()?;
    let (outcome, text) = work.words(&stop);
    let failed = work.ended(outcome, format!("revisions before {} are left over still: {text}", serving.service));
    run.tell_done(&failed);
    Some(failed)
}

/// Removes what is remembered as left over, of `only` a manifest or of all; only what fails is told.
fn leftovers(run: &Run, book: &Book, there: &Cluster, only: Option<&str>) -> Vec<Done> {
    let mut failed = Vec::new();
    let memory = book.memory();
    // A revision is free when its service is gone.
    let (services, revisions): (Vec<_>, Vec<_>) = memory
        .leftovers
        .iter()
        .filter(|leftover| is_here(run, leftover, there))
        .partition(|leftover| matches!(leftover, Leftover::Service { .. }));
    for leftover in services.into_iter().chain(revisions) {
        let (Leftover::Service { manifest, .. } | Leftover::TaskDefinition { manifest, .. }) = leftover;
        // Whose service is not waited for stays until that is gone.
        let is_used = |arn: &str| run.options.no_wait && book.memory().uses(arn);
        let waits = matches!(leftover, Leftover::TaskDefinition { arn, .. } if is_used(arn));
        if waits || only.is_some_and(|only| only != manifest) {
            continue;
        }
        let mut work = work(run, book, manifest, &there.name);
        let still = memory.of(manifest).and_then(|serving| serving.scaling.as_ref());
        let mut steps = prune_steps(leftover, still);
        if run.options.no_wait && matches!(leftover, Leftover::Service { .. }) {
            steps = removal_begun(steps);
        }
        if let Err(stop) = remove(&mut work, &steps, false) {
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

/// Whether something left over is there, as far as that is known; what is not is told.
fn is_here(run: &Run, leftover: &Leftover, there: &Cluster) -> bool {
    let cluster = leftover.elsewhere(&there.name).map(|other| format!("the cluster {other}"));
    let region = leftover.region().zip(there.region.as_deref()).filter(|(its, here)| its != here);
    let elsewhere = cluster.or_else(|| region.map(|(its, _)| format!("the region {its}")));
    if let Some(other) = &elsewhere {
        let told = format!("{} is in {other}, and stays: prune with a yml that names it", leftover.text());
        run.note(None, told);
    }
    elsewhere.is_none()
}

/// What is meant of what serves, where all of that is `there`.
pub(super) fn chosen(
    memory: &Memory,
    job: &str,
    manifest: Option<&str>,
    is_needed: bool,
    there: &Cluster,
) -> Result<Vec<Deployed>, Error> {
    let known: Vec<&str> = memory.services.iter().map(|one| one.manifest.as_str()).collect();
    let found = memory.clone().narrowed(manifest);
    match manifest {
        Some(name) if memory.of(name).is_none() => {
            let told = format!("{job} has not deployed the manifest {name}: it has {}", known.join(", "));
            return Err(Error::new(Kind::Usage, told));
        }
        None if found.services.is_empty() && is_needed => return Err(nothing(job)),
        _ => {}
    }
    found.check_region(there.region.as_deref())?;
    Ok(found.services)
}

fn nothing(job: &str) -> Error {
    Error::failed(format_args!(
        "nothing that {job} has deployed is remembered: is this the store that it deploys with?"
    ))
}

pub(super) fn work<'a>(run: &'a Run<'a>, book: &'a Book, manifest: &'a str, cluster: &'a str) -> Work<'a> {
    Work::new(run, book, manifest, cluster, run.options.timeout.unwrap_or(LIMIT))
}

/// Takes away; what was in a cluster that is gone is gone with it. `is_expected`: that it is not there is told.
fn remove(work: &mut Work, steps: &[Step], is_expected: bool) -> Result<(), Stop> {
    let mut is_gone = false;
    for step in steps {
        let is_there = matches!(step, Step::Look { .. }) || step.service().is_some();
        if is_gone && is_there {
            if let Step::AwaitGone { service } = step {
                work.book.change(|memory| memory.service_is_gone(work.cluster, service)).map_err(Stop::Store)?;
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
                    work.book.change(|memory| memory.service_is_gone(work.cluster, service)).map_err(Stop::Store)?;
                }
            }
            done => done?,
        }
        if let Step::Look { services } = step
            && let Some(name) = services.iter().find(|name| is_expected && !is_gone && !work.seen.contains_key(*name))
        {
            let how = "somebody else has deleted it, or these are the credentials of another account";
            work.note(format!("{name} is not there: {how}"));
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
