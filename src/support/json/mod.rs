//! JSON paths over files.

use std::fs::File;
use std::io::{self, Read, Write};

/// interim
#[derive(Debug, Clone)]
pub enum Step {
    /// k
    Key(String),
    /// i
    Index(i64),
}
/// A plain path.
#[derive(Debug, Clone)]
pub struct Path(Vec<Step>);
impl Path {
    /// A path of keys only.
    pub fn of_keys<I: IntoIterator<Item = impl Into<String>>>(keys: I) -> Self {
        Self(keys.into_iter().map(|k| Step::Key(k.into())).collect())
    }
}
/// A value found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// s
    String(Vec<u8>),
    /// n
    Scalar(String),
    /// c
    Container(Vec<u8>),
}
impl Value {
    /// The text that a shell sees.
    pub fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::String(b) | Self::Container(b) => b,
            Self::Scalar(s) => s.into_bytes(),
        }
    }
}
/// Why not.
#[derive(Debug)]
pub enum Error {
    /// x
    Invalid(String),
    /// io
    Io(io::Error),
}
impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Invalid(e) => f.write_str(e),
            Self::Io(e) => e.fmt(f),
        }
    }
}
/// The value at a path; `None` when absent or null.
pub fn get(mut source: File, path: &Path) -> Result<Option<Value>, Error> {
    let mut text = Vec::new();
    source.read_to_end(&mut text).map_err(Error::Io)?;
    let mut value: &serde_json::Value = &serde_json::from_slice(&text).map_err(|e| Error::Invalid(e.to_string()))?;
    for step in &path.0 {
        value = match step {
            Step::Key(key) => &value[key],
            Step::Index(i) => &value[usize::try_from(*i).unwrap_or(0)],
        };
    }
    Ok(match value {
        serde_json::Value::Null => None,
        serde_json::Value::String(s) => Some(Value::String(s.clone().into_bytes())),
        serde_json::Value::Bool(_) | serde_json::Value::Number(_) => Some(Value::Scalar(value.to_string())),
        _ => Some(Value::Container(value.to_string().into_bytes())),
    })
}
/// A query.
#[derive(Debug, Clone)]
pub enum Query {
    /// p
    Plain(Path),
    /// f
    Filter(String),
}
impl Query {
    /// interim
    pub fn under(prefix: &str, field: &str) -> Self {
        let all = format!("{prefix}.{field}");
        let mut steps = Vec::new();
        for part in all.split(['.', '[', ']']).filter(|p| !p.is_empty()) {
            let part = part.trim_matches('"');
            steps.push(part.parse().map_or_else(|_| Step::Key(part.to_owned()), Step::Index));
        }
        Self::Plain(Path(steps))
    }
}
/// interim
#[derive(Debug)]
pub struct Printed {
    /// n
    pub results: usize,
}
/// interim
pub fn print(source: File, query: &Query, out: &mut dyn Write) -> Result<Printed, Error> {
    let Query::Plain(path) = query else { return Err(Error::Invalid("no filters yet".into())) };
    match get(source, path)? {
        None => out.write_all(b"null\n"),
        Some(Value::Container(c)) => {
            let v: serde_json::Value = serde_json::from_slice(&c).map_err(|e| Error::Invalid(e.to_string()))?;
            writeln!(out, "{v:#}")
        }
        Some(v) => out.write_all(&v.into_bytes()).and_then(|()| out.write_all(b"\n")),
    }
    .map_err(Error::Io)?;
    Ok(Printed { results: 1 })
}
