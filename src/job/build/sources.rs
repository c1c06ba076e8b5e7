//! Where the parts of a job directory come from: versions and state, secrets, the build, commits.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde_json::{Map, Value};

use crate::ctx::Env;
use crate::error::Error;
pub use crate::store::{Owner, Version};

/// Everything that a job directory is made from, besides the yml.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// Versions and state.
    pub versions: &'a dyn Versions,
    /// Values of integrations, and what references stand for.
    pub secrets: &'a dyn Secrets,
    /// Commits and clones.
    pub commits: &'a dyn Commits,
    /// The build.
    pub facts: &'a Facts,
    /// The environment of the call.
    pub env: &'a Env,
}

impl fmt::Debug for Sources<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").field("facts", &self.facts).finish_non_exhaustive()
    }
}

/// A version to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The name.
    pub version_name: Option<String>,
    /// What it is about.
    pub property_bag: Map<String, Value>,
    /// The digest of the section of the yml.
    pub section: String,
}

/// Versions and state between runs.
pub trait Versions {
    /// The newest version.
    ///
    /// # Errors
    ///
    /// A store that cannot be read.
    fn latest(&self, owner: &Owner) -> Result<Option<Version>, Error>;

    /// A version by its number.
    ///
    /// # Errors
    ///
    /// A store that cannot be read.
    fn version(&self, owner: &Owner, number: u64) -> Result<Option<Version>, Error>;

    /// The newest version of a name.
    ///
    /// # Errors
    ///
    /// A store that cannot be read.
    fn version_named(&self, owner: &Owner, name: &str) -> Result<Option<Version>, Error>;

    /// The newest versions, at most so many, ascending.
    ///
    /// # Errors
    ///
    /// A store that cannot be read.
    fn recent(&self, owner: &Owner, most: usize) -> Result<Vec<Version>, Error>;

    /// The number of the version that jobs are given instead of the newest.
    ///
    /// # Errors
    ///
    /// A store that cannot be read.
    fn pinned(&self, owner: &Owner) -> Result<Option<u64>, Error>;

    /// Makes a version, or gives back the newest where that says the same.
    ///
    /// # Errors
    ///
    /// A store that cannot be written to.
    fn create(&self, owner: &Owner, draft: &Draft) -> Result<Version, Error>;

    /// The newest state that a job saved.
    ///
    /// # Errors
    ///
    /// A store that cannot be read.
    fn latest_state(&self, job: &str) -> Result<Option<String>, Error>;

    /// Puts the files of a state into a folder, which is there and empty, one after the other.
    ///
    /// # Errors
    ///
    /// No such state, or a folder that cannot be written to.
    fn fetch_state(&self, owner: &Owner, sha: &str, into: &Path) -> Result<(), Error>;

    /// Where it is, in words and for `status/run.json`: an absolute folder or `s3://bucket/prefix`.
    fn place(&self) -> String;
}

/// An integration with its values. `Debug` shows none.
#[derive(Clone, PartialEq)]
pub struct IntegrationRecord {
    /// The name by which the yml refers to it.
    pub name: String,
    /// Its type.
    pub master_name: String,
    /// Its fields: texts, lists of texts, objects of texts.
    pub fields: Map<String, Value>,
    /// The content of `integration.json`.
    pub json: String,
    /// The content of `integration.env`.
    pub env: Vec<u8>,
}

impl fmt::Debug for IntegrationRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("IntegrationRecord");
        shown.field("name", &self.name).field("master_name", &self.master_name).finish_non_exhaustive()
    }
}

/// Values that nobody but the job may see.
pub trait Secrets {
    /// The integrations of these names.
    ///
    /// # Errors
    ///
    /// Every one that is not there or lacks a value, in one message.
    fn resolve(&self, names: &[&str]) -> Result<BTreeMap<String, IntegrationRecord>, Error>;

    /// What a reference (`env:NAME`, `file:PATH`, `exec:COMMAND`) stands for.
    ///
    /// # Errors
    ///
    /// Why it stands for nothing.
    fn reference(&self, text: &str) -> Result<String, String>;
}

/// What is known of the build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The number, as people speak of it.
    pub build_number: String,
    /// The id.
    pub build_id: String,
    /// Where it is shown.
    pub build_url: Option<String>,
    /// What started it: a resource, a job or a person.
    pub triggered_by_name: String,
    /// The id of that.
    pub triggered_by_id: String,
    /// The login of the person, or nothing.
    pub triggered_by_user: String,
    /// What stands for the subscription.
    pub subscription_id: String,
    /// What stands for the project.
    pub project_id: String,
    /// Where the CI is.
    pub www_url: Option<String>,
}

/// A gitRepo or syncRepo that a job takes in or gives out.
#[derive(Debug, Clone, Copy)]
pub struct Repository<'a> {
    /// The resource.
    pub name: &'a str,
    /// Its section of the yml: `sourceName`, `branch`, `depth`, `gitConfig`, ...
    pub section: &'a Map<String, Value>,
    /// The checkout that `--git` named.
    pub checkout: Option<&'a Path>,
    /// The commit that was asked for, instead of the one that the CI builds.
    pub wanted: Option<&'a str>,
}

/// Commits and clones.
pub trait Commits {
    /// `shaData` of the commit that the job is about; `None` where nothing tells, so that the newest version stays.
    ///
    /// # Errors
    ///
    /// A checkout that is none.
    fn sha_data(&self, repository: &Repository) -> Result<Option<Map<String, Value>>, Error>;

    /// `normalizedRepo`; `None` where nothing tells.
    ///
    /// # Errors
    ///
    /// A checkout that is none.
    fn normalized_repo(&self, repository: &Repository) -> Result<Option<Map<String, Value>>, Error>;

    /// Clones a repository that has no checkout into a folder, which is there and empty, and checks the commit out.
    ///
    /// # Errors
    ///
    /// git's own, or no way to the repository.
    fn clone_into(&self, repository: &Repository, options: &CloneOptions, into: &Path) -> Result<(), Error>;
}

/// What a clone needs.
#[derive(Debug, Clone, Copy)]
pub struct CloneOptions<'a> {
    /// `normalizedRepo`.
    pub normalized_repo: Option<&'a Map<String, Value>>,
    /// `shaData` of the version, when it has any.
    pub sha_data: Option<&'a Map<String, Value>>,
    /// The integration of the resource.
    pub integration: Option<&'a IntegrationRecord>,
    /// What else git may log in with: every `gitCredential` of the job.
    pub credentials: &'a [&'a IntegrationRecord],
    /// The deploy key, when there is one.
    pub key: Option<&'a Path>,
    /// `secrets`, while the directory is made.
    pub secrets: &'a Path,
    /// Where `secrets` is going to be.
    pub secrets_later: &'a Path,
}
