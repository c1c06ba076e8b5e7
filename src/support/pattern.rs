//! Patterns over names, as `find -name` and `case` read them: `*`, `?`, `[a-z]`, `[!…]`, `[[:digit:]]`, `\` before a
//! character that stands for itself. Braces mean nothing, and `*` matches a leading dot too.

use bstr::ByteSlice;

/// Whether a name matches a pattern as a whole.
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    // Where to go on when what follows the last `*` does not fit: it takes one character more. One such place is
    // enough, so that no pattern takes longer than its length times that of the name.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        if pattern.get(at) == Some(&b'*') {
            at += 1;
            retry = Some((at, from));
            continue;
        }
        let step = if at == pattern.len() { None } else { one(&pattern[at..], &name[from..]) };
        match step {
            Some((of_pattern, of_name)) => {
                at += of_pattern;
                from += of_name;
            }
            None if at == pattern.len() && from == name.len() => return true,
            None => match retry {
                Some((after_star, start)) if start < name.len() => {
                    let start = start + character(&name[start..]).len();
                    retry = Some((after_star, start));
                    (at, from) = (after_star, start);
                }
                _ => return false,
            },
        }
    }
}

/// Matches the first element of a pattern, which is no `*`, with the first character of a name: the lengths of both.
fn one(pattern: &[u8], name: &[u8]) -> Option<(usize, usize)> {
    let character = character(name);
    if character.is_empty() {
        return None;
    }
    let literal = |skip: usize| {
        let wanted = *pattern.get(skip)?;
        (name[0] == wanted).then_some((skip + 1, 1))
    };
    match pattern[0] {
        b'?' => Some((1, character.len())),
        b'\\' => literal(1),
        b'[' => match bracket(pattern, character) {
            Some((length, true)) => Some((length, character.len())),
            Some((_, false)) => None,
            // A bracket that is never closed is a plain character.
            None => literal(0),
        },
        _ => literal(0),
    }
}

/// The first character: one of UTF-8 where the bytes are, else one byte.
fn character(name: &[u8]) -> &[u8] {
    let (decoded, length) = bstr::decode_utf8(name);
    &name[..if decoded.is_some() { length } else { name.len().min(1) }]
}

/// Whether a bracket expression at the start of a pattern holds a character, and how long it is; `None` when it is not
/// closed.
fn bracket(pattern: &[u8], character: &[u8]) -> Option<(usize, bool)> {
    let wanted = scalar(character);
    let negated = matches!(pattern.get(1), Some(b'!' | b'^'));
    let first = 1 + usize::from(negated);
    let mut at = first;
    let mut found = false;
    loop {
        match pattern.get(at)? {
            b']' if at > first => return Some((at + 1, found != negated)),
            b'[' if pattern[at + 1..].starts_with(b":") => {
                let length = pattern[at + 2..].find(b":]")?;
                found |= in_class(&pattern[at + 2..at + 2 + length], wanted);
                at += length + 4;
            }
            _ => {
                let (low, length) = member(&pattern[at..])?;
                at += length;
                let is_range = pattern.get(at) == Some(&b'-') && pattern.get(at + 1).is_some_and(|&next| next != b']');
                let high = if is_range {
                    let (high, length) = member(&pattern[at + 1..])?;
                    at += 1 + length;
                    high
                } else {
                    low
                };
                found |= (low..=high).contains(&wanted);
            }
        }
    }
}

/// One character of a bracket expression, as a number, and its length.
fn member(pattern: &[u8]) -> Option<(u32, usize)> {
    let escape = usize::from(pattern.first() == Some(&b'\\'));
    let character = character(pattern.get(escape..)?);
    (!character.is_empty()).then(|| (scalar(character), escape + character.len()))
}

/// A character as a number; a byte that is no UTF-8 lies above all of Unicode.
fn scalar(character: &[u8]) -> u32 {
    match bstr::decode_utf8(character).0 {
        Some(decoded) => decoded.into(),
        None => 0x11_0000 + u32::from(character.first().copied().unwrap_or_default()),
    }
}

fn in_class(class: &[u8], character: u32) -> bool {
    let Some(character) = char::from_u32(character) else { return false };
    match class {
        b"alpha" => character.is_alphabetic(),
        b"digit" => character.is_ascii_digit(),
        b"alnum" => character.is_alphabetic() || character.is_ascii_digit(),
        b"upper" => character.is_uppercase(),
        b"lower" => character.is_lowercase(),
        b"space" => character.is_ascii_whitespace() || character == '\x0b',
        b"blank" => matches!(character, ' ' | '\t'),
        b"punct" => character.is_ascii_punctuation(),
        b"xdigit" => character.is_ascii_hexdigit(),
        b"cntrl" => character.is_control(),
        b"print" => !character.is_control(),
        b"graph" => !character.is_control() && character != ' ',
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_find_reads_them() {
        for (pattern, name, want) in [
            ("*", "", true),
            ("*.js", ".js", true),
            ("*.js", "a.jsx", false),
            ("a?c", "abc", true),
            ("a?c", "a\u{e9}c", true),
            ("a?c", "ac", false),
            ("[!a]*", "abc", false),
            ("[^a]*", "bc", true),
            ("[]x]", "]", true),
            ("[a-c]1", "b1", true),
            ("[c-a]1", "b1", false),
            ("[a-]", "-", true),
            ("[[:digit:]]*", "7up", true),
            ("[x[:upper:]]", "Q", true),
            ("[", "[", true),
            ("[ab", "[ab", true),
            ("{a,b}", "{a,b}", true),
            ("{a,b}", "a", false),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("*a*b*c", "xaxbxcxc", true),
            ("*a*b*c", "xaxbxcxd", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), want, "{pattern} {name}");
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
