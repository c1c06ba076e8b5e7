//! `status/run.json`: what `job init` remembers of a run, for `job run`, `job env` and `job finish`.
//!
//! Scripts may change every other file of the job directory; what a run began with has to be known when it ends.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, Kind};
use crate::job::directory::Operation;
use crate::support::atomic;

/// A run of a job.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The job.
    pub job: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The build number.
    pub build_number: String,
    /// Random: two runs of one build number differ in it, a repeated `finish` does not.
    pub token: String,
    /// Where versions and state are kept: an absolute folder, or `s3://bucket/prefix`.
    pub store: String,
    /// Inputs and outputs, in the order of the steps.
    pub dependencies: Vec<Recorded>,
    /// Names of variables that the tools of cliConfig inputs need, and their values: in none of the other files.
    #[serde(default)]
    pub cli_variables: Vec<(String, String)>,
    /// Variables that would win over what those tools are configured with: they do not reach the job.
    #[serde(default)]
    pub cli_removed: Vec<String>,
    /// What logs must not show beside the values of integrations: sessions and logins of those tools.
    #[serde(default)]
    pub masks: Vec<String>,
    /// Whether secrets may be in files: what is perhaps none is not looked for in what is kept then.
    #[serde(default)]
    pub allow_secrets: bool,
}

/// An input or output of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recorded {
    /// `IN` or `OUT`.
    pub operation: Side,
    /// The resource or job.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// True for a job.
    pub is_job: bool,
    /// The stable number of the name.
    pub resource_id: u64,
    /// The step, with its options (`replicate`, `overwrite`, `on_failure`, ...).
    pub step: Map<String, Value>,
    /// `version` of `version.json` as the run began: templated, references to secrets not resolved. `None` for an output
    /// that has no version yet.
    pub version: Option<Map<String, Value>>,
    /// The digest of the yml section that the version was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
}

/// [`Operation`], as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Side {
    /// An input.
    In,
    /// An output.
    Out,
}

impl From<Operation> for Side {
    fn from(operation: Operation) -> Self {
        match operation {
            Operation::In => Self::In,
            Operation::Out => Self::Out,
        }
    }
}

impl From<Side> for Operation {
    fn from(side: Side) -> Self {
        match side {
            Side::In => Self::In,
            Side::Out => Self::Out,
        }
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("job", &self.job)
            .field("build_number", &self.build_number)
            .finish_non_exhaustive()
    }
}

impl Record {
    /// Where it is in a job directory.
    pub fn file(root: &Path) -> PathBuf {
        root.join("status/run.json")
    }

    /// Reads it.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`]: there is none, or it is not what `job init` wrote.
    pub fn read(root: &Path) -> Result<Self, Error> {
        let file = Self::file(root);
        let text = std::fs::read(&file).map_err(|error| {
            let cure = if error.kind() == std::io::ErrorKind::NotFound {
                ": it was not made by `shipctl job init JOB`"
            } else {
                ""
            };
            Error::new(Kind::Configuration, format_args!("cannot read {}: {error}{cure}", file.display()))
        })?;
        serde_json::from_slice(&text).map_err(|error| {
            let message = format!("{}: {error}: make the job directory anew with `shipctl job init`", file.display());
            Error::new(Kind::Configuration, message)
        })
    }

    /// Writes it whole.
    ///
    /// # Errors
    ///
    /// A folder that cannot be written.
    pub fn write(&self, root: &Path) -> Result<(), Error> {
        let file = Self::file(root);
        let text = serde_json::to_vec(self).map_err(|error| Error::failed(format_args!("the run: {error}")))?;
        atomic::replace_bytes(&file, &text).map_err(|error| Error::io("write", &file, &error))
    }
}
