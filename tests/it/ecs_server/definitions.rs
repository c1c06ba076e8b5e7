//! Task definitions.

use serde_json::{Value, json};

use super::world::{Answer, Definition, Refusal, World};

impl Definition {
    fn describe(&self) -> Value {
        let mut described = self.request.clone();
        described["taskDefinitionArn"] = self.arn().into();
        described["revision"] = self.revision.into();
        described["status"] = if self.active { "ACTIVE" } else { "INACTIVE" }.into();
        described.as_object_mut().unwrap().remove("tags");
        described
    }
}

impl World {
    /// The place of a task definition by ARN, `family:revision` or `family` (its last active one).
    pub fn find_definition(&self, name: &str) -> Option<usize> {
        let short = name.rsplit('/').next()?;
        match short.split_once(':') {
            Some((family, revision)) => {
                let revision: usize = revision.parse().ok()?;
                self.definitions.iter().position(|known| known.family == family && known.revision == revision)
            }
            None => self.definitions.iter().rposition(|known| known.family == short && known.active),
        }
    }

    /// One that new tasks may be made of.
    pub fn usable_definition(&self, name: &Value) -> Result<usize, Refusal> {
        let name = name.as_str().ok_or_else(|| Refusal::parameter("TaskDefinition can not be blank."))?;
        let place = self.find_definition(name).ok_or_else(|| Refusal::client("TaskDefinition not found."))?;
        if self.definitions[place].active { Ok(place) } else { Err(Refusal::client("TaskDefinition is inactive")) }
    }

    pub fn register(&mut self, request: &Value) -> Answer {
        let family = request["family"].as_str().unwrap_or_default();
        let letters = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if family.is_empty() || family.len() > 255 || !family.chars().all(letters) {
            return Err(Refusal::client("Family contains invalid characters."));
        }
        check_containers(request)?;
        let same = self.definitions.iter().filter(|known| known.family == family);
        let revision = same.map(|known| known.revision).max().unwrap_or(0) + 1;
        let made = Definition { family: family.to_owned(), revision, active: true, request: request.clone() };
        let described = made.describe();
        self.definitions.push(made);
        Ok(json!({"taskDefinition": described, "tags": request["tags"].as_array().cloned().unwrap_or_default()}))
    }

    pub fn deregister(&mut self, request: &Value) -> Answer {
        let name = request["taskDefinition"].as_str().unwrap_or_default();
        if !name.rsplit('/').next().unwrap_or_default().contains(':') {
            return Err(Refusal::parameter(format!("Invalid revision number. Number: {name}")));
        }
        let place = self.find_definition(name).ok_or_else(no_such_definition)?;
        self.definitions[place].active = false;
        Ok(json!({"taskDefinition": self.definitions[place].describe()}))
    }

    pub fn describe_definition(&self, request: &Value) -> Answer {
        let name = request["taskDefinition"].as_str().unwrap_or_default();
        let place = self.find_definition(name).ok_or_else(no_such_definition)?;
        let found = &self.definitions[place];
        let mut answer = json!({"taskDefinition": found.describe()});
        if request["include"].as_array().is_some_and(|fields| fields.contains(&"TAGS".into())) {
            answer["tags"] = json!(found.request["tags"].as_array().cloned().unwrap_or_default());
        }
        Ok(answer)
    }

    pub fn list_definitions(&self, request: &Value) -> Answer {
        let family = request["familyPrefix"].as_str();
        let active = request["status"].as_str().unwrap_or("ACTIVE") == "ACTIVE";
        let these = self.definitions.iter().filter(|known| known.active == active);
        // The "prefix" is the whole name of a family.
        let mut these: Vec<_> = these.filter(|known| family.is_none_or(|family| known.family == family)).collect();
        these.sort_by_key(|known| (known.family.clone(), known.revision));
        if request["sort"] == "DESC" {
            these.reverse();
        }
        page(these.iter().map(|known| known.arn()).collect(), request, "taskDefinitionArns")
    }
}

/// A page of at most a hundred, and where the next one begins.
pub fn page(all: Vec<String>, request: &Value, name: &str) -> Answer {
    let from = match request["nextToken"].as_str() {
        None => 0,
        Some(token) => token
            .strip_prefix("page-")
            .and_then(|from| from.parse().ok())
            .ok_or_else(|| Refusal::parameter("Invalid token."))?,
    };
    let most = request["maxResults"].as_u64().map_or(100, |most| usize::try_from(most).unwrap().min(100));
    let mut answer = json!({name: all.iter().skip(from).take(most).collect::<Vec<_>>()});
    if all.len() > from + most {
        answer["nextToken"] = format!("page-{}", from + most).into();
    }
    Ok(answer)
}

fn no_such_definition() -> Refusal {
    Refusal::client("Unable to describe task definition.")
}

fn check_containers(request: &Value) -> Result<(), Refusal> {
    let containers = request["containerDefinitions"].as_array().map_or(&[][..], Vec::as_slice);
    if containers.is_empty() {
        return Err(Refusal::client("Container definition list can not be empty."));
    }
    for (place, container) in containers.iter().enumerate() {
        let name = container["name"].as_str().unwrap_or_default();
        if name.is_empty() {
            return Err(Refusal::client("Container.name should not be null or empty."));
        }
        if container["image"].as_str().unwrap_or_default().is_empty() {
            return Err(Refusal::client("Container.image should not be null or empty."));
        }
        if containers[..place].iter().any(|other| other["name"] == name) {
            return Err(Refusal::client("Container names in a task definition must be unique."));
        }
        let has_memory = [&container["memory"], &container["memoryReservation"], &request["memory"]];
        if has_memory.iter().all(|memory| memory.is_null()) {
            return Err(Refusal::client(format!(
                "Invalid setting for container '{name}'. At least one of 'memory' or 'memoryReservation' must be specified."
            )));
        }
    }
    if containers.iter().all(|container| container["essential"] == false) {
        return Err(Refusal::client("At least one container must be marked as essential."));
    }
    Ok(())
}
