//! Versions, secrets and commits without a store, a vault or git.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::error::{Error, Kind};
use crate::job::build::sources::{
    CloneOptions, Commits, Draft, IntegrationRecord, Owner, Repository, Secrets, Version, Versions,
};

/// Everything at once.
#[derive(Default)]
pub struct Memory {
    pub versions: RefCell<BTreeMap<Owner, Vec<Version>>>,
    pub pins: BTreeMap<Owner, u64>,
    /// By sha: files and contents.
    pub states: BTreeMap<String, Vec<(&'static str, Vec<u8>)>>,
    pub job_states: BTreeMap<String, String>,
    pub integrations: BTreeMap<String, IntegrationRecord>,
    pub references: BTreeMap<String, String>,
    pub sha_data: Option<Map<String, Value>>,
    pub normalized_repo: Option<Map<String, Value>>,
    /// Calls that fail.
    pub broken: Option<&'static str>,
    pub calls: RefCell<Vec<String>>,
}

impl Memory {
    pub fn add(&self, owner: Owner, name: Option<&str>, bag: Value, section: Option<&str>) {
        let mut all = self.versions.borrow_mut();
        let versions = all.entry(owner).or_default();
        let number = versions.len() as u64 + 1;
        versions.push(Version {
            version_number: number,
            version_id: 100 + number,
            version_name: name.map(str::to_owned),
            created_at: "2019-01-02T03:04:05.000Z".to_owned(),
            property_bag: bag.as_object().unwrap().clone(),
            section: section.map(str::to_owned),
            inputs: Vec::new(),
            run: None,
        });
    }

    /// Texts, then members of objects, then lists, as the platform had them.
    pub fn integration(&mut self, name: &str, master_name: &str, fields: Value) {
        let fields = fields.as_object().unwrap().clone();
        let mut json = json!({"id": 7, "masterName": master_name});
        for (key, value) in &fields {
            match value {
                Value::Object(members) => json.as_object_mut().unwrap().extend(members.clone()),
                _ => json[key] = value.clone(),
            }
        }
        let env = format!("# {name}").into_bytes();
        let record = IntegrationRecord {
            name: name.into(),
            master_name: master_name.into(),
            fields,
            json: json.to_string(),
            env,
        };
        self.integrations.insert(name.to_owned(), record);
    }

    fn call(&self, what: &'static str) -> Result<(), Error> {
        self.calls.borrow_mut().push(what.to_owned());
        if self.broken == Some(what) { Err(Error::new(Kind::Network, format!("{what} is broken"))) } else { Ok(()) }
    }
}

impl Versions for Memory {
    fn latest(&self, owner: &Owner) -> Result<Option<Version>, Error> {
        self.call("latest")?;
        Ok(self.versions.borrow().get(owner).and_then(|all| all.last().cloned()))
    }

    fn version(&self, owner: &Owner, number: u64) -> Result<Option<Version>, Error> {
        let all = self.versions.borrow();
        Ok(all.get(owner).and_then(|all| all.iter().find(|one| one.version_number == number).cloned()))
    }

    fn version_named(&self, owner: &Owner, name: &str) -> Result<Option<Version>, Error> {
        let all = self.versions.borrow();
        let named = |one: &&Version| one.version_name.as_deref() == Some(name);
        Ok(all.get(owner).and_then(|all| all.iter().rev().find(named).cloned()))
    }

    fn recent(&self, owner: &Owner, most: usize) -> Result<Vec<Version>, Error> {
        let all = self.versions.borrow();
        let all = all.get(owner).cloned().unwrap_or_default();
        Ok(all[all.len().saturating_sub(most)..].to_vec())
    }

    fn pinned(&self, owner: &Owner) -> Result<Option<u64>, Error> {
        Ok(self.pins.get(owner).copied())
    }

    fn create(&self, owner: &Owner, draft: &Draft) -> Result<Version, Error> {
        self.call("create")?;
        let latest = self.versions.borrow().get(owner).and_then(|all| all.last().cloned());
        let same = |one: &Version| {
            one.section.as_ref() == Some(&draft.section)
                && one.version_name == draft.version_name
                && one.property_bag == draft.property_bag
        };
        if let Some(latest) = latest.filter(same) {
            return Ok(latest);
        }
        let bag = Value::Object(draft.property_bag.clone());
        self.add(owner.clone(), draft.version_name.as_deref(), bag, Some(&draft.section));
        Ok(self.versions.borrow()[owner].last().unwrap().clone())
    }

    fn latest_state(&self, job: &str) -> Result<Option<String>, Error> {
        Ok(self.job_states.get(job).cloned())
    }

    fn fetch_state(&self, owner: &Owner, sha: &str, into: &Path) -> Result<(), Error> {
        self.call("fetch_state")?;
        let Some(files) = self.states.get(sha) else {
            return Err(Error::failed(format!("{owner} has no state {sha}")));
        };
        for (name, content) in files {
            fs::write(into.join(name), content).map_err(|error| Error::io("write", into, &error))?;
        }
        Ok(())
    }

    fn place(&self) -> String {
        "/the/store".to_owned()
    }
}

impl Secrets for Memory {
    fn resolve(&self, names: &[&str]) -> Result<BTreeMap<String, IntegrationRecord>, Error> {
        let missing: Vec<&str> = names.iter().filter(|name| !self.integrations.contains_key(**name)).copied().collect();
        if !missing.is_empty() {
            return Err(Error::new(Kind::Configuration, format!("no values for {}", missing.join(", "))));
        }
        Ok(names.iter().map(|name| ((*name).to_owned(), self.integrations[*name].clone())).collect())
    }

    fn reference(&self, text: &str) -> Result<String, String> {
        self.references.get(text).cloned().ok_or_else(|| format!("{text} is not set"))
    }
}

impl Commits for Memory {
    fn sha_data(&self, repository: &Repository) -> Result<Option<Map<String, Value>>, Error> {
        let mut found = self.sha_data.clone();
        if let (Some(found), Some(wanted)) = (&mut found, repository.wanted) {
            found.insert("commitSha".into(), wanted.into());
        }
        Ok(found)
    }

    fn normalized_repo(&self, _: &Repository) -> Result<Option<Map<String, Value>>, Error> {
        Ok(self.normalized_repo.clone())
    }

    fn clone_into(&self, repository: &Repository, options: &CloneOptions, into: &Path) -> Result<(), Error> {
        self.call("clone_into")?;
        let sha = options.sha_data.and_then(|sha| sha.get("commitSha")?.as_str()).unwrap_or_default();
        let key = options.key.map(|key| fs::read_to_string(key).unwrap()).unwrap_or_default();
        let text = format!("{} {sha} {key}", repository.name);
        fs::write(into.join("README"), text).map_err(|error| Error::io("write", into, &error))
    }
}
