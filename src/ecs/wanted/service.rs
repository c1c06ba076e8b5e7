//! A manifest as a service and its task definition.

use serde_json::{Map, Value, json};

use super::field::Findings;
use super::formats::Volume;
use super::image::{Image, is_ecs_name};
use super::inputs::{Body, Unit};
use super::load_balancer::{Balancer, Target};
use super::merge;
use super::params::{self, Variable};
use super::replicas::Replicas;
use super::shown::secret_options;
use super::volumes::Volumes;
use super::{WantedService, ports};
use crate::config::shippable::Job;
use crate::job::names;

/// The ports of a container, as ECS calls them.
const PORTS: &str = "portMappings";
/// MiB of memory where nothing else is said.
const MEMORY: i64 = 400;

/// A container on its way.
struct Container<'a> {
    image: &'a Image,
    fields: Map<String, Value>,
    /// Where its ports are mapped.
    ports_at: &'a [String],
    volumes: Vec<Volume>,
    environment: Vec<Variable>,
}

/// What a unit comes to, one layer over the other.
#[derive(Default)]
struct Parts<'a> {
    containers: Vec<Container<'a>>,
    task: Map<String, Value>,
    volumes: Vec<Value>,
    definitions: Vec<Value>,
    service: Map<String, Value>,
    replicas: Option<Replicas>,
    balancers: Vec<(&'a Balancer, &'a Target, bool)>,
}

/// The service of a unit.
pub(super) fn service(job: &Job, unit: &Unit, units: &[Unit], found: &mut Findings) -> WantedService {
    let manifest = unit.manifest.name.as_str();
    let given = unit.deploy_name.as_ref();
    let name = given.map_or_else(|| format!("{}-{manifest}", job.name), |given| given.name.clone());
    if !is_ecs_name(&name) {
        let at = given.map_or(&unit.manifest.yml.at, |given| &given.at);
        let text = format!(
            "{name} cannot be the name of a service: letters, digits, - and _ (at most 255) were expected; \
                            write deployName at the manifest's step"
        );
        found.error(at, text);
    }
    let mut parts = Parts::of(unit);
    let secrets = parts.secrets();
    let task_definition = parts.task_definition(&name, unit, found);
    let scaling = parts.scaling(&policies_of_others(unit, units), found);
    let (service, wants_role) = parts.service(&task_definition, found);
    for option in secret_options(&service) {
        let text = format!(
            "{option} among the log options of Service Connect of {manifest} is a secret that the job's state keeps, to \
             go back to it: name where it lies in secretOptions instead"
        );
        found.warn(&unit.manifest.yml.at, text);
    }
    WantedService {
        manifest: manifest.to_owned(),
        name,
        force: unit.force,
        task_definition,
        service,
        wants_role,
        scaling,
        images: unit.images.iter().map(|image| (image.name.clone(), image.reference.clone())).collect(),
        secrets,
    }
}

/// The scaling policies of other manifests of the job, with these.
fn policies_of_others<'a>(unit: &Unit, units: &'a [Unit]) -> Vec<(&'a str, &'a str)> {
    let mut policies = Vec::new();
    for other in units.iter().filter(|other| other.manifest.name != unit.manifest.name) {
        for layer in other.layers.iter().filter(|layer| layer.concerns(other)) {
            if let Body::Replicas(replicas) = &layer.body {
                policies.extend(replicas.policy_names().map(|policy| (other.manifest.name.as_str(), policy)));
            }
        }
    }
    policies
}

