//! `message.json`.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::plan::Planned;
use super::select::Chosen;
use super::sources::Facts;
use super::stable_number;
use crate::config::shippable::{Job, Step};

/// Everything but the dependencies.
pub(super) fn head(job: &Job, root: &Path, facts: &Facts) -> Map<String, Value> {
    let mut steps: Vec<Value> = job.steps.iter().map(step).collect();
    if job.tasks().next().is_none() {
        steps.push(json!({"TASK": "managed"}));
    }
    let number = facts.build_number.parse::<u64>().map_or_else(|_| facts.build_number.clone().into(), Value::from);
    let mut bag = json!({
        "yml": job.yml.to_json(),
        "buildId": facts.build_id,
        "buildJobId": facts.build_id,
        "triggeredByName": facts.triggered_by_name,
        "triggeredById": facts.triggered_by_id,
        "triggeredByUser": facts.triggered_by_user,
        // The image of the platform's machines, which have none any more.
        "amiVersion": "",
    });
    for (key, value) in [("buildUrl", &facts.build_url), ("wwwUrl", &facts.www_url)] {
        if let (Some(value), Some(bag)) = (value, bag.as_object_mut()) {
            bag.insert(key.to_owned(), value.clone().into());
        }
    }
    let members = [
        ("name", job.name.clone().into()),
        ("resourceId", stable_number(&job.name).into()),
        ("subscriptionId", facts.subscription_id.clone().into()),
        ("type", job.kind.clone().into()),
        ("path", text(root).into()),
        ("buildNumber", number),
        ("steps", steps.into()),
        ("force", false.into()),
        ("propertyBag", bag),
    ];
    members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn step(step: &Step) -> Value {
    match step {
        Step::Dependency(dependency) => dependency.step.to_json(),
        Step::Task(task) => json!({"TASK": task.yml.to_json()}),
        Step::Notify(named) => json!({"NOTIFY": named.name}),
    }
}

/// `propertyBag` last.
pub(super) fn in_order(mut message: Map<String, Value>) -> Map<String, Value> {
    if let Some(bag) = message.shift_remove("propertyBag") {
        message.insert("propertyBag".to_owned(), bag);
    }
    message
}

/// An input or output, without what may be a secret.
pub(super) fn dependency(one: &Chosen, planned: &Planned, version: Option<&Map<String, Value>>) -> Value {
    let version = version.map(|version| {
        let mut version = version.clone();
        version.shift_remove("createdAt");
        version
    });
    let source_name = version.as_ref().and_then(|version| version.get("propertyBag")?.get("sourceName"));
    let mut shown = json!({
        "operation": one.operation.as_str(),
        "name": one.name,
        "resourceId": stable_number(one.name),
        "type": one.kind,
        "path": text(&planned.folder.meta),
        "propertyBag": planned.object["propertyBag"],
    });
    if let (Some(name), Some(shown)) = (source_name, shown.as_object_mut()) {
        shown.insert("sourceName".to_owned(), name.clone());
    }
    shown["version"] = version.unwrap_or_default().into();
    shown["versionDependencyPropertyBag"] = planned.object["versionDependencyPropertyBag"].clone();
    shown
}

fn text(path: &Path) -> String {
    String::from_utf8_lossy(path.as_os_str().as_bytes()).into_owned()
}
