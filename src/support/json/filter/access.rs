//! Reading and changing parts of values: what paths do.

use super::ops::own;
use super::value::{Map, Val, ValR, fail};
use jaq_core::path::Opt;
use jaq_core::val::Range;
use jaq_core::{Error, Exn, ValX};
use std::rc::Rc;

/// Longer arrays are not made by setting an element far beyond the end.
const LONGEST: usize = 1 << 29;

/// The number as an index, cut to a whole one; huge ones become the largest there are.
#[allow(clippy::cast_possible_truncation)]
fn int(n: f64) -> i64 {
    n as i64
}

/// Counts a negative index from the end.
fn place(index: i64, len: usize) -> Option<usize> {
    if index < 0 {
        let back = usize::try_from(index.unsigned_abs()).ok()?;
        len.checked_sub(back)
    } else {
        usize::try_from(index).ok()
    }
}

fn cannot_index<T>(value: &Val, key: &Val) -> Result<T, Error<Val>> {
    match key {
        Val::Str(key) => fail(format!("Cannot index {} with string \"{key}\"", value.kind())),
        _ => fail(format!("Cannot index {} with {}", value.kind(), key.kind())),
    }
}

/// The first and one past the last place of a slice, as the number of elements.
fn bounds(range: &Range<&Val>, len: usize) -> Result<(usize, usize), Error<Val>> {
    let side = |bound: Option<&Val>, unset: usize, round: fn(f64) -> f64| match bound {
        None | Some(Val::Null) => Ok(unset),
        Some(Val::Num(n)) => {
            let at = int(round(n.value()));
            Ok(place(at, len).unwrap_or(0).min(len))
        }
        Some(_) => fail("Start and end indices of an array slice must be numbers"),
    };
    let start = side(range.start, 0, f64::floor)?;
    let end = side(range.end, len, f64::ceil)?;
    Ok((start, end.max(start)))
}

/// The bytes that a slice of characters covers.
fn char_bounds(text: &str, range: &Range<&Val>) -> Result<(usize, usize), Error<Val>> {
    if text.is_ascii() {
        return bounds(range, text.len());
    }
    let (start, end) = bounds(range, text.chars().count())?;
    let byte = |n| text.char_indices().nth(n).map_or(text.len(), |(at, _)| at);
    Ok((byte(start), byte(end)))
}

fn slice_of(map: &Map) -> Range<&Val> {
    map.get("start")..map.get("end")
}

pub(super) fn index(value: &Val, key: &Val) -> ValR {
    match (value, key) {
        (Val::Obj(map), Val::Str(key)) => Ok(map.get(&**key).cloned().unwrap_or_default()),
        (Val::Arr(values), Val::Num(n)) => {
            let whole = n.value().fract() == 0.0;
            let at = whole.then(|| place(int(n.value()), values.len())).flatten();
            Ok(at.and_then(|at| values.get(at).cloned()).unwrap_or_default())
        }
        (Val::Null, Val::Str(_) | Val::Num(_) | Val::Obj(_)) => Ok(Val::Null),
        (Val::Arr(_) | Val::Str(_), Val::Obj(map)) => slice(value, &slice_of(map)),
        (Val::Arr(values), Val::Arr(part)) => Ok(match part.len() {
            0 => Val::array(Vec::new()),
            n => {
                let all = values.windows(n).enumerate();
                all.filter(|(_, w)| *w == &part[..]).map(|(at, _)| Val::count(at)).collect()
            }
        }),
        _ => cannot_index(value, key),
    }
}

pub(super) fn slice(value: &Val, range: &Range<&Val>) -> ValR {
    match value {
        Val::Null => Ok(Val::Null),
        Val::Arr(values) => {
            let (start, end) = bounds(range, values.len())?;
            Ok(values[start..end].iter().cloned().collect())
        }
        Val::Str(text) => {
            let (start, end) = char_bounds(text, range)?;
            Ok(Val::text(&text[start..end]))
        }
        _ => fail(format!("Cannot index {} with object", value.kind())),
    }
}

pub(super) fn cannot_iterate<T>(value: &Val) -> Result<T, Error<Val>> {
    fail(format!("Cannot iterate over {}", value.shown()))
}

