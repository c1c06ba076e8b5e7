//! Keys that are slips of those that mean something. Keys of other tools, which are near none, are nobody's business.

use super::Findings;
use crate::config::shippable::{Job, Pipeline, Resource, Step};
use crate::config::yaml::{Key, Node, Value};
use crate::job::names::slip_of;

/// Options of an IN step.
pub(super) const IN_OPTIONS: [&str; 11] = [
    "IN",
    "switch",
    "versionName",
    "versionNumber",
    "showBuildStatus",
    "vote",
    "scopes",
    "applyTo",
    "force",
    "pull",
    "integration",
];

/// Options of an OUT step.
pub(super) const OUT_OPTIONS: [&str; 8] =
    ["OUT", "replicate", "replicateOnPullRequest", "overwrite", "on_failure", "scopes", "versionName", "applyTo"];

/// Sections of a pipeline.
const SECTIONS: [&str; 4] = ["resources", "jobs", "triggers", "externalReferences"];

/// Of a job.
const JOB: [&str; 22] = [
    "name",
    "type",
    "steps",
    "integrations",
    "runtime",
    "timeoutMinutes",
    "on_start",
    "on_success",
    "on_failure",
    "on_cancel",
    "always",
    "triggerMode",
    "dependencyMode",
    "priority",
    "flags",
    "method",
    "workflow",
    "maxWaitTime",
    "stabilityDuration",
    "deployName",
    "force",
    "bump",
];

/// Of a resource.
const RESOURCE: [&str; 8] = ["name", "type", "integration", "pointer", "seed", "version", "versionTemplate", "flags"];

/// Of a repository.
const REPOSITORY: &[&str] = &[
    "sourceName",
    "sourceUrl",
    "branch",
    "branches",
    "tags",
    "buildOnCommit",
    "buildOnPullRequest",
    "buildOnPullRequestClose",
    "buildOnRelease",
    "buildOnTagPush",
    "buildOnComment",
    "depth",
    "gitConfig",
];

/// Of what a version is made of, by type; beside these, each may have a versionName. Types that take any keys are not
/// among them.
const SECTION_KEYS: [(&str, &[&str]); 15] = [
    ("image", &["sourceName", "isPull"]),
    ("cluster", &["sourceName", "region", "namespace", "groupName", "clusterName", "bastionHost"]),
    ("params", &["params"]),
    ("cliConfig", &["region", "clusterName", "groupName", "scopes"]),
    ("gitRepo", REPOSITORY),
    ("syncRepo", REPOSITORY),
    ("ciRepo", REPOSITORY),
    ("notification", &["method", "recipients"]),
    (
        "loadBalancer",
        &[
            "sourceName",
            "method",
            "role",
            "namespace",
            "clusterName",
            "region",
            "groupName",
            "ports",
            "selector",
            "clusterIP",
            "externalIPs",
            "sessionAffinity",
            "loadBalancerIP",
            "loadBalancerSourceRanges",
            "externalName",
            "bastionHost",
        ],
    ),
    ("replicas", &["count", "minReplicas", "maxReplicas", "autoScalingRole", "autoScalingPolicies", "metricAlarms"]),
    ("dockerOptions", DOCKER_OPTIONS),
    ("time", &["interval"]),
    ("file", &["sourceName"]),
    ("version", &[]),
    ("webhook", &["webhookKey", "webhookUrl", "payload"]),
];

/// Of dockerOptions.
const DOCKER_OPTIONS: &[&str] = &[
    "memory",
    "cpuShares",
    "portMappings",
    "links",
    "volumes",
    "logConfig",
    "entryPoint",
    "cmd",
    "workingDir",
    "privileged",
    "labels",
    "volumesFrom",
    "ulimits",
    "dnsServers",
    "dnsSearch",
    "user",
    "hostName",
    "domainName",
    "memorySwap",
    "attachStdin",
    "attachStdout",
    "attachStderr",
    "tty",
    "stdin",
    "stdinOnce",
    "networkDisabled",
    "publishAllPorts",
    "readOnlyRootFilesystem",
    "extraHosts",
    "capAdd",
    "capDrop",
    "restartPolicy",
    "securityOptions",
    "cGroupParent",
    "memoryReservation",
    "pid",
    "network",
    "devices",
    "volumeMounts",
    "pod",
    "deployment",
    "service",
    "strategy",
    "readinessProbe",
    "livenessProbe",
    "lifecycle",
    "envFrom",
    "env",
    "resources",
    "taskDefinition",
    "environment",
];

/// Of maps in these.
const INNER_KEYS: [(&str, &[&str]); 6] = [
    ("branches", &["only", "except"]),
    ("tags", &["only", "except"]),
    ("logConfig", &["type", "options"]),
    ("bastionHost", &["address", "user", "keyIntegration"]),
    ("ulimits", &["name", "soft", "hard"]),
    ("ports", &["name", "protocol", "port", "targetPort", "nodePort"]),
];

/// Of a hook.
const HOOK: [&str; 2] = ["script", "NOTIFY"];

/// Of a TASK.
const TASK: [&str; 3] = ["name", "runtime", "script"];

/// Of `runtime`, of a job or a TASK.
const RUNTIME: [&str; 6] = ["nodePool", "container", "timeoutMinutes", "options", "language", "version"];

/// Of `runtime.options`.
const OPTIONS: [&str; 5] = ["imageName", "imageTag", "pull", "env", "options"];

