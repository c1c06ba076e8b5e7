//! A new version of each manifest.

use super::book::Book;
use super::change::{Change, commit_at};
use super::outcome::Outcome;
use super::work::{Stop, Work};
use super::{Done, Report, Run, others};
use crate::aws::ecs::{Deployment, Service};
use crate::ecs::memory::{Deployed, Memory};
use crate::ecs::ports;
use crate::ecs::steps::{
    Step, check_change, deploy_steps, deploy_steps_anew, renamed, resumed, revision, scaled, service_name,
    surplus_scaling, without_waits,
};
use crate::ecs::wanted::{Method, Wanted, WantedService, is_digest, kept, masked};
use crate::error::Error;

/// Deploys what a job asks for.
///
/// # Errors
///
/// Only what keeps it from beginning: somebody else deploys the same job, the memory cannot be read, or a change cannot
/// be made in place. How it ended is in the report.
pub fn deploy(run: &Run, wanted: &Wanted) -> Result<Report, Error> {
    let book = Book::open(run, &wanted.job)?;
    let mut memory = book.memory();
    let renamed = renamed(wanted, &memory, &run.options.build_number);
    for (old, manifest) in &renamed {
        memory.renames(old, manifest);
    }
    for service in &wanted.services {
        if let Some(was) = memory.of(&service.manifest) {
            check_change(wanted, service, was)?;
        }
    }
    for (old, manifest) in &renamed {
        book.change(|memory| memory.renames(old, manifest))?;
        run.note(Some(manifest), format!("the service of {old}, which is no manifest any more, is taken over"));
    }
    announce(run, wanted, &memory);
    let mut report = if wanted.parallel { side_by_side(run, &book, wanted) } else { in_turn(run, &book, wanted) };
    if run.options.prune && report.outcome().is_success() && is_prunable(run, &book) {
        report.done.extend(others::prune(run, &book, wanted));
    } else {
        let left = book.removable();
        // What is not waited for is not left over.
        if !left.is_empty() && !run.options.prune && !run.options.no_wait {
            let names: Vec<String> = left.iter().map(crate::ecs::memory::Leftover::text).collect();
            run.note(None, format!("left over, and removed with --prune: {}", names.join(", ")));
        }
    }
    book.close(run);
    Ok(report)
}

/// Whether everything that is left over may go. What was made and not waited for is among it: that would be deleted as
/// soon as it is there.
fn is_prunable(run: &Run, book: &Book) -> bool {
    let memory = book.memory();
    let made = run.options.no_wait.then(|| memory.made_by(&run.options.build_number)).flatten();
    if let Some(made) = made {
        run.note(
            None,
            format!("{made} was not waited for, so nothing is pruned: deploy with --prune and without --no-wait"),
        );
    }
    made.is_none()
}

/// What there is to know before anything is called.
fn announce(run: &Run, wanted: &Wanted, memory: &Memory) {
    for service in &wanted.services {
        let was = memory.of(&service.manifest);
        if let Some(told) = ports::conflict(wanted, service, was, &run.options.build_number) {
            run.note(Some(&service.manifest), told);
        }
    }
    for was in &memory.services {
        if !wanted.services.iter().any(|service| service.manifest == was.manifest) {
            let told = format!(
                "{} is no manifest of {} any more, and its service {} goes on: `shipctl ecs delete {} --manifest {}` \
                 removes it",
                was.manifest, wanted.job, was.service, wanted.job, was.manifest
            );
            run.note(None, told);
        }
    }
}

fn in_turn(run: &Run, book: &Book, wanted: &Wanted) -> Report {
    let mut report = Report::default();
    for (index, service) in wanted.services.iter().enumerate() {
        let done = one(run, book, wanted, service);
        let goes_on = done.outcome.is_success();
        let failed = done.manifest.clone();
        report.done.push(done);
        let rest: Vec<&str> = wanted.services[index + 1..].iter().map(|rest| rest.manifest.as_str()).collect();
        if !goes_on && !rest.is_empty() {
            run.note(None, format!("not begun, since {failed} did not succeed: {}", rest.join(", ")));
        }
        if !goes_on {
            break;
        }
    }
    report
}

fn side_by_side(run: &Run, book: &Book, wanted: &Wanted) -> Report {
    let done = std::thread::scope(|scope| {
        let begun: Vec<_> = wanted
            .services
            .iter()
            .map(|service| (service, scope.spawn(move || one(run, book, wanted, service))))
            .collect();
        let ended = begun.into_iter().map(|(service, thread)| {
            thread.join().unwrap_or_else(|_| Done {
                manifest: service.manifest.clone(),
                outcome: Outcome::Failed,
                service: None,
                task_definition: None,
                text: "its thread has ended unexpectedly: deploy again to go on".to_owned(),
            })
        });
        ended.collect()
    });
    Report { done }
}

