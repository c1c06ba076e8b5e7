//! The version of the job itself, which it gets on success and on failure.

use std::collections::HashSet;
use std::path::PathBuf;

use super::version::{Version, document};
use super::{Draft, Run, Status, env_path};
use crate::error::Error;
use crate::job::env_file;

/// What a job may say of its version beside its `.env` file.
const OUTPUT_VERSION: &str = "state/outputVersion.json";

impl Run<'_> {
    /// On success: `outputVersion.json`, and over it the `.env` file of the job, whose properties take the place of all
    /// of it. On failure: a version without properties.
    pub(super) fn job(&mut self, status: Status) -> Result<Draft, Error> {
        let mut version = Version::default();
        let mut from_env = HashSet::new();
        if status == Status::Success {
            version = self.output_version();
            let mut said = serde_json::Map::new();
            for entry in self.env_entries(&self.record.job)? {
                from_env.insert(entry.key.clone());
                match entry.value {
                    Some(name) if entry.key == env_file::VERSION_NAME => {
                        if !name.is_empty() {
                            version.name = Some(name);
                        }
                    }
                    None if entry.key == env_file::VERSION_NAME => {}
                    Some(value) => {
                        said.insert(entry.key, value.into());
                    }
                    None => {
                        said.shift_remove(&entry.key);
                    }
                }
            }
            if from_env.iter().any(|key| key != env_file::VERSION_NAME) {
                version.bag = said;
            }
        }
        // Both are written anew with every version.
        version.bag.shift_remove("trace");
        version.bag.shift_remove("sha");
        let draft =
            Draft { version_name: version.name, property_bag: version.bag, inputs: self.inputs.clone(), section: None };
        let job = self.record.job.clone();
        self.refuse_secrets(&draft, &self.record.kind, |key| {
            if from_env.contains(key) { env_path(&job) } else { PathBuf::from(OUTPUT_VERSION) }
        })?;
        Ok(draft)
    }

    fn output_version(&mut self) -> Version {
        let file = self.root.join(OUTPUT_VERSION);
        if !file.exists() {
            return Version::default();
        }
        let read = document(&file).map_err(|error| error.to_string());
        let version = read
            .and_then(|document| Version::of(Some(&document)).map_err(|wrong| format!("{}: {wrong}", file.display())));
        version.unwrap_or_else(|wrong| {
            self.notes.push(format!("{wrong}: passed over"));
            Version::default()
        })
    }
}
