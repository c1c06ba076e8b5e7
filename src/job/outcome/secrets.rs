//! The secrets of a job directory, so that none of them gets into the store.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, MatchKind};
use serde_json::Value;

use super::version::{Version, document};
use crate::error::{Error, Kind};
use crate::job::integration::{Integration, scalar_text};
use crate::job::record::Record;
use crate::job::{integration_types, names, overview, params, secrets};
use crate::support::mask::forms;
use crate::support::secret::Secret;

/// A shorter value is found by chance, and is not much of a secret.
const SHORTEST: usize = 4;
/// The same for a value in a whole file, when its name does not speak of a secret: names of regions and such are short.
const SHORTEST_POSSIBLE: usize = 16;
/// Values that configuration is full of.
const WORDS: [&str; 3] = ["true", "false", "null"];
/// Fields that are masked in logs, and yet may well have to be kept: they tell who or where, and open nothing.
const IDENTIFIERS: [&str; 17] = [
    "APPID",
    "ASSUMEROLEARN",
    "AWSACCOUNTID",
    "BASTIONHOSTIP",
    "BASTIONKUBECONFIGTYPE",
    "BASTIONPUBLICKEY",
    "CLUSTERACCESSTYPE",
    "DCOSPUBLICKEY",
    "EMAILADDRESS",
    "NICK",
    "PROJECT",
    "PROJECTNAME",
    "SERVER",
    "SERVICEACCOUNTEMAIL",
    "SUBSCRIPTIONID",
    "TENANT",
    "VALIDITYPERIOD",
];
/// What is read of one file of `secrets/`.
const LARGEST_KEY: u64 = 1 << 20;
/// Beyond this many secrets each gets fewer spellings: a state is searched in little memory.
const MANY: usize = 50;
/// What is searched at once.
const PIECE: usize = 64 << 10;

/// The secrets of a job directory.
#[derive(Default)]
pub struct Secrets {
    search: Option<Search>,
    known: Vec<Known>,
}

/// A secret, without what it is.
struct Known {
    /// What a person calls it.
    name: String,
    /// False for the value of a keyValuePair whose name does not speak of a secret, and for what only identifies.
    is_certain: bool,
    /// Whether it is long enough to be looked for in files.
    is_long: bool,
}

/// All spellings of all secrets.
struct Search {
    automaton: NFA,
    start: StateID,
    /// By number of the pattern, the place of the secret among those known.
    owners: Vec<usize>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Secrets {
    /// All of a job directory: of integrations, of params under `secure`, the keys in `secrets/`, and the logins that the
    /// run has made. Values that are perhaps none are left out where the run was allowed to put secrets into files.
    ///
    /// # Errors
    ///
    /// A file of an integration that cannot be read: what is in it could not be kept back.
    pub fn gather(root: &Path, record: &Record) -> Result<Self, Error> {
        let mut values = Values { with_possible: !record.allow_secrets, ..Values::default() };
        for parent in ["IN", "OUT", "integrations"] {
            for folder in entries(&root.join(parent))? {
                let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if let Some(integration) = Integration::read(&folder).map_err(|e| e.with_kind(Kind::Failed))? {
                    values.add_integration(&name, &integration);
                }
                // A version that cannot be read is skipped later, and then has nothing to give away.
                if parent != "integrations"
                    && let Ok(document) = document(&folder.join("version.json"))
                    && let Ok(version) = Version::of(document.get("version").and_then(Value::as_object))
                {
                    values.add_secure(&name, version.secure());
                }
            }
        }
        for file in entries(&root.join("secrets"))? {
            let small = file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= LARGEST_KEY);
            if small {
                let key = std::fs::read(&file).map_err(|error| Error::io("read", &file, &error))?;
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                values.add(&key, &format!("the key secrets/{name}"), true);
            }
        }
        for value in record.task_secrets.values() {
            values.add(value.as_bytes(), "a secure variable of a TASK", true);
        }
        for mask in &record.masks {
            values.add(mask.as_bytes(), "the login of a command-line tool", true);
        }
        values.build()
    }

