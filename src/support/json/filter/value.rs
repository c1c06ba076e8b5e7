//! The values that filters work on, which behave as jq's.

use super::number::Num;
use crate::support::json::Error;
use crate::support::json::input::Input;
use crate::support::json::print::{Layout, Style};
use crate::support::json::text::Sink;
use indexmap::IndexMap;
use std::cmp::Ordering;
use std::fmt;
use std::rc::Rc;

/// An object; its keys keep their order.
pub(super) type Map = IndexMap<Rc<str>, Val>;

/// A JSON value.
#[derive(Clone, Debug, Default)]
pub enum Val {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Num(Num),
    /// A string.
    Str(Rc<str>),
    /// An array.
    Arr(Rc<Vec<Val>>),
    /// An object.
    Obj(Rc<Map>),
}

/// A value, or jq's error.
pub(super) type ValR = jaq_core::ValR<Val>;

pub(super) fn fail<T>(what: impl Into<String>) -> Result<T, jaq_core::Error<Val>> {
    Err(jaq_core::Error::new(Val::from(what.into())))
}

impl Val {
    pub(super) fn num(value: f64) -> Self {
        Self::Num(Num::of(value))
    }

    pub(super) fn count(n: usize) -> Self {
        // No text in memory is so long that its length is not exact as a double.
        #[allow(clippy::cast_precision_loss)]
        Self::num(n as f64)
    }

    pub(super) fn text(text: &str) -> Self {
        Self::Str(text.into())
    }

    pub(super) fn array(values: Vec<Val>) -> Self {
        Self::Arr(Rc::new(values))
    }

    pub(super) fn object(map: Map) -> Self {
        Self::Obj(Rc::new(map))
    }

    /// jq's name of the type.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Num(_) => "number",
            Self::Str(_) => "string",
            Self::Arr(_) => "array",
            Self::Obj(_) => "object",
        }
    }

    /// The value as jq's messages show it: its type, and its start.
    pub(super) fn shown(&self) -> String {
        let mut text = self.json();
        if text.len() > 14 {
            let mut cut = 11;
            while !text.is_char_boundary(cut) {
                cut -= 1;
            }
            text.truncate(cut);
            text.push_str("...");
        }
        format!("{} ({text})", self.kind())
    }

    /// The value as compact JSON.
    pub(super) fn json(&self) -> String {
        let mut out = Vec::new();
        // Writing to memory does not fail.
        let _ = self.write(Style::Compact, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Prints the value.
    pub(in crate::support::json) fn write(&self, style: Style, out: &mut dyn Sink) -> Result<(), Error> {
        self.lay_out(&mut Layout::new(out, style))
    }

    fn lay_out(&self, to: &mut Layout<'_>) -> Result<(), Error> {
        match self {
            Self::Null => to.word(b"null"),
            Self::Bool(true) => to.word(b"true"),
            Self::Bool(false) => to.word(b"false"),
            Self::Num(n) => to.word(n.text().as_bytes()),
            Self::Str(text) => to.text(text.as_bytes()),
            Self::Arr(values) => {
                to.start(false)?;
                for (i, value) in values.iter().enumerate() {
                    if i > 0 {
                        to.next()?;
                    }
                    value.lay_out(to)?;
                }
                to.end(false)
            }
            Self::Obj(map) => {
                to.start(true)?;
                for (i, (key, value)) in map.iter().enumerate() {
                    if i > 0 {
                        to.next()?;
                    }
                    to.text(key.as_bytes())?;
                    to.after_key()?;
                    value.lay_out(to)?;
                }
                to.end(true)
            }
        }
    }

    /// Reads the value that comes next, checking it.
    pub(in crate::support::json) fn read(input: &mut Input<'_>) -> Result<Self, Error> {
        match input.must()? {
            b'"' => Ok(Self::Str(read_text(input)?)),
            b'[' => {
                let mut values = Vec::new();
                input.open(false)?;
                if input.must()? != b']' {
                    loop {
                        values.push(Self::read(input)?);
                        match input.must()? {
                            b',' => input.pos += 1,
                            b']' => break,
                            _ => return Err(input.expected("',' or ']'")),
                        }
                    }
                }
                input.pos += 1;
                input.nest.pop();
                Ok(Self::array(values))
            }
            b'{' => Self::read_object(input),
            first => {
                let mut text = Vec::new();
                input.scalar_parts(&mut |b| text.push(b))?;
                Ok(match first {
                    b't' => Self::Bool(true),
                    b'f' => Self::Bool(false),
                    b'n' => Self::Null,
                    _ => Self::Num(Num::written(&String::from_utf8_lossy(&text))),
                })
            }
        }
    }

    fn read_object(input: &mut Input<'_>) -> Result<Self, Error> {
        let mut map = Map::new();
        input.open(true)?;
        let mut b = input.must()?;
        if b != b'}' {
            loop {
                if b != b'"' {
                    return Err(input.expected("a key in double quotes"));
                }
                let key = read_text(input)?;
                if input.must()? != b':' {
                    return Err(input.expected("':' after a key"));
                }
                input.pos += 1;
                let value = Self::read(input)?;
                map.insert(key, value);
                match input.must()? {
                    b',' => input.pos += 1,
                    b'}' => break,
                    _ => return Err(input.expected("',' or '}'")),
                }
                b = input.must()?;
            }
        }
        input.pos += 1;
        input.nest.pop();
        Ok(Self::object(map))
    }

    /// jq's order of types.
    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(false) => 1,
            Self::Bool(true) => 2,
            Self::Num(_) => 3,
            Self::Str(_) => 4,
            Self::Arr(_) => 5,
            Self::Obj(_) => 6,
        }
    }
}

