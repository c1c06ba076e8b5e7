//! Integrations from outside: a YAML or JSON file, and variables of the environment.
//!
//! ```yaml
//! aws:
//!   type: amazonKeys                 # masterName: is taken as well
//!   accessKey: ${AWS_KEY}            # text with variables; $$ is a dollar sign
//!   secretKey: env:AWS_SECRET        # the whole value of a variable
//! deploy:
//!   type: pemKey
//!   key: file:~/keys/deploy.pem      # a file, seen from this file's folder, byte for byte
//! slack:
//!   type: slackKey
//!   webhookUrl: exec:pass show ci/slack  # what a command prints; no shell, newlines at the end removed
//! odd:
//!   type: keyValuePair
//!   envs: {PRICE: "literal:$5"}      # as it stands
//! ```
//!
//! The same may be under a top key `integrations`, or be a list whose entries have a `name`. Variables
//! `SHIPCTL_INT_<NAME>_<FIELD>`, and `SHIPCTL_INT_<NAME>_TYPE`, win over the file field by field. Their values are
//! taken as they are; one that is empty counts as not set, since that is what CI systems make of an unknown secret. In
//! a list (`NODES`), elements are separated by commas; it may be a list of JSON as well, and `ENVS` of a keyValuePair an
//! object of JSON that has all of its variables.

mod file; // the file, checked
mod inspect; // what can be told without any value
mod record; // one integration with its values
mod reference; // where a value is to be had
mod shape; // texts as their fields have them

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

pub use record::{Record, stable_id};
pub use reference::{Reference, reference};

use self::file::Entry;
use self::shape::{is_empty, members_of_json, shaped};
use crate::config::yaml::{self, Node};
use crate::ctx::Env;
use crate::error::{Error, Kind};
use crate::job::integration_types::{self, Field, IntegrationType};
use crate::job::names;

/// How the variables of integrations begin.
const PREFIX: &str = "SHIPCTL_INT_";

/// What follows the name where the variable tells the type.
const TYPE: &str = "TYPE";

/// What follows the name where one variable has all of a keyValuePair, as JSON.
const ENVS: &str = "ENVS";

/// Where the values of integrations are to be had. Nothing is read, run or looked up before it is asked for. `Debug`
/// names the integrations and shows no value.
pub struct Integrations {
    env: Env,
    /// The file, and its folder, from which its paths are seen.
    file: Option<PathBuf>,
    base: PathBuf,
    entries: Vec<Entry>,
    /// Variables of integrations, without what their names begin with.
    variables: BTreeMap<String, OsString>,
}

/// What went wrong with some integrations, all of it.
#[derive(Debug, Default)]
struct Problems {
    lines: Vec<String>,
    /// Whether a configuration is wrong, and not only a value missing.
    broken: bool,
    /// Whether fields that are missing are no problem.
    only_given: bool,
}

impl Problems {
    fn missing(&mut self, name: &str, what: impl fmt::Display) {
        self.lines.push(format!("{name}: {what}"));
    }

    fn broken(&mut self, name: &str, what: impl fmt::Display) {
        self.missing(name, what);
        self.broken = true;
    }
}

impl fmt::Debug for Integrations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (names, variables): (Vec<&str>, Vec<&String>) = (self.names().collect(), self.variables.keys().collect());
        let mut shown = f.debug_struct("Integrations");
        shown.field("file", &self.file).field("names", &names).field("variables", &variables).finish_non_exhaustive()
    }
}

impl Integrations {
    /// Reads and checks the file.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`]: a file that cannot be read or is broken. What is wrong with one integration (types and
    /// fields that are unknown) is said to those who use it, by [`resolve`](Self::resolve).
    pub fn load(env: &Env, file: Option<&Path>) -> Result<Self, Error> {
        Ok(Self::of(env, file, file.map(file::read).transpose()?.unwrap_or_default()))
    }

    fn of(env: &Env, file: Option<&Path>, entries: Vec<Entry>) -> Self {
        let variables = env.all().into_iter().filter_map(|(name, value)| {
            let name = name.to_str()?.strip_prefix(PREFIX)?.to_owned();
            (!value.as_bytes().is_empty()).then_some((name, value))
        });
        let base = file.and_then(Path::parent).map(Path::to_owned).unwrap_or_default();
        Self { env: env.clone(), file: file.map(Path::to_owned), base, entries, variables: variables.collect() }
    }

