//! Names of resources, jobs and keys, as they appear in variable names.

/// True for the bytes that a variable name may hold.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// A string without the bytes outside `[A-Za-z0-9_]`.
pub fn sanitize(text: &[u8]) -> String {
    text.iter().filter(|&&byte| is_word(byte)).map(|&byte| char::from(byte)).collect()
}

/// The variable prefix of a resource, job or integration: sanitised, without leading digits, upper-cased.
pub fn prefix(name: &[u8]) -> String {
    let word = sanitize(name);
    word.trim_start_matches(|c: char| c.is_ascii_digit()).to_ascii_uppercase()
}

/// A field, parameter or pointer key as the last part of a variable: sanitised and upper-cased, digits kept, since a
/// prefix precedes them.
pub fn key(name: &[u8]) -> String {
    sanitize(name).to_ascii_uppercase()
}

/// Whether a name can be a folder of the job directory: one plain path component.
pub fn is_component(name: &[u8]) -> bool {
    !name.is_empty() && name != b"." && name != b".." && !name.iter().any(|&byte| byte == b'/' || byte == 0)
}

/// The name that a folder of the job directory stands for.
pub fn of_folder(folder: &std::path::Path) -> &[u8] {
    folder.file_name().unwrap_or_default().as_encoded_bytes()
}

/// The nearest of `known` to `wanted`, best first, at most three and none that is far off.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted_lower = wanted.to_lowercase();
    let mut scored: Vec<(f64, &str)> =
        known.into_iter().filter_map(|name| Some((nearness(&wanted_lower, &name.to_lowercase())?, name))).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.dedup_by(|a, b| a.1 == b.1);
    scored.into_iter().take(3).map(|(_, name)| name).collect()
}

/// How near two words are; `None` for far off. Of a word of one or two letters too little is left to be compared by
/// what it shares with another: one letter of it may be wrong.
fn nearness(wanted: &str, name: &str) -> Option<f64> {
    let (wanted_length, length) = (wanted.chars().count(), name.chars().count());
    let score = strsim::jaro_winkler(wanted, name);
    let is_slip = || wanted_length.max(length) > 1 && strsim::damerau_levenshtein(wanted, name) <= 1;
    (wanted == name || wanted_length.min(length) > 2 && score > 0.7 || is_slip()).then_some(score)
}

/// The word that another is most likely a slip of: the same but for case and separators, or with one letter wrong, two
/// of a long word.
pub fn slip_of<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let bare = |text: &str| text.replace(['_', '-', ' '], "").to_lowercase();
    let own = bare(written);
    let distance = |name: &str| strsim::damerau_levenshtein(&own, &bare(name));
    let most = |name: &str| if name.len() > 6 { 2 } else { usize::from(name.len() > 2) };
    let near = known.into_iter().filter(|name| *name != written && distance(name) <= most(name));
    near.min_by_key(|name| distance(name))
}

/// `nearest`, as the end of a message: nothing, or `; did you mean a, b?`. What is known was meant: something else about
/// it is wrong.
pub fn did_you_mean<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let near = nearest(wanted, known);
    if near.is_empty() || near.contains(&wanted) {
        String::new()
    } else {
        format!("; did you mean {}?", near.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_of_the_contract() {
        for (name, want) in [
            ("my-key-1", "MYKEY1"),
            ("my_key_1", "MY_KEY_1"),
            ("1st-img", "STIMG"),
            ("a.b c", "ABC"),
            ("a.b c_D-9", "ABC_D9"),
            ("123", ""),
        ] {
            assert_eq!(prefix(name.as_bytes()), want, "{name}");
        }
        assert_eq!(prefix(b"caf\xc3\xa9\xff"), "CAF");
    }

    #[test]
    fn keys_keep_leading_digits() {
        assert_eq!(key(b"1st-key"), "1STKEY");
        assert_eq!(key(b"JSON_key"), "JSON_KEY");
    }

    #[test]
    fn components_stay_inside_a_folder() {
        assert!(is_component(b"aws-cli") && is_component(b"..."));
        for name in ["", ".", "..", "a/b", "../x", "/etc/passwd", "a\0b"] {
            assert!(!is_component(name.as_bytes()), "{name:?}");
        }
    }

    #[test]
    fn slips_are_near() {
        let known = ["script", "name", "IN", "on_success", "triggerMode"];
        for (written, want) in [
            ("scrpt", Some("script")),
            ("scripts", Some("script")),
            ("nme", Some("name")),
            ("on_sucess", Some("on_success")),
            ("onSuccess", Some("on_success")),
            ("trigerMod", Some("triggerMode")),
            ("in", Some("IN")),
            ("an", None),
            ("description", None),
            ("script", None),
        ] {
            assert_eq!(slip_of(written, known), want, "{written}");
        }
    }

    #[test]
    fn nearest_names_first() {
        assert_eq!(nearest("aws_cl", ["aws_cli", "app_repo", "aws_ecs"]), ["aws_cli", "aws_ecs"]);
        assert_eq!(did_you_mean("zzz", ["aws_cli"]), "");
        assert_eq!(did_you_mean("IM", ["IN", "OUT", "TASK", "NOTIFY"]), "; did you mean IN?");
        assert_eq!(did_you_mean("nope", ["n", "o", "no"]), "");
        assert_eq!(did_you_mean("x", ["y"]), "");
        assert_eq!(did_you_mean("aws_cli", ["aws_cl", "aws_cli", "aws_clis"]), "");
        assert_eq!(nearest("bb", ["b", "a"]), ["b"]);
    }
}