fn read_text(input: &mut Input<'_>) -> Result<Rc<str>, Error> {
    let mut text = Vec::new();
    input.copy_string(&mut text, false)?;
    Ok(String::from_utf8_lossy(&text).into())
}

/// The entries of an object by key.
pub(super) fn sorted(map: &Map) -> Vec<(&Rc<str>, &Val)> {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    entries
}

impl Ord for Val {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Num(a), Self::Num(b)) => a.compare(b),
            (Self::Str(a), Self::Str(b)) => a.cmp(b),
            (Self::Arr(a), Self::Arr(b)) => a.cmp(b),
            (Self::Obj(a), Self::Obj(b)) => {
                let (a, b) = (sorted(a), sorted(b));
                let keys = a.iter().map(|e| e.0).cmp(b.iter().map(|e| e.0));
                keys.then_with(|| a.iter().map(|e| e.1).cmp(b.iter().map(|e| e.1)))
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Val {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Val {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Val {}

impl fmt::Display for Val {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.json())
    }
}

impl From<bool> for Val {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<isize> for Val {
    fn from(i: isize) -> Self {
        // Up to 32 bits any double is exact; longer ones may have to keep their digits.
        match i32::try_from(i) {
            Ok(i) => Self::num(f64::from(i)),
            Err(_) => Self::Num(Num::in_program(&i.to_string())),
        }
    }
}

impl From<usize> for Val {
    fn from(i: usize) -> Self {
        Self::count(i)
    }
}

impl From<f64> for Val {
    fn from(f: f64) -> Self {
        Self::num(f)
    }
}

impl From<String> for Val {
    fn from(text: String) -> Self {
        Self::Str(text.into())
    }
}

impl From<jaq_core::val::Range<Val>> for Val {
    fn from(range: jaq_core::val::Range<Val>) -> Self {
        let mut map = Map::new();
        map.insert("start".into(), range.start.unwrap_or_default());
        map.insert("end".into(), range.end.unwrap_or_default());
        Self::object(map)
    }
}

impl FromIterator<Val> for Val {
    fn from_iter<I: IntoIterator<Item = Val>>(values: I) -> Self {
        Self::array(values.into_iter().collect())
    }
}
