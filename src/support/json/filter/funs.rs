//! Native filters whose arguments are values.

use super::engine::Engine;
use super::value::{Map, Val, ValR, fail};
use super::{access, collections as c, dates, formats, given, math, ops, regex, stream};
use jaq_core::box_iter::box_once;
use jaq_core::native::{Fun, bome, run, v};
use jaq_core::{Bind, Cv, Error, Exn, RunPtr, ValT, ValXs};

type Entry = (&'static str, Box<[Bind]>, RunPtr<Engine>);

/// Those of jaq's native filters that do as jq does, and the names they get here.
const FROM_JAQ: &[(&str, &str)] = &[
    ("path", "path"),
    ("first", "first"),
    ("now", "now"),
    ("localtime", "localtime"),
    ("strftime", "_strftime"),
    ("strflocaltime", "_strflocaltime"),
    ("erf", "erf"),
    ("erfc", "erfc"),
    ("frexp", "frexp"),
    ("ilogb", "ilogb"),
    ("j0", "j0"),
    ("j1", "j1"),
    ("lgamma", "lgamma"),
    ("modf", "modf"),
    ("tgamma", "tgamma"),
    ("y0", "y0"),
    ("y1", "y1"),
    ("copysign", "copysign"),
    ("fdim", "fdim"),
    ("fmax", "fmax"),
    ("fmin", "fmin"),
    ("fmod", "fmod"),
    ("jn", "jn"),
    ("ldexp", "ldexp"),
    ("nextafter", "nextafter"),
    ("remainder", "remainder"),
    ("scalbln", "scalbln"),
    ("yn", "yn"),
    ("fma", "fma"),
];

/// All native filters: no other name is known to programs, so that none of them can start a
/// command, end the process or write anywhere but to standard error.
pub(super) fn all() -> impl Iterator<Item = Fun<Engine>> {
    let ours = nullary().into_iter().chain(with_arguments()).chain(many()).chain(math::all());
    let theirs = jaq_core::funs().chain(jaq_std::funs());
    let theirs = theirs.filter_map(|(name, binds, filter)| {
        let (_, ours) = FROM_JAQ.iter().find(|(theirs, _)| *theirs == name)?;
        Some((*ours, binds, filter))
    });
    ours.map(run::<Engine>).chain(given::all()).chain(theirs)
}

macro_rules! of_input {
    ($name:expr, $f:expr) => {
        ($name, v(0), |cv| {
            let f: fn(&Val) -> ValR = $f;
            bome(f(&cv.1))
        })
    };
}

macro_rules! text_format {
    ($name:literal) => {
        of_input!(concat!("@", $name), |value| formats::format(value, &Val::text($name)))
    };
}

fn nullary() -> Vec<Entry> {
    vec![
        text_format!("text"),
        text_format!("json"),
        text_format!("csv"),
        text_format!("tsv"),
        text_format!("html"),
        text_format!("uri"),
        text_format!("sh"),
        text_format!("base64"),
        text_format!("base64d"),
        of_input!("null", |_| Ok(Val::Null)),
        of_input!("true", |_| Ok(true.into())),
        of_input!("false", |_| Ok(false.into())),
        of_input!("not", |value| Ok((!value.as_bool()).into())),
        of_input!("tostring", |value| Ok(value.clone().into_string())),
        of_input!("type", |value| Ok(Val::text(value.kind()))),
        of_input!("length", c::length),
        of_input!("utf8bytelength", |value| match value {
            Val::Str(text) => Ok(Val::count(text.len())),
            other => fail(format!("{} only strings have UTF-8 byte length", other.shown())),
        }),
        of_input!("add", c::sum),
        of_input!("keys", |value| c::keys(value, true)),
        of_input!("keys_unsorted", |value| c::keys(value, false)),
        of_input!("tojson", |value| Ok(Val::from(value.json()))),
        of_input!("fromjson", formats::from_json),
        of_input!("tonumber", formats::to_number),
        of_input!("explode", c::explode),
        of_input!("implode", c::implode),
        of_input!("ascii_downcase", |value| c::ascii_case(value, str::to_ascii_lowercase)),
        of_input!("ascii_upcase", |value| c::ascii_case(value, str::to_ascii_uppercase)),
        of_input!("sort", |value| match value {
            Val::Arr(values) => {
                let mut values = (**values).clone();
                values.sort();
                Ok(Val::array(values))
            }
            other => fail(format!("{} cannot be sorted, as it is not an array", other.shown())),
        }),
        of_input!("min", |value| c::min_by(value, value)),
        of_input!("max", |value| c::max_by(value, value)),
        of_input!("unique", c::unique),
        of_input!("reverse", c::reverse),
        of_input!("flatten", |value| c::flatten(value, &Val::num(f64::INFINITY))),
        of_input!("transpose", c::transpose),
        of_input!("to_entries", c::to_entries),
        of_input!("from_entries", c::from_entries),
        of_input!("gmtime", dates::gmtime),
        of_input!("mktime", dates::mktime),
        of_input!("fromdateiso8601", dates::from_iso),
        of_input!("fromdate", dates::from_iso),
        of_input!("env", |_| Ok(environment())),
        ("input", v(0), |cv| bome(cv.0.data().next_input().map_or_else(|| fail("break"), Ok))),
        ("input_filename", v(0), |_| bome(Ok(Val::text("<stdin>")))),
        ("input_line_number", v(0), |cv| bome(Ok(cv.0.data().line()))),
        ("halt_error", v(0), |cv| bome(halt_error(&cv.1))),
        ("halt_error", v(1), |cv| bome(halt_error(&cv.1))),
        ("halt", v(0), |_| box_once(Err(Exn::halt(0)))),
        // Their messages are for whoever writes a filter by hand; a look-up says only what went wrong.
        ("debug", v(0), |cv| bome(Ok(cv.1))),
        ("stderr", v(0), |cv| bome(Ok(cv.1))),
    ]
}

fn unary(mut cv: Cv<'_, Engine>, f: fn(Val, &Val) -> ValR) -> ValXs<'_, Val> {
    let argument = cv.0.pop_var();
    bome(f(cv.1, &argument))
}

/// What would be the message on jq's standard error is the error's here.
fn halt_error(value: &Val) -> ValR {
    Err(jaq_core::Error::new(value.clone().into_string()))
}

fn with_arguments() -> Vec<Entry> {
    vec![
        ("has", v(1), |cv| unary(cv, |value, key| access::has(&value, key))),
        ("contains", v(1), |cv| unary(cv, |value, part| c::contains(&value, part))),
        ("startswith", v(1), |cv| {
            unary(cv, |value, part| match (&value, part) {
                (Val::Str(text), Val::Str(part)) => Ok(text.starts_with(&**part).into()),
                _ => fail("startswith() requires string inputs"),
            })
        }),
        ("endswith", v(1), |cv| {
            unary(cv, |value, part| match (&value, part) {
                (Val::Str(text), Val::Str(part)) => Ok(text.ends_with(&**part).into()),
                _ => fail("endswith() requires string inputs"),
            })
        }),
        ("ltrimstr", v(1), |cv| {
            unary(cv, |value, part| match (&value, part) {
                (Val::Str(text), Val::Str(part)) => Ok(text.strip_prefix(&**part).map_or(value.clone(), Val::text)),
                _ => Ok(value),
            })
        }),
        ("rtrimstr", v(1), |cv| {
            unary(cv, |value, part| match (&value, part) {
                (Val::Str(text), Val::Str(part)) => Ok(text.strip_suffix(&**part).map_or(value.clone(), Val::text)),
                _ => Ok(value),
            })
        }),
        ("split", v(1), |cv| {
            unary(cv, |value, by| match (&value, by) {
                (Val::Str(text), Val::Str(by)) => Ok(ops::split(text, by)),
                _ => fail("split input and separator must be strings"),
            })
        }),
        ("indices", v(1), |cv| unary(cv, |value, part| c::indices(&value, part))),
        ("index", v(1), |cv| unary(cv, |value, part| access::index(&c::indices(&value, part)?, &Val::num(0.0)))),
        ("rindex", v(1), |cv| unary(cv, |value, part| access::index(&c::indices(&value, part)?, &Val::num(-1.0)))),
        ("join", v(1), |cv| unary(cv, |value, separator| c::join(&value, separator))),
        ("flatten", v(1), |cv| unary(cv, |value, depth| c::flatten(&value, depth))),
        ("bsearch", v(1), |cv| unary(cv, |value, sought| c::bsearch(&value, sought))),
        ("setpath", v(2), |mut cv| {
            let new = cv.0.pop_var();
            bome(match cv.0.pop_var() {
                Val::Arr(path) => access::set_path(cv.1, &path, new),
                _ => fail("Path must be specified as an array"),
            })
        }),
        ("delpaths", v(1), |cv| unary(cv, access::delete_paths)),
        ("format", v(1), |cv| unary(cv, |value, name| formats::format(&value, name))),
        ("_c_format", v(0), |cv| bome(dates::c_format(&cv.1))),
        ("strptime", v(1), |cv| unary(cv, |value, format| dates::strptime(&value, format))),
    ]
}

fn results<'a, I>(found: Result<I, Error<Val>>) -> ValXs<'a, Val>
where
    I: IntoIterator<Item = Val>,
    I::IntoIter: 'a,
{
    match found {
        Ok(results) => Box::new(results.into_iter().map(Ok)),
        Err(e) => box_once(Err(e.into())),
    }
}

macro_rules! matching {
    ($name:literal, $find:expr) => {{
        let both: [Entry; 2] = [
            ($name, v(1), |mut cv| {
                let both = regex::pattern(&cv.0.pop_var());
                results(both.and_then(|(pattern, flags)| $find(&cv.1, &pattern, &flags)))
            }),
            ($name, v(2), |mut cv| {
                let (flags, pattern) = (cv.0.pop_var(), cv.0.pop_var());
                results($find(&cv.1, &pattern, &flags))
            }),
        ];
        both
    }};
}

fn range<'a>(from: Val, to: Val) -> ValXs<'a, Val> {
    match (&from, &to) {
        (Val::Num(_), Val::Num(_)) => Box::new(c::range(from, to, Val::count(1)).map(|at| at.map_err(Exn::from))),
        _ => bome(fail("Range bounds must be numeric")),
    }
}

/// Those with any number of results.
fn many() -> Vec<Entry> {
    let mut all: Vec<Entry> = vec![
        ("inputs", v(0), |cv| {
            let data = *cv.0.data();
            Box::new(std::iter::from_fn(move || data.next_input().map(Ok)))
        }),
        ("range", v(1), |mut cv| range(Val::count(0), cv.0.pop_var())),
        ("range", v(2), |mut cv| {
            let to = cv.0.pop_var();
            range(cv.0.pop_var(), to)
        }),
        ("range", v(3), |mut cv| {
            let (by, to) = (cv.0.pop_var(), cv.0.pop_var());
            Box::new(c::range(cv.0.pop_var(), to, by).map(|at| at.map_err(Exn::from)))
        }),
        ("paths", v(0), |cv| Box::new(stream::below(cv.1).map(|(path, _)| Ok(Val::array(path))))),
        ("tostream", v(0), |cv| results(Ok(stream::events(&cv.1)))),
        ("combinations", v(0), |cv| results(c::combinations(&cv.1))),
        ("_steps", v(0), |cv| match cv.1 {
            Val::Arr(path) => results(Ok(ops::own(path))),
            _ => bome(fail("Path must be specified as an array")),
        }),
        ("scan", v(1), |mut cv| results(regex::scan(&cv.1, &cv.0.pop_var(), &Val::text("g")))),
        ("splits", v(1), |mut cv| results(regex::splits(&cv.1, &cv.0.pop_var(), &Val::Null))),
        ("splits", v(2), |mut cv| {
            let (flags, pattern) = (cv.0.pop_var(), cv.0.pop_var());
            results(regex::splits(&cv.1, &pattern, &flags))
        }),
        ("split", v(2), |mut cv| {
            let (flags, pattern) = (cv.0.pop_var(), cv.0.pop_var());
            bome(regex::splits(&cv.1, &pattern, &flags).map(Val::array))
        }),
    ];
    all.extend(matching!("match", regex::find));
    all.extend(matching!("test", regex::test));
    all.extend(matching!("capture", regex::capture));
    all
}

/// The environment; what is not UTF-8 in it is mended.
pub(super) fn environment() -> Val {
    let mut map = Map::new();
    for (name, value) in crate::ctx::Env::Process.all() {
        let name = name.to_string_lossy().into_owned();
        map.insert(name.into(), Val::from(value.to_string_lossy().into_owned()));
    }
    Val::object(map)
}
