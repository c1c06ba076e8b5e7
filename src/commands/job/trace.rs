//! `shipctl job show JOB --trace`: the versions that others were made from.

use serde_json::{Value, json};

use super::sources::Stored;
use super::table::{clipped, shown, table};
use crate::cli;
use crate::config::shippable::{Job, Pipeline};
use crate::ctx::Ctx;
use crate::error::Error;
use crate::job::overview::public;
use crate::job::trace::{self, Traced};
use crate::store::Owner;

/// What is shown of a version's name, which may be a commit; the whole is in `--json`.
const LONGEST_VERSION: usize = 20;

pub(super) fn run(ctx: &Ctx, pipeline: &Pipeline, job: &Job, args: &cli::JobShow) -> Result<(), Error> {
    let store = args.store.open(ctx)?;
    let versions = Stored { store: &store, location: args.store.location(ctx)? };
    let traced = trace::of(pipeline, job, &versions)?;
    if args.json {
        let all: Vec<Value> = traced.iter().map(object).collect();
        return ctx.print_line(format!("{:#}", json!({"name": job.name, "store": store.place(), "versions": all})));
    }
    let mut rows = Vec::new();
    for one in &traced {
        add_rows(one, 0, &mut rows);
    }
    let text = table(["MADE FROM", "TYPE", "NO.", "VERSION", "CREATED", "BUILD", ""], rows.into_iter());
    ctx.print(text.trim_start_matches('\n').as_bytes())
}

/// A version's name, without the users of addresses.
fn name_of(traced: &Traced) -> Option<String> {
    traced.version_name.as_ref().and_then(|name| public(&name.as_str().into()).as_str().map(ToOwned::to_owned))
}

/// `inputs` is null where they were shown before.
fn object(traced: &Traced) -> Value {
    let version = traced.version.as_ref();
    let run = version.and_then(|version| version.run.as_ref());
    json!({
        "name": traced.owner.name(),
        "isJob": matches!(traced.owner, Owner::Job(_)),
        "versionNumber": traced.version_number,
        "versionName": name_of(traced),
        "createdAt": version.map(|version| &version.created_at),
        "run": run.map(|run| json!({"job": run.job, "buildNumber": run.build_number})),
        "inputs": traced.inputs.as_ref().map(|inputs| inputs.iter().map(object).collect::<Vec<_>>()),
    })
}

fn add_rows(traced: &Traced, depth: usize, rows: &mut Vec<[String; 7]>) {
    let version = traced.version.as_ref();
    let run = version.and_then(|version| version.run.as_ref());
    let remark = match (traced.version_number, version, &traced.inputs) {
        (None, ..) => "no version yet",
        (_, None, _) => "not in the store",
        (_, _, None) => "…",
        _ => "",
    };
    // No space: a table has none at the beginning of a cell.
    let name = format!("{}{}", "· ".repeat(depth), shown(traced.owner.name()));
    rows.push([
        name,
        if matches!(traced.owner, Owner::Job(_)) { "job" } else { "resource" }.to_owned(),
        traced.version_number.map(|number| number.to_string()).unwrap_or_default(),
        clipped(&name_of(traced).unwrap_or_default(), LONGEST_VERSION),
        version.map(|version| version.created_at.clone()).unwrap_or_default(),
        run.map(|run| shown(&format!("{} {}", run.job, run.build_number))).unwrap_or_default(),
        remark.to_owned(),
    ]);
    for input in traced.inputs.iter().flatten() {
        add_rows(input, depth + 1, rows);
    }
}
