//! `split_tests`.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::Args;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::job::test_reports::{self, Damage, Times};
use crate::support::pattern;

/// Prints the tests that this node is to run. The nodes agree on the order, so that each test is one node's.
pub(super) fn split_tests(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    let (number, count) = node(ctx)?;
    let root = Path::new(args.get(0));
    if !root.exists() {
        return Err(Error::drop_in(format_args!(
            "no tests at {}: no such file or folder; give the folder that the tests are in",
            root.display()
        )));
    }
    let mut tests: Vec<Vec<u8>> =
        files(ctx, root, args.bytes(1)).into_iter().map(|path| path.into_os_string().into_vec()).collect();
    if tests.is_empty() {
        ctx.note(format_args!("no test under {} has a name like {}", root.display(), args.display(1)));
        return Ok(());
    }
    tests.sort();
    let times = read_reports(ctx, Path::new(args.get(2)));
    let share = test_reports::share(test_reports::by_time(tests, &times), number, count);
    ctx.write_out(|out| {
        for test in share {
            out.write_all(&test)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    })
}

/// Which node this is, and of how many. A wrong number would leave tests out on every node, so it is no default.
fn node(ctx: &Ctx) -> Result<(usize, usize), Error> {
    let read = |name: &str| match ctx.env.get_filled(name) {
        None => Ok(None),
        Some(value) => match value.to_str().and_then(|value| value.parse::<usize>().ok()) {
            Some(number) if number > 0 => Ok(Some(number)),
            _ => Err(Error::drop_in(format_args!(
                "{name} is `{}`, not a number from 1: set it, or unset it for a single node",
                value.display()
            ))),
        },
    };
    match (read("SHIPPABLE_JOB_NUMBER")?, read("SHIPPABLE_JOB_COUNT")?) {
        (None, None | Some(1)) => Ok((1, 1)),
        (None, Some(count)) => Err(Error::drop_in(format_args!(
            "SHIPPABLE_JOB_COUNT is {count} but SHIPPABLE_JOB_NUMBER is not set: set it to this node's number, 1 to {count}"
        ))),
        (Some(number), count) if number > count.unwrap_or(1) => Err(Error::drop_in(format_args!(
            "SHIPPABLE_JOB_NUMBER is {number} but SHIPPABLE_JOB_COUNT is {}: number the nodes from 1 to their count",
            count.map_or("not set".to_owned(), |count| count.to_string())
        ))),
        (Some(number), count) => Ok((number, count.unwrap_or(1))),
    }
}

/// The files below a folder with a name like the pattern, spelled as `find` prints them.
fn files(ctx: &Ctx, root: &Path, name: &[u8]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in WalkDir::new(root) {
        match entry {
            // A link to a file is a test too; the folders that links lead to are not searched, as find does not.
            Ok(entry) if pattern::matches(name, entry.file_name().as_bytes()) && entry.path().is_file() => {
                found.push(entry.into_path());
            }
            Ok(_) => {}
            Err(error) => ctx.note(format_args!("left out of the search: {error}")),
        }
    }
    found
}

/// The times in every report. A damaged one is left out: it must not fail the job.
fn read_reports(ctx: &Ctx, root: &Path) -> Times {
    let mut times = Times::new();
    if !root.exists() {
        ctx.note(format_args!("no test reports at {}: no such folder; the tests are split by name", root.display()));
        return times;
    }
    let mut reports = files(ctx, root, b"*.xml");
    reports.sort();
    for report in reports {
        let read =
            File::open(&report).map(|source| test_reports::read(BufReader::with_capacity(1 << 16, source), &mut times));
        match read {
            Ok(Ok(())) => {}
            Ok(Err(damage)) => {
                let line = line_of(&report, &damage);
                let place = format_args!("{}:{line}: byte {}", report.display(), damage.offset);
                ctx.note(format_args!("{place}: not a whole test report, left out: {}", damage.cause));
            }
            Err(error) => ctx.note(format_args!("{}: left out: {error}", report.display())),
        }
    }
    times
}

/// The line that a report is damaged on.
fn line_of(report: &Path, damage: &Damage) -> u64 {
    let Ok(source) = File::open(report) else { return 1 };
    let mut source = BufReader::new(source.take(damage.offset));
    let mut lines = 1;
    let mut line = Vec::new();
    while source.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        lines += u64::from(line.ends_with(b"\n"));
        line.clear();
    }
    lines
}
