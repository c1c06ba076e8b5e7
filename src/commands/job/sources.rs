//! What a job directory is made from, as this machine has it: the store, integrations, the CI and git.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::config::integrations::{self, Integrations, Record};
use crate::ctx::{Ctx, Env};
use crate::error::Error;
use crate::host::{Host, commit};
use crate::job::build::sources::{
    CloneOptions, Commits, Draft, Facts, IntegrationRecord, Owner, Repository, Secrets, Version, Versions,
};
use crate::job::build::stable_number;
use crate::job::repository::{self, Checkout, Clone as CloneOf, Credential, Credentials, PullRequest};
use crate::store::{self, Location, Store};

/// The store.
pub(crate) struct Stored<'a> {
    pub(crate) store: &'a Store,
    /// Where it is, as `job finish` finds it again; the store's own word for it has its address as well.
    pub(crate) location: Location,
}

impl Versions for Stored<'_> {
    fn latest(&self, of: &Owner) -> Result<Option<Version>, Error> {
        self.store.latest(of)
    }

    fn version(&self, of: &Owner, number: u64) -> Result<Option<Version>, Error> {
        self.store.version(of, number)
    }

    fn version_named(&self, of: &Owner, name: &str) -> Result<Option<Version>, Error> {
        self.store.version_named(of, name)
    }

    fn recent(&self, of: &Owner, most: usize) -> Result<Vec<Version>, Error> {
        self.store.recent(of, most)
    }

    fn pinned(&self, of: &Owner) -> Result<Option<u64>, Error> {
        self.store.pinned(of)
    }

    fn create(&self, of: &Owner, draft: &Draft) -> Result<Version, Error> {
        let draft = store::Draft {
            version_name: draft.version_name.clone(),
            property_bag: draft.property_bag.clone(),
            inputs: Vec::new(),
            section: Some(draft.section.clone()),
        };
        self.store.create(of, &draft)
    }

    fn latest_state(&self, job: &str) -> Result<Option<String>, Error> {
        self.store.latest_state(job)
    }

    fn fetch_state(&self, of: &Owner, sha: &str, into: &Path) -> Result<(), Error> {
        self.store.fetch_state(of, sha, into)
    }

    fn place(&self) -> String {
        self.location.to_string()
    }
}

/// Integrations from a file and the environment.
pub(crate) struct Given<'a> {
    integrations: Integrations,
    env: &'a Env,
    /// What references in the yml are relative to.
    base: PathBuf,
    /// What has been asked for: a command that gives a secret runs once.
    pub(super) resolved: RefCell<BTreeMap<String, Record>>,
}

impl<'a> Given<'a> {
    pub(crate) fn load(ctx: &'a Ctx, file: Option<&Path>, base: PathBuf) -> Result<Self, Error> {
        let integrations = Integrations::load(&ctx.env, file)?;
        Ok(Self { integrations, env: &ctx.env, base, resolved: RefCell::default() })
    }

    /// What is wrong with integrations that nobody has asked for, one line each.
    pub(super) fn notes(&self) -> Vec<String> {
        let resolved = self.resolved.borrow();
        let wrong = self.integrations.wrong_elsewhere(|name| resolved.contains_key(name));
        wrong.iter().map(|wrong| format!("{wrong}; this job goes on without it")).collect()
    }
}

impl Secrets for Given<'_> {
    fn resolve(&self, names: &[&str]) -> Result<BTreeMap<String, IntegrationRecord>, Error> {
        let records = self.integrations.resolve(names)?;
        let found = records.iter().map(|(name, record)| {
            let found = IntegrationRecord {
                name: record.name.clone(),
                master_name: record.master_name.clone(),
                fields: record.fields.clone(),
                json: record.integration_json(),
                env: record.integration_env(),
            };
            (name.clone(), found)
        });
        let found = found.collect();
        self.resolved.borrow_mut().extend(records);
        Ok(found)
    }

    fn reference(&self, text: &str) -> Result<String, String> {
        integrations::reference(self.env, &self.base, text)
    }
}

/// The commits of the checkout here, or of one that was named.
pub(super) struct Here<'a> {
    pub(super) host: &'a Host,
    pub(super) env: &'a Env,
    /// The working directory, which may be a checkout.
    pub(super) cwd: &'a Path,
    /// What was passed over, one line each.
    pub(super) notes: RefCell<Vec<String>>,
}

impl Here<'_> {
    /// A named checkout, or that of the working directory when it is of this repository.
    fn place<'b>(&'b self, repository: &Repository<'b>) -> Result<Option<&'b Path>, Error> {
        if repository.checkout.is_some() {
            return Ok(repository.checkout);
        }
        let wanted = repository.section.get("sourceName").and_then(Value::as_str);
        let is_checkout = self.cwd.ancestors().any(|folder| folder.join(".git").exists());
        if !is_checkout || wanted.is_none() {
            return Ok(None);
        }
        let here = commit::normalized_repo(Some(self.cwd), self.host, self.env)?;
        Ok((here.get("fullName").and_then(Value::as_str) == wanted).then_some(self.cwd))
    }
}

