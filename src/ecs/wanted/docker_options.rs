//! `dockerOptions`: fields of containers, and what passes straight through to the task definition and the service.

use serde_json::{Map, Value, json};

use super::field::{Field, Findings, Said};
use super::formats::{self, Volume};
use super::merge;
use super::shapes::{self, Shape, fit, known_or_not};
use crate::job::names;

/// What one resource asks for, in the words of ECS.
#[derive(Debug, Default)]
pub(super) struct DockerOptions {
    /// Fields of the containers that it applies to.
    pub container: Map<String, Value>,
    /// Where each of their ports is mapped.
    pub ports_at: Vec<String>,
    /// What they mount.
    pub volumes: Option<Vec<Volume>>,
    /// Fields of the task definition, save `containerDefinitions`.
    pub task: Map<String, Value>,
    /// Containers that pass straight through, to be united by name.
    pub definitions: Vec<Value>,
    /// Fields of the service.
    pub service: Map<String, Value>,
}

/// What a field becomes.
#[derive(Debug, Clone, Copy)]
enum Into {
    Integer,
    Text,
    Boolean,
    Texts,
    /// A list of words; one text is split as a shell does.
    Words,
    Labels,
    Ports,
    Hosts,
    VolumesFrom,
    Ulimits,
    Log,
    Volumes,
    Network,
}

/// Every field that has a meaning on ECS: its name, that of ECS, and how its value is read.
const FIELDS: [(&str, &str, Into); 24] = [
    ("memory", "memory", Into::Integer),
    ("memoryReservation", "memoryReservation", Into::Integer),
    ("cpuShares", "cpu", Into::Integer),
    ("portMappings", "portMappings", Into::Ports),
    ("links", "links", Into::Texts),
    ("hostName", "hostname", Into::Text),
    ("user", "user", Into::Text),
    ("labels", "dockerLabels", Into::Labels),
    ("cmd", "command", Into::Words),
    ("entryPoint", "entryPoint", Into::Words),
    ("volumes", "mountPoints", Into::Volumes),
    ("network", "networkMode", Into::Network),
    ("privileged", "privileged", Into::Boolean),
    ("readOnlyRootFilesystem", "readonlyRootFilesystem", Into::Boolean),
    ("dnsServers", "dnsServers", Into::Texts),
    ("dnsSearch", "dnsSearchDomains", Into::Texts),
    ("extraHosts", "extraHosts", Into::Hosts),
    ("volumesFrom", "volumesFrom", Into::VolumesFrom),
    ("ulimits", "ulimits", Into::Ulimits),
    ("securityOptions", "dockerSecurityOptions", Into::Texts),
    ("logConfig", "logConfiguration", Into::Log),
    ("workingDir", "workingDirectory", Into::Text),
    ("networkDisabled", "disableNetworking", Into::Boolean),
    ("essential", "essential", Into::Boolean),
];

/// Fields of other platforms, and what to write instead.
const WITHOUT_MEANING: [(&str, &str); 15] = [
    ("domainName", ""),
    ("memorySwap", "linuxParameters: {maxSwap: MIB}"),
    ("attachStdin", ""),
    ("attachStdout", ""),
    ("attachStderr", ""),
    ("tty", "pseudoTerminal: true"),
    ("stdin", "interactive: true"),
    ("stdinOnce", ""),
    ("publishAllPorts", "portMappings: [\"PORT\"]"),
    ("capAdd", "linuxParameters: {capabilities: {add: [NAME]}}"),
    ("capDrop", "linuxParameters: {capabilities: {drop: [NAME]}}"),
    ("restartPolicy", "restartPolicy: {enabled: true}"),
    ("devices", "linuxParameters: {devices: [{hostPath: PATH}]}"),
    ("cGroupParent", ""),
    ("pid", "taskDefinition: {pidMode: host}"),
];

/// Fields of a container that only ECS has: they pass straight through.
const OF_ECS: [&str; 26] = [
    "command",
    "cpu",
    "credentialSpecs",
    "dependsOn",
    "disableNetworking",
    "dnsSearchDomains",
    "dockerLabels",
    "dockerSecurityOptions",
    "environmentFiles",
    "firelensConfiguration",
    "healthCheck",
    "hostname",
    "interactive",
    "linuxParameters",
    "logConfiguration",
    "mountPoints",
    "pseudoTerminal",
    "readonlyRootFilesystem",
    "repositoryCredentials",
    "resourceRequirements",
    "secrets",
    "startTimeout",
    "stopTimeout",
    "systemControls",
    "versionConsistency",
    "workingDirectory",
];

