//! What named filters do to strings, arrays and objects.

use super::access;
use super::value::{Map, Val, ValR, fail, sorted};
use jaq_core::{Error, ValT};
use std::cmp::Ordering;

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
fn str_indices(value: &Val, part: &Val) -> ValR {
    let (Val::Str(text), Val::Str(part)) = (value, part) else {
        return access::index(value, part);
    };
    let mut found = Vec::new();
    let mut from = 0;
    if !part.is_empty() {
        let finder = memchr::memmem::Finder::new(part.as_bytes());
        while let Some(at) = finder.find(&text.as_bytes()[from..]) {
            found.push(Val::count(from + at));
            from += at + part.len();
        }
    }
    Ok(Val::array(found))
}

/// Where a value occurs in another.
pub(super) fn indices(value: &Val, part: &Val) -> ValR {
    match (value, part) {
        (Val::Str(_), Val::Str(_)) => str_indices(value, part),
        (Val::Arr(_), Val::Arr(_)) => access::index(value, part),
        (Val::Arr(_), _) => access::index(value, &Val::array(vec![part.clone()])),
        _ => access::index(value, part),
    }
}

/// The values of an array with what they are to be sorted by.
fn keyed<'v>(value: &'v Val, by: &'v Val, what: &str) -> Result<Vec<(&'v Val, &'v Val)>, Error<Val>> {
    let (Val::Arr(values), Val::Arr(by)) = (value, by) else {
        return fail(format!("{} and {} cannot be {what}", value.shown(), by.shown()));
    };
    Ok(by.iter().zip(values.iter()).collect())
}

/// The same, sorted; equal ones keep their order.
fn sorted_by<'v>(value: &'v Val, by: &'v Val) -> Result<Vec<(&'v Val, &'v Val)>, Error<Val>> {
    let mut pairs = keyed(value, by, "sorted, as they are not both arrays")?;
    pairs.sort_by(|a, b| a.0.cmp(b.0));
    Ok(pairs)
}

pub(super) fn sort_by(value: &Val, by: &Val) -> ValR {
    Ok(sorted_by(value, by)?.into_iter().map(|(_, value)| value.clone()).collect())
}

pub(super) fn group_by(value: &Val, by: &Val) -> ValR {
    let pairs = sorted_by(value, by)?;
    let groups = pairs.chunk_by(|a, b| a.0 == b.0);
    Ok(groups.map(|group| group.iter().map(|(_, value)| (*value).clone()).collect()).collect())
}

pub(super) fn unique_by(value: &Val, by: &Val) -> ValR {
    let pairs = sorted_by(value, by)?;
    Ok(pairs.chunk_by(|a, b| a.0 == b.0).map(|group| group[0].1.clone()).collect())
}

pub(super) fn unique(value: &Val) -> ValR {
    let by = value.clone().values().collect::<Result<Val, _>>()?;
    unique_by(value, &by)
}

fn extreme(value: &Val, by: &Val, better: fn(&Val, &Val) -> bool) -> ValR {
    let pairs = keyed(value, by, "iterated over")?.into_iter();
    let best = pairs.reduce(|best, other| if better(other.0, best.0) { other } else { best });
    Ok(best.map(|(_, value)| value.clone()).unwrap_or_default())
}

pub(super) fn min_by(value: &Val, by: &Val) -> ValR {
    extreme(value, by, |other, best| other < best)
}

pub(super) fn max_by(value: &Val, by: &Val) -> ValR {
    extreme(value, by, |other, best| other >= best)
}

pub(super) fn sum(value: &Val) -> ValR {
    value.clone().values().try_fold(Val::Null, |sum, item| sum + item?)
}

/// `.[]` in one text: `null` stands for no text, and the separator is only looked at when
/// there is something to separate.
pub(super) fn join(value: &Val, separator: &Val) -> ValR {
    let mut out = String::new();
    let mut add = |part: &Val| match part {
        Val::Str(text) => {
            out.push_str(text);
            Ok(())
        }
        Val::Null => Ok(()),
        other => (Val::text(&out) + other.clone()).map(|_| ()),
    };
    for (i, item) in value.clone().values().enumerate() {
        let item = item?;
        if i > 0 {
            add(separator)?;
        }
        match item {
            Val::Bool(_) | Val::Num(_) => add(&Val::from(item.json()))?,
            item => add(&item)?,
        }
    }
    Ok(Val::from(out))
}

/// What arrays among the items hold, `depth` levels down; any other depth than 0 goes on.
fn flatten_into(out: &mut Vec<Val>, value: Val, depth: &Val) -> Result<(), Error<Val>> {
    for item in value.values() {
        match item? {
            inner @ Val::Arr(_) if *depth != Val::count(0) => {
                flatten_into(out, inner, &(depth.clone() - Val::count(1))?)?;
            }
            item => out.push(item),
        }
    }
    Ok(())
}

