//! What a test decides about its AWS.

use rustix::process::Signal;
use serde_json::{Value, json};

/// What becomes of the tasks of a task definition.
#[derive(Debug, Clone, PartialEq)]
pub enum Behaviour {
    /// Runs after so many seconds, and goes on.
    Healthy { start: i64 },
    /// The same, with a name that tells what is meant.
    SlowStart { secs: i64 },
    /// The image is not there.
    PullFails,
    /// A secret may not be read.
    SecretUnreadable,
    /// Stops before it runs, for this reason.
    FailsToStart(&'static str),
    /// Runs after a second, and exits so many seconds later. Of one-off tasks: does its work.
    Crashes { exit: i32, after: i64 },
    /// Runs, and is killed for its memory.
    OutOfMemory,
    /// Finds no container instance.
    NoCapacity,
    /// Runs, fails its health checks, is stopped.
    Unhealthy,
    /// Stays pending.
    Never,
    /// The first so many tasks crash, the others are healthy.
    Flaky { failures: usize },
}

/// When something of the script happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At each call.
    Always,
    /// At the n-th call of the action, from 1.
    Nth(usize),
    /// At the first n calls of the action.
    First(usize),
    /// From the n-th call of the action on.
    From(usize),
    /// Between these seconds since the first call of all.
    Between(i64, i64),
}

impl When {
    /// Whether the n-th call of an action is meant, so many seconds after the first call of all.
    pub fn is(self, nth: usize, at: i64) -> bool {
        match self {
            Self::Always => true,
            Self::Nth(n) => nth == n,
            Self::First(n) => nth <= n,
            Self::From(n) => nth >= n,
            Self::Between(from, to) => (from..to).contains(&at),
        }
    }
}

/// What goes wrong with a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// `ThrottlingException`, "Rate exceeded".
    Throttle,
    /// What two registrations of one family at once bring.
    TooManyConcurrent,
    /// A page of a proxy, with status 500.
    Html500,
    /// A page of a proxy, with any status.
    Html(u16),
    /// Status 503 and an empty body.
    Http503,
    /// Done, and answered with status 200 and what is no answer.
    Nonsense,
    /// Done, and closed in the middle of the answer.
    Half,
    /// Late by as much as it takes until calls of so many services have come.
    Together(usize),
    /// AWS's words, with user and action.
    AccessDenied,
    /// Refused as expired if it is signed by this key.
    ExpiredToken(String),
    /// Any other error: code and message.
    Error(&'static str, &'static str),
    /// So many real milliseconds late.
    Slow(u64),
    /// Closed without an answer, nothing done.
    DropBefore,
    /// Done, and closed without an answer.
    DropAfter,
    /// The client gets a signal, then the call is done; with KILL nothing is done.
    SignalBefore(Signal),
    /// The call is done, the client gets a signal, then the answer; with KILL there is none.
    SignalAfter(Signal),
}

/// The breaker of services that configure none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breaker {
    pub enable: bool,
    pub rollback: bool,
    /// So many failed tasks; AWS's own formula if absent.
    pub threshold: Option<usize>,
}

/// Somebody else's call, in the middle of ours.
#[derive(Debug, Clone)]
pub struct Meddling {
    pub service: String,
    /// `Nth` counts the describes of the service; `Between` looks at the time.
    pub when: When,
    pub action: &'static str,
    /// Without cluster and service.
    pub request: Value,
    pub done: bool,
}

/// A service whose count somebody keeps raising.
#[derive(Debug, Clone)]
pub struct Autoscaler {
    pub service: String,
    pub count: i64,
    pub every: i64,
}

/// A service that is there beforehand.
#[derive(Debug, Clone)]
pub struct Seed {
    pub register: Value,
    pub create: Value,
    pub events: usize,
    /// DRAINING for so long from the first call on.
    pub draining: Option<i64>,
}

/// The whole script. Patterns know `*`; of several that fit, the last counts.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub clusters: Vec<String>,
    pub instances: usize,
    pub seeds: Vec<Seed>,
    pub registered: Vec<Value>,
    pub behaviours: Vec<(String, Behaviour)>,
    pub faults: Vec<(String, When, Fault)>,
    pub breaker: Breaker,
    pub drain: i64,
    pub stopping: i64,
    pub settle: i64,
    pub linger: i64,
    pub visible_after: usize,
    pub daemon_delay: i64,
    pub session_seconds: Option<i64>,
    pub rollout_state: bool,
    pub rollback_is_new: bool,
    pub autoscalers: Vec<Autoscaler>,
    /// Services with a scalable target that somebody else has made.
    pub scaled_elsewhere: Vec<String>,
    pub meddlings: Vec<Meddling>,
    pub allowed: Option<Vec<String>>,
    pub roles: Vec<(String, Value)>,
    pub roles_per_page: usize,
    pub logs: Vec<(String, Vec<String>)>,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            clusters: Vec::new(),
            instances: 4,
            seeds: Vec::new(),
            registered: Vec::new(),
            behaviours: Vec::new(),
            faults: Vec::new(),
            breaker: Breaker { enable: false, rollback: false, threshold: None },
            drain: 0,
            stopping: 2,
            settle: 5,
            linger: 10,
            visible_after: 0,
            daemon_delay: 3,
            session_seconds: None,
            rollout_state: true,
            rollback_is_new: false,
            autoscalers: Vec::new(),
            scaled_elsewhere: Vec::new(),
            meddlings: Vec::new(),
            allowed: None,
            roles: Vec::new(),
            roles_per_page: 100,
            logs: Vec::new(),
        }
    }
}

/// Whether a text is what a pattern with `*` means.
pub fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[rustfmt::skip] // one line each
impl Scenario {
    /// One cluster, `prod`, of four instances, where every task is healthy after three seconds.
    pub fn new() -> Self {
        Self::default().cluster("prod")
    }

