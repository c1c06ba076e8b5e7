//! Plain paths: the subset of jq paths that is looked up without the filter engine.

use std::borrow::Cow;

/// One step of a [`Path`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The value of an object's key.
    Key(String),
    /// The element of an array; a negative number counts from the end (-1 is the last).
    Index(i64),
}

/// A plain path such as `a.b[0]."c d"`; no steps at all mean the whole document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(Vec<Step>);

/// As a filter would write it: `.a["b c"][0]`.
impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for step in &self.0 {
            match step {
                Step::Key(key) if key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') => {
                    write!(f, ".{key}")?;
                }
                Step::Key(key) => write!(f, "[{key:?}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        if self.0.is_empty() { f.write_str(".") } else { Ok(()) }
    }
}

impl Path {
    /// Reads a jq path without its leading dot; an empty `field` is the whole document.
    ///
    /// Keys without quotes may hold `-` and may start with a digit, neither of which jq
    /// allows. A key that ends in `-` right before another step is left to the filter
    /// engine, as `a-.b` and `a-["x"]` are subtractions that people write.
    ///
    /// Returns `None` for whatever is not a plain path (it may still be a jq filter).
    #[must_use]
    pub fn parse(field: &str) -> Option<Self> {
        let text = field.trim_matches([' ', '\t', '\n', '\r']);
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            // The dot before the first step is not part of FIELD; a dot before `[` is
            // optional in later jq releases and means nothing.
            if !steps.is_empty() {
                rest = match rest.strip_prefix('.') {
                    Some("") => return None,
                    Some(after) => after,
                    None if rest.starts_with('[') => rest,
                    None => return None,
                };
            }
            let (step, after) = match rest.as_bytes().first()? {
                b'[' => bracket(rest)?,
                b'"' => {
                    let (key, after) = quoted(rest)?;
                    (Step::Key(key), after)
                }
                _ => bare(rest)?,
            };
            steps.push(step);
            rest = after;
        }
        Some(Self(steps))
    }

    /// Builds a path of keys only, taken literally.
    #[must_use]
    pub fn of_keys<I>(keys: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self(keys.into_iter().map(|k| Step::Key(k.into())).collect())
    }

    /// Appends the steps of `other`.
    #[must_use]
    pub fn join(mut self, mut other: Self) -> Self {
        self.0.append(&mut other.0);
        self
    }

    /// The steps, outermost first.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }
}

impl From<Vec<Step>> for Path {
    fn from(steps: Vec<Step>) -> Self {
        Self(steps)
    }
}

fn bare(text: &str) -> Option<(Step, &str)> {
    let end = text.bytes().position(|b| !(b.is_ascii_alphanumeric() || b == b'_' || b == b'-')).unwrap_or(text.len());
    let (key, after) = text.split_at(end);
    let ambiguous = key.ends_with('-') && !after.is_empty();
    if key.is_empty() || key.starts_with('-') || ambiguous {
        return None;
    }
    Some((Step::Key(key.to_owned()), after))
}

fn bracket(text: &str) -> Option<(Step, &str)> {
    let inner = text.strip_prefix('[')?.trim_start_matches(' ');
    let (step, after) = if inner.starts_with('"') {
        let (key, after) = quoted(inner)?;
        (Step::Key(key), after)
    } else {
        let digits = inner.strip_prefix('-').unwrap_or(inner);
        let len = digits.bytes().take_while(u8::is_ascii_digit).count();
        let end = inner.len() - digits.len() + len;
        // Too large a number goes to the engine, which knows it as a float.
        (Step::Index(inner[..end].parse().ok()?), &inner[end..])
    };
    Some((step, after.trim_start_matches(' ').strip_prefix(']')?))
}

/// A jq string literal without interpolation, and the text after it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut key = String::new();
    let mut rest = text.strip_prefix('"')?;
    loop {
        let stop = rest.find(['"', '\\'])?;
        key.push_str(&rest[..stop]);
        let escape = &rest[stop + 1..];
        if rest.as_bytes()[stop] == b'"' {
            return Some((key, escape));
        }
        let letter = escape.chars().next()?;
        rest = &escape[letter.len_utf8()..];
        key.push(match letter {
            '"' | '\\' | '/' => letter,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let (unit, after) = hex4(rest)?;
                rest = after;
                if let 0xD800..=0xDBFF = unit {
                    let (low, after) = hex4(rest.strip_prefix("\\u")?)?;
                    rest = after;
                    let low = low.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
                    char::from_u32(0x1_0000 + ((unit - 0xD800) << 10) + low)?
                } else {
                    char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)
                }
            }
            _ => return None,
        });
    }
}

fn hex4(text: &str) -> Option<(u32, &str)> {
    let digits = text.get(..4)?;
    let all_hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
    let unit = all_hex.then(|| u32::from_str_radix(digits, 16).ok())??;
    Some((unit, &text[4..]))
}

