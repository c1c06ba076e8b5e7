//! The configuration that every client shares.

use std::future::Future;
use std::time::Duration;

use aws_config::meta::region::ProvideRegion;
use aws_config::profile::region::ProfileFileRegionProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
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

/// The longest that one try may take, however long the whole may.
const LONGEST_TRY: Duration = Duration::from_secs(10);

/// How long a call may take with all its tries.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// How far a clock may be off before signatures are refused, with a margin, in seconds.
pub(super) const TOLERATED_SKEW: i64 = 240;

/// What calls depend on besides credentials.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long a call may take with all its tries.
    pub deadline: Duration,
    /// `--profile NAME`, for what comes from the shared configuration.
    pub profile: Option<String>,
    /// The shared configuration is left out.
    pub without_profiles: bool,
    /// The region, when it is known better than by the shared configuration.
    pub region: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { deadline: DEADLINE, profile: None, without_profiles: false, region: None }
    }
}

impl Settings {
    /// A try ends early enough for another two.
    pub(super) fn one_try(&self) -> Duration {
        (self.deadline / 3).min(LONGEST_TRY)
    }

    pub(super) fn timeouts(&self) -> TimeoutConfig {
        TimeoutConfig::builder()
            .operation_timeout(self.deadline)
            .operation_attempt_timeout(self.one_try())
            .connect_timeout(self.one_try())
            .read_timeout(self.one_try())
            .build()
    }

    /// Waits double from one to the next and are random below that, so that many callers do not come back at once.
    pub(super) fn retries(&self) -> RetryConfig {
        let whole = self.deadline.min(DEADLINE);
        RetryConfig::standard().with_max_attempts(TRIES).with_initial_backoff(whole / 100).with_max_backoff(whole / 6)
    }
}

/// A runtime and the HTTP client below all service clients. Made only by commands that call AWS.
#[derive(Debug)]
pub struct Connection {
    runtime: tokio::runtime::Runtime,
    pub(super) http: Http,
    pub(super) settings: Settings,
    endpoint: Option<String>,
}

impl Connection {
    /// Starts the runtime, in this thread.
    pub fn open(env: &Env, settings: Settings) -> Result<Self, Error> {
        let names = Names::from_env(env).map_err(|cause| Error::new(Kind::Configuration, cause))?;
        let client = Client::new(env, names, settings.deadline).keeping_connections();
        let nothing_set = Env::Fixed(std::collections::BTreeMap::new());
        let direct = Client::new(&nothing_set, names, settings.deadline).keeping_connections();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all() // a credential_process is a child whose output is awaited
            .build()
            .map_err(|error| Error::failed(format_args!("cannot start the runtime: {error}")))?;
        Ok(Self { runtime, http: Http::new(client, direct), settings, endpoint: None })
    }

    /// Asks every service at this address, whatever the environment says.
    #[must_use]
    pub fn with_endpoint(mut self, url: &str) -> Self {
        self.endpoint = Some(url.to_owned());
        self
    }

    /// Runs a call to its end.
    pub(super) fn wait<T>(&self, call: impl Future<Output = T>) -> T {
        self.runtime.block_on(call)
    }

    /// How far the local clock is off, in words, when it is far enough to matter to signatures.
    pub fn clock_note(&self) -> Option<String> {
        let skew = self.http.skew_seconds();
        let (minutes, side) = ((skew.unsigned_abs() + 30) / 60, if skew > 0 { "behind" } else { "ahead of" });
        let words = format!("the clock of this machine is {minutes} min {side} that of AWS: set it right");
        (skew.abs() > TOLERATED_SKEW).then_some(words)
    }

    /// The region of the profile that is asked for, or of the ambient one. The instance metadata service is not asked.
    pub fn profile_region(&self) -> Option<String> {
        if self.settings.without_profiles {
            return None;
        }
        let mut provider = ProfileFileRegionProvider::builder().configure(&ProviderConfig::without_region());
        if let Some(profile) = &self.settings.profile {
            provider = provider.profile_name(profile);
        }
        let region = self.wait(async { provider.build().region().await });
        region.map(|region| region.to_string())
    }

    /// What the SDK's own providers of credentials call with.
    pub(super) fn provider_config(&self, region: Option<&str>) -> ProviderConfig {
        ProviderConfig::without_region()
            .with_http_client(self.http.clone())
            .with_retry_config(self.settings.retries())
            .with_timeout_config(self.settings.timeouts())
            .with_region(region.map(|region| Region::new(region.to_owned())))
    }

    /// The configuration for calls with these credentials.
    pub(super) fn config(&self, credentials: &Credentials) -> SdkConfig {
        let region = self.settings.region.clone().or_else(|| credentials.region.clone());
        self.load(region, |loader| loader.credentials_provider(sdk_credentials(credentials)))
    }

    /// The configuration whose provider of credentials is the SDK's default chain.
    pub(super) fn ambient_config(&self, region: Option<String>) -> SdkConfig {
        self.load(region, |loader| loader)
    }

    fn load(&self, region: Option<String>, more: impl FnOnce(ConfigLoader) -> ConfigLoader) -> SdkConfig {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(self.http.clone())
            .timeout_config(self.settings.timeouts())
            .retry_config(self.settings.retries())
            // Answers are read whole, below the SDK: it would take a slow one for a stream that has stalled, after 6 s.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            // Given even when there is none: the SDK would ask the instance for it.
            .region(region.map(Region::new));
        if let Some(profile) = &self.settings.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(url) = &self.endpoint {
            loader = loader.endpoint_url(url);
        }
        if self.settings.without_profiles {
            let none = EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Config, "").build();
            loader = loader.profile_files(none);
        }
        self.wait(more(loader).load())
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_seconds_in_all_and_ten_a_try() {
        let settings = Settings::default();
        let timeouts = settings.timeouts();
        assert_eq!(timeouts.operation_timeout(), Some(Duration::from_secs(30)));
        assert_eq!(timeouts.operation_attempt_timeout(), Some(Duration::from_secs(10)));
        let patient = Settings { deadline: Duration::from_mins(5), ..settings };
        assert_eq!(patient.timeouts().operation_attempt_timeout(), Some(Duration::from_secs(10)));
    }

    #[test]
    fn nothing_but_the_timeouts_ends_a_try() {
        let settings = Settings { without_profiles: true, ..Settings::default() };
        let connection = Connection::open(&Env::Fixed(std::collections::BTreeMap::new()), settings).unwrap();
        let config = connection.ambient_config(Some("us-east-1".to_owned()));
        assert!(config.stalled_stream_protection().is_some_and(|watch| !watch.is_enabled()));
    }

    #[test]
    fn six_tries_fit_into_the_deadline() {
        for seconds in [1, 6, 30, 300] {
            let settings = Settings { deadline: Duration::from_secs(seconds), ..Settings::default() };
            let retries = settings.retries();
            let waits =
                (0..TRIES - 1).map(|wait| (retries.initial_backoff() * 2_u32.pow(wait)).min(retries.max_backoff()));
            assert!(retries.max_attempts() >= 6);
            assert!(waits.sum::<Duration>() < settings.deadline, "{seconds}");
        }
    }
}
