//! Services.

use serde_json::{Value, json};

use super::world::{ACCOUNT, Answer, Deployment, REGION, Refusal, Rollout, Service, World, stamp};

impl World {
    pub fn create_service(&mut self, request: &Value) -> Answer {
        let cluster = self.cluster(request)?;
        let name = request["serviceName"].as_str().unwrap_or_default().to_owned();
        if name.is_empty() {
            return Err(Refusal::parameter("Service name can not be blank."));
        }
        if let Some(known) = self.find_service(&cluster, &name) {
            match self.services[known].status {
                "DRAINING" => return Err(Refusal::parameter("Unable to Start a service that is still Draining.")),
                "ACTIVE" if self.services[known].settings == *request => {
                    return Ok(json!({"service": self.describe(known)}));
                }
                "ACTIVE" => return Err(Refusal::parameter("Creation of service was not idempotent.")),
                _ => {}
            }
        }
        let definition = self.usable_definition(&request["taskDefinition"])?;
        check_count(request)?;
        self.check_balancers(definition, request)?;
        self.check_role(definition, request)?;
        let arn = self.definitions[definition].arn();
        let deployment = self.deployment(arn);
        self.services.push(Service {
            name,
            cluster,
            status: "ACTIVE",
            desired: request["desiredCount"].as_i64().unwrap_or(0),
            deployments: vec![deployment],
            events: Vec::new(),
            settings: request.clone(),
            created: self.now,
            drained: 0,
            describes: 0,
            steady: false,
            streak: 0,
            next_try: 0,
        });
        Ok(json!({"service": self.describe(self.services.len() - 1)}))
    }

    /// A deployment that begins now.
    pub fn deployment(&mut self, definition: String) -> Deployment {
        self.counters.deployments += 1;
        let id = format!("ecs-svc/{:019}", self.counters.deployments);
        let reason = format!("ECS deployment {id} in progress.");
        Deployment {
            id,
            definition,
            failed: 0,
            created: self.now,
            updated: self.now,
            rollout: Rollout::InProgress,
            reason,
        }
    }

    fn active_service(&self, request: &Value) -> Result<usize, Refusal> {
        let cluster = self.cluster(request)?;
        let name = request["service"].as_str().unwrap_or_default();
        let place = self.find_service(&cluster, name);
        place.ok_or_else(|| Refusal::new("ServiceNotFoundException", "Service not found."))
    }

    pub fn update_service(&mut self, request: &Value) -> Answer {
        let place = self.active_service(request)?;
        if self.services[place].status != "ACTIVE" {
            return Err(Refusal::new("ServiceNotActiveException", "Service was not ACTIVE."));
        }
        let mut definition = self.services[place].deployments[0].definition.clone();
        if !request["taskDefinition"].is_null() {
            let found = self.usable_definition(&request["taskDefinition"])?;
            self.check_balancers(found, &self.services[place].settings)?;
            definition = self.definitions[found].arn();
        }
        if self.services[place].is_daemon() && !request["desiredCount"].is_null() {
            return Err(daemon_count());
        }
        let changed = definition != self.services[place].deployments[0].definition;
        let next = (changed || request["forceNewDeployment"] == true).then(|| self.deployment(definition));
        let now = self.now;
        let service = &mut self.services[place];
        if let Some(count) = request["desiredCount"].as_i64() {
            service.steady &= service.desired == count;
            service.desired = count;
        }
        for (key, value) in request.as_object().unwrap() {
            if !["cluster", "service", "forceNewDeployment"].contains(&key.as_str()) {
                service.settings[key] = value.clone();
            }
        }
        service.deployments[0].updated = now;
        if let Some(next) = next {
            service.deployments.insert(0, next);
            (service.steady, service.streak, service.next_try) = (false, 0, 0);
        }
        Ok(json!({"service": self.describe(place)}))
    }

