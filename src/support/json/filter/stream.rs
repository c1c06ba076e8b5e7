//! Values as streams of what their paths lead to.

use super::value::{Val, ValR, fail};
use super::{access, collections as c};
use jaq_core::{Error, ValT};

/// All that a value holds, with the paths there; what holds others comes before them.
pub(super) fn below(value: Val) -> impl Iterator<Item = (Vec<Val>, Val)> {
    let mut ahead = vec![(Vec::new(), value)];
    let all = std::iter::from_fn(move || {
        let (path, value) = ahead.pop()?;
        if let Val::Arr(_) | Val::Obj(_) = value {
            let first = ahead.len();
            ahead
                .extend(value.clone().key_values().flatten().map(|(key, value)| ([&path[..], &[key]].concat(), value)));
            ahead[first..].reverse();
        }
        Some((path, value))
    });
    all.skip(1)
}

/// `tostream`: each leaf with its path, and after the last one in each array or object the
/// path alone, without the steps below that.
pub(super) fn events(value: &Val) -> Vec<Val> {
    let mut out = Vec::new();
    add_events(&mut out, &mut Vec::new(), value);
    out
}

fn add_events(out: &mut Vec<Val>, path: &mut Vec<Val>, value: &Val) {
    let mut last = None;
    if let Val::Arr(_) | Val::Obj(_) = value {
        for (key, value) in value.clone().key_values().flatten() {
            path.push(key);
            add_events(out, path, &value);
            last = path.pop();
        }
    }
    let here = |path: &[Val]| Val::array(path.to_vec());
    match last {
        Some(last) => {
            path.push(last);
            out.push(Val::array(vec![here(path)]));
            path.pop();
        }
        None => out.push(Val::array(vec![here(path), value.clone()])),
    }
}

/// One step of `fromstream`: adds an event to what was `built` so far, and takes that out
/// when it is complete.
pub(super) fn build(built: &mut Option<Val>, event: &Val) -> Result<Option<Val>, Error<Val>> {
    let path = access::index(event, &Val::count(0))?;
    let depth = c::length(&path)?;
    let whole = depth == Val::count(0);
    if c::length(event)? <= Val::count(1) && !whole {
        return Ok(if depth == Val::count(1) { built.take() } else { None });
    }
    let leaf = access::index(event, &Val::count(1))?;
    if whole {
        *built = None;
        return Ok(Some(leaf));
    }
    let Val::Arr(path) = path else {
        return fail("Path must be specified as an array");
    };
    *built = Some(access::set_path(built.take().unwrap_or_default(), &path, leaf)?);
    Ok(None)
}

/// One step of `truncate_stream`: the event without the first steps of its path, if there are
/// more than these.
pub(super) fn truncate(steps: &Val, event: Val) -> Result<Option<Val>, Error<Val>> {
    let first = Val::count(0);
    let path = access::index(&event, &first)?;
    if c::length(&path)? <= *steps {
        return Ok(None);
    }
    let path: ValR = access::slice(&path, &(Some(steps)..None));
    access::set_path(event, &[first], path?).map(Some)
}
