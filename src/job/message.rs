//! `message.json`: what the job is, and its steps.

use std::ffi::OsString;
use std::path::Path;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::job::directory::Operation;
use crate::job::document::{Document, Node};
use crate::job::integration::scalar_text;
use crate::job::params::{SECURE, is_ciphertext, parse_secure};
use crate::job::record::Record;

/// The message of a job.
#[derive(Debug)]
pub struct Message(Document);

impl Message {
    /// Reads it; `None` when there is no such file.
    pub fn read(file: &Path) -> Result<Option<Self>, Error> {
        let Some(document) = Document::read(file)? else { return Ok(None) };
        let message = Self(document);
        // Lists of the wrong kind are said here, so that the order of steps need not fail later.
        message.0.root().list("steps")?;
        message.0.root().list("dependencies")?;
        Ok(Some(message))
    }

    /// What is going to be in the file.
    pub fn of(document: Document) -> Self {
        Self(document)
    }

    /// A fact about the job, from the top or from its `propertyBag`.
    pub fn fact(&self, key: &str) -> Result<Option<String>, Error> {
        let root = self.0.root();
        match root.scalar(key)? {
            Some(value) => Ok(Some(value)),
            None => match root.object("propertyBag")? {
                Some(bag) => bag.scalar(key),
                None => Ok(None),
            },
        }
    }

    /// Inputs and outputs in the order of the steps.
    pub fn step_order(&self) -> Vec<(Operation, OsString)> {
        step_order(self.0.root().value)
    }

    /// The job's own integrations, in the order of its yml.
    pub fn integrations(&self) -> Vec<&str> {
        let listed = self.0.root().value.pointer("/propertyBag/yml/integrations").and_then(Value::as_array);
        listed.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// The one TASK, when there is exactly one that has settings of its own.
    pub fn only_task(&self) -> Result<Option<Task<'_>>, Error> {
        let steps = self.0.root().list("steps")?;
        let tasks: Vec<&Value> = steps.iter().filter(|step| step.get("TASK").is_some()).collect();
        let [step] = tasks.as_slice() else { return Ok(None) };
        Ok(self.settings(step))
    }

    /// The TASK of this number among those with a script, from 1 on, when it has settings of its own.
    pub fn task(&self, number: usize) -> Result<Option<Task<'_>>, Error> {
        let steps = self.0.root().list("steps")?;
        let mut scripted = steps.iter().filter(|step| step.get("TASK").is_some_and(has_script));
        Ok(number.checked_sub(1).and_then(|at| scripted.nth(at)).and_then(|step| self.settings(step)))
    }

    /// The older spelling lists scripts under TASK, and a managed job has the text `managed`: neither has settings.
    fn settings<'a>(&'a self, step: &'a Value) -> Option<Task<'a>> {
        let task = self.0.root().inside("steps[].TASK", &step["TASK"]);
        task.value.is_object().then_some(Task(task))
    }
}

/// Whether there is anything to run, in any spelling: `{script: …}`, a list of these or of texts, a text.
fn has_script(task: &Value) -> bool {
    match task {
        Value::Array(entries) => entries.iter().any(has_script),
        Value::Object(fields) => fields.get("script").is_some_and(has_script),
        Value::String(text) => text != "managed",
        Value::Null => false,
        _ => true,
    }
}

/// A TASK step.
#[derive(Debug)]
pub struct Task<'a>(Node<'a>);

impl Task<'_> {
    /// Its name, when the yml gives one.
    pub fn name(&self) -> Result<Option<String>, Error> {
        self.0.scalar("name")
    }

    /// `runtime.options.env`, a map or a list of maps: the pairs, in order, but for those under `secure`.
    pub fn env(&self) -> Result<Vec<(String, String)>, Error> {
        let pairs = self.maps()?.into_iter().flatten().filter(|(key, _)| *key != SECURE);
        Ok(pairs.map(|(key, value)| (key.clone(), scalar_text(value))).collect())
    }

    /// The pairs under `secure` of the same, with what `job init` has found for their references. What the platform
    /// encrypted gives none.
    pub fn secure(&self, record: Option<&Record>) -> Result<Vec<(String, String)>, Error> {
        let of = |value: &Value| match value {
            Value::Object(members) => {
                let found = members.iter().filter_map(|(key, reference)| {
                    let known = record?.task_secrets.get(reference.as_str()?)?;
                    Some((key.clone(), known.clone()))
                });
                found.collect()
            }
            Value::String(text) if !is_ciphertext(text) => parse_secure(text),
            _ => Vec::new(),
        };
        let maps = self.maps()?;
        let secure = maps.into_iter().flatten().filter(|(key, _)| *key == SECURE);
        Ok(secure.flat_map(|(_, value)| of(value)).collect())
    }

    fn maps(&self) -> Result<Vec<&Map<String, Value>>, Error> {
        let Some(runtime) = self.0.object("runtime")? else { return Ok(Vec::new()) };
        let Some(options) = runtime.object("options")? else { return Ok(Vec::new()) };
        let Some(env) = options.member("env") else { return Ok(Vec::new()) };
        match env.value {
            Value::Object(map) => Ok(vec![map]),
            Value::Array(maps) => {
                maps.iter().map(Value::as_object).collect::<Option<_>>().ok_or_else(|| env.unlike("a list of maps"))
            }
            _ => Err(env.unlike("a map or a list of maps")),
        }
    }
}

/// Inputs and outputs in the order of `steps`, then those that only `dependencies` has.
pub fn step_order(message: &Value) -> Vec<(Operation, OsString)> {
    let list = |key: &str| message[key].as_array().map(Vec::as_slice).unwrap_or_default();
    let sides = [Operation::In, Operation::Out];
    let steps = list("steps").iter().filter_map(|step| {
        sides.iter().find_map(|side| Some((*side, OsString::from(step.get(side.as_str())?.as_str()?))))
    });
    let dependencies = list("dependencies").iter().filter_map(|dependency| {
        let side = sides.into_iter().find(|side| dependency["operation"] == side.as_str())?;
        Some((side, OsString::from(dependency["name"].as_str()?)))
    });
    let mut seen = std::collections::HashSet::new();
    steps.chain(dependencies).filter(|step| seen.insert(step.clone())).collect()
}