impl<'a> Parts<'a> {
    fn of(unit: &'a Unit) -> Self {
        let container = |image| Container {
            image,
            fields: Map::new(),
            ports_at: &[],
            volumes: Vec::new(),
            environment: Vec::new(),
        };
        let mut parts = Self { containers: unit.images.iter().map(container).collect(), ..Self::default() };
        for layer in unit.layers.iter().filter(|layer| layer.concerns(unit)) {
            let manifest = unit.manifest.name.as_str();
            for container in &mut parts.containers {
                if layer.is_for(manifest, &container.image.name) {
                    container.put(&layer.body);
                }
            }
            match &layer.body {
                Body::Docker(options) => {
                    let mut task = options.task.clone();
                    if let Some(Value::Array(volumes)) = task.shift_remove("volumes") {
                        merge::named(&mut parts.volumes, &volumes, "name");
                    }
                    merge::deep(&mut parts.task, &task);
                    merge::deep(&mut parts.service, &options.service);
                    parts.definitions.extend(options.definitions.iter().cloned());
                }
                Body::Replicas(replicas) => {
                    if let Some(count) = replicas.count {
                        parts.service.insert("desiredCount".to_owned(), count.into());
                    }
                    parts.replicas.get_or_insert_default().unite(replicas);
                }
                Body::Balancer(balancer) => parts.balance(balancer, manifest, layer.in_manifest),
                Body::Params(_) => {}
            }
        }
        parts
    }

    /// A deploy job's load balancer takes the place of the manifest's at the same port.
    fn balance(&mut self, balancer: &'a Balancer, manifest: &str, in_manifest: bool) {
        let own = |target: &&Target| target.manifest.as_deref().is_none_or(|name| name == manifest);
        for target in balancer.targets.iter().filter(own) {
            self.balancers.retain(|(_, known, is_manifests)| {
                !*is_manifests || in_manifest || (known.image != target.image || known.port != target.port)
            });
            self.balancers.push((balancer, target, in_manifest));
        }
    }

    fn secrets(&self) -> Vec<crate::support::secret::SecretText> {
        let mut secrets = Vec::new();
        for variable in self.containers.iter().flat_map(|container| &container.environment) {
            if variable.is_secret && !secrets.contains(&variable.value) {
                secrets.push(variable.value.clone());
            }
        }
        secrets
    }

    fn task_definition(&mut self, name: &str, unit: &Unit, found: &mut Findings) -> Map<String, Value> {
        let mut volumes = Volumes::default();
        let mut containers: Vec<Map<String, Value>> =
            self.containers.iter().map(|container| container.definition(&mut volumes)).collect();
        pass_through(&mut containers, &self.definitions, unit, found);
        let at_port = |which: usize, number: usize| {
            // What passes straight through may have put others in their place.
            let own = self.containers.get(which).filter(|own| own.fields.get(PORTS) == containers[which].get(PORTS));
            own.and_then(|own| own.ports_at.get(number).cloned()).unwrap_or_else(|| unit.manifest.yml.at.to_string())
        };
        let mode = self.task.get("networkMode").and_then(Value::as_str);
        ports::check(&containers, mode, at_port, found);
        check(&mut containers, self.task.get("networkMode").and_then(Value::as_str), unit, found);
        let mut definition = Map::new();
        definition.insert("family".to_owned(), name.into());
        definition.extend(std::mem::take(&mut self.task));
        definition.insert("containerDefinitions".to_owned(), containers.into());
        let volumes = volumes.into_list(std::mem::take(&mut self.volumes));
        if !volumes.is_empty() {
            definition.insert("volumes".to_owned(), volumes.into());
        }
        definition
    }

    fn is_daemon(&self) -> bool {
        self.service.get("schedulingStrategy").and_then(Value::as_str) == Some("DAEMON")
    }

    fn scaling(&self, others: &[(&str, &str)], found: &mut Findings) -> Option<super::Scaling> {
        let replicas = self.replicas.as_ref()?;
        let scaling = replicas.scaling(others, found)?;
        if self.is_daemon() {
            found.warn(replicas.at(), "a DAEMON service cannot be scaled: its auto scaling is left out");
            return None;
        }
        Some(scaling)
    }

