//! What a person asked for.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::config::shippable::Job;
use crate::error::{Error, Kind};
use crate::job::directory::Operation;
use crate::job::names;

/// What to do where a placeholder names nothing that is set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Undefined {
    /// It becomes nothing, as on the platform.
    #[default]
    Empty,
    /// It stays.
    Keep,
    /// It is an error.
    Error,
}

/// One `--set RESOURCE.KEY=VALUE`.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// The input.
    pub resource: String,
    /// `versionName` or `versionNumber`, which choose a version; else a key of its `propertyBag` or params.
    pub key: String,
    /// The value, as written.
    pub value: String,
}

impl FromStr for Override {
    type Err = String;

    /// The first `=` ends the key; the key begins after the last dot before it, since names may have dots.
    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('=').and_then(|(left, value)| Some((left.rsplit_once('.')?, value)));
        match parts {
            Some(((resource, key), value)) if !resource.is_empty() && !key.is_empty() => {
                Ok(Self { resource: resource.to_owned(), key: key.to_owned(), value: value.to_owned() })
            }
            _ => Err(format!("{text:?} is not RESOURCE.KEY=VALUE, such as app-img.versionName=v1")),
        }
    }
}

impl Override {
    /// The value as JSON where it is a number, a truth value, a list or an object, else as text.
    pub fn json(&self) -> Value {
        match serde_json::from_str(&self.value) {
            Ok(Value::String(_) | Value::Null) | Err(_) => Value::String(self.value.clone()),
            Ok(value) => value,
        }
    }
}

/// Options of `job init`.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where the job directory is to be, absolute.
    pub dir: PathBuf,
    /// Placeholders that name nothing.
    pub undefined: Undefined,
    /// Whether secrets may get into files through placeholders.
    pub allow_secrets: bool,
    /// Versions and values of inputs.
    pub overrides: Vec<Override>,
    /// Checkouts that are there, by repository.
    pub checkouts: BTreeMap<String, PathBuf>,
    /// A private key for `secrets/00_sub`.
    pub ssh_key: Option<PathBuf>,
    /// Whether params that are lists or objects become what the platform made of them.
    pub compat: bool,
    /// Where the caller stands.
    pub cwd: Option<PathBuf>,
}

impl Options {
    /// Refuses what names no input of the job.
    ///
    /// # Errors
    ///
    /// [`Kind::Usage`]: which one, and what is near.
    pub(super) fn check(&self, job: &Job) -> Result<(), Error> {
        let inputs = || job.dependencies().filter(|dependency| dependency.operation == Operation::In);
        let options = self.overrides.iter().map(|one| ("--set", &one.resource));
        for (option, name) in options.chain(self.checkouts.keys().map(|name| ("--git", name))) {
            if !inputs().any(|input| input.name == *name) {
                let near = names::did_you_mean(name, inputs().map(|input| input.name.as_str()));
                let message = format!("{option} {name}: the job {} has no input of this name{near}", job.name);
                return Err(Error::new(Kind::Usage, message));
            }
        }
        match self.checkouts.iter().find(|(_, path)| !path.is_dir()) {
            Some((name, path)) => {
                let message = format!("--git {name}={}: no such folder: name a checkout", path.display());
                Err(Error::new(Kind::Usage, message))
            }
            None => Ok(()),
        }
    }

    /// The value that `--set` gives to a key that chooses a version.
    pub(super) fn chosen(&self, resource: &str, key: &str) -> Option<&str> {
        let of = |one: &&Override| one.resource == resource && one.key == key;
        self.overrides.iter().rev().find(of).map(|one| one.value.as_str())
    }

    /// Puts the other values of `--set` into a version.
    pub(super) fn apply(&self, resource: &str, kind: &str, bag: &mut Map<String, Value>) {
        for one in self.overrides.iter().filter(|one| one.resource == resource) {
            if matches!(one.key.as_str(), "versionName" | "versionNumber") {
                continue;
            }
            if kind == "params" {
                let params = bag.entry("params").or_insert_with(|| Value::Object(Map::new()));
                if let Some(params) = params.as_object_mut() {
                    params.insert(one.key.clone(), one.json());
                }
            } else {
                bag.insert(one.key.clone(), one.json());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_by_their_looks() {
        for (text, resource, key, json) in [
            ("app-img.versionName=v1", "app-img", "versionName", "\"v1\""),
            ("a.b.KEY=x=y.z", "a.b", "KEY", "\"x=y.z\""),
            ("r.count=3", "r", "count", "3"),
            ("r.count=007", "r", "count", "\"007\""),
            ("r.on=true", "r", "on", "true"),
            ("r.on=null", "r", "on", "\"null\""),
            ("r.list=[\"a\"]", "r", "list", "[\"a\"]"),
            ("r.empty=", "r", "empty", "\"\""),
        ] {
            let got: Override = text.parse().unwrap();
            assert_eq!(
                (got.resource.as_str(), got.key.as_str(), got.json().to_string().as_str()),
                (resource, key, json)
            );
        }
        for text in ["", "a", "a=b", ".k=v", "a.=v"] {
            assert!(text.parse::<Override>().is_err(), "{text}");
        }
    }
}
