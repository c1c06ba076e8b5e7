//! `shipctl job run`: a whole run of a job, from its yml to the versions that it leaves.

use std::time::{Duration, Instant};

use clap::Args;

use super::exec::Prepared;
use super::init::{self, Project};
use super::notifications::Notifications;
use super::{clean, finish, left_over, place};
use crate::config::shippable::{Job, Pipeline, Script};
use crate::ctx::Ctx;
use crate::error::{Error, Kind};
use crate::host::Host;
use crate::job::build::Made;
use crate::job::directory::JobDirectory;
use crate::job::managed::Managed;
use crate::job::names;
use crate::job::outcome::Status;
use crate::run::lines::Lines;
use crate::run::{self, Hooks, Outcome, Settings, Task};
use crate::store::Keeper;
use crate::support::alive::ProcessMark;
use crate::support::process::SignalRelay;
use crate::support::stop::Stop;

/// Time for a job that names none, as for a paying subscription of the platform.
const DEFAULT_MINUTES: f64 = 120.0;

/// How long a serial job keeps its turn after it was killed.
const LEASE: Duration = Duration::from_mins(2);
/// How often the turn is renewed: often enough that a store may be out of reach for a while.
const RENEWED: Duration = Duration::from_secs(25);

/// Run a job: make its directory, run every TASK and hook, keep what it leaves
///
/// Makes the job directory as `job init` does, runs each TASK in a bash of its own (its entries share the shell), then the
/// hooks, and keeps what the job left as `job finish` does. The directory is removed at the end, whatever happened; runs
/// of a `triggerMode: parallel` job have one each.
/// What scripts print streams, with secrets masked. They find this program as `shipctl` and under its older names
/// (`shippable_retry`, `ship_resource_get_state`, ...) at the end of their PATH.
///
/// Of a job without a script (runSh, runCI, manifest, release) nothing is run, and its version kept. A deploy job is one
/// for shipctl ecs deploy, and refused.
///
/// After the job's timeoutMinutes (120 when it names none), or a signal, the TASK gets TERM and 10 seconds later KILL;
/// then on_cancel and always run, and nothing is kept. A serial job (the default; see triggerMode) waits for no other: it
/// ends with an error when the store says that a run of it is under way. A run that loses its turn is cancelled.
///
/// NOTIFY steps and hooks are sent when the job has ended, and on_start before it begins; one that fails is a note.
///
/// Exit status: 0 success; that of the script that failed; 124 after the timeout; 128+n after signal n; 143 when the turn
/// was lost; 8 when the yml,
/// an integration or the store is not in order, with nothing run.
#[derive(Debug, Args)]
pub(crate) struct JobRun {
    #[command(flatten)]
    init: init::Args,
    /// Run this TASK alone, counted from 1
    #[arg(long, value_name = "N")]
    task: Option<usize>,
    /// Keep the job directory
    #[arg(long)]
    keep: bool,
    /// Show at the end what would be kept, and keep nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(ctx: &Ctx, args: &JobRun) -> Result<(), Error> {
    let cwd = ctx.cwd()?;
    let pipeline = Pipeline::read(&args.init.files, &cwd)?;
    let job = pipeline.require_job(&args.init.job)?;
    let init = with_directory(&args.init, job);
    let tasks = tasks(job, args.task)?;
    if let (true, Managed::NothingToRun(why)) = (tasks.is_empty(), Managed::of(job)) {
        ctx.note(format_args!("nothing of {} ({}) is run: {why}", job.name, job.kind));
    }
    let store = args.init.store.open(ctx)?;
    let host = Host::detect(&ctx.env)?;
    let limit = Duration::from_secs_f64(60.0 * job.timeout_minutes().unwrap_or(DEFAULT_MINUTES).clamp(0.0, 1e6));
    // From here on a signal is ours to answer: the directory and the turn are given back.
    let relay = SignalRelay::install()
        .map_err(|error| Error::failed(format_args!("signals cannot be passed on to the job: {error}")))?;
    let holder = holder(ctx);
    let stop = Stop::default();
    let turn = if job.is_parallel() {
        None
    } else {
        Some(store.lease(&job.name, &holder, LEASE)?.keep(RENEWED, stop.clone())?)
    };
    // A directory of this run alone is of no use to anybody when the run has ended; one of the job is made anew.
    let is_own = args.init.dir.is_none() && init.dir.is_some();
    if is_own {
        left_over::remove(ctx, &cwd, &job.name);
    }
    let runner = if is_own && !args.keep { ProcessMark::own() } else { None };
    let project = Project { pipeline: &pipeline, job, store: &store, host: &host, runner };
    let done = Running { ctx, args, init: &init, project: &project, limit, stop }.in_directory(&tasks, relay);
    let released = turn.map_or(Ok(()), Keeper::release);
    done.and(released)
}

