//! Tasks: how each lives and ends, those of services and those run once.

use serde_json::{Value, json};

use super::definitions::page;
use super::scenario::Behaviour;
use super::world::{ACCOUNT, Answer, End, REGION, Refusal, Task, World, stamp};

const ESSENTIAL: &str = "Essential container in task exited";
const SECRET: &str = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource \
    retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch \
    secret from secrets manager: AccessDeniedException: User is not authorized to perform: \
    secretsmanager:GetSecretValue on resource: the secret because no identity-based policy allows the \
    secretsmanager:GetSecretValue action";

/// A load balancer's place in the words of events.
pub fn backend(balancer: &Value) -> String {
    match balancer["targetGroupArn"].as_str() {
        Some(group) => format!("(target-group {group})"),
        None => format!("(elb {})", balancer["loadBalancerName"].as_str().unwrap_or_default()),
    }
}

/// What it calls them.
pub fn targets(balancer: &Value) -> &'static str {
    if balancer["targetGroupArn"].is_string() { "targets" } else { "instances" }
}

impl World {
    /// A new task, whose fate its definition decides.
    pub fn make_task(&mut self, cluster: &str, definition: &str, owner: Option<(usize, String)>) -> usize {
        self.counters.tasks += 1;
        let behaviour = match self.behaviour(definition) {
            Behaviour::Flaky { failures } => {
                let before = self.tasks.iter().filter(|task| task.definition == definition).count();
                let crashes = Behaviour::Crashes { exit: 1, after: 1 };
                if before < failures { crashes } else { Behaviour::Healthy { start: 3 } }
            }
            other => other,
        };
        let (runs_at, end) = self.fate(&behaviour, definition, owner.as_ref().map(|(place, _)| *place));
        self.tasks.push(Task {
            id: format!("{:032x}", self.counters.tasks),
            cluster: cluster.to_owned(),
            started_by: owner.as_ref().map(|(_, deployment)| deployment.clone()).unwrap_or_default(),
            owner,
            definition: definition.to_owned(),
            behaviour,
            status: "PROVISIONING",
            created: self.now,
            runs_at,
            end,
            asked: false,
            overrides: json!({}),
        });
        self.tasks.len() - 1
    }