    pub fn delete_service(&mut self, request: &Value) -> Answer {
        let place = self.active_service(request)?;
        match self.services[place].status {
            "INACTIVE" => return Err(Refusal::new("ServiceNotFoundException", "Service not found.")),
            "ACTIVE" => {
                let service = &self.services[place];
                let scaled = service.desired > 0 || self.tasks.iter().any(|task| task.is_of(place) && task.lives());
                if scaled && !service.is_daemon() && request["force"] != true {
                    return Err(Refusal::parameter("The service cannot be stopped while it is scaled above 0."));
                }
                let drained = self.now + self.scenario.drain;
                let service = &mut self.services[place];
                (service.status, service.desired, service.drained) = ("DRAINING", 0, drained);
            }
            _ => {}
        }
        Ok(json!({"service": self.describe(place)}))
    }

    pub fn describe_services(&mut self, request: &Value) -> Answer {
        let cluster = self.cluster(request)?;
        let names = request["services"].as_array().cloned().unwrap_or_default();
        if names.is_empty() {
            return Err(Refusal::parameter("Services cannot be empty."));
        }
        if names.len() > 10 {
            return Err(Refusal::parameter("Services cannot have more than 10 elements"));
        }
        let (mut services, mut failures) = (Vec::new(), Vec::new());
        for name in names.iter().filter_map(Value::as_str) {
            let place = self.find_service(&cluster, name);
            if let Some(place) = place {
                self.services[place].describes += 1;
                self.meddle_after_describe(place);
            }
            let seen = |place: &usize| self.services[*place].describes > self.scenario.visible_after;
            if let Some(place) = place.filter(seen) {
                services.push(self.describe(place));
            } else {
                let short = name.rsplit('/').next().unwrap_or(name);
                let arn = format!("arn:aws:ecs:{REGION}:{ACCOUNT}:service/{cluster}/{short}");
                failures.push(json!({"arn": arn, "reason": "MISSING"}));
            }
        }
        Ok(json!({"services": services, "failures": failures}))
    }

    pub fn list_services(&self, request: &Value) -> Answer {
        let cluster = self.cluster(request)?;
        let these = self.services.iter().filter(|service| service.cluster == cluster && service.status == "ACTIVE");
        let all: Vec<_> = these.map(Service::arn).collect();
        super::definitions::page(all, request, "serviceArns")
    }

    /// A service as DescribeServices shows it.
    pub fn describe(&self, place: usize) -> Value {
        let service = &self.services[place];
        let (running, pending) = self.counts(|task| task.is_of(place));
        let deployments = if service.status == "INACTIVE" { &[] } else { service.deployments.as_slice() };
        let deployments: Vec<_> = (0..deployments.len()).map(|which| self.describe_deployment(place, which)).collect();
        let mut described = json!({
            "serviceArn": service.arn(),
            "serviceName": service.name,
            "clusterArn": format!("arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{}", service.cluster),
            "loadBalancers": service.balancers(),
            "serviceRegistries": [],
            "status": service.status,
            "desiredCount": service.desired,
            "runningCount": running,
            "pendingCount": pending,
            "launchType": service.settings["launchType"].as_str().unwrap_or("EC2"),
            "taskDefinition": service.deployments[0].definition,
            "deploymentConfiguration": service.settings.get("deploymentConfiguration").cloned().unwrap_or_else(|| {
                json!({"maximumPercent": 200, "minimumHealthyPercent": 100})
            }),
            "deployments": deployments,
            "events": service.events.iter().take(100).collect::<Vec<_>>(),
            "createdAt": stamp(service.created),
            "placementConstraints": service.settings.get("placementConstraints").cloned().unwrap_or(json!([])),
            "placementStrategy": service.settings.get("placementStrategy").cloned().unwrap_or(json!([])),
            "schedulingStrategy": service.settings["schedulingStrategy"].as_str().unwrap_or("REPLICA"),
            "enableECSManagedTags": false,
            "propagateTags": "NONE",
        });
        for key in ["networkConfiguration", "healthCheckGracePeriodSeconds"] {
            if let Some(value) = service.settings.get(key) {
                described[key] = value.clone();
            }
        }
        if let Some(role) = service.settings["role"].as_str() {
            let role = role.rsplit('/').next().unwrap_or(role);
            described["roleArn"] = format!("arn:aws:iam::{ACCOUNT}:role/{role}").into();
        }
        described
    }