    /// The names that the file has, in its order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    /// The folder from which references of the file are seen.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// The type of an integration, without looking at its values; `None` when it is unknown.
    pub fn master_name(&self, name: &str) -> Option<String> {
        let variable = self.variables.get(&format!("{}_{TYPE}", names::prefix(name.as_bytes())));
        let written = || self.entry(name).and_then(|entry| entry.master_name.clone());
        variable.and_then(|value| value.to_str().map(ToOwned::to_owned)).or_else(written)
    }

    /// The values of these integrations, and of no other: commands of the others are not run.
    ///
    /// # Errors
    ///
    /// Everything that is missing, in one message: [`Kind::NoCredentials`], or [`Kind::Configuration`] where a type or
    /// field is unknown.
    pub fn resolve(&self, names: &[&str]) -> Result<BTreeMap<String, Record>, Error> {
        self.resolved(names, Problems::default())
    }

    /// The same of one integration, as far as fields of it are given: what is needed of them is for the caller to say.
    ///
    /// # Errors
    ///
    /// As of [`Self::resolve`], but for fields that are missing.
    pub fn given(&self, name: &str) -> Result<Option<Record>, Error> {
        let problems = Problems { only_given: true, ..Problems::default() };
        self.resolved(&[name], problems).map(|mut found| found.remove(name))
    }

    fn resolved(&self, names: &[&str], mut problems: Problems) -> Result<BTreeMap<String, Record>, Error> {
        let mut records = BTreeMap::new();
        let wanted: BTreeSet<&str> = names.iter().copied().collect();
        for name in &wanted {
            if let Some(record) = self.record(name, &wanted, &mut problems) {
                records.insert((*name).to_owned(), record);
            }
        }
        if problems.lines.is_empty() {
            return Ok(records);
        }
        let kind = if problems.broken { Kind::Configuration } else { Kind::NoCredentials };
        Err(Error::new(kind, format_args!("integrations: {}", problems.lines.join("; "))))
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    fn record(&self, name: &str, wanted: &BTreeSet<&str>, problems: &mut Problems) -> Option<Record> {
        let before = problems.lines.len();
        let variables = self.variables_of(name, wanted);
        let entry = self.entry(name);
        if let Some(entry) = entry.filter(|entry| !entry.wrong.is_empty()) {
            problems.broken = true;
            problems.lines.extend(entry.wrong.iter().map(ToString::to_string));
            return None;
        }
        let Some(master_name) = self.master_name(name) else {
            self.without_type(name, entry, &variables, problems);
            return None;
        };
        let Some(kind) = integration_types::of(&master_name) else {
            problems.broken(name, file::unknown_type(&master_name));
            return None;
        };
        if let Some(entry) = entry.filter(|entry| entry.master_name.as_deref() != Some(&master_name)) {
            let mut wrong = Vec::new();
            file::check_fields(entry, kind, &master_name, &mut wrong);
            problems.broken |= !wrong.is_empty();
            problems.lines.extend(wrong.iter().map(ToString::to_string));
        }
        let mut making = Making { all: self, name, master_name: &master_name, kind, entry, problems };
        let fields = if kind.is_key_value_pair() { making.pairs(&variables) } else { making.fields(variables) };
        (problems.lines.len() == before).then(|| Record { name: name.to_owned(), master_name, fields })
    }

    /// The variables of an integration: what follows its name, and the value. A variable that belongs to an
    /// integration with a longer name (`aws` and `aws_prod`) is that one's.
    fn variables_of(&self, name: &str, wanted: &BTreeSet<&str>) -> BTreeMap<&str, &OsString> {
        let own = names::prefix(name.as_bytes());
        if own.is_empty() {
            return BTreeMap::new();
        }
        let field = |variable: &'_ str, prefix: &str| {
            variable.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')).is_some_and(|rest| !rest.is_empty())
        };
        // Most have none, and to know all other names costs.
        if !self.variables.iter().any(|(variable, _)| field(variable, &own)) {
            return BTreeMap::new();
        }
        let mut others: BTreeSet<String> =
            wanted.iter().copied().chain(self.names()).map(|name| names::prefix(name.as_bytes())).collect();
        // Integrations of other jobs may be known by their variables alone.
        others.extend(self.variables.iter().filter_map(|(variable, value)| {
            let name = variable.strip_suffix(TYPE)?.strip_suffix('_')?;
            value.to_str().and_then(integration_types::of).map(|_| name.to_owned())
        }));
        let longer: Vec<&String> =
            others.iter().filter(|other| field(&format!("{other}_"), &own) || field(other, &own)).collect();
        let mine = self
            .variables
            .iter()
            .filter(|(variable, _)| field(variable, &own) && !longer.iter().any(|other| field(variable, other)));
        mine.map(|(variable, value)| (&variable[own.len() + 1..], value)).filter(|(key, _)| *key != TYPE).collect()
    }

