//! `dockerOptions`: fields of containers, and what passes straight through to the task definition and the service.

use serde_json::{Map, Value, json};

use super::field::{Field, Findings, Said};
use super::formats::{self, Volume};
use super::merge;
use crate::job::names;

/// What one resource asks for, in the words of ECS.
#[derive(Debug, Default)]
pub(super) struct DockerOptions {
    /// Fields of the containers that it applies to.
    pub container: Map<String, Value>,
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
            Into::Ports => Some(formats::each(field, found, formats::port)),
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
            let nested = rest.rsplit('.').fold(field.value.clone(), |value, step| json!({ step: value }));
            return self.pass(top, field, nested.as_object().unwrap_or(&Map::new()), found);
        }
        match key {
            "service" | "taskDefinition" => {
                if let Some(map) = field.map(found) {
                    self.pass(key, field, map, found);
                }
            }
            "environment" => {
                let list = formats::environment(field, found);
                self.container.insert(key.to_owned(), list);
            }
            "restartPolicy" if field.member("enabled").is_some() => self.straight(field),
            _ if OF_ECS.contains(&key) => self.straight(field),
            _ => unknown(field, found),
        }
    }

    fn straight(&mut self, field: &Field) {
        self.container.insert(field.key().to_owned(), field.value.clone());
    }

    fn pass(&mut self, top: &str, field: &Field, map: &Map<String, Value>, found: &mut Findings) {
        if top == "service" {
            return self.pass_service(field, map, found);
        }
        let mut map = map.clone();
        for key in ["cpu", "memory"] {
            // The API wants texts, though they are numbers.
            if let Some(number @ Value::Number(_)) = map.get_mut(key) {
                *number = number.to_string().into();
            }
        }
        if let Some(definitions) = map.shift_remove("containerDefinitions") {
            match definitions {
                Value::Array(definitions) => self.definitions.extend(definitions),
                _ => field.wrong(found, "containerDefinitions as a list"),
            }
        }
        if let Some(Value::Array(volumes)) = map.get_mut("volumes") {
            // `source:path:options`, as the documentation has it, are mounts; objects are volumes of ECS.
            let nested = field.member("volumes").map(|volumes| volumes.elements(found)).unwrap_or_default();
            let mounts: Vec<Field> = nested.into_iter().filter(|element| element.value.is_string()).collect();
            volumes.retain(Value::is_object);
            if volumes.is_empty() {
                map.shift_remove("volumes");
            }
            if !mounts.is_empty() {
                self.mount(&mounts, found);
            }
        }
        merge::deep(&mut self.task, &map);
    }

    fn pass_service(&mut self, field: &Field, map: &Map<String, Value>, found: &mut Findings) {
        let mut map = map.clone();
        // An older page of the documentation spells it so.
        if let Some(list @ Value::Array(_)) = map.get("loadBalancer").cloned() {
            map.shift_remove("loadBalancer");
            map.entry("loadBalancers").or_insert(list);
        }
        for (key, instead) in OWN {
            if map.shift_remove(key).is_some() {
                let at = field.member(key).map_or_else(|| field.at(), |member| member.at());
                found.warn(at, format_args!("service.{key} is left out: {instead}"));
            }
        }
        if let Some(count) = map.get_mut("desiredCount")
            && let Some(number) = count.as_str().and_then(|text| text.trim().parse::<u32>().ok())
        {
            *count = number.into();
        }
        merge::deep(&mut self.service, &map);
    }
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
