//! What named filters do to strings, arrays and objects.

use super::value::{Val, ValR, fail, sorted};

pub(super) fn length(value: &Val) -> ValR {
    Ok(match value {
        Val::Null => Val::count(0),
        Val::Bool(_) => return fail(format!("{} has no length", value.shown())),
        Val::Num(n) => Val::num(n.value().abs()),
        Val::Str(text) => Val::count(text.chars().count()),
        Val::Arr(values) => Val::count(values.len()),
        Val::Obj(map) => Val::count(map.len()),
    })
}

pub(super) fn keys(value: &Val, by_name: bool) -> ValR {
    match value {
        Val::Arr(values) => Ok((0..values.len()).map(Val::count).collect()),
        Val::Obj(map) if by_name => Ok(sorted(map).iter().map(|(k, _)| Val::Str((*k).clone())).collect()),
        Val::Obj(map) => Ok(map.keys().map(|k| Val::Str(k.clone())).collect()),
        other => fail(format!("{} has no keys", other.shown())),
    }
}

pub(super) fn explode(value: &Val) -> ValR {
    match value {
        Val::Str(text) => Ok(text.chars().map(|c| Val::num(f64::from(u32::from(c)))).collect()),
        _ => fail("explode input must be a string"),
    }
}

pub(super) fn implode(value: &Val) -> ValR {
    let Val::Arr(points) = value else {
        return fail("implode input must be an array");
    };
    let mut text = String::with_capacity(points.len());
    for point in points.iter() {
        let Val::Num(n) = point else {
            return fail("implode input must be an array of code points");
        };
        // A cast makes of what is out of range something that is no character either.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let point = n.value() as u32;
        text.push(char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    Ok(Val::from(text))
}

pub(super) fn ascii_case(value: &Val, change: fn(&str) -> String) -> ValR {
    match value {
        Val::Str(text) => Ok(Val::from(change(text))),
        _ => fail("explode input must be a string"),
    }
}

pub(super) fn contains(whole: &Val, part: &Val) -> ValR {
    if whole.kind() == part.kind() {
        return Ok(holds(whole, part).into());
    }
    fail(format!("{} and {} cannot have their containment checked", whole.shown(), part.shown()))
}

fn holds(whole: &Val, part: &Val) -> bool {
    match (whole, part) {
        (Val::Obj(whole), Val::Obj(part)) => {
            part.iter().all(|(key, part)| whole.get(key).is_some_and(|whole| holds(whole, part)))
        }
        (Val::Arr(whole), Val::Arr(part)) => part.iter().all(|part| whole.iter().any(|whole| holds(whole, part))),
        (Val::Str(whole), Val::Str(part)) => whole.contains(&**part),
        _ => whole == part,
    }
}

/// Where a text occurs in another, counted in bytes as jq 1.6 does.
pub(super) fn str_indices(value: &Val, part: &Val) -> ValR {
    let (Val::Str(text), Val::Str(part)) = (value, part) else {
        return fail("_strindices input must be a string");
    };
    let mut found = Vec::new();
    let mut from = 0;
    if !part.is_empty() {
        let finder = memchr::memmem::Finder::new(part.as_bytes());
        while let Some(at) = finder.find(&text.as_bytes()[from..]) {
            found.push(Val::count(from + at));
            from += at + 1;
        }
    }
    Ok(Val::array(found))
}

/// The values of an array with what they are to be sorted by, sorted; equal ones keep their
/// order.
pub(super) fn keyed(value: &Val, by: &Val, what: &str) -> Result<Vec<(Val, Val)>, jaq_core::Error<Val>> {
    let (Val::Arr(values), Val::Arr(by)) = (value, by) else {
        return fail(format!("{} and {} cannot be {what}, as they are not both arrays", value.shown(), by.shown()));
    };
    let mut pairs: Vec<_> = by.iter().cloned().zip(values.iter().cloned()).collect();
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(pairs)
}

pub(super) fn group(value: &Val, by: &Val) -> ValR {
    let mut groups: Vec<(Val, Vec<Val>)> = Vec::new();
    for (key, value) in keyed(value, by, "sorted")? {
        match groups.last_mut() {
            Some((last, group)) if *last == key => group.push(value),
            _ => groups.push((key, vec![value])),
        }
    }
    Ok(groups.into_iter().map(|(_, group)| Val::array(group)).collect())
}
