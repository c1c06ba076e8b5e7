//! A JSON file of the job directory, read whole, in which a value of the wrong kind is named by file and place.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::error::{Error, Kind};
use crate::job::integration::scalar_text;

/// A JSON file.
#[derive(Debug)]
pub struct Document {
    file: PathBuf,
    value: Value,
}

impl Document {
    /// Reads a file that holds one JSON object; `None` when there is no such file.
    pub fn read(file: &Path) -> Result<Option<Self>, Error> {
        let unreadable = |error: &io::Error| Error::io("read", file, error).with_kind(Kind::Configuration);
        match std::fs::metadata(file) {
            Ok(metadata) if metadata.is_file() => {}
            // A pipe in its place would never end.
            Ok(_) => return Err(wrong(file, "not a file")),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(unreadable(&error)),
        }
        let mut text = Vec::new();
        File::open(file).and_then(|mut source| source.read_to_end(&mut text)).map_err(|error| unreadable(&error))?;
        let value: Value = serde_json::from_slice(&text)
            .map_err(|error| wrong(file, format_args!("not valid JSON: {error}; write it anew")))?;
        if !value.is_object() {
            return Err(wrong(file, format_args!("holds {}, where an object belongs", kind(&value))));
        }
        Ok(Some(Self { file: file.to_owned(), value }))
    }

    /// What is going to be in a file.
    pub fn of(file: PathBuf, value: Value) -> Self {
        Self { file, value }
    }

    /// The whole of it.
    pub fn root(&self) -> Node<'_> {
        Node { file: &self.file, at: String::new(), value: &self.value }
    }
}

fn wrong(file: &Path, what: impl std::fmt::Display) -> Error {
    Error::new(Kind::Configuration, format_args!("{}: {what}", file.display()))
}

/// What a value is, for messages.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A value in a [`Document`], which knows where it is.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    file: &'a Path,
    at: String,
    /// The value.
    pub value: &'a Value,
}

impl<'a> Node<'a> {
    /// The member of an object; `None` when there is none, or when it is null.
    pub fn member(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        let at = if self.at.is_empty() { key.to_owned() } else { format!("{}.{key}", self.at) };
        Some(Self { file: self.file, at, value })
    }

    /// A member that must be an object if it is there.
    pub fn object(&self, key: &str) -> Result<Option<Self>, Error> {
        match self.member(key) {
            Some(node) if !node.value.is_object() => Err(node.unlike("an object")),
            found => Ok(found),
        }
    }

    /// A member that must be a list if it is there; none is an empty one.
    pub fn list(&self, key: &str) -> Result<&'a [Value], Error> {
        match self.member(key) {
            Some(Node { value: Value::Array(elements), .. }) => Ok(elements),
            Some(node) => Err(node.unlike("a list")),
            None => Ok(&[]),
        }
    }

    /// A member that must be text, a number or a truth value if it is there, as a shell sees it.
    pub fn scalar(&self, key: &str) -> Result<Option<String>, Error> {
        match self.member(key) {
            Some(node) if node.value.is_object() || node.value.is_array() => Err(node.unlike("text or a number")),
            found => Ok(found.map(|node| scalar_text(node.value))),
        }
    }

    /// A member that must be text if it is there.
    pub fn text(&self, key: &str) -> Result<Option<&'a str>, Error> {
        match self.member(key) {
            Some(Node { value: Value::String(text), .. }) => Ok(Some(text)),
            Some(node) => Err(node.unlike("text")),
            None => Ok(None),
        }
    }

    /// A value further inside, at a place that only messages need.
    #[must_use]
    pub fn inside(&self, at: &str, value: &'a Value) -> Self {
        Self { file: self.file, at: at.to_owned(), value }
    }

    /// The members, of an object.
    pub fn members(&self) -> Option<&'a Map<String, Value>> {
        self.value.as_object()
    }

    /// The error for a value that should have been something else.
    pub fn unlike(&self, wanted: &str) -> Error {
        wrong(self.file, format_args!("{} is {}, where {wanted} belongs", self.at, kind(self.value)))
    }
}

/// Whether a value counts as nothing, as JavaScript sees it.
pub fn is_falsy(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(yes) => !yes,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(_) | Value::Object(_) => false,
    }
}
