//! What went wrong with an object, in words: what was being done, to what, why, and what to do.

use std::error::Error as StdError;

use object_store::Error as Cause;
use object_store::client::HttpError;

use crate::aws::error::{element, kind_of, sources};
use crate::error::{Error, Kind};

/// What a store calls itself, and whether a bucket is behind it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// `s3://bucket/prefix at ENDPOINT`, or the folder.
    pub name: String,
    /// Whether it is a bucket.
    pub is_bucket: bool,
}

impl Place {
    /// The error for an object that could not be read or written.
    pub(super) fn error(&self, doing: &str, object: &str, cause: &Cause) -> Error {
        if self.is_bucket { self.of_bucket(doing, object, cause) } else { self.of_folder(doing, object, cause) }
    }

    fn of_folder(&self, doing: &str, object: &str, cause: &Cause) -> Error {
        let path = format!("{}/{object}", self.name);
        let mut next: Option<&(dyn StdError + 'static)> = Some(cause);
        while let Some(error) = next {
            if let Some(io) = error.downcast_ref::<std::io::Error>() {
                return Error::io(doing, path.trim_end_matches('/').as_ref(), io);
            }
            next = error.source();
        }
        Error::failed(format_args!("cannot {doing} {path}: {}", sources(cause)))
    }

    fn of_bucket(&self, doing: &str, object: &str, cause: &Cause) -> Error {
        let name = &self.name;
        let what = if object.is_empty() { name.clone() } else { format!("{object} in {name}") };
        if let Some(told) = http_cause(cause) {
            return Error::new(
                Kind::Network,
                format_args!("cannot {doing} {what}: {told}: check the network and AWS_ENDPOINT_URL"),
            );
        }
        let text = sources(cause);
        let code = element(&text, "Code");
        let said = element(&text, "Message").unwrap_or_default();
        let (kind, cure) = meaning(code.as_deref(), cause, &text);
        let why = match &code {
            Some(code) if said.is_empty() => code.clone(),
            Some(code) => format!("{code}: {said}"),
            None => text.chars().take(400).collect(),
        };
        Error::new(kind, format_args!("cannot {doing} {what}: {why}{}{cure}", if cure.is_empty() { "" } else { ": " }))
    }

    /// Whether an object's absence is that of the whole bucket.
    pub(super) fn lacks_bucket(&self, cause: &Cause) -> bool {
        self.is_bucket && sources(cause).contains("NoSuchBucket")
    }
}

/// What the kind and the cure of a refusal are.
fn meaning(code: Option<&str>, cause: &Cause, text: &str) -> (Kind, &'static str) {
    match code.unwrap_or_default() {
        "NoSuchBucket" => return (Kind::Configuration, "create the bucket, or correct --store"),
        "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" => {
            return (Kind::Configuration, "set AWS_REGION to the bucket's region");
        }
        _ if text.contains("incorrectly configured region") => {
            return (Kind::Configuration, "set AWS_REGION to the bucket's region");
        }
        _ => {}
    }
    let status = match cause {
        Cause::PermissionDenied { .. } => 403,
        Cause::Unauthenticated { .. } => 401,
        _ => text.split_once("status code: ").and_then(|(_, rest)| rest.get(..3)?.parse().ok()).unwrap_or_default(),
    };
    let kind = match code {
        None if status == 503 => Kind::Throttled,
        _ => kind_of(code, status),
    };
    let cure = match kind {
        Kind::Denied => "allow s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket",
        Kind::Expired => "renew the credentials",
        Kind::Throttled | Kind::Network => "try again later",
        _ => "",
    };
    (kind, cure)
}

/// What the HTTP client said, when no answer came.
fn http_cause(cause: &Cause) -> Option<String> {
    let mut next: Option<&(dyn StdError + 'static)> = Some(cause);
    while let Some(error) = next {
        if error.is::<HttpError>() {
            return Some(error.source().map_or_else(|| error.to_string(), sources));
        }
        next = error.source();
    }
    None
}
