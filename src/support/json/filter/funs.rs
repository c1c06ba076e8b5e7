//! Native filters.

use super::engine::Engine;
use super::value::{Map, Val, ValR, fail};
use super::{access, collections as c, dates, formats, ops, regex};
use jaq_core::box_iter::box_once;
use jaq_core::native::{Fun, bome, run, v};
use jaq_core::{Bind, Cv, Exn, RunPtr, ValXs};

type Entry = (&'static str, Box<[Bind]>, RunPtr<Engine>);

/// Those of jaq's native filters that do as jq does, and the names they get here.
const FROM_JAQ: &[(&str, &str)] = &[
    ("path", "path"),
    ("range", "_range"),
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
    let ours = nullary().into_iter().chain(with_arguments());
    let theirs = jaq_core::funs().chain(jaq_std::funs());
    let theirs = theirs.filter_map(|(name, binds, filter)| {
        let (_, ours) = FROM_JAQ.iter().find(|(theirs, _)| *theirs == name)?;
        Some((*ours, binds, filter))
    });
    ours.map(run::<Engine>).chain(theirs)
}

macro_rules! of_input {
    ($name:literal, $f:expr) => {
        ($name, v(0), |cv| {
            let f: fn(&Val) -> ValR = $f;
            bome(f(&cv.1))
        })
    };
}

macro_rules! of_number {
    ($name:literal, $f:expr) => {
        of_input!($name, |value| match value {
            Val::Num(n) => {
                let f: fn(f64) -> f64 = $f;
                Ok(Val::num(f(n.value())))
            }
            other => fail(format!("{} number required", other.shown())),
        })
    };
}

macro_rules! is_number {
    ($name:literal, $f:expr) => {
        of_input!($name, |value| match value {
            Val::Num(n) => {
                let f: fn(f64) -> bool = $f;
                Ok(f(n.value()).into())
            }
            other => fail(format!("{} number required", other.shown())),
        })
    };
}

fn nullary() -> Vec<Entry> {
    vec![
        of_number!("floor", f64::floor),
        of_number!("ceil", f64::ceil),
        of_number!("round", f64::round),
        of_number!("trunc", f64::trunc),
        of_number!("rint", f64::round_ties_even),
        of_number!("nearbyint", f64::round_ties_even),
        of_number!("sqrt", f64::sqrt),
        of_number!("fabs", f64::abs),
        of_number!("acos", f64::acos),
        of_number!("acosh", f64::acosh),
        of_number!("asin", f64::asin),
        of_number!("asinh", f64::asinh),
        of_number!("atan", f64::atan),
        of_number!("atanh", f64::atanh),
        of_number!("cbrt", f64::cbrt),
        of_number!("cos", f64::cos),
        of_number!("cosh", f64::cosh),
        of_number!("exp", f64::exp),
        of_number!("exp2", f64::exp2),
        of_number!("log", f64::ln),
        of_number!("log10", f64::log10),
        of_number!("log2", f64::log2),
        of_number!("sin", f64::sin),
        of_number!("sinh", f64::sinh),
        of_number!("tan", f64::tan),
        of_number!("tanh", f64::tanh),
        of_number!("expm1", f64::exp_m1),
        of_number!("log1p", f64::ln_1p),
        of_number!("exp10", |n| 10f64.powf(n)),
        is_number!("isnan", f64::is_nan),
        is_number!("isinfinite", f64::is_infinite),
        is_number!("isnormal", f64::is_normal),
        of_input!("nan", |_| Ok(Val::num(f64::NAN))),
        of_input!("infinite", |_| Ok(Val::num(f64::INFINITY))),
        of_input!("type", |value| Ok(Val::text(value.kind()))),
        of_input!("length", c::length),
        of_input!("utf8bytelength", |value| match value {
            Val::Str(text) => Ok(Val::count(text.len())),
            other => fail(format!("{} only strings have UTF-8 byte length", other.shown())),
        }),
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
        of_input!("gmtime", dates::gmtime),
        of_input!("mktime", dates::mktime),
        of_input!("env", |_| Ok(environment())),
        ("_inputs", v(0), |cv| {
            let data = *cv.0.data();
            Box::new(std::iter::from_fn(move || data.next_input().map(Ok)))
        }),
        ("input_filename", v(0), |_| bome(Ok(Val::text("<stdin>")))),
        ("input_line_number", v(0), |cv| bome(Ok(cv.0.data().line()))),
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

macro_rules! of_two_numbers {
    ($name:literal, $f:expr) => {
        ($name, v(2), |mut cv| {
            let (right, left) = (cv.0.pop_var(), cv.0.pop_var());
            bome(match (&left, &right) {
                (Val::Num(left), Val::Num(right)) => {
                    let f: fn(f64, f64) -> f64 = $f;
                    Ok(Val::num(f(left.value(), right.value())))
                }
                (Val::Num(_), other) | (other, _) => fail(format!("{} number required", other.shown())),
            })
        })
    };
}

fn with_arguments() -> Vec<Entry> {
    vec![
        of_two_numbers!("pow", f64::powf),
        of_two_numbers!("atan2", f64::atan2),
        of_two_numbers!("hypot", f64::hypot),
        ("_error", v(1), |mut cv| match cv.0.pop_var() {
            // An error without a message is none to jq: there is just no result.
            Val::Null => Box::new(std::iter::empty()),
            message => bome(Err(jaq_core::Error::new(message))),
        }),
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
        ("_strindices", v(1), |cv| unary(cv, |value, part| c::str_indices(&value, part))),
        ("_sort_by", v(1), |cv| {
            unary(cv, |value, by| {
                let pairs = c::keyed(&value, by, "sorted")?;
                Ok(pairs.into_iter().map(|(_, value)| value).collect())
            })
        }),
        ("_group_by", v(1), |cv| unary(cv, |value, by| c::group(&value, by))),
        ("_min_by", v(1), |cv| {
            unary(cv, |value, by| {
                let pairs = c::keyed(&value, by, "iterated over")?;
                Ok(pairs.into_iter().next().map(|p| p.1).unwrap_or_default())
            })
        }),
        ("_max_by", v(1), |cv| {
            unary(cv, |value, by| {
                let pairs = c::keyed(&value, by, "iterated over")?;
                Ok(pairs.into_iter().next_back().map(|p| p.1).unwrap_or_default())
            })
        }),
        ("setpath", v(2), |mut cv| {
            let new = cv.0.pop_var();
            bome(match cv.0.pop_var() {
                Val::Arr(path) => access::set_path(cv.1, &path, new),
                _ => fail("Path must be specified as an array"),
            })
        }),
        ("delpaths", v(1), |cv| unary(cv, access::delete_paths)),
        ("format", v(1), |cv| unary(cv, |value, name| formats::format(&value, name))),
        ("_c_format", v(0), |cv| bome(Ok(dates::c_format(&cv.1)))),
        ("strptime", v(1), |cv| unary(cv, |value, format| dates::strptime(&value, format))),
        ("_match", v(3), |mut cv| {
            let test = cv.0.pop_var();
            let flags = cv.0.pop_var();
            let pattern = cv.0.pop_var();
            bome(regex::find(&cv.1, &pattern, &flags, &test))
        }),
    ]
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
