//! IAM's roles, STS, and who may do what.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::scenario::fits;
use super::world::{ACCOUNT, Answer, Refusal, World};

/// Who the caller is in AWS's messages.
pub const USER: &str = "arn:aws:iam::123456789012:user/ci";

/// AWS's words for a denial.
pub fn denied(action: &str, resource: &str) -> Refusal {
    let message = format!(
        "User: {USER} is not authorized to perform: {action} on resource: {resource} because no identity-based policy \
         allows the {action} action"
    );
    Refusal { status: 400, ..Refusal::new("AccessDeniedException", message) }
}

/// What expired keys are told.
pub fn expired() -> Refusal {
    Refusal::new("ExpiredTokenException", "The security token included in the request is expired")
}

/// The prefix of a service's actions in policies.
pub fn prefix(service: &str) -> &str {
    match service {
        "monitoring" => "cloudwatch",
        other => other,
    }
}

impl World {
    /// Whether a pattern such as `ecs:CreateService`, `CreateService` or `ecs:*` is meant.
    pub fn is_action(pattern: &str, service: &str, action: &str) -> bool {
        fits(pattern, &format!("{}:{action}", prefix(service))) || fits(pattern, action)
    }

    fn allows(&self, service: &str, action: &str) -> bool {
        let Some(allowed) = &self.scenario.allowed else { return true };
        allowed.iter().any(|pattern| Self::is_action(pattern, service, action))
    }

    /// Whether the caller may do this, and pass the roles that the request names.
    pub fn authorize(&self, service: &str, action: &str, request: &Value) -> Result<(), Refusal> {
        // Everybody may ask who he is.
        if action != "GetCallerIdentity" && !self.allows(service, action) {
            return Err(denied(&format!("{}:{action}", prefix(service)), "*"));
        }
        let tagged = request["tags"].as_array().is_some_and(|tags| !tags.is_empty());
        if service == "ecs" && tagged && !self.allows("ecs", "TagResource") {
            return Err(denied("ecs:TagResource", "*"));
        }
        let roles = ["role", "taskRoleArn", "executionRoleArn", "RoleARN"].map(|name| request[name].as_str());
        let passed = roles.into_iter().flatten().find(|_| service != "sts" && !self.allows("iam", "PassRole"));
        match passed {
            None => Ok(()),
            Some(role) => {
                let name = role.rsplit('/').next().unwrap_or(role);
                Err(denied("iam:PassRole", &format!("arn:aws:iam::{ACCOUNT}:role/{name}")))
            }
        }
    }

    /// Whether a session's keys are still good.
    pub fn is_expired(&self, key: &str) -> bool {
        self.sessions.get(key).is_some_and(|until| self.now >= *until)
    }

    pub fn list_roles(&self, request: &Value) -> Answer {
        let from: usize = match request["Marker"].as_str() {
            None => 0,
            Some(marker) => marker.parse().map_err(|_| Refusal::new("ValidationError", "Invalid Marker."))?,
        };
        let asked = request["MaxItems"].as_str().and_then(|most| most.parse().ok()).unwrap_or(100);
        let most = self.scenario.roles_per_page.min(asked);
        let roles = &self.scenario.roles;
        let shown = roles.iter().enumerate().skip(from).take(most).map(|(number, (path, trust))| {
            let (folder, name) = path.rsplit_once('/').map_or(("/".to_owned(), path.as_str()), |(folder, name)| {
                (format!("/{}/", folder.trim_matches('/')), name)
            });
            json!({
                "Path": folder,
                "RoleName": name,
                "RoleId": format!("AROA{number:017}"),
                "Arn": format!("arn:aws:iam::{ACCOUNT}:role{folder}{name}"),
                "CreateDate": "2019-01-02T03:04:05Z",
                "AssumeRolePolicyDocument": utf8_percent_encode(&trust.to_string(), NON_ALPHANUMERIC).to_string(),
                "MaxSessionDuration": 3600,
            })
        });
        let mut answer = json!({"Roles": shown.collect::<Vec<_>>(), "IsTruncated": roles.len() > from + most});
        if roles.len() > from + most {
            answer["Marker"] = (from + most).to_string().into();
        }
        Ok(answer)
    }

