//! What can be found out about a roll-out that failed. Every call is an extra: what is denied is left out, and a note
//! says what would be known with it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::{Found, LOG_LINES};
use crate::aws::ecs::{LoadBalancer, Request, Service, Task, TasksOf, last_part};
use crate::aws::error::Failure;
use crate::aws::targets::Health;
use crate::ecs::calls::Calls;
use crate::error::Kind;

/// Containers whose log is read.
const MOST_LOGS: usize = 5;

/// Targets that are shown.
const MOST_TARGETS: usize = 10;

/// How long it may take: what was there before is to come back.
const LONGEST: Duration = Duration::from_secs(15);

/// Extra calls, as long as there is time.
struct Extra<'a, 'b> {
    calls: &'a Calls<'b>,
    end: SystemTime,
    /// Actions that were out of reach: they have been waited for.
    lost: RefCell<BTreeSet<&'static str>>,
}

impl<'a, 'b> Extra<'a, 'b> {
    fn new(calls: &'a Calls<'b>) -> Self {
        Self { calls, end: calls.clock().now() + LONGEST, lost: RefCell::default() }
    }

    fn ask<T>(&self, action: &'static str, call: impl Fn(&Calls) -> Result<T, Failure>) -> Option<T> {
        if self.calls.clock().now() >= self.end || self.lost.borrow().contains(action) {
            return None;
        }
        let told = || {
            call(self.calls).inspect_err(|failure| {
                if failure.kind == Kind::Network {
                    self.lost.borrow_mut().insert(action);
                }
            })
        };
        self.calls.within(self.end, || self.calls.extra(action, told))
    }
}

/// The roll-out that failed.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// The cluster's own name.
    pub cluster: &'a str,
    /// The service.
    pub service: &'a str,
    /// The id of our deployment.
    pub deployment: &'a str,
    /// The ARN of our task definition.
    pub task_definition: &'a str,
    /// The request that it was registered with, for the names of its log groups.
    pub request: &'a Request,
    /// The service as it was seen last.
    pub seen: Option<&'a Service>,
    /// When the roll-out began.
    pub began: SystemTime,
}

/// Finds out what it can.
pub fn find_out(calls: &Calls, subject: &Subject) -> Found {
    let extra = &Extra::new(calls);
    let stopped = stopped_tasks(extra, subject);
    let logs = logs(extra, subject, &stopped);
    let balancers = subject.seen.map(|service| service.load_balancers.as_slice()).unwrap_or_default();
    Found {
        service: subject.seen.cloned(),
        deployment: subject.deployment.to_owned(),
        task_definition: subject.task_definition.to_owned(),
        began: Some(subject.began),
        targets: balancers.iter().flat_map(|balancer| unhealthy(extra, balancer)).take(MOST_TARGETS).collect(),
        stopped,
        logs,
        is_one_off: false,
    }
}

/// Stopped tasks of our task definition, the last to stop first. ECS shows them for an hour.
fn stopped_tasks(extra: &Extra, subject: &Subject) -> Vec<Task> {
    let of = TasksOf::Service(subject.service);
    let arns = extra.ask("ecs:ListTasks", |calls| calls.list_tasks(subject.cluster, of, true)).unwrap_or_default();
    if arns.is_empty() {
        return Vec::new();
    }
    let tasks = extra.ask("ecs:DescribeTasks", |calls| calls.describe_tasks(subject.cluster, &arns));
    let (mut tasks, _) = tasks.unwrap_or_default();
    tasks.retain(|task| task.task_definition == subject.task_definition || task.started_by == subject.deployment);
    tasks.sort_by_key(|task| std::cmp::Reverse(task.stopped_at));
    tasks
}

/// The last lines of the containers of the task that stopped last and had begun to run.
fn logs(extra: &Extra, subject: &Subject, stopped: &[Task]) -> BTreeMap<String, Vec<String>> {
    let ran = |task: &&Task| task.containers.iter().any(|container| container.exit_code.is_some());
    let Some(task) = stopped.iter().find(ran) else { return BTreeMap::new() };
    let id = last_part(&task.arn);
    let containers = subject.request.get("containerDefinitions").and_then(Value::as_array);
    let mut logs = BTreeMap::new();
    for container in containers.into_iter().flatten().take(MOST_LOGS) {
        let Some((name, group, stream)) = stream_of(container, id) else { continue };
        let limit = u16::try_from(LOG_LINES).unwrap_or(u16::MAX);
        let lines =
            extra.ask("logs:GetLogEvents", |calls| calls.get_log_events(group, &stream, limit)).unwrap_or_default();
        if !lines.is_empty() {
            logs.insert(name.to_owned(), lines.into_iter().map(|line| line.text).collect());
        }
    }
    logs
}

