//! `get_git_changes`.

use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::ChildStdout;

use bstr::ByteSlice;

use super::Args;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::job::directory::JobDirectory;
use crate::job::resource::{self, Attribute};
use crate::job::{commits, names};
use crate::support::git;
use crate::support::uniq::Uniq;

pub(super) fn get_git_changes(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    let options = Options::read(ctx, args.words);
    if options.path.is_empty() && options.resource.is_empty() {
        return Err(args.command.usage_error());
    }
    let job = JobDirectory::of(ctx)?;
    let repository = repository(&job, &options)?;
    let range = range(&job, &options)?;
    print_changes(ctx, &repository, &range, &options)
}

#[derive(Debug, Default)]
struct Options<'a> {
    path: &'a OsStr,
    resource: &'a OsStr,
    range: &'a OsStr,
    /// From 1; 0 prints whole names.
    depth: usize,
    directories_only: bool,
}

impl<'a> Options<'a> {
    /// As the original: words that are no option are ignored, of several the last counts, a depth that is no number
    /// above 0 is none. `--name value` is taken too, which the original ignored.
    fn read(ctx: &Ctx, words: &'a [OsString]) -> Self {
        let mut options = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let (name, mut value) = match word.as_bytes().split_once_str("=") {
                Some((name, value)) => (name, Some(OsStr::from_bytes(value))),
                None => (word.as_bytes(), None),
            };
            let mut value = || value.take().or_else(|| words.next().map(OsString::as_os_str)).unwrap_or_default();
            match name {
                b"--path" => options.path = value(),
                b"--resource" => options.resource = value(),
                b"--commit-range" => options.range = value(),
                b"--depth" => {
                    let depth = value();
                    options.depth = depth.to_str().and_then(|depth| depth.trim().parse().ok()).unwrap_or_else(|| {
                        ctx.note(format_args!("--depth={}: not a number, ignored", depth.display()));
                        0
                    });
                }
                b"--directories-only" => options.directories_only = true,
                _ => {}
            }
        }
        options
    }
}

/// The top folder of the repository. A worktree or submodule has a file where others have the folder `.git`.
fn repository(job: &JobDirectory, options: &Options) -> Result<PathBuf, Error> {
    let path = if options.path.is_empty() { state_of(job, options.resource)? } else { PathBuf::from(options.path) };
    if path.join(".git").exists() {
        return Ok(path);
    }
    Err(Error::drop_in(format_args!("git repository not found at path: {}", path.display())))
}

fn state_of(job: &JobDirectory, name: &OsStr) -> Result<PathBuf, Error> {
    let found = match job.env.get(format!("{}_{}", names::prefix(name.as_bytes()), Attribute::State.suffix())) {
        Some(path) => Some(path.into_vec()),
        None => resource::attribute(job, name, Attribute::State)?,
    };
    found.map(|path| PathBuf::from(OsString::from_vec(path))).ok_or_else(|| {
        let known = job.known_names();
        let near = names::did_you_mean(&name.to_string_lossy(), known.iter().map(String::as_str));
        Error::drop_in(format_args!(
            "git repository not found at path: none is known for the resource {}{near}",
            name.display()
        ))
    })
}

/// The option, else that of the resource, else `$SHIPPABLE_COMMIT_RANGE`. The variable is the range of the job's own
/// repository, so it never stands in for that of a resource.
fn range(job: &JobDirectory, options: &Options) -> Result<OsString, Error> {
    let range = if !options.range.is_empty() {
        Some(options.range.to_owned())
    } else if !options.resource.is_empty() {
        commits::range_of(job, options.resource)?
    } else {
        job.env.get_filled("SHIPPABLE_COMMIT_RANGE")
    };
    match range {
        // git would take it for an option, and some of those write files.
        Some(range) if range.as_bytes().starts_with(b"-") => Err(Error::drop_in(format_args!(
            "{} is no commit range: it begins with `-`; use --commit-range=A..B",
            range.display()
        ))),
        Some(range) => Ok(range),
        None => Err(Error::drop_in("Unknown commit range. use --commit-range.")),
    }
}

fn print_changes(ctx: &Ctx, repository: &Path, range: &OsStr, options: &Options) -> Result<(), Error> {
    git::check(repository)?;
    let list = if options.directories_only { git::List::Folders } else { git::List::Files };
    let mut git = git::diff(repository, range, list)?;
    let mut source = git.stdout.take().map(BufReader::new);
    let mut ended = None;
    let printed = ctx.write_out(|out| {
        let mut lines = Uniq::new(out);
        if let Some(source) = &mut source {
            each_name(source, options, |name| lines.add(name))?;
        }
        let status = git.wait()?;
        ended = Some(status);
        if status.success() { lines.finish() } else { Ok(()) }
    });
    printed?;
    // Our reader has gone: so does git, once its own has.
    drop(source);
    match ended {
        None => drop(git.wait()),
        Some(status) if status.success() => {}
        Some(status) => {
            return Err(Error::drop_in(format_args!(
                "git diff {} failed in {} ({status}), see its message above: check the range; a shallow clone lacks \
                 older commits (git fetch --unshallow)",
                range.display(),
                repository.display()
            )));
        }
    }
    Ok(())
}

/// Hands over each name, or each folder, or the wanted part of them.
fn each_name(
    source: &mut BufReader<ChildStdout>,
    options: &Options,
    mut add: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let end = if options.directories_only { b'\n' } else { 0 };
    let mut record = Vec::new();
    while source.read_until(end, &mut record)? > 0 {
        let mut name = record.strip_suffix(&[end]).unwrap_or(&record);
        if options.directories_only {
            // `  12.5% src/app/`; the original cut a name at its first blank.
            name = name.split_once_str("% ").map_or(name, |(_, folder)| folder);
        }
        add(match options.depth {
            0 => name,
            depth => name.split_str("/").nth(depth - 1).unwrap_or_default(),
        })?;
        record.clear();
    }
    Ok(())
}