pub(super) fn has(value: &Val, key: &Val) -> ValR {
    match (value, key) {
        (Val::Obj(map), Val::Str(key)) => Ok(map.contains_key(&**key).into()),
        (Val::Arr(values), Val::Num(n)) => {
            let at = usize::try_from(int(n.value())).ok();
            Ok(at.is_some_and(|at| at < values.len()).into())
        }
        _ => fail(format!("Cannot check whether {} has a {} key", value.kind(), key.kind())),
    }
}

/// Applies `change` to the element at `at`, which grows the array when it is beyond the end.
fn change_element<E: From<Error<Val>>>(
    values: &mut Vec<Val>,
    at: i64,
    change: impl FnOnce(Val) -> Result<Option<Val>, E>,
) -> Result<(), E> {
    let Some(at) = place(at, values.len()) else {
        return fail("Out of bounds negative array index").map_err(E::from);
    };
    if at >= LONGEST {
        return fail("Array index too large").map_err(E::from);
    }
    let old = values.get_mut(at).map(std::mem::take).unwrap_or_default();
    match change(old)? {
        Some(new) => {
            if at >= values.len() {
                values.resize(at + 1, Val::Null);
            }
            values[at] = new;
        }
        None if at < values.len() => {
            values.remove(at);
        }
        None => {}
    }
    Ok(())
}

/// Applies `change` to the part of `value` under `key`; `None` removes it.
pub(super) fn change<E: From<Error<Val>>>(
    value: Val,
    key: &Val,
    change: impl FnOnce(Val) -> Result<Option<Val>, E>,
) -> Result<Val, E> {
    match (value, key) {
        (Val::Null, Val::Str(_)) => self::change(Val::object(Map::new()), key, change),
        (Val::Null, Val::Num(_) | Val::Obj(_)) => self::change(Val::array(Vec::new()), key, change),
        (Val::Obj(map), Val::Str(key)) => {
            let mut map = own(map);
            let old = map.get_mut(&**key).map(std::mem::take).unwrap_or_default();
            match change(old)? {
                Some(new) => {
                    map.insert(key.clone(), new);
                }
                None => {
                    map.shift_remove(&**key);
                }
            }
            Ok(Val::object(map))
        }
        (Val::Arr(values), Val::Num(n)) => {
            let mut values = own(values);
            change_element(&mut values, int(n.value()), change)?;
            Ok(Val::array(values))
        }
        (Val::Arr(values), Val::Obj(map)) => {
            let (start, end) = bounds(&slice_of(map), values.len())?;
            let new = match change(values[start..end].iter().cloned().collect())? {
                Some(Val::Arr(new)) => new,
                None => Rc::default(),
                Some(_) => {
                    return fail("A slice of an array can only be assigned another array").map_err(E::from);
                }
            };
            let mut values = own(values);
            values.splice(start..end, new.iter().cloned());
            Ok(Val::array(values))
        }
        (value, key) => cannot_index(&value, key).map_err(E::from),
    }
}

pub(super) fn set_path(value: Val, path: &[Val], new: Val) -> ValR {
    match path.split_first() {
        None => Ok(new),
        Some((key, rest)) => change(value, key, |old| set_path(old, rest, new).map(Some)),
    }
}

/// Removes what the paths lead to, the last first so that no index shifts.
pub(super) fn delete_paths(value: Val, paths: &Val) -> ValR {
    let Val::Arr(paths) = paths else {
        return fail("Paths must be specified as an array");
    };
    let mut paths = (**paths).clone();
    paths.sort();
    paths.iter().rev().try_fold(value, |value, path| match path {
        Val::Arr(path) => delete_path(value, path),
        _ => fail("Path must be specified as an array"),
    })
}

fn delete_path(value: Val, path: &[Val]) -> ValR {
    match path {
        [] => Ok(Val::Null),
        _ if matches!(value, Val::Null) => Ok(Val::Null),
        [key] => delete(value, key),
        [key, rest @ ..] => match index(&value, key)? {
            Val::Null => Ok(value),
            _ => change(value, key, |old| delete_path(old, rest).map(Some)),
        },
    }
}

fn delete(value: Val, key: &Val) -> ValR {
    match (&value, key) {
        (Val::Obj(_), Val::Str(_)) | (Val::Arr(_), Val::Obj(_)) => change(value, key, |_| Ok(None)),
        (Val::Arr(values), Val::Num(n)) => match place(int(n.value()), values.len()).filter(|at| *at < values.len()) {
            Some(_) => change(value, key, |_| Ok(None)),
            None => Ok(value),
        },
        (Val::Obj(_), _) => fail(format!("Cannot delete field at object index of {}", key.kind())),
        (Val::Arr(_), _) => fail(format!("Cannot delete {} element of array", key.kind())),
        _ => fail(format!("Cannot delete fields from {}", value.kind())),
    }
}

