//! The configuration that every client shares.

use std::future::Future;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials as SdkCredentials;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use super::http::Http;
use crate::credentials::Credentials;
use crate::ctx::Env;
use crate::error::{Error, Kind};
use crate::support::http::Client;
use crate::support::resolve::Names;

/// Tries of a call that is throttled or fails for a passing reason.
const TRIES: u32 = 6;

/// How long a call may take.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The whole of it, with every retry.
    pub deadline: Duration,
    /// `--profile NAME`, for what comes from the shared configuration.
    pub profile: Option<String>,
    /// The shared configuration is left out.
    pub without_profiles: bool,
    /// The region, when it is known better than by the SDK's own rules.
    pub region: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(30), profile: None, without_profiles: false, region: None }
    }
}

/// A runtime and the HTTP client below all service clients. Made only by commands that call AWS.
#[derive(Debug)]
pub struct Connection {
    runtime: tokio::runtime::Runtime,
    http: Http,
    settings: Settings,
}

impl Connection {
    /// Starts the runtime, in this thread.
    pub fn open(env: &Env, settings: Settings) -> Result<Self, Error> {
        let names = Names::from_env(env).map_err(|cause| Error::new(Kind::Configuration, cause))?;
        let client = Client::new(env, names, settings.deadline).keeping_connections();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|error| Error::failed(format_args!("cannot start the runtime: {error}")))?;
        Ok(Self { runtime, http: Http::new(client), settings })
    }

    /// Runs a call to its end.
    pub(super) fn wait<T>(&self, call: impl Future<Output = T>) -> T {
        self.runtime.block_on(call)
    }

    /// How far the servers' clocks are ahead of the local one, in seconds, when that matters to signatures.
    pub fn clock_skew(&self) -> Option<i64> {
        let skew = self.http.skew_seconds();
        (skew.abs() > 240).then_some(skew)
    }

    /// The configuration for calls with these credentials, or with the default chain.
    pub(super) fn config(&self, credentials: Option<&Credentials>) -> SdkConfig {
        let deadline = self.settings.deadline;
        let timeouts = TimeoutConfig::builder()
            .operation_timeout(deadline)
            .operation_attempt_timeout(deadline / 3)
            .connect_timeout(deadline / 3)
            .read_timeout(deadline / 3)
            .build();
        let retries = RetryConfig::standard()
            .with_max_attempts(TRIES)
            .with_initial_backoff(deadline / 100)
            .with_max_backoff(deadline / 6);
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(self.http.clone())
            .timeout_config(timeouts)
            .retry_config(retries);
        if let Some(profile) = &self.settings.profile {
            loader = loader.profile_name(profile);
        }
        if self.settings.without_profiles {
            let none = EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Config, "").build();
            loader = loader.profile_files(none);
        }
        if let Some(region) = self.region_of(credentials) {
            loader = loader.region(Region::new(region));
        }
        if let Some(credentials) = credentials {
            loader = loader.credentials_provider(sdk_credentials(credentials));
        }
        self.wait(loader.load())
    }

    fn region_of(&self, credentials: Option<&Credentials>) -> Option<String> {
        self.settings.region.clone().or_else(|| credentials.and_then(|credentials| credentials.region.clone()))
    }

    /// The credentials of the default chain, or of `--profile`.
    pub fn ambient_credentials(&self) -> Result<Credentials, Error> {
        use aws_credential_types::provider::ProvideCredentials;
        let config = self.config(None);
        let region = config.region().map(ToString::to_string);
        let provider = config.credentials_provider().ok_or_else(|| no_ambient("no provider is configured"))?;
        let found =
            self.wait(provider.provide_credentials()).map_err(|error| no_ambient(&super::error::sources(&error)))?;
        Ok(Credentials {
            access_key_id: found.access_key_id().to_owned(),
            secret_access_key: found.secret_access_key().into(),
            session_token: found.session_token().map(Into::into),
            expires: found.expiry(),
            region,
            account: found.account_id().map(|id| id.as_str().to_owned()),
            role: None,
        })
    }
}

fn no_ambient(cause: &str) -> Error {
    Error::new(
        Kind::NoCredentials,
        format_args!(
            "no ambient AWS credentials ({cause}): set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
        ),
    )
}

fn sdk_credentials(credentials: &Credentials) -> SdkCredentials {
    SdkCredentials::new(
        &credentials.access_key_id,
        credentials.secret_access_key.expose(),
        credentials.session_token.as_ref().map(|token| token.expose().to_owned()),
        credentials.expires,
        "shipctl",
    )
}
