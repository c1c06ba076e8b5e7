//! `version.json` of a resource, and the look-ups in it.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::job::directory::JobDirectory;
use crate::support::json;

/// What a look-up can ask of a resource, and where the answer lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    /// `<N>_ID`, `resourceId`.
    Id,
    /// `<N>_META`, the folder.
    Meta,
    /// `<N>_STATE`, the folder of its type.
    State,
    /// `<N>_OPERATION`, `IN` or `OUT`.
    Operation,
    /// `<N>_TYPE`, `type`.
    Type,
    /// `<N>_VERSIONNAME`, `version.versionName`; null is empty.
    VersionName,
    /// `<N>_VERSIONID`, `version.versionId`.
    VersionId,
    /// `<N>_VERSIONNUMBER`, `version.versionNumber`.
    VersionNumber,
}

impl Attribute {
    /// The variable is the prefix, `_` and this.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Id => "ID",
            Self::Meta => "META",
            Self::State => "STATE",
            Self::Operation => "OPERATION",
            Self::Type => "TYPE",
            Self::VersionName => "VERSIONNAME",
            Self::VersionId => "VERSIONID",
            Self::VersionNumber => "VERSIONNUMBER",
        }
    }

    /// The keys that lead to it in `version.json`; none for what is not in there.
    const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Id => &["resourceId"],
            Self::Operation => &["operation"],
            Self::Type => &["type"],
            Self::VersionName => &["version", "versionName"],
            Self::VersionId => &["version", "versionId"],
            Self::VersionNumber => &["version", "versionNumber"],
            Self::Meta | Self::State => &[],
        }
    }
}

/// An attribute of a resource, or of the job itself, from the files of the job directory.
pub fn attribute(job: &JobDirectory, name: &OsStr, attribute: Attribute) -> Result<Option<Vec<u8>>, Error> {
    let Some(folder) = job.resource(name) else {
        return if job.is_job(name) { attribute_of_job(job, attribute) } else { Ok(None) };
    };
    match attribute {
        Attribute::Meta => Ok(Some(path_bytes(folder.meta))),
        Attribute::State => Ok(string_at(&folder.meta.join("version.json"), &["type"])?
            .map(|kind| path_bytes(folder.meta.join(OsStr::new(&String::from_utf8_lossy(&kind).into_owned()))))),
        Attribute::Operation => {
            let written = string_at(&folder.meta.join("version.json"), attribute.keys())?;
            Ok(Some(written.unwrap_or_else(|| folder.operation.as_str().into())))
        }
        Attribute::VersionName => {
            let written = string_at(&folder.meta.join("version.json"), attribute.keys())?;
            Ok(Some(written.unwrap_or_default()))
        }
        Attribute::Id | Attribute::Type | Attribute::VersionId | Attribute::VersionNumber => {
            string_at(&folder.meta.join("version.json"), attribute.keys())
        }
    }
}

fn attribute_of_job(job: &JobDirectory, attribute: Attribute) -> Result<Option<Vec<u8>>, Error> {
    match attribute {
        Attribute::State => Ok(Some(path_bytes(job.state()?))),
        Attribute::Id => string_at(&job.message()?, attribute.keys()),
        Attribute::Type => {
            let written = string_at(&job.message()?, attribute.keys())?;
            Ok(written.or_else(|| job.own_variable("JOB_TYPE").map(OsStringExt::into_vec)))
        }
        Attribute::Meta
        | Attribute::Operation
        | Attribute::VersionName
        | Attribute::VersionId
        | Attribute::VersionNumber => Ok(None),
    }
}

/// The value at some keys of a JSON file, as a shell sees it: nothing when the file, the key or the value is absent.
pub fn string_at(file: &Path, keys: &[&str]) -> Result<Option<Vec<u8>>, Error> {
    let Some(source) = open_regular(file)? else { return Ok(None) };
    let found =
        json::get(&source, &json::Path::of_keys(keys.iter().copied())).map_err(|error| in_file(file, &error))?;
    found.map(|value| value.to_text()).transpose().map_err(|error| in_file(file, &error))
}

/// Opens a regular file; `None` when there is none. A pipe in its place is none either: opening it would wait forever.
pub fn open_regular(file: &Path) -> Result<Option<File>, Error> {
    match std::fs::metadata(file) {
        Ok(metadata) if !metadata.is_file() => Ok(None),
        Ok(_) => File::open(file).map(Some).map_err(|error| Error::io("read", file, &error)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(Error::io("read", file, &error)),
    }
}

/// What is wrong in a JSON file, with the file's name.
pub fn in_file(file: &Path, error: &json::Error) -> Error {
    Error::drop_in(format_args!("{}: {error}", file.display()))
}

/// A path as the bytes that a shell gets.
pub fn path_bytes(path: PathBuf) -> Vec<u8> {
    std::os::unix::ffi::OsStringExt::into_vec(path.into_os_string())
}

/// `version.propertyBag.params` of a resource folder.
pub fn params_of(meta: &Path) -> Result<Option<serde_json::Map<String, serde_json::Value>>, Error> {
    let file = meta.join("version.json");
    let Some(text) = string_at(&file, &["version", "propertyBag", "params"])? else { return Ok(None) };
    match serde_json::from_slice(&text) {
        Ok(serde_json::Value::Object(params)) => Ok(Some(params)),
        Ok(_) => Err(Error::drop_in(format_args!("{}: version.propertyBag.params is not an object", file.display()))),
        Err(error) => Err(Error::drop_in(format_args!("{}: {error}", file.display()))),
    }
}
