//! What the version of a resource says, and where that is written: the values that a mapping reads, and its findings.

use std::fmt::{self, Write as _};
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::shown::MASK;
use crate::config::shippable::{Dependency, Resource};
use crate::config::yaml::{self, Node};
use crate::error::{Error, Kind};
use crate::job::build::select::Chosen;
use crate::job::integration::scalar_text;
use crate::job::names;
use crate::job::secret_names::names_a_secret;

/// How much of a value a message shows.
const SHOWN: usize = 60;

/// What was found wrong, and what has no meaning here.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Each with its place.
    pub errors: Vec<String>,
    /// The same.
    pub warnings: Vec<String>,
}

impl Findings {
    /// Something that cannot be deployed.
    pub fn error(&mut self, at: impl fmt::Display, text: impl fmt::Display) {
        push(&mut self.errors, format!("{at}: {text}"));
    }

    /// Everything that was found wrong.
    pub fn check(&self) -> Result<(), Error> {
        if self.errors.is_empty() { Ok(()) } else { Err(Error::new(Kind::Configuration, self.errors.join("; "))) }
    }

    /// Something that is left out.
    pub fn warn(&mut self, at: impl fmt::Display, text: impl fmt::Display) {
        push(&mut self.warnings, format!("{at}: {text}"));
    }
}

/// A resource that several manifests take in is wrong once.
fn push(all: &mut Vec<String>, text: String) {
    if !all.contains(&text) {
        all.push(text);
    }
}

/// A resource, as a step takes it in.
#[derive(Debug)]
pub(super) struct Said<'a> {
    pub resource: &'a Resource,
    pub step: &'a Dependency,
    /// Its properties.
    pub bag: Map<String, Value>,
    pub version_name: Option<String>,
    /// The number of the version in the store; none where it is the yml that speaks.
    pub number: Option<u64>,
}

impl<'a> Said<'a> {
    pub fn of(chosen: &Chosen<'a>, resource: &'a Resource) -> Self {
        let version = chosen.version.as_ref();
        Self {
            resource,
            step: chosen.step,
            bag: version.map(|version| version.property_bag.clone()).unwrap_or_default(),
            version_name: version.and_then(|version| version.version_name.clone()),
            number: version.filter(|_| chosen.draft.is_none()).map(|version| version.version_number),
        }
    }

    pub fn name(&self) -> &'a str {
        &self.resource.name
    }

    /// A property that is there and not null.
    pub fn get(&'a self, key: &str) -> Option<Field<'a>> {
        let value = self.bag.get(key).filter(|value| !value.is_null())?;
        Some(Field { said: self, path: vec![key.to_owned()], value })
    }

    /// Every property that is there and not null.
    pub fn fields(&'a self) -> impl Iterator<Item = Field<'a>> {
        let there = self.bag.iter().filter(|(_, value)| !value.is_null());
        there.map(move |(key, value)| Field { said: self, path: vec![key.clone()], value })
    }

    /// A property that has to be a text, and there.
    pub fn required(&'a self, key: &str, example: &str, found: &mut Findings) -> Option<String> {
        let Some(field) = self.get(key) else {
            found.error(self.place(&[]), format_args!("{} has no {key}: add `{key}: {example}`", self.name()));
            return None;
        };
        let text = field.text(found)?;
        if text.is_empty() {
            field.wrong(found, example);
            return None;
        }
        Some(text)
    }

    /// Names every property that is written in the yml and none of these: what is left out is not left out in silence.
    pub fn left_out(&self, known: &[&str], found: &mut Findings) {
        for field in self.fields().filter(|field| !known.contains(&field.key())) {
            if self.node(&field.path).is_some() {
                let near = names::slip_of(field.key(), known.iter().copied());
                let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
                let kind = &self.resource.kind;
                let text = format!("{} has no meaning for a {kind} of ECS, and is left out{near}", field.shown());
                found.warn(field.at(), text);
            }
        }
    }

    /// The node of a property in the yml; that of the last key first, as their union goes.
    fn node(&self, path: &[String]) -> Option<&'a Node> {
        let section = |key: &&str| self.resource.yml.get(key);
        ["versionTemplate", "version", "seed", "pointer"].iter().filter_map(section).find_map(|part| {
            path.iter().try_fold(part, |node, step| match &node.value {
                yaml::Value::List(elements) => elements.get(step.parse::<usize>().ok()?),
                _ => node.get(step),
            })
        })
    }

    /// Where a property is written; the step, where a version in the store says something else than the yml.
    fn place(&self, path: &[String]) -> String {
        let said = path.iter().try_fold(None::<&Value>, |value, step| {
            let next = match value {
                None => self.bag.get(step),
                Some(Value::Array(elements)) => elements.get(step.parse::<usize>().ok()?),
                Some(value) => value.get(step),
            };
            next.map(Some)
        });
        match (self.node(path), said, self.number) {
            (Some(node), Some(Some(value)), _) if node.to_json() == *value && !path.is_empty() => node.at.to_string(),
            (Some(node), _, None) if !path.is_empty() => node.at.to_string(),
            (_, _, Some(number)) if !path.is_empty() => {
                format!("{} (version {number} of {})", self.step.at, self.name())
            }
            _ => self.resource.at().to_string(),
        }
    }
}

