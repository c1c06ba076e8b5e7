//! `shipctl job init`: the job directory of a job, made from its yml.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::sources::{self, Given, Here, Stored};
use super::{cli_tools, place};
use crate::commands::version::StoreArgs;
use crate::config::shippable::{Job, Pipeline};
use crate::ctx::Ctx;
use crate::error::{Error, Kind};
use crate::host::Host;
use crate::job::build::sources::Sources;
use crate::job::build::{self, Made, Options, Override, Undefined};
use crate::job::{build_link, lint, names};
use crate::store::Store;
use crate::support::alive::ProcessMark;

/// Arguments of `job init`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// The job, as the yml has it
    #[arg(value_name = "JOB")]
    pub job: String,
    /// The folder to make; one that `job init` made is replaced [default: .shipctl/build/JOB]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// A file of the pipeline, its sibling files included [default: shippable.yml]
    #[arg(long = "file", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The values of integrations, YAML or JSON
    #[arg(long, value_name = "FILE")]
    pub integrations: Option<PathBuf>,
    /// A checkout for a gitRepo, instead of a clone
    #[arg(long, value_name = "NAME=PATH")]
    pub git: Vec<OsString>,
    /// A version (versionName, versionNumber) or a value of an input
    #[arg(long = "set", value_name = "RESOURCE.KEY=VALUE")]
    pub overrides: Vec<Override>,
    #[command(flatten)]
    pub store: StoreArgs,
    /// What a placeholder becomes that names nothing
    #[arg(long, value_name = "HOW", value_enum, default_value_t = UndefinedArg::Empty)]
    pub undefined: UndefinedArg,
    /// Let placeholders put secrets into files, and plain values of keyValuePairs into versions and states
    #[arg(long)]
    pub allow_secrets: bool,
    /// A private ssh key, for secrets/00_sub
    #[arg(long, value_name = "FILE")]
    pub ssh_key: Option<PathBuf>,
    /// Params that are lists or objects as the platform had them: JSON, each space with a backslash before it
    #[arg(long)]
    pub compat: bool,
    /// Make /build a link to the job directory, for scripts that name it; needs root, and `job clean` removes it
    #[arg(long)]
    pub link_build: bool,
    /// The build number [default: that of the CI, else the next of the store]
    #[arg(long, value_name = "N")]
    pub build_number: Option<String>,
}

/// [`Undefined`], on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UndefinedArg {
    /// Nothing, as on the platform
    Empty,
    /// Itself
    Keep,
    /// An error
    Error,
}

impl From<UndefinedArg> for Undefined {
    fn from(arg: UndefinedArg) -> Self {
        match arg {
            UndefinedArg::Empty => Self::Empty,
            UndefinedArg::Keep => Self::Keep,
            UndefinedArg::Error => Self::Error,
        }
    }
}

pub(super) fn run(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    let pipeline = Pipeline::read(&args.files, &ctx.cwd()?)?;
    // Before the store is asked for anything.
    let job = pipeline.require_job(&args.job)?;
    let store = args.store.open(ctx)?;
    let host = Host::detect(&ctx.env)?;
    let made = make(ctx, args, &Project { pipeline: &pipeline, job, store: &store, host: &host, runner: None })?;
    for note in &made.notes {
        ctx.note(note);
    }
    ctx.print_line(made.dir.as_os_str().as_bytes())
}

/// What a job directory is made of, read once.
pub(super) struct Project<'a> {
    /// The yml.
    pub pipeline: &'a Pipeline,
    /// The job in it.
    pub job: &'a Job,
    /// Versions and state.
    pub store: &'a Store,
    /// The CI.
    pub host: &'a Host,
    /// The `job run` whose end is that of the directory too.
    pub runner: Option<ProcessMark>,
}

