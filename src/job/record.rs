//! `status/run.json`: what `job init` remembers of a run, for `job run`, `job env` and `job finish`.
//!
//! Scripts may change every other file of the job directory; what a run began with has to be known when it ends.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::error::{Error, Kind};
use crate::job::directory::Operation;
use crate::support::alive::ProcessMark;
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
    /// Whether params that are lists or objects are as the platform had them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub compat: bool,
    /// Names of variables that the tools of cliConfig inputs need, and their values: in none of the other files.
    #[serde(default)]
    pub cli_variables: Vec<(String, String)>,
    /// Variables that would win over what those tools are configured with: they do not reach the job.
    #[serde(default)]
    pub cli_removed: Vec<String>,
    /// What logs must not show beside the values of integrations: sessions and logins of those tools.
    #[serde(default)]
    pub masks: Vec<String>,
    /// What references under `secure` in the env of TASKs stand for: in none of the other files.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub task_secrets: BTreeMap<String, String>,
    /// The `job run` that the directory belongs to: when that has ended, nobody needs the directory any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner: Option<ProcessMark>,
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
    /// The same before placeholders were filled in, when one of them gave a secret: what is kept has them again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Map<String, Value>>,
    /// What tells whether params still have the secrets that they had, without telling those: see [`secure_digest`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secure: Option<String>,
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

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's way of asking
const fn is_false(value: &bool) -> bool {
    !*value
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("job", &self.job)
            .field("build_number", &self.build_number)
            .finish_non_exhaustive()
    }
}

/// The digest of what is under `secure`, for one run: its random token keeps two runs, and guesses made beforehand, from
/// being compared. The order of names makes no difference.
pub fn secure_digest(token: &str, secure: &Value) -> String {
    let mut hash = Sha256::new();
    add_text(&mut hash, token);
    add_value(&mut hash, secure);
    hash.finalize().iter().fold(String::with_capacity(64), |hex, byte| hex + &format!("{byte:02x}"))
}

fn add_text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text);
}

fn add_value(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Object(members) => {
            hash.update(b"{");
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(key, _)| key.as_str());
            for (key, value) in members {
                hash.update(b",");
                add_text(hash, key);
                add_value(hash, value);
            }
            hash.update(b"}");
        }
        Value::Array(elements) => {
            hash.update(b"[");
            for element in elements {
                hash.update(b",");
                add_value(hash, element);
            }
            hash.update(b"]");
        }
        Value::String(text) => {
            hash.update(b"s");
            add_text(hash, text);
        }
        other => {
            hash.update(b"o");
            add_text(hash, &other.to_string());
        }
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

    /// Reads it where there is one: directories of the platform have none.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn find(root: &Path) -> Result<Option<Self>, Error> {
        if Self::file(root).is_file() { Self::read(root).map(Some) } else { Ok(None) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn digests_differ_where_values_do() {
        let of = |secure: Value| secure_digest("t", &secure);
        let values = [
            json!({"A": "1", "B": "2"}),
            json!({"A": "12", "B": ""}),
            json!({"A": "1"}),
            json!({"A": 1}),
            json!({"A": ["1"]}),
            json!({"A": ["1", "2"]}),
            json!({"A": [["1"], "2"]}),
            json!({}),
            json!([]),
            json!(""),
            Value::Null,
        ];
        for (at, one) in values.iter().enumerate() {
            for (other_at, other) in values.iter().enumerate() {
                assert_eq!(of(one.clone()) == of(other.clone()), at == other_at, "{one} {other}");
            }
        }
        assert_eq!(of(json!({"A": "1", "B": "2"})), of(json!({"B": "2", "A": "1"})));
        assert_ne!(of(json!({})), secure_digest("u", &json!({})));
    }
}
