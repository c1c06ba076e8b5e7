//! A JSON object, read field by field, with nothing of it lost.

use std::cell::RefCell;

use serde_json::{Map, Value};

/// How near a name is to be told as the one that may have been meant.
const NEAR: f64 = 0.7;

/// An object, the fields that were asked for, and the first thing that is wrong with it.
pub(super) struct Given<'a> {
    place: &'a str,
    map: &'a Map<String, Value>,
    known: RefCell<Vec<&'static str>>,
    wrong: RefCell<Option<String>>,
}

impl<'a> Given<'a> {
    /// Reads an object. What `fields` does not ask for is not known, and refused.
    pub(super) fn read<T>(
        map: &'a Map<String, Value>,
        place: &'a str,
        fields: impl FnOnce(&Given) -> T,
    ) -> Result<T, String> {
        let given = Given { place, map, known: RefCell::default(), wrong: RefCell::default() };
        let read = fields(&given);
        let known = given.known.into_inner();
        if let Some(name) = map.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(unknown(&path(place, name), name, &known));
        }
        given.wrong.into_inner().map_or(Ok(read), Err)
    }

    fn refuse(&self, why: String) {
        self.wrong.borrow_mut().get_or_insert(why);
    }

    /// A field that `read` makes something of. One that is `null` is not there, as everywhere in AWS's JSON.
    fn field<T>(&self, name: &'static str, what: &str, read: impl Fn(&'a Value) -> Option<T>) -> Option<T> {
        self.known.borrow_mut().push(name);
        let value = self.map.get(name).filter(|value| !value.is_null())?;
        let found = read(value);
        if found.is_none() {
            self.refuse(format!("{} is {}: {what} was expected", path(self.place, name), shown(value)));
        }
        found
    }

    pub(super) fn text(&self, name: &'static str) -> Option<String> {
        self.field(name, "text", |value| value.as_str().map(ToOwned::to_owned))
    }

    /// A word of a list that AWS knows best.
    pub(super) fn word<T: for<'t> From<&'t str>>(&self, name: &'static str) -> Option<T> {
        self.text(name).map(|text| T::from(text.as_str()))
    }

    pub(super) fn whole(&self, name: &'static str) -> Option<i32> {
        self.field(name, "a whole number", |value| value.as_i64().and_then(|number| i32::try_from(number).ok()))
    }

    pub(super) fn number(&self, name: &'static str) -> Option<f64> {
        self.field(name, "a number", Value::as_f64)
    }

    pub(super) fn flag(&self, name: &'static str) -> Option<bool> {
        self.field(name, "true or false", Value::as_bool)
    }

    pub(super) fn texts(&self, name: &'static str) -> Option<Vec<String>> {
        let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
        self.field(name, "a list of texts", |value| value.as_array()?.iter().map(text).collect())
    }

    /// An object.
    pub(super) fn object<T>(&self, name: &'static str, fields: impl Fn(&Given) -> T) -> Option<T> {
        let map = self.field(name, "an object", Value::as_object)?;
        self.child(map, &path(self.place, name), fields)
    }

    /// A list of objects.
    pub(super) fn objects<T>(&self, name: &'static str, fields: impl Fn(&Given) -> T) -> Option<Vec<T>> {
        let maps: Vec<_> =
            self.field(name, "a list of objects", |value| value.as_array()?.iter().map(Value::as_object).collect())?;
        let place = |at: usize| format!("{}[{at}]", path(self.place, name));
        Some(maps.into_iter().enumerate().filter_map(|(at, map)| self.child(map, &place(at), &fields)).collect())
    }

    fn child<T>(&self, map: &Map<String, Value>, place: &str, fields: impl Fn(&Given) -> T) -> Option<T> {
        Given::read(map, place, fields).map_err(|why| self.refuse(why)).ok()
    }
}

fn path(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") }
}

/// What a value is, when it is short enough to be shown.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        plain => plain.to_string(),
    }
}

fn unknown(path: &str, name: &str, known: &[&str]) -> String {
    let likeness = |known: &str| strsim::jaro_winkler(&known.to_ascii_lowercase(), &name.to_ascii_lowercase());
    let mut near: Vec<(f64, &str)> = known.iter().map(|known| (likeness(known), *known)).collect();
    near.retain(|(likeness, _)| *likeness >= NEAR);
    near.sort_by(|one, other| other.0.total_cmp(&one.0));
    let near: Vec<&str> = near.iter().take(3).map(|(_, known)| *known).collect();
    match near.as_slice() {
        [] => format!("{path} is no field that is known: known are {}", known.join(", ")),
        near => format!("{path} is no field that is known: is {} meant?", near.join(" or ")),
    }
}