/// Fields and sections of other platforms.
const OF_OTHERS: [&str; 24] = [
    "acceptedResourceRoles",
    "autodestroy",
    "autoredeploy",
    "deployment",
    "deployment_strategy",
    "envFrom",
    "ExposedPorts",
    "HostConfig",
    "imagePullPolicy",
    "lifecycle",
    "livenessProbe",
    "nickname",
    "parameters",
    "pod",
    "readinessProbe",
    "resources",
    "roles",
    "securityContext",
    "sequential_deployment",
    "StopSignal",
    "tags",
    "target_num_containers",
    "terminationMessagePath",
    "terminationMessagePolicy",
];

/// Fields of a service that the deployment itself fills in.
const OWN: [(&str, &str); 3] = [
    ("cluster", "the job's cluster resource says which"),
    ("serviceName", "write deployName at the manifest's step"),
    ("taskDefinition", "the one that is registered is used"),
];

/// Reads one resource.
pub(super) fn docker_options(said: &Said, found: &mut Findings) -> DockerOptions {
    let mut options = DockerOptions::default();
    for field in said.fields() {
        if let Some((_, name, into)) = FIELDS.iter().find(|(known, ..)| *known == field.key()) {
            options.mapped(&field, name, *into, found);
        } else {
            options.other(&field, found);
        }
    }
    options
}

impl DockerOptions {
    fn mapped(&mut self, field: &Field, name: &str, into: Into, found: &mut Findings) {
        let value = match into {
            Into::Integer => {
                let least = i64::from(name != "cpu");
                let what = if name == "cpu" { "a whole number of CPU units" } else { "a whole number of MiB" };
                field.integer(found, least..=i64::from(i32::MAX), what).map(Value::from)
            }
            Into::Text => field.text(found).map(Value::from),
            Into::Boolean => field.boolean(found).map(Value::from),
            Into::Texts => Some(field.texts(found)),
            Into::Words => formats::words(field, found),
            Into::Labels => field.map_of_texts(found).map(Value::from),
            Into::Ports => {
                self.ports_at = field.elements(found).iter().map(Field::at).collect();
                Some(formats::each(field, found, formats::port))
            }
            Into::Hosts => Some(formats::each(field, found, formats::host)),
            Into::VolumesFrom => Some(formats::each(field, found, formats::volumes_from)),
            Into::Ulimits => Some(formats::each(field, found, formats::ulimit)),
            Into::Log => formats::log(field, found),
            Into::Volumes => return self.mount(&field.elements(found), found),
            Into::Network => return self.network(field, found),
        };
        if let Some(value) = value {
            self.container.insert(name.to_owned(), value);
        }
    }

    fn mount(&mut self, elements: &[Field], found: &mut Findings) {
        let volumes = elements.iter().filter_map(|element| formats::volume(element, found));
        self.volumes.get_or_insert_default().extend(volumes);
    }

    /// `taskDefinition.networkMode` is the more exact word.
    fn network(&mut self, field: &Field, found: &mut Findings) {
        const MODES: [&str; 4] = ["bridge", "host", "awsvpc", "none"];
        match field.text(found) {
            Some(mode) if mode == "default" => {}
            Some(mode) if MODES.contains(&mode.as_str()) => {
                self.task.entry("networkMode").or_insert(mode.into());
            }
            Some(_) => field.wrong(found, "one of bridge, host, awsvpc and none"),
            None => {}
        }
    }

    fn other(&mut self, field: &Field, found: &mut Findings) {
        let key = field.key();
        // `service.role: x` for `service: {role: x}`.
        if let Some((top @ ("service" | "taskDefinition"), rest)) = key.split_once('.') {
            return match rest.split_once('.') {
                None => self.pass(top, rest, field, found),
                Some((member, below)) => self.pass_below(top, member, below, field, found),
            };
        }
        match key {
            "service" | "taskDefinition" => {
                for (name, value) in field.map(found).into_iter().flatten() {
                    match field.member(name) {
                        Some(member) => self.pass(key, name, &member, found),
                        None => self.put(key, name, value.clone()),
                    }
                }
            }
            "environment" => {
                let list = formats::environment(field, found);
                self.container.insert(key.to_owned(), list);
            }
            "restartPolicy" if field.member("enabled").is_some() => self.straight(field, found),
            _ if OF_ECS.contains(&key) => self.straight(field, found),
            _ => unknown(field, found),
        }
    }

