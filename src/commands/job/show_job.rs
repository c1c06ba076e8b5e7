//! `shipctl job show JOB`: a job as the yml has it, secrets masked.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::show::field_lines;
use super::table::{printable, shown, table};
use crate::cli;
use crate::config::shippable::{Dependency, Hook, Job, Pipeline, Script, Step, Task};
use crate::config::yaml::{Key, Node, Place};
use crate::ctx::Ctx;
use crate::error::Error;
use crate::job::overview::{masked_params, public};
use crate::job::params::SECURE;

/// Options of a step that choose a version.
const PINS: [&str; 3] = ["versionName", "versionNumber", "switch"];
/// Options that do something else.
const OPTIONS: [&str; 9] = [
    "scopes",
    "applyTo",
    "force",
    "showBuildStatus",
    "vote",
    "replicate",
    "replicateOnPullRequest",
    "overwrite",
    "on_failure",
];

pub(super) fn run(ctx: &Ctx, name: &str, args: &cli::JobShow) -> Result<(), Error> {
    let pipeline = Pipeline::read(&args.file, &ctx.cwd()?)?;
    let job = pipeline.require_job(name)?;
    if args.trace {
        return super::trace::run(ctx, &pipeline, job, args);
    }
    let steps: Vec<Value> = job.steps.iter().map(|step| object(&pipeline, step)).collect();
    if args.json {
        return ctx.print_line(format!("{:#}", whole(job, &steps)));
    }
    ctx.print(text(job, &steps).as_bytes())
}

fn object(pipeline: &Pipeline, step: &Step) -> Value {
    match step {
        Step::Dependency(dependency) => dependency_object(pipeline, dependency),
        Step::Task(task) => task_object(task),
        Step::Notify(named) => json!({"step": "NOTIFY", "name": named.name, "place": place(&named.at)}),
    }
}

fn place(at: &Place) -> String {
    format!("{}:{}", at.file.display(), at.line)
}

fn dependency_object(pipeline: &Pipeline, dependency: &Dependency) -> Value {
    let resource = pipeline.resource(&dependency.name);
    let job = pipeline.job(&dependency.name);
    let kind = resource.map(|resource| &resource.kind).or_else(|| job.map(|job| &job.kind));
    let chosen = |keys: &[&str]| -> Map<String, Value> {
        let found = keys.iter().filter_map(|key| Some(((*key).to_owned(), dependency.option(key)?.to_json())));
        found.collect()
    };
    let (version, bag) = resource.map(crate::config::shippable::Resource::section).unwrap_or_default();
    let params = bag.get("params").and_then(Value::as_object).map(masked_params).unwrap_or_default();
    json!({
        "step": dependency.operation.as_str(),
        "name": dependency.name,
        "type": kind,
        "isJob": job.is_some(),
        "integration": resource.and_then(|resource| resource.integration.as_ref()).map(|named| &named.name),
        "pins": chosen(&PINS),
        "options": chosen(&OPTIONS),
        "versionName": version.map(|name| public(&name.into())),
        "params": params,
        "place": place(&dependency.at),
    })
}

/// The env of a TASK by its names alone: its values may be secrets.
fn task_object(task: &Task) -> Value {
    let pairs = task.env().into_iter().flat_map(Node::members);
    let keys = |pair @ (key, value): &'_ (Key, Node)| -> Vec<String> {
        let is_secure = key.text == SECURE && !value.members().is_empty();
        let pairs = if is_secure { value.members() } else { std::slice::from_ref(pair) };
        pairs.iter().map(|(key, _)| key.text.clone()).collect()
    };
    let names: Vec<String> = pairs.flat_map(keys).collect();
    json!({
        "step": "TASK",
        "name": task.name,
        "entries": task.scripts.len(),
        "env": names,
        "place": place(&task.yml.at),
    })
}

fn hooks(job: &Job) -> [(&'static str, &Hook); 5] {
    let hooks = &job.hooks;
    [
        ("on_start", &hooks.on_start),
        ("on_success", &hooks.on_success),
        ("on_failure", &hooks.on_failure),
        ("on_cancel", &hooks.on_cancel),
        ("always", &hooks.always),
    ]
}

fn whole(job: &Job, steps: &[Value]) -> Value {
    let written = hooks(job).into_iter().filter(|(_, hook)| !hook.scripts.is_empty() || !hook.notify.is_empty());
    let written = written.map(|(key, hook)| {
        let notify: Vec<&str> = hook.notify.iter().map(|named| named.name.as_str()).collect();
        let at = |script: &Script| place(&script.at);
        let first = hook.scripts.first().map(at).or_else(|| hook.notify.first().map(|named| place(&named.at)));
        (key.to_owned(), json!({"entries": hook.scripts.len(), "notify": notify, "place": first}))
    });
    json!({
        "name": job.name,
        "type": job.kind,
        "place": place(&job.yml.at),
        "triggerMode": if job.is_parallel() { "parallel" } else { "serial" },
        "timeoutMinutes": job.timeout_minutes(),
        "steps": steps,
        "integrations": job.integrations.iter().map(|named| named.name.as_str()).collect::<Vec<_>>(),
        "hooks": written.collect::<Map<String, Value>>(),
    })
}

fn text(job: &Job, steps: &[Value]) -> String {
    let mut text =
        format!("job      {} ({})\nplace    {}\n", shown(&job.name), shown(&job.kind), printable(&place(&job.yml.at)));
    let _ = writeln!(text, "runs     {}", if job.is_parallel() { "in parallel" } else { "one after another" });
    if let Some(minutes) = job.timeout_minutes() {
        let _ = writeln!(text, "timeout  {minutes} minutes");
    }
    if !steps.is_empty() {
        text += &table(["STEP", "NAME", "TYPE", "INTEGRATION", "PINS AND OPTIONS", "PLACE"], steps.iter().map(row));
    }
    if !job.integrations.is_empty() {
        let rows = job.integrations.iter().map(|named| [shown(&named.name), printable(&place(&named.at))]);
        text += &table(["INTEGRATION OF THE JOB", "PLACE"], rows);
    }
    let written: Vec<[String; 3]> = hooks(job)
        .into_iter()
        .filter(|(_, hook)| !hook.scripts.is_empty() || !hook.notify.is_empty())
        .map(|(key, hook)| {
            let names: Vec<String> = hook.notify.iter().map(|named| shown(&named.name)).collect();
            [key.to_owned(), hook.scripts.len().to_string(), names.join(", ")]
        })
        .collect();
    if !written.is_empty() {
        text += &table(["HOOK", "ENTRIES", "NOTIFY"], written.into_iter());
    }
    text
}

fn row(step: &Value) -> [String; 6] {
    let cell = |key: &str| step.get(key).and_then(Value::as_str).map(shown).unwrap_or_default();
    let no_fields = Map::new();
    let group = |key: &str| step.get(key).and_then(Value::as_object).unwrap_or(&no_fields);
    let mut fields = field_lines([group("pins"), group("options"), group("params")]);
    if step["step"] == "TASK" {
        let env = step["env"].as_array().into_iter().flatten().filter_map(Value::as_str).map(shown);
        let entries = step["entries"].as_u64().unwrap_or_default();
        let count = if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") };
        fields = std::iter::once(count).chain(env.map(|name| format!("env {name}"))).collect::<Vec<_>>().join("\n");
    }
    [
        cell("step"),
        cell("name"),
        cell("type"),
        cell("integration"),
        fields,
        printable(step["place"].as_str().unwrap_or_default()),
    ]
}
