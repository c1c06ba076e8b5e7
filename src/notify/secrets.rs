//! What must never be shown, in whatever spelling a server echoes it.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// RFC 3986: everything but unreserved characters is escaped.
pub const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How much of a server's answer is shown, in bytes.
const SHOWN: usize = 1024;
/// A part of a URL that is at least this long is a secret by itself; shorter ones are words such as `v2`.
const TELLING_PART: usize = 8;

/// The secrets of one call.
#[derive(Default)]
pub struct Secrets {
    /// Longest first, so that no secret is cut by a shorter one in it.
    forms: Vec<String>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    /// Adds a secret with its other spellings: escaped for URLs, JSON and HTML, and in base64.
    pub fn add(&mut self, secret: &str) {
        if secret.is_empty() {
            return;
        }
        let escaped = utf8_percent_encode(secret, RESERVED).to_string();
        let json = serde_json::Value::from(secret).to_string();
        let json = json[1..json.len() - 1].to_owned();
        let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        self.forms.extend([
            secret.to_owned(),
            percent_decode_str(secret).decode_utf8_lossy().into_owned(),
            escaped.replace("%20", "+"),
            lower_escapes(&escaped),
            escaped,
            json.replace('/', "\\/"),
            json,
            html.replace('\'', "&#39;"),
            html,
        ]);
        for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
            self.forms.push(engine.encode(secret));
        }
        self.forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        self.forms.dedup();
    }

    /// Adds a user and password before the host of a URL.
    pub fn add_user_of(&mut self, url: &str) {
        if let Some((user, _)) = split(url).0.rsplit_once('@') {
            self.add(user);
            self.add(user.split_once(':').map_or("", |(_, password)| password));
        }
    }

    /// Adds what lies behind the host of a URL, whole and in its telling parts, and a user or password before it.
    pub fn add_url(&mut self, url: &str) {
        self.add_user_of(url);
        let path = split(url).1;
        if path.len() > 1 {
            self.add(path);
            self.add(url);
        }
        for part in path.split(['/', '?', '&', '=']).filter(|part| part.len() >= TELLING_PART) {
            self.add(part);
        }
    }

    /// A text with `***` for every secret in it.
    pub fn mask(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for form in &self.forms {
            if text.contains(form.as_str()) {
                text = text.replace(form.as_str(), "***");
            }
        }
        text
    }

    /// Foreign bytes as the end of a one-line message: masked, then cut, without anything that moves a terminal.
    pub fn shown(&self, bytes: &[u8]) -> String {
        let text = self.mask(&String::from_utf8_lossy(bytes));
        let mut line = String::new();
        for word in text.split_whitespace() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.extend(word.chars().map(|c| if is_unprintable(c) { '\u{fffd}' } else { c }));
            if line.len() > SHOWN {
                line.truncate(line.floor_char_boundary(SHOWN));
                line.push_str(" …");
                break;
            }
        }
        line
    }
}

/// A URL's user and host, and what follows them.
fn split(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()))
}

/// Control characters, and those that turn the direction of what follows.
fn is_unprintable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `%2F` as `%2f`.
fn lower_escapes(escaped: &str) -> String {
    let mut parts = escaped.split('%');
    let mut lower = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at(2);
        lower.push('%');
        lower.push_str(&digits.to_ascii_lowercase());
        lower.push_str(rest);
    }
    lower
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_masked() {
        let mut secrets = Secrets::default();
        secrets.add("to/ken \"é&");
        for spelling in [
            "to/ken \"é&",
            "to%2Fken%20%22%C3%A9%26",
            "to%2fken%20%22%c3%a9%26",
            "to%2Fken+%22%C3%A9%26",
            "to/ken \\\"é&",
            "to\\/ken \\\"é&",
            "to/ken &quot;é&amp;",
            "dG8va2VuICLDqSY=",
            "dG8va2VuICLDqSY",
        ] {
            assert_eq!(secrets.mask(&format!("<{spelling}>")), "<***>", "{spelling}");
        }
    }

    #[test]
    fn a_url_is_masked_behind_its_host() {
        let mut secrets = Secrets::default();
        secrets.add_url("https://u:pass-word@hooks.slack.com/services/T0/B0AAAAAA/XXXXYYYY?token=abcdefgh");
        let said = "no XXXXYYYY at hooks.slack.com/services/T0/B0AAAAAA/XXXXYYYY?token=abcdefgh for pass-word";
        assert_eq!(secrets.mask(said), "no *** at hooks.slack.com*** for ***");
        let mut nothing = Secrets::default();
        nothing.add_url("https://host/");
        nothing.add("");
        assert_eq!(nothing.mask("https://host/ said no"), "https://host/ said no");
    }

    #[test]
    fn an_answer_is_one_short_line() {
        let mut secrets = Secrets::default();
        secrets.add("hidden");
        assert_eq!(secrets.shown(b" a\r\n\tb\x1b[31m \xff hidden\n"), "a b\u{fffd}[31m \u{fffd} ***");
        let long = format!("{}hidden{}", "x".repeat(SHOWN - 3), "é".repeat(2000));
        let shown = secrets.shown(long.as_bytes());
        assert!(shown.len() < SHOWN + 8 && !shown.contains("hid"), "{shown}");
    }
}
