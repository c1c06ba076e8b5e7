//! The options of `notify`.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::ctx::Env;
use crate::error::Error;
use crate::job::names;

/// Every option, as scripts spell it.
const NAMES: [&str; 21] = [
    "username",
    "password",
    "recipient",
    "pretext",
    "text",
    "color",
    "icon_url",
    "payload",
    "type",
    "revision",
    "description",
    "changelog",
    "appId",
    "appName",
    "project-id",
    "environment",
    "email",
    "repository",
    "version",
    "summary",
    "attach-file",
];

/// The options of one call: the command line, then `NOTIFY_<OPTION>` of the environment.
#[derive(Debug, Default)]
pub struct Options {
    values: BTreeMap<&'static str, OsString>,
}

impl Options {
    /// Reads `--option=value` and `--option value`, and the environment for what is not among them. What is not an
    /// option is passed over with a warning, as the original did.
    pub fn read(words: &[OsString], env: &Env) -> Result<(Self, Vec<String>), Error> {
        let (mut options, mut warnings) = (Self::default(), Vec::new());
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let Some(option) = word.as_bytes().strip_prefix(b"--") else {
                warnings.push(format!("{} is not an option and is ignored", word.display()));
                continue;
            };
            let (name, inline) = match option.iter().position(|&byte| byte == b'=') {
                Some(equals) => (&option[..equals], Some(OsStr::from_bytes(&option[equals + 1..]))),
                None => (option, None),
            };
            let Some(name) = NAMES.iter().find(|known| known.as_bytes() == name) else {
                let name = String::from_utf8_lossy(name);
                let near = names::did_you_mean(&name, NAMES);
                warnings.push(format!("option --{name} is not known and is ignored{near}"));
                continue;
            };
            let value = inline.or_else(|| words.next().map(OsString::as_os_str));
            let value = value.ok_or_else(|| Error::drop_in(format_args!("--{name} needs a value: --{name}=VALUE")))?;
            options.values.insert(name, value.to_owned());
        }
        for name in NAMES {
            let variable = format!("NOTIFY_{}", name.to_ascii_uppercase().replace('-', "_"));
            if !options.values.contains_key(name)
                && let Some(value) = env.get_filled(variable)
            {
                options.values.insert(name, value);
            }
        }
        Ok((options, warnings))
    }

    /// The value of an option that has one. An empty one counts as none, so that `--recipient="$CHANNEL"` without a
    /// `CHANNEL` means what the script would mean without it.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        debug_assert!(NAMES.contains(&name), "{name}");
        self.values.get(name).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// The same as text. JSON can only hold UTF-8: other bytes become U+FFFD, since a message with one strange letter
    /// is better than none.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| value.to_string_lossy().into_owned())
    }

    /// The same, empty when there is none.
    pub fn text_or_empty(&self, name: &str) -> String {
        self.text(name).unwrap_or_default()
    }

    /// The text of an option that must be there.
    pub fn required(&self, name: &str, kind: &str) -> Result<String, Error> {
        self.text(name).ok_or_else(|| {
            let variable = format!("NOTIFY_{}", name.to_ascii_uppercase().replace('-', "_"));
            Error::drop_in(format_args!("--{name} is missing: {kind} needs --{name}=VALUE (or {variable})"))
        })
    }
}
