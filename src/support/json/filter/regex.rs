//! `test`, `match` and what is defined by them.

use super::value::{Map, Val, fail};
use fancy_regex::{Captures, Match, Regex};

/// A regular expression and how it is to be applied.
struct Matcher {
    regex: Regex,
    global: bool,
    skip_empty: bool,
}

fn matcher(pattern: &Val, flags: &Val) -> Result<Matcher, jaq_core::Error<Val>> {
    let Val::Str(pattern) = pattern else {
        return fail(format!("{} is not a string", pattern.shown()));
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

type Failure = jaq_core::Error<Val>;

/// What is to be looked for, and the flags, when both are one argument.
pub(super) fn pattern(both: &Val) -> Result<(Val, Val), Failure> {
    match both {
        Val::Str(_) => Ok((both.clone(), Val::Null)),
        Val::Arr(parts) if !parts.is_empty() => Ok((parts[0].clone(), parts.get(1).cloned().unwrap_or_default())),
        other => fail(format!("{} not a string or array", other.kind())),
    }
}

fn text(value: &Val) -> Result<&str, Failure> {
    match value {
        Val::Str(text) => Ok(text),
        other => fail(format!("{} cannot be matched, as it is not a string", other.shown())),
    }
}

fn failed(error: &fancy_regex::Error) -> Failure {
    Failure::new(Val::from(format!("Regex failure: {error}")))
}

/// Goes through the matches.
fn each<T>(
    value: &Val,
    pattern: &Val,
    flags: &Val,
    mut f: impl FnMut(&Regex, &Captures<'_, str>) -> Option<T>,
) -> Result<Vec<T>, Failure> {
    let text = text(value)?;
    let matcher = matcher(pattern, flags)?;
    let mut found = Vec::new();
    for captures in matcher.regex.captures_iter(text) {
        let captures = captures.map_err(|e| failed(&e))?;
        let Some(whole) = captures.get(0) else {
            continue;
        };
        let empty = whole.range().is_empty();
        // jq stops before the end of the text, unless that is where it starts.
        let past = matcher.global && empty && whole.start() == text.len() && !text.is_empty();
        if past || (empty && matcher.skip_empty) {
            continue;
        }
        found.extend(f(&matcher.regex, &captures));
        if !matcher.global {
            break;
        }
    }
    Ok(found)
}

/// `test`
pub(super) fn test(value: &Val, pattern: &Val, flags: &Val) -> Result<Vec<Val>, Failure> {
    let text = text(value)?;
    let found = matcher(pattern, flags)?.regex.is_match(text).map_err(|e| failed(&e))?;
    Ok(vec![found.into()])
}

/// `match`
pub(super) fn find(value: &Val, pattern: &Val, flags: &Val) -> Result<Vec<Val>, Failure> {
    let mut chars = Chars::new(text(value)?);
    each(value, pattern, flags, |regex, captures| Some(describe(regex, captures, &mut chars)))
}

/// `capture`
pub(super) fn capture(value: &Val, pattern: &Val, flags: &Val) -> Result<Vec<Val>, Failure> {
    each(value, pattern, flags, |regex, captures| Some(named(regex, captures)))
}

/// `scan`: the groups of each match, or all of it when there are none.
pub(super) fn scan(value: &Val, pattern: &Val, flags: &Val) -> Result<Vec<Val>, Failure> {
    each(value, pattern, flags, |_, captures| {
        let groups = groups(captures);
        Some(if groups.is_empty() { text_of(captures.get(0)) } else { groups.into_iter().map(text_of).collect() })
    })
}

/// A text by its matches.
pub(super) struct Edits {
    /// What comes before each match after the one before, and the match's named groups.
    pub(super) each: Vec<(Val, Val)>,
    /// What comes after the last match.
    pub(super) rest: String,
}

/// What `sub` works on.
pub(super) fn edits(value: &Val, pattern: &Val, flags: &Val) -> Result<Edits, Failure> {
    let text = text(value)?;
    let mut from = 0;
    let each = each(value, pattern, flags, |regex, captures| {
        let place = captures.get(0)?.range();
        let before = Val::text(&text[from..place.start]);
        from = place.end;
        Some((before, named(regex, captures)))
    })?;
    Ok(Edits { each, rest: text[from..].to_owned() })
}

/// `splits`: what is between the matches; the flag `g` is a matter of course.
pub(super) fn splits(value: &Val, pattern: &Val, flags: &Val) -> Result<Vec<Val>, Failure> {
    let edits = edits(value, pattern, &(Val::text("g") + flags.clone())?)?;
    let parts = edits.each.into_iter().map(|(before, _)| before);
    Ok(parts.chain([Val::from(edits.rest)]).collect())
}

/// What the groups of a match found; those of an empty match do not count for jq.
fn groups<'t>(captures: &Captures<'t, str>) -> Vec<Option<Match<'t>>> {
    let empty = captures.get(0).is_none_or(|whole| whole.range().is_empty());
    captures.iter().skip(1).filter(|_| !empty).collect()
}

fn text_of(found: Option<Match<'_>>) -> Val {
    found.map_or(Val::Null, |found| Val::text(found.as_str()))
}

fn named(regex: &Regex, captures: &Captures<'_, str>) -> Val {
    let groups = regex.capture_names().skip(1).zip(groups(captures));
    let map = groups.filter_map(|(name, found)| Some((name?.into(), text_of(found))));
    Val::object(map.collect())
}

/// The match as `match` tells of it; in what jq 1.6 tells of an empty group, the length comes
/// last.
fn describe(regex: &Regex, captures: &Captures<'_, str>, chars: &mut Chars<'_>) -> Val {
    let mut entry = |found: Option<Match<'_>>| {
        let offset = found.map_or(Val::num(-1.0), |found| Val::count(chars.at(found.start())));
        let length = Val::count(found.map_or(0, |found| found.as_str().chars().count()));
        Map::from([("offset".into(), offset), ("length".into(), length), ("string".into(), text_of(found))])
    };
    let mut whole = entry(captures.get(0));
    let names = regex.capture_names().skip(1);
    let groups = names.zip(groups(captures)).map(|(name, found)| {
        let mut map = entry(found);
        if found.is_none_or(|found| found.range().is_empty()) {
            map.swap_indices(1, 2);
        }
        map.insert("name".into(), name.map_or(Val::Null, Val::text));
        Val::object(map)
    });
    whole.insert("captures".into(), groups.collect());
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
