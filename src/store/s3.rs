//! A bucket: `object_store`'s S3 over the product's own HTTP client, with the credentials of the default chain.

use std::fmt;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use http_body_util::BodyExt;
use object_store::aws::{AmazonS3Builder, AwsCredential};
use object_store::client::{
    ClientOptions, CredentialProvider, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use object_store::{BackoffConfig, Error as Cause, ObjectStore, RetryConfig};

use crate::aws::error::Failure;
use crate::aws::{Connection, Settings};
use crate::credentials::Credentials;
use crate::credentials::variables::of_environment;
use crate::ctx::Env;
use crate::error::{Error, Kind};
use crate::support::http::{Client, cause};
use crate::support::resolve::Names;

/// How long one call may take: a part of a state over a slow line.
const ONE_CALL: Duration = Duration::from_mins(2);
/// How long one that moves no data may take.
const ONE_SMALL_CALL: Duration = Duration::from_secs(20);
/// Repetitions of a call that fails for a passing reason, and how long they may go on.
const REPETITIONS: usize = 4;
const ALL_CALLS: Duration = Duration::from_secs(30);
/// Credentials that end sooner are asked for again.
const MARGIN: Duration = Duration::from_mins(5);
/// The largest answer that is read: a part of a state, or a page of a list.
const LARGEST_ANSWER: u64 = 64 << 20;
/// Where a bucket is when nobody says: what every tool of AWS takes.
const DEFAULT_REGION: &str = "us-east-1";

/// A bucket, and the address that it is asked at.
pub(super) struct Opened {
    pub store: Arc<dyn ObjectStore>,
    pub endpoint: String,
}

pub(super) fn open(bucket: &str, env: &Env) -> Result<Opened, Error> {
    let text = |name: &str| env.get_filled(name).map(|value| value.to_string_lossy().into_owned());
    let region = text("AWS_REGION").or_else(|| text("AWS_DEFAULT_REGION"));
    let keys = Keys { env: env.clone(), known: Mutex::new(None) };
    let found = keys.find(&format!("s3://{bucket}"), region.is_some())?;
    let region = region.or_else(|| found.region.clone()).unwrap_or_else(|| DEFAULT_REGION.to_owned());
    *keys.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
    let given = text("AWS_ENDPOINT_URL_S3").or_else(|| text("AWS_ENDPOINT_URL"));
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(&region)
        .with_credentials(Arc::new(keys))
        .with_http_connector(Connector { env: env.clone() })
        .with_retry(RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(100),
                max_backoff: Duration::from_secs(3),
                base: 2.0,
            },
            max_retries: REPETITIONS,
            retry_timeout: ALL_CALLS,
        });
    // Certificates are for names of one part: a bucket with a dot is named in the path.
    builder = match &given {
        Some(url) => builder.with_endpoint(url.trim_end_matches('/')).with_allow_http(true),
        None => builder.with_virtual_hosted_style_request(!bucket.contains('.')),
    };
    let store = builder.build().map_err(|error| {
        Error::new(Kind::Configuration, format_args!("the store s3://{bucket} cannot be used: {error}"))
    })?;
    Ok(Opened { store: Arc::new(store), endpoint: given.unwrap_or_else(|| format!("AWS in {region}")) })
}

/// Credentials of the default chain, asked for again before they end.
struct Keys {
    env: Env,
    known: Mutex<Option<Credentials>>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

impl Keys {
    /// Those of the environment need no AWS to be asked.
    fn find(&self, what: &str, knows_region: bool) -> Result<Credentials, Error> {
        if let (Some(found), true) = (of_environment(&self.env), knows_region) {
            return Ok(found);
        }
        let connection = Connection::open(&self.env, Settings::default())?;
        let mut found = match of_environment(&self.env) {
            Some(found) => found,
            None => connection.ambient_credentials().map_err(|failure| no_credentials(what, &failure))?,
        };
        if !knows_region {
            found.region = found.region.or_else(|| connection.profile_region());
        }
        Ok(found)
    }
}

fn no_credentials(what: &str, failure: &Failure) -> Error {
    match failure.kind {
        Kind::NoCredentials if failure.message.is_empty() => Error::new(
            Kind::NoCredentials,
            format_args!(
                "no AWS credentials for the store {what}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or \
                     AWS_PROFILE"
            ),
        ),
        kind => Error::new(
            kind,
            format_args!("cannot get AWS credentials for the store {what}: {failure}: correct where they come from"),
        ),
    }
}

#[async_trait::async_trait]
impl CredentialProvider for Keys {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> Result<Arc<AwsCredential>, Cause> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let ends_soon = |found: &Credentials| found.expires.is_some_and(|end| end < SystemTime::now() + MARGIN);
        let kept = known.take().filter(|found| !ends_soon(found));
        let found = match kept {
            Some(found) => found,
            // The chain has a runtime of its own, which cannot run inside this one's thread.
            None => std::thread::scope(|scope| scope.spawn(|| self.find("in use", true)).join())
                .unwrap_or_else(|_| Err(Error::failed("the look-up of credentials broke off")))
                .map_err(|error| Cause::Generic { store: "S3", source: error.into() })?,
        };
        let credential = AwsCredential {
            key_id: found.access_key_id.clone(),
            secret_key: found.secret_access_key.expose().to_owned(),
            token: found.session_token.as_ref().map(|token| token.expose().to_owned()),
        };
        *known = Some(found);
        Ok(Arc::new(credential))
    }
}