/// A value in a version, and the way to it.
#[derive(Debug, Clone)]
pub(super) struct Field<'a> {
    said: &'a Said<'a>,
    path: Vec<String>,
    pub value: &'a Value,
}

impl<'a> Field<'a> {
    /// The last part of its way.
    pub fn key(&self) -> &str {
        self.path.last().map(String::as_str).unwrap_or_default()
    }

    fn below(&self, step: String, value: &'a Value) -> Self {
        let mut path = self.path.clone();
        path.push(step);
        Self { said: self.said, path, value }
    }

    /// A member that is there and not null.
    pub fn member(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(self.below(key.to_owned(), value))
    }

    /// The members of an object, nulls left out.
    pub fn members(&self) -> impl Iterator<Item = Self> {
        let members = self.value.as_object().into_iter().flatten();
        members.filter(|(_, value)| !value.is_null()).map(|(key, value)| self.below(key.clone(), value))
    }

    /// Where it is written.
    pub fn at(&self) -> String {
        self.said.place(&self.path)
    }

    /// As `portMappings[0] of opts`.
    pub fn shown(&self) -> String {
        let mut text = String::new();
        for step in &self.path {
            if step.parse::<usize>().is_ok() && !text.is_empty() {
                let _ = write!(text, "[{step}]");
            } else {
                text += if text.is_empty() { "" } else { "." };
                text += step;
            }
        }
        format!("{text} of {}", self.said.name())
    }

    /// Says that something else was expected.
    pub fn wrong(&self, found: &mut Findings, expected: impl fmt::Display) {
        let mut value = self.value.to_string();
        // `API_TOKEN=…` in a list of variables, or an option of this name.
        if self.path.iter().chain([&value]).any(|text| names_a_secret(text)) {
            MASK.clone_into(&mut value);
        } else if value.chars().count() > SHOWN {
            value = value.chars().take(SHOWN).chain(['…']).collect();
        }
        found.error(self.at(), format_args!("{} is {value}: {expected} was expected", self.shown()));
    }

    /// Says that a member is missing.
    pub fn lacks(&self, found: &mut Findings, key: &str, example: &str) {
        found.error(self.at(), format_args!("{} has no {key}: add `{key}: {example}`", self.shown()));
    }

    /// One value as text.
    pub fn text(&self, found: &mut Findings) -> Option<String> {
        if self.value.is_array() || self.value.is_object() || self.value.is_null() {
            self.wrong(found, "a text");
            return None;
        }
        Some(scalar_text(self.value))
    }

    /// A whole number, also one written as a text.
    pub fn integer(&self, found: &mut Findings, range: RangeInclusive<i64>, what: &str) -> Option<i64> {
        let number = match self.value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            self.wrong(found, what);
        }
        number
    }

    /// A number, also one written as a text.
    pub fn number(&self, found: &mut Findings) -> Option<Value> {
        let number = match self.value {
            Value::Number(_) => Some(self.value.clone()),
            Value::String(text) => text.trim().parse::<serde_json::Number>().ok().map(Value::from),
            _ => None,
        };
        if number.is_none() {
            self.wrong(found, "a number");
        }
        number
    }

    /// A truth value, also one written as a text.
    pub fn boolean(&self, found: &mut Findings) -> Option<bool> {
        let value = match self.value {
            Value::Bool(value) => Some(*value),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        if value.is_none() {
            self.wrong(found, "true or false");
        }
        value
    }

    /// The elements of a list; one value counts as a list of one.
    pub fn elements(&self, found: &mut Findings) -> Vec<Self> {
        match self.value {
            Value::Array(elements) => {
                elements.iter().enumerate().map(|(at, value)| self.below(at.to_string(), value)).collect()
            }
            Value::Object(_) => {
                self.wrong(found, "a list");
                Vec::new()
            }
            _ => vec![self.clone()],
        }
    }

    /// A list of texts.
    pub fn texts(&self, found: &mut Findings) -> Value {
        self.elements(found).iter().filter_map(|element| element.text(found)).map(Value::String).collect()
    }

    /// A map of texts.
    pub fn map_of_texts(&self, found: &mut Findings) -> Option<Map<String, Value>> {
        let Value::Object(members) = self.value else {
            self.wrong(found, "a map, `key: value`");
            return None;
        };
        let text = |(key, value): (&String, &Value), found: &mut Findings| {
            let text = if value.is_null() { Some(String::new()) } else { self.below(key.clone(), value).text(found) };
            Some((key.clone(), text?.into()))
        };
        Some(members.iter().filter_map(|member| text(member, found)).collect())
    }

    /// A map, as it is.
    pub fn map(&self, found: &mut Findings) -> Option<&'a Map<String, Value>> {
        let map = self.value.as_object();
        if map.is_none() {
            self.wrong(found, "a map");
        }
        map
    }
}