pub(super) fn flatten(value: &Val, depth: &Val) -> ValR {
    if *depth < Val::count(0) {
        return fail("flatten depth must not be negative");
    }
    let mut out = Vec::new();
    flatten_into(&mut out, value.clone(), depth)?;
    Ok(Val::array(out))
}

pub(super) fn to_entries(value: &Val) -> ValR {
    keys(value, false)?;
    let entry = |(key, value)| Val::object(Map::from([("key".into(), key), ("value".into(), value)]));
    value.clone().key_values().map(|pair| pair.map(entry)).collect()
}

/// The name is what is first there, but not `null` or `false`, of several spellings.
pub(super) fn from_entries(value: &Val) -> ValR {
    let mut map = Map::new();
    for entry in value.clone().values() {
        let entry = entry?;
        let mut key = Val::Null;
        for name in ["key", "Key", "name", "Name"] {
            if !key.as_bool() {
                key = access::index(&entry, &Val::text(name))?;
            }
        }
        let Val::Str(key) = key else {
            let key = if key.as_bool() { key } else { Val::Null };
            return fail(format!("Cannot use {} as object key", key.shown()));
        };
        let small = Val::text("value");
        let named = access::has(&entry, &small)?.as_bool();
        map.insert(key, access::index(&entry, &if named { small } else { Val::text("Value") })?);
    }
    Ok(Val::object(map))
}

/// The elements of an array; what has the length zero has none, either.
fn elements(value: &Val) -> Result<&[Val], Error<Val>> {
    match value {
        Val::Arr(values) => Ok(values),
        other if length(other)? == Val::count(0) => Ok(&[]),
        other => access::index(other, &Val::count(0)).map(|_| &[][..]),
    }
}

pub(super) fn reverse(value: &Val) -> ValR {
    Ok(elements(value)?.iter().rev().cloned().collect())
}

/// Where a sorted array holds a value; if nowhere, one less than the negative of where it
/// belongs. Of several equal elements the one that halving meets first is found.
pub(super) fn bsearch(value: &Val, sought: &Val) -> ValR {
    let elements = elements(value)?;
    let (mut from, mut to) = (0, elements.len());
    while from < to {
        let middle = from + (to - from - 1) / 2;
        match elements[middle].cmp(sought) {
            Ordering::Equal => return Ok(Val::count(middle)),
            Ordering::Less => from = middle + 1,
            Ordering::Greater => to = middle,
        }
    }
    -Val::count(from + 1)
}

/// Rows from columns; what is short is filled up with `null`.
pub(super) fn transpose(value: &Val) -> ValR {
    let rows = value.clone().values().collect::<Result<Vec<Val>, _>>()?;
    let lengths = rows.iter().map(length).collect::<Result<Vec<Val>, _>>()?;
    let longest = lengths.into_iter().max().unwrap_or_default();
    if let Val::Obj(_) = value {
        return access::index(value, &Val::count(0));
    }
    let mut columns = Vec::new();
    while Val::count(columns.len()) < longest {
        let at = Val::count(columns.len());
        let column = rows.iter().map(|row| access::index(row, &at));
        columns.push(column.collect::<Result<Val, _>>()?);
    }
    Ok(Val::array(columns))
}

/// Every way to take one of so many things each; the first one varies fastest.
pub(super) fn ways(sizes: Vec<usize>) -> impl Iterator<Item = Vec<usize>> {
    let mut next = sizes.iter().all(|size| *size > 0).then(|| vec![0; sizes.len()]);
    std::iter::from_fn(move || {
        let way = next.take()?;
        let mut then = way.clone();
        let stepped = then.iter_mut().zip(&sizes).any(|(at, size)| {
            *at = (*at + 1) % size;
            *at > 0
        });
        next = stepped.then_some(then);
        Some(way)
    })
}

/// One of each element's values, the last one varying fastest.
pub(super) fn combinations(value: &Val) -> Result<impl Iterator<Item = Val> + use<>, Error<Val>> {
    let mut pools = Vec::new();
    for element in elements(value)? {
        let pool = element.clone().values().collect::<Result<Vec<Val>, _>>()?;
        let none = pool.is_empty();
        pools.push(pool);
        if none {
            break;
        }
    }
    let sizes = pools.iter().rev().map(Vec::len).collect();
    Ok(ways(sizes).map(move |way| pools.iter().zip(way.iter().rev()).map(|(pool, at)| pool[*at].clone()).collect()))
}

/// From one value up or down to another.
pub(super) fn range(from: Val, to: Val, by: Val) -> impl Iterator<Item = ValR> {
    let way = by.cmp(&Val::count(0));
    let mut next = (way != Ordering::Equal).then_some(Ok(from));
    std::iter::from_fn(move || {
        let at = next.take()?;
        if let Ok(at) = &at {
            if at.cmp(&to) != way.reverse() {
                return None;
            }
            next = Some(at.clone() + by.clone());
        }
        Some(at)
    })
}