    /// The name of a secret that is in some bytes.
    pub(super) fn named_in(&self, bytes: &[u8]) -> Option<&str> {
        self.find(bytes, |_| true)
    }

    fn find(&self, bytes: &[u8], counts: impl Fn(&Known) -> bool) -> Option<&str> {
        let search = self.search.as_ref()?;
        let mut state = search.start;
        self.feed(search, &mut state, bytes, &counts)
    }

    fn feed(
        &self,
        search: &Search,
        state: &mut StateID,
        bytes: &[u8],
        counts: &impl Fn(&Known) -> bool,
    ) -> Option<&str> {
        let automaton = &search.automaton;
        for byte in bytes {
            *state = automaton.next_state(Anchored::No, *state, *byte);
            if !automaton.is_match(*state) {
                continue;
            }
            let found = (0..automaton.match_len(*state)).find_map(|index| {
                let owner = search.owners.get(automaton.match_pattern(*state, index).as_usize())?;
                self.known.get(*owner).filter(|known| counts(known))
            });
            if let Some(known) = found {
                return Some(&known.name);
            }
        }
        None
    }

    /// The name of a secret that is in a file, or in its path: read piece by piece, however large it is.
    fn named_in_file(&self, path: &Path, content: &mut dyn Read) -> io::Result<Option<&str>> {
        let Some(search) = &self.search else { return Ok(None) };
        let counts = |known: &Known| known.is_certain || known.is_long;
        if let Some(name) = self.find(path.as_os_str().as_encoded_bytes(), counts) {
            return Ok(Some(name));
        }
        let (mut piece, mut state) = (vec![0; PIECE], search.start);
        loop {
            let read = match content.read(&mut piece) {
                Ok(0) => return Ok(None),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if let Some(name) = self.feed(search, &mut state, &piece[..read], &counts) {
                return Ok(Some(name));
            }
        }
    }

    /// Refuses a file that is about to be kept with a state. `folder` is that of the state, as messages name it.
    ///
    /// # Errors
    ///
    /// The outer one: the file cannot be read. The inner one: a secret is in it.
    pub fn refuse_file(&self, folder: &Path, path: &Path, content: &mut dyn Read) -> io::Result<Result<(), Error>> {
        let named = self.named_in_file(path, content)?;
        Ok(named.map_or(Ok(()), |name| {
            // A path with a secret in it is not repeated.
            let is_named = self.named_in(path.as_os_str().as_encoded_bytes()).is_none();
            let file = if is_named { folder.join(path) } else { folder.to_owned() };
            let what = if is_named { "" } else { "a name in it " };
            Err(Error::failed(format_args!(
                "{}: {what}holds a secret of the job ({name}), which a state must not: leave it out, or remove the file \
                 at the end of the job; nothing is kept",
                file.display()
            )))
        }))
    }

    /// The place of the first value that holds a secret, and the name of that. A text that is in `known`, which the job
    /// was given, may hold what is perhaps none.
    pub(super) fn place(&self, value: &Value, at: &str, known: &HashSet<String>) -> Option<(String, &str)> {
        match value {
            Value::Null | Value::Bool(_) => None,
            Value::Array(elements) => {
                let mut elements = elements.iter().enumerate();
                elements.find_map(|(index, element)| self.place(element, &format!("{at}[{index}]"), known))
            }
            Value::Object(members) => members.iter().find_map(|(key, value)| match self.named_in(key.as_bytes()) {
                Some(name) => Some((format!("a name in {at}"), name)),
                None => self.place(value, &format!("{at}.{key}"), known),
            }),
            Value::Number(_) | Value::String(_) => {
                let text = scalar_text(value);
                let is_given = known.contains(&text);
                let found = self.find(text.as_bytes(), |known| known.is_certain || !is_given);
                found.map(|name| (at.to_owned(), name))
            }
        }
    }
}

/// What is looked for.
#[derive(Default)]
struct Values {
    /// The values, and the place of each among those known. One that is certain comes before one that is not.
    places: BTreeMap<Vec<u8>, usize>,
    known: Vec<Known>,
    with_possible: bool,
}

impl Values {
    fn add_integration(&mut self, name: &str, integration: &Integration) {
        for (field, value) in integration.user_fields() {
            if !integration_types::is_secret(integration.master_name(), field) {
                continue;
            }
            let is_certain = if integration.is_key_value_pair() {
                overview::speaks_of_secret(field, value)
            } else {
                !IDENTIFIERS.contains(&names::key(field.as_bytes()).as_str())
            };
            let cure = if is_certain { "" } else { "; if it is none, make the job directory with --allow-secrets" };
            self.add_value(value, &format!("{field} of {name}{cure}"), is_certain);
        }
    }

