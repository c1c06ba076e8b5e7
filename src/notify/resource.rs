//! The notification resource that a call names.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::job::directory::JobDirectory;
use crate::job::integration::{Integration, scalar_text};
use crate::job::names;
use crate::job::resource::{in_file, string_at};
use crate::support::json;

/// What a notification resource says: where to, and with which credentials.
#[derive(Debug)]
pub struct Resource<'a> {
    /// Its name, for messages.
    pub name: String,
    /// `version.propertyBag.method`: `irc`, or anything else.
    pub method: String,
    /// The `masterName` of its integration, which picks the service; empty without one.
    pub kind: String,
    /// `version.propertyBag.recipients`.
    pub recipients: Vec<String>,
    job: &'a JobDirectory<'a>,
    prefix: String,
    integration: Option<Integration>,
}

impl<'a> Resource<'a> {
    /// Reads a resource, which must be there and be a notification.
    pub fn read(job: &'a JobDirectory<'a>, name: &OsStr) -> Result<Self, Error> {
        let prefix = names::prefix(name.as_encoded_bytes());
        let shown = name.to_string_lossy().into_owned();
        let version = job.meta(name).map(|meta| meta.join("version.json"));
        let Some(version) = version.filter(|version| version.is_file()) else {
            let known = job.known_names();
            let near = names::did_you_mean(&shown, known.iter().map(String::as_str));
            return Err(Error::drop_in(format_args!("resource data not found for {shown}{near}")));
        };
        let kind = match job.env.get(format!("{prefix}_TYPE")) {
            Some(kind) => Some(kind.into_encoded_bytes()),
            None => string_at(&version, &["type"])?,
        };
        if kind.as_deref() != Some(b"notification".as_slice()) {
            return Err(Error::drop_in(format_args!("resource {shown} is not of type 'notification'")));
        }
        let integration = Integration::read(version.parent().unwrap_or(&version))?;
        // A job directory that was written by hand may name the service in version.json alone.
        let kind = match integration.as_ref().and_then(Integration::master_name) {
            Some(kind) => kind.to_owned(),
            None => text_at(&version, &["accountIntegration", "masterName"])?,
        };
        Ok(Self {
            name: shown,
            method: text_at(&version, &["version", "propertyBag", "method"])?,
            kind,
            recipients: recipients(&version)?,
            job,
            prefix,
            integration,
        })
    }

    /// One of a yml, with its integration.
    pub fn of(
        job: &'a JobDirectory<'a>,
        name: &str,
        property_bag: &Map<String, Value>,
        integration: Option<Integration>,
    ) -> Self {
        let text = |key: &str| property_bag.get(key).map(scalar_text).unwrap_or_default();
        let mut recipients = match property_bag.get("recipients") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(list)) => list.iter().map(scalar_text).collect(),
            Some(one) => vec![scalar_text(one)],
        };
        recipients.retain(|recipient| !recipient.trim().is_empty());
        let kind = integration.as_ref().and_then(Integration::master_name).unwrap_or_default().to_owned();
        let (name, prefix) = (name.to_owned(), names::prefix(name.as_bytes()));
        Self { name, method: text("method"), kind, recipients, job, prefix, integration }
    }

    /// A field of the integration: the environment first, as `get_integration_resource_field` looks it up. Blanks
    /// around it, such as the newline of a pasted value, are no part of a URL or token.
    pub fn field(&self, field: &str) -> Result<Option<String>, Error> {
        let key = names::key(field.as_bytes());
        let variable = format!("{}_INTEGRATION_{key}", self.prefix);
        let value = match self.job.env.get(&variable) {
            Some(value) => {
                Some(value.into_string().map_err(|_| Error::drop_in(format_args!("{variable} is not UTF-8 text")))?)
            }
            None => self.integration.as_ref().and_then(|integration| integration.variable(&key)),
        };
        Ok(value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()))
    }

    /// A field that must be there.
    pub fn required_field(&self, field: &str) -> Result<String, Error> {
        self.field(field)?.ok_or_else(|| {
            let variable = format!("{}_INTEGRATION_{}", self.prefix, names::key(field.as_bytes()));
            Error::drop_in(format_args!(
                "no {field} found in resource {}: its integration has none, and {variable} is not set",
                self.name
            ))
        })
    }
}

fn text_at(file: &Path, keys: &[&str]) -> Result<String, Error> {
    Ok(String::from_utf8_lossy(&string_at(file, keys)?.unwrap_or_default()).into_owned())
}

/// The recipients of the yml: a list, or one alone.
fn recipients(version: &Path) -> Result<Vec<String>, Error> {
    let source = File::open(version).map_err(|error| Error::io("read", version, &error))?;
    let path = json::Path::of_keys(["version", "propertyBag", "recipients"]);
    let found = json::get(&source, &path).map_err(|error| in_file(version, &error))?;
    let mut recipients = match found {
        None => Vec::new(),
        Some(json::Value::Container(list)) => match serde_json::from_slice(&list) {
            Ok(serde_json::Value::Array(list)) => list.iter().map(scalar_text).collect(),
            _ => Vec::new(),
        },
        Some(one) => {
            vec![String::from_utf8_lossy(&one.to_text().map_err(|error| in_file(version, &error))?).into_owned()]
        }
    };
    recipients.retain(|recipient| !recipient.trim().is_empty());
    Ok(recipients)
}
