//! What `RunTask` is asked for.

use serde_json::{Value, json};

use crate::aws::ecs::Request;
use crate::error::{Error, Kind};

/// What of a service's settings goes for a task like its own.
const LIKE: [&str; 4] = ["networkConfiguration", "launchType", "capacityProviderStrategy", "platformVersion"];

/// Longest `startedBy` that every version of the API takes.
const LONGEST_STARTED_BY: usize = 36;

/// What was given for a one-off task.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The cluster's own name.
    pub cluster: String,
    /// A family, `family:revision` or an ARN.
    pub task_definition: String,
    /// The container that is meant; the first essential one if none is named.
    pub container: Option<String>,
    /// Its command, if not the task definition's.
    pub command: Vec<String>,
    /// Variables for it.
    pub env: Vec<(String, String)>,
    /// How many tasks.
    pub count: u32,
    /// `EC2`, `FARGATE` or `EXTERNAL`.
    pub launch_type: Option<String>,
    /// A capacity provider instead.
    pub capacity_provider: Option<String>,
    /// Subnets of the task.
    pub subnets: Vec<String>,
    /// Its security groups.
    pub security_groups: Vec<String>,
    /// Whether it gets a public address.
    pub assign_public_ip: bool,
    /// Another role for its containers.
    pub task_role: Option<String>,
    /// Other CPU units.
    pub cpu: Option<u32>,
    /// Another memory limit, in MiB.
    pub memory: Option<u32>,
    /// The job and build, such as `migrate/12`.
    pub started_by: String,
}

