//! The variables that a placeholder may name, and placeholders in JSON.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::options::{Options, Undefined};
use crate::ctx::Env;
use crate::job::environment::{Environment, Variable};
use crate::support::secret::Secret;
use crate::support::template;

/// Parts of a version that tell of commits and events, where a `$` is a `$`.
const VERBATIM: [&str; 4] = ["shaData", "webhookRequestHeaders", "webhookRequestBody", "trace"];

#[derive(Debug)]
struct Known {
    value: Secret,
    is_secret: bool,
}

/// What is set so far. It only grows, so that a thousand resources cost a thousand times as much as one.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// Params under their own names, which everything else overrides.
    raw: HashMap<String, Known>,
    /// The job and its resources.
    own: HashMap<String, Known>,
}

impl Scope {
    /// Nothing but `PATH`.
    pub fn new(env: &Env) -> Self {
        let mut scope = Self::default();
        if let Some(path) = env.get("PATH") {
            let value = Secret::from(std::os::unix::ffi::OsStringExt::into_vec(path));
            scope.raw.insert("PATH".to_owned(), Known { value, is_secret: false });
        }
        scope
    }

    /// Adds params under their own names.
    pub fn add_raw(&mut self, variables: Environment) {
        add(&mut self.raw, variables);
    }

    /// Adds the variables of the job or of a resource.
    pub fn add(&mut self, variables: Environment) {
        add(&mut self.own, variables);
    }

    fn get(&self, name: &str) -> Option<&Known> {
        self.own.get(name).or_else(|| self.raw.get(name))
    }
}

fn add(known: &mut HashMap<String, Known>, variables: Environment) {
    for Variable { name, value, origin } in variables.into_assignments() {
        known.insert(name, Known { value, is_secret: origin.rule.is_secret() });
    }
}

/// The placeholders of one resource, filled in.
#[derive(Debug)]
pub(super) struct Filling<'a> {
    scope: &'a Scope,
    options: &'a Options,
    /// Names that stand for nothing, in the order found.
    pub undefined: Vec<String>,
    /// Names of secrets that were left as they are.
    pub withheld: Vec<String>,
    /// Whether a secret was filled in.
    pub gave_secret: bool,
    seen: HashSet<String>,
}

impl<'a> Filling<'a> {
    pub fn new(scope: &'a Scope, options: &'a Options) -> Self {
        Self { scope, options, undefined: Vec::new(), withheld: Vec::new(), gave_secret: false, seen: HashSet::new() }
    }

    /// Fills in a `version`, except for what it says of commits and events.
    pub fn version(&mut self, version: &mut Map<String, Value>) {
        for (key, value) in version.iter_mut() {
            match value {
                Value::Object(bag) if key == "propertyBag" => {
                    let open = bag.iter_mut().filter(|(key, _)| !VERBATIM.contains(&key.as_str()));
                    open.for_each(|(_, value)| self.value(value));
                }
                other => self.value(other),
            }
        }
    }

    /// Fills in every text of a value. It is a text of JSON that changes, so that no value can break the JSON.
    pub fn value(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(filled) = template::expand(text, |name| self.named(name)) {
                    *text = filled;
                }
            }
            Value::Array(elements) => elements.iter_mut().for_each(|value| self.value(value)),
            Value::Object(members) => members.values_mut().for_each(|value| self.value(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn named(&mut self, name: &str) -> Option<String> {
        match self.scope.get(name) {
            Some(known) if known.is_secret && !self.options.allow_secrets => {
                self.note(name, true);
                None
            }
            Some(known) => {
                self.gave_secret |= known.is_secret;
                Some(String::from_utf8_lossy(known.value.expose()).into_owned())
            }
            None => {
                self.note(name, false);
                (self.options.undefined == Undefined::Empty).then(String::new)
            }
        }
    }

    fn note(&mut self, name: &str, withheld: bool) {
        if self.seen.insert(name.to_owned()) {
            if withheld { &mut self.withheld } else { &mut self.undefined }.push(name.to_owned());
        }
    }
}
