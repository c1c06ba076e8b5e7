//! ECS in memory: tasks start and stop within seconds, services drain, and calls fail when they are told to.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::aws::ecs::{Deployment, Request, Service};
use crate::aws::error::Failure;
use crate::aws::roles::Role;
use crate::ecs::api::Api;
use crate::ecs::explain::{Explanation, Subject};
use crate::error::{Error, Kind};

/// How long everything takes.
const TIME: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(super) struct State {
    pub now: Duration,
    pub revisions: u32,
    /// Task definitions whose tasks crash.
    pub broken: Vec<String>,
    pub services: BTreeMap<String, (Service, Duration)>,
    pub active: Vec<String>,
    pub calls: Vec<(&'static str, Value)>,
    pub signal: Option<i32>,
    /// After how many calls that change something a signal comes.
    pub signal_after: Option<usize>,
    /// Which call that changes something is refused.
    pub deny: Option<usize>,
    pub changes: usize,
    /// How often somebody raises the count of a service that is at 0.
    pub raised: u32,
    pub targets: Vec<String>,
    pub alarms: Vec<String>,
}

#[derive(Default)]
pub(super) struct Fake(pub Mutex<State>);

fn text(request: &Request, key: &str) -> String {
    request.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

pub(super) fn refusal(kind: Kind, code: &str) -> Failure {
    Failure { kind, code: Some(code.to_owned()), message: "no".to_owned(), request_id: None, retry_after: None }
}

impl Fake {
    pub(super) fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// The actions since the last time, looks that follow each other once.
    pub(super) fn take_actions(&self) -> Vec<&'static str> {
        let mut actions: Vec<_> =
            std::mem::take(&mut self.state().calls).into_iter().map(|(action, _)| action).collect();
        actions.dedup();
        actions
    }

    pub(super) fn running(&self) -> i32 {
        self.state().services.values().map(|(service, _)| service.running).sum()
    }

    pub(super) fn serving(&self) -> Vec<(String, String, i32)> {
        let state = self.state();
        let active = state.services.values().filter(|(service, _)| service.status == "ACTIVE");
        active.map(|(service, _)| (service.name.clone(), service.task_definition.clone(), service.running)).collect()
    }

    fn change(&self, action: &'static str, request: Value) -> Result<std::sync::MutexGuard<'_, State>, Failure> {
        let mut state = self.state();
        state.calls.push((action, request));
        let number = state.changes;
        state.changes += 1;
        if state.signal_after == Some(number) {
            state.signal = Some(15);
        }
        if state.deny == Some(number) {
            return Err(refusal(Kind::Denied, "AccessDeniedException"));
        }
        Ok(state)
    }
}

impl State {
    fn roll_out(&mut self, name: &str, task_definition: String, desired: i32) -> Service {
        let number = self.changes;
        let now = self.now;
        let (service, changed) = self.services.entry(name.to_owned()).or_default();
        let deployment = Deployment {
            id: format!("ecs-svc/{number}"),
            status: "PRIMARY".to_owned(),
            task_definition: task_definition.clone(),
            desired,
            rollout_state: Some("IN_PROGRESS".to_owned()),
            ..Deployment::default()
        };
        let same = service.task_definition == task_definition;
        service.name = name.to_owned();
        service.status = "ACTIVE".to_owned();
        service.desired = desired;
        if same && let Some(own) = service.deployments.first_mut() {
            own.desired = desired;
        } else {
            service.deployments.insert(0, deployment);
        }
        service.task_definition = task_definition;
        *changed = now;
        service.clone()
    }

    fn settle(&mut self) {
        let (now, broken) = (self.now, self.broken.clone());
        for (service, changed) in self.services.values_mut() {
            if now < *changed + TIME {
                continue;
            }
            if service.status == "DRAINING" {
                service.status = "INACTIVE".to_owned();
                service.running = 0;
                continue;
            }
            let Some(own) = service.deployments.first_mut() else { continue };
            if broken.contains(&own.task_definition) && service.desired > 0 {
                own.rollout_state = Some("FAILED".to_owned());
                own.rollout_reason = Some("tasks failed to start".to_owned());
                continue;
            }
            own.running = service.desired;
            own.desired = service.desired;
            own.rollout_state = Some("COMPLETED".to_owned());
            service.running = service.desired;
            service.deployments.truncate(1);
        }
    }
}

impl Api for Fake {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_hours(24) + self.state().now
    }

    fn wait(&self, time: Duration) {
        let mut state = self.state();
        state.now += time;
        state.settle();
    }

    fn signal(&self) -> Option<i32> {
        self.state().signal
    }

    fn register_task_definition(&self, request: &Request) -> Result<String, Failure> {
        let mut state = self.change("ecs:RegisterTaskDefinition", request.clone().into())?;
        state.revisions += 1;
        let arn = format!("arn:aws:ecs:x:1:task-definition/{}:{}", text(request, "family"), state.revisions);
        if request.contains_key("broken") {
            state.broken.push(arn.clone());
        }
        state.active.push(arn.clone());
        Ok(arn)
    }

    fn deregister_task_definition(&self, arn: &str) -> Result<(), Failure> {
        let mut state = self.change("ecs:DeregisterTaskDefinition", json!({ "taskDefinition": arn }))?;
        assert!(state.services.values().all(|(one, _)| one.status != "ACTIVE" || one.task_definition != arn), "{arn}");
        state.active.retain(|known| known != arn);
        Ok(())
    }

    fn list_task_definitions(&self, _: &str) -> Result<Vec<String>, Failure> {
        Ok(self.state().active.clone())
    }

    fn create_service(&self, request: &Request, _: SystemTime) -> Result<Service, Failure> {
        let mut state = self.change("ecs:CreateService", request.clone().into())?;
        let name = text(request, "serviceName");
        let is_there = state.services.get(&name).is_some_and(|(service, _)| service.status != "INACTIVE");
        assert!(!is_there, "{name} is there");
        state.services.remove(&name);
        let desired = request.get("desiredCount").and_then(Value::as_i64).unwrap_or(1);
        Ok(state.roll_out(&name, text(request, "taskDefinition"), i32::try_from(desired).unwrap()))
    }

    fn update_service(&self, request: &Request) -> Result<Service, Failure> {
        let mut state = self.change("ecs:UpdateService", request.clone().into())?;
        let name = text(request, "service");
        let Some((service, _)) = state.services.get(&name).filter(|(service, _)| service.status == "ACTIVE") else {
            return Err(refusal(Kind::Failed, "ServiceNotActiveException"));
        };
        let desired = request.get("desiredCount").and_then(Value::as_i64);
        let desired = desired.map_or(service.desired, |count| i32::try_from(count).unwrap());
        let definition = Some(text(request, "taskDefinition")).filter(|arn| !arn.is_empty());
        let definition = definition.unwrap_or_else(|| service.task_definition.clone());
        Ok(state.roll_out(&name, definition, desired))
    }

    fn delete_service(&self, cluster: &str, service: &str, force: bool) -> Result<(), Failure> {
        let request = json!({ "cluster": cluster, "service": service, "force": force });
        let mut state = self.change("ecs:DeleteService", request)?;
        let now = state.now;
        if let Some((service, changed)) = state.services.get_mut(service) {
            assert!(force || service.desired == 0, "{} is scaled up", service.name);
            service.status = "DRAINING".to_owned();
            *changed = now;
        }
        Ok(())
    }

    fn describe_services(&self, cluster: &str, names: &[&str]) -> Result<Vec<Service>, Failure> {
        let mut state = self.state();
        state.calls.push(("ecs:DescribeServices", json!({ "cluster": cluster, "services": names })));
        if state.raised > 0 {
            let low = names.iter().find(|name| state.services.get(**name).is_some_and(|(one, _)| one.desired == 0));
            if let Some(name) = low {
                state.services.get_mut(*name).unwrap().0.desired = 3;
                state.raised -= 1;
            }
        }
        Ok(names.iter().filter_map(|name| state.services.get(*name)).map(|(service, _)| service.clone()).collect())
    }

    fn describe_once(&self, cluster: &str, names: &[&str]) -> Result<Vec<Service>, Failure> {
        self.describe_services(cluster, names)
    }

    fn list_roles(&self) -> Result<Vec<Role>, Failure> {
        drop(self.change("iam:ListRoles", json!({}))?);
        let statement = json!({ "Effect": "Allow", "Principal": { "Service": "ecs.amazonaws.com" },
            "Action": "sts:AssumeRole" });
        let trust = json!({ "Version": "2012-10-17", "Statement": [statement] });
        Ok(vec![Role { name: "r".to_owned(), arn: "arn:role/r".to_owned(), path: "/".to_owned(), trust }])
    }

    fn register_scalable_target(&self, request: &Request) -> Result<(), Failure> {
        let action = "application-autoscaling:RegisterScalableTarget";
        self.change(action, request.clone().into())?.targets.push(text(request, "ResourceId"));
        Ok(())
    }

    fn deregister_scalable_target(&self, resource_id: &str) -> Result<(), Failure> {
        let action = "application-autoscaling:DeregisterScalableTarget";
        self.change(action, json!({ "ResourceId": resource_id }))?.targets.retain(|known| known != resource_id);
        Ok(())
    }

    fn put_scaling_policy(&self, request: &Request) -> Result<String, Failure> {
        drop(self.change("application-autoscaling:PutScalingPolicy", request.clone().into())?);
        Ok(format!("arn:policy/{}", text(request, "PolicyName")))
    }

    fn delete_scaling_policy(&self, name: &str, resource_id: &str) -> Result<(), Failure> {
        let request = json!({ "PolicyName": name, "ResourceId": resource_id });
        self.change("application-autoscaling:DeleteScalingPolicy", request).map(drop)
    }

    fn put_metric_alarm(&self, request: &Request) -> Result<(), Failure> {
        self.change("cloudwatch:PutMetricAlarm", request.clone().into())?.alarms.push(text(request, "AlarmName"));
        Ok(())
    }

    fn delete_alarms(&self, names: &[String]) -> Result<(), Failure> {
        let mut state = self.change("cloudwatch:DeleteAlarms", json!({ "AlarmNames": names }))?;
        state.alarms.retain(|known| !names.contains(known));
        Ok(())
    }

    fn error(&self, doing: &str, failure: &Failure) -> Error {
        Error::new(failure.kind, format_args!("cannot {doing}: {failure}"))
    }

    fn explain(&self, _: &Subject, evidence: &str) -> Explanation {
        Explanation { lines: vec![evidence.to_owned()], next: Vec::new() }
    }

    fn take_notes(&self) -> Vec<String> {
        Vec::new()
    }
}