/// Deploys a manifest, and tells how it ended.
fn one(run: &Run, book: &Book, wanted: &Wanted, service: &WantedService) -> Done {
    let limit = run.options.timeout.unwrap_or(wanted.max_wait);
    let mut work = Work::new(run, book, &service.manifest, &wanted.cluster.name, limit);
    let done = match prepared(&mut work, wanted, service) {
        Ok(Prepared::Unchanged(was)) => {
            let text = format!("nothing has changed: {} serves on {}", was.service, revision(&was.task_definition));
            work.ended(Outcome::Unchanged, text)
        }
        Ok(Prepared::Change(change)) => work.execute(&change),
        Err(stop) => {
            let (outcome, text) = work.words(&stop);
            work.ended(outcome, format!("{text}; nothing was changed"))
        }
    };
    run.tell_done(&done);
    done
}

enum Prepared {
    Unchanged(Box<Deployed>),
    Change(Box<Change>),
}

/// What is to be done, after a look at what is there.
fn prepared(work: &mut Work, wanted: &Wanted, service: &WantedService) -> Result<Prepared, Stop> {
    let options = work.run.options;
    let remembered = work.book.of(&service.manifest);
    let mut steps = deploy_steps(wanted, service, remembered.as_ref(), &options.build_number, options.keep);
    if let Some(look) = steps.first().cloned() {
        work.carry_out(&look)?;
    }
    let state = remembered.as_ref().map(|was| state_of(work, was));
    match (&remembered, &state) {
        (_, Some(State::Drifted(told) | State::Gone(told))) => work.note(told.clone()),
        (Some(was), Some(State::Whole)) if is_digest(&was.digest, service) && !options.force && !service.force => {
            let Some(how) =
                work.seen.get(&was.service).and_then(|seen| was.cut_short(seen.desired).or_else(|| broken(seen)))
            else {
                as_it_was(work, service, was)?;
                return Ok(Prepared::Unchanged(Box::new(was.clone())));
            };
            work.note(format!("nothing has changed, but {} {how}: it is deployed again", was.service));
        }
        _ => {}
    }
    let gone = remembered.as_ref().filter(|_| matches!(state, Some(State::Gone(_))));
    let mut was = remembered.clone().filter(|_| gone.is_none());
    let target = service_name(wanted.method, service, was.as_ref(), &options.build_number);
    if remembered.is_none()
        && let Some(found) = found(work, wanted, service, &target)
    {
        work.note(format!("{target} is there, and was not deployed with this store: it is taken over"));
        steps = deploy_steps(wanted, service, Some(&found), &options.build_number, options.keep);
        was = Some(found);
    }
    if let Some(gone) = gone {
        steps = deploy_steps_anew(wanted, service, gone, &options.build_number, options.keep);
        if !work.seen.contains_key(&target) {
            work.look(&[&target])?;
        }
    }
    // It has been made already.
    steps.retain(|step| !matches!(step, Step::Look { .. }));
    steps = gone_on_with(work, steps, &target);
    let removes_another = removes_another(&steps, was.as_ref(), &target);
    let is_proven = !options.no_wait || !removes_another;
    if options.no_wait {
        steps = without_waits(steps, removes_another);
    }
    work.is_daemon = service.is_daemon();
    work.definition.clone_from(&service.task_definition);
    work.previous = was.as_ref().filter(|was| was.service == target).map(|was| was.task_definition.clone());
    work.target.clone_from(&target);
    Ok(Prepared::Change(Box::new(Change {
        commit_at: is_proven.then(|| commit_at(&steps)),
        steps,
        count: was.as_ref().and_then(|was| count_of(work, was)),
        gone: gone.map(|gone| gone.service.clone()).filter(|gone| *gone != target),
        new: new_version(work, wanted, service, target, remembered.as_ref().or(was.as_ref())),
        was,
        goes_back: wanted.method != Method::Upgrade || options.rollback,
    })))
}

/// What was seen to be as it was left, save scaling of a version before which was cut short when that was to go.
fn as_it_was(work: &mut Work, service: &WantedService, was: &Deployed) -> Result<(), Stop> {
    work.book.change(|memory| memory.is_as_it_was(&was.cluster, &was.service)).map_err(Stop::Store)?;
    work.is_committed = true;
    let made = scaled(service.scaling.as_ref(), &was.cluster, &was.service);
    surplus_scaling(was, made.as_ref()).iter().try_for_each(|step| work.carry_out(step))
}

