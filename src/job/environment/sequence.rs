//! The sequence of assignments, in which the later wins.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::rc::Rc;

use crate::job::{names, overview, secret_names};
use crate::support::secret::Secret;

/// The longest `NAME=value` that Linux starts a program with, its final zero byte included.
const LONGEST: usize = 128 * 1024;

/// What kind of thing set a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A key of a params resource, under its own name.
    RawParam,
    /// The job: its message, or where its folders are.
    Job,
    /// The process environment, for what only the platform or the CI knows.
    Process,
    /// A fact about a resource that is in its `version.json`.
    Resource,
    /// The `pointer` of the yml, or the `versionTemplate` that came after it.
    Pointer,
    /// The `seed` of the yml.
    Seed,
    /// A key of a params resource, after `<N>_PARAMS_`.
    Param,
    /// A key in the `secure` text of a params resource, under its own name.
    RawSecure,
    /// The same, after `<N>_PARAMS_`.
    Secure,
    /// The commit of a gitRepo.
    Commit,
    /// A field of an integration, after `<N>_INTEGRATION_`.
    Field,
    /// A field of a keyValuePair, under its own name.
    RawField,
    /// Where a key file is.
    KeyFile,
    /// The `env` of the TASK.
    Task,
    /// What the tool of a cliConfig needs.
    CliConfig,
}

impl Rule {
    /// Whether what it sets is, or may be, a secret.
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::Field | Self::RawField | Self::Secure | Self::RawSecure)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RawParam => "params key under its own name",
            Self::Job => "job",
            Self::Process => "taken over from the process environment",
            Self::Resource => "resource",
            Self::Pointer => "pointer of the yml",
            Self::Seed => "seed of the yml",
            Self::Param => "params key",
            Self::RawSecure => "secure params key under its own name",
            Self::Secure => "secure params key",
            Self::Commit => "commit of a gitRepo",
            Self::Field => "integration field",
            Self::RawField => "integration field under its own name",
            Self::KeyFile => "key file",
            Self::Task => "env of the TASK",
            Self::CliConfig => "cliConfig tool",
        })
    }
}

/// Which rule set a variable, and from what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The rule.
    pub rule: Rule,
    /// The folder or file below the job directory, such as `IN/app-img` or `message.json`.
    pub source: Rc<str>,
}

impl Origin {
    /// A rule and its source.
    pub fn new(rule: Rule, source: impl Into<Rc<str>>) -> Self {
        Self { rule, source: source.into() }
    }

    /// A key as messages name it. What a `secure` text has as a key may be part of a value, so it is not shown.
    pub(super) fn key(&self, key: &str) -> String {
        match self.rule {
            Rule::Secure | Rule::RawSecure => format!("a key under secure of {self}"),
            _ => format!("key {key:?} of {self}"),
        }
    }

    /// The same source, another rule.
    #[must_use]
    pub fn by(&self, rule: Rule) -> Self {
        Self { rule, source: Rc::clone(&self.source) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.source.is_empty() { self.rule.fmt(f) } else { write!(f, "{}, {}", self.source, self.rule) }
    }
}

/// One assignment. Any value may be a secret, so none shows in `Debug`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// A name that every shell takes: `[A-Za-z_][A-Za-z0-9_]*`.
    pub name: String,
    /// The value, byte for byte; never with a zero byte.
    pub value: Secret,
    /// What set it.
    pub origin: Origin,
}

/// The environment of a job.
#[derive(Debug, Default)]
pub struct Environment {
    /// Every assignment, in the order of the platform; the last one of a name wins.
    assignments: Vec<Variable>,
    /// What could not be set, or is likely a mistake: one line each.
    warnings: Vec<String>,
}

impl Environment {
    /// Each variable once, with the value that wins, in the order of the winning assignments.
    pub fn variables(&self) -> Vec<&Variable> {
        let mut last: HashMap<&str, usize> = HashMap::with_capacity(self.assignments.len());
        for (at, variable) in self.assignments.iter().enumerate() {
            last.insert(&variable.name, at);
        }
        let winning = self.assignments.iter().enumerate();
        winning.filter(|(at, variable)| last[variable.name.as_str()] == *at).map(|(_, variable)| variable).collect()
    }

