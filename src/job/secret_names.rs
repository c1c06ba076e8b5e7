//! Names that people give to secrets, and values under such names that are none.

use crate::job::names;

/// Parts of a name that speak of a secret.
const SECRET_WORDS: [&str; 11] = [
    "PASSW",
    "PASSPHRASE",
    "PWD",
    "SECRET",
    "TOKEN",
    "CREDENTIAL",
    "PRIVATE",
    "APIKEY",
    "API_KEY",
    "ACCESSKEY",
    "ACCESS_KEY",
];

/// Whether a name is one that people give to secrets.
pub fn names_a_secret(key: &str) -> bool {
    let name = names::key(key.as_bytes());
    SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// Whether a value is a secret by the name that it has, and by no other sign: `DB_PASSWORD: hunter2`, and not
/// `TOKEN_FILE: /run/secrets/token` or `TOKEN_TTL: 3600`.
pub fn is_secret_by_name(key: &str, value: &str) -> bool {
    names_a_secret(key) && !is_place(key, value) && !is_measure(key, value) && !is_word(value)
}

/// Ends of names that speak of how much or how long.
const MEASURES: [&str; 8] = ["TTL", "EXPIRY", "EXPIRATION", "COUNT", "TIMEOUT", "INTERVAL", "LENGTH", "LIFETIME"];

/// Whether a value is a number that says how much or how long: `TOKEN_TTL: 3600` and `PASSWORD_TIMEOUT: 30s`.
fn is_measure(key: &str, value: &str) -> bool {
    let name = names::key(key.as_bytes());
    let is_named = MEASURES.iter().any(|end| {
        let before = name.strip_suffix(end);
        // `tokenTtl` is as good as `TOKEN_TTL`; a part of another word is not.
        before.is_some_and(|before| before.ends_with('_') || SECRET_WORDS.iter().any(|word| before.ends_with(word)))
    });
    let number = value.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let is_unit = matches!(&value[number.len()..], "" | "ms" | "s" | "m" | "h" | "d");
    is_named && is_unit && !number.is_empty() && number.len() <= 12 && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a value is none that anybody would take for a secret: nothing, a switch, or the name that AWS gives to a place.
fn is_word(value: &str) -> bool {
    matches!(value, "" | "true" | "false") || value.starts_with("arn:")
}

/// Ends of names that speak of where something is, and not of what it is.
const PLACES: [&str; 6] = ["FILE", "PATH", "DIR", "URL", "URI", "ENDPOINT"];

/// Whether a value is as little a secret as it looks, though its name speaks of one: `TOKEN_FILE: /run/secrets/token`
/// and `TOKEN_URL: https://login.example.com/oauth/token`. What has a user, a query or something random in it is a secret,
/// and so is an address that is called one (`SECRET_URL`).
fn is_place(key: &str, value: &str) -> bool {
    let name = names::key(key.as_bytes());
    let is_named = PLACES.iter().any(|end| name.ends_with(end));
    let address = value.split_once("://").filter(|(scheme, _)| scheme.bytes().all(|byte| byte.is_ascii_lowercase()));
    let starts = ["/", "./", "../", "~/"];
    let is_path = match address {
        Some((_, rest)) => {
            !rest.is_empty() && !rest.contains('@') && !["SECRET", "PRIVATE"].iter().any(|word| name.contains(word))
        }
        None => starts.iter().any(|start| value.starts_with(start)),
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-~:@".contains(&byte);
    is_named && is_path && value.bytes().all(is_plain) && !value.split(['/', ':']).any(is_random)
}

/// Whether a part of a path is more likely made by a machine than by a person.
fn is_random(part: &str) -> bool {
    let has = |is: fn(&u8) -> bool| part.as_bytes().iter().filter(|byte| is(byte)).count();
    part.len() >= 16 && has(u8::is_ascii_digit) >= 3 && has(u8::is_ascii_alphabetic) >= 3 || part.len() > 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_secrets_are_none() {
        for (key, value) in [
            ("TOKEN_FILE", "/run/secrets/token"),
            ("secretPath", "./conf/secret.yml"),
            ("CREDENTIALS_DIR", "~/.aws"),
            ("token_uri", "https://oauth2.googleapis.com/token"),
            ("TOKEN_ENDPOINT", "http://localhost:8080/token"),
        ] {
            assert!(is_place(key, value), "{key}: {value}");
        }
        for (key, value) in [
            ("TOKEN", "/run/secrets/token"),
            ("TOKEN_URL", "https://bob:hunter2@host/"),
            ("TOKEN_URL", "https://host/?key=hunter2"),
            ("TOKEN_URL", "https://hooks.slack.com/services/T024BE7LD/B1234567/ab12cd34ef56gh78"),
            ("SECRET_URL", "https://host/hunter2"),
            ("SECRET_FILE", "aHVudGVyMg=="),
            ("CREDENTIALS_FILE", "{\"key\": \"hunter2\"}"),
            ("PASSWORD_FILE", "/a b\nhunter2"),
            ("SECRET_PATH", "/hunter2+abc="),
            ("SECRET_PATH", "hunter2"),
        ] {
            assert!(!is_place(key, value), "{key}: {value}");
        }
    }

    #[test]
    fn what_is_a_secret_by_its_name() {
        for (key, value, want) in [
            ("TOKEN", "3600", true),
            ("DB_PASSWORD", "hunter2", true),
            ("KEY_PASSPHRASE", "hunter2", true),
            ("AWS_ACCESS_KEY", "AKIA", true),
            ("AWS_SECRET_ACCESS_KEY", "k", true),
            ("TOKEN_TTL", "3600", false),
            ("tokenTtl", "3600", false),
            ("token-ttl", "30m", false),
            ("PASSWORD_EXPIRY", "90", false),
            ("SECRET_COUNT", "2", false),
            ("TOKEN_TIMEOUT", "1500ms", false),
            ("TOKEN_TTL", "hunter2", true),
            ("TOKEN_TTL", "36x", true),
            ("TOKEN_TTL", "s", true),
            ("TOKEN_TTL", "1234567890123", true),
            ("SECRET_DISCOUNT", "20", true),
            ("TOKEN_FILE", "/run/secrets/token", false),
            ("SECRET_ARN", "arn:aws:secretsmanager:eu-west-1:1:secret:a", false),
            ("USE_TOKEN", "true", false),
            ("TOKEN", "", false),
            ("PLAIN", "hunter2", false),
        ] {
            assert_eq!(is_secret_by_name(key, value), want, "{key}: {value}");
        }
    }
}
