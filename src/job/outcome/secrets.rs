//! The secrets of a job directory, so that none of them gets into a version.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use serde_json::Value;

use super::version::{Version, document};
use crate::error::{Error, Kind};
use crate::job::integration::{Integration, scalar_text};
use crate::job::{integration_types, overview, params};

/// A shorter value is found by chance, and is not much of a secret.
const SHORTEST: usize = 4;
/// Values that configuration is full of.
const WORDS: [&str; 3] = ["true", "false", "null"];
/// What is read of one file of `secrets/`.
const LARGEST_KEY: u64 = 1 << 20;

/// The secrets of a job directory.
pub struct Secrets {
    certain: Option<AhoCorasick>,
    /// Values of a keyValuePair whose names do not speak of a secret.
    possible: Option<AhoCorasick>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Secrets {
    /// All of a job directory: of integrations, of params under `secure`, and the keys in `secrets/`.
    ///
    /// # Errors
    ///
    /// A file of an integration that cannot be read: what is in it could not be kept back.
    pub fn gather(root: &Path) -> Result<Self, Error> {
        let mut values = Values::default();
        for parent in ["IN", "OUT", "integrations"] {
            for folder in entries(&root.join(parent))? {
                if let Some(integration) = Integration::read(&folder).map_err(|e| e.with_kind(Kind::Failed))? {
                    values.add_integration(&integration);
                }
                // A version that cannot be read is skipped later, and then has nothing to give away.
                if parent != "integrations"
                    && let Ok(document) = document(&folder.join("version.json"))
                    && let Ok(version) = Version::of(document.get("version").and_then(Value::as_object))
                {
                    values.add_secure(version.secure());
                }
            }
        }
        for file in entries(&root.join("secrets"))? {
            let small = file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= LARGEST_KEY);
            if small {
                let key = std::fs::read(&file).map_err(|error| Error::io("read", &file, &error))?;
                add(&mut values.certain, &key);
            }
        }
        Ok(Self { certain: finder(&values.certain)?, possible: finder(&values.possible)? })
    }

    /// Whether a secret is in some bytes.
    pub fn are_in(&self, bytes: &[u8]) -> bool {
        finds(self.certain.as_ref(), bytes) || finds(self.possible.as_ref(), bytes)
    }

    /// The place of the first value that holds a secret. A text that is in `known`, which the job was given, may hold
    /// what is perhaps none.
    pub(super) fn place(&self, value: &Value, at: &str, known: &HashSet<String>) -> Option<String> {
        match value {
            Value::Null | Value::Bool(_) => None,
            Value::Array(elements) => {
                let mut elements = elements.iter().enumerate();
                elements.find_map(|(index, element)| self.place(element, &format!("{at}[{index}]"), known))
            }
            Value::Object(members) => members.iter().find_map(|(key, value)| {
                if self.are_in(key.as_bytes()) {
                    return Some(format!("a name in {at}"));
                }
                self.place(value, &format!("{at}.{key}"), known)
            }),
            Value::Number(_) | Value::String(_) => {
                let text = scalar_text(value);
                let found = finds(self.certain.as_ref(), text.as_bytes())
                    || (!known.contains(&text) && finds(self.possible.as_ref(), text.as_bytes()));
                found.then(|| at.to_owned())
            }
        }
    }
}

/// What is looked for.
#[derive(Default)]
struct Values {
    certain: HashSet<Vec<u8>>,
    possible: HashSet<Vec<u8>>,
}

impl Values {
    fn add_integration(&mut self, integration: &Integration) {
        for (field, value) in integration.user_fields() {
            if !integration_types::is_secret(integration.master_name(), field) {
                continue;
            }
            let certain = !integration.is_key_value_pair() || overview::speaks_of_secret(field, value);
            let values = if certain { &mut self.certain } else { &mut self.possible };
            add_value(values, value);
        }
    }

    fn add_secure(&mut self, secure: Option<&Value>) {
        match secure {
            Some(Value::String(text)) => {
                for (_, value) in params::parse_secure(text) {
                    add(&mut self.certain, value.as_bytes());
                }
            }
            Some(value) => add_value(&mut self.certain, value),
            None => {}
        }
    }
}

fn finder(values: &HashSet<Vec<u8>>) -> Result<Option<AhoCorasick>, Error> {
    if values.is_empty() {
        return Ok(None);
    }
    let built = AhoCorasick::builder().kind(Some(AhoCorasickKind::ContiguousNFA)).build(values);
    built.map(Some).map_err(|error| Error::failed(format_args!("the secrets of the job are too many: {error}")))
}

fn finds(finder: Option<&AhoCorasick>, bytes: &[u8]) -> bool {
    finder.is_some_and(|finder| finder.is_match(bytes))
}

fn add_value(values: &mut HashSet<Vec<u8>>, value: &Value) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Array(elements) => elements.iter().for_each(|element| add_value(values, element)),
        Value::Object(members) => members.values().for_each(|member| add_value(values, member)),
        scalar => add(values, scalar_text(scalar).as_bytes()),
    }
}

/// A value without the blanks around it, as in addresses, and in the base64 that scripts make of it.
fn add(values: &mut HashSet<Vec<u8>>, value: &[u8]) {
    let bare = value.trim_ascii();
    if bare.len() < SHORTEST || WORDS.iter().any(|word| word.as_bytes() == bare) {
        return;
    }
    for form in [value, bare] {
        values.insert(STANDARD.encode(form).into_bytes());
    }
    values.insert(percent_encode(bare, NON_ALPHANUMERIC).to_string().into_bytes());
    values.insert(bare.to_vec());
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