/// What to look up: a plain path, or a whole jq program for the filter engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// Looked up in one streaming pass.
    Plain(Path),
    /// Run by the filter engine.
    Filter(String),
}

impl Query {
    /// The query for `field` below `prefix`, which is empty or a jq path with its leading
    /// dot (such as `.version.propertyBag`).
    ///
    /// A filter is the two texts put together with a dot, as a shell script would, so
    /// that operators bind as jq binds them in the whole text.
    #[must_use]
    pub fn under(prefix: &str, field: &str) -> Self {
        let plain = Path::parse(prefix.strip_prefix('.').unwrap_or(prefix))
            .zip(Path::parse(field))
            .map(|(prefix, field)| prefix.join(field));
        if let Some(path) = plain {
            return Self::Plain(path);
        }
        let dot = if !prefix.is_empty() && field.starts_with('[') { "" } else { "." };
        Self::Filter(format!("{prefix}{dot}{field}"))
    }
}

/// A path step made ready for comparing with the keys of a document.
pub(super) enum Match<'a> {
    /// The key's text, and whether raw bytes between quotes can be compared with it.
    Key { text: Cow<'a, str>, simple: bool },
    /// As [`Step::Index`].
    Index(i64),
}

fn matcher(step: &Step) -> Match<'_> {
    match step {
        Step::Index(i) => Match::Index(*i),
        Step::Key(text) => Match::Key {
            text: Cow::Borrowed(text.as_str()),
            // Anything that a document must escape, and the stand-in for broken UTF-8,
            // needs the document's key decoded first.
            simple: !text.chars().any(|c| c < ' ' || matches!(c, '"' | '\\' | char::REPLACEMENT_CHARACTER)),
        },
    }
}

pub(super) fn matchers(path: &Path) -> Vec<Match<'_>> {
    path.0.iter().map(matcher).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Path, Query, Step};

    fn key(k: &str) -> Step {
        Step::Key(k.into())
    }

    #[test]
    fn plain_paths() {
        let cases: &[(&str, &[Step])] = &[
            ("", &[]),
            ("a", &[key("a")]),
            ("a.b[0].c", &[key("a"), key("b"), Step::Index(0), key("c")]),
            ("list[-1]", &[key("list"), Step::Index(-1)]),
            ("\"quoted key\"", &[key("quoted key")]),
            ("[\"a b\"].c", &[key("a b"), key("c")]),
            ("[0]", &[Step::Index(0)]),
            ("a[\"b\"]", &[key("a"), key("b")]),
            ("\"a\".b", &[key("a"), key("b")]),
            ("a.\"b c\"", &[key("a"), key("b c")]),
            ("dash-key", &[key("dash-key")]),
            ("a.b-c[0]", &[key("a"), key("b-c"), Step::Index(0)]),
            ("a.0b", &[key("a"), key("0b")]),
            ("a.1", &[key("a"), key("1")]),
            ("a-", &[key("a-")]),
            ("[ 3 ]", &[Step::Index(3)]),
            (" a ", &[key("a")]),
            ("\"\\u0061\\ud83d\\ude00\\n\"", &[key("a\u{1F600}\n")]),
            ("\"\"", &[key("")]),
        ];
        for (field, steps) in cases {
            let path = Path::parse(field);
            assert_eq!(path.as_ref().map(Path::steps), Some(*steps), "field {field:?}");
        }
    }

    #[test]
    fn not_plain_paths() {
        for field in [
            "a | length",
            "a[]",
            "a?",
            "x // 1",
            "a[1:3]",
            "\"\\(.x)\"",
            "a - b",
            "-a",
            "a-.b",
            "a-[\"x\"]",
            ".a",
            "a.",
            "a..b",
            "[1.0]",
            "[99999999999999999999]",
            "a b",
            "\"a\"b",
            "[\"a\",\"b\"]",
            "[",
            "[\"a",
            "\"a",
            "a[",
            "a[0",
            "\"\\x\"",
            "é",
            "\"\\u12",
            "[]",
        ] {
            assert_eq!(Path::parse(field), None, "field {field:?}");
        }
    }

    #[test]
    fn queries_under_a_prefix() {
        let bag = ".version.propertyBag";
        let plain = |f| Query::Plain(Path::parse(f).unwrap());
        assert_eq!(Query::under("", "a.b"), plain("a.b"));
        assert_eq!(Query::under(bag, "a-b[0]"), plain("version.propertyBag.a-b[0]"));
        assert_eq!(Query::under(bag, "[0]"), plain("version.propertyBag[0]"));
        assert_eq!(Query::under(bag, ""), plain("version.propertyBag"));
        let filter = |f: &str| Query::Filter(f.into());
        assert_eq!(Query::under(bag, "list | length"), filter(".version.propertyBag.list | length"));
        assert_eq!(Query::under(bag, "[]"), filter(".version.propertyBag[]"));
        assert_eq!(Query::under("", "[]"), filter(".[]"));
        assert_eq!(Query::under(bag, "a // \"b\""), filter(".version.propertyBag.a // \"b\""));
    }
}