/// A service of the wanted name that nobody remembers, as the one that serves: where the new version fails, it comes back.
/// What it was made with is not known, and taken to be what is wanted.
fn found(work: &Work, wanted: &Wanted, service: &WantedService, target: &str) -> Option<Deployed> {
    let seen = work.seen.get(target).filter(|seen| seen.status == "ACTIVE")?;
    if work.book.memory().is_left(work.cluster, target) {
        return None;
    }
    let mut asked = masked(service);
    if let Some(asked) = asked.as_object_mut() {
        asked.shift_remove("scaling");
    }
    Some(Deployed {
        manifest: service.manifest.clone(),
        cluster: wanted.cluster.name.clone(),
        region: wanted.cluster.region.clone(),
        service: target.to_owned(),
        method: wanted.method,
        build_number: String::new(),
        task_definition: seen.task_definition.clone(),
        digest: String::new(),
        wanted: asked,
        scaling: None,
        previous: Vec::new(),
        unfinished: None,
    })
}

/// How many tasks a version should have that comes back. One that was killed while it replaced another has left 0.
pub(super) fn count_of(work: &Work, was: &Deployed) -> Option<i32> {
    let before = was.unfinished.as_ref().and_then(|begun| begun.count);
    let now = work.seen.get(&was.service).map(|seen| seen.desired);
    let is_some = |count: &i32| *count > 0;
    before.filter(is_some).or_else(|| now.filter(is_some)).or_else(|| was.count())
}

/// What is remembered of the new version when it serves.
fn new_version(
    work: &Work,
    wanted: &Wanted,
    service: &WantedService,
    target: String,
    remembered: Option<&Deployed>,
) -> Deployed {
    let (digest, kept) = kept(service);
    Deployed {
        manifest: service.manifest.clone(),
        cluster: wanted.cluster.name.clone(),
        region: wanted.cluster.region.clone(),
        method: wanted.method,
        build_number: work.run.options.build_number.clone(),
        task_definition: String::new(),
        digest,
        wanted: kept,
        scaling: scaled(service.scaling.as_ref(), &wanted.cluster.name, &target),
        previous: remembered.map(Deployed::with_previous).unwrap_or_default(),
        unfinished: None,
        service: target,
    }
}

/// Whether an old service goes when the new one has proven itself.
fn removes_another(steps: &[Step], was: Option<&Deployed>, target: &str) -> bool {
    was.is_some_and(|was| was.service != target) && steps.iter().any(|step| matches!(step, Step::Delete { .. }))
}

/// What has become of what is remembered.
enum State {
    Whole,
    /// It is not as it was left: how, in one line.
    Drifted(String),
    /// It is not there any more.
    Gone(String),
}

fn state_of(work: &Work, was: &Deployed) -> State {
    match work.seen.get(&was.service) {
        Some(seen) if seen.status == "ACTIVE" => {
            if revision(&seen.task_definition) == revision(&was.task_definition) {
                return State::Whole;
            }
            State::Drifted(format!(
                "{} is on {}, not on {} as the last deployment left it: it is deployed",
                was.service,
                revision(&seen.task_definition),
                revision(&was.task_definition)
            ))
        }
        _ => State::Gone(format!(
            "{} of build {} is not there any more: it is deployed anew",
            was.service, was.build_number
        )),
    }
}

/// What keeps a service from serving, if anything does. Tasks that are about to run are no reason.
fn broken(seen: &Service) -> Option<String> {
    let primary = seen.deployments.iter().find(|one| one.status == "PRIMARY");
    let running = primary.map_or(seen.running, |one| one.running);
    let fails = |one: &Deployment| one.failed_tasks > 0 || one.rollout_state.as_deref() == Some("FAILED");
    let is_broken = running < seen.desired && (seen.running == 0 || primary.is_some_and(fails));
    is_broken.then(|| format!("runs {running} of {} tasks of it", seen.desired))
}

/// The same steps where the service that would be created is there, half made, or is going.
fn gone_on_with(work: &Work, mut steps: Vec<Step>, target: &str) -> Vec<Step> {
    let Some(at) = steps.iter().position(|step| matches!(step, Step::Create { .. })) else { return steps };
    match work.seen.get(target).map(|seen| seen.status.as_str()) {
        Some("ACTIVE") => {
            let is_ours = work.book.memory().is_left(work.cluster, target);
            let which = if is_ours { "half made by a deployment before" } else { "not remembered" };
            work.note(format!("{target} is there, {which}: it is gone on with"));
            resumed(steps)
        }
        Some("DRAINING") => {
            work.note(format!("{target} is being deleted: it is created when it is gone"));
            steps.insert(at, Step::AwaitGone { service: target.to_owned() });
            steps
        }
        _ => steps,
    }
}
