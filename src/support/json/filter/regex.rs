//! `test`, `match` and what is defined by them.

use super::value::{Map, Val, ValR, fail};
use fancy_regex::{Captures, Regex};

/// A regular expression and how it is to be applied.
struct Matcher {
    regex: Regex,
    global: bool,
    skip_empty: bool,
}

fn matcher(pattern: &Val, flags: &Val) -> Result<Matcher, jaq_core::Error<Val>> {
    let Val::Str(pattern) = pattern else {
        return fail(format!("{} cannot be matched, as it is not a string", pattern.shown()));
    };
    let flags = match flags {
        Val::Null => "",
        Val::Str(flags) => flags,
        other => return fail(format!("{} is not a string", other.shown())),
    };
    let mut inline = String::new();
    let (mut global, mut skip_empty) = (false, false);
    for flag in flags.chars() {
        match flag {
            'g' => global = true,
            'n' => skip_empty = true,
            'i' | 'x' => inline.push(flag),
            // "Single line" and "longest" change nothing for this engine; with "p" a dot
            // matches newlines too.
            's' | 'l' => {}
            'p' => inline.push('s'),
            _ => return fail(format!("{flags} is not a valid modifier string")),
        }
    }
    // A newline ends a comment that the extended form may end in.
    let end = if inline.contains('x') { "\n" } else { "" };
    let pattern = if inline.is_empty() { pattern.to_string() } else { format!("(?{inline}:{pattern}{end})") };
    match Regex::new(&pattern) {
        Ok(regex) => Ok(Matcher { regex, global, skip_empty }),
        Err(e) => fail(format!("Regex failure: {e}")),
    }
}

/// `_match($pattern; $flags; $test)`: whether there is a match, or all that jq tells of the
/// matches.
pub(super) fn find(value: &Val, pattern: &Val, flags: &Val, only_test: &Val) -> ValR {
    let Val::Str(text) = value else {
        return fail(format!("{} cannot be matched, as it is not a string", value.shown()));
    };
    let text: &str = text;
    let matcher = matcher(pattern, flags)?;
    let failed = |e: &fancy_regex::Error| fail(format!("Regex failure: {e}"));
    if let Val::Bool(true) = only_test {
        return match matcher.regex.is_match(text) {
            Ok(found) => Ok(found.into()),
            Err(e) => failed(&e),
        };
    }
    let mut found = Vec::new();
    let mut chars = Chars::new(text);
    for captures in matcher.regex.captures_iter(text) {
        let captures = match captures {
            Ok(captures) => captures,
            Err(e) => return failed(&e),
        };
        let Some(whole) = captures.get(0) else {
            continue;
        };
        let empty = whole.range().is_empty();
        // jq stops before the end of the text, unless that is where it starts.
        let past = matcher.global && empty && whole.start() == text.len() && !text.is_empty();
        if past || (empty && matcher.skip_empty) {
            continue;
        }
        found.push(describe(&matcher.regex, &captures, &mut chars));
        if !matcher.global {
            break;
        }
    }
    Ok(Val::array(found))
}

fn describe(regex: &Regex, captures: &Captures<'_, str>, chars: &mut Chars<'_>) -> Val {
    let mut entry = |i: usize| {
        let mut map = Map::new();
        if let Some(part) = captures.get(i) {
            map.insert("offset".into(), Val::count(chars.at(part.start())));
            map.insert("length".into(), Val::count(part.as_str().chars().count()));
            map.insert("string".into(), Val::text(part.as_str()));
        } else {
            map.insert("offset".into(), Val::num(-1.0));
            map.insert("length".into(), Val::count(0));
            map.insert("string".into(), Val::Null);
        }
        map
    };
    let mut whole = entry(0);
    let names = regex.capture_names().enumerate().skip(1);
    let groups = names.map(|(i, name)| {
        let mut map = entry(i);
        map.insert("name".into(), name.map_or(Val::Null, Val::text));
        Val::object(map)
    });
    let groups = groups.collect();
    whole.insert("captures".into(), groups);
    Val::object(whole)
}

/// Turns byte offsets into character offsets, fast when they mostly grow.
struct Chars<'a> {
    text: &'a str,
    byte: usize,
    count: usize,
}

impl<'a> Chars<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, byte: 0, count: 0 }
    }

    fn at(&mut self, byte: usize) -> usize {
        if byte < self.byte {
            (self.byte, self.count) = (0, 0);
        }
        self.count += self.text[self.byte..byte].chars().count();
        self.byte = byte;
        self.count
    }
}