    pub fn cluster(mut self, name: &str) -> Self { self.clusters.push(name.to_owned()); self }

    /// Container instances of each cluster: a static host port is free once on each.
    pub fn instances(mut self, count: usize) -> Self { self.instances = count; self }

    /// What becomes of tasks, by image, family or `family:revision`.
    pub fn behaviour(mut self, pattern: &str, behaviour: Behaviour) -> Self {
        self.behaviours.push((pattern.to_owned(), behaviour));
        self
    }

    /// A fault of an action: `CreateService`, `ecs:*`, or as the transcript has it: `UpdateService web count=0`.
    pub fn fault(mut self, action: &str, when: When, fault: Fault) -> Self {
        self.faults.push((action.to_owned(), when, fault));
        self
    }

    /// Of services that configure none.
    pub fn breaker(mut self, rollback: bool, threshold: usize) -> Self {
        self.breaker = Breaker { enable: true, rollback, threshold: Some(threshold) };
        self
    }

    /// A service is DRAINING for so long at least.
    pub fn drain(mut self, seconds: i64) -> Self { self.drain = seconds; self }

    /// So long it takes a task to stop.
    pub fn stopping(mut self, seconds: i64) -> Self { self.stopping = seconds; self }

    /// So long tasks have to run until their deployment is complete.
    pub fn settle(mut self, seconds: i64) -> Self { self.settle = seconds; self }

    /// How long a roll-back takes at least: so long the failed deployment is shown.
    pub fn linger(mut self, seconds: i64) -> Self { self.linger = seconds; self }

    /// A new service is MISSING for its first n describes.
    pub fn visible_after(mut self, describes: usize) -> Self { self.visible_after = describes; self }

    /// How long the desired count of a DAEMON is 0.
    pub fn daemon_delay(mut self, seconds: i64) -> Self { self.daemon_delay = seconds; self }

    /// How long assumed roles last, whatever is asked for.
    pub fn sessions_last(mut self, seconds: i64) -> Self { self.session_seconds = Some(seconds); self }

    /// No deployment tells its rollout state, as behind a classic load balancer.
    pub fn without_rollout_state(mut self) -> Self { self.rollout_state = false; self }

    /// The breaker's roll-back is a deployment with an id of its own.
    pub fn rollback_with_new_id(mut self) -> Self { self.rollback_is_new = true; self }

    /// Raises a service's desired count every so many seconds while it has a scalable target.
    pub fn autoscaler(mut self, service: &str, count: i64, every: i64) -> Self {
        self.autoscalers.push(Autoscaler { service: service.to_owned(), count, every });
        self
    }

    /// Somebody else has made a scalable target of the service.
    pub fn scaled_elsewhere(mut self, service: &str) -> Self { self.scaled_elsewhere.push(service.to_owned()); self }

    /// Somebody else's UpdateService.
    pub fn meanwhile(mut self, service: &str, when: When, update: Value) -> Self {
        let (service, action) = (service.to_owned(), "UpdateService");
        self.meddlings.push(Meddling { service, when, action, request: update, done: false });
        self
    }

    /// Somebody else deletes a service, however many tasks it has.
    pub fn deleted_meanwhile(mut self, service: &str, when: When) -> Self {
        let (service, action, request) = (service.to_owned(), "DeleteService", json!({"force": true}));
        self.meddlings.push(Meddling { service, when, action, request, done: false });
        self
    }

    /// Everything else is denied: actions such as `ecs:CreateService` or `CreateService`, with `*`.
    pub fn allow_only(mut self, actions: &[&str]) -> Self {
        self.allowed = Some(actions.iter().map(ToString::to_string).collect());
        self
    }

    /// A role that a service may assume, such as `ecs.amazonaws.com`; a path may come before its name.
    pub fn role(mut self, name: &str, trusted: &str) -> Self {
        let statement = json!({"Effect": "Allow", "Principal": {"Service": trusted}, "Action": "sts:AssumeRole"});
        self.roles.push((name.to_owned(), json!({"Version": "2012-10-17", "Statement": [statement]})));
        self
    }

    /// How many roles an answer lists.
    pub fn roles_per_page(mut self, count: usize) -> Self { self.roles_per_page = count; self }

    /// The lines of log streams, by `group:stream`.
    pub fn logs(mut self, pattern: &str, lines: &[&str]) -> Self {
        self.logs.push((pattern.to_owned(), lines.iter().map(ToString::to_string).collect()));
        self
    }

    /// A service in a steady state, of one container `app` with this image, in the first cluster.
    pub fn with_service(self, name: &str, image: &str, desired: i64) -> Self {
        let app = json!({"name": "app", "image": image, "memory": 400, "essential": true});
        let register = json!({"family": name, "containerDefinitions": [app]});
        self.with_service_from(register, json!({"serviceName": name, "taskDefinition": name, "desiredCount": desired}))
    }

    /// A service in a steady state, of these requests.
    pub fn with_service_from(mut self, register: Value, mut create: Value) -> Self {
        create["cluster"] = self.clusters[0].clone().into();
        self.seeds.push(Seed { register, create, events: 0, draining: None });
        self
    }

    /// The last service was deleted just now: it is DRAINING for so many seconds from the first call on.
    pub fn draining(mut self, seconds: i64) -> Self {
        self.seeds.last_mut().unwrap().draining = Some(seconds);
        self
    }

    /// A task definition of somebody else's.
    pub fn registered(mut self, register: Value) -> Self { self.registered.push(register); self }

    /// So many events of old for the last service.
    pub fn with_events(mut self, count: usize) -> Self {
        self.seeds.last_mut().unwrap().events = count;
        self
    }
}