/// The product's client, for `object_store`.
#[derive(Debug)]
struct Connector {
    env: Env,
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> Result<HttpClient, Cause> {
        let names = Names::from_env(&self.env).map_err(|why| Cause::Generic { store: "S3", source: why.into() })?;
        let client = Client::new(&self.env, names, ONE_CALL).keeping_connections();
        Ok(HttpClient::new(Service { client, agent: Arc::default() }))
    }
}

/// An agent, and the proxy that it goes through.
type Way = (ureq::Agent, Option<ureq::Proxy>);

/// Calls to one address: certificates are read once, and connections are used again.
#[derive(Debug)]
struct Service {
    client: Client,
    agent: Arc<Mutex<Option<Way>>>,
}

impl Service {
    fn agent(&self, uri: &ureq::http::Uri) -> Result<Way, HttpError> {
        let mut agent = self.agent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*agent {
            return Ok(known.clone());
        }
        let made = self.client.agent(uri).map_err(|why| HttpError::new_boxed(HttpErrorKind::Unknown, why.into()))?;
        *agent = Some(made.clone());
        Ok(made)
    }
}

#[async_trait::async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let (agent, proxy) = self.agent(&head.uri)?;
        // A thread of its own: the runtime has one alone, which must not stand still while time-outs run.
        let (tell, told) = tokio::sync::oneshot::channel();
        std::thread::Builder::new()
            .name("http".to_owned())
            .spawn(move || {
                let _ = tell.send(send(&agent, proxy.as_ref(), head, &body));
            })
            .map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
        told.await.unwrap_or_else(|error| Err(HttpError::new(HttpErrorKind::Unknown, error)))
    }
}

fn send(
    agent: &ureq::Agent,
    proxy: Option<&ureq::Proxy>,
    head: ureq::http::request::Parts,
    body: &[u8],
) -> Result<HttpResponse, HttpError> {
    let moves_data = body.len() > 1 << 16 || head.headers.contains_key("range");
    let limit = if moves_data { ONE_CALL } else { ONE_SMALL_CALL };
    let server = head.uri.authority().map(ToString::to_string).unwrap_or_default();
    let wrong = |error: ureq::Error| {
        let kind = match &error {
            ureq::Error::Timeout(_) => HttpErrorKind::Timeout,
            ureq::Error::ConnectionFailed | ureq::Error::HostNotFound => HttpErrorKind::Connect,
            ureq::Error::Io(io) if io.get_ref().is_none() => HttpErrorKind::Interrupted,
            _ => HttpErrorKind::Unknown,
        };
        HttpError::new_boxed(kind, format!("{server}: {}", cause(&error, limit, proxy)).into())
    };
    let answer = match head.method.as_str() {
        "GET" | "HEAD" | "DELETE" => run(agent, ureq::http::Request::from_parts(head, ()), limit),
        _ => run(agent, ureq::http::Request::from_parts(head, body), limit),
    };
    let (head, body) = answer.map_err(wrong)?.into_parts();
    let mut bytes = Vec::new();
    body.into_reader()
        .take(LARGEST_ANSWER)
        .read_to_end(&mut bytes)
        .map_err(|error| HttpError::new(HttpErrorKind::Interrupted, error))?;
    Ok(HttpResponse::from_parts(head, HttpResponseBody::from(bytes)))
}

fn run<B: ureq::AsSendBody>(
    agent: &ureq::Agent,
    request: ureq::http::Request<B>,
    limit: Duration,
) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
    let request = agent
        .configure_request(request)
        .timeout_global(Some(limit))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .build();
    agent.run(request)
}