    pub fn assume_role(&mut self, request: &Value) -> Value {
        let role = request["RoleArn"].as_str().unwrap_or_default();
        let session = request["RoleSessionName"].as_str().unwrap_or_default();
        let asked = request["DurationSeconds"].as_str().and_then(|seconds| seconds.parse().ok()).unwrap_or(3600);
        let until = self.now + self.scenario.session_seconds.unwrap_or(asked);
        self.counters.sessions += 1;
        let key = format!("ASIA0000SESSION{}", self.counters.sessions);
        self.sessions.insert(key.clone(), until);
        let until = super::http::iso(until);
        let name = role.rsplit('/').next().unwrap_or(role);
        json!({
            "Credentials": {
                "AccessKeyId": key,
                "SecretAccessKey": format!("session/secret+{}", self.counters.sessions),
                "SessionToken": format!("session/token+{}", self.counters.sessions),
                "Expiration": until,
            },
            "AssumedRoleUser": {
                "AssumedRoleId": format!("AROA00000000000000000:{session}"),
                "Arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{session}"),
            },
        })
    }

    pub fn caller_identity() -> Value {
        json!({"Arn": USER, "UserId": "AIDA00000000000000000", "Account": ACCOUNT})
    }

    /// The lines of a log stream.
    pub fn log_events(&self, request: &Value) -> Answer {
        let place = [&request["logGroupName"], &request["logStreamName"]].map(|name| name.as_str().unwrap_or_default());
        let place = place.join(":");
        let known = self.scenario.logs.iter().rev().find(|(pattern, _)| fits(pattern, &place));
        let Some((_, lines)) = known else {
            let message = "The specified log stream does not exist.";
            return Err(Refusal::new("ResourceNotFoundException", message));
        };
        let limit = request["limit"].as_u64().map_or(10_000, |limit| usize::try_from(limit).unwrap());
        let read = request["nextToken"].as_str().and_then(|token| token.strip_prefix("f/")?.parse().ok());
        let from = match read {
            Some(from) => from,
            None if request["startFromHead"] == true => 0,
            None => lines.len().saturating_sub(limit),
        };
        let shown = lines
            .iter()
            .skip(from)
            .take(limit)
            .map(|line| json!({"timestamp": self.now * 1000, "message": line, "ingestionTime": self.now * 1000}));
        let shown: Vec<Value> = shown.collect();
        // At the end it stays the same.
        let next = format!("f/{}", from + shown.len());
        Ok(json!({"events": shown, "nextForwardToken": next, "nextBackwardToken": "b/1"}))
    }

    /// What a load balancer thinks of its targets: behind a target group, or a classic one.
    pub fn target_health(&self, request: &Value) -> Answer {
        let group = request["TargetGroupArn"].as_str();
        let classic = request["LoadBalancerName"].as_str();
        let (mut shown, mut known) = (Vec::new(), false);
        for (place, service) in self.services.iter().enumerate() {
            let of_it = |balancer: &&Value| match group {
                Some(group) => balancer["targetGroupArn"] == group,
                None => balancer["loadBalancerName"].as_str() == classic,
            };
            let Some(balancer) = service.balancers().iter().find(of_it) else { continue };
            known = true;
            let port = balancer["containerPort"].clone();
            for task in self.tasks.iter().filter(|task| task.is_of(place) && task.status == "RUNNING") {
                let healthy = task.behaviour != super::scenario::Behaviour::Unhealthy;
                shown.push(health_of(&task.id, &port, healthy, classic.is_some()));
            }
        }
        if !known {
            return Err(match classic {
                Some(name) => {
                    let message = format!("There is no ACTIVE Load Balancer named '{name}'");
                    Refusal::new("LoadBalancerNotFound", message)
                }
                None => Refusal::new("TargetGroupNotFound", "One or more target groups not found"),
            });
        }
        Ok(json!({if classic.is_some() { "InstanceStates" } else { "TargetHealthDescriptions" }: shown}))
    }

    /// Does what is asked.
    pub fn act(&mut self, service: &str, action: &str, request: &Value) -> Answer {
        match (service, action) {
            ("ecs", "RegisterTaskDefinition") => self.register(request),
            ("ecs", "DeregisterTaskDefinition") => self.deregister(request),
            ("ecs", "DescribeTaskDefinition") => self.describe_definition(request),
            ("ecs", "ListTaskDefinitions") => self.list_definitions(request),
            ("ecs", "CreateService") => self.create_service(request),
            ("ecs", "UpdateService") => self.update_service(request),
            ("ecs", "DeleteService") => self.delete_service(request),
            ("ecs", "DescribeServices") => self.describe_services(request),
            ("ecs", "ListServices") => self.list_services(request),
            ("ecs", "ListTasks") => self.list_tasks(request),
            ("ecs", "DescribeTasks") => self.describe_tasks(request),
            ("ecs", "RunTask") => self.run_task(request),
            ("ecs", "StopTask") => self.stop_task(request),
            // Accepted, and forgotten.
            ("ecs", "TagResource") => Ok(json!({})),
            ("application-autoscaling", "RegisterScalableTarget") => self.register_target(request),
            ("application-autoscaling", "DeregisterScalableTarget") => self.deregister_target(request),
            ("application-autoscaling", "PutScalingPolicy") => self.put_policy(request),
            ("application-autoscaling", "DeleteScalingPolicy") => self.delete_policy(request),
            ("application-autoscaling", "DescribeScalableTargets") => self.describe_targets(request),
            ("monitoring", "PutMetricAlarm") => self.put_alarm(request),
            ("monitoring", "DeleteAlarms") => self.delete_alarms(request),
            ("iam", "ListRoles") => self.list_roles(request),
            ("sts", "AssumeRole") => Ok(self.assume_role(request)),
            ("sts", "GetCallerIdentity") => Ok(Self::caller_identity()),
            ("logs", "GetLogEvents") => self.log_events(request),
            ("elasticloadbalancing", "DescribeTargetHealth" | "DescribeInstanceHealth") => self.target_health(request),
            _ => Err(Refusal::new("UnknownOperationException", format!("{service}:{action} is not scripted"))),
        }
    }
}

/// What a load balancer thinks of a task.
fn health_of(task: &str, port: &Value, healthy: bool, classic: bool) -> Value {
    let id = format!("i-{}", &task[task.len() - 17..]);
    if classic {
        let (state, code, why) = if healthy {
            ("InService", "N/A", "N/A")
        } else {
            let why = "Instance has failed at least the UnhealthyThreshold number of health checks consecutively.";
            ("OutOfService", "Instance", why)
        };
        return json!({"InstanceId": id, "State": state, "ReasonCode": code, "Description": why});
    }
    let health = if healthy {
        json!({"State": "healthy"})
    } else {
        let why = "Health checks failed";
        json!({"State": "unhealthy", "Reason": "Target.FailedHealthChecks", "Description": why})
    };
    json!({"Target": {"Id": id, "Port": port}, "HealthCheckPort": port, "TargetHealth": health})
}
