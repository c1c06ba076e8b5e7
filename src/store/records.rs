//! What is written down.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::Owner;

/// One version of a resource or of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// The first is 1.
    pub version_number: u64,
    /// Made from the owner and the number, so the same everywhere; small enough for every reader of JSON.
    pub version_id: u64,
    /// The name, such as a tag.
    #[serde(default)]
    pub version_name: Option<String>,
    /// `YYYY-MM-DDTHH:MM:SS.mmmZ`.
    pub created_at: String,
    /// What the version is about.
    #[serde(default)]
    pub property_bag: Map<String, Value>,
    /// The versions that it was made from.
    #[serde(default)]
    pub inputs: Vec<Input>,
    /// The run that made it; none when it was made from the yml.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// The hash of the section of the yml that is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
}

/// A version that something was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    /// The resource or the job.
    pub name: String,
    /// Its version's number.
    pub version_number: u64,
    /// Its version's name.
    #[serde(default)]
    pub version_name: Option<String>,
}

/// One run of a job.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunId {
    /// The job.
    pub job: String,
    /// The build number.
    pub build_number: String,
    /// What tells two runs of one build number apart; the same whenever `finish` is repeated.
    pub token: String,
}

/// A version that is not there yet.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Draft {
    /// The name.
    pub version_name: Option<String>,
    /// What the version is about.
    pub property_bag: Map<String, Value>,
    /// The versions that it is made from.
    pub inputs: Vec<Input>,
    /// The hash of the section of the yml; that of the newest version when there is none.
    pub section: Option<String>,
}

/// What a run is about to leave.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunPlan {
    /// How it ended: `success`, `failure`.
    pub status: String,
    /// The versions that it was given.
    pub inputs: Vec<Input>,
    /// The versions that it makes, in order.
    pub outputs: Vec<(Owner, Draft)>,
}

/// What a run has left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunRecord {
    /// The run.
    #[serde(flatten)]
    pub id: RunId,
    /// How it ended.
    pub status: String,
    /// When that was.
    pub created_at: String,
    /// The versions that it was given.
    pub inputs: Vec<Input>,
    /// The versions that it made, in order.
    pub outputs: Vec<Output>,
}

/// A version that a run has made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// Whose version.
    pub owner: Owner,
    /// Its number.
    pub version_number: u64,
    /// Its id.
    pub version_id: u64,
    /// Its name.
    #[serde(default)]
    pub version_name: Option<String>,
}

impl RunRecord {
    /// Whether the run made this version.
    pub(super) fn lists(&self, owner: &Owner, number: u64) -> bool {
        self.outputs.iter().any(|output| output.version_number == number && output.owner == *owner)
    }
}

impl Draft {
    /// Whether a version says what this one would.
    pub(super) fn is_that_of(&self, version: &Version) -> bool {
        self.version_name == version.version_name
            && self.property_bag == version.property_bag
            && self.inputs == version.inputs
            && self.section == version.section
    }

    pub(super) fn version(&self, owner: &Owner, number: u64, run: Option<&RunId>, now: &str) -> Version {
        Version {
            version_number: number,
            version_id: version_id(owner, number),
            version_name: self.version_name.clone(),
            created_at: now.to_owned(),
            property_bag: self.property_bag.clone(),
            inputs: self.inputs.clone(),
            run: run.cloned(),
            section: self.section.clone(),
        }
    }
}

/// An id of 52 bits: numbers of JSON are exact up to 53.
fn version_id(owner: &Owner, number: u64) -> u64 {
    let digest = Sha256::digest(format!("{}/{number}", owner.folder()));
    digest.iter().take(8).fold(0, |id, byte| id << 8 | u64::from(*byte)) >> 12
}

/// `YYYY-MM-DDTHH:MM:SS.mmmZ`.
pub(super) fn timestamp(at: SystemTime) -> String {
    let at = jiff::Timestamp::try_from(at).unwrap_or_default();
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn moments_as_the_contract_writes_them() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_546_398_245_007);
        assert_eq!(timestamp(at), "2019-01-02T03:04:05.007Z");
        assert_eq!(timestamp(SystemTime::UNIX_EPOCH), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn ids_differ_and_are_exact() {
        let (resource, job) = (Owner::Resource("a".to_owned()), Owner::Job("a".to_owned()));
        let ids = [version_id(&resource, 1), version_id(&resource, 2), version_id(&job, 1)];
        assert!(ids[0] != ids[1] && ids[0] != ids[2] && ids.iter().all(|id| *id < 1 << 53), "{ids:?}");
    }
}
