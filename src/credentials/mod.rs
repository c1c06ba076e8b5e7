//! From a source (an integration, a profile, the ambient chain, a Spinnaker account) to credentials.

pub mod cache; // sessions kept between processes
pub mod docker; // Docker's config.json and credential helpers
pub mod endpoint; // fresh credentials for a child process
pub mod github; // credentials for the later steps of a GitHub Actions job
pub mod profiles; // profiles in the shared AWS files
pub mod session; // roles assumed in turn
pub mod shared_files; // the shared AWS files on disk
pub mod source; // where credentials come from
pub mod text; // credentials as text for a shell or a tool
pub mod variables; // the variables that carry credentials, and those that are cleared

use std::time::SystemTime;

pub use crate::aws::timestamp;
use crate::support::secret::SecretText;

/// Keys, with what is known about them.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The access key id.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: SecretText,
    /// The token of temporary credentials.
    pub session_token: Option<SecretText>,
    /// When they end; static keys do not.
    pub expires: Option<SystemTime>,
    /// The region that goes with them.
    pub region: Option<String>,
    /// The account, where it is known.
    pub account: Option<String>,
    /// The role that gave them.
    pub role: Option<String>,
}

/// One AssumeRole call, in the words of the AWS CLI.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleRequest {
    /// The role.
    pub arn: String,
    /// `--role-session-name`.
    pub session_name: String,
    /// `--duration-seconds`.
    pub duration_seconds: Option<i32>,
    /// `--external-id`.
    pub external_id: Option<String>,
    /// `--policy`, JSON.
    pub policy: Option<String>,
    /// `--policy-arns`.
    pub policy_arns: Vec<String>,
    /// `--tags`.
    pub tags: Vec<(String, String)>,
    /// `--transitive-tag-keys`.
    pub transitive_tag_keys: Vec<String>,
    /// `--serial-number`, of an MFA device.
    pub serial_number: Option<String>,
    /// `--token-code`.
    pub token_code: Option<String>,
    /// `--source-identity`.
    pub source_identity: Option<String>,
}

/// The account in an ARN.
pub fn arn_account(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|account| !account.is_empty())
}

/// The partition that a region is in.
pub fn partition_of(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ if region.starts_with("us-iso-") => "aws-iso",
        _ if region.starts_with("us-isob-") => "aws-iso-b",
        _ => "aws",
    }
}
