//! The versions of a run: all or none, and once.
//!
//! 1. Every version takes a number: its file is made under the condition that it is not there, and names the run.
//! 2. The run's record is made under the same condition. It lists the versions: this is the commit.
//! 3. `latest` of each moves on; whoever comes before that looks beyond it.
//!
//! A run that died in 1 finds the numbers that it took, as long as nobody has gone past them; what it does not use is
//! never seen. A run that died after 2 finds its record, and has nothing left to do.

use super::location::{encoded, encoded_number};
use super::versions::with_section;
use super::{Output, Owner, RunId, RunPlan, RunRecord, Step, Store, Version};
use crate::error::Error;

/// What a commit did.
#[derive(Debug, Clone, PartialEq)]
pub struct Committed {
    /// The versions of the run, in the order of the plan.
    pub versions: Vec<(Owner, Version)>,
    /// It had been done before: nothing was written.
    pub already: bool,
}

/// The record of a run; runs of one build number (which a host's re-run keeps) are counted.
fn record_name(job: &str, build_number: &str, attempt: u32) -> String {
    let build_number = encoded_number(build_number);
    match attempt {
        1 => format!("runs/{}/{build_number}.json", encoded(job)),
        _ => format!("runs/{}/{build_number}.{attempt}.json", encoded(job)),
    }
}

impl Store {
    /// Writes down what a run leaves: all of it or nothing. When that has been done before, what was written then is
    /// returned and nothing is written, whatever the plan.
    pub fn commit_run(&self, run: &RunId, plan: &RunPlan) -> Result<Committed, Error> {
        if let Some(record) = self.record_of(run)? {
            return self.as_recorded(record);
        }
        let versions = self.allocate_all(run, plan)?;
        self.step(Step::Allocated)?;
        let outputs = versions.iter().map(|(owner, version)| Output {
            owner: owner.clone(),
            version_number: version.version_number,
            version_id: version.version_id,
            version_name: version.version_name.clone(),
        });
        let record = RunRecord {
            id: run.clone(),
            status: plan.status.clone(),
            created_at: self.now(),
            inputs: plan.inputs.clone(),
            outputs: outputs.collect(),
        };
        if let Some(earlier) = self.make_record(&record)? {
            return self.as_recorded(earlier);
        }
        self.step(Step::Recorded)?;
        for (owner, version) in &versions {
            // It is a hint: the run is committed whether or not it moves.
            let _ = self.move_latest(owner, version.version_number);
            self.step(Step::Moved)?;
        }
        Ok(Committed { versions, already: false })
    }

    fn allocate_all(&self, run: &RunId, plan: &RunPlan) -> Result<Vec<(Owner, Version)>, Error> {
        let mut versions: Vec<(Owner, Version)> = Vec::new();
        for (owner, draft) in &plan.outputs {
            let newest = self.newest(owner)?;
            let draft = with_section(draft, newest.version.as_ref());
            let own = versions.iter().filter(|(other, _)| other == owner);
            let taken: Vec<u64> = own.map(|(_, version)| version.version_number).collect();
            let version = self.allocate(owner, &draft, Some(run), newest.next(), &taken)?;
            versions.push((owner.clone(), version));
            self.step(Step::Allocated)?;
        }
        Ok(versions)
    }

    /// Makes the record under the first name that is free; returns that of the same run where it has one already.
    fn make_record(&self, record: &RunRecord) -> Result<Option<RunRecord>, Error> {
        let RunId { job, build_number, token } = &record.id;
        for attempt in 1.. {
            let name = record_name(job, build_number, attempt);
            match self.objects().create_or_read(&name, record)? {
                None => return Ok(None),
                // What a repeated request finds is what it wrote itself.
                Some(there) if there == *record => return Ok(None),
                Some(there) if there.id.token == *token => return Ok(Some(there)),
                Some(_) => {}
            }
        }
        Err(Error::failed(format_args!("build {build_number} of job {job} has been run too often")))
    }

    fn as_recorded(&self, record: RunRecord) -> Result<Committed, Error> {
        let versions = record.outputs.into_iter().map(|Output { owner, version_number, .. }| {
            let version = self.version(&owner, version_number)?.ok_or_else(|| {
                Error::failed(format_args!(
                    "version {version_number} of {owner} is not in the store {}, although build {} of job {} made it: \
                     restore it",
                    self.place(),
                    record.id.build_number,
                    record.id.job
                ))
            })?;
            Ok((owner, version))
        });
        Ok(Committed { versions: versions.collect::<Result<_, Error>>()?, already: true })
    }

    /// What a run has left, if it has come to its end.
    pub fn record_of(&self, run: &RunId) -> Result<Option<RunRecord>, Error> {
        for attempt in 1.. {
            match self.objects().read::<RunRecord>(&record_name(&run.job, &run.build_number, attempt))? {
                Some(record) if record.id.token == run.token => return Ok(Some(record)),
                Some(_) => {}
                None => break,
            }
        }
        Ok(None)
    }

    /// What the last run of a build number has left.
    pub fn run(&self, job: &str, build_number: &str) -> Result<Option<RunRecord>, Error> {
        let mut last = None;
        for attempt in 1.. {
            match self.objects().read::<RunRecord>(&record_name(job, build_number, attempt))? {
                Some(record) => last = Some(record),
                None => break,
            }
        }
        Ok(last)
    }

    /// The build number that would be given out next.
    pub fn likely_build_number(&self, job: &str) -> Result<u64, Error> {
        let folder = format!("runs/{}/numbers", encoded(job));
        Ok(self.objects().numbers(&folder)?.last().copied().unwrap_or(0) + 1)
    }

    /// A build number that nobody else is given, for a job that no CI counts.
    pub fn next_build_number(&self, job: &str) -> Result<u64, Error> {
        let folder = format!("runs/{}/numbers", encoded(job));
        let last = self.objects().numbers(&folder)?.last().copied().unwrap_or(0);
        let now = self.now();
        for number in last + 1.. {
            if self.objects().create(&format!("{folder}/{number}"), &now)? {
                return Ok(number);
            }
        }
        Err(Error::failed(format_args!("every build number of job {job} is taken")))
    }
}