impl Given {
    /// The container that is meant; none where it is not named and the task definition cannot be read.
    pub fn container(&self, definition: Option<&Request>) -> Result<Option<String>, Error> {
        let Some(definition) = definition else { return Ok(self.container.clone()) };
        let containers =
            definition.get("containerDefinitions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let names = || containers.iter().filter_map(|container| container.get("name")?.as_str());
        if let Some(name) = &self.container {
            return match names().find(|known| known == name) {
                Some(_) => Ok(Some(name.clone())),
                None => Err(unknown_container(name, &self.task_definition, names())),
            };
        }
        let essential = containers.iter().find(|container| container.get("essential") != Some(&Value::Bool(false)));
        let name = essential.or(containers.first()).and_then(|container| container.get("name")?.as_str());
        Ok(name.map(ToOwned::to_owned))
    }

    /// The request. `like`: the settings of a service whose network and launch type are taken.
    pub fn request(&self, definition: Option<&Request>, like: Option<&Request>) -> Result<Request, Error> {
        let mut request = Request::new();
        for (key, value) in LIKE.into_iter().filter_map(|key| Some((key, like?.get(key)?))) {
            request.insert(key.to_owned(), value.clone());
        }
        request.insert("cluster".to_owned(), self.cluster.clone().into());
        request.insert("taskDefinition".to_owned(), self.task_definition.clone().into());
        request.insert("count".to_owned(), self.count.into());
        request.insert("startedBy".to_owned(), started_by(&self.started_by).into());
        self.place(&mut request);
        self.network(&mut request, definition)?;
        let overrides = self.overrides(definition, &request)?;
        if overrides.as_object().is_some_and(|overrides| !overrides.is_empty()) {
            request.insert("overrides".to_owned(), overrides);
        }
        Ok(request)
    }

    /// Where it runs: one of both, whatever the service has.
    fn place(&self, request: &mut Request) {
        if let Some(kind) = &self.launch_type {
            request.remove("capacityProviderStrategy");
            request.insert("launchType".to_owned(), kind.clone().into());
            if kind != "FARGATE" {
                request.remove("platformVersion");
            }
        }
        if let Some(provider) = &self.capacity_provider {
            request.remove("launchType");
            request.insert("capacityProviderStrategy".to_owned(), json!([{ "capacityProvider": provider }]));
        }
        // AWS shows an empty list where there is none, and takes only one of both.
        if request.get("capacityProviderStrategy").and_then(Value::as_array).is_some_and(Vec::is_empty) {
            request.remove("capacityProviderStrategy");
        }
    }

    fn network(&self, request: &mut Request, definition: Option<&Request>) -> Result<(), Error> {
        let has_own = !self.subnets.is_empty() || !self.security_groups.is_empty() || self.assign_public_ip;
        if has_own {
            let network = request.entry("networkConfiguration").or_insert_with(|| json!({}));
            let mut vpc = network.get("awsvpcConfiguration").cloned().unwrap_or_else(|| json!({}));
            if !self.subnets.is_empty() {
                vpc["subnets"] = json!(self.subnets);
            }
            if !self.security_groups.is_empty() {
                vpc["securityGroups"] = json!(self.security_groups);
            }
            if self.assign_public_ip {
                vpc["assignPublicIp"] = "ENABLED".into();
            }
            if vpc.get("subnets").is_none() {
                let told = "a task's own network needs subnets: give --subnet ID, or --like SERVICE";
                return Err(Error::new(Kind::Usage, told));
            }
            *network = json!({ "awsvpcConfiguration": vpc });
        }
        let mode = definition.and_then(|definition| definition.get("networkMode")).and_then(Value::as_str);
        if mode == Some("awsvpc") && !request.contains_key("networkConfiguration") {
            let told = format_args!(
                "{} has networkMode awsvpc, which needs a network: give --subnet ID, or --like SERVICE",
                self.task_definition
            );
            return Err(Error::new(Kind::Usage, told));
        }
        Ok(())
    }

    fn overrides(&self, definition: Option<&Request>, request: &Request) -> Result<Value, Error> {
        let mut overrides = json!({});
        let mut of_container = json!({});
        if let Some(role) = &self.task_role {
            overrides["taskRoleArn"] = role.clone().into();
        }
        let is_fargate = request.get("launchType").and_then(Value::as_str) == Some("FARGATE");
        for (key, number) in [("cpu", self.cpu), ("memory", self.memory)] {
            let Some(number) = number else { continue };
            // A task with limits of its own has its containers share them.
            if is_fargate || definition.is_some_and(|definition| definition.contains_key(key)) {
                overrides[key] = number.to_string().into();
            } else {
                of_container[key] = number.into();
            }
        }
        if !self.command.is_empty() {
            of_container["command"] = json!(self.command);
        }
        if !self.env.is_empty() {
            let env = self.env.iter().map(|(name, value)| json!({ "name": name, "value": value }));
            of_container["environment"] = env.collect();
        }
        if of_container.as_object().is_some_and(|changes| !changes.is_empty()) {
            let name = self.container(definition)?.ok_or_else(|| {
                let told = format_args!(
                    "{} cannot be read (ecs:DescribeTaskDefinition is not allowed): name the container that is meant, with \
                     --container NAME",
                    self.task_definition
                );
                Error::new(Kind::Usage, told)
            })?;
            of_container["name"] = name.into();
            overrides["containerOverrides"] = json!([of_container]);
        }
        Ok(overrides)
    }
}

/// A container that a task definition does not have, and those that it has.
pub fn unknown_container<'a>(name: &str, of: &str, known: impl Iterator<Item = &'a str>) -> Error {
    let known: Vec<&str> = known.collect();
    let told = format_args!("{of} has no container {name}: it has {}", known.join(", "));
    Error::new(Kind::Usage, told)
}

