//! Everything that gets into the files of a job directory, worked out before one is written.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::options::{Options, Undefined};
use super::params::{self, References};
use super::scope::{Filling, Scope};
use super::select::Chosen;
use super::sources::{Facts, IntegrationRecord, Sources, Version};
use super::{message, stable_number};
use crate::config::shippable::Job;
use crate::error::{Error, Kind};
use crate::job::directory::{JobDirectory, Operation, ResourceFolder, folder};
use crate::job::document::Document;
use crate::job::environment::dependency::{self, Dependency};
use crate::job::environment::{Environment, own::Own};
use crate::job::integration::Integration;
use crate::job::message::Message;
use crate::job::record::Recorded;

/// What an entry of the yml shows of itself in `propertyBag.yml`.
const SHOWN: [&str; 8] = ["name", "type", "integration", "pointer", "seed", "version", "versionTemplate", "flags"];
/// Options of a step that belong to the edge between job and resource.
const EDGE: [&str; 5] = ["replicate", "replicateOnPullRequest", "overwrite", "on_failure", "pull"];

/// An input or output as it is going to be.
#[derive(Debug)]
pub(super) struct Planned {
    pub folder: ResourceFolder,
    /// `version.json`.
    pub object: Value,
    /// `version` before placeholders were filled in, when one of them gave a secret.
    pub template: Option<Map<String, Value>>,
    /// The integration, by name.
    pub integration: Option<String>,
    /// The deploy key of a repository.
    pub deploy_key: Option<String>,
}

/// The whole of it.
#[derive(Debug)]
pub(super) struct Plan {
    pub dependencies: Vec<Planned>,
    pub message: Value,
    pub recorded: Vec<Recorded>,
    pub notes: Vec<String>,
}

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given<'a> {
    pub job: &'a Job,
    pub integrations: &'a BTreeMap<String, IntegrationRecord>,
    pub references: &'a References,
    pub options: &'a Options,
    pub sources: Sources<'a>,
}

impl Plan {
    /// Works it out; nothing is written.
    pub fn of(given: &Given, chosen: &[Chosen]) -> Result<Self, Error> {
        let root = &given.options.dir;
        let mut head = message::head(given.job, root, given.sources.facts);
        let mut scope = Scope::new(given.sources.env);
        let document = Message::of(Document::of(root.join("message.json"), Value::Object(head.clone())));
        let directory = JobDirectory::at(given.sources.env, root.clone());
        let mut variables = Environment::default();
        Own::of(&directory, root, Some(&document))?.variables(&mut variables)?;
        scope.add(variables);
        let mut plan = Self { dependencies: Vec::new(), message: Value::Null, recorded: Vec::new(), notes: Vec::new() };
        let mut shown = Vec::with_capacity(chosen.len());
        for one in chosen {
            let (mut planned, public) = plan.dependency(given, one, &scope)?;
            add_variables(&mut scope, &planned, given, &root.join("secrets"))?;
            shown.push(message::dependency(one, &planned, public.as_ref()));
            plan.recorded.push(recorded(one, public, planned.template.take()));
            plan.dependencies.push(planned);
        }
        head.insert("dependencies".to_owned(), Value::Array(shown));
        // It stands before `propertyBag`.
        plan.message = Value::Object(message::in_order(head));
        Ok(plan)
    }

    /// What one is going to be, and its `version` without what may be a secret.
    fn dependency(
        &mut self,
        given: &Given,
        one: &Chosen,
        scope: &Scope,
    ) -> Result<(Planned, Option<Map<String, Value>>), Error> {
        let integration = one.resource.and_then(|resource| resource.integration.as_ref());
        let record = integration.and_then(|named| given.integrations.get(&named.name));
        let mut bag = property_bag(one);
        let mut version = one.version.as_ref().map(|version| version_of(one, version, given.options));
        let mut public = version.clone();
        let mut template = None;
        if one.kind == "params" {
            public.as_mut().and_then(bag_of).into_iter().for_each(params::public);
            if let (Operation::In, Some(bag)) = (one.operation, version.as_mut().and_then(bag_of)) {
                params::fill(one, bag, given.references)?;
            } else {
                version.clone_from(&public);
            }
        } else {
            let mut filling = Filling::new(scope, given.options);
            version.as_mut().into_iter().for_each(|version| filling.version(version));
            template = public.take().filter(|_| filling.gave_secret);
            bag.get_mut("yml").into_iter().for_each(|yml| filling.value(yml));
            public.clone_from(&version);
            self.tell(one, &filling, given.options)?;
        }
        let object = object(one, given.sources.facts, record, bag, version);
        let planned = Planned {
            folder: folder(&given.options.dir, one.operation, OsStr::new(one.name)),
            object,
            template,
            integration: record.map(|record| record.name.clone()),
            deploy_key: record.filter(|_| one.is_repository()).and_then(deploy_key),
        };
        Ok((planned, public))
    }

    /// Says what placeholders came to nothing.
    fn tell(&mut self, one: &Chosen, filling: &Filling, options: &Options) -> Result<(), Error> {
        let (at, what) = (&one.yml.at, one.shown());
        if !filling.withheld.is_empty() {
            let names = names_of(&filling.withheld);
            self.notes.push(format!(
                "{at}: {names} in {what} would put a secret into a file, so it stays as it is: allow it with \
                 --allow-secrets"
            ));
        }
        if filling.undefined.is_empty() {
            return Ok(());
        }
        let names = names_of(&filling.undefined);
        match options.undefined {
            Undefined::Error => {
                let message = format!(
                    "{at}: {names} in {what} is not set when its turn comes: set it in a params resource that is an IN \
                     before it"
                );
                Err(Error::new(Kind::Configuration, message))
            }
            Undefined::Empty => {
                self.notes.push(format!("{at}: {names} in {what} is not set when its turn comes: it becomes nothing"));
                Ok(())
            }
            Undefined::Keep => Ok(()),
        }
    }
}