impl jaq_core::ValT for Val {
    fn from_num(text: &str) -> ValR {
        Ok(Self::Num(super::number::Num::in_program(text)))
    }

    fn from_map<I: IntoIterator<Item = (Self, Self)>>(entries: I) -> ValR {
        let mut map = Map::new();
        for (key, value) in entries {
            match key {
                Self::Str(key) => map.insert(key, value),
                key => return fail(format!("Cannot use {} as object key", key.shown())),
            };
        }
        Ok(Self::object(map))
    }

    fn key_values(self) -> jaq_core::box_iter::BoxIter<'static, Result<(Self, Self), Error<Self>>> {
        match self {
            Self::Arr(values) => {
                let all = own(values).into_iter().enumerate();
                Box::new(all.map(|(at, value)| Ok((Self::count(at), value))))
            }
            Self::Obj(map) => Box::new(own(map).into_iter().map(|(k, v)| Ok((Self::Str(k), v)))),
            other => Box::new(std::iter::once(cannot_iterate(&other))),
        }
    }

    fn values(self) -> Box<dyn Iterator<Item = ValR>> {
        match self {
            Self::Arr(values) => Box::new(own(values).into_iter().map(Ok)),
            Self::Obj(map) => Box::new(own(map).into_iter().map(|(_, value)| Ok(value))),
            other => Box::new(std::iter::once(cannot_iterate(&other))),
        }
    }

    fn index(self, key: &Self) -> ValR {
        index(&self, key)
    }

    fn range(self, range: Range<&Self>) -> ValR {
        slice(&self, &range)
    }

    fn map_values<'a, I: Iterator<Item = ValX<'a, Self>>>(self, opt: Opt, f: impl Fn(Self) -> I) -> ValX<'a, Self> {
        match self {
            Self::Arr(values) => own(values).into_iter().filter_map(|value| f(value).next()).collect(),
            Self::Obj(map) => {
                let entries = own(map).into_iter();
                let changed = entries.filter_map(|(k, v)| f(v).next().map(|v| Ok((k, v?))));
                Ok(Self::object(changed.collect::<Result<_, Exn<_>>>()?))
            }
            other => opt.fail(other, |v| Exn::from(cannot_iterate::<()>(&v).err().unwrap_or_else(|| Error::new(v)))),
        }
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        key: &Self,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        if let Opt::Optional = opt {
            // What cannot be entered stays as it is.
            if index(&self, key).is_err() {
                return Ok(self);
            }
        }
        change(self, key, |old| f(old).next().transpose())
    }

    fn map_range<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        range: Range<&Self>,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        let key = Self::from(range.start.cloned()..range.end.cloned());
        self.map_index(&key, opt, f)
    }

    fn as_bool(&self) -> bool {
        !matches!(self, Self::Null | Self::Bool(false))
    }

    fn into_string(self) -> Self {
        match self {
            Self::Str(_) => self,
            other => Self::from(other.json()),
        }
    }
}

impl jaq_std::ValT for Val {
    fn into_seq<S: FromIterator<Self>>(self) -> Result<S, Self> {
        match self {
            Self::Arr(values) => Ok(own(values).into_iter().collect()),
            other => Err(other),
        }
    }

    fn is_int(&self) -> bool {
        matches!(self, Self::Num(n) if n.value().fract() == 0.0)
    }

    fn as_isize(&self) -> Option<isize> {
        match self {
            Self::Num(n) if n.value().fract() == 0.0 => isize::try_from(int(n.value())).ok(),
            _ => None,
        }
    }

    fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Num(n) => Some(n.value()),
            _ => None,
        }
    }

    fn is_utf8_str(&self) -> bool {
        matches!(self, Self::Str(_))
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Str(text) => Some(text.as_bytes()),
            _ => None,
        }
    }

    fn as_sub_str(&self, part: &[u8]) -> Self {
        Self::from(String::from_utf8_lossy(part).into_owned())
    }

    fn from_utf8_bytes(bytes: impl AsRef<[u8]> + Send + 'static) -> Self {
        Self::from(String::from_utf8_lossy(bytes.as_ref()).into_owned())
    }
}
