//! What a failed call means: its kind, what AWS said, and what to do about it.

use std::error::Error as StdError;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use crate::credentials::Credentials;
use crate::error::Kind;
use crate::support::secret::SecretText;

/// Bytes of a service's message that are shown.
const LONGEST_MESSAGE: usize = 600;

/// What is said of a call that nobody has answered.
pub(super) const NO_ANSWER: &str = "no answer in time";

/// A failed call, read.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What it means for the exit status.
    pub kind: Kind,
    /// The service's code, such as `AccessDenied`.
    pub code: Option<String>,
    /// One line: what the service or the network said.
    pub message: String,
    /// The service's id of the request, for its support.
    pub request_id: Option<String>,
    /// How long it is not to be asked again, where it says so.
    pub retry_after: Option<Duration>,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(code) = &self.code {
            write!(f, "{code}: ")?;
        }
        f.write_str(&self.message)?;
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

impl Failure {
    /// One without a code of a service.
    pub(crate) fn plain(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, code: None, message: message.into(), request_id: None, retry_after: None }
    }

    /// Services and proxies may repeat what they were sent.
    #[must_use]
    pub fn without_secrets_of(mut self, credentials: &Credentials) -> Self {
        let token = credentials.session_token.as_ref().map(SecretText::expose);
        for secret in [Some(credentials.secret_access_key.expose()), token].into_iter().flatten() {
            if !secret.is_empty() {
                self.message = self.message.replace(secret, "***");
            }
        }
        self.message = shortened(self.message);
        self
    }

    /// What to do about a failure that says more by its code than by its kind.
    pub fn cure(&self) -> Option<&'static str> {
        match self.code.as_deref()? {
            "PackedPolicyTooLarge" | "PackedPolicyTooLargeException" => Some("shorten the policy, the tags or both"),
            "MalformedPolicyDocument" | "MalformedPolicyDocumentException" => Some("correct the policy"),
            "RegionDisabledException" => {
                Some("activate this region's STS in the account settings of IAM, or take another --region")
            }
            "ValidationError" if self.message.contains("DurationSeconds") => {
                Some("lower --duration-seconds, or raise the role's maximum session duration")
            }
            _ => None,
        }
    }
}

/// Reads what the SDK makes of a failed call.
pub fn read<E>(error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + StdError + 'static,
    SdkError<E, HttpResponse>: RequestId,
{
    let request_id = error.request_id().map(ToOwned::to_owned);
    let retry_after = error.raw_response().and_then(retry_after);
    if let Some(told) = error.raw_response().and_then(not_aws) {
        return Failure { request_id, retry_after, ..plain(Kind::Network, told) };
    }
    match error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            if status < 300 {
                return plain(Kind::Network, format!("an answer that makes no sense (HTTP status {status})"));
            }
            let body = String::from_utf8_lossy(answer.raw().body().bytes().unwrap_or_default());
            // Services behind gateways of their own wrap errors in other envelopes than their models say.
            let code = answer.err().code().map(ToOwned::to_owned).or_else(|| element(&body, "Code"));
            let said = answer.err().message().map(one_line).or_else(|| element(&body, "Message"));
            let said = said.unwrap_or_else(|| format!("HTTP status {status} without a message"));
            Failure { kind: kind_of(code.as_deref(), status), code, message: said, request_id, retry_after }
        }
        SdkError::TimeoutError(_) => plain(Kind::Network, NO_ANSWER.to_owned()),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => plain(Kind::Network, NO_ANSWER.to_owned()),
        SdkError::DispatchFailure(failure) => {
            // What lies below the SDK's layers is the HTTP client's own word.
            let connector = failure.as_connector_error().filter(|error| error.is_io() || error.is_user());
            match connector.and_then(StdError::source) {
                Some(cause) => plain(Kind::Network, sources(cause)),
                None => plain(Kind::Network, sources(error)),
            }
        }
        SdkError::ResponseError(answer) if answer.raw().status().as_u16() >= 300 => {
            let status = answer.raw().status().as_u16();
            let told = format!(
                "something else instead of an answer (HTTP status {status}): is a proxy or a portal in between?"
            );
            Failure { request_id, retry_after, ..plain(Kind::Network, told) }
        }
        SdkError::ResponseError(_) => {
            plain(Kind::Network, format!("an answer that makes no sense ({})", sources(error)))
        }
        other => plain(Kind::Failed, sources(other)),
    }
}

/// What helps against every failure of a kind.
pub fn usual_cure(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Throttled => Some("try again later, or ask less often"),
        Kind::Network => Some("check the network, the proxy and the endpoint"),
        Kind::Expired => Some("renew the credentials"),
        Kind::NoCredentials => Some("give it credentials"),
        _ => None,
    }
}

fn plain(kind: Kind, message: String) -> Failure {
    Failure::plain(kind, message)
}

/// Reads an answer of a service that no client of the SDK was asked for.
pub(super) fn read_answer(answer: &HttpResponse) -> Failure {
    let header = |name: &str| answer.headers().get(name).map(ToOwned::to_owned);
    let request_id = header("x-amzn-requestid");
    let retry_after = retry_after(answer);
    if let Some(told) = not_aws(answer) {
        return Failure { request_id, retry_after, ..plain(Kind::Network, told) };
    }
    let status = answer.status().as_u16();
    let body = String::from_utf8_lossy(answer.body().bytes().unwrap_or_default());
    let json: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
    let text = |name: &str| json.get(name).and_then(serde_json::Value::as_str).map(one_line);
    // JSON services say `namespace#Code` or `Code:url`.
    let code = header("x-amzn-errortype").or_else(|| text("__type")).or_else(|| element(&body, "Code"));
    let code = code.map(|code| {
        let bare = code.rsplit('#').next().unwrap_or_default();
        bare.split(':').next().unwrap_or_default().to_owned()
    });
    let said = text("message").or_else(|| text("Message")).or_else(|| element(&body, "Message"));
    let message = said.unwrap_or_else(|| format!("HTTP status {status} without a message"));
    let request_id = request_id.or_else(|| element(&body, "RequestId"));
    Failure { kind: kind_of(code.as_deref(), status), code, message, request_id, retry_after }
}

