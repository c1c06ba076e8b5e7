//! Shell patterns, as `case`, `[[ $text = $pattern ]]` and `find -name` read them: `*` and `?` match any character, `/`
//! and a leading `.` too; braces mean nothing. (A `-` protected by `\` inside brackets still makes a range, other than
//! in a shell; written last it stands for itself.)

use std::borrow::Cow;

use yash_fnmatch::{Config, Pattern, with_escape};

/// Whether a text as a whole matches a pattern. A pattern that is none is compared as it stands, which every pattern
/// is first.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    if text == pattern {
        return true;
    }
    let mut config = Config::default();
    config.anchor_begin = true;
    config.anchor_end = true;
    let (pattern, text) = characters(pattern, text);
    Pattern::parse_with_config(with_escape(&pattern), config).is_ok_and(|pattern| pattern.is_match(&text))
}

/// Both as characters: of UTF-8 where both are, else every byte is one.
fn characters<'a>(pattern: &'a [u8], text: &'a [u8]) -> (Cow<'a, str>, Cow<'a, str>) {
    match (std::str::from_utf8(pattern), std::str::from_utf8(text)) {
        (Ok(pattern), Ok(text)) => (pattern.into(), text.into()),
        _ => (bytes_as_characters(pattern).into(), bytes_as_characters(text).into()),
    }
}

fn bytes_as_characters(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_the_shell() {
        for (text, pattern, want) in [
            ("master", "master", true),
            ("master", "mas*", true),
            ("master", "MAS*", false),
            ("feature/a/b", "feature/*", true),
            (".hidden", "*", true),
            ("v1.2.0", "v1.*", true),
            ("v1x2", "v1.*", false),
            ("v12", "v?", false),
            ("ba", "[!a]a", true),
            ("aa", "[!a]a", false),
            ("b2", "[a-c][0-9]", true),
            ("-", "[a-]", true),
            ("]", "[]x]", true),
            ("Q", "[x[:upper:]]", true),
            ("b2", "b[[:digit:]]", true),
            ("a*b", "a\\*b", true),
            ("axb", "a\\*b", false),
            ("a[b", "a[b", true),
            ("ab", "a[b", false),
            ("(x", "(x", true),
            ("{a,b}", "{a,b}", true),
            ("a", "{a,b}", false),
            ("", "", true),
            ("", "*", true),
            ("a", "", false),
            ("a\nb", "a*b", true),
            ("release-é", "release-?", true),
            ("x", "[z-a]", false),
            ("xaxbxcxd", "*a*b*c", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), want, "{text:?} and {pattern:?}");
        }
    }

    #[test]
    fn any_bytes_and_no_explosion() {
        assert!(matches(b"a?b", b"a\xffb"));
        assert!(matches(b"[\xff]", b"\xff"));
        let name = vec![b'a'; 4000];
        let pattern = b"*a".repeat(40);
        assert!(matches(&pattern, &name));
        assert!(!matches(&[&pattern[..], b"b"].concat(), &name));
    }
}