fn names_of(names: &[String]) -> String {
    names.iter().map(|name| format!("${name}")).collect::<Vec<_>>().join(", ")
}

fn bag_of(version: &mut Map<String, Value>) -> Option<&mut Map<String, Value>> {
    version.get_mut("propertyBag").and_then(Value::as_object_mut)
}

/// What a resource gives to those after it, by the code that reads the files.
fn add_variables(scope: &mut Scope, planned: &Planned, given: &Given, secrets: &Path) -> Result<(), Error> {
    let record = planned.integration.as_ref().and_then(|name| given.integrations.get(name));
    let integration = record.map(integration_of).transpose()?;
    let key = planned.deploy_key.as_ref().map(|_| key_path(secrets, &planned.folder));
    let document = Document::of(planned.folder.meta.join("version.json"), planned.object.clone());
    let dependency = Dependency::of(&planned.folder, document, integration, key, given.options.compat);
    let (mut raw, mut variables) = (Environment::default(), Environment::default());
    dependency.raw_params(&mut raw)?;
    dependency.variables(&mut variables)?;
    scope.add_raw(raw);
    scope.add(variables);
    Ok(())
}

/// Where the deploy key of a repository is.
pub(super) fn key_path(secrets: &Path, folder: &ResourceFolder) -> PathBuf {
    dependency::deploy_key(secrets, folder.name.as_encoded_bytes())
}

fn integration_of(record: &IntegrationRecord) -> Result<Integration, Error> {
    let wrong = |error| Error::failed(format_args!("integration {}: {error}", record.name));
    serde_json::from_str(&record.json).map(Integration::of).map_err(wrong)
}

/// A private key of the integration of a repository.
fn deploy_key(record: &IntegrationRecord) -> Option<String> {
    let (field, _) = dependency::key_fields(Some(&record.master_name)).first()?;
    Some(record.fields.get(*field)?.as_str()?.to_owned())
}

fn property_bag(one: &Chosen) -> Map<String, Value> {
    let shown = one.yml.members().iter().filter(|(key, _)| SHOWN.contains(&key.text.as_str()));
    let yml: Map<String, Value> = shown.map(|(key, node)| (key.text.clone(), node.to_json())).collect();
    let mut bag = Map::new();
    bag.insert("yml".to_owned(), Value::Object(yml));
    if let Some(repository) = &one.normalized_repo {
        bag.insert("normalizedRepo".to_owned(), Value::Object(repository.clone()));
    }
    bag
}

fn version_of(one: &Chosen, version: &Version, options: &Options) -> Map<String, Value> {
    let mut bag = version.property_bag.clone();
    if one.operation == Operation::In {
        options.apply(one.name, one.kind, &mut bag);
    }
    let mut object = Map::new();
    object.insert("versionId".to_owned(), version.version_id.into());
    object.insert("versionNumber".to_owned(), version.version_number.into());
    object.insert("versionName".to_owned(), version.version_name.clone().into());
    object.insert("createdAt".to_owned(), version.created_at.clone().into());
    object.insert("propertyBag".to_owned(), Value::Object(bag));
    object
}

/// The members of a step, as JSON.
fn step_of(one: &Chosen) -> Map<String, Value> {
    match one.step.step.to_json() {
        Value::Object(step) => step,
        _ => Map::new(),
    }
}

/// `version.json`, its members in the order of the platform.
fn object(
    one: &Chosen,
    facts: &Facts,
    integration: Option<&IntegrationRecord>,
    bag: Map<String, Value>,
    version: Option<Map<String, Value>>,
) -> Value {
    let step = step_of(one);
    let edge: Map<String, Value> =
        EDGE.iter().filter_map(|key| Some(((*key).to_owned(), step.get(*key)?.clone()))).collect();
    let mut object = json!({
        "operation": one.operation.as_str(),
        "name": one.name,
        "type": one.kind,
        "resourceId": stable_number(one.name),
        "projectId": facts.project_id,
        "isJob": one.is_job,
        "isConsistent": true,
    });
    let mut add = |key: &str, value: Value| object.as_object_mut().map(|object| object.insert(key.to_owned(), value));
    if let Some(integration) = integration {
        add("subscriptionIntegrationId", stable_number(&integration.name).to_string().into());
    }
    add("propertyBag", bag.into());
    add("versionDependencyPropertyBag", edge.into());
    if let Some(version) = version {
        add("version", version.into());
    }
    add("step", step.into());
    object
}

fn recorded(one: &Chosen, version: Option<Map<String, Value>>, template: Option<Map<String, Value>>) -> Recorded {
    Recorded {
        operation: one.operation.into(),
        name: one.name.to_owned(),
        kind: one.kind.to_owned(),
        is_job: one.is_job,
        resource_id: stable_number(one.name),
        step: step_of(one),
        version,
        template,
        secure: None,
        section: one.version.as_ref().and_then(|version| version.section.clone()),
    }
}