/// Sections whose name is a slip.
pub(super) fn check_sections(pipeline: &Pipeline, findings: &mut Findings) {
    for (key, node) in &pipeline.others {
        // A template by another name may look alike, and is in use.
        let is_used = |entry: &Node| {
            let (jobs, resources) = (pipeline.jobs.iter(), pipeline.resources.iter());
            jobs.map(|job| &job.yml).chain(resources.map(|one| &one.yml)).any(|yml| yml.at == entry.at)
        };
        let is_entry = |entry: &Node| entry.get("name").is_some() && entry.get("type").is_some() && !is_used(entry);
        if node.elements().iter().any(is_entry) {
            check_key(key, "a section", "", &SECTIONS, findings);
        }
    }
}

/// Of a resource.
pub(super) fn check_resource(resource: &Resource, findings: &mut Findings) {
    check_all(&resource.yml, "a resource", &resource.name, &RESOURCE, findings);
    let Some((_, known)) = SECTION_KEYS.iter().find(|(kind, _)| *kind == resource.kind) else { return };
    for section in ["pointer", "seed", "version", "versionTemplate"] {
        let Some(part) = resource.yml.get(section) else { continue };
        let place = format!("{section} of type {}", resource.kind);
        let known: Vec<&'static str> = known.iter().copied().chain(["versionName"]).collect();
        check_all(part, &place, &resource.name, &known, findings);
        for (inner, known) in INNER_KEYS {
            let nodes = part.get(inner).map(maps).unwrap_or_default();
            let place = format!("{inner} of type {}", resource.kind);
            for node in nodes {
                check_all(node, &place, &resource.name, known, findings);
            }
        }
    }
}

/// Of a job, its hooks and its tasks.
pub(super) fn check_job(job: &Job, findings: &mut Findings) {
    for (key, _) in job.yml.members() {
        // Jobs of other types name one.
        if job.kind == "runSh" || key.text != "integration" {
            check_key(key, "a job", &job.name, &JOB, findings);
        }
    }
    check_runtime(&job.yml, job, findings);
    job.yml.get("steps").map(maps).unwrap_or_default().into_iter().for_each(|step| check_beside(step, job, findings));
    for hook in ["on_start", "on_success", "on_failure", "on_cancel", "always"] {
        job.yml.get(hook).into_iter().for_each(|node| check_hook(node, hook, job, findings));
    }
    for step in &job.steps {
        let Step::Task(task) = step else { continue };
        for node in maps(&task.yml) {
            check_all(node, "a TASK", &job.name, &TASK, findings);
            check_runtime(node, job, findings);
        }
    }
}

/// What belongs in a TASK and stands beside it. A TASK that has nothing in it for that has been refused already.
fn check_beside(step: &Node, job: &Job, findings: &mut Findings) {
    if step.get("TASK").is_none_or(Node::is_null) {
        return;
    }
    for (key, _) in step.members().iter().filter(|(key, _)| TASK.contains(&key.text.as_str())) {
        let text = format!("{}: beside TASK: does nothing: put it into the TASK, or remove it", key.text);
        findings.warning("beside-task", &key.at, &job.name, text);
    }
}

/// What has neither a script nor somebody to tell has been refused already.
fn check_hook(node: &Node, hook: &str, job: &Job, findings: &mut Findings) {
    for part in maps(node).into_iter().filter(|part| HOOK.iter().any(|key| part.get(key).is_some())) {
        check_all(part, hook, &job.name, &HOOK, findings);
    }
}

fn check_runtime(node: &Node, job: &Job, findings: &mut Findings) {
    let runtime = node.get("runtime");
    if let Some(runtime) = runtime {
        check_all(runtime, "runtime", &job.name, &RUNTIME, findings);
        if let Some(options) = runtime.get("options") {
            check_all(options, "options of runtime", &job.name, &OPTIONS, findings);
        }
    }
    for minutes in [node.get("timeoutMinutes"), runtime.and_then(|runtime| runtime.get("timeoutMinutes"))] {
        let Some(minutes) = minutes.filter(|minutes| !minutes.is_null()) else { continue };
        if minutes.scalar().is_none_or(|text| text.parse::<f64>().is_err()) {
            let shown = minutes.scalar().unwrap_or_else(|| minutes.kind().to_owned());
            let text =
                format!("timeoutMinutes of {} is {shown}: a number was expected: write `timeoutMinutes: 60`", job.name);
            findings.error("wrong-kind", &minutes.at, &job.name, text);
        }
    }
}

/// A map, or those of a list, which templates may have put into another.
fn maps(node: &Node) -> Vec<&Node> {
    match &node.value {
        Value::List(elements) => elements.iter().flat_map(maps).collect(),
        _ => vec![node],
    }
}

fn check_all(node: &Node, place: &str, entry: &str, known: &[&'static str], findings: &mut Findings) {
    node.members().iter().for_each(|(key, _)| check_key(key, place, entry, known, findings));
}

fn check_key(key: &Key, place: &str, entry: &str, known: &[&'static str], findings: &mut Findings) {
    let word = key.text.as_str();
    if known.contains(&word) {
        return;
    }
    if let Some(near) = slip_of(word, known.iter().copied()) {
        let text = format!("{word}: is no key of {place} and does nothing; did you mean {near}?");
        findings.warning("unknown-key", &key.at, entry, text);
    }
}
