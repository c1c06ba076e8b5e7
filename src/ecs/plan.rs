//! What a deployment would do, without a single call: the steps, the actions they need, what differs from last time.

use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};
use similar::TextDiff;

use super::memory::Memory;
use super::steps::{Step, check_change, deploy_steps, renamed, scaled, service_name, surplus_scaling};
use super::wanted::{Method, Wanted, WantedService, changed_secrets, is_digest, masked_request, shown, shown_again};
use crate::error::Error;
use crate::iam::{Purpose, actions, names};

/// Maps whose keys are anybody's: what is called a role there is none that is handed on.
const FREE: [&str; 5] = ["options", "dockerLabels", "driverOpts", "labels", "hookDetails"];

/// What a deployment would do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The job.
    pub job: String,
    /// The cluster's own name.
    pub cluster: String,
    /// The region.
    pub region: Option<String>,
    /// How.
    pub method: Method,
    /// One for each manifest.
    pub manifests: Vec<ManifestPlan>,
    /// The IAM actions of all calls, each once.
    pub actions: Vec<String>,
    /// Those among them that the documented policy of such a deployment lacks.
    pub undocumented: Vec<String>,
}

/// What would be done for a manifest.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestPlan {
    /// The manifest.
    pub manifest: String,
    /// The service that would serve.
    pub service: String,
    /// Whether there is nothing to do.
    pub unchanged: bool,
    /// The request of `RegisterTaskDefinition`, secrets masked.
    pub task_definition: Value,
    /// The request of `CreateService`, without what depends on the run.
    pub service_definition: Value,
    /// Calls, in order.
    pub calls: Vec<PlannedCall>,
    /// The difference from what was deployed, line by line; nothing on the first time.
    pub difference: String,
    /// Whether masked values differ, which are not shown.
    pub secrets_differ: bool,
    /// Which of them, as far as it is known: `PASSWORD of web`.
    pub secrets: Vec<String>,
    /// What is deployed.
    pub from: Option<String>,
}

/// A call, or the looks that wait for something.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedCall {
    /// The IAM action.
    pub action: &'static str,
    /// In words.
    pub text: String,
    /// The request, secrets masked, save what is only known by then.
    pub request: Value,
    /// Whether it is repeated until what it waits for is there.
    pub repeated: bool,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The build number.
    pub build_number: &'a str,
    /// Old revisions that are kept.
    pub keep: usize,
    /// Whether what has not changed is deployed as well.
    pub force: bool,
}

/// Plans the deployment of what is wanted after what is remembered.
pub fn plan(wanted: &Wanted, memory: &Memory, ask: Ask) -> Result<Plan, Error> {
    let mut memory = memory.clone();
    for (old, manifest) in renamed(wanted, &memory, ask.build_number) {
        memory.renames(&old, &manifest);
    }
    let manifests: Vec<ManifestPlan> =
        wanted.services.iter().map(|service| of_manifest(wanted, service, &memory, ask)).collect::<Result<_, _>>()?;
    let mut needed: Vec<String> = Vec::new();
    for action in manifests.iter().flat_map(|manifest| manifest.calls.iter().flat_map(needed_by)) {
        if !needed.iter().any(|known| known == action) {
            needed.push(action.to_owned());
        }
    }
    Ok(Plan {
        job: wanted.job.clone(),
        cluster: wanted.cluster.name.clone(),
        region: wanted.cluster.region.clone(),
        method: wanted.method,
        manifests,
        undocumented: undocumented(wanted, &needed),
        actions: needed,
    })
}

/// The purposes whose documented policies are that of a deployment. That of scaling has load balancers in it.
fn purposes(wanted: &Wanted, needed: &[String]) -> Vec<Purpose> {
    let has_balancer = |service: &WantedService| service.service.contains_key("loadBalancers");
    let mut purposes = vec![Purpose::Deploy];
    if needed.iter().any(|action| actions(Purpose::Scaling).contains(&action.as_str())) {
        purposes.extend([Purpose::LoadBalancer, Purpose::Scaling]);
    } else if wanted.services.iter().any(has_balancer) {
        purposes.push(Purpose::LoadBalancer);
    }
    purposes
}

/// The actions that the documented policy of a deployment lacks.
fn undocumented(wanted: &Wanted, needed: &[String]) -> Vec<String> {
    let purposes = purposes(wanted, needed);
    let is_documented = |action: &str| purposes.iter().any(|purpose| actions(*purpose).contains(&action));
    needed.iter().filter(|action| !is_documented(action)).cloned().collect()
}

/// Which policy has actions that the documented one lacks, as far as one has.
fn policy_with(lacking: &[String], needed: &[String]) -> String {
    let has = |purpose: Purpose, all: &[String]| all.iter().any(|action| actions(purpose).contains(&action.as_str()));
    let mut purposes = vec![Purpose::Deploy];
    purposes.extend([Purpose::LoadBalancer, Purpose::Scaling].into_iter().filter(|purpose| has(*purpose, needed)));
    purposes.extend(Some(Purpose::Extras).filter(|extras| has(*extras, lacking)));
    names(&purposes)
}

/// Whether a request hands a role on, wherever that is in it: ECS passes it to what does the work.
fn hands_on(request: &Value) -> bool {
    let is_role = |key: &str| key == "role" || key.to_ascii_lowercase().ends_with("rolearn");
    match request {
        Value::Object(members) => members.iter().any(|(key, value)| match value {
            Value::String(text) => is_role(key) && !text.is_empty(),
            value => !FREE.contains(&key.as_str()) && hands_on(value),
        }),
        Value::Array(elements) => elements.iter().any(hands_on),
        _ => false,
    }
}

