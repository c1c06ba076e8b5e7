//! `shipctl job finish`: what a run left becomes new versions and kept state.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::place;
use crate::ctx::Ctx;
use crate::error::{Error, Kind};
use crate::job::directory::JobDirectory;
use crate::job::outcome::{self, Options, Outcome, Secrets, StateChoice};
use crate::job::record::Record;
use crate::job::wipe;
use crate::store::{self, Input, Location, Owner, RunId, RunPlan, Store};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How the job ended
    #[arg(long, value_name = "STATUS", value_enum, default_value_t = Status::Success)]
    pub status: Status,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
    /// Cut the lines of .env files at every =, as the platform did
    #[arg(long)]
    pub compat_split: bool,
    /// The job directory; the same as --job-dir before the command
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// How a job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Status {
    /// The outputs get their versions, the job its state
    Success,
    /// Only outputs with on_failure get versions; the job keeps the state it had
    Failure,
    /// Nothing is kept; for a timeout too
    Cancelled,
}

impl From<Status> for outcome::Status {
    fn from(status: Status) -> Self {
        match status {
            Status::Success => Self::Success,
            Status::Failure => Self::Failure,
            Status::Cancelled => Self::Cancelled,
        }
    }
}

/// How it is done.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Way {
    /// Show what would change, and change nothing.
    pub dry_run: bool,
    /// As JSON.
    pub json: bool,
    /// Cut the lines of `.env` files at every `=`.
    pub compat_split: bool,
}

pub(super) fn run(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    let ctx = &place::of(ctx, args.dir.as_deref())?;
    let job = JobDirectory::of(ctx).map_err(|error| error.with_kind(Kind::Configuration))?;
    let root = job.require_root().map_err(|error| error.with_kind(Kind::Configuration))?;
    let record = Record::read(root)?;
    let way = Way { dry_run: args.dry_run, json: args.json, compat_split: args.compat_split };
    finish(ctx, root, &record, args.status.into(), way)?;
    // The job is over: nothing asks for its secrets any more.
    if args.dry_run { Ok(()) } else { wipe::wipe(root, &record) }
}

/// What the run of this directory leaves is kept, or shown.
pub(super) fn finish(ctx: &Ctx, root: &Path, record: &Record, status: outcome::Status, way: Way) -> Result<(), Error> {
    let secrets = match status {
        outcome::Status::Cancelled => Secrets::default(),
        _ => Secrets::gather(root, record)?,
    };
    let outcome = outcome::outcome(root, record, status, Options { compat_split: way.compat_split }, &secrets)?;
    let folders = Folders { root, secrets: &secrets };
    for note in &outcome.notes {
        ctx.note(note);
    }
    if way.dry_run {
        folders.look_at_all(&outcome)?;
        return print_difference(ctx, &outcome, way.json);
    }
    let kept = commit(ctx, record, status, outcome, &folders)?;
    if way.json {
        let text = serde_json::to_string_pretty(&kept)
            .map_err(|error| Error::failed(format_args!("what was kept cannot be written as JSON: {error}")))?;
        return ctx.print_line(text);
    }
    for (name, number, version_name) in kept {
        let version_name = version_name.map(|name| format!(" ({name})")).unwrap_or_default();
        ctx.note(format_args!("{name} has version {number}{version_name}"));
    }
    Ok(())
}

fn print_difference(ctx: &Ctx, outcome: &Outcome, json: bool) -> Result<(), Error> {
    let difference = outcome.difference();
    if !json {
        return ctx.print(difference.text().as_bytes());
    }
    let text = serde_json::to_string_pretty(&difference)
        .map_err(|error| Error::failed(format_args!("the difference cannot be written as JSON: {error}")))?;
    ctx.print_line(text)
}

/// The folders of the states that are kept, which no secret may be in.
struct Folders<'a> {
    root: &'a Path,
    secrets: &'a Secrets,
}

impl Folders<'_> {
    fn save(&self, store: &Store, owner: &Owner, folder: &Path) -> Result<String, Error> {
        store.save_inspected(owner, folder, &self.look(folder))
    }

    fn look(&self, folder: &Path) -> impl Fn(&Path, &mut dyn Read) -> io::Result<Result<(), Error>> {
        let shown = folder.strip_prefix(self.root).unwrap_or(folder).to_owned();
        move |path, content| self.secrets.refuse_file(&shown, path, content)
    }

    /// As saving them would, saves nothing. The previous state is in the store already.
    fn look_at_all(&self, outcome: &Outcome) -> Result<(), Error> {
        let of_outputs = outcome.drafts.iter().filter_map(|planned| planned.state_folder.as_deref());
        let of_job = match &outcome.job_state {
            StateChoice::Folder(folder) => Some(folder.as_path()),
            StateChoice::Previous(_) | StateChoice::None => None,
        };
        of_outputs.chain(of_job).try_for_each(|folder| store::inspect_state(folder, &self.look(folder)))
    }
}

/// Name, number and name of a version that was made.
type Kept = (String, u64, Option<String>);

/// Hands the outcome to the store: states first, which nobody sees before the versions name them; then every version at
/// once.
fn commit(
    ctx: &Ctx,
    record: &Record,
    status: outcome::Status,
    outcome: Outcome,
    folders: &Folders,
) -> Result<Vec<Kept>, Error> {
    let Some(job) = outcome.job else { return Ok(Vec::new()) };
    let location = Location::parse(record.store.as_ref(), &ctx.cwd()?)?;
    let store = Store::open(&location, &ctx.env, Ctx::clock())?;
    let run = RunId { job: record.job.clone(), build_number: record.build_number.clone(), token: record.token.clone() };
    if let Some(done) = store.record_of(&run)? {
        ctx.note(format_args!("build {} of {} was finished before: nothing is changed", record.build_number, run.job));
        let names = done.outputs.into_iter();
        return Ok(names.map(|one| (one.owner.name().to_owned(), one.version_number, one.version_name)).collect());
    }
    let mut outputs = Vec::new();
    for planned in outcome.drafts {
        let owner = Owner::Resource(planned.resource.clone());
        let planned = match &planned.state_folder {
            Some(folder) => {
                let sha = folders.save(&store, &owner, folder)?;
                planned.with_state(&sha)
            }
            None => Some(planned),
        };
        outputs.extend(planned.map(|planned| draft(planned.draft).map(|draft| (owner, draft))).transpose()?);
    }
    let owner = Owner::Job(record.job.clone());
    let sha = match &outcome.job_state {
        StateChoice::Folder(folder) | StateChoice::Previous(folder) => Some(folders.save(&store, &owner, folder)?),
        StateChoice::None => None,
    };
    let job = sha.into_iter().fold(job, |job, sha| job.with_job_state(&sha));
    outputs.push((owner, draft(job)?));
    let plan = RunPlan { status: status.as_str().to_owned(), inputs: inputs(outcome.inputs)?, outputs };
    let committed = store.commit_run(&run, &plan)?;
    let versions = committed.versions.into_iter();
    Ok(versions.map(|(owner, made)| (owner.name().to_owned(), made.version_number, made.version_name)).collect())
}

fn draft(draft: outcome::Draft) -> Result<store::Draft, Error> {
    Ok(store::Draft {
        version_name: draft.version_name,
        property_bag: draft.property_bag,
        inputs: inputs(draft.inputs)?,
        section: draft.section,
    })
}

fn inputs(inputs: Vec<serde_json::Value>) -> Result<Vec<Input>, Error> {
    serde_json::from_value(inputs.into())
        .map_err(|error| Error::failed(format_args!("the inputs of the run cannot be recorded: {error}")))
}
