//! The job and its resources as a person reads them. What is or may be a secret never gets in here.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::Error;
use crate::job::contents::{Contents, read_integration};
use crate::job::directory::{JobDirectory, ResourceFolder};
use crate::job::document::{Document, Node};
use crate::job::integration::{Integration, scalar_text};
use crate::job::secret_names::{is_secret_by_name, names_a_secret};
use crate::job::{integration_types, names, params};

/// What stands for a secret.
pub const MASK: &str = "***";

/// Properties of a version that are worth a line and are no secrets.
const PROPERTIES: [&str; 12] = [
    "sourceName",
    "region",
    "namespace",
    "groupName",
    "clusterName",
    "branch",
    "count",
    "method",
    "recipients",
    "memory",
    "cpuShares",
    "interval",
];

/// A job directory.
#[derive(Debug, Serialize)]
pub struct Overview {
    /// The job.
    pub job: Job,
    /// Its resources, in the order of the steps.
    pub resources: Vec<Resource>,
    /// Its own integrations.
    pub integrations: Vec<Attached>,
    /// What was left out, one line each.
    #[serde(skip)]
    pub warnings: Vec<String>,
}

/// The job itself.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Its name, where it is known.
    pub name: Option<String>,
    /// `runSh` and the like.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The number of the build.
    pub build_number: Option<String>,
    /// The root of the job directory.
    pub path: String,
}

/// An input or output.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// As in the yml.
    pub name: String,
    /// `IN` or `OUT`.
    pub operation: &'static str,
    /// The type in the yml.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The resource's id.
    pub id: Option<String>,
    /// `version.versionName`.
    pub version_name: Option<String>,
    /// `version.versionNumber`.
    pub version_number: Option<String>,
    /// Properties of the version: the known ones.
    pub properties: Map<String, Value>,
    /// Values of a params resource.
    pub params: Map<String, Value>,
    /// The integration, when it has one.
    pub integration: Option<Attached>,
}

/// An integration.
#[derive(Debug, Serialize)]
pub struct Attached {
    /// Its name, where it is known.
    pub name: Option<String>,
    /// `masterName`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Fields and what may be shown of them.
    pub fields: Map<String, Value>,
}

impl Overview {
    /// Reads a job directory.
    ///
    /// # Errors
    ///
    /// As for the environment: nothing that is broken is passed over.
    pub fn of(job: &JobDirectory) -> Result<Self, Error> {
        let contents = Contents::of(job)?;
        let fact = |key: &str| contents.message.as_ref().map(|message| message.fact(key)).transpose();
        let own = |name: &str| job.own_variable(name).map(|value| value.to_string_lossy().into_owned());
        let about = Job {
            name: fact("name")?.flatten().or_else(|| own("JOB_NAME")),
            kind: fact("type")?.flatten().or_else(|| own("JOB_TYPE")),
            build_number: fact("buildNumber")?.flatten().or_else(|| own("BUILD_NUMBER")),
            path: contents.root.display().to_string(),
        };
        let integrations = contents.integrations.iter().map(|(folder, integration)| {
            attached(Some(String::from_utf8_lossy(names::of_folder(folder)).into_owned()), integration)
        });
        Ok(Self {
            job: about,
            resources: contents.folders.iter().map(resource).collect::<Result<_, _>>()?,
            integrations: integrations.collect(),
            warnings: contents.warnings,
        })
    }
}

fn resource(folder: &ResourceFolder) -> Result<Resource, Error> {
    let document = Document::read(&folder.meta.join("version.json"))?;
    let mut shown = Resource {
        name: folder.name.to_string_lossy().into_owned(),
        operation: folder.operation.as_str(),
        kind: None,
        id: None,
        version_name: None,
        version_number: None,
        properties: Map::new(),
        params: Map::new(),
        integration: None,
    };
    let mut integration_name = None;
    if let Some(root) = document.as_ref().map(Document::root) {
        shown.kind = root.text("type")?.map(ToOwned::to_owned);
        shown.id = root.scalar("resourceId")?;
        let yml = root.object("propertyBag")?.map(|bag| bag.object("yml")).transpose()?.flatten();
        integration_name = yml.map(|yml| yml.text("integration")).transpose()?.flatten().map(ToOwned::to_owned);
        if let Some(version) = root.object("version")? {
            shown.version_name = version.scalar("versionName")?.map(|name| without_user(&name));
            shown.version_number = version.scalar("versionNumber")?;
            if let Some(bag) = version.object("propertyBag")? {
                shown.properties = properties(&bag)?;
                shown.params = match bag.object("params")?.and_then(|params| params.members()) {
                    Some(members) if shown.kind.as_deref() == Some("params") => masked_params(members),
                    _ => Map::new(),
                };
            }
        }
    }
    shown.integration = read_integration(&folder.meta)?.map(|integration| attached(integration_name, &integration));
    Ok(shown)
}