/// What a refusal means by its code, else by its status.
pub(crate) fn kind_of(code: Option<&str>, status: u16) -> Kind {
    match code.unwrap_or_default() {
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" | "UnauthorizedAccess" | "NotAuthorized" => {
            Kind::Denied
        }
        "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "InvalidToken"
        | "InvalidAccessKeyId"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "AuthFailure"
        | "IDPRejectedClaim"
        | "InvalidIdentityToken" => Kind::Expired,
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "BandwidthLimitExceeded"
        | "SlowDown"
        | "PriorRequestNotComplete"
        | "LimitExceededException" => Kind::Throttled,
        _ if status == 429 => Kind::Throttled,
        _ if status >= 500 => Kind::Network,
        "RegionDisabledException" => Kind::Failed,
        _ if status == 401 || status == 403 => Kind::Denied,
        _ => Kind::Failed,
    }
}

/// The text of the first XML element of that name, in one line.
pub(crate) fn element(body: &str, name: &str) -> Option<String> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let plain = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (entity, letter)| text.replace(entity, letter));
    Some(one_line(&plain)).filter(|text| !text.is_empty())
}

/// What answers in the place of AWS, by what no AWS answers.
fn not_aws(response: &HttpResponse) -> Option<String> {
    let status = response.status().as_u16();
    let redirect = || {
        let to = response.headers().get("location").map(|to| format!(" to {}", without_query(to))).unwrap_or_default();
        format!("a redirect{to} instead of an answer (HTTP status {status}): is a proxy or a portal in between?")
    };
    html(response).or_else(|| (300..400).contains(&status).then(redirect))
}

/// Where a portal leads, without what it is told of who was sent there.
fn without_query(url: &str) -> String {
    one_line(url.split(['?', '#']).next().unwrap_or_default())
}

/// Seconds; a date is not worth to be understood.
fn retry_after(response: &HttpResponse) -> Option<Duration> {
    response.headers().get("retry-after")?.trim().parse().ok().map(Duration::from_secs)
}

/// An answer that is a web page comes from something between here and AWS.
fn html(response: &HttpResponse) -> Option<String> {
    let body = response.body().bytes().unwrap_or_default();
    let start = String::from_utf8_lossy(&body[..body.len().min(512)]).trim_start().to_ascii_lowercase();
    let is_page = start.starts_with("<!doctype html") || start.starts_with("<html");
    let status = response.status().as_u16();
    is_page.then(|| {
        format!("an HTML page instead of an answer (HTTP status {status}): is a proxy or a portal in between?")
    })
}

/// An error with everything below it, in one line.
pub fn sources(error: &dyn StdError) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = one_line(&error.to_string());
        if !text.is_empty() && !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        next = error.source();
    }
    parts.join(": ")
}

pub(super) fn one_line(text: &str) -> String {
    text.split(|letter: char| letter.is_whitespace() || letter.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn shortened(mut text: String) -> String {
    if text.len() > LONGEST_MESSAGE {
        let end = (0..=LONGEST_MESSAGE).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_of_any_envelope() {
        let body =
            "<ErrorResponse>\n<Errors><Error><Code>AccessDenied</Code><Message>a &lt;b&gt;\n &amp;amp; c</Message>";
        assert_eq!(element(body, "Code").as_deref(), Some("AccessDenied"));
        assert_eq!(element(body, "Message").as_deref(), Some("a <b> &amp; c"));
        assert_eq!(element(body, "RequestId"), None);
        assert_eq!(element("<Code></Code>", "Code"), None);
    }

    #[test]
    fn who_asks_for_time_is_heard() {
        let answer = |header: &'static str, value: &'static str| {
            let status = aws_smithy_runtime_api::http::StatusCode::try_from(429).unwrap();
            let mut answer = HttpResponse::new(status, aws_smithy_types::body::SdkBody::empty());
            answer.headers_mut().insert(header, value);
            read_answer(&answer).retry_after
        };
        assert_eq!(answer("retry-after", "7"), Some(Duration::from_secs(7)));
        assert_eq!(answer("retry-after", "Fri, 02 Jan 2026 03:04:05 GMT"), None);
        assert_eq!(answer("other", "7"), None);
    }

    #[test]
    fn a_redirect_is_none_of_aws() {
        let status = aws_smithy_runtime_api::http::StatusCode::try_from(302).unwrap();
        let mut answer = HttpResponse::new(status, aws_smithy_types::body::SdkBody::empty());
        answer.headers_mut().insert("location", "https://portal.test/login?from=AKIA1");
        let failure = read_answer(&answer);
        assert_eq!(failure.kind, Kind::Network);
        assert!(failure.message.starts_with("a redirect to https://portal.test/login instead"), "{failure}");
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        let cut = shortened("ü".repeat(1000));
        assert!(cut.len() <= LONGEST_MESSAGE + 3 && cut.ends_with('…'), "{cut}");
        assert_eq!(shortened("short".to_owned()), "short");
    }
}
