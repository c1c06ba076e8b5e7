//! A task definition with other images and variables; everything else stays as it is, also what nobody here knows.

use serde_json::{Value, json};

use super::once::unknown_container;
use crate::aws::ecs::Request;
use crate::error::{Error, Kind};

/// Something of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfContainer<T> {
    /// The container; the only one where none is named.
    pub container: Option<String>,
    /// What.
    pub what: T,
}

/// What is to be other than it is.
#[derive(Debug, Clone, Default)]
pub struct Revision {
    /// Images.
    pub images: Vec<OfContainer<String>>,
    /// Variables: names and values.
    pub env: Vec<OfContainer<(String, String)>>,
    /// Variables whose values are secrets of AWS: names and ARNs.
    pub secrets: Vec<OfContainer<(String, String)>>,
}

impl Revision {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty() && self.env.is_empty() && self.secrets.is_empty()
    }

    /// The task definition as it is to be. `name`: as it is called in messages.
    pub fn of(&self, definition: &Request, name: &str) -> Result<Request, Error> {
        let mut definition = definition.clone();
        let only_image = self.only_image();
        for image in &self.images {
            container(&mut definition, image.container.as_deref(), name)?["image"] = image.what.clone().into();
        }
        for (list, other, key, given) in
            [("environment", "secrets", "value", &self.env), ("secrets", "environment", "valueFrom", &self.secrets)]
        {
            for one in given {
                let named = one.container.as_deref().or(only_image);
                let container = container(&mut definition, named, name)?;
                let (variable, value) = &one.what;
                // A name may be in one of both lists only.
                if let Some(others) = container.get_mut(other).and_then(Value::as_array_mut) {
                    others.retain(|known| known.get("name").and_then(Value::as_str) != Some(variable));
                }
                put(container, list, variable, key, value);
            }
        }
        Ok(definition)
    }

    /// The container whose image is replaced, where it is one: variables without a container are meant for it.
    fn only_image(&self) -> Option<&str> {
        match self.images.as_slice() {
            [one] => one.container.as_deref(),
            _ => None,
        }
    }
}

/// Sets a variable where it is, else adds it.
fn put(container: &mut Value, list: &str, variable: &str, key: &str, value: &str) {
    let Some(container) = container.as_object_mut() else { return };
    let all = container.entry(list).or_insert_with(|| json!([]));
    let Some(all) = all.as_array_mut() else { return };
    match all.iter_mut().find(|known| known.get("name").and_then(Value::as_str) == Some(variable)) {
        Some(known) => known[key] = value.into(),
        None => all.push(json!({ "name": variable, key: value })),
    }
}

fn container<'d>(definition: &'d mut Request, named: Option<&str>, of: &str) -> Result<&'d mut Value, Error> {
    let all = definition.get_mut("containerDefinitions").and_then(Value::as_array_mut);
    let all = all.map_or(&mut [][..], Vec::as_mut_slice);
    let name_of = |container: &Value| container.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let known_names: Vec<String> = all.iter().map(name_of).collect();
    let at = match named {
        Some(named) => known_names.iter().position(|name| name == named),
        None if known_names.len() == 1 => Some(0),
        None => {
            let known = known_names.join(", ");
            let told = format_args!(
                "{of} has several containers: name the one that is meant, as in --image {0}=URI or --env {0}:NAME=VALUE (it \
                 has {known})",
                known_names.first().map_or("CONTAINER", String::as_str)
            );
            return Err(Error::new(Kind::Usage, told));
        }
    };
    match at.and_then(|at| all.get_mut(at)) {
        Some(container) => Ok(container),
        None => Err(unknown_container(named.unwrap_or_default(), of, known_names.iter().map(String::as_str))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(containers: Value) -> Request {
        json!({"family": "web", "containerDefinitions": containers, "keyOfTomorrow": {"a": [1]}})
            .as_object()
            .unwrap()
            .clone()
    }

    fn two() -> Request {
        definition(json!([
            {"name": "app", "image": "app:1", "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
             "secrets": [{"name": "S", "valueFrom": "arn:old"}], "futureKey": true},
            {"name": "proxy", "image": "proxy:1"},
        ]))
    }

    fn of<T>(container: &str, what: T) -> OfContainer<T> {
        OfContainer { container: (!container.is_empty()).then(|| container.to_owned()), what }
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn images_and_variables() {
        let revision = Revision {
            images: vec![of("app", "app:2".to_owned())],
            env: vec![
                of("", pair("B", "x=y")),
                of("", pair("B", "later")),
                of("proxy", pair("C", "3")),
                of("app", pair("S", "now plain")),
            ],
            secrets: vec![of("app", pair("A", "arn:new"))],
        };
        let new = revision.of(&two(), "web:1").unwrap();
        let want = json!([
            {"name": "app", "image": "app:2",
             "environment": [{"name": "B", "value": "later"}, {"name": "S", "value": "now plain"}],
             "secrets": [{"name": "A", "valueFrom": "arn:new"}], "futureKey": true},
            {"name": "proxy", "image": "proxy:1", "environment": [{"name": "C", "value": "3"}]},
        ]);
        assert_eq!(new["containerDefinitions"], want);
        assert_eq!((&new["family"], &new["keyOfTomorrow"]), (&json!("web"), &json!({"a": [1]})));
    }

    #[test]
    fn what_is_the_same_stays_the_same() {
        let revision = Revision {
            images: vec![of("app", "app:1".to_owned())],
            env: vec![of("", pair("A", "1"))],
            ..Revision::default()
        };
        assert_eq!(revision.of(&two(), "web:1").unwrap(), two());
    }

    #[test]
    fn the_only_container_needs_no_name() {
        let one = definition(json!([{"name": "app", "image": "app:1"}]));
        let revision = Revision { images: vec![of("", "app:2".to_owned())], ..Revision::default() };
        assert_eq!(revision.of(&one, "web:1").unwrap()["containerDefinitions"][0]["image"], "app:2");
        let told = revision.of(&two(), "web:1").unwrap_err().to_string();
        assert!(told.contains("web:1 has several containers") && told.contains("app, proxy"), "{told}");
        let other = Revision { images: vec![of("web", "app:2".to_owned())], ..Revision::default() };
        let told = other.of(&two(), "web:1").unwrap_err().to_string();
        assert_eq!(told, "web:1 has no container web: it has app, proxy");
    }
}