/// Makes the job directory and prints nothing: `job run` begins with it too.
pub(super) fn make(ctx: &Ctx, args: &Args, project: &Project) -> Result<Made, Error> {
    let cwd = ctx.cwd()?;
    let options = options(ctx, args, &cwd)?;
    // First, since it may well be refused.
    let place = Path::new(build_link::PLACE);
    let linked = args.link_build && build_link::make(place, &options.dir)?;
    let made = make_as(ctx, args, project, &cwd, &options);
    if linked && made.is_err() {
        build_link::remove(place, &options.dir)?;
    }
    let mut made = made?;
    made.notes.extend(old_paths(project, &made.dir));
    Ok(made)
}

/// Says that scripts look for the job directory where it is not.
fn old_paths(project: &Project, dir: &Path) -> Option<String> {
    let mut found = lint::old_paths(project.pipeline, project.job).into_iter();
    let (at, text) = found.next()?;
    let place = Path::new(build_link::PLACE).canonicalize().ok();
    if place.is_some() && place == dir.canonicalize().ok() {
        return None;
    }
    let more = found.len();
    let more = if more > 0 { format!("; {more} more: see `shipctl job lint`") } else { String::new() };
    Some(format!("{at}: {text}, or give --link-build{more}"))
}

fn make_as(ctx: &Ctx, args: &Args, project: &Project, cwd: &Path, options: &Options) -> Result<Made, Error> {
    let Project { pipeline, job, store, host, .. } = *project;
    let base = pipeline.base(cwd);
    let secrets = Given::load(ctx, args.integrations.as_deref(), base)?;
    let facts = sources::facts(ctx, host, store, &args.job, args.build_number.as_deref())?;
    let commits = Here { host, env: &ctx.env, cwd, notes: RefCell::default() };
    let versions = Stored { store, location: args.store.location(ctx)? };
    let sources = Sources { versions: &versions, secrets: &secrets, commits: &commits, facts: &facts, env: &ctx.env };
    let mut staged = build::stage(pipeline, &args.job, options, &sources)?;
    staged.note(host.notes.iter().cloned());
    staged.note(commits.notes.take());
    staged.note(secrets.notes());
    let notes = cli_tools::configure(ctx, pipeline, job, &mut staged, &secrets.resolved.borrow())?;
    staged.note(notes);
    if let Some(runner) = &project.runner {
        let record = staged.record_mut();
        record.runner = Some(runner.clone());
        let record = record.clone();
        record.write(staged.path())?;
    }
    staged.show()
}

fn options(ctx: &Ctx, args: &Args, cwd: &Path) -> Result<Options, Error> {
    let mut checkouts = BTreeMap::new();
    for word in &args.git {
        let (name, path) = checkout(word)?;
        checkouts.insert(name, ctx.absolute(&path)?.components().collect());
    }
    let dir = match &args.dir {
        Some(dir) => dir.clone(),
        None if names::is_component(args.job.as_bytes()) => place::of_job(&args.job),
        None => return Err(Error::new(Kind::Usage, format_args!("{:?} is no name of a folder: give --dir", args.job))),
    };
    Ok(Options {
        // Without `.` and a slash at the end, neither of which can be renamed to.
        dir: ctx.absolute(&dir)?.components().collect(),
        undefined: args.undefined.into(),
        allow_secrets: args.allow_secrets,
        overrides: args.overrides.clone(),
        checkouts,
        ssh_key: args.ssh_key.as_ref().map(|file| ctx.absolute(file)).transpose()?,
        compat: args.compat,
        cwd: Some(cwd.to_owned()),
    })
}

fn checkout(word: &OsString) -> Result<(String, PathBuf), Error> {
    let bytes = word.as_bytes();
    let equals = bytes.iter().position(|byte| *byte == b'=').filter(|at| *at > 0 && at + 1 < bytes.len());
    let name = equals.and_then(|at| std::str::from_utf8(&bytes[..at]).ok());
    if let (Some(name), Some(at)) = (name, equals) {
        return Ok((name.to_owned(), PathBuf::from(std::ffi::OsStr::from_bytes(&bytes[at + 1..]))));
    }
    let message = format!("--git {} is not NAME=PATH: name a gitRepo and its checkout", word.display());
    Err(Error::new(Kind::Usage, message))
}
