//! One blocking HTTP call at a time: names, proxies and certificates as the machine has them, nothing retried.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls_native_certs::{CertificateResult, load_certs_from_paths, load_native_certs};
use ureq::config::Config;
use ureq::http::{HeaderValue, Method, Request, Uri, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Proxy, SendBody, Timeout};

use crate::ctx::Env;
use crate::support::proxy::Proxies;
use crate::support::resolve::Names;

/// How long a connection may take to be made, proxy and TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How much of an answer is read: more than any that is looked into.
const ANSWER_LIMIT: u64 = 1 << 20;
/// How often an answer to GET may send us to another path.
const MAX_REDIRECTS: usize = 5;

/// What a request carries.
pub enum Body<'a> {
    /// Nothing: the request is a GET.
    None,
    /// Bytes at hand: the request is a POST.
    Bytes(&'a [u8]),
    /// So many bytes of a stream: the request is a POST.
    Stream(&'a mut dyn Read, u64),
}

/// What came back, whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// The status, such as 404.
    pub status: u16,
    /// What HTTP calls that status, when it has a name.
    pub reason: &'static str,
    /// Where a redirect leads.
    pub location: Option<String>,
    /// The body, as far as it arrived and is looked into.
    pub body: Vec<u8>,
}

impl Answer {
    /// Whether the request did what it should.
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }
}

/// A client for a few calls.
#[derive(Debug)]
pub struct Client {
    names: Names,
    proxies: Proxies,
    timeout: Duration,
    certificate_file: Option<OsString>,
    certificate_folders: Option<OsString>,
    idle_connections: usize,
}

impl Client {
    /// A client as the environment says, that gives up on a call after `timeout`.
    pub fn new(env: &Env, names: Names, timeout: Duration) -> Self {
        Self {
            names,
            proxies: Proxies::from_env(env),
            timeout,
            certificate_file: env.get_filled("SSL_CERT_FILE"),
            certificate_folders: env.get_filled("SSL_CERT_DIR"),
            idle_connections: 0,
        }
    }

    /// The same, keeping connections open between calls.
    #[must_use]
    pub fn keeping_connections(mut self) -> Self {
        self.idle_connections = 3;
        self
    }

    /// Makes one call. A POST is never redirected or repeated: what it says could be said twice. A GET follows
    /// redirects on its own host, since its headers are for that host alone. The error is the cause in words.
    pub fn call(&self, url: &str, headers: &[(&str, &str)], mut body: Body) -> Result<Answer, String> {
        let mut url = uri(url)?;
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.call_once(&url, headers, &mut body)?;
            match answer.location.as_deref().and_then(|location| same_host(&url, location)) {
                Some(next) if matches!(body, Body::None) && (301..=308).contains(&answer.status) => url = next,
                _ => return Ok(answer),
            }
        }
        Err(format!("redirected more than {MAX_REDIRECTS} times"))
    }

    fn call_once(&self, url: &Uri, headers: &[(&str, &str)], body: &mut Body) -> Result<Answer, String> {
        let (agent, proxy) = self.agent(url)?;
        let explain = |error: ureq::Error| cause(&error, self.timeout, proxy.as_ref());
        let mut request = Request::builder().uri(url.clone());
        for (name, value) in headers {
            let value = HeaderValue::from_str(value)
                .map_err(|_| format!("the header {name} cannot hold its value: it has a line break or the like"))?;
            request = request.header(*name, value);
        }
        let wrong = |error: ureq::http::Error| error.to_string();
        let response = match body {
            Body::None => agent.run(request.method(Method::GET).body(()).map_err(wrong)?),
            Body::Bytes(bytes) => agent.run(request.method(Method::POST).body(*bytes).map_err(wrong)?),
            Body::Stream(stream, length) => {
                let request = request.method(Method::POST).header(header::CONTENT_LENGTH, *length);
                agent.run(request.body(SendBody::from_reader(stream)).map_err(wrong)?)
            }
        };
        let mut response = response.map_err(explain)?;
        let location = response.headers().get(header::LOCATION);
        let location = location.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let status = response.status();
        let mut text = Vec::new();
        // The status has been given: a body that breaks off makes it no other.
        let _ = response.body_mut().as_reader().take(ANSWER_LIMIT).read_to_end(&mut text);
        Ok(Answer {
            status: status.as_u16(),
            reason: status.canonical_reason().unwrap_or_default(),
            location,
            body: text,
        })
    }

    /// An agent for one address. Certificates are read only where TLS is spoken: it takes longer than the call.
    pub fn agent(&self, url: &Uri) -> Result<(Agent, Option<Proxy>), String> {
        let proxy = self.proxies.of(url).map(|proxy| {
            Proxy::new(proxy)
                .map_err(|_| "the proxy of the environment is not one: expected http://HOST:PORT".to_owned())
        });
        let proxy = proxy.transpose()?;
        let is_tls = |uri: &Uri| uri.scheme_str() == Some("https");
        let mut config = Config::builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(self.idle_connections)
            .timeout_global(Some(self.timeout))
            .timeout_connect(Some(CONNECT_TIMEOUT.min(self.timeout)))
            .user_agent(concat!("shipctl/", env!("CARGO_PKG_VERSION")))
            .proxy(proxy.clone());
        if is_tls(url) || proxy.as_ref().is_some_and(|proxy| is_tls(proxy.uri())) {
            config = config.tls_config(self.tls()?);
        }
        Ok((Agent::with_parts(config.build(), DefaultConnector::new(), NamesOf(self.names)), proxy))
    }

    /// Those of `SSL_CERT_FILE` and of the folders in `SSL_CERT_DIR`, else those of the machine.
    fn certificates(&self) -> CertificateResult {
        let file = self.certificate_file.as_deref().map(Path::new);
        let folders = self.certificate_folders.as_deref().map(std::env::split_paths).into_iter().flatten();
        let places = file.map(|file| load_certs_from_paths(Some(file), None)).into_iter();
        let places = places.chain(folders.map(|folder| load_certs_from_paths(None, Some(&folder))));
        let read = places.reduce(|mut all, more| {
            all.certs.extend(more.certs);
            all.errors.extend(more.errors);
            all
        });
        read.unwrap_or_else(load_native_certs)
    }

    fn tls(&self) -> Result<TlsConfig, String> {
        let loaded = self.certificates();
        if loaded.certs.is_empty() {
            let why = loaded.errors.first().map_or_else(|| "none found".to_owned(), ToString::to_string);
            return Err(format!(
                "this machine has no certificates to trust ({why}): install ca-certificates, or set SSL_CERT_FILE"
            ));
        }
        let certificates = loaded.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned());
        Ok(TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(RootCerts::from(certificates))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build())
    }
}