    /// The request of `CreateService`, and whether a role has to be looked for.
    fn service(mut self, task_definition: &Map<String, Value>, found: &mut Findings) -> (Map<String, Value>, bool) {
        let mut service = Map::new();
        let count = self.service.shift_remove("desiredCount").filter(|count| !count.is_null());
        let count = count.unwrap_or_else(|| 1.into());
        if !self.is_daemon() {
            service.insert("desiredCount".to_owned(), count);
        }
        service.extend(std::mem::take(&mut self.service));
        let list = service.entry("loadBalancers").or_insert_with(|| json!([]));
        let mut entries = list.as_array().cloned().unwrap_or_default();
        for (balancer, target, _) in &self.balancers {
            ports::check_balanced(balancer, target, task_definition, found);
            let entry = balancer.entry(target);
            if !entries.contains(&entry) {
                entries.push(entry);
            }
        }
        let needs_linked = task_definition.get("networkMode").and_then(Value::as_str) == Some("awsvpc")
            || entries.len() > 1
            || service.contains_key("serviceRegistries");
        let has_balancer = !entries.is_empty();
        if has_balancer {
            service.insert("loadBalancers".to_owned(), entries.into());
        } else {
            service.shift_remove("loadBalancers");
        }
        let given = self.balancers.iter().rev().find(|(balancer, ..)| balancer.role.is_some());
        let mut is_linked = needs_linked;
        if let Some((balancer, ..)) = given
            && !service.contains_key("role")
        {
            is_linked |= balancer.is_role_service_linked();
            if needs_linked && !balancer.is_role_service_linked() {
                let text = format!("the role of {} is left out: ECS takes its own for such a service", balancer.name);
                found.warn(&balancer.at, text);
            }
            if !is_linked && let Some(role) = &balancer.role {
                service.insert("role".to_owned(), role.clone().into());
            }
        }
        let wants_role = has_balancer && !is_linked && !service.contains_key("role");
        (service, wants_role)
    }
}

impl<'a> Container<'a> {
    /// Puts options over those that are there: key by key, labels one by one.
    fn put(&mut self, body: &'a Body) {
        match body {
            Body::Params(variables) => params::unite(&mut self.environment, variables),
            Body::Docker(options) => {
                if options.container.contains_key(PORTS) {
                    self.ports_at = &options.ports_at;
                }
                for (key, value) in &options.container {
                    match (self.fields.get_mut(key), value) {
                        (Some(Value::Object(labels)), Value::Object(more)) if key == "dockerLabels" => {
                            labels.extend(more.clone());
                        }
                        _ => drop(self.fields.insert(key.clone(), value.clone())),
                    }
                }
                if let Some(volumes) = &options.volumes {
                    self.volumes.clone_from(volumes);
                }
            }
            Body::Replicas(_) | Body::Balancer(_) => {}
        }
    }

    fn definition(&self, volumes: &mut Volumes) -> Map<String, Value> {
        let mut definition = Map::new();
        definition.insert("name".to_owned(), self.image.name.clone().into());
        definition.insert("image".to_owned(), self.image.reference.clone().into());
        definition.insert("memory".to_owned(), MEMORY.into());
        definition.insert("cpu".to_owned(), 0.into());
        definition.insert("essential".to_owned(), true.into());
        definition.extend(self.fields.clone());
        if !self.environment.is_empty() {
            let own = definition.shift_remove("environment");
            let mut all: Vec<Value> = self.environment.iter().map(variable).collect();
            merge::named(&mut all, own.as_ref().and_then(Value::as_array).map_or(&[], Vec::as_slice), "name");
            definition.insert("environment".to_owned(), all.into());
        }
        if !self.volumes.is_empty() {
            let own = definition.shift_remove("mountPoints");
            let Value::Array(mut mounts) = volumes.mount(&self.image.name, &self.volumes) else { return definition };
            mounts.extend(own.as_ref().and_then(Value::as_array).cloned().unwrap_or_default());
            definition.insert("mountPoints".to_owned(), mounts.into());
        }
        definition
    }
}

fn variable(variable: &Variable) -> Value {
    json!({"name": variable.name, "value": variable.value.expose()})
}