    fn straight(&mut self, field: &Field, found: &mut Findings) {
        self.container.insert(field.key().to_owned(), known_or_not(field, field.key(), shapes::CONTAINER, found));
    }

    /// A field of the task definition or the service.
    fn pass(&mut self, top: &str, key: &str, field: &Field, found: &mut Findings) {
        match (top, key) {
            ("taskDefinition", "containerDefinitions") => {
                if let Value::Array(definitions) = known(field, top, key, found) {
                    self.definitions.extend(definitions);
                }
            }
            ("taskDefinition", "volumes") => self.pass_volumes(field, found),
            // An older page of the documentation spells it so.
            ("service", "loadBalancer") => {
                let list = known(field, top, "loadBalancers", found);
                if self.service.contains_key("loadBalancers") {
                    found.warn(field.at(), format_args!("{} is left out: loadBalancers says which", field.shown()));
                } else {
                    self.put(top, "loadBalancers", list);
                }
            }
            ("service", _) if OWN.iter().any(|(own, _)| *own == key) => {
                let instead = OWN.iter().find(|(own, _)| *own == key).map_or("", |(_, instead)| instead);
                found.warn(field.at(), format_args!("service.{key} is left out: {instead}"));
            }
            ("service", "desiredCount") => {
                let count = field.integer(found, 0..=i64::from(i32::MAX), "a whole number from 0 on");
                self.put(top, key, count.into());
            }
            _ => {
                let value = known(field, top, key, found);
                self.put(top, key, value);
            }
        }
    }

    /// What is deeper, of a key with more dots.
    fn pass_below(&mut self, top: &str, key: &str, below: &str, field: &Field, found: &mut Findings) {
        let shape = below.split('.').try_fold(shape_of(top).member(key), |shape, step| Some(shape?.member(step)));
        let value = match shape.flatten() {
            Some(shape) => fit(field, shape, found),
            None => field.value.clone(),
        };
        self.put(top, key, below.rsplit('.').fold(value, |value, step| json!({ step: value })));
    }

    /// `source:path:options`, as the documentation has it, are mounts; maps are volumes of ECS.
    fn pass_volumes(&mut self, field: &Field, found: &mut Findings) {
        let (volumes, mounts): (Vec<_>, Vec<_>) =
            field.elements(found).into_iter().partition(|element| element.value.is_object());
        if !mounts.is_empty() {
            self.mount(&mounts, found);
        }
        if !volumes.is_empty() {
            let volumes: Value = volumes.iter().map(|volume| fit(volume, shapes::VOLUME, found)).collect();
            self.put("taskDefinition", "volumes", volumes);
        }
    }

    fn put(&mut self, top: &str, key: &str, value: Value) {
        let into = if top == "service" { &mut self.service } else { &mut self.task };
        merge::deep(into, &[(key.to_owned(), value)].into_iter().collect());
    }
}

fn shape_of(top: &str) -> Shape {
    if top == "service" { shapes::SERVICE } else { shapes::TASK_DEFINITION }
}

/// The value of a field of the task definition or the service, whose own key may have dots.
fn known(field: &Field, top: &str, key: &str, found: &mut Findings) -> Value {
    known_or_not(field, key, shape_of(top), found)
}

/// What has no meaning on ECS, or nowhere.
fn unknown(field: &Field, found: &mut Findings) {
    let key = field.key();
    if let Some((_, instead)) = WITHOUT_MEANING.iter().find(|(known, _)| *known == key) {
        let cure = if instead.is_empty() { String::new() } else { format!(": write `{instead}`") };
        found.warn(field.at(), format_args!("{} has no meaning on ECS{cure}", field.shown()));
    } else if OF_OTHERS.contains(&key) {
        found.warn(field.at(), format_args!("{} is for another platform", field.shown()));
    } else {
        let known =
            FIELDS.iter().map(|(known, ..)| *known).chain(OF_ECS).chain(["environment", "service", "taskDefinition"]);
        let near = names::did_you_mean(key, known);
        let text = format!("{} is no field of dockerOptions, and is left out{near}", field.shown());
        found.warn(field.at(), text);
    }
}
