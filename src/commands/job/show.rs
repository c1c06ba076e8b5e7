//! `shipctl job show`: the job and its resources, secrets masked.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::place;
use super::table::{clipped, printable, shown, table};
use crate::cli;
use crate::ctx::Ctx;
use crate::error::{Error, Kind};
use crate::job::directory::JobDirectory;
use crate::job::overview::{Attached, Overview, Resource};

/// What is shown of a version's name, which may be a commit; the whole is in `--json`.
const LONGEST_VERSION: usize = 20;

pub(super) fn run(ctx: &Ctx, args: &cli::JobShow) -> Result<(), Error> {
    if args.store.is_given() && !args.trace {
        return Err(Error::new(Kind::Usage, "--store is for --trace, which reads it: add --trace, or leave it out"));
    }
    if let Some(job) = &args.job {
        return super::show_job::run(ctx, job, args);
    }
    let ctx = &place::here(ctx)?;
    let job = JobDirectory::of(ctx).map_err(|error| error.with_kind(Kind::Configuration))?;
    let overview = Overview::of(&job)?;
    for warning in &overview.warnings {
        ctx.note(warning);
    }
    if args.json {
        let text = serde_json::to_string_pretty(&overview)
            .map_err(|error| Error::failed(format_args!("the job cannot be written as JSON: {error}")))?;
        return ctx.print_line(text);
    }
    ctx.print(text(&overview).as_bytes())
}

fn text(overview: &Overview) -> String {
    let job = &overview.job;
    let mut text = format!("job   {}", shown(job.name.as_deref().unwrap_or("without a name")));
    if let Some(kind) = &job.kind {
        let _ = write!(text, " ({})", shown(kind));
    }
    if let Some(number) = &job.build_number {
        let _ = write!(text, ", build {}", shown(number));
    }
    let _ = writeln!(text, "\npath  {}", printable(&job.path));
    if !overview.resources.is_empty() {
        let rows = overview.resources.iter().map(resource_row);
        text += &table(["RESOURCE", "SIDE", "TYPE", "VERSION", "NO.", "INTEGRATION", "FIELDS"], rows);
    }
    if !overview.integrations.is_empty() {
        let rows = overview.integrations.iter().map(|integration| {
            let name = shown(integration.name.as_deref().unwrap_or_default());
            [name, shown(integration.kind.as_deref().unwrap_or_default()), field_lines([&integration.fields])]
        });
        text += &table(["INTEGRATION OF THE JOB", "TYPE", "FIELDS"], rows);
    }
    text
}

fn resource_row(resource: &Resource) -> [String; 7] {
    let or_empty = |value: &Option<String>| shown(value.as_deref().unwrap_or_default());
    let integration = resource.integration.as_ref();
    let no_fields = Map::new();
    let fields = integration.map_or(&no_fields, |integration| &integration.fields);
    [
        shown(&resource.name),
        resource.operation.to_owned(),
        or_empty(&resource.kind),
        clipped(resource.version_name.as_deref().unwrap_or_default(), LONGEST_VERSION),
        or_empty(&resource.version_number),
        integration.map(integration_name).unwrap_or_default(),
        field_lines([&resource.properties, &resource.params, fields]),
    ]
}

fn integration_name(integration: &Attached) -> String {
    let kind = shown(integration.kind.as_deref().unwrap_or("of no type"));
    match &integration.name {
        Some(name) => format!("{kind}\n({})", shown(name)),
        None => kind,
    }
}

/// One line per field.
pub(super) fn field_lines<'a>(groups: impl IntoIterator<Item = &'a Map<String, Value>>) -> String {
    let line = |(name, value): (&String, &Value)| {
        let value = match value {
            Value::String(text) => shown(text),
            Value::Array(elements) => {
                let text = |element: &Value| element.as_str().map_or_else(|| element.to_string(), ToOwned::to_owned);
                shown(&elements.iter().map(text).collect::<Vec<_>>().join(", "))
            }
            other => shown(&other.to_string()),
        };
        format!("{}={value}", shown(name))
    };
    groups.into_iter().flatten().map(line).collect::<Vec<_>>().join("\n")
}
