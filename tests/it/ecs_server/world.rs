//! The state of the pretended AWS.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::scenario::{Behaviour, Scenario, fits};

pub const ACCOUNT: &str = "123456789012";
pub const REGION: &str = "us-east-1";
/// 2026-01-02T02:04:05Z, when the services of a scenario are made: an hour before the clock of most tests.
const BEGINNING: i64 = 1_767_319_445;

/// What AWS answers when it does not do as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    pub code: String,
    pub message: String,
}

impl Refusal {
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.to_owned(), message: message.into() }
    }

    pub fn parameter(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterException", message)
    }

    pub fn client(message: impl Into<String>) -> Self {
        Self::new("ClientException", message)
    }
}

/// The answer of an action.
pub type Answer = Result<Value, Refusal>;

pub struct Definition {
    pub family: String,
    pub revision: usize,
    pub active: bool,
    pub request: Value,
}

impl Definition {
    pub fn arn(&self) -> String {
        format!("arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{}:{}", self.family, self.revision)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rollout {
    InProgress,
    Completed,
    Failed,
}

impl Rollout {
    pub fn name(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Deployment {
    pub id: String,
    pub definition: String,
    pub failed: usize,
    pub created: i64,
    pub updated: i64,
    pub rollout: Rollout,
    pub reason: String,
}

pub struct Service {
    pub name: String,
    pub cluster: String,
    /// ACTIVE, DRAINING or INACTIVE.
    pub status: &'static str,
    pub desired: i64,
    /// The primary one first.
    pub deployments: Vec<Deployment>,
    /// The newest first.
    pub events: Vec<Value>,
    /// What it was made with, as changed since.
    pub settings: Value,
    pub created: i64,
    pub drained: i64,
    pub describes: usize,
    pub steady: bool,
    pub streak: usize,
    pub next_try: i64,
}

impl Service {
    pub fn arn(&self) -> String {
        format!("arn:aws:ecs:{REGION}:{ACCOUNT}:service/{}/{}", self.cluster, self.name)
    }

    pub fn is_daemon(&self) -> bool {
        self.settings["schedulingStrategy"] == "DAEMON"
    }

    pub fn balancers(&self) -> &[Value] {
        self.settings["loadBalancers"].as_array().map_or(&[], Vec::as_slice)
    }

    pub fn is_classic(&self) -> bool {
        self.balancers().iter().any(|balancer| balancer["loadBalancerName"].is_string())
    }
}

/// How a task ends.
#[derive(Debug, Clone)]
pub struct End {
    pub at: i64,
    pub code: &'static str,
    pub reason: String,
    pub exit: Option<i32>,
    pub container: Option<String>,
}

pub struct Task {
    pub id: String,
    pub cluster: String,
    /// Of a service: its place and the deployment.
    pub owner: Option<(usize, String)>,
    pub started_by: String,
    pub definition: String,
    pub behaviour: Behaviour,
    /// PROVISIONING, PENDING, RUNNING or STOPPED.
    pub status: &'static str,
    pub created: i64,
    pub runs_at: Option<i64>,
    pub end: Option<End>,
    /// Told to stop.
    pub asked: bool,
    pub overrides: Value,
}

impl Task {
    pub fn arn(&self) -> String {
        format!("arn:aws:ecs:{REGION}:{ACCOUNT}:task/{}/{}", self.cluster, self.id)
    }

    pub fn lives(&self) -> bool {
        self.status != "STOPPED"
    }

    pub fn is_of(&self, service: usize) -> bool {
        self.owner.as_ref().is_some_and(|(owner, _)| *owner == service)
    }

    pub fn is_by(&self, service: usize, deployment: &str) -> bool {
        self.owner.as_ref().is_some_and(|(owner, id)| *owner == service && id == deployment)
    }
}

#[derive(Default)]
pub struct Counters {
    pub deployments: usize,
    pub tasks: usize,
    pub events: usize,
    pub policies: usize,
    pub sessions: usize,
}

pub struct World {
    pub scenario: Scenario,
    pub now: i64,
    /// When the first call came.
    pub start: Option<i64>,
    pub counters: Counters,
    pub definitions: Vec<Definition>,
    pub services: Vec<Service>,
    pub tasks: Vec<Task>,
    /// By resource.
    pub targets: BTreeMap<String, Value>,
    /// By resource and name.
    pub policies: BTreeMap<(String, String), Value>,
    pub alarms: BTreeMap<String, Value>,
    /// Keys of assumed roles, and when they expire.
    pub sessions: BTreeMap<String, i64>,
}

impl World {
    pub fn new(scenario: Scenario) -> Self {
        let mut world = Self {
            now: BEGINNING,
            start: None,
            counters: Counters::default(),
            definitions: Vec::new(),
            services: Vec::new(),
            tasks: Vec::new(),
            targets: BTreeMap::new(),
            policies: BTreeMap::new(),
            alarms: BTreeMap::new(),
            sessions: BTreeMap::new(),
            scenario: Scenario { behaviours: Vec::new(), seeds: Vec::new(), ..scenario.clone() },
        };
        // What is there beforehand is healthy whatever becomes of its like later.
        for seed in &scenario.seeds {
            world.register(&seed.register).unwrap();
            world.create_service(&seed.create).unwrap();
            let place = world.services.len() - 1;
            world.services[place].describes = usize::MAX / 2;
            for _ in 0..seed.events {
                world.event(place, "has reached a steady state.");
            }
        }
        for register in &scenario.registered {
            world.register(register).unwrap();
        }
        if !scenario.seeds.is_empty() {
            world.advance(BEGINNING + 600);
        }
        for (place, seed) in scenario.seeds.iter().enumerate() {
            if let Some(seconds) = seed.draining {
                let service = &mut world.services[place];
                (service.status, service.desired, service.drained) = ("DRAINING", 0, seconds);
            }
        }
        world.scenario = scenario;
        world
    }

    /// The first call is there: what counts from it can be told.
    pub fn begin(&mut self) {
        if self.start.is_none() {
            self.start = Some(self.now);
            for service in self.services.iter_mut().filter(|service| service.status == "DRAINING") {
                service.drained += self.now;
            }
        }
    }

    /// Seconds since the first call.
    pub fn elapsed(&self) -> i64 {
        self.now - self.start.unwrap_or(self.now)
    }

    /// The place of the service of that name (or ARN) which counts: the last one made.
    pub fn find_service(&self, cluster: &str, name: &str) -> Option<usize> {
        let name = name.rsplit('/').next()?;
        self.services.iter().rposition(|service| service.cluster == cluster && service.name == name)
    }

    /// The cluster of a request.
    pub fn cluster(&self, request: &Value) -> Result<String, Refusal> {
        let name = request["cluster"].as_str().unwrap_or("default");
        let name = name.rsplit('/').next().unwrap_or(name);
        let known = self.scenario.clusters.iter().any(|cluster| cluster == name);
        if known { Ok(name.to_owned()) } else { Err(Refusal::new("ClusterNotFoundException", "Cluster not found.")) }
    }

    /// What becomes of the tasks of a definition.
    pub fn behaviour(&self, definition: &str) -> Behaviour {
        let short = definition.rsplit('/').next().unwrap_or(definition);
        let family = short.split(':').next().unwrap_or(short);
        let known = self.definitions.iter().find(|known| known.arn() == definition);
        let images: Vec<&str> = known
            .and_then(|known| known.request["containerDefinitions"].as_array())
            .map(|all| all.iter().filter_map(|one| one["image"].as_str()).collect())
            .unwrap_or_default();
        let meant = |pattern: &str| {
            fits(pattern, short) || fits(pattern, family) || images.iter().any(|image| fits(pattern, image))
        };
        let last = self.scenario.behaviours.iter().rev().find(|(pattern, _)| meant(pattern));
        last.map_or(Behaviour::Healthy { start: 3 }, |(_, behaviour)| behaviour.clone())
    }

    pub fn event(&mut self, service: usize, message: &str) {
        self.counters.events += 1;
        let id = format!("00000000-0000-4000-8000-{:012}", self.counters.events);
        let service = &mut self.services[service];
        let message = format!("(service {}) {message}", service.name);
        service.events.insert(0, json!({"id": id, "createdAt": stamp(self.now), "message": message}));
    }

    /// Tasks of a service that run, and those that will.
    pub fn counts(&self, is_meant: impl Fn(&Task) -> bool) -> (usize, usize) {
        let count = |running: bool| {
            let these = self.tasks.iter().filter(|task| is_meant(task) && task.lives());
            these.filter(|task| (task.status == "RUNNING") == running).count()
        };
        (count(true), count(false))
    }

    /// What is there, as text.
    pub fn summary(&self) -> String {
        let mut text = String::new();
        for (place, service) in self.services.iter().enumerate() {
            let (running, pending) = self.counts(|task| task.is_of(place));
            let definition = service.deployments[0].definition.rsplit('/').next().unwrap_or_default();
            let Service { cluster, name, status, desired, .. } = service;
            let _ = writeln!(text, "service {cluster}/{name} {status} {running}+{pending}/{desired} {definition}");
        }
        for definition in self.definitions.iter().filter(|definition| definition.active) {
            let _ = writeln!(text, "task definition {}:{}", definition.family, definition.revision);
        }
        for (resource, target) in &self.targets {
            let _ = writeln!(text, "target {resource} {}-{}", target["MinCapacity"], target["MaxCapacity"]);
        }
        for (resource, name) in self.policies.keys() {
            let _ = writeln!(text, "policy {name} of {resource}");
        }
        for name in self.alarms.keys() {
            let _ = writeln!(text, "alarm {name}");
        }
        text
    }
}

/// Seconds, as AWS's JSON has them: `1767323045.0`.
pub fn stamp(seconds: i64) -> Value {
    #[allow(clippy::cast_precision_loss)] // far below 2^53
    let seconds = seconds as f64;
    json!(seconds)
}
