//! Who calls, and when: what the clients of a deployment share.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_types::request_id::RequestId;
use serde_json::{Map, Value};

use super::Connection;
use super::error::{Failure, NO_ANSWER, read};
use super::limit;
use crate::credentials::Credentials;
use crate::error::Kind;
use crate::support::clock::{Clock, SetClock};

/// One call, and once more when it was signed under a wrong clock. Every other repetition is the caller's, who has a
/// clock to wait on.
const TRIES: u32 = 2;

/// Before the second.
const PAUSE: Duration = Duration::from_millis(50);

/// Who calls, over which connection, at what time.
#[derive(Debug, Clone)]
pub struct Access<'c> {
    connection: &'c Connection,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    credentials: Credentials,
    clock: Clock,
    config: SdkConfig,
}

impl<'c> Access<'c> {
    /// With these credentials. Calls are signed with the time of `clock`.
    pub fn new(connection: &'c Connection, with: &Credentials, clock: &Clock) -> Self {
        // Who renews them knows when they end; the SDK would only refuse to sign.
        let lasting = Credentials { expires: None, ..with.clone() };
        let retries =
            RetryConfig::standard().with_max_attempts(TRIES).with_initial_backoff(PAUSE).with_max_backoff(PAUSE);
        let mut config = connection.config(&lasting).into_builder().retry_config(retries);
        if let Clock::Set(set) = clock {
            config = config.time_source(SharedTimeSource::new(SetTime(Arc::clone(set))));
        }
        let inner = Inner { credentials: with.clone(), clock: clock.clone(), config: config.build() };
        Self { connection, inner: Arc::new(inner) }
    }

    pub(super) fn connection(&self) -> &'c Connection {
        self.connection
    }

    /// The credentials.
    pub fn credentials(&self) -> &Credentials {
        &self.inner.credentials
    }

    pub(super) fn config(&self) -> &SdkConfig {
        &self.inner.config
    }

    /// The time that a signature carries: that of the servers, as far as it is known.
    pub(super) fn signing_time(&self) -> SystemTime {
        let now = self.inner.clock.calendar();
        if let Clock::Set(_) = &self.inner.clock {
            return now;
        }
        let skew = self.connection.http.skew_seconds();
        let by = Duration::from_secs(skew.unsigned_abs());
        if skew < 0 { now - by } else { now + by }
    }

    /// Runs a call to its end, as far as there is time, and reads its failure.
    pub(super) fn call<T, E>(
        &self,
        call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        SdkError<E, HttpResponse>: RequestId,
    {
        match self.connection.wait(limit::within(call)) {
            Some(done) => done.map_err(|error| read(&error).without_secrets_of(self.credentials())),
            None => Err(Failure::plain(Kind::Network, NO_ANSWER)),
        }
    }
}

/// An answer that lacks what it cannot lack.
pub(super) fn senseless(what: &str) -> Failure {
    Failure::plain(Kind::Network, format!("an answer that makes no sense: it is without {what}"))
}

/// A moment of the SDK.
pub(super) fn moment(at: Option<&aws_smithy_types::DateTime>) -> Option<SystemTime> {
    at.and_then(|at| SystemTime::try_from(*at).ok())
}

/// The clock that tests set, for signatures.
#[derive(Debug)]
struct SetTime(Arc<SetClock>);

impl TimeSource for SetTime {
    fn now(&self) -> SystemTime {
        Clock::Set(Arc::clone(&self.0)).now()
    }
}

/// Sends a body of our own in the place of the SDK's: with the keys that the SDK does not know.
pub(super) struct OwnBody(Vec<u8>);

impl OwnBody {
    pub(super) fn of(request: &Map<String, Value>) -> Self {
        // A map with text for keys is always JSON.
        Self(serde_json::to_vec(request).unwrap_or_default())
    }
}

/// What a body holds is nobody's business: environments are in it.
impl std::fmt::Debug for OwnBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OwnBody({} bytes)", self.0.len())
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for OwnBody {
    fn name(&self) -> &'static str {
        "OwnBody"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        request.headers_mut().insert("content-length", self.0.len().to_string());
        *request.body_mut() = SdkBody::from(self.0.clone());
        Ok(())
    }
}

/// Keeps the text of an answer: with the keys that the SDK does not know.
#[derive(Debug, Clone, Default)]
pub(super) struct WholeAnswer(Arc<Mutex<Vec<u8>>>);

impl WholeAnswer {
    pub(super) fn json(&self) -> Result<Value, Failure> {
        let text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        serde_json::from_slice(&text).map_err(|_| senseless("JSON"))
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for WholeAnswer {
    fn name(&self) -> &'static str {
        "WholeAnswer"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response().body().bytes().unwrap_or_default().to_vec();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = body;
        Ok(())
    }
}
