//! `shipctl job exec`: one command with the job's environment, its output masked.

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use clap::Args;

use super::place;
use crate::commands::older_names;
use crate::ctx::Ctx;
use crate::error::{Error, Kind};
use crate::job::directory::JobDirectory;
use crate::job::environment::{self, Environment};
use crate::job::record::Record;
use crate::job::secrets;
use crate::run;
use crate::support::mask::Masker;
use crate::support::process::SignalRelay;
use crate::support::secret::Secret;

/// Run a command with that environment, secrets masked
///
/// Runs a command in the job directory, with every variable that a job script finds. What it prints streams, with every
/// secret of the job replaced by ***: the values of integrations, secure params, and what the tools of cliConfig inputs
/// were configured with. Standard input is that of the call. Where the machine has none, the command finds this program
/// as `shipctl` and under its older names (`shippable_retry`, `ship_resource_get_state`, ...) at the end of its PATH.
///
/// Exit status: that of the command as a shell reports it (126 not executable, 127 not found, 128+n for signal n); 8 when
/// there is no job directory or a file in it is wrong.
#[derive(Debug, Args)]
pub(crate) struct JobExec {
    /// The job directory (else that of --job-dir, $JOB_PATH, or the one that `job init` made here)
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The command and its arguments
    #[arg(value_name = "CMD", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

pub(super) fn run(ctx: &Ctx, args: &JobExec) -> Result<(), Error> {
    let ctx = &place::of(ctx, args.dir.as_deref())?;
    let job = JobDirectory::of(ctx).map_err(|error| error.with_kind(Kind::Configuration))?;
    let record = job.root().map(Record::find).transpose()?.flatten();
    let prepared = Prepared::of(ctx, &job, record.as_ref(), &[])?;
    for note in &prepared.notes {
        ctx.note(note);
    }
    let mut relay = SignalRelay::install()
        .map_err(|error| Error::failed(format_args!("signals cannot be passed on to the command: {error}")))?;
    let (mut out, mut err) = (ctx.out_stream(), ctx.err_stream());
    let status =
        run::exec(&args.words, &prepared.env, &prepared.root, &prepared.masker, &mut relay, &mut out, &mut err)?;
    if status == 0 { Ok(()) } else { Err(Error::child(status)) }
}

/// A whole environment.
pub(super) type Variables = Vec<(OsString, OsString)>;

/// What a command or a script of a job is run with.
pub(super) struct Prepared {
    /// The whole environment: the job's over that of the call.
    pub env: Variables,
    /// The same for each of the TASKs that were asked for.
    pub of_tasks: Vec<Variables>,
    /// The job directory.
    pub root: PathBuf,
    /// Its secrets, those of the TASKs included: what one of them keeps in a file, another may print.
    pub masker: Masker,
    /// What could not be set.
    pub notes: Vec<String>,
}

impl Prepared {
    /// All TASKs, named by their numbers, are made ready before the first one runs: it may change the files.
    pub(super) fn of(ctx: &Ctx, job: &JobDirectory, record: Option<&Record>, tasks: &[usize]) -> Result<Self, Error> {
        let root = job.require_root().map_err(|error| error.with_kind(Kind::Configuration))?.to_owned();
        let mut ready = Vec::new();
        let mut secrets = Vec::new();
        let mut notes: Vec<String> = Vec::new();
        for task in std::iter::once(None).chain(tasks.iter().copied().map(Some)) {
            let options = environment::Options { task, ..environment::Options::default() };
            let environment = environment::with(job, options, record)?;
            ready.push(over_that_of_the_call(ctx, &environment, record));
            secrets.extend(secrets::of(&environment, record));
            for warning in environment.warnings() {
                if !notes.contains(warning) {
                    notes.push(warning.clone());
                }
            }
        }
        let masker = Masker::new(secrets.iter().map(Secret::expose))?;
        if record.is_some() {
            add_own_names(ctx, &root, &mut ready);
        }
        let env = ready.remove(0);
        Ok(Self { env, of_tasks: ready, root, masker, notes })
    }
}

/// The platform put shipctl and its older names where scripts find them. Links in the job directory do the same; what
/// the machine has under these names comes first. Without them most jobs run as well, so that a failure is none.
fn add_own_names(ctx: &Ctx, root: &Path, environments: &mut [Variables]) {
    let folder = root.join("scripts/bin");
    let names = std::iter::once("shipctl").chain(older_names::of_the_platform());
    let made = ctx.program().is_ok_and(|program| {
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).is_ok()
            && older_names::link(&folder, &program, names).is_ok()
    });
    if made {
        for env in environments {
            older_names::add_to_path(env, &folder);
        }
    }
}

fn over_that_of_the_call(ctx: &Ctx, environment: &Environment, record: Option<&Record>) -> Variables {
    use std::os::unix::ffi::OsStringExt as _;
    let removed = record.map(|record| record.cli_removed.as_slice()).unwrap_or_default();
    let mut env: std::collections::BTreeMap<OsString, OsString> = ctx.env.all().into_iter().collect();
    env.remove(std::ffi::OsStr::new("LD_LIBRARY_PATH"));
    for name in removed {
        env.remove(std::ffi::OsStr::new(name));
    }
    for variable in environment.variables() {
        env.insert(variable.name.clone().into(), OsString::from_vec(variable.value.expose().to_vec()));
    }
    env.into_iter().collect()
}
