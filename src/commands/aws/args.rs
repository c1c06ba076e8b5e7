//! The options that say whose credentials, and through which roles.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use crate::credentials::source::Source;
use crate::error::{Error, Kind};

/// Where credentials come from.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SourceArgs {
    /// A resource or integration of the job directory
    #[arg(value_name = "SOURCE", conflicts_with_all = ["profile", "ambient", "clouddriver"])]
    pub source: Option<OsString>,
    #[command(flatten)]
    pub elsewhere: Elsewhere,
}

/// Sources that are no resource or integration.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Elsewhere {
    /// A profile of the shared AWS configuration
    #[arg(long, value_name = "NAME", conflicts_with_all = ["ambient", "clouddriver"])]
    pub profile: Option<String>,
    /// The SDK's default chain: environment, profile, web identity, container, instance
    #[arg(long, conflicts_with = "clouddriver")]
    pub ambient: bool,
    /// A Spinnaker clouddriver.yml, with --account
    #[arg(long, value_name = "FILE", requires = "account")]
    pub clouddriver: Option<PathBuf>,
    /// The ECS or AWS account in it
    #[arg(long, value_name = "NAME", requires = "clouddriver")]
    pub account: Option<String>,
}

impl Elsewhere {
    /// The one that was named, if one was.
    pub fn source(&self) -> Option<Source> {
        if let Some(profile) = &self.profile {
            return Some(Source::Profile(profile.clone()));
        }
        if let (Some(file), Some(account)) = (&self.clouddriver, &self.account) {
            return Some(Source::Spinnaker { file: file.clone(), account: account.clone() });
        }
        self.ambient.then_some(Source::Ambient)
    }
}

impl SourceArgs {
    /// The source that was named; `otherwise` when none was.
    pub fn source(&self, otherwise: Option<Source>) -> Result<Source, Error> {
        if let Some(name) = &self.source {
            return Ok(Source::Named(name.clone()));
        }
        self.elsewhere.source().or(otherwise).ok_or_else(|| {
            Error::new(
                Kind::Usage,
                "no source: name a resource or integration, or give --profile, --ambient or --clouddriver",
            )
        })
    }
}

/// Roles to assume, in the AWS CLI's words.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct RoleArgs {
    /// A role to assume; several are assumed in turn
    #[arg(long = "role-arn", value_name = "ARN")]
    pub role_arns: Vec<String>,
    /// The session's name (else the job's name and build number)
    #[arg(long, value_name = "NAME")]
    pub role_session_name: Option<String>,
    /// How long the session lasts
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(i32).range(900..=43200))]
    pub duration_seconds: Option<i32>,
    /// The id that the role's trust policy asks for
    #[arg(long, value_name = "ID")]
    pub external_id: Option<String>,
    /// A session policy, JSON
    #[arg(long, value_name = "JSON")]
    pub policy: Option<String>,
    /// Managed policies that bound the session
    #[arg(long, value_name = "ARN", num_args = 1..)]
    pub policy_arns: Vec<String>,
    /// Session tags
    #[arg(long, value_name = "Key=K,Value=V", num_args = 1..)]
    pub tags: Vec<String>,
    /// The tags that go on to the next role
    #[arg(long, value_name = "KEY", num_args = 1..)]
    pub transitive_tag_keys: Vec<String>,
    /// An MFA device
    #[arg(long, value_name = "ARN")]
    pub serial_number: Option<String>,
    /// The code that it shows
    #[arg(long, value_name = "CODE")]
    pub token_code: Option<String>,
    /// The identity behind the session, for CloudTrail
    #[arg(long, value_name = "NAME")]
    pub source_identity: Option<String>,
}

impl RoleArgs {
    /// The same options as words of a command line. A token code is not among them: it is good for one call.
    pub fn words(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = Vec::new();
        let mut add = |option: &str, values: &mut dyn Iterator<Item = String>| {
            for value in values {
                words.push(format!("--{option}={value}").into());
            }
        };
        add("role-arn", &mut self.role_arns.iter().cloned());
        add("role-session-name", &mut self.role_session_name.iter().cloned());
        add("duration-seconds", &mut self.duration_seconds.iter().map(ToString::to_string));
        add("external-id", &mut self.external_id.iter().cloned());
        add("policy", &mut self.policy.iter().cloned());
        add("policy-arns", &mut self.policy_arns.iter().cloned());
        add("tags", &mut self.tags.iter().cloned());
        add("transitive-tag-keys", &mut self.transitive_tag_keys.iter().cloned());
        add("serial-number", &mut self.serial_number.iter().cloned());
        add("source-identity", &mut self.source_identity.iter().cloned());
        words
    }
}

/// Options of every call.
#[derive(Debug, Clone, Args)]
pub(crate) struct CallArgs {
    /// The region (else the resource's own, AWS_REGION, AWS_DEFAULT_REGION, the profile's)
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Ask STS even when a session is kept
    #[arg(long)]
    pub no_cache: bool,
    /// Kept sessions that end sooner than this are renewed
    #[arg(long, value_name = "SECONDS", default_value_t = DEFAULT_MIN_TTL)]
    pub min_ttl: u64,
    /// Profiles that call this very command, which the ambient chain must leave out
    #[arg(long, value_name = "NAME", hide = true)]
    pub skip_profile: Vec<String>,
}

impl Default for CallArgs {
    fn default() -> Self {
        Self { region: None, no_cache: false, min_ttl: DEFAULT_MIN_TTL, skip_profile: Vec::new() }
    }
}

/// Seconds that a kept session must still last.
const DEFAULT_MIN_TTL: u64 = 300;

/// `Key=K,Value=V`, as the AWS CLI writes a tag.
pub(crate) fn tag(text: &str) -> Result<(String, String), Error> {
    let parts = text.strip_prefix("Key=").and_then(|rest| rest.split_once(",Value="));
    let (key, value) =
        parts.ok_or_else(|| Error::new(Kind::Usage, format_args!("--tags {text}: write it as Key=NAME,Value=TEXT")))?;
    Ok((key.to_owned(), value.to_owned()))
}
