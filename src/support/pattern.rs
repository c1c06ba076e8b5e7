//! Shell patterns, as in `[[ $text = $pattern ]]`.

use yash_fnmatch::{Config, Pattern, with_escape};

/// Whether a text as a whole matches a shell pattern. `*` and `?` match any character, `/` and a leading `.` too; a
/// pattern that is none is compared as it stands, which every pattern is first.
pub fn matches(text: &str, pattern: &str) -> bool {
    if text == pattern {
        return true;
    }
    let mut config = Config::default();
    config.anchor_begin = true;
    config.anchor_end = true;
    Pattern::parse_with_config(with_escape(pattern), config).is_ok_and(|pattern| pattern.is_match(text))
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
            ("feature/a", "*", true),
            (".hidden", "*", true),
            ("v1.2.0", "v1.*", true),
            ("v1x2", "v1.*", false),
            ("v1", "v?", true),
            ("v12", "v?", false),
            ("ba", "[!a]a", true),
            ("aa", "[!a]a", false),
            ("b2", "[a-c][0-9]", true),
            ("b2", "b[[:digit:]]", true),
            ("a*b", "a\\*b", true),
            ("axb", "a\\*b", false),
            ("a[b", "a[b", true),
            ("ab", "a[b", false),
            ("(x", "(x", true),
            ("{a,b}", "{a,b}", true),
            ("a", "{a,b}", false),
            ("a|b", "a|b", true),
            ("", "", true),
            ("a", "", false),
            ("a\nb", "a*b", true),
            ("release-é", "release-?", true),
            ("x", "[z-a]", false),
        ] {
            assert_eq!(matches(text, pattern), want, "{text:?} and {pattern:?}");
        }
    }
}
