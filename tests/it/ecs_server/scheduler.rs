//! The service scheduler: what happens from one second to the next.

use serde_json::json;

use super::scenario::{Behaviour, When};
use super::world::{Rollout, Task, World};

/// More than any test waits: what came before the rest of a longer jump is left out.
const LONGEST: i64 = 2 * 3600;
const GUIDE: &str = "For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.";

impl World {
    pub fn advance(&mut self, to: i64) {
        self.now = self.now.max(to - LONGEST);
        while self.now < to {
            self.now += 1;
            self.raise_counts();
            self.meddle();
            self.move_tasks();
            for place in 0..self.services.len() {
                self.schedule(place);
            }
        }
    }

    fn raise_counts(&mut self) {
        for scaler in self.scenario.autoscalers.clone() {
            let due = self.start.is_some() && self.elapsed() % scaler.every == 0;
            let places = (0..self.services.len()).filter(|place| self.services[*place].name == scaler.service);
            for place in places.collect::<Vec<_>>() {
                let service = &self.services[place];
                let resource = format!("service/{}/{}", service.cluster, service.name);
                let raises = service.status == "ACTIVE" && service.desired < scaler.count;
                let is_elsewhere = self.scenario.scaled_elsewhere.contains(&service.name);
                if due && raises && (is_elsewhere || self.targets.contains_key(&resource)) {
                    (self.services[place].desired, self.services[place].steady) = (scaler.count, false);
                    let count = scaler.count;
                    self.event(place, &format!("has set its desired count to {count} by a scaling policy."));
                }
            }
        }
    }

    /// What somebody else does at a time.
    fn meddle(&mut self) {
        let elapsed = self.elapsed();
        for which in 0..self.scenario.meddlings.len() {
            let when = self.scenario.meddlings[which].when;
            if self.start.is_some() && matches!(when, When::Between(from, _) if elapsed >= from) {
                self.do_meddling(which);
            }
        }
    }

    /// What somebody else does after the n-th describe.
    pub fn meddle_after_describe(&mut self, place: usize) {
        let (name, describes) = (self.services[place].name.clone(), self.services[place].describes);
        for which in 0..self.scenario.meddlings.len() {
            let meddling = &self.scenario.meddlings[which];
            if meddling.service == name && matches!(meddling.when, When::Nth(n) if n <= describes % (usize::MAX / 2)) {
                self.do_meddling(which);
            }
        }
    }

    fn do_meddling(&mut self, which: usize) {
        let meddling = self.scenario.meddlings[which].clone();
        let cluster = self.services.iter().find(|service| service.name == meddling.service);
        let Some(cluster) = cluster.map(|service| service.cluster.clone()).filter(|_| !meddling.done) else { return };
        self.scenario.meddlings[which].done = true;
        let mut request = meddling.request;
        request["cluster"] = cluster.into();
        request["service"] = meddling.service.into();
        let done = self.act("ecs", meddling.action, &request);
        done.unwrap_or_else(|refusal| panic!("{request}: {refusal:?}"));
    }

    fn schedule(&mut self, place: usize) {
        let now = self.now;
        match self.services[place].status {
            "INACTIVE" => return,
            "DRAINING" => {
                self.stop_tasks(place, usize::MAX, |_| true);
                let busy = self.tasks.iter().any(|task| task.is_of(place) && task.lives());
                if !busy && self.start.is_some() && now >= self.services[place].drained {
                    self.services[place].status = "INACTIVE";
                }
                return;
            }
            _ => {}
        }
        if self.services[place].is_daemon() {
            let there = now >= self.services[place].created + self.scenario.daemon_delay;
            self.services[place].desired = if there { i64::try_from(self.scenario.instances).unwrap() } else { 0 };
        }
        self.place_tasks(place);
        self.retire_tasks(place);
        self.conclude(place);
    }

    fn percent(&self, place: usize, name: &str, otherwise: i64) -> i64 {
        self.services[place].settings["deploymentConfiguration"][name].as_i64().unwrap_or(otherwise)
    }

    fn live(&self, place: usize, is_meant: impl Fn(&Task) -> bool) -> i64 {
        let these = self.tasks.iter().filter(|task| task.is_of(place) && task.lives() && is_meant(task));
        i64::try_from(these.count()).unwrap()
    }