/// `shipctl/<job>/<build>`, of the letters that the API takes.
fn started_by(what: &str) -> String {
    let what: String =
        what.chars().map(|c| if c.is_ascii_alphanumeric() || "-_/".contains(c) { c } else { '-' }).collect();
    let mut whole = if what.is_empty() { "shipctl".to_owned() } else { format!("shipctl/{what}") };
    whole.truncate(LONGEST_STARTED_BY);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Request {
        value.as_object().unwrap().clone()
    }

    fn definition() -> Request {
        let containers = json!([{"name": "side", "essential": false}, {"name": "app"}, {"name": "more"}]);
        object(json!({"family": "web", "containerDefinitions": containers}))
    }

    fn given() -> Given {
        let (cluster, task_definition) = ("prod".to_owned(), "web:3".to_owned());
        Given { cluster, task_definition, count: 1, ..Given::default() }
    }

    #[test]
    fn least_and_most() {
        let least = json!({"cluster": "prod", "taskDefinition": "web:3", "count": 1, "startedBy": "shipctl"});
        assert_eq!(Value::Object(given().request(None, None).unwrap()), least);
        let most = Given {
            command: vec!["migrate".into(), "--all".into()],
            env: vec![("A".into(), "b=c".into())],
            launch_type: Some("FARGATE".into()),
            subnets: vec!["subnet-1".into()],
            security_groups: vec!["sg-1".into()],
            assign_public_ip: true,
            task_role: Some("arn:aws:iam::1:role/r".into()),
            cpu: Some(256),
            memory: Some(512),
            started_by: "db job/12".into(),
            ..given()
        };
        let want = json!({
            "cluster": "prod", "taskDefinition": "web:3", "count": 1, "startedBy": "shipctl/db-job/12",
            "launchType": "FARGATE",
            "networkConfiguration": {"awsvpcConfiguration":
                {"subnets": ["subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": "ENABLED"}},
            "overrides": {
                "taskRoleArn": "arn:aws:iam::1:role/r", "cpu": "256", "memory": "512",
                "containerOverrides": [
                    {"name": "app", "command": ["migrate", "--all"], "environment": [{"name": "A", "value": "b=c"}]}]},
        });
        assert_eq!(Value::Object(most.request(Some(&definition()), None).unwrap()), want);
    }

    #[test]
    fn limits_are_those_of_the_task_where_it_has_some() {
        let memory = Given { memory: Some(99), ..given() };
        let on_instances = memory.request(Some(&definition()), None).unwrap();
        assert_eq!(on_instances["overrides"], json!({"containerOverrides": [{"name": "app", "memory": 99}]}));
        let mut with_limit = definition();
        with_limit.insert("memory".into(), "512".into());
        assert_eq!(memory.request(Some(&with_limit), None).unwrap()["overrides"], json!({"memory": "99"}));
    }

    #[test]
    fn settings_of_a_service() {
        let vpc = json!({"subnets": ["subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED"});
        let strategy = json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1}]);
        let like = object(json!({
            "serviceName": "web", "desiredCount": 3, "platformVersion": "1.4.0", "capacityProviderStrategy": strategy,
            "networkConfiguration": {"awsvpcConfiguration": vpc},
        }));
        let same = given().request(None, Some(&like)).unwrap();
        assert_eq!((&same["capacityProviderStrategy"], &same["platformVersion"]), (&strategy, &json!("1.4.0")));
        assert_eq!(same["networkConfiguration"]["awsvpcConfiguration"], vpc);
        assert!(!same.contains_key("desiredCount"));
        let own = Given { launch_type: Some("EC2".into()), subnets: vec!["subnet-9".into()], ..given() };
        let own = own.request(None, Some(&like)).unwrap();
        assert_eq!(own["launchType"], "EC2");
        assert!(!own.contains_key("capacityProviderStrategy") && !own.contains_key("platformVersion"));
        assert_eq!(own["networkConfiguration"]["awsvpcConfiguration"]["subnets"], json!(["subnet-9"]));
        assert_eq!(own["networkConfiguration"]["awsvpcConfiguration"]["securityGroups"], json!(["sg-1"]));
    }

    #[test]
    fn what_is_missing_is_told_beforehand() {
        let told =
            |given: Given, definition: Option<&Request>| given.request(definition, None).unwrap_err().to_string();
        let other = Given { container: Some("web".into()), command: vec!["x".into()], ..given() };
        assert_eq!(told(other, Some(&definition())), "web:3 has no container web: it has side, app, more");
        assert!(told(Given { command: vec!["x".into()], ..given() }, None).contains("--container NAME"));
        assert!(told(Given { assign_public_ip: true, ..given() }, None).contains("--subnet"));
        let mut own_network = definition();
        own_network.insert("networkMode".into(), "awsvpc".into());
        assert!(told(given(), Some(&own_network)).contains("networkMode awsvpc"));
    }

    #[test]
    fn who_started_it_fits() {
        assert_eq!(started_by(""), "shipctl");
        assert_eq!(started_by("a.b c/12"), "shipctl/a-b-c/12");
        assert_eq!(started_by(&"x".repeat(50)).len(), 36);
    }
}
