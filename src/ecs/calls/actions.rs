//! The actions, under the names that the API and policies give them.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::{Calls, Patience};
use crate::aws::ecs::{Refused, Request, Service, Task, TasksOf, last_part};
use crate::aws::error::Failure;
use crate::aws::logs::{Line, Page};
use crate::aws::roles::Role;
use crate::aws::scaling::Target;
use crate::aws::targets::Health;

/// Waits for a service of the same name to be gone: the first, and the longest.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

impl Calls<'_> {
    /// Registers a revision; its ARN.
    pub fn register_task_definition(&self, request: &Request) -> Result<String, Failure> {
        self.call_told(|clients, maybe_done| {
            let arn = clients.ecs().register_task_definition(request)?;
            if maybe_done {
                let name = last_part(&arn);
                self.add_note(format!(
                    "an answer was lost while {name} was registered: the revision before it may be there, and is not used"
                ));
            }
            Ok(arn)
        })
    }

    /// Makes a revision inactive.
    pub fn deregister_task_definition(&self, arn: &str) -> Result<(), Failure> {
        self.call_told(|clients, maybe_done| {
            done_before(clients.ecs().deregister_task_definition(arn), maybe_done, |failure| {
                failure.message.contains("inactive") || failure.message.contains("INACTIVE")
            })
        })
    }

    /// The ARNs of the active revisions of a family, the newest first.
    pub fn list_task_definitions(&self, family: &str) -> Result<Vec<String>, Failure> {
        self.read(Patience::Whole, |clients| clients.ecs().list_task_definitions(family))
    }

    /// Creates a service. One of the same name that is still draining is waited for, until then.
    pub fn create_service(&self, request: &Request, until: SystemTime) -> Result<Service, Failure> {
        let mut wait = FIRST_WAIT;
        loop {
            let outcome = self.call_told(|clients, maybe_done| {
                let failure = match clients.ecs().create_service(request) {
                    Err(failure) if maybe_done && failure.message.contains("not idempotent") => failure,
                    other => return other,
                };
                // The lost answer was that it had been created.
                let (cluster, name) = (text(request, "cluster"), text(request, "serviceName"));
                let found = clients.ecs().describe_services(cluster, &[name])?;
                found.into_iter().find(|service| is_asked_for(service, request)).ok_or(failure)
            });
            match outcome {
                Err(failure) if is_draining(&failure) && self.clock.now() + wait <= until => {
                    self.wait(wait);
                    if self.is_stopped() {
                        return Err(failure);
                    }
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
                other => return other,
            }
        }
    }

    /// Changes a service.
    pub fn update_service(&self, request: &Request) -> Result<Service, Failure> {
        self.call(|clients| clients.ecs().update_service(request))
    }

    /// Deletes a service; `force` where it cannot be scaled to 0 first.
    pub fn delete_service(&self, cluster: &str, service: &str, force: bool) -> Result<(), Failure> {
        self.call_told(|clients, maybe_done| {
            done_before(clients.ecs().delete_service(cluster, service, force), maybe_done, |failure| {
                matches!(failure.code.as_deref(), Some("ServiceNotFoundException" | "ServiceNotActiveException"))
            })
        })
    }

    /// Services by name, any number of them. Those that ECS does not show (`MISSING`) are not in the answer.
    pub fn describe_services(&self, cluster: &str, names: &[&str]) -> Result<Vec<Service>, Failure> {
        self.read(Patience::Whole, |clients| clients.ecs().describe_services(cluster, names))
    }

    /// The same in a single try, for polls: they ask again by themselves, until their own deadline.
    pub fn describe_once(&self, cluster: &str, names: &[&str]) -> Result<Vec<Service>, Failure> {
        self.read(Patience::Once, |clients| clients.ecs().describe_services(cluster, names))
    }

    /// A service with everything that is set of it; none where ECS does not show it.
    pub fn service_settings(&self, cluster: &str, name: &str) -> Result<Option<(Service, Request)>, Failure> {
        self.read(Patience::Whole, |clients| clients.ecs().service_settings(cluster, name))
    }

    /// The ARNs of tasks; stopped ones are kept for an hour.
    pub fn list_tasks(&self, cluster: &str, of: TasksOf, stopped: bool) -> Result<Vec<String>, Failure> {
        self.read(Patience::Few, |clients| clients.ecs().list_tasks(cluster, of, stopped))
    }

    /// Tasks by ARN, any number of them.
    pub fn describe_tasks(&self, cluster: &str, arns: &[String]) -> Result<(Vec<Task>, Vec<Refused>), Failure> {
        self.read(Patience::Few, |clients| clients.ecs().describe_tasks(cluster, arns))
    }

    /// Starts tasks: once, even when an answer is lost.
    pub fn run_task(&self, request: &Request) -> Result<(Vec<Task>, Vec<Refused>), Failure> {
        let mut request = request.clone();
        if !request.contains_key("clientToken")
            && let Ok(number) = getrandom::u64()
        {
            request.insert("clientToken".to_owned(), Value::String(format!("shipctl-{number:016x}")));
        }
        self.call(|clients| clients.ecs().run_task(&request))
    }

    /// Stops a task.
    pub fn stop_task(&self, cluster: &str, arn: &str, reason: &str) -> Result<(), Failure> {
        self.call(|clients| clients.ecs().stop_task(cluster, arn, reason))
    }

    /// A task definition as a request that registers it again.
    pub fn describe_task_definition(&self, name: &str) -> Result<Request, Failure> {
        self.read(Patience::Few, |clients| clients.ecs().describe_task_definition(name))
    }

    /// Makes a service scalable.
    pub fn register_scalable_target(&self, request: &Request) -> Result<(), Failure> {
        self.call(|clients| clients.scaling().register_target(request))
    }

    /// Takes the scalable target of `service/CLUSTER/SERVICE` away; none is as good.
    pub fn deregister_scalable_target(&self, resource_id: &str) -> Result<(), Failure> {
        self.call(|clients| clients.scaling().deregister_target(resource_id))
    }

    /// Makes or changes a policy; its ARN.
    pub fn put_scaling_policy(&self, request: &Request) -> Result<String, Failure> {
        self.call(|clients| clients.scaling().put_policy(request))
    }

    /// Deletes a policy of `service/CLUSTER/SERVICE`; none is as good.
    pub fn delete_scaling_policy(&self, name: &str, resource_id: &str) -> Result<(), Failure> {
        self.call(|clients| clients.scaling().delete_policy(name, resource_id))
    }

    /// The scalable target of `service/CLUSTER/SERVICE`, if there is one.
    pub fn describe_scalable_target(&self, resource_id: &str) -> Result<Option<Target>, Failure> {
        self.read(Patience::Few, |clients| clients.scaling().describe_target(resource_id))
    }

    /// Makes or changes an alarm.
    pub fn put_metric_alarm(&self, request: &Request) -> Result<(), Failure> {
        self.call(|clients| clients.alarms().put_alarm(request))
    }

    /// Deletes alarms, any number of them.
    pub fn delete_alarms(&self, names: &[String]) -> Result<(), Failure> {
        self.call(|clients| clients.alarms().delete_alarms(names))
    }

    /// All roles of the account.
    pub fn list_roles(&self) -> Result<Vec<Role>, Failure> {
        self.read(Patience::Whole, |clients| clients.roles().list_roles())
    }

    /// The last lines of a log stream, the oldest first.
    pub fn get_log_events(&self, group: &str, stream: &str, limit: u16) -> Result<Vec<Line>, Failure> {
        self.read(Patience::Few, |clients| clients.logs().last_lines(group, stream, limit))
    }

    /// The lines of a log stream from its beginning, or from where a page ended. None where it has not begun yet.
    pub fn follow_log(&self, group: &str, stream: &str, after: Option<&str>) -> Result<Page, Failure> {
        let page = self.read(Patience::Once, |clients| clients.logs().next_lines(group, stream, after));
        match page {
            Err(failure) if failure.code.as_deref() == Some("ResourceNotFoundException") => Ok(Page::default()),
            other => other,
        }
    }

    /// The health of the targets of a target group.
    pub fn describe_target_health(&self, target_group_arn: &str) -> Result<Vec<Health>, Failure> {
        self.read(Patience::Few, |clients| clients.targets().target_health(target_group_arn))
    }

    /// The health of the instances of a classic load balancer.
    pub fn describe_instance_health(&self, load_balancer: &str) -> Result<Vec<Health>, Failure> {
        self.read(Patience::Few, |clients| clients.targets().instance_health(load_balancer))
    }
}

/// A refusal because an earlier try was carried out is no refusal.
fn done_before(
    outcome: Result<(), Failure>,
    maybe_done: bool,
    says_so: impl Fn(&Failure) -> bool,
) -> Result<(), Failure> {
    match outcome {
        Err(failure) if maybe_done && says_so(&failure) => Ok(()),
        other => other,
    }
}

fn text<'r>(request: &'r Request, key: &str) -> &'r str {
    request.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn is_draining(failure: &Failure) -> bool {
    failure.message.to_ascii_lowercase().contains("still draining")
}

/// Whether a service is what was to be created: of the same task definition, named by its ARN, or by family and revision.
fn is_asked_for(service: &Service, request: &Request) -> bool {
    let wanted = text(request, "taskDefinition");
    let is = &service.task_definition;
    let named = |name: &str| name == wanted || name.rsplit_once(':').is_some_and(|(family, _)| family == wanted);
    service.status == "ACTIVE" && (is == wanted || is.rsplit_once('/').is_some_and(|(_, name)| named(name)))
}
