//! Application Auto Scaling, and the alarms of CloudWatch.

use serde_json::{Value, json};

use super::world::{ACCOUNT, Answer, REGION, Refusal, World, stamp};

fn text<'a>(request: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    let missing = || {
        let (head, rest) = name.split_at(1);
        let name = format!("{}{rest}", head.to_lowercase());
        let message = format!(
            "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
        );
        Refusal::new("ValidationException", message)
    };
    request[name].as_str().ok_or_else(missing)
}

fn no_such(what: &str, resource: &str) -> Refusal {
    let message = format!(
        "No {what} found for service namespace: ecs, resource ID: {resource}, scalable dimension: \
         ecs:service:DesiredCount"
    );
    Refusal::new("ObjectNotFoundException", message)
}

/// The resource of a request, whose dimension must be that of services.
fn scaled(request: &Value) -> Result<String, Refusal> {
    let resource = text(request, "ResourceId")?;
    for (name, want) in [("ServiceNamespace", "ecs"), ("ScalableDimension", "ecs:service:DesiredCount")] {
        if text(request, name)? != want {
            let message = format!("Unsupported {name}: {}", request[name]);
            return Err(Refusal::new("ValidationException", message));
        }
    }
    Ok(resource.to_owned())
}

impl World {
    pub fn register_target(&mut self, request: &Value) -> Answer {
        let resource = scaled(request)?;
        let mut parts = resource.split('/').skip(1);
        let (cluster, name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let known = self.find_service(cluster, name).filter(|place| self.services[*place].status == "ACTIVE");
        if known.is_none() {
            let message = format!("ECS service doesn't exist: {resource}");
            return Err(Refusal::new("ValidationException", message));
        }
        // What is not given stays as it was.
        let mut target = self.targets.get(&resource).cloned().unwrap_or_else(|| json!({}));
        for (key, value) in request.as_object().unwrap() {
            target[key] = value.clone();
        }
        if target["MinCapacity"].is_null() || target["MaxCapacity"].is_null() {
            let message = "MinCapacity and MaxCapacity must be specified when registering a new scalable target.";
            return Err(Refusal::new("ValidationException", message));
        }
        if target["RoleARN"].is_null() {
            let role = "aws-service-role/ecs.application-autoscaling.amazonaws.com";
            let role = format!("arn:aws:iam::{ACCOUNT}:role/{role}/AWSServiceRoleForApplicationAutoScaling_ECSService");
            target["RoleARN"] = role.into();
        }
        self.targets.insert(resource.clone(), target);
        let arn = format!("arn:aws:application-autoscaling:{REGION}:{ACCOUNT}:scalable-target/{resource}");
        Ok(json!({"ScalableTargetARN": arn}))
    }

    pub fn deregister_target(&mut self, request: &Value) -> Answer {
        let resource = scaled(request)?;
        let elsewhere = self.scenario.scaled_elsewhere.len();
        self.scenario.scaled_elsewhere.retain(|service| !resource.ends_with(&format!("/{service}")));
        if self.targets.remove(&resource).is_none() && self.scenario.scaled_elsewhere.len() == elsewhere {
            return Err(no_such("scalable target", &resource));
        }
        // Its policies go with it.
        self.policies.retain(|(owner, _), _| *owner != resource);
        Ok(json!({}))
    }

    pub fn put_policy(&mut self, request: &Value) -> Answer {
        let resource = scaled(request)?;
        let name = text(request, "PolicyName")?.to_owned();
        if !self.targets.contains_key(&resource) {
            return Err(no_such("scalable target registered", &resource));
        }
        let place = (resource.clone(), name.clone());
        let arn = if let Some(known) = self.policies.get(&place) {
            known["PolicyARN"].as_str().unwrap().to_owned()
        } else {
            self.counters.policies += 1;
            let id = format!("00000000-0000-4000-8000-{:012}", self.counters.policies);
            format!(
                "arn:aws:autoscaling:{REGION}:{ACCOUNT}:scalingPolicy:{id}:resource/ecs/{resource}:policyName/{name}"
            )
        };
        let mut policy = request.clone();
        policy["PolicyARN"] = arn.clone().into();
        self.policies.insert(place, policy);
        Ok(json!({"PolicyARN": arn, "Alarms": []}))
    }

    pub fn delete_policy(&mut self, request: &Value) -> Answer {
        let resource = scaled(request)?;
        let place = (resource.clone(), text(request, "PolicyName")?.to_owned());
        match self.policies.remove(&place) {
            Some(_) => Ok(json!({})),
            None => Err(no_such("scaling policy", &resource)),
        }
    }

    pub fn describe_targets(&self, request: &Value) -> Answer {
        if text(request, "ServiceNamespace")? != "ecs" {
            return Ok(json!({"ScalableTargets": []}));
        }
        let wanted = request["ResourceIds"].as_array();
        let these = self.targets.iter().filter(|(resource, _)| {
            wanted.is_none_or(|wanted| wanted.iter().any(|one| one.as_str() == Some(resource)))
        });
        let shown = these.map(|(_, target)| {
            let mut target = target.clone();
            target["CreationTime"] = stamp(self.now);
            target
        });
        Ok(json!({"ScalableTargets": shown.collect::<Vec<_>>()}))
    }

    pub fn put_alarm(&mut self, request: &Value) -> Answer {
        let name = request["AlarmName"].as_str().unwrap_or_default();
        if name.is_empty() || request["ComparisonOperator"].is_null() || request["EvaluationPeriods"].is_null() {
            return Err(Refusal::new("MissingParameter", "The parameter AlarmName is required."));
        }
        self.alarms.insert(name.to_owned(), request.clone());
        Ok(json!({}))
    }

    pub fn delete_alarms(&mut self, request: &Value) -> Answer {
        let names: Vec<&str> =
            request["AlarmNames"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        // Those that are there go in any case.
        let missing: Vec<&str> = names.into_iter().filter(|name| self.alarms.remove(*name).is_none()).collect();
        if missing.is_empty() {
            return Ok(json!({}));
        }
        let message = format!("Alarm {} does not exist", missing.join(", "));
        Err(Refusal { status: 404, ..Refusal::new("ResourceNotFound", message) })
    }
}