    fn add_secure(&mut self, name: &str, secure: Option<&Value>) {
        match secure {
            Some(Value::String(text)) => {
                for (key, value) in params::parse_secure(text) {
                    self.add(value.as_bytes(), &format!("{key} of {name}"), true);
                }
            }
            Some(Value::Object(members)) => {
                members.iter().for_each(|(key, value)| self.add_value(value, &format!("{key} of {name}"), true));
            }
            Some(value) => self.add_value(value, &format!("secure of {name}"), true),
            None => {}
        }
    }

    fn add_value(&mut self, value: &Value, name: &str, is_certain: bool) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Array(elements) => elements.iter().for_each(|element| self.add_value(element, name, is_certain)),
            Value::Object(members) => {
                members.values().for_each(|member| self.add_value(member, name, is_certain));
            }
            scalar => self.add(scalar_text(scalar).as_bytes(), name, is_certain),
        }
    }

    /// A value with and without the blanks around it, and what is secret inside a document.
    fn add(&mut self, value: &[u8], name: &str, is_certain: bool) {
        if !is_certain && !self.with_possible {
            return;
        }
        let inner = secrets::inner(value);
        let forms = [value, value.trim_ascii()].into_iter().chain(inner.iter().map(Secret::expose));
        for form in forms {
            let bare = form.trim_ascii();
            if bare.len() < SHORTEST || WORDS.iter().any(|word| word.as_bytes() == bare) {
                continue;
            }
            let known = Known { name: name.to_owned(), is_certain, is_long: bare.len() >= SHORTEST_POSSIBLE };
            match self.places.get(form) {
                Some(place) if is_certain && !self.known[*place].is_certain => self.known[*place] = known,
                Some(_) => {}
                None => {
                    self.places.insert(form.to_vec(), self.known.len());
                    self.known.push(known);
                }
            }
        }
    }

    fn build(self) -> Result<Secrets, Error> {
        let many = self.places.len() > MANY;
        let mut patterns = BTreeMap::new();
        for (value, place) in &self.places {
            for pattern in forms::telling(value, many) {
                let owner = patterns.entry(pattern).or_insert(*place);
                if self.known[*place].is_certain && !self.known[*owner].is_certain {
                    *owner = *place;
                }
            }
        }
        if patterns.is_empty() {
            return Ok(Secrets::default());
        }
        let too_many = |error: &dyn fmt::Display| {
            Error::failed(format_args!("the secrets of the job are too many or too large to be looked for: {error}"))
        };
        let automaton = NFA::builder()
            .match_kind(MatchKind::Standard)
            .prefilter(false)
            .build(patterns.keys())
            .map_err(|error| too_many(&error))?;
        let start = automaton.start_state(Anchored::No).map_err(|error| too_many(&error))?;
        let owners = patterns.into_values().collect();
        Ok(Secrets { search: Some(Search { automaton, start, owners }), known: self.known })
    }
}

/// What is in a folder; nothing where there is none.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let unreadable = |error: &std::io::Error| Error::io("read", folder, error);
    let found = match std::fs::read_dir(folder) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(&error)),
    };
    let mut paths = found
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| unreadable(&e))?;
    paths.sort();
    Ok(paths)
}
