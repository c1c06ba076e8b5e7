//! Policy and trust documents: what they may hold, how they are read and written.

use std::collections::BTreeMap;
use std::fmt;

use percent_encoding::percent_decode_str;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, Kind};

/// The version of the policy language that documents are written in.
pub(super) const VERSION: &str = "2012-10-17";
/// The earlier one, which a document without a version is read as.
const EARLIER_VERSION: &str = "2008-10-17";

/// A policy or a trust policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Document {
    /// The version of the policy language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// A name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What it says.
    pub statement: Statements,
}

/// Statements: AWS takes a single one without a list too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Statements(pub Vec<Statement>);

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Statement {
    /// A name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Whether it allows or denies.
    pub effect: Effect,
    /// Whom, in a trust policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<Principals>,
    /// Everybody but these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_principal: Option<Principals>,
    /// What may be called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<OneOrMany>,
    /// Everything but these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_action: Option<OneOrMany>,
    /// On what, as patterns of ARNs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<OneOrMany>,
    /// On everything but these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_resource: Option<OneOrMany>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<Map<String, Value>>,
}

impl Statement {
    /// A statement that allows, and says nothing else yet.
    pub(super) fn allow() -> Self {
        Self {
            sid: None,
            effect: Effect::Allow,
            principal: None,
            not_principal: None,
            action: None,
            not_action: None,
            resource: None,
            not_resource: None,
            condition: None,
        }
    }
}

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// It allows.
    Allow,
    /// It denies, whatever others allow.
    Deny,
}

/// A text, or a list of texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// Without a list.
    One(String),
    /// As a list.
    Many(Vec<String>),
}

impl OneOrMany {
    /// Each of them.
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }

    /// One without a list, as documents have it.
    pub(super) fn of(mut texts: Vec<String>) -> Self {
        if texts.len() == 1 { Self::One(texts.swap_remove(0)) } else { Self::Many(texts) }
    }
}

/// Whom a trust policy is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Principals {
    /// `*`, written without a kind.
    Text(String),
    /// By kind: `AWS`, `Service`, `Federated`, `CanonicalUser`.
    Kinds(BTreeMap<String, OneOrMany>),
}

impl Principals {
    /// Those of one kind.
    pub fn of_kind(&self, kind: &str) -> &[String] {
        match self {
            Self::Text(_) => &[],
            Self::Kinds(kinds) => kinds.get(kind).map_or(&[], OneOrMany::all),
        }
    }
}

impl Document {
    /// A document of these statements.
    pub(super) fn of(statements: Vec<Statement>) -> Self {
        Self { version: Some(VERSION.to_owned()), id: None, statement: Statements(statements) }
    }

    /// As JSON in lines, each level set in by so many spaces.
    pub fn pretty(&self, indent: usize) -> Result<String, Error> {
        let indent = " ".repeat(indent);
        let mut out = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
        let mut serializer = serde_json::Serializer::with_formatter(&mut out, formatter);
        self.serialize(&mut serializer).map_err(unwritable)?;
        String::from_utf8(out).map_err(unwritable)
    }

    /// As JSON in one line.
    pub fn compact(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(unwritable)
    }

    /// Whether `${…}` in it stands for something.
    pub(super) fn has_variables(&self) -> bool {
        self.version.as_deref() == Some(VERSION)
    }

    /// Reads a document, which may be URL-encoded as IAM's own answers have it.
    pub(super) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(&decoded(text))
    }
}

fn unwritable(error: impl fmt::Display) -> Error {
    Error::failed(format_args!("this cannot be written as JSON: {error}"))
}

/// The text of a document that may be URL-encoded.
fn decoded(text: &str) -> String {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with('%') { percent_decode_str(text).decode_utf8_lossy().into_owned() } else { text.to_owned() }
}

/// A document and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The file.
    pub name: String,
    /// What is in it.
    pub document: Document,
}

/// Reads a policy: the document itself, or what `aws iam get-policy-version`, `get-role-policy` and the like print
/// around it.
pub fn read_policy(name: &str, text: &[u8]) -> Result<Named, Error> {
    let wrong = |what: &dyn fmt::Display| Error::new(Kind::Configuration, format_args!("{name}: {what}"));
    let text = std::str::from_utf8(text).map_err(|error| wrong(&format_args!("not UTF-8: {error}")))?;
    if text.trim().is_empty() {
        return Err(wrong(&"empty: a policy document is wanted"));
    }
    let is_encoded = text.trim_start().starts_with('%');
    let text = decoded_in_place(text, is_encoded);
    let value: Value = serde_json::from_str(&text).map_err(|error| at(name, &error))?;
    let document = match Shape::of(&value).map_err(|reason| wrong(&reason))? {
        Shape::Bare => serde_json::from_str(&text).map_err(|error| at(name, &error))?,
        Shape::Inside(keys) => inside(name, &value, keys)?,
    };
    validate(&document).map_err(|reason| wrong(&reason))?;
    Ok(Named { name: name.to_owned(), document })
}

/// Kept as it is where it need not be decoded: an error names its lines and columns.
fn decoded_in_place(text: &str, is_encoded: bool) -> String {
    if is_encoded { decoded(text) } else { text.trim_start_matches('\u{feff}').to_owned() }
}

