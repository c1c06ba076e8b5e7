//! What containers say, line by line, where their log goes to CloudWatch.

use serde_json::Value;

use crate::aws::ecs::{Request, Task, last_part};
use crate::aws::logs::Line;
use crate::ecs::calls::Calls;

/// Pages that are read at one look: a container that never stops talking must not keep its end from being noticed.
const MOST_PAGES: usize = 20;

/// Where a container's log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// To a group, in streams of this prefix.
    Group { group: String, prefix: String },
    /// Nowhere that can be read: why, in one line.
    Elsewhere(String),
}

/// Where the log of a container of a task definition goes.
pub(super) fn place(definition: &Request, container: &str) -> Place {
    let containers = definition.get("containerDefinitions").and_then(Value::as_array).into_iter().flatten();
    let own = containers.into_iter().find(|one| one.get("name").and_then(Value::as_str) == Some(container));
    let log = own.and_then(|own| own.get("logConfiguration"));
    let driver = log.and_then(|log| log.get("logDriver")).and_then(Value::as_str);
    if driver != Some("awslogs") {
        let goes = driver.map_or_else(|| "nowhere".to_owned(), |driver| format!("to {driver}"));
        return Place::Elsewhere(format!("what {container} says is not shown: its log goes {goes}, not to awslogs"));
    }
    let option = |key: &str| log?.get("options")?.get(key)?.as_str().map(ToOwned::to_owned);
    match (option("awslogs-group"), option("awslogs-stream-prefix")) {
        (Some(group), Some(prefix)) => Place::Group { group, prefix },
        _ => Place::Elsewhere(format!("what {container} says is not shown: its log has no awslogs-stream-prefix")),
    }
}

/// A stream that is read as it grows.
#[derive(Debug)]
pub(super) struct Stream {
    /// The ARN of its task.
    pub(super) task: String,
    group: String,
    name: String,
    next: Option<String>,
}

impl Stream {
    pub(super) fn of(task: &Task, container: &str, group: &str, prefix: &str) -> Self {
        let id = last_part(&task.arn);
        let name = format!("{prefix}/{container}/{id}");
        Self { task: task.arn.clone(), group: group.to_owned(), name, next: None }
    }

    /// What has been said since the last time.
    pub(super) fn read(&mut self, calls: &Calls) -> Vec<Line> {
        let mut lines = Vec::new();
        for _ in 0..MOST_PAGES {
            let page =
                calls.extra("logs:GetLogEvents", || calls.follow_log(&self.group, &self.name, self.next.as_deref()));
            let Some(page) = page else { break };
            lines.extend(page.lines);
            if page.next.is_none() || page.next == self.next {
                break;
            }
            self.next = page.next;
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places() {
        let options = json!({"awslogs-group": "/ecs/web", "awslogs-stream-prefix": "web", "awslogs-region": "x"});
        let containers = json!([
            {"name": "app", "logConfiguration": {"logDriver": "awslogs", "options": options}},
            {"name": "bare", "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g"}}},
            {"name": "other", "logConfiguration": {"logDriver": "gelf"}},
            {"name": "none"},
        ]);
        let definition = json!({"containerDefinitions": containers}).as_object().unwrap().clone();
        let want = Place::Group { group: "/ecs/web".into(), prefix: "web".into() };
        assert_eq!(place(&definition, "app"), want);
        for (name, cause) in [("bare", "awslogs-stream-prefix"), ("other", "to gelf"), ("none", "nowhere")] {
            assert!(matches!(place(&definition, name), Place::Elsewhere(why) if why.contains(cause)), "{name}");
        }
    }
}