/// Our own look-up of names, as the HTTP client wants it.
#[derive(Debug)]
struct NamesOf(Names);

impl Resolver for NamesOf {
    fn resolve(&self, uri: &Uri, _: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().ok_or(ureq::Error::HostNotFound)?;
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let mut addresses = self.empty();
        let found = self.0.addresses(host, port, *timeout.after)?;
        // As many as the client keeps.
        for address in found.into_iter().take(16) {
            addresses.push(address);
        }
        Ok(addresses)
    }
}

/// A URL that can be called.
fn uri(url: &str) -> Result<Uri, String> {
    let uri: Uri = url.parse().map_err(|error| format!("not a URL: {error}"))?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https"), Some(host)) if !host.is_empty() => Ok(uri),
        _ => Err("not a URL: expected http://HOST or https://HOST".to_owned()),
    }
}

/// `https://HOST:PORT` of a URL: what of it may be shown where its path is a secret.
pub fn origin(url: &str) -> Option<String> {
    let uri = uri(url).ok()?;
    let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}://{}{port}", uri.scheme_str()?, uri.host()?))
}

/// Where a redirect leads, when that is the host that was asked.
fn same_host(from: &Uri, location: &str) -> Option<Uri> {
    if location.starts_with('/') && !location.starts_with("//") {
        let mut parts = from.clone().into_parts();
        parts.path_and_query = Some(location.parse().ok()?);
        return Uri::from_parts(parts).ok();
    }
    let to = uri(location).ok()?;
    let place = |uri: &Uri| (uri.scheme().cloned(), uri.authority().map(|it| it.as_str().to_ascii_lowercase()));
    (place(from) == place(&to)).then_some(to)
}

/// What went wrong, and what can be done where that is known.
pub fn cause(error: &ureq::Error, timeout: Duration, proxy: Option<&Proxy>) -> String {
    let through = proxy.map(|proxy| format!(" (through the proxy {}:{})", proxy.host(), proxy.port()));
    let through = through.unwrap_or_default();
    match error {
        ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
            format!("no connection within {} s{through}", CONNECT_TIMEOUT.min(timeout).as_secs_f32())
        }
        ureq::Error::Timeout(_) => format!("no answer within {} s{through}", timeout.as_secs_f32()),
        ureq::Error::Io(error) => format!("{}{through}", io_cause(error)),
        ureq::Error::Rustls(error) => format!("{}{through}", tls_cause(error)),
        ureq::Error::ConnectProxyFailed(why) => format!("the proxy refused{through}: {why}"),
        other => format!("{other}{through}"),
    }
}

fn io_cause(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(error) => tls_cause(error),
        None if error.kind() == io::ErrorKind::UnexpectedEof => "the connection was closed before an answer".to_owned(),
        None => error.to_string(),
    }
}

fn tls_cause(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer) => {
            "its certificate is of an authority that this machine does not trust: \
             set SSL_CERT_FILE to a file with that authority's certificate"
                .to_owned()
        }
        rustls::Error::InvalidCertificate(why) => format!("its certificate is not valid: {why}"),
        other => format!("TLS failed: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_shows_no_path_and_no_user() {
        for (url, want) in [
            ("https://hooks.slack.com/services/T0/B0/secret", Some("https://hooks.slack.com")),
            ("http://user:word@10.0.0.1:8080/x?y=z", Some("http://10.0.0.1:8080")),
            ("https://[::1]:8443/x", Some("https://[::1]:8443")),
            ("ftp://x", None),
            ("hooks", None),
            ("", None),
        ] {
            assert_eq!(origin(url).as_deref(), want, "{url}");
        }
    }

    #[test]
    fn only_the_same_host_is_followed() {
        let from = uri("https://api.example:8443/v2/applications.json?a=b").unwrap();
        let to = |location: &str| same_host(&from, location).map(|uri| uri.to_string());
        assert_eq!(to("/v3/x?y").as_deref(), Some("https://api.example:8443/v3/x?y"));
        assert_eq!(to("https://API.example:8443/z").as_deref(), Some("https://API.example:8443/z"));
        for elsewhere in
            ["https://api.example/v3", "http://api.example:8443/", "//other/x", "https://x@api.example:8443/"]
        {
            assert_eq!(to(elsewhere), None, "{elsewhere}");
        }
    }
}