/// What is around a document.
enum Shape {
    /// Nothing.
    Bare,
    /// An answer of IAM, which has it here.
    Inside(&'static [&'static str]),
}

impl Shape {
    fn of(value: &Value) -> Result<Self, &'static str> {
        const WANTED: &str = "no policy document: an object with Version and Statement is wanted, or what \
                              `aws iam get-policy-version` or `get-role-policy` prints";
        const TRUST: &str = "a trust policy, which says who may assume a role: give the policy that is attached to it";
        let object = value.as_object().ok_or(WANTED)?;
        let has = |key: &str| object.contains_key(key);
        Ok(match () {
            () if has("Statement") => Self::Bare,
            () if has("PolicyVersion") => Self::Inside(&["PolicyVersion", "Document"]),
            () if has("PolicyDocument") => Self::Inside(&["PolicyDocument"]),
            () if has("Document") => Self::Inside(&["Document"]),
            () if has("AssumeRolePolicyDocument") || has("Role") => return Err(TRUST),
            () => return Err(WANTED),
        })
    }
}

/// The document in an answer, which has it as an object or as URL-encoded text.
fn inside(name: &str, value: &Value, keys: &[&str]) -> Result<Document, Error> {
    let place = keys.join(".");
    let found = keys.iter().try_fold(value, |value, key| value.get(key));
    let parsed = match found {
        Some(Value::String(text)) => Document::parse(text),
        Some(value) => serde_json::from_value(value.clone()),
        None => {
            return Err(Error::new(
                Kind::Configuration,
                format_args!("{name}: no {place}: give the whole answer of AWS, or the policy document itself"),
            ));
        }
    };
    parsed.map_err(|error| Error::new(Kind::Configuration, format_args!("{name}: {place}: {error}")))
}

/// An error of JSON with its place.
fn at(name: &str, error: &serde_json::Error) -> Error {
    let said = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let reason = said.strip_suffix(&place).unwrap_or(&said);
    Error::new(Kind::Configuration, format_args!("{name}:{}:{}: {reason}", error.line(), error.column()))
}

/// What AWS would refuse, and what is no policy of permissions.
fn validate(document: &Document) -> Result<(), String> {
    if let Some(version) = &document.version
        && version != VERSION
        && version != EARLIER_VERSION
    {
        return Err(format!("there is no Version {version}: write {VERSION}"));
    }
    for (index, statement) in document.statement.0.iter().enumerate() {
        statement_is_whole(statement).map_err(|reason| format!("{}: {reason}", place(index, statement)))?;
    }
    Ok(())
}

fn statement_is_whole(statement: &Statement) -> Result<(), String> {
    if statement.principal.is_some() || statement.not_principal.is_some() {
        return Err(
            "has a Principal, so this is a trust policy or that of a resource: give the policy that is attached \
                    to the user or role"
                .to_owned(),
        );
    }
    let one_of = |name: &str, it: Option<&OneOrMany>, not_it: Option<&OneOrMany>| match (it, not_it) {
        (None, None) => Err(format!("has neither {name} nor Not{name}: add one")),
        (Some(_), Some(_)) => Err(format!("has both {name} and Not{name}: keep one")),
        (Some(texts), None) | (None, Some(texts)) if texts.all().is_empty() => {
            Err(format!("its list of {name} is empty: remove the statement or fill it"))
        }
        _ => Ok(()),
    };
    one_of("Action", statement.action.as_ref(), statement.not_action.as_ref())?;
    one_of("Resource", statement.resource.as_ref(), statement.not_resource.as_ref())?;
    let actions = statement.action.iter().chain(&statement.not_action).flat_map(OneOrMany::all);
    for action in actions {
        if action != "*" && !action.contains(':') {
            return Err(format!("{action} is no action: write it as SERVICE:ACTION, such as ecs:CreateService"));
        }
    }
    let resources = statement.resource.iter().chain(&statement.not_resource).flat_map(OneOrMany::all);
    for resource in resources {
        if !resource.starts_with("arn:") && !resource.starts_with('*') {
            return Err(format!("{resource:?} is no resource: write an ARN, or \"*\""));
        }
    }
    Ok(())
}

/// A statement, as messages name it.
pub(super) fn place(index: usize, statement: &Statement) -> String {
    match statement.sid.as_deref() {
        Some(sid) if !sid.is_empty() => format!("statement {} ({sid})", index + 1),
        _ => format!("statement {}", index + 1),
    }
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = OneOrMany;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany::One(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<OneOrMany, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(OneOrMany::Many)
            }
        }
        deserializer.deserialize_any(Texts)
    }
}

impl<'de> Deserialize<'de> for Statements {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Statements;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of statements")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Statements, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Statements)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Statements, A::Error> {
                Statement::deserialize(MapAccessDeserializer::new(map)).map(|statement| Statements(vec![statement]))
            }
        }
        deserializer.deserialize_any(List)
    }
}

impl<'de> Deserialize<'de> for Principals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Principals;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"*\" or an object of principals")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Principals, E> {
                Ok(Principals::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Principals, A::Error> {
                BTreeMap::deserialize(MapAccessDeserializer::new(map)).map(Principals::Kinds)
            }
        }
        deserializer.deserialize_any(Either)
    }
}