    fn fate(&self, behaviour: &Behaviour, definition: &str, owner: Option<usize>) -> (Option<i64>, Option<End>) {
        let now = self.now;
        let end = |after: i64, code: &'static str, reason: &str, exit: Option<i32>, container: Option<&str>| {
            let (reason, container) = (reason.to_owned(), container.map(str::to_owned));
            Some(End { at: now + after, code, reason, exit, container })
        };
        match behaviour {
            Behaviour::Healthy { start } | Behaviour::SlowStart { secs: start } => (Some(now + start), None),
            Behaviour::Never | Behaviour::NoCapacity | Behaviour::Flaky { .. } => (None, None),
            Behaviour::PullFails => {
                let place = self.find_definition(definition).unwrap();
                let image = &self.definitions[place].request["containerDefinitions"][0]["image"];
                let image = image.as_str().unwrap_or_default();
                let reason = format!(
                    "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref \
                     {image}: {image}: not found"
                );
                (None, end(2, "TaskFailedToStart", &reason, None, Some(&reason)))
            }
            Behaviour::SecretUnreadable => (None, end(2, "TaskFailedToStart", SECRET, None, None)),
            Behaviour::FailsToStart(reason) => (None, end(2, "TaskFailedToStart", reason, None, Some(reason))),
            Behaviour::Crashes { exit, after } => {
                (Some(now + 1), end(1 + after, "EssentialContainerExited", ESSENTIAL, Some(*exit), None))
            }
            Behaviour::OutOfMemory => {
                let killed = "OutOfMemoryError: Container killed due to memory usage";
                (Some(now + 1), end(4, "EssentialContainerExited", ESSENTIAL, Some(137), Some(killed)))
            }
            Behaviour::Unhealthy => {
                let balancer = owner.and_then(|place| self.services[place].balancers().first().cloned());
                let checks = match balancer {
                    Some(balancer) => format!("Task failed ELB health checks in {}", backend(&balancer)),
                    None => "Task failed container health checks".to_owned(),
                };
                (Some(now + 1), end(11, "ServiceSchedulerInitiated", &checks, Some(143), None))
            }
        }
    }

    /// A task is told to stop.
    pub fn ask_to_stop(&mut self, which: usize, code: &'static str, reason: &str) {
        let at = self.now + self.scenario.stopping;
        let task = &mut self.tasks[which];
        let runs = task.status == "RUNNING";
        let exit = runs.then_some(143);
        task.runs_at = task.runs_at.filter(|_| runs);
        task.asked = true;
        task.end = Some(End { at, code, reason: reason.to_owned(), exit, container: None });
    }

    /// What this second brings to each task.
    pub fn move_tasks(&mut self) {
        for which in 0..self.tasks.len() {
            let now = self.now;
            let task = &mut self.tasks[which];
            if !task.lives() {
                continue;
            }
            if task.end.as_ref().is_some_and(|end| now >= end.at) {
                task.status = "STOPPED";
                self.ended(which);
            } else if !task.asked && task.status != "RUNNING" && task.runs_at.is_some_and(|at| now >= at) {
                task.status = "RUNNING";
                if let Some((place, _)) = task.owner.clone() {
                    for balancer in self.services[place].balancers().to_vec() {
                        let noun = targets(&balancer);
                        self.event(place, &format!("registered 1 {noun} in {}", backend(&balancer)));
                    }
                }
            } else if task.status == "PROVISIONING" {
                task.status = "PENDING";
            }
        }
    }

    fn ended(&mut self, which: usize) {
        let task = &self.tasks[which];
        let Some((place, deployment)) = task.owner.clone().filter(|_| !task.asked) else { return };
        if task.behaviour == Behaviour::Unhealthy {
            let balancers = self.services[place].balancers().to_vec();
            for balancer in &balancers {
                let port = &balancer["containerPort"];
                let message = match balancer["targetGroupArn"].as_str() {
                    Some(_) => format!(
                        "(instance i-{:017x}) (port {port}) is unhealthy in {} due to (reason Health checks failed).",
                        0xc1,
                        backend(balancer)
                    ),
                    None => format!(
                        "(instance i-{:017x}) is unhealthy in {} due to (reason Instance has failed at least the \
                         UnhealthyThreshold number of health checks consecutively.)",
                        0xc1,
                        backend(balancer)
                    ),
                };
                self.event(place, &message);
            }
            if balancers.is_empty() {
                let message = format!("(task {}) failed container health checks.", self.tasks[which].id);
                self.event(place, &message);
            }
        }
        self.count_failure(place, &deployment);
    }

    pub fn list_tasks(&self, request: &Value) -> Answer {
        let cluster = self.cluster(request)?;
        let stopped = request["desiredStatus"] == "STOPPED";
        let service = match request["serviceName"].as_str() {
            None => None,
            Some(name) => {
                let place = self.find_service(&cluster, name);
                Some(place.ok_or_else(|| Refusal::new("ServiceNotFoundException", "Service not found."))?)
            }
        };
        let family = |task: &Task| {
            let short = task.definition.rsplit('/').next().unwrap_or_default().to_owned();
            short.split(':').next().unwrap_or_default().to_owned()
        };
        let these = self.tasks.iter().filter(|task| {
            task.cluster == cluster
                && (!task.lives() || task.asked) == stopped
                && service.is_none_or(|place| task.is_of(place))
                && request["family"].as_str().is_none_or(|wanted| family(task) == wanted)
                && request["startedBy"].as_str().is_none_or(|wanted| task.started_by == wanted)
        });
        page(these.map(Task::arn).collect(), request, "taskArns")
    }

    fn find_task(&self, name: &str) -> Option<usize> {
        let id = name.rsplit('/').next()?;
        self.tasks.iter().position(|task| task.id == id)
    }

    pub fn describe_tasks(&self, request: &Value) -> Answer {
        self.cluster(request)?;
        let names = request["tasks"].as_array().cloned().unwrap_or_default();
        if names.is_empty() || names.len() > 100 {
            let how = if names.is_empty() { "be empty." } else { "have more than 100 elements" };
            return Err(Refusal::parameter(format!("Tasks cannot {how}")));
        }
        let (mut tasks, mut failures) = (Vec::new(), Vec::new());
        for name in names.iter().filter_map(Value::as_str) {
            match self.find_task(name) {
                Some(which) => tasks.push(self.describe_task(which)),
                None => failures.push(json!({"arn": name, "reason": "MISSING"})),
            }
        }
        Ok(json!({"tasks": tasks, "failures": failures}))
    }

    pub fn run_task(&mut self, request: &Value) -> Answer {
        let cluster = self.cluster(request)?;
        let definition = self.usable_definition(&request["taskDefinition"])?;
        let arn = self.definitions[definition].arn();
        let (mut tasks, mut failures) = (Vec::new(), Vec::new());
        for _ in 0..request["count"].as_i64().unwrap_or(1) {
            let reason = match self.free_for(&arn) {
                None => "RESOURCE:MEMORY",
                Some(0) => "RESOURCE:PORTS",
                Some(_) => {
                    let made = self.make_task(&cluster, &arn, None);
                    let task = &mut self.tasks[made];
                    request["startedBy"].as_str().unwrap_or_default().clone_into(&mut task.started_by);
                    task.overrides = request.get("overrides").cloned().unwrap_or_else(|| json!({}));
                    tasks.push(self.describe_task(made));
                    continue;
                }
            };
            let instance = format!("arn:aws:ecs:{REGION}:{ACCOUNT}:container-instance/{cluster}/{:032x}", 0xc1);
            failures.push(json!({"arn": instance, "reason": reason}));
        }
        Ok(json!({"tasks": tasks, "failures": failures}))
    }

    pub fn stop_task(&mut self, request: &Value) -> Answer {
        self.cluster(request)?;
        let which = self.find_task(request["task"].as_str().unwrap_or_default());
        let which = which.ok_or_else(|| Refusal::parameter("The referenced task was not found."))?;
        if self.tasks[which].lives() && !self.tasks[which].asked {
            self.ask_to_stop(which, "UserInitiated", request["reason"].as_str().unwrap_or("Task stopped by user"));
        }
        Ok(json!({"task": self.describe_task(which)}))
    }

    fn describe_task(&self, which: usize) -> Value {
        let task = &self.tasks[which];
        let definition = &self.definitions[self.find_definition(&task.definition).unwrap()];
        let group = match &task.owner {
            Some((place, _)) => format!("service:{}", self.services[*place].name),
            None => format!("family:{}", definition.family),
        };
        let end = task.end.as_ref().filter(|_| !task.lives());
        let containers = definition.request["containerDefinitions"].as_array().unwrap().iter().enumerate();
        let containers: Vec<Value> = containers
            .map(|(number, container)| {
                let mut shown = json!({
                    "containerArn": format!("{}/{number}", task.arn().replace(":task/", ":container/")),
                    "taskArn": task.arn(),
                    "name": container["name"],
                    "image": container["image"],
                    "lastStatus": if task.status == "PROVISIONING" { "PENDING" } else { task.status },
                    "networkInterfaces": [],
                });
                // The first one is to blame, the others are stopped with it.
                if let Some(exit) = end.and_then(|end| end.exit) {
                    shown["exitCode"] = if number == 0 { exit } else { 143 }.into();
                }
                if let Some(reason) = end.and_then(|end| end.container.clone()).filter(|_| number == 0) {
                    shown["reason"] = reason.into();
                }
                shown
            })
            .collect();
        let mut described = json!({
            "taskArn": task.arn(),
            "clusterArn": format!("arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{}", task.cluster),
            "taskDefinitionArn": task.definition,
            "containers": containers,
            "desiredStatus": if task.asked || !task.lives() { "STOPPED" } else { "RUNNING" },
            "lastStatus": if task.asked && task.status == "RUNNING" { "DEACTIVATING" } else { task.status },
            "group": group,
            "launchType": "EC2",
            "createdAt": stamp(task.created),
            "overrides": task.overrides,
        });
        if !task.started_by.is_empty() {
            described["startedBy"] = task.started_by.clone().into();
        }
        if let Some(at) = task.runs_at.filter(|at| *at <= self.now) {
            described["startedAt"] = stamp(at);
        }
        if let Some(end) = end {
            described["stoppedAt"] = stamp(end.at);
            described["stopCode"] = end.code.into();
            described["stoppedReason"] = end.reason.clone().into();
        }
        described
    }
}