    fn describe_deployment(&self, place: usize, which: usize) -> Value {
        let (service, shown) = (&self.services[place], &self.services[place].deployments[which]);
        let (running, pending) = self.counts(|task| task.is_by(place, &shown.id));
        let primary = which == 0;
        let desired = if primary && shown.rollout != Rollout::Failed {
            service.desired
        } else {
            let wanted = self.tasks.iter().filter(|task| task.is_by(place, &shown.id) && task.lives() && !task.asked);
            i64::try_from(wanted.count()).unwrap()
        };
        let mut described = json!({
            "id": shown.id,
            "status": if primary { "PRIMARY" } else { "ACTIVE" },
            "taskDefinition": shown.definition,
            "desiredCount": desired,
            "pendingCount": pending,
            "runningCount": running,
            "failedTasks": shown.failed,
            "createdAt": stamp(shown.created),
            "updatedAt": stamp(shown.updated),
            "launchType": service.settings["launchType"].as_str().unwrap_or("EC2"),
        });
        if self.scenario.rollout_state && !service.is_classic() {
            described["rolloutState"] = shown.rollout.name().into();
            described["rolloutStateReason"] = shown.reason.clone().into();
        }
        described
    }

    fn check_balancers(&self, definition: usize, settings: &Value) -> Result<(), Refusal> {
        let containers = self.definitions[definition].request["containerDefinitions"].as_array().unwrap();
        for balancer in settings["loadBalancers"].as_array().into_iter().flatten() {
            let (name, port) = (&balancer["containerName"], &balancer["containerPort"]);
            let shown = name.as_str().unwrap_or_default();
            let Some(container) = containers.iter().find(|container| container["name"] == *name) else {
                let message = format!("The container {shown} does not exist in the task definition.");
                return Err(Refusal::parameter(message));
            };
            let mut ports = container["portMappings"].as_array().into_iter().flatten();
            if !ports.any(|mapping| mapping["containerPort"] == *port) {
                let message = format!("The container {shown} did not have a container port {port} defined.");
                return Err(Refusal::parameter(message));
            }
        }
        Ok(())
    }

    fn check_role(&self, definition: usize, request: &Value) -> Result<(), Refusal> {
        let Some(role) = request["role"].as_str() else { return Ok(()) };
        if self.definitions[definition].request["networkMode"] == "awsvpc" {
            return Err(Refusal::parameter(
                "You cannot specify an IAM role for services that require a service linked role.",
            ));
        }
        let name = role.rsplit('/').next().unwrap_or(role);
        let mut roles = self.scenario.roles.iter();
        let trusts = |trust: &Value| trust.to_string().contains("\"ecs.amazonaws.com\"");
        if roles.any(|(known, trust)| known.rsplit('/').next() == Some(name) && trusts(trust)) {
            return Ok(());
        }
        Err(Refusal::parameter(
            "Unable to assume role and validate the listeners configured on your load balancer. Please verify that \
             the ECS service role being passed has the proper permissions.",
        ))
    }
}

fn daemon_count() -> Refusal {
    Refusal::parameter(
        "The daemon scheduling strategy does not support a desired count for services. Remove the desired count value \
         and try again",
    )
}

fn check_count(request: &Value) -> Result<(), Refusal> {
    let daemon = request["schedulingStrategy"] == "DAEMON";
    match request["desiredCount"].as_i64() {
        Some(_) if daemon => Err(daemon_count()),
        None if !daemon => Err(Refusal::parameter("Desired count can not be null.")),
        Some(count) if count < 0 => Err(Refusal::parameter("Desired count can not be negative.")),
        _ => Ok(()),
    }
}
