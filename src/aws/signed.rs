//! Calls of services that have no client of their own: one signed request, one answer.

use std::time::Duration;

use aws_credential_types::Credentials as SdkCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_types::service_config::ServiceConfigKey;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::access::Access;
use super::error::{Failure, NO_ANSWER, read_answer, sources};
use super::http::{Limits, send};
use super::limit::shortened;
use crate::credentials::{Credentials, partition_of};
use crate::error::Kind;
use crate::support::secret::SecretText;

/// What a form spells in percent.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A service, as it is called in an address and in the shared configuration.
#[derive(Debug, Clone, Copy)]
pub(super) struct Service {
    /// The id that `AWS_ENDPOINT_URL_…` is spelled with.
    pub(super) id: &'static str,
    /// The first part of its host, which is also the name that it is signed for.
    pub(super) name: &'static str,
}

/// A request of a service that is asked by a form.
#[derive(Debug, Clone)]
pub(super) struct Query(String);

impl Query {
    pub(super) fn of(action: &str, version: &str) -> Self {
        Self(format!("Action={action}&Version={version}"))
    }

    pub(super) fn add(&mut self, name: &str, value: &str) {
        self.0.extend(["&", name, "="]);
        self.0.extend(utf8_percent_encode(value, RESERVED));
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.add(name, value);
        self
    }

    #[cfg(test)]
    pub(super) fn text(&self) -> String {
        self.0.clone()
    }
}

impl Service {
    /// Asks by a form; the XML of the answer.
    pub(super) fn ask(self, access: &Access, query: &Query) -> Result<Vec<u8>, Failure> {
        self.post(access, &[("content-type", "application/x-www-form-urlencoded; charset=utf-8")], query.0.as_bytes())
    }

    /// Posts a body; the body of the answer.
    pub(super) fn post(self, access: &Access, headers: &[(&str, &str)], body: &[u8]) -> Result<Vec<u8>, Failure> {
        let answer = self.exchange(access, headers, body).map_err(|it| it.without_secrets_of(access.credentials()))?;
        let text = answer.body().bytes().unwrap_or_default();
        if answer.status().is_success() && !text.trim_ascii_start().starts_with(b"<!") {
            return Ok(text.to_vec());
        }
        Err(read_answer(&answer).without_secrets_of(access.credentials()))
    }

    fn exchange(self, access: &Access, headers: &[(&str, &str)], body: &[u8]) -> Result<HttpResponse, Failure> {
        let region = access.config().region().map(|region| region.as_ref().to_owned());
        let region = region.ok_or_else(|| Failure::plain(Kind::Configuration, "no region is known"))?;
        let request = self.request(access, &region, headers, body)?;
        let one_try: Duration = shortened(access.connection().settings.one_try());
        let limits = Limits { connect: Some(one_try), read: Some(one_try) };
        send(&access.connection().http, limits, request).map_err(|error| {
            let cause = std::error::Error::source(&error).map_or_else(|| sources(&error), sources);
            let told = if error.is_timeout() { NO_ANSWER.to_owned() } else { cause };
            Failure::plain(Kind::Network, told)
        })
    }

    fn request(
        self,
        access: &Access,
        region: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<HttpRequest, Failure> {
        let failed = |error: &dyn std::error::Error| Failure::plain(Kind::Failed, sources(error));
        let url = self.endpoint(access, region);
        let identity = identity(access.credentials());
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(self.name)
            .time(access.signing_time())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| failed(&error))?;
        let signable = SignableRequest::new("POST", &url, headers.iter().copied(), SignableBody::Bytes(body));
        let signable = signable.map_err(|error| failed(&error))?;
        let (signature, _) = sign(signable, &params.into()).map_err(|error| failed(&error))?.into_parts();
        let mut request = ureq::http::Request::builder().method("POST").uri(&url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(SdkBody::from(body)).map_err(|error| failed(&error))?;
        signature.apply_to_request_http1x(&mut request);
        HttpRequest::try_from(request).map_err(|error| failed(&error))
    }

    /// Where the service is: what the environment or the shared configuration says, as the SDK reads them, else AWS.
    fn endpoint(self, access: &Access, region: &str) -> String {
        let config = access.config();
        let for_all = config.endpoint_url();
        let fixed = for_all.filter(|_| config.get_origin("endpoint_url").is_client_config());
        let own = || {
            let key = ServiceConfigKey::builder().service_id(self.id).env("AWS_ENDPOINT_URL").profile("endpoint_url");
            config.service_config()?.load_config(key.build().ok()?)
        };
        let given = fixed.map(ToOwned::to_owned).or_else(own).or_else(|| for_all.map(ToOwned::to_owned));
        match given {
            Some(url) => format!("{}/", url.trim_end_matches('/')),
            None => format!("https://{}.{region}.{}/", self.name, suffix(region)),
        }
    }
}

/// The domain of a partition.
fn suffix(region: &str) -> &'static str {
    match partition_of(region) {
        "aws-cn" => "amazonaws.com.cn",
        "aws-iso" => "c2s.ic.gov",
        "aws-iso-b" => "sc2s.sgov.gov",
        _ => "amazonaws.com",
    }
}

fn identity(credentials: &Credentials) -> Identity {
    SdkCredentials::new(
        &credentials.access_key_id,
        credentials.secret_access_key.expose(),
        credentials.session_token.as_ref().map(SecretText::expose).map(ToOwned::to_owned),
        None,
        "shipctl",
    )
    .into()
}