    fn place_tasks(&mut self, place: usize) {
        let service = &self.services[place];
        let (primary, desired) = (&service.deployments[0], service.desired);
        if primary.rollout == Rollout::Failed || self.now < service.next_try {
            return;
        }
        let (id, definition) = (primary.id.clone(), primary.definition.clone());
        let most = desired * self.percent(place, "maximumPercent", if service.is_daemon() { 100 } else { 200 }) / 100;
        let room = most - self.live(place, |_| true);
        let missing = desired - self.live(place, |task| task.is_by(place, &id) && !task.asked);
        let wanted = room.min(missing);
        if wanted <= 0 {
            return;
        }
        let free = self.free_for(&definition);
        let placed = usize::try_from(wanted).unwrap().min(free.unwrap_or(0));
        if placed > 0 {
            let cluster = self.services[place].cluster.clone();
            let names: Vec<String> = (0..placed)
                .map(|_| {
                    let made = self.make_task(&cluster, &definition, Some((place, id.clone())));
                    format!("(task {})", self.tasks[made].id)
                })
                .collect();
            self.services[place].steady = false;
            self.event(place, &format!("has started {placed} tasks: {}.", names.join(" ")));
        } else {
            self.services[place].next_try = self.now + 15;
            let why = match free {
                None => "has insufficient memory available",
                Some(_) => "is already using a port required by your task",
            };
            let message = format!(
                "was unable to place a task because no container instance met all of its requirements. The closest \
                 matching (container-instance {:032x}) {why}. {GUIDE}",
                0xc1
            );
            self.event(place, &message);
        }
    }

    /// On how many instances there is room for a task; none at all where there is no memory.
    pub fn free_for(&self, definition: &str) -> Option<usize> {
        if self.behaviour(definition) == Behaviour::NoCapacity {
            return None;
        }
        let wanted = self.host_ports(definition);
        let taken = |port: &u64| {
            let living = self.tasks.iter().filter(|task| task.lives());
            living.filter(|task| self.host_ports(&task.definition).contains(port)).count()
        };
        let free = wanted.iter().map(|port| self.scenario.instances.saturating_sub(taken(port)));
        Some(free.min().unwrap_or(usize::MAX))
    }

    fn host_ports(&self, definition: &str) -> Vec<u64> {
        let Some(place) = self.find_definition(definition) else { return Vec::new() };
        let request = &self.definitions[place].request;
        if request["networkMode"] == "awsvpc" {
            return Vec::new();
        }
        let containers = request["containerDefinitions"].as_array().into_iter().flatten();
        let mappings = containers.flat_map(|container| container["portMappings"].as_array().into_iter().flatten());
        mappings.filter_map(|mapping| mapping["hostPort"].as_u64()).filter(|port| *port > 0).collect()
    }

    /// Tasks of before stop as new ones are healthy, and those beyond the desired count.
    fn retire_tasks(&mut self, place: usize) {
        let service = &self.services[place];
        let (primary, desired) = (&service.deployments[0], service.desired);
        let (id, failed) = (primary.id.clone(), primary.rollout == Rollout::Failed);
        let own = self.live(place, |task| task.is_by(place, &id) && !task.asked);
        if failed {
            self.stop_tasks(place, usize::MAX, |task| task.is_by(place, &id));
            let old = self.live(place, |task| !task.asked);
            self.stop_tasks(place, usize::try_from(old - desired).unwrap_or(0), |_| true);
            return;
        }
        let otherwise = if service.is_daemon() { 0 } else { 100 };
        self.stop_tasks(place, usize::try_from(own - desired).unwrap_or(0), |task| task.is_by(place, &id));
        let least = desired * self.percent(place, "minimumHealthyPercent", otherwise);
        let least = (least + 99) / 100;
        let healthy = self.live(place, |task| task.is_by(place, &id) && !task.asked && self.is_healthy(task));
        let old = self.live(place, |task| !task.is_by(place, &id) && !task.asked && task.status == "RUNNING");
        let spare = (healthy + old - least).min(old);
        self.stop_tasks(place, usize::try_from(spare).unwrap_or(0), |task| !task.is_by(place, &id));
        // One that does not run yet is no loss.
        self.stop_tasks(place, usize::MAX, |task| !task.is_by(place, &id) && task.status != "RUNNING");
    }

    /// Whether it counts as healthy by now.
    fn is_healthy(&self, task: &Task) -> bool {
        let settled = task.runs_at.is_some_and(|at| self.now >= at + self.scenario.settle);
        task.status == "RUNNING" && settled && task.behaviour != Behaviour::Unhealthy
    }

    fn stop_tasks(&mut self, place: usize, most: usize, is_meant: impl Fn(&Task) -> bool) {
        let these = (0..self.tasks.len()).filter(|which| {
            let task = &self.tasks[*which];
            task.is_of(place) && task.lives() && !task.asked && is_meant(task)
        });
        let these: Vec<usize> = these.take(most).collect();
        if these.is_empty() {
            return;
        }
        let deployment = self.services[place].deployments[0].id.clone();
        for which in &these {
            let reason = format!("Scaling activity initiated by (deployment {deployment})");
            self.ask_to_stop(*which, "ServiceSchedulerInitiated", &reason);
        }
        self.services[place].steady = false;
        let (running, pending): (Vec<_>, Vec<_>) =
            these.into_iter().partition(|which| self.tasks[*which].status == "RUNNING");
        if !pending.is_empty() {
            self.event(place, &format!("stopped {} pending tasks.", pending.len()));
        }
        if running.is_empty() {
            return;
        }
        let names: Vec<_> = running.iter().map(|which| format!("(task {})", self.tasks[*which].id)).collect();
        self.event(place, &format!("has stopped {} running tasks: {}.", running.len(), names.join(" ")));
        for balancer in self.services[place].balancers().to_vec() {
            let noun = super::tasks::targets(&balancer);
            let backend = super::tasks::backend(&balancer);
            self.event(place, &format!("deregistered {} {noun} in {backend}", running.len()));
        }
    }

