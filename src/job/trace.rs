//! Which versions the newest versions of a job and of its outputs were made from, and those from which others.

use std::collections::HashSet;

use crate::config::shippable::{Job, Pipeline};
use crate::error::Error;
use crate::job::build::sources::{Owner, Version, Versions};
use crate::job::directory::Operation;

/// A version, and what it was made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Traced {
    /// Whose version.
    pub owner: Owner,
    /// Its number; none for what has no version yet.
    pub version_number: Option<u64>,
    /// Its name.
    pub version_name: Option<String>,
    /// The version itself, where the store has it.
    pub version: Option<Version>,
    /// What it was made from. `None`: that has been told already, or leads back to where it began.
    pub inputs: Option<Vec<Self>>,
}

/// The newest version of a job and of each of its outputs, with all that they were made from.
///
/// # Errors
///
/// A store that cannot be read.
pub fn of(pipeline: &Pipeline, job: &Job, versions: &dyn Versions) -> Result<Vec<Traced>, Error> {
    let mut tracing = Tracing { pipeline, versions, told: HashSet::new(), way: Vec::new() };
    let outputs = job.dependencies().filter(|dependency| dependency.operation == Operation::Out);
    let mut owners = vec![Owner::Job(job.name.clone())];
    owners.extend(outputs.map(|output| tracing.owner(&output.name)));
    let mut seen = HashSet::new();
    owners.retain(|owner| seen.insert(owner.clone()));
    owners.into_iter().map(|owner| tracing.newest(owner)).collect()
}

struct Tracing<'a> {
    pipeline: &'a Pipeline,
    versions: &'a dyn Versions,
    /// Versions whose inputs were told: a version that many were made from would be told again for each.
    told: HashSet<(Owner, u64)>,
    /// From the version that is asked about to the one that it goes on from. A state is made from its last version,
    /// and that from the one before: whoever is on the way already ends it.
    way: Vec<Owner>,
}

impl Tracing<'_> {
    fn owner(&self, name: &str) -> Owner {
        let name = name.to_owned();
        if self.pipeline.job(&name).is_some() { Owner::Job(name) } else { Owner::Resource(name) }
    }

    fn newest(&mut self, owner: Owner) -> Result<Traced, Error> {
        match self.versions.latest(&owner)? {
            Some(version) => self.traced(owner, version),
            None => {
                Ok(Traced { owner, version_number: None, version_name: None, version: None, inputs: Some(Vec::new()) })
            }
        }
    }

    fn traced(&mut self, owner: Owner, version: Version) -> Result<Traced, Error> {
        let number = version.version_number;
        let goes_on = !self.way.contains(&owner) && self.told.insert((owner.clone(), number));
        let mut inputs = None;
        if goes_on || version.inputs.is_empty() {
            self.way.push(owner.clone());
            inputs = Some(version.inputs.iter().map(|input| self.input(input)).collect::<Result<_, _>>()?);
            self.way.pop();
        }
        let version_name = version.version_name.clone();
        Ok(Traced { owner, version_number: Some(number), version_name, version: Some(version), inputs })
    }

    /// A name tells nothing of whether it is a job's, and a job may have left the yml since.
    fn input(&mut self, input: &crate::store::Input) -> Result<Traced, Error> {
        let likely = self.owner(&input.name);
        let other = match &likely {
            Owner::Job(name) => Owner::Resource(name.clone()),
            Owner::Resource(name) => Owner::Job(name.clone()),
        };
        for owner in [likely.clone(), other] {
            if let Some(version) = self.versions.version(&owner, input.version_number)? {
                let traced = self.traced(owner, version)?;
                // The run saw its name with placeholders filled.
                let version_name = input.version_name.clone().or(traced.version_name);
                return Ok(Traced { version_name, ..traced });
            }
        }
        Ok(Traced {
            owner: likely,
            version_number: Some(input.version_number),
            version_name: input.version_name.clone(),
            version: None,
            inputs: Some(Vec::new()),
        })
    }
}

#[cfg(test)]
mod tests;