/// Runs of a parallel job may overlap: each has a directory of its own.
fn with_directory(args: &init::Args, job: &Job) -> init::Args {
    let mut args = args.clone();
    // A name that is none of a folder is refused later.
    if args.dir.is_none() && job.is_parallel() && names::is_component(job.name.as_bytes()) {
        args.dir = Some(place::of_job(&format!("{}-{}", job.name, std::process::id())));
    }
    args
}

/// Who holds the turn of a job, in words.
pub(crate) fn holder(ctx: &Ctx) -> String {
    format!("process {} on {}", std::process::id(), host_name(ctx))
}

fn host_name(ctx: &Ctx) -> String {
    let named = ctx.env.get_filled("HOSTNAME").map(|name| name.to_string_lossy().into_owned());
    let kernel = || rustix::system::uname().nodename().to_string_lossy().into_owned();
    named.unwrap_or_else(kernel)
}

/// The TASKs to run, and whether each is the last of the job.
fn tasks(job: &Job, only: Option<usize>) -> Result<Vec<Task>, Error> {
    let scripted: Vec<_> = job.tasks().filter(|task| !task.scripts.is_empty()).collect();
    let count = scripted.len();
    if only.is_some_and(|only| only == 0 || only > count) {
        let message = format!("--task {}: the job {} has {count} TASKs with a script", only.unwrap_or(0), job.name);
        return Err(Error::new(Kind::Usage, message));
    }
    if let (0, Managed::Elsewhere(cure)) = (count, Managed::of(job)) {
        let message = format!(
            "{}: {} is a {} job without a script, which `job run` does not run: {cure}",
            job.yml.at, job.name, job.kind
        );
        return Err(Error::new(Kind::Configuration, message));
    }
    let task = |(at, task): (usize, &crate::config::shippable::Task)| Task {
        number: at + 1,
        name: task.name.clone().unwrap_or_else(|| format!("Task {}", at + 1)),
        scripts: texts(&task.scripts),
        last: at + 1 == count || only.is_some(),
    };
    let all = scripted.into_iter().enumerate().map(task);
    Ok(all.filter(|task| only.is_none_or(|only| only == task.number)).collect())
}

fn texts(scripts: &[Script]) -> Vec<String> {
    scripts.iter().map(|script| script.text.clone()).collect()
}

/// A run under way.
struct Running<'a> {
    ctx: &'a Ctx,
    args: &'a JobRun,
    /// Those of `job init`, the directory chosen.
    init: &'a init::Args,
    project: &'a Project<'a>,
    limit: Duration,
    /// Asked for when the turn is lost.
    stop: Stop,
}