    /// A deployment that is whole, or a service that is steady.
    fn conclude(&mut self, place: usize) {
        let (id, desired) = (self.services[place].deployments[0].id.clone(), self.services[place].desired);
        let healthy = self.live(place, |task| task.is_by(place, &id) && self.is_healthy(task));
        let all = self.live(place, |_| true);
        let rollout = self.services[place].deployments[0].rollout;
        let first = &self.services[place].deployments[0];
        let goes_back = first.reason.starts_with("ECS deployment circuit breaker");
        let lingers = goes_back && self.now < first.updated + self.scenario.linger;
        let waits = lingers || self.services[place].is_daemon() && desired == 0;
        if rollout == Rollout::InProgress && healthy == desired && all == desired && !waits {
            self.complete(place);
        }
        let whole = match self.services[place].deployments[0].rollout {
            Rollout::Completed => healthy == desired && all == desired,
            Rollout::Failed => all == desired && self.live(place, |task| self.is_healthy(task)) == desired,
            Rollout::InProgress => false,
        };
        if whole && !self.services[place].steady {
            self.services[place].steady = true;
            self.event(place, "has reached a steady state.");
        }
    }

    fn complete(&mut self, place: usize) {
        let now = self.now;
        let service = &mut self.services[place];
        service.deployments.truncate(1);
        service.streak = 0;
        let done = &mut service.deployments[0];
        (done.rollout, done.updated) = (Rollout::Completed, now);
        done.reason = format!("ECS deployment {} completed.", done.id);
        let message = format!("(deployment {}) deployment completed.", done.id);
        self.event(place, &message);
    }

    /// A task of a service failed.
    pub fn count_failure(&mut self, place: usize, deployment: &str) {
        let now = self.now;
        let service = &mut self.services[place];
        service.streak += 1;
        service.steady = false;
        let pause = [0, 0, 0, 5, 10, 20, 40, 60];
        service.next_try = now + pause[service.streak.min(pause.len() - 1)];
        if service.streak % 20 == 5 {
            self.event(place, &format!("is unable to consistently start tasks successfully. {GUIDE}"));
        }
        let service = &mut self.services[place];
        let Some(failed) = service.deployments.iter_mut().find(|known| known.id == deployment) else { return };
        if failed.rollout != Rollout::InProgress {
            return;
        }
        failed.failed += 1;
        failed.updated = now;
        let count = failed.failed;
        let settings = service.settings["deploymentConfiguration"]["deploymentCircuitBreaker"].clone();
        let scripted = self.scenario.breaker;
        let enabled = settings["enable"].as_bool().unwrap_or(scripted.enable);
        let rollback = settings["rollback"].as_bool().unwrap_or(scripted.rollback);
        let half = usize::try_from((self.services[place].desired + 1) / 2).unwrap_or(0);
        if enabled && !self.services[place].is_classic() && count >= scripted.threshold.unwrap_or(half.clamp(3, 200)) {
            self.trip(place, rollback);
        }
    }

    fn trip(&mut self, place: usize, rollback: bool) {
        let now = self.now;
        let failed = &mut self.services[place].deployments[0];
        (failed.rollout, failed.updated) = (Rollout::Failed, now);
        "ECS deployment circuit breaker: tasks failed to start.".clone_into(&mut failed.reason);
        let message = format!("(deployment {}) deployment failed: tasks failed to start.", failed.id);
        self.event(place, &message);
        let earlier = self.services[place].deployments.iter().position(|known| known.rollout == Rollout::Completed);
        let Some(earlier) = earlier.filter(|_| rollback) else { return };
        let mut back = if self.scenario.rollback_is_new {
            let definition = self.services[place].deployments[earlier].definition.clone();
            self.deployment(definition)
        } else {
            self.services[place].deployments.remove(earlier)
        };
        back.reason = format!("ECS deployment circuit breaker: rolling back to deploymentId {}.", back.id);
        (back.rollout, back.updated) = (Rollout::InProgress, now);
        let message = format!("rolling back to deployment {}.", back.id);
        let service = &mut self.services[place];
        service.settings["taskDefinition"] = json!(back.definition);
        service.deployments.insert(0, back);
        (service.streak, service.next_try) = (0, 0);
        self.event(place, &message);
    }
}