    /// Says what an integration needs whose type nobody tells.
    fn without_type(
        &self,
        name: &str,
        entry: Option<&Entry>,
        variables: &BTreeMap<&str, &OsString>,
        problems: &mut Problems,
    ) {
        let variable = format!("{PREFIX}{}_{TYPE}", names::prefix(name.as_bytes()));
        if let Some(entry) = entry {
            let given = entry.fields.iter().map(|(key, _)| names::key(key.text.as_bytes())).collect();
            problems.broken(name, format_args!("no type at {}: add type: {}", entry.at, fitting(&given)));
        } else if variables.is_empty() {
            let place = match &self.file {
                Some(file) => format!("add it to {}", file.display()),
                None => "give a file of integrations that has it".to_owned(),
            };
            let near = names::did_you_mean(name, self.names());
            problems
                .missing(name, format_args!("no such integration: {place}, or set {variable} and its fields{near}"));
        } else {
            let given = variables.keys().map(|key| (*key).to_owned()).collect();
            problems.missing(name, format_args!("no type: set {variable} to {}", fitting(&given)));
        }
    }
}

/// The types that these fields can be of, for messages.
fn fitting(given: &BTreeSet<String>) -> String {
    let fits = |kind: &&IntegrationType| {
        let required = kind.fields.iter().filter(|field| field.required);
        !kind.deprecated
            && kind.fields.iter().any(|field| field.required)
            && required.clone().all(|field| given.contains(&names::key(field.name.as_bytes())))
            && given.iter().all(|key| kind.field_of_key(key).is_some())
    };
    let fitting: Vec<&str> = integration_types::all().iter().filter(fits).map(|kind| kind.name).take(3).collect();
    if fitting.is_empty() { "its type".to_owned() } else { format!("its type ({}?)", fitting.join(", ")) }
}

/// One record on its way.
struct Making<'a> {
    all: &'a Integrations,
    name: &'a str,
    master_name: &'a str,
    kind: &'static IntegrationType,
    entry: Option<&'a Entry>,
    problems: &'a mut Problems,
}

