//! The SDK's HTTP over the product's own client: one TLS, one proxy logic and one resolver for everything.

use std::collections::HashMap;
use std::io::Read;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;

use super::clock::{self, SignedBehind};
use crate::support::http::Client;

/// The largest answer that is read; the control planes' answers are a few kilobytes.
const LARGEST_ANSWER: u64 = 16 << 20;

/// An agent for one origin, and the proxy that it goes through.
type Way = (ureq::Agent, Option<ureq::Proxy>);

/// What the clients share: connections, and how far the local clock is from the servers'.
#[derive(Debug, Clone)]
pub(super) struct Http {
    client: Arc<Client>,
    /// The same without proxies, for this machine's own services.
    direct: Arc<Client>,
    /// One agent per origin, so that certificates are read once and connections are used again.
    agents: Arc<Mutex<HashMap<String, Way>>>,
    skew_seconds: Arc<AtomicI64>,
}

impl Http {
    pub(super) fn new(client: Client, direct: Client) -> Self {
        Self {
            client: Arc::new(client),
            direct: Arc::new(direct),
            agents: Arc::default(),
            skew_seconds: Arc::default(),
        }
    }

    fn agent(&self, uri: &ureq::http::Uri) -> Result<(ureq::Agent, Option<ureq::Proxy>), ConnectorError> {
        let origin =
            format!("{}://{}", uri.scheme_str().unwrap_or_default(), uri.authority().map_or("", |it| it.as_str()));
        let mut agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = agents.get(&origin) {
            return Ok(known.clone());
        }
        // What a container's or the instance's service hands out is for this machine, not for a proxy's eyes.
        let client = if is_own_service(uri) { &self.direct } else { &self.client };
        let made = client.agent(uri).map_err(|cause| ConnectorError::user(cause.into()))?;
        agents.insert(origin, made.clone());
        Ok(made)
    }

    /// How far the servers' clocks are ahead of the local one, by their last answer.
    pub(super) fn skew_seconds(&self) -> i64 {
        self.skew_seconds.load(Ordering::Relaxed)
    }
}

/// Whether TLS failed: an error of its own kind, inside one of input and output.
fn is_tls(error: &std::io::Error) -> bool {
    error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).is_some()
}

/// Whether a URL is one of the services that a machine has for itself: plain HTTP on the loopback or a link-local
/// address, or the instance's IPv6 one.
fn is_own_service(uri: &ureq::http::Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let is_own = match host.parse() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.segments()[..2] == [0xfd00, 0xec2],
        Err(_) => host == "localhost",
    };
    is_own && uri.scheme_str() == Some("http")
}

impl HttpClient for Http {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        let limits = Limits { connect: settings.connect_timeout(), read: settings.read_timeout() };
        SharedHttpConnector::new(Connector { http: self.clone(), limits })
    }
}

/// How long a call may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) connect: Option<Duration>,
    pub(super) read: Option<Duration>,
}

impl Limits {
    /// For the whole of a call: a server that sends a byte now and then never exceeds the limit of a single read.
    fn whole(self) -> Option<Duration> {
        Some(self.connect? + self.read?)
    }
}

#[derive(Debug)]
struct Connector {
    http: Http,
    limits: Limits,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (http, limits) = (self.http.clone(), self.limits);
        HttpConnectorFuture::new(async move {
            // A thread of its own, not one of the runtime's: those are waited for when the runtime ends, even where
            // the SDK has given up on the call.
            let (tell, told) = tokio::sync::oneshot::channel();
            std::thread::Builder::new()
                .name("http".to_owned())
                .spawn(move || {
                    let _ = tell.send(send(&http, limits, request));
                })
                .map_err(|error| ConnectorError::io(error.into()))?;
            told.await.unwrap_or_else(|error| Err(ConnectorError::other(error.into(), None)))
        })
    }
}

/// One call, in this thread.
pub(super) fn send(http: &Http, limits: Limits, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let (head, body) = request.into_parts();
    let bytes = body.bytes().map(<[u8]>::to_vec).unwrap_or_default();
    let (agent, proxy) = http.agent(&head.uri)?;
    let mut builder = ureq::http::Request::builder().method(head.method).uri(head.uri);
    for (name, value) in &head.headers {
        builder = builder.header(name, value);
    }
    let request = builder.body(bytes).map_err(|error| ConnectorError::user(error.into()))?;
    let request = agent
        .configure_request(request)
        .timeout_global(limits.whole())
        .timeout_connect(limits.connect)
        .timeout_recv_response(limits.read)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .build();
    let server_name = request.uri().authority().map(ToString::to_string).unwrap_or_default();
    let signed = request.headers().get("x-amz-date").and_then(|date| date.to_str().ok()).and_then(clock::of_signature);
    let answer = agent.run(request).map_err(|error| connector_error(&server_name, limits, proxy.as_ref(), error))?;
    let (head, body) = answer.into_parts();
    let server = head.headers.get("date").and_then(|date| date.to_str().ok()).and_then(clock::of_answer);
    let mut text = Vec::new();
    body.into_reader().take(LARGEST_ANSWER).read_to_end(&mut text).map_err(body_error)?;
    let status =
        StatusCode::try_from(head.status.as_u16()).map_err(|error| ConnectorError::other(error.into(), None))?;
    let mut response = HttpResponse::new(status, SdkBody::from(text));
    for (name, value) in &head.headers {
        if let Ok(value) = value.to_str() {
            response.headers_mut().append(name.as_str().to_owned(), value.to_owned());
        }
    }
    // An instance's own service says nothing about the clocks that judge signatures.
    if let (Some(signed), Some(server)) = (signed, server) {
        http.skew_seconds.store(server - aws_smithy_types::DateTime::from(SystemTime::now()).secs(), Ordering::Relaxed);
        response.add_extension(SignedBehind(server - signed));
    }
    Ok(response)
}

fn body_error(error: std::io::Error) -> ConnectorError {
    match error.kind() {
        std::io::ErrorKind::TimedOut => ConnectorError::timeout(error.into()),
        _ => ConnectorError::io(error.into()),
    }
}

fn connector_error(server: &str, limits: Limits, proxy: Option<&ureq::Proxy>, error: ureq::Error) -> ConnectorError {
    if let ureq::Error::Timeout(_) = error {
        return ConnectorError::timeout(error.into());
    }
    let words = crate::support::http::cause(&error, limits.whole().unwrap_or_default(), proxy);
    let told = format!("{server}: {words}").into();
    match error {
        // What no repetition makes better.
        ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::Rustls(_) => ConnectorError::user(told),
        ureq::Error::Io(error) if is_tls(&error) => ConnectorError::user(told),
        _ => ConnectorError::io(told),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_of_this_machine() {
        for (url, want) in [
            ("http://127.0.0.1:1234/x", true),
            ("http://localhost/x", true),
            ("http://169.254.169.254/latest", true),
            ("http://169.254.170.2/v2", true),
            ("http://[::1]:8080/", true),
            ("http://[fd00:ec2::254]/latest", true),
            ("https://127.0.0.1/x", false),
            ("http://sts.corp.test/", false),
            ("http://10.0.0.1/", false),
            ("http://[fe80::1]/", false),
        ] {
            assert_eq!(is_own_service(&url.parse().unwrap()), want, "{url}");
        }
    }
}
