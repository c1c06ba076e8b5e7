//! Where a store is, and whose a thing in it is.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind};

/// The folder that is the store unless another is named.
pub const DEFAULT_FOLDER: &str = ".shipctl";

/// What a name is written with as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');
/// The same for build numbers, where a dot sets the attempt apart.
const WITHOUT_DOT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A bucket of S3 or of a server that speaks its language.
    S3 {
        /// The bucket.
        bucket: String,
        /// What every key begins with; may be empty.
        prefix: String,
    },
}

impl Location {
    /// `s3://BUCKET/PREFIX`, or a folder as seen from `cwd`.
    pub fn parse(text: &OsStr, cwd: &Path) -> Result<Self, Error> {
        let wrong = |what: &str| {
            let text = text.display();
            Error::new(Kind::Usage, format_args!("the store {text} {what}: give a folder or s3://BUCKET/PREFIX"))
        };
        if text.is_empty() {
            return Err(wrong("has no name"));
        }
        let Some(rest) = text.as_bytes().strip_prefix(b"s3://") else {
            if memchr::memmem::find(text.as_bytes(), b"://").is_some() {
                return Err(wrong("is of a kind that shipctl does not know"));
            }
            return Ok(Self::Folder(cwd.join(text)));
        };
        let rest = std::str::from_utf8(rest).map_err(|_| wrong("is not UTF-8"))?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
        if bucket.is_empty() || !bucket.chars().all(is_name) {
            return Err(wrong("names no bucket"));
        }
        let prefix = prefix.trim_matches('/');
        if object_store::path::Path::parse(prefix).is_err() {
            return Err(wrong("has a prefix that no key can begin with"));
        }
        Ok(Self::S3 { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::S3 { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

/// Whose versions and states they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Owner {
    /// A resource's.
    Resource(String),
    /// A job's.
    Job(String),
}

impl Owner {
    /// The name in the yml.
    pub fn name(&self) -> &str {
        match self {
            Self::Resource(name) | Self::Job(name) => name,
        }
    }

    /// Where everything of it is.
    pub(super) fn folder(&self) -> String {
        match self {
            Self::Resource(name) => format!("resources/{}", encoded(name)),
            Self::Job(name) => format!("jobs/{}", encoded(name)),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource(name) => write!(f, "resource {name}"),
            Self::Job(name) => write!(f, "job {name}"),
        }
    }
}

/// A name as one part of a path, whatever is in it.
pub(super) fn encoded(name: &str) -> String {
    match name {
        "" => "%".to_owned(),
        "." | ".." => name.replace('.', "%2E"),
        _ => utf8_percent_encode(name, PLAIN).to_string(),
    }
}

/// A build number as the first part of a file's name.
pub(super) fn encoded_number(number: &str) -> String {
    utf8_percent_encode(number, WITHOUT_DOT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let s3 = |bucket: &str, prefix: &str| Location::S3 { bucket: bucket.to_owned(), prefix: prefix.to_owned() };
        for (text, want) in [
            ("s3://b/p", s3("b", "p")),
            ("s3://b", s3("b", "")),
            ("s3://b/", s3("b", "")),
            ("s3://my.b-1/team/x/", s3("my.b-1", "team/x")),
            (".shipctl", Location::Folder("/w/.shipctl".into())),
            ("/abs", Location::Folder("/abs".into())),
            ("../up", Location::Folder("/w/../up".into())),
        ] {
            assert_eq!(Location::parse(OsStr::new(text), Path::new("/w")).unwrap(), want, "{text}");
        }
        for text in ["", "s3://", "s3:///p", "s3://a b/c", "gs://b/p", "https://b/p", "s3://b/../c", "s3://b/a//c"] {
            let error = Location::parse(OsStr::new(text), Path::new("/w")).unwrap_err();
            assert_eq!(error.kind(), Kind::Usage, "{text}");
        }
    }

    #[test]
    fn names_stay_one_part_of_a_path() {
        for (name, want) in [
            ("app-img", "app-img"),
            ("a.b_C-1", "a.b_C-1"),
            ("..", "%2E%2E"),
            (".", "%2E"),
            ("", "%"),
            ("a/b", "a%2Fb"),
            ("a b", "a%20b"),
            ("ü#1", "%C3%BC%231"),
            ("50%", "50%25"),
        ] {
            assert_eq!(encoded(name), want, "{name}");
        }
        assert_eq!(encoded_number("1.2"), "1%2E2");
        assert_eq!(Owner::Job("a/b".to_owned()).folder(), "jobs/a%2Fb");
    }
}