impl Running<'_> {
    fn in_directory(self, tasks: &[Task], mut relay: SignalRelay) -> Result<(), Error> {
        let made = init::make(self.ctx, self.init, self.project)?;
        let identity = clean::Identity::of(&made.dir);
        for note in &made.notes {
            self.ctx.note(note);
        }
        let ctx = &Ctx { job_dir: Some(made.dir.clone()), ..self.ctx.clone() };
        let run = Running { ctx, ..self };
        let done = run.to_the_end(&made, tasks, &mut relay);
        if run.args.keep {
            ctx.note(format_args!("the job directory is {}", made.dir.display()));
            return done;
        }
        let removed = clean::remove_made(&made.dir, identity);
        done.and(removed)
    }

    fn to_the_end(&self, made: &Made, tasks: &[Task], relay: &mut SignalRelay) -> Result<(), Error> {
        let directory = JobDirectory::of(self.ctx).map_err(|error| error.with_kind(Kind::Configuration))?;
        let numbers: Vec<usize> = tasks.iter().map(|task| task.number).collect();
        let prepared = Prepared::of(self.ctx, &directory, Some(&made.record), &numbers)?;
        for note in &prepared.notes {
            self.ctx.note(note);
        }
        let integrations = self.args.init.integrations.as_deref();
        let notifications = Notifications::new(self.ctx, self.project, &prepared.env, &made.dir, integrations);
        if !self.args.dry_run {
            notifications.began();
        }
        let outcome = self.scripts(tasks, prepared, relay);
        let ended = outcome.and_then(|outcome| self.end(made, outcome));
        if !self.args.dry_run {
            notifications.ended(ended.as_ref().map_or(Status::Failure, |outcome| status_of(*outcome)));
        }
        match ended? {
            Outcome::Success => Ok(()),
            outcome => Err(Error::child(outcome.exit_status())),
        }
    }

    /// Keeps what there is to keep.
    fn end(&self, made: &Made, mut outcome: Outcome) -> Result<Outcome, Error> {
        // Another run may have begun: what this one leaves is not to come between.
        if let (Some(reason), Outcome::Success | Outcome::Failure(_)) = (self.stop.reason(), outcome) {
            self.ctx.note(format_args!("{reason}: nothing is kept"));
            outcome = Outcome::STOPPED;
        }
        let way = finish::Way { dry_run: self.args.dry_run, ..finish::Way::default() };
        finish::finish(self.ctx, &made.dir, &made.record, status_of(outcome), way)?;
        Ok(outcome)
    }

    fn scripts(&self, tasks: &[Task], mut prepared: Prepared, relay: &mut SignalRelay) -> Result<Outcome, Error> {
        let ctx = self.ctx;
        let host = self.project.host;
        let hooks = hooks(self.project.job);
        let of_tasks = std::mem::take(&mut prepared.of_tasks);
        let mut settings = self.settings(prepared);
        let mut out = Lines::new(ctx.out_stream());
        for (task, env) in tasks.iter().zip(of_tasks) {
            settings.env = env;
            settings.env.retain(|(name, _)| name != "TASK_NAME");
            settings.env.push(("TASK_NAME".into(), task.name.clone().into()));
            announce(&mut out, &host.group_start(&task.name, ctx.now()))?;
            let outcome = run::run_task(task, &hooks, &settings, relay, &mut out);
            announce(&mut out, &host.group_end(&task.name, ctx.now()))?;
            match outcome? {
                Outcome::Success => {}
                failed => {
                    let told = match (failed, self.stop.reason()) {
                        (Outcome::STOPPED, Some(reason)) => format!("cancelled, since {reason}: nothing is kept"),
                        _ => told(failed),
                    };
                    ctx.note(format_args!("{}: {told}", task.name));
                    return Ok(failed);
                }
            }
        }
        Ok(Outcome::Success)
    }

    fn settings(&self, prepared: Prepared) -> Settings {
        Settings {
            env: prepared.env,
            cwd: prepared.root.clone(),
            scripts_dir: prepared.root.join("scripts"),
            masker: prepared.masker,
            deadline: Instant::now().checked_add(self.limit),
            grace: Settings::GRACE,
            stop: self.stop.clone(),
            cancel_limit: Settings::CANCEL_LIMIT,
        }
    }
}

fn hooks(job: &Job) -> Hooks {
    Hooks {
        on_success: texts(&job.hooks.on_success.scripts),
        on_failure: texts(&job.hooks.on_failure.scripts),
        always: texts(&job.hooks.always.scripts),
        on_cancel: texts(&job.hooks.on_cancel.scripts),
    }
}

const fn status_of(outcome: Outcome) -> Status {
    match outcome {
        Outcome::Success => Status::Success,
        Outcome::Failure(_) => Status::Failure,
        Outcome::Cancelled(_) | Outcome::TimedOut => Status::Cancelled,
    }
}

fn told(outcome: Outcome) -> String {
    match outcome {
        Outcome::Success => "succeeded".to_owned(),
        Outcome::Failure(status) => format!("failed with status {status}"),
        Outcome::Cancelled(signal) => format!("cancelled by signal {signal}: nothing is kept"),
        Outcome::TimedOut => "not done within the job's time: nothing is kept; raise timeoutMinutes".to_owned(),
    }
}

/// Says something of ours, or nothing yet, at the beginning of a line.
fn announce<W: std::io::Write>(out: &mut Lines<W>, text: &str) -> Result<(), Error> {
    use std::io::Write as _;
    let written = out.end_line().and_then(|()| out.write_all(text.as_bytes())).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::failed(format_args!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}
