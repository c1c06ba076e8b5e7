//! Lines of `gitConfig`.

use crate::error::{Error, Kind};

/// `name value` or `name=value`, the value perhaps in quotes, as `name=value` for `git -c`.
pub fn parse(line: &str) -> Result<String, Error> {
    let line = line.trim();
    let (name, value) =
        line.split_once(|letter: char| letter.is_whitespace() || letter == '=').unwrap_or((line, "true"));
    let value = value.trim().trim_start_matches('=').trim();
    let bare = ['"', '\''].iter().find_map(|&quote| value.strip_prefix(quote)?.strip_suffix(quote));
    // section.name or section.sub.name: git's own rules for the first and the last part.
    let plain = |part: &str| {
        part.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && part.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
    };
    let is_name = match (name.split_once('.'), name.rsplit_once('.')) {
        (Some((section, _)), Some((_, variable))) => plain(section) && plain(variable),
        _ => false,
    };
    if !is_name {
        // The value may be a secret.
        let message = format!("gitConfig: {name} is no name of a git setting; write `section.name value`");
        return Err(Error::new(Kind::Configuration, message));
    }
    Ok(format!("{name}={}", bare.unwrap_or(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        for (line, want) in [
            ("http.postBuffer 524288000", "http.postBuffer=524288000"),
            ("core.autocrlf=input", "core.autocrlf=input"),
            ("  core.compression   -1 ", "core.compression=-1"),
            ("url.https://h/.insteadOf git@h:", "url.https://h/.insteadOf=git@h:"),
            ("user.name \"A B\"", "user.name=A B"),
            ("http.extraHeader 'X: a=b'", "http.extraHeader=X: a=b"),
            ("core.bare", "core.bare=true"),
        ] {
            assert_eq!(parse(line).unwrap(), want);
        }
        for line in ["", "name value", "-c core.x=y", ".x y", "core. y", "--global core.x"] {
            assert_eq!(parse(line).unwrap_err().kind(), Kind::Configuration, "{line:?}");
        }
        assert!(!parse("x hunter2").unwrap_err().to_string().contains("hunter2"));
    }
}