impl Commits for Here<'_> {
    fn sha_data(&self, repository: &Repository) -> Result<Option<Map<String, Value>>, Error> {
        let Some(place) = self.place(repository)? else { return Ok(None) };
        let found = commit::sha_data(Some(place), self.host, self.env)?;
        let sha = found.get("commitSha").and_then(Value::as_str).unwrap_or_default();
        Ok(repository.wanted.is_none_or(|wanted| wanted == sha).then_some(found))
    }

    fn normalized_repo(&self, repository: &Repository) -> Result<Option<Map<String, Value>>, Error> {
        match self.place(repository)? {
            Some(place) => commit::normalized_repo(Some(place), self.host, self.env).map(Some),
            None => Ok(None),
        }
    }

    fn clone_into(&self, repository: &Repository, options: &CloneOptions, into: &Path) -> Result<(), Error> {
        let text = |map: Option<&Map<String, Value>>, key: &str| {
            let found = map.and_then(|map| map.get(key)).and_then(Value::as_str);
            found.filter(|text| !text.is_empty()).map(ToOwned::to_owned)
        };
        let (repo, commit) = (options.normalized_repo, options.sha_data);
        let number = commit.and_then(|commit| commit.get("pullRequestNumber")).filter(|number| !number.is_null());
        let pull_request = number.filter(|_| commit.is_some_and(|map| map.get("isPullRequest") == Some(&true.into())));
        let source = text(Some(repository.section), "sourceName");
        let git_config = repository.section.get("gitConfig").and_then(Value::as_array);
        let own = options.integration.and_then(credential);
        let address = |name: String| match &own {
            Some(own) => own.address(&name),
            None => format!("https://github.com/{name}.git"),
        };
        let clone = CloneOf {
            source_url: text(Some(repository.section), "sourceUrl"),
            ssh_url: text(repo, "repositorySshUrl"),
            https_url: text(repo, "repositoryHttpsUrl").or_else(|| source.map(address)),
            is_private: repo.is_some_and(|repo| repo.get("isPrivateRepository") == Some(&true.into())),
            provider: text(repo, "repositoryProvider"),
            sha: repository.wanted.map(ToOwned::to_owned).or_else(|| text(commit, "commitSha")),
            branch: text(Some(repository.section), "branch"),
            pull_request: pull_request.map(|number| PullRequest {
                number: crate::job::integration::scalar_text(number),
                base: text(commit, "pullRequestBaseBranch").unwrap_or_default(),
                head: text(commit, "headCommitRef"),
            }),
            depth: repository.section.get("depth").and_then(Value::as_u64).and_then(|depth| depth.try_into().ok()),
            git_config: git_config.into_iter().flatten().filter_map(Value::as_str).map(ToOwned::to_owned).collect(),
            key: options.key.map(Path::to_owned),
            credentials: credentials(repository, options, own.clone()),
        };
        let notes = repository::checkout(&Checkout::Clone(Box::new(clone)), into, self.env)?;
        self.notes.borrow_mut().extend(notes);
        Ok(())
    }
}

fn credential(record: &IntegrationRecord) -> Option<Credential> {
    Credential::of_integration(&record.master_name, &record.fields)
}

/// What git may log in with, the repository's own integration first, in a file of this repository alone: two may be
/// on one host, for which git takes the first.
fn credentials(repository: &Repository, options: &CloneOptions, own: Option<Credential>) -> Option<Credentials> {
    let all: Vec<Credential> =
        own.into_iter().chain(options.credentials.iter().copied().filter_map(credential)).collect();
    let name = format!("{}_git_credentials", repository.name);
    let (file, later) = (options.secrets.join(&name), options.secrets_later.join(&name));
    (!all.is_empty()).then_some(Credentials { all, file, later })
}

/// What is known of the build: from the call, from the CI, else counted in the store.
pub(super) fn facts(ctx: &Ctx, host: &Host, store: &Store, job: &str, given: Option<&str>) -> Result<Facts, Error> {
    let build_number = match given.map(ToOwned::to_owned).or_else(|| host.build_number.clone()) {
        Some(number) => number,
        None => store.next_build_number(job)?.to_string(),
    };
    let actor = host.actor.clone().unwrap_or_default();
    let from_env = |name: &str| ctx.env.get_filled(name).and_then(|value| value.into_string().ok());
    Ok(Facts {
        build_id: host.build_id.clone().unwrap_or_else(|| build_number.clone()),
        build_number,
        build_url: host.build_url.clone(),
        triggered_by_name: actor.clone(),
        triggered_by_id: if actor.is_empty() { String::new() } else { stable_number(&actor).to_string() },
        triggered_by_user: actor,
        subscription_id: from_env("SUBSCRIPTION_ID").unwrap_or_else(|| stable_number("subscription").to_string()),
        project_id: from_env("PROJECT_ID").unwrap_or_else(|| stable_number("project").to_string()),
        www_url: from_env("SHIPPABLE_WWW_URL"),
    })
}
