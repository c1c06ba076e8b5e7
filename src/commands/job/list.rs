//! `shipctl job list`: the jobs of a pipeline.

use serde_json::{Value, json};

use super::table::{printable, shown, table};
use crate::cli;
use crate::config::shippable::{Job, Pipeline};
use crate::ctx::Ctx;
use crate::error::Error;
use crate::job::directory::Operation;

pub(super) fn run(ctx: &Ctx, args: &cli::JobList) -> Result<(), Error> {
    let pipeline = Pipeline::read(&args.files.file, &ctx.cwd()?)?;
    match pipeline.problems.len() {
        0 => {}
        1 => ctx.note(&pipeline.problems[0]),
        count => ctx.note(format_args!("{}; and {} more: see `shipctl job lint`", pipeline.problems[0], count - 1)),
    }
    if args.json {
        let jobs: Value = pipeline.jobs.iter().map(object).collect();
        return ctx.print_line(format!("{jobs:#}"));
    }
    if pipeline.jobs.is_empty() {
        let files: Vec<String> = pipeline.files.iter().map(|file| file.display().to_string()).collect();
        ctx.note(format_args!("no jobs in {}: they are below jobs:", files.join(", ")));
        return Ok(());
    }
    let rows = pipeline.jobs.iter().map(|job| {
        let (inputs, outputs) = (names(job, Operation::In), names(job, Operation::Out));
        let tasks = job.tasks().count().to_string();
        let place = format!("{}:{}", job.yml.at.file.display(), job.yml.at.line);
        [shown(&job.name), shown(&job.kind), lines(&inputs), lines(&outputs), tasks, printable(&place)]
    });
    let text = table(["JOB", "TYPE", "IN", "OUT", "TASKS", "PLACE"], rows);
    ctx.print(text.trim_start_matches('\n').as_bytes())
}

fn names(job: &Job, operation: Operation) -> Vec<&str> {
    let dependencies = job.dependencies().filter(|dependency| dependency.operation == operation);
    dependencies.map(|dependency| dependency.name.as_str()).collect()
}

/// In one line, so that a job is a line of a log.
fn lines(names: &[&str]) -> String {
    if names.is_empty() { "-".to_owned() } else { names.iter().map(|name| shown(name)).collect::<Vec<_>>().join(",") }
}

fn object(job: &Job) -> Value {
    json!({
        "name": job.name,
        "type": job.kind,
        "inputs": names(job, Operation::In),
        "outputs": names(job, Operation::Out),
        "tasks": job.tasks().count(),
        "file": job.yml.at.file.to_string_lossy(),
        "line": job.yml.at.line,
    })
}
