//! Placeholders: `$NAME` in a resource, filled in from the params before it in the same job.

use std::collections::HashMap;

use serde_json::Value;

use super::field::{Findings, Said};
use super::params::Variable;
use crate::job::names;
use crate::support::template;

/// What placeholders stand for. A name that is none of these stays as it is: it may be the container's own.
#[derive(Debug, Default)]
pub(super) struct Values {
    /// None for a secret, which is not put into anything.
    known: HashMap<String, Option<String>>,
}

impl Values {
    /// What is known before the first step.
    pub fn of_job(name: &str, kind: &str, build_number: &str) -> Self {
        let own = [("JOB_NAME", name), ("JOB_TYPE", kind), ("BUILD_NUMBER", build_number)];
        let known = own.into_iter().filter(|(_, value)| !value.is_empty());
        Self { known: known.map(|(key, value)| (key.to_owned(), Some(value.to_owned()))).collect() }
    }

    /// Adds params; they do not override what the job says of itself.
    pub fn add(&mut self, variables: &[Variable]) {
        for variable in variables {
            let name = names::sanitize(variable.name.as_bytes());
            if !matches!(name.as_str(), "JOB_NAME" | "JOB_TYPE" | "BUILD_NUMBER") {
                let value = (!variable.is_secret).then(|| variable.value.expose().to_owned());
                self.known.insert(name, value);
            }
        }
    }

    /// Fills in the placeholders of a resource. Where a name or an address cannot do with one, it is an error.
    pub fn fill(&self, said: &mut Said, found: &mut Findings) {
        let mut left = Left::default();
        for value in said.bag.values_mut() {
            self.value(value, &mut left);
        }
        left.unknown.clear();
        for key in ["sourceName", "region", "role"] {
            let _ = said.bag.get(key).and_then(Value::as_str).and_then(|text| self.text(text, &mut left));
        }
        if let Some(name) = &said.version_name
            && let Some(filled) = self.text(name, &mut left)
        {
            said.version_name = Some(filled);
        }
        let is_address = matches!(said.resource.kind.as_str(), "cluster" | "image" | "loadBalancer");
        for name in left.unknown.iter().chain(&left.secrets).filter(|_| is_address) {
            let text = format!(
                "${name} of {} stands for nothing: name a params that has it before {} in the steps",
                said.name(),
                said.name()
            );
            found.error(said.resource.at(), text);
        }
        for name in left.secrets.iter().filter(|_| !is_address) {
            let text = format!("${name} of {} stays as it is: it is a secret", said.name());
            found.warn(said.resource.at(), text);
        }
    }

    fn value(&self, value: &mut Value, left: &mut Left) {
        match value {
            Value::String(text) => {
                if let Some(filled) = self.text(text, left) {
                    *text = filled;
                }
            }
            Value::Array(elements) => elements.iter_mut().for_each(|value| self.value(value, left)),
            Value::Object(members) => members.values_mut().for_each(|value| self.value(value, left)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn text(&self, text: &str, left: &mut Left) -> Option<String> {
        template::expand(text, |name| {
            let value = self.known.get(name);
            match value {
                None => left.unknown.push(name.to_owned()),
                Some(None) => left.secrets.push(name.to_owned()),
                Some(Some(_)) => {}
            }
            value.cloned().flatten()
        })
    }
}

/// Names that were not filled in.
#[derive(Debug, Default)]
struct Left {
    unknown: Vec<String>,
    secrets: Vec<String>,
}