fn properties(bag: &Node) -> Result<Map<String, Value>, Error> {
    let mut shown = Map::new();
    for key in PROPERTIES {
        if let Some(node) = bag.member(key) {
            shown.insert(key.to_owned(), public(node.value));
        }
    }
    // A state has text in its place, which its version name repeats.
    if let Some(sha) = bag.member("shaData").filter(|node| node.value.is_object()) {
        for key in ["branchName", "commitSha", "gitTagName", "pullRequestNumber"] {
            if let Some(value) = sha.scalar(key)?.filter(|value| !value.is_empty()) {
                shown.insert(key.to_owned(), without_user(&value).into());
            }
        }
    }
    Ok(shown)
}

/// Params, without those under `secure` and those whose names speak of a secret.
pub fn masked_params(members: &Map<String, Value>) -> Map<String, Value> {
    let mut shown = Map::new();
    for (key, value) in members {
        match value {
            Value::Object(references) if key == params::SECURE => {
                shown.extend(references.keys().map(|key| (key.clone(), MASK.into())));
            }
            // Not even the names in a text: one forgotten quote, and what is read as a name is part of a value.
            _ if key == params::SECURE || speaks_of_secret(key, value) => {
                shown.insert(key.clone(), MASK.into());
            }
            _ => {
                shown.insert(key.clone(), public(value));
            }
        }
    }
    shown
}

/// Whether a field of an integration, by the end of its variable's name, may be shown.
pub fn is_public_field(variable: &str) -> bool {
    !integration_types::is_secret(None, variable) || variable.starts_with("NODES_")
}

/// Whether a name, or a value under it, speaks of a secret.
pub fn speaks_of_secret(key: &str, value: &Value) -> bool {
    let by_name = match value {
        Value::Object(_) | Value::Array(_) => names_a_secret(key),
        scalar => is_secret_by_name(key, &scalar_text(scalar)),
    };
    by_name
        || match value {
            Value::Object(members) => members.iter().any(|(key, value)| speaks_of_secret(key, value)),
            Value::Array(elements) => elements.iter().any(|value| speaks_of_secret("", value)),
            Value::String(text) => text.contains("PRIVATE KEY-----"),
            _ => false,
        }
}

fn attached(name: Option<String>, integration: &Integration) -> Attached {
    let fields = integration.user_fields().into_iter().map(|(field, value)| {
        let is_secret = integration_types::is_secret(integration.master_name(), field);
        (field.to_owned(), if is_secret { MASK.into() } else { public(value) })
    });
    Attached { name, kind: integration.master_name().map(ToOwned::to_owned), fields: fields.collect() }
}

/// A property as it may be shown, its kind kept: without what is under `secure` or a name that speaks of a secret, and
/// without the users of addresses.
pub fn masked(key: &str, value: &Value) -> Value {
    match value {
        Value::Object(members) if key != params::SECURE => {
            members.iter().map(|(key, value)| (key.clone(), masked(key, value))).collect::<Map<_, _>>().into()
        }
        _ if key == params::SECURE || speaks_of_secret(key, value) => MASK.into(),
        Value::Array(elements) => elements.iter().map(|element| masked("", element)).collect(),
        Value::String(text) => without_user(text).into(),
        other => other.clone(),
    }
}

/// A value that may be shown: text, or a list of texts.
pub fn public(value: &Value) -> Value {
    match value {
        Value::Array(elements) => elements.iter().map(|element| without_user(&scalar_text(element))).collect(),
        other => without_user(&scalar_text(other)).into(),
    }
}

/// A text without the `user:password@` of the addresses in it.
fn without_user(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        let end = after.find(|c: char| matches!(c, '/' | '?' | '#' | '"') || c.is_whitespace()).unwrap_or(after.len());
        let user = after[..end].rfind('@').map_or(0, |at| at + 1);
        shown.push_str(before);
        shown.push_str("://");
        if user > 0 {
            shown.push_str(MASK);
            shown.push('@');
        }
        shown.push_str(&after[user..end]);
        rest = &after[end..];
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_their_users() {
        for (text, want) in [
            ("plain", "plain"),
            ("https://index.docker.io/v1/", "https://index.docker.io/v1/"),
            ("https://bob:hunter2@host/x and ssh://git@h", "https://***@host/x and ssh://***@h"),
            ("https://bob:p@ss@host/?a=b@c", "https://***@host/?a=b@c"),
            ("://", "://"),
        ] {
            assert_eq!(without_user(text), want);
        }
    }

    #[test]
    fn params_that_speak_of_a_secret() {
        let params = serde_json::json!({
            "ENV": "prod", "DB_PASSWORD": "p1", "api-token": "p2", "nested": {"a": [{"secretKey": "p3"}]},
            "list": ["a", 1], "pem": "-----BEGIN PRIVATE KEY-----\np4", "secure": "A=p5 B=p6"
        });
        let shown = Value::Object(masked_params(params.as_object().unwrap()));
        assert_eq!(
            shown,
            serde_json::json!({
                "ENV": "prod", "DB_PASSWORD": "***", "api-token": "***", "nested": "***", "list": ["a", "1"],
                "pem": "***", "secure": "***"
            })
        );
    }
}