    /// Every assignment, in order.
    pub fn assignments(&self) -> impl Iterator<Item = &Variable> {
        self.assignments.iter()
    }

    /// Every assignment of a name, the winning one last.
    pub fn assignments_of(&self, name: &str) -> Vec<&Variable> {
        self.assignments.iter().filter(|variable| variable.name == name).collect()
    }

    /// Whether the value of a variable of this environment is to be kept out of logs.
    pub fn is_secret(&self, variable: &Variable) -> bool {
        let value = || String::from_utf8_lossy(variable.value.expose());
        let by_name = || secret_names::is_secret_by_name(&variable.name, &value());
        let text = || value().contains("PRIVATE KEY-----");
        match variable.origin.rule {
            Rule::Secure | Rule::RawSecure | Rule::RawField => true,
            // The names in a keyValuePair are the user's: there `url` may well be that of a database, password and all.
            Rule::Field => {
                let same_source = |other: &Variable| other.origin.source == variable.origin.source;
                let named_by_user = self.assignments.iter().any(|o| o.origin.rule == Rule::RawField && same_source(o));
                let field = variable.name.rsplit_once("_INTEGRATION_").map_or("", |(_, field)| field);
                named_by_user || !overview::is_public_field(field) || has_user(variable.value.expose())
            }
            Rule::Param | Rule::RawParam | Rule::CliConfig | Rule::Task | Rule::Pointer | Rule::Seed => {
                by_name() || text()
            }
            Rule::Job | Rule::Process | Rule::Resource | Rule::Commit | Rule::KeyFile => false,
        }
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let found = self.assignments.iter().rev().find(|variable| variable.name == name);
        found.map(|variable| variable.value.expose())
    }

    /// Every name, once, in the order of the first assignments.
    pub fn names(&self) -> Vec<&str> {
        let mut seen = HashSet::new();
        self.assignments.iter().map(|variable| variable.name.as_str()).filter(|name| seen.insert(*name)).collect()
    }

    /// Every assignment, in order.
    pub fn into_assignments(self) -> Vec<Variable> {
        self.assignments
    }

    /// What could not be set, or is likely a mistake: one line each, without values.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub(super) fn warn(&mut self, message: impl fmt::Display) {
        self.warnings.push(message.to_string());
    }

    /// Assigns a variable whose name is made of a prefix and a known suffix.
    pub(super) fn set(&mut self, name: String, value: impl Into<Vec<u8>>, origin: &Origin) {
        let value = value.into();
        if value.contains(&0) {
            self.warn(format_args!("{name} of {origin} is left out: a variable cannot hold a zero byte"));
        } else if name.len() + value.len() + 2 > LONGEST {
            // Set, it would keep every program from starting.
            self.warn(format_args!(
                "{name} of {origin} is left out: {} bytes are more than a variable can hold; read it from the file",
                value.len()
            ));
        } else {
            self.assignments.push(Variable { name, value: value.into(), origin: origin.clone() });
        }
    }

    /// Assigns a variable after a prefix that ends in `_`; the key is sanitised and upper-cased.
    pub(super) fn set_key(&mut self, prefix: &str, key: &str, value: impl Into<Vec<u8>>, origin: &Origin) {
        let word = names::key(key.as_bytes());
        if word.is_empty() {
            self.warn(format_args!("{} is left out: it has no letter that a variable name can hold", origin.key(key)));
        } else {
            self.set(format!("{prefix}{word}"), value, origin);
        }
    }

    /// Assigns a variable under a name that the user chose. What is no name after sanitising is dropped: the
    /// platform's `export` failed on it, and the whole job with it.
    pub(super) fn set_raw(&mut self, key: &str, value: impl Into<Vec<u8>>, origin: &Origin) {
        let name = names::sanitize(key.as_bytes());
        if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
            self.warn(format_args!("{} is left out: it cannot be the name of a variable", origin.key(key)));
        } else {
            self.set(name, value, origin);
        }
    }
}

/// Whether a text has an address with a user, and so maybe a password, in it.
fn has_user(value: &[u8]) -> bool {
    let text = String::from_utf8_lossy(value);
    text.split_once("://").is_some_and(|(_, rest)| rest.split('/').next().is_some_and(|host| host.contains('@')))
}