impl Making<'_> {
    fn fields(&mut self, mut variables: BTreeMap<&str, &OsString>) -> Map<String, Value> {
        let mut fields = Map::new();
        for field in self.kind.fields {
            let key = names::key(field.name.as_bytes());
            let failed = self.problems.lines.len();
            let value = match variables.remove(key.as_str()) {
                Some(value) => self.text_of(&key, value).map(|text| shaped(field, &text)),
                None => self.written(field.name).and_then(|node| self.value(field, &node)),
            };
            match value {
                // A reference that leads nowhere has been told.
                None if self.problems.lines.len() > failed => {}
                Some(value) if !(field.required && is_empty(&value)) => {
                    fields.insert(field.name.to_owned(), value);
                }
                found if field.required && !self.has_instead(field, &variables) => self.missing(field, found.is_some()),
                _ => {}
            }
        }
        for key in variables.keys() {
            let unknown = file::unknown_field(self.kind, self.master_name, key);
            self.problems.broken(self.name, format_args!("{}: {unknown}", self.variable(key)));
        }
        fields
    }

    /// All of a keyValuePair under `envs`, as the platform had them.
    fn pairs(&mut self, variables: &BTreeMap<&str, &OsString>) -> Map<String, Value> {
        let mut envs = Map::new();
        let failed = self.problems.lines.len();
        for (key, node) in self.entry.into_iter().flat_map(Entry::pairs) {
            let own = names::key(key.text.as_bytes());
            if variables.keys().any(|variable| names::key(variable.as_bytes()) == own) {
                continue;
            }
            if let Some(text) = self.single(&key.text, node) {
                envs.insert(key.text.clone(), text.into());
            }
        }
        // All of them in one variable; those with a variable of their own win.
        let whole = variables.get(ENVS).and_then(|value| members_of_json(value.to_str()?));
        let is_own = |key: &str| {
            variables.keys().any(|known| *known != ENVS && names::key(known.as_bytes()) == names::key(key.as_bytes()))
        };
        let is_given = |key: &str| {
            whole.iter().flatten().any(|(given, _)| names::key(given.as_bytes()) == names::key(key.as_bytes()))
        };
        envs.retain(|key, _| !is_given(key));
        envs.extend(
            whole
                .iter()
                .flatten()
                .filter(|(key, _)| !is_own(key))
                .map(|(key, text)| (key.clone(), text.as_str().into())),
        );
        for (key, value) in variables.iter().filter(|(key, _)| whole.is_none() || **key != ENVS) {
            let spelled = self.entry.into_iter().flat_map(Entry::pairs).map(|(known, _)| known.text.as_str());
            let spelled = spelled.into_iter().find(|known| names::key(known.as_bytes()) == names::key(key.as_bytes()));
            if let Some(text) = self.text_of(key, value) {
                envs.insert(spelled.unwrap_or(key).to_owned(), text.into());
            }
        }
        if envs.is_empty() && self.problems.lines.len() == failed {
            self.problems.missing(self.name, format_args!("it has no variables: add envs: {{NAME: VALUE}}"));
        }
        Map::from_iter([("envs".to_owned(), Value::Object(envs))])
    }

    fn written(&self, field: &str) -> Option<Node> {
        let entry = self.entry?;
        let is_field = |key: &yaml::Key| self.kind.field(&key.text).is_some_and(|known| known.name == field);
        entry.fields.iter().find(|(key, _)| is_field(key)).map(|(_, node)| node.clone())
    }

    fn has_instead(&self, field: &Field, variables: &BTreeMap<&str, &OsString>) -> bool {
        let given = |other: &str| {
            variables.contains_key(names::key(other.as_bytes()).as_str())
                || self.written(other).is_some_and(|node| !node.is_null())
        };
        field.instead.is_some_and(given)
    }

    fn missing(&mut self, field: &Field, is_empty: bool) {
        if self.problems.only_given {
            return;
        }
        let variable = self.variable(&names::key(field.name.as_bytes()));
        let what = if is_empty { "is empty" } else { "is missing" };
        let place = self.entry.map(|entry| format!(" at {}", entry.at)).unwrap_or_default();
        self.problems.missing(self.name, format_args!("{} {what}{place}: add it, or set {variable}", field.name));
    }

    fn value(&mut self, field: &Field, node: &Node) -> Option<Value> {
        let yaml::Value::List(elements) = &node.value else {
            return self.single(field.name, node).map(|text| shaped(field, &text));
        };
        let mut texts = Vec::new();
        for element in elements {
            let members = element.members().iter().map(|(_, node)| node);
            let singles = if element.members().is_empty() { vec![element] } else { members.collect() };
            texts.extend(singles.into_iter().filter_map(|one| self.single(field.name, one)).map(Value::from));
        }
        Some(Value::Array(texts))
    }

    /// One value of the file; `None` for nothing, and for a value that cannot be had, which is noted.
    fn single(&mut self, field: &str, node: &Node) -> Option<String> {
        let text = node.scalar()?;
        match reference::value(&self.all.env, &self.all.base, &text) {
            Ok(value) => Some(value),
            Err(cause) => {
                self.problems.missing(self.name, format_args!("{field} at {}: {cause}", node.at));
                None
            }
        }
    }

    fn text_of(&mut self, key: &str, value: &OsString) -> Option<String> {
        let text = value.to_str().map(ToOwned::to_owned);
        if text.is_none() {
            self.problems.missing(self.name, format_args!("the variable {} is not UTF-8", self.variable(key)));
        }
        text
    }

    fn variable(&self, key: &str) -> String {
        format!("{PREFIX}{}_{key}", names::prefix(self.name.as_bytes()))
    }
}

#[cfg(test)]
mod tests;