/// Containers that `taskDefinition` lists: those of a known name are changed, the others are added.
fn pass_through(containers: &mut Vec<Map<String, Value>>, definitions: &[Value], unit: &Unit, found: &mut Findings) {
    for definition in definitions {
        let Value::Object(definition) = definition else { continue };
        let name = definition.get("name").filter(|name| !name.is_null());
        let at = match name {
            Some(name) => containers.iter().position(|known| known.get("name") == Some(name)),
            None if containers.len() == 1 => Some(0),
            None => {
                let text = "an element of taskDefinition.containerDefinitions has no name: add that of an image";
                found.error(&unit.manifest.yml.at, text);
                continue;
            }
        };
        let Some(at) = at else {
            containers.push(definition.clone());
            continue;
        };
        let mut more = definition.clone();
        let environment = more.shift_remove("environment");
        merge::deep(&mut containers[at], &more);
        if let Some(Value::Array(more)) = environment {
            let list = containers[at].entry("environment").or_insert_with(|| json!([]));
            if let Value::Array(list) = list {
                merge::named(list, &more, "name");
            }
        }
    }
}

/// What ECS would refuse.
fn check(containers: &mut [Map<String, Value>], mode: Option<&str>, unit: &Unit, found: &mut Findings) {
    let at = &unit.manifest.yml.at;
    let is_off = |one: &Map<String, Value>| one.get("essential") == Some(&Value::Bool(false));
    if !containers.is_empty() && containers.iter().all(is_off) {
        found.error(at, format_args!("{}: one of its containers has to be essential", unit.manifest.name));
    }
    check_references(containers, unit, found);
    for container in containers {
        let name = container.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        for variable in container.get_mut("environment").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(value @ (Value::Number(_) | Value::Bool(_))) = variable.get_mut("value") {
                *value = value.to_string().into();
            }
        }
        let number = |key: &str| container.get(key).and_then(Value::as_i64);
        if let (Some(memory), Some(reserved)) = (number("memory"), number("memoryReservation"))
            && reserved > memory
        {
            let text =
                format!("{name} has memoryReservation {reserved} and memory {memory}: give it at least as much memory");
            found.error(at, text);
        }
        if mode != Some("awsvpc") {
            continue;
        }
        for mapping in container.get_mut("portMappings").and_then(Value::as_array_mut).into_iter().flatten() {
            let Some(mapping) = mapping.as_object_mut() else { continue };
            match (
                mapping.get("hostPort").and_then(Value::as_i64),
                mapping.get("containerPort").and_then(Value::as_i64),
            ) {
                (Some(0), _) => drop(mapping.shift_remove("hostPort")),
                (Some(host), Some(port)) if host != port => {
                    let text = format!("{name} maps {host}:{port}: with networkMode awsvpc both ports are the same");
                    found.error(at, text);
                }
                _ => {}
            }
        }
    }
}

/// Containers speak of each other by name.
fn check_references(containers: &[Map<String, Value>], unit: &Unit, found: &mut Findings) {
    let name_of = |container: &Map<String, Value>| container.get("name").and_then(Value::as_str).map(str::to_owned);
    let known: Vec<String> = containers.iter().filter_map(name_of).collect();
    for container in containers {
        let list = |key: &str| container.get(key).and_then(Value::as_array).into_iter().flatten();
        let links =
            list("links").filter_map(Value::as_str).map(|link| ("links", link.split(':').next().unwrap_or(link)));
        let members = [("volumesFrom", "sourceContainer"), ("dependsOn", "containerName")];
        let others = members.into_iter().flat_map(|(key, member)| {
            list(key).filter_map(move |one| one.get(member)?.as_str()).map(move |name| (key, name))
        });
        for (key, other) in links.chain(others) {
            if !known.iter().any(|name| name == other) {
                let near = names::did_you_mean(other, known.iter().map(String::as_str));
                let name = name_of(container).unwrap_or_default();
                let text =
                    format!("{key} of {name}: no container {other} in the manifest {}{near}", unit.manifest.name);
                found.error(&unit.manifest.yml.at, text);
            }
        }
    }
}
