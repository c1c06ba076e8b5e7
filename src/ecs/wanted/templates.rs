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

    /// Fills in the placeholders of a resource.
    pub fn fill(&self, said: &mut Said, found: &mut Findings) {
        let mut withheld = Vec::new();
        for value in said.bag.values_mut() {
            self.value(value, &mut withheld);
        }
        if let Some(filled) = said.version_name.as_ref().and_then(|name| self.text(name, &mut withheld)) {
            said.version_name = Some(filled);
        }
        for name in withheld {
            let text = format!("${name} of {} stays as it is: it is a secret", said.name());
            found.warn(said.resource.at(), text);
        }
    }

    fn value(&self, value: &mut Value, withheld: &mut Vec<String>) {
        match value {
            Value::String(text) => {
                if let Some(filled) = self.text(text, withheld) {
                    *text = filled;
                }
            }
            Value::Array(elements) => elements.iter_mut().for_each(|value| self.value(value, withheld)),
            Value::Object(members) => members.values_mut().for_each(|value| self.value(value, withheld)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn text(&self, text: &str, withheld: &mut Vec<String>) -> Option<String> {
        template::expand(text, |name| match self.known.get(name)? {
            Some(value) => Some(value.clone()),
            None => {
                withheld.push(name.to_owned());
                None
            }
        })
    }
}
