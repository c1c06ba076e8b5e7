//! `state/<name>.env`: what a script says of a resource, or of the job, as `KEY=VALUE` lines.
//!
//! Nothing is trimmed or unquoted and there are no comments: a key is everything before the first `=`, a value
//! everything behind it. A value of several lines is written as in the files of GitHub Actions: `KEY<<END`, its lines,
//! `END`.

use std::path::Path;

use crate::error::{Error, Kind};

/// The key that is no property: the version's name.
pub const VERSION_NAME: &str = "versionName";

/// Where a line is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Split {
    /// At the first `=`; a carriage return at the end of the line is none of the value.
    #[default]
    First,
    /// At every `=`, and what is behind the second one is lost: what the platform did.
    Every,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// As it is written.
    pub key: String,
    /// `None` for a line without `=`: the key has no value then, which in JSON is none at all.
    pub value: Option<String>,
}

/// The entries of a file, in order; a later one of the same key wins.
///
/// # Errors
///
/// [`Kind::Failed`]: bytes that are not UTF-8, or a value of several lines that does not end.
pub fn parse(file: &Path, bytes: &[u8], split: Split) -> Result<Vec<Entry>, Error> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
        let message = "not UTF-8, which a version cannot hold: write the value as base64";
        Error::new(Kind::Failed, format_args!("{}:{line}: {message}", file.display()))
    })?;
    let lines = text.strip_prefix('\u{feff}').unwrap_or(text).split('\n');
    match split {
        Split::First => at_first(file, lines),
        Split::Every => Ok(lines.filter_map(at_every).collect()),
    }
}

fn at_every(line: &str) -> Option<Entry> {
    let mut parts = line.split('=');
    let key = parts.next().filter(|key| !key.is_empty())?;
    Some(Entry { key: key.to_owned(), value: parts.next().map(str::to_owned) })
}

fn at_first<'a>(file: &Path, lines: impl Iterator<Item = &'a str>) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    let mut lines = lines.map(|line| line.strip_suffix('\r').unwrap_or(line)).enumerate();
    while let Some((at, line)) = lines.next() {
        if let Some((key, end)) = several_lines(line) {
            let mut value = Vec::new();
            loop {
                match lines.next() {
                    Some((_, line)) if line == end => break,
                    Some((_, line)) => value.push(line),
                    None => return Err(no_end(file, at + 1, key)),
                }
            }
            entries.push(Entry { key: key.to_owned(), value: Some(value.join("\n")) });
            continue;
        }
        let (key, value) = line.split_once('=').map_or((line, None), |(key, value)| (key, Some(value.to_owned())));
        if !key.is_empty() {
            entries.push(Entry { key: key.to_owned(), value });
        }
    }
    Ok(entries)
}

/// `KEY<<END`: the key, and the line that ends the value.
fn several_lines(line: &str) -> Option<(&str, &str)> {
    let (key, end) = line.split_once("<<")?;
    (!key.is_empty() && !end.is_empty() && !key.contains('=')).then_some((key, end))
}