/// The name, log group and log stream of a container whose log goes to CloudWatch, for a task.
fn stream_of<'a>(container: &'a Value, task: &str) -> Option<(&'a str, &'a str, String)> {
    let name = container.get("name")?.as_str()?;
    let log = container.get("logConfiguration").filter(|log| log.get("logDriver") == Some(&"awslogs".into()))?;
    let option = |key: &str| log.get("options")?.get(key)?.as_str();
    let (group, prefix) = (option("awslogs-group")?, option("awslogs-stream-prefix")?);
    Some((name, group, format!("{prefix}/{name}/{task}")))
}

fn unhealthy(extra: &Extra, balancer: &LoadBalancer) -> Vec<String> {
    let health = match (&balancer.target_group_arn, &balancer.name) {
        (Some(arn), _) => {
            extra.ask("elasticloadbalancing:DescribeTargetHealth", |calls| calls.describe_target_health(arn))
        }
        (None, Some(name)) => {
            extra.ask("elasticloadbalancing:DescribeInstanceHealth", |calls| calls.describe_instance_health(name))
        }
        (None, None) => None,
    };
    let bad =
        health.unwrap_or_default().into_iter().filter(|one| !matches!(one.state.as_str(), "healthy" | "InService"));
    bad.map(|one| shown(&one)).collect()
}

/// `i-1:80 unhealthy: Target.Timeout, Request timed out`.
fn shown(health: &Health) -> String {
    let port = health.port.map(|port| format!(":{port}")).unwrap_or_default();
    let why: Vec<&str> = [&health.reason, &health.description].into_iter().flatten().map(String::as_str).collect();
    let why = if why.is_empty() { String::new() } else { format!(": {}", why.join(", ")) };
    format!("{}{port} {}{why}", health.id, health.state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_does_not_take_for_ever() {
        use crate::aws::loopback::{Server, keys, ok};
        use crate::support::{clock::Clock, interrupt::Interrupt};
        let server = Server::start(|_, _| ok(&json!({})));
        let connection = server.connection();
        let clock = Clock::set(SystemTime::UNIX_EPOCH);
        let calls = Calls::new(&connection, Box::new(|| Ok(keys("AKID"))), clock, Interrupt::never());
        let extra = Extra::new(&calls);
        assert_eq!(extra.ask("ecs:ListTasks", |_| Ok(1)), Some(1));
        calls.wait(Duration::from_secs(14));
        assert_eq!(extra.ask("ecs:ListTasks", |_| Ok(2)), Some(2));
        // What is out of reach is asked for once.
        for kind in [Kind::Failed, Kind::Network] {
            assert_eq!(extra.ask("ecs:DescribeTasks", |_| Err::<(), _>(Failure::plain(kind, "no"))), None);
        }
        assert_eq!(extra.ask("ecs:DescribeTasks", |_| Ok(())), None);
        assert_eq!(calls.take_notes().len(), 1);
        calls.wait(Duration::from_secs(1));
        assert_eq!(extra.ask("ecs:ListTasks", |_| Ok(3)), None);
    }

    #[test]
    fn the_stream_of_a_container() {
        let options = json!({"awslogs-group": "/ecs/web", "awslogs-stream-prefix": "web", "awslogs-region": "x"});
        let container = json!({"name": "app", "logConfiguration": {"logDriver": "awslogs", "options": options}});
        let want = ("app", "/ecs/web", "web/app/1234".to_owned());
        assert_eq!(stream_of(&container, "1234"), Some(want));
        assert_eq!(stream_of(&json!({"name": "app"}), "1234"), None);
        let other = json!({"name": "app", "logConfiguration": {"logDriver": "gelf", "options": {}}});
        assert_eq!(stream_of(&other, "1234"), None);
    }
}