/// The actions that a call needs: its own, and those that its request brings with it.
fn needed_by(call: &PlannedCall) -> Vec<&'static str> {
    let is_tagged = call.request.get("tags").and_then(Value::as_array).is_some_and(|tags| !tags.is_empty());
    let mut needed = vec![call.action];
    // The role that is looked for is handed on, like those that are named.
    if call.action == "iam:ListRoles" || hands_on(&call.request) {
        needed.push("iam:PassRole");
    }
    if is_tagged && call.action.starts_with("ecs:") {
        needed.push("ecs:TagResource");
    }
    needed
}

fn of_manifest(wanted: &Wanted, service: &WantedService, memory: &Memory, ask: Ask) -> Result<ManifestPlan, Error> {
    let was = memory.of(&service.manifest);
    if let Some(was) = was {
        check_change(wanted, service, was)?;
    }
    let unchanged = !ask.force && !service.force && was.is_some_and(|was| is_digest(&was.digest, service));
    let mut steps = deploy_steps(wanted, service, was, ask.build_number, ask.keep);
    if let Some(was) = was.filter(|_| unchanged) {
        // Whether it is as it was left is looked at all the same.
        steps.truncate(1);
        let made = scaled(service.scaling.as_ref(), &was.cluster, &was.service);
        steps.extend(surplus_scaling(was, made.as_ref()));
    }
    let call = |step: &Step| PlannedCall {
        action: step.action(),
        text: step.text(),
        request: masked_request(service, &step.request(&wanted.cluster.name)),
        repeated: step.is_wait(),
    };
    let shown = shown(service);
    let difference = was.map(|was| difference(&shown_again(service, &was.wanted), &shown)).unwrap_or_default();
    let secrets = was.map(|was| changed_secrets(&was.digest, &was.wanted, service)).unwrap_or_default();
    // An earlier version has kept the digest of the whole alone.
    let is_hidden = difference.is_empty() && was.is_some_and(|was| !is_digest(&was.digest, service));
    Ok(ManifestPlan {
        manifest: service.manifest.clone(),
        service: match (unchanged, was) {
            (true, Some(was)) => was.service.clone(),
            _ => service_name(wanted.method, service, was, ask.build_number),
        },
        unchanged,
        task_definition: shown.get("taskDefinition").cloned().unwrap_or_default(),
        service_definition: shown.get("service").cloned().unwrap_or_default(),
        calls: steps.iter().map(call).collect(),
        secrets_differ: is_hidden || !secrets.is_empty(),
        secrets,
        difference,
        from: was.map(|was| was.service.clone()),
    })
}

/// The lines that differ, with two around them.
fn difference(was: &Value, now: &Value) -> String {
    let text = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default() + "\n";
    let (old, new) = (text(was), text(now));
    TextDiff::from_lines(&old, &new).unified_diff().context_radius(2).to_string()
}

impl Plan {
    /// The policy that allows it, as a statement's actions.
    pub fn to_json(&self) -> Value {
        json!(self)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let region = self.region.as_deref().map(|region| format!(" in {region}")).unwrap_or_default();
        let method = serde_json::to_value(self.method).ok().and_then(|it| it.as_str().map(ToOwned::to_owned));
        writeln!(f, "{} to the cluster {}{region}, {}", self.job, self.cluster, method.unwrap_or_default())?;
        for manifest in &self.manifests {
            writeln!(f)?;
            manifest.fmt(f)?;
        }
        writeln!(f, "\nIAM actions: {}", self.actions.join(", "))?;
        if self.undocumented.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "The documented policy lacks {}: see `shipctl iam policy --for {}`",
            self.undocumented.join(", "),
            policy_with(&self.undocumented, &self.actions)
        )
    }
}

impl fmt::Display for ManifestPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.from, self.unchanged) {
            (Some(from), true) => return writeln!(f, "{}: unchanged, {from} serves", self.manifest),
            (Some(from), false) if *from == self.service => writeln!(f, "{}: {from} changes", self.manifest)?,
            (Some(from), false) => writeln!(f, "{}: {} takes the place of {from}", self.manifest, self.service)?,
            (None, _) => writeln!(f, "{}: {} is new", self.manifest, self.service)?,
        }
        for (number, call) in (1..).zip(&self.calls) {
            let action = if call.repeated { format!("{} (repeated)", call.action) } else { call.action.to_owned() };
            writeln!(f, "  {number:2}. {}: {action}", call.text)?;
        }
        if self.from.is_none() {
            let whole = json!({ "taskDefinition": self.task_definition, "service": self.service_definition });
            return indented(f, &serde_json::to_string_pretty(&whole).unwrap_or_default());
        }
        indented(f, &self.difference)?;
        match (self.secrets.as_slice(), self.secrets_differ) {
            ([], false) if self.difference.is_empty() => writeln!(f, "  no difference in what is wanted"),
            ([], false) => Ok(()),
            ([], true) => writeln!(f, "  secrets differ, which are not shown"),
            (some, _) => writeln!(f, "  secrets differ, which are not shown: {}", some.join(", ")),
        }
    }
}

fn indented(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    text.lines().try_for_each(|line| writeln!(f, "  {line}"))
}