fn no_end(file: &Path, line: usize, key: &str) -> Error {
    Error::failed(format_args!(
        "{}:{line}: the value of {key} does not end: after it, write what follows << on a line of its own",
        file.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::state_file;

    fn entries(text: &str, split: Split) -> Vec<(String, Option<String>)> {
        let entries = parse(Path::new("state/x.env"), text.as_bytes(), split).unwrap();
        entries.into_iter().map(|entry| (entry.key, entry.value)).collect()
    }

    type Pairs<'a> = &'a [(&'a str, Option<&'a str>)];

    /// The rows of the contract: the line, what is made of it, and what the platform made of it.
    #[test]
    fn lines_of_the_contract() {
        let table: &[(&str, Pairs, Pairs)] = &[
            ("a=1", &[("a", Some("1"))], &[("a", Some("1"))]),
            ("a=1=2", &[("a", Some("1=2"))], &[("a", Some("1"))]),
            ("a", &[("a", None)], &[("a", None)]),
            ("=x", &[], &[]),
            ("versionName=v1", &[("versionName", Some("v1"))], &[("versionName", Some("v1"))]),
            ("a=1\r", &[("a", Some("1"))], &[("a", Some("1\r"))]),
            (" a = b ", &[(" a ", Some(" b "))], &[(" a ", Some(" b "))]),
            ("export a=1", &[("export a", Some("1"))], &[("export a", Some("1"))]),
            ("a=\"q\"", &[("a", Some("\"q\""))], &[("a", Some("\"q\""))]),
            ("#c=1", &[("#c", Some("1"))], &[("#c", Some("1"))]),
            // Beside the table: the mark at the start, empty values and lines, one carriage return of two.
            ("\u{feff}a=1\nb=2\n", &[("a", Some("1")), ("b", Some("2"))], &[("a", Some("1")), ("b", Some("2"))]),
            ("a=", &[("a", Some(""))], &[("a", Some(""))]),
            ("\n\r\na=1\n\n", &[("a", Some("1"))], &[("\r", None), ("a", Some("1"))]),
            ("a=1\r\r", &[("a", Some("1\r"))], &[("a", Some("1\r\r"))]),
            ("a=1\na=2", &[("a", Some("1")), ("a", Some("2"))], &[("a", Some("1")), ("a", Some("2"))]),
            ("", &[], &[]),
        ];
        let owned = |pairs: Pairs| -> Vec<_> {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), value.map(str::to_owned))).collect()
        };
        for (text, want, old) in table {
            assert_eq!(entries(text, Split::First), owned(want), "{text:?}");
            assert_eq!(entries(text, Split::Every), owned(old), "{text:?} of old");
        }
    }

    #[test]
    fn values_of_several_lines() {
        for (text, want) in [
            ("k<<EOF\none\ntwo=2\nEOF\nb=1", vec![("k", "one\ntwo=2"), ("b", "1")]),
            ("k<<EOF\r\none\r\nEOF\r\n", vec![("k", "one")]),
            ("k<<EOF\nEOF", vec![("k", "")]),
            ("k<<E=F\n\n EOF\nE=F", vec![("k", "\n EOF")]),
            ("k=a<<EOF", vec![("k", "a<<EOF")]),
            ("versionName<<X\nv1\nX", vec![("versionName", "v1")]),
        ] {
            let got = entries(text, Split::First);
            let want: Vec<_> = want.iter().map(|(k, v)| ((*k).to_owned(), Some((*v).to_owned()))).collect();
            assert_eq!(got, want, "{text:?}");
        }
        assert_eq!(entries("k<<EOF", Split::Every), [("k<<EOF".to_owned(), None)]);
        // Neither a name nor an end: no such value.
        assert_eq!(entries("<<", Split::First), [("<<".to_owned(), None)]);
        assert_eq!(entries("k<<", Split::First), [("k<<".to_owned(), None)]);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let error = |bytes: &[u8]| parse(Path::new("state/x.env"), bytes, Split::First).unwrap_err().to_string();
        assert!(error(b"a=1\nk<<EOF\nvalue").starts_with("state/x.env:2: the value of k does not end"));
        assert!(error(b"a=1\nb=2\nc=\xff\n").starts_with("state/x.env:3: not UTF-8"));
        assert!(!error(b"a=1\nk<<EOF\nvalue").contains("EOF"));
    }

    /// What `put_resource_state` and `put_resource_state_multi` write is read back.
    #[test]
    fn what_the_commands_write_is_read() {
        for (key, value) in [("IMAGE", "org/app:1"), ("URL", "https://h/?a=b&c=d"), ("E", ""), ("S", " x y ")] {
            let line = String::from_utf8(state_file::line(key.as_bytes(), value.as_bytes())).unwrap();
            assert_eq!(entries(&line, Split::First), [(key.to_owned(), Some(value.to_owned()))]);
        }
        let words = state_file::lines_of_words(["A=1 B=x=y".as_ref(), "versionName=v2".as_ref()]);
        let got = entries(&String::from_utf8(words).unwrap(), Split::First);
        let want = [("A", "1"), ("B", "x=y"), ("versionName", "v2")];
        assert_eq!(got, want.map(|(k, v)| (k.to_owned(), Some(v.to_owned()))));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[ -~\n=<\r\u{feff}é]{0,60}") {
            let _ = parse(Path::new("x.env"), text.as_bytes(), Split::First);
            proptest::prop_assert!(parse(Path::new("x.env"), text.as_bytes(), Split::Every).is_ok());
        }
    }
}
