//! Native filters that are given filters as arguments.

use super::engine::Engine;
use super::ops::own;
use super::regex::{self, Edits};
use super::value::{Map, Val, ValR, fail};
use super::{access, collections as c, stream};
use jaq_core::box_iter::{BoxIter, box_once};
use jaq_core::compile::TermId;
use jaq_core::native::{Fun, bome, run};
use jaq_core::{Bind, Ctx, Error, Exn, Native, RunPtr, ValT, ValX, ValXs};

type Entry = (&'static str, Box<[Bind]>, RunPtr<Engine>);

/// A filter that was given as an argument.
pub(super) struct Given<'a> {
    id: TermId,
    ctx: Ctx<'a, Engine>,
}

impl<'a> Given<'a> {
    /// The last argument that was not taken yet.
    fn take(ctx: &mut Ctx<'a, Engine>) -> Self {
        let (id, ctx) = ctx.pop_fun();
        Self { id, ctx }
    }

    pub(super) fn run(&self, input: Val) -> ValXs<'a, Val> {
        self.id.run((self.ctx.clone(), input))
    }
}

/// The kinds of arguments, by letter: `f`ilter or `v`alue.
fn args(kinds: &str) -> Box<[Bind]> {
    kinds.chars().map(|kind| if kind == 'f' { Bind::Fun(()) } else { Bind::Var(()) }).collect()
}

/// What `.[]` gives.
fn items<'a>(value: Val) -> ValXs<'a, Val> {
    Box::new(value.values().map(|item| item.map_err(Exn::from)))
}

fn last(results: ValXs<'_, Val>) -> ValX<'_, Option<Val>, Val> {
    let mut last = None;
    for result in results {
        last = Some(result?);
    }
    Ok(last)
}

/// Looks for an item of which `holds` says `sought`.
fn look<'a>(items: ValXs<'a, Val>, holds: impl Fn(Val) -> ValXs<'a, Val>, sought: bool) -> ValX<'a, Val> {
    for item in items {
        for result in holds(item?) {
            if result?.as_bool() == sought {
                return Ok(sought.into());
            }
        }
    }
    Ok((!sought).into())
}

macro_rules! quantifier {
    ($name:literal, $sought:literal) => {{
        let all: [Entry; 3] = [
            ($name, args(""), |cv| box_once(look(items(cv.1), |item| box_once(Ok(item)), $sought))),
            ($name, args("f"), |mut cv| {
                let holds = Given::take(&mut cv.0);
                box_once(look(items(cv.1), |item| holds.run(item), $sought))
            }),
            ($name, args("ff"), |mut cv| {
                let holds = Given::take(&mut cv.0);
                let source = Given::take(&mut cv.0);
                box_once(look(source.run(cv.1), |item| holds.run(item), $sought))
            }),
        ];
        all
    }};
}

/// All that `by` gives for each item.
fn keys<'a>(value: &Val, by: &Given<'a>) -> ValX<'a, Val> {
    items(value.clone()).map(|item| by.run(item?).collect()).collect()
}

macro_rules! by_keys {
    ($name:literal, $f:expr) => {
        ($name, args("f"), |mut cv| {
            let by = Given::take(&mut cv.0);
            let f: fn(&Val, &Val) -> ValR = $f;
            box_once(keys(&cv.1, &by).and_then(|keys| Ok(f(&cv.1, &keys)?)))
        })
    };
}

fn with_entries<'a>(value: &Val, f: &Given<'a>) -> ValX<'a, Val> {
    let entries = items(c::to_entries(value)?).flat_map(|entry| match entry {
        Ok(entry) => f.run(entry),
        Err(e) => box_once(Err(e)),
    });
    Ok(c::from_entries(&entries.collect::<ValX<Val>>()?)?)
}

/// From the leaves up. What gives nothing for an entry loses the object's entries so far, to
/// the point of leaving `null`: jq 1.6 collects them by `reduce`, which starts over then.
fn walk<'a>(value: Val, f: &Given<'a>) -> ValXs<'a, Val> {
    let inside = || match value {
        Val::Arr(values) => {
            let mut out = Vec::with_capacity(values.len());
            for value in own(values) {
                for result in walk(value, f) {
                    out.push(result?);
                }
            }
            Ok(Val::array(out))
        }
        Val::Obj(map) => {
            let mut out = Some(Map::with_capacity(map.len()));
            for (key, value) in own(map) {
                out = last(walk(value, f))?.map(|value| {
                    let mut map = out.take().unwrap_or_default();
                    map.insert(key, value);
                    map
                });
            }
            Ok(out.map_or(Val::Null, Val::object))
        }
        other => Ok(other),
    };
    match inside() {
        Ok(value) => f.run(value),
        Err(e) => box_once(Err(e)),
    }
}

fn index_rows<'a>(rows: ValXs<'a, Val>, by: &Given<'a>) -> ValX<'a, Val> {
    let mut map = Map::new();
    for row in rows {
        let row = row?;
        for key in by.run(row.clone()) {
            let key = match key? {
                Val::Str(key) => key,
                other => other.json().into(),
            };
            map.insert(key, row.clone());
        }
    }
    Ok(Val::object(map))
}

fn delete<'a>(value: Val, what: &Given<'a>) -> ValX<'a, Val> {
    // The path so far, which is none, is of a type without a public name.
    #[allow(clippy::default_trait_access)]
    let found = what.id.paths((what.ctx.clone(), (value.clone(), Default::default())));
    let paths = found.map(|found| {
        let mut path: Vec<Val> = found?.1.iter().cloned().collect();
        path.reverse();
        Ok(Val::array(path))
    });
    let paths = paths.collect::<ValX<Val>>()?;
    Ok(access::delete_paths(value, &paths)?)
}

/// How many results `limit` lets through: the first one always, and all if it is negative.
fn most(n: &Val) -> Result<usize, Error<Val>> {
    if *n < Val::count(0) {
        return Ok(usize::MAX);
    }
    match (n.clone() - Val::count(1))? {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Val::Num(more) => Ok((more.value().ceil() as usize).saturating_add(1)),
        _ => Ok(0),
    }
}

/// The last one of that many results and one more, or of all when there are fewer.
fn nth<'a>(n: &Val, results: ValXs<'a, Val>) -> ValX<'a, Val> {
    if *n < Val::count(0) {
        return Ok(fail("nth doesn't support negative indices")?);
    }
    let most = most(&(n.clone() + Val::count(1))?)?;
    Ok(last(Box::new(results.take(most)))?.unwrap_or_default())
}

/// Puts in what `f` makes of each match; when that is several texts, the first match varies
/// fastest.
fn substitute<'a>(edits: Result<Edits, Error<Val>>, f: &Given<'a>) -> ValXs<'a, Val> {
    let texts = edits.map_err(Exn::from).and_then(|edits| {
        let texts = edits.each.into_iter().map(|(before, groups)| {
            let texts = f.run(groups).map(|new| Ok((before.clone() + new?)?));
            texts.collect::<Result<Vec<Val>, Exn<Val>>>()
        });
        Ok((texts.collect::<Result<Vec<_>, _>>()?, edits.rest))
    });
    let (texts, rest) = match texts {
        Ok(found) => found,
        Err(e) => return box_once(Err(e)),
    };
    let ways = c::ways(texts.iter().map(Vec::len).collect());
    Box::new(ways.map(move |way| {
        let mut out = String::new();
        for (texts, which) in texts.iter().zip(way) {
            if let Val::Str(text) = &texts[which] {
                out.push_str(text);
            }
        }
        out.push_str(&rest);
        Ok(Val::from(out))
    }))
}

macro_rules! limited {
    ($run:ident) => {
        |mut cv| {
            let f = Given::take(&mut cv.0);
            match most(&cv.0.pop_var()) {
                Ok(most) => Box::new(f.id.$run((f.ctx, cv.1)).take(most)),
                Err(e) => box_once(Err(Exn::from(e))),
            }
        }
    };
}

/// An error; one without a message is none to jq: there is just no result.
fn raise<'a, T: 'a>(message: Val) -> BoxIter<'a, ValX<'a, T, Val>> {
    match message {
        Val::Null => Box::new(std::iter::empty()),
        message => box_once(Err(Exn::from(Error::new(message)))),
    }
}

/// Those that paths can go through.
fn on_paths() -> [Fun<Engine>; 4] {
    let empty = Native::new(|_| Box::new(std::iter::empty()));
    let error = Native::new(|cv| raise(cv.1));
    let error_of = Native::new(|mut cv| raise(cv.0.pop_var()));
    [
        ("empty", args(""), empty.with_paths(|_| Box::new(std::iter::empty())).with_update(|cv, _| box_once(Ok(cv.1)))),
        ("error", args(""), error.with_paths(|cv| raise(cv.1.0)).with_update(|cv, _| raise(cv.1))),
        (
            "error",
            args("v"),
            error_of.with_paths(|mut cv| raise(cv.0.pop_var())).with_update(|mut cv, _| raise(cv.0.pop_var())),
        ),
        ("limit", args("vf"), Native::new(limited!(run)).with_paths(limited!(paths))),
    ]
}

/// All native filters that are given filters.
pub(super) fn all() -> impl Iterator<Item = Fun<Engine>> {
    let quantifiers = quantifier!("any", true).into_iter().chain(quantifier!("all", false));
    let entries = quantifiers.chain(on_items()).chain(on_results());
    entries.map(run::<Engine>).chain(on_paths())
}

fn on_items() -> Vec<Entry> {
    vec![
        by_keys!("sort_by", c::sort_by),
        by_keys!("group_by", c::group_by),
        by_keys!("unique_by", c::unique_by),
        by_keys!("min_by", c::min_by),
        by_keys!("max_by", c::max_by),
        ("with_entries", args("f"), |mut cv| {
            let f = Given::take(&mut cv.0);
            box_once(with_entries(&cv.1, &f))
        }),
        ("walk", args("f"), |mut cv| walk(cv.1, &Given::take(&mut cv.0))),
        ("del", args("f"), |mut cv| {
            let what = Given::take(&mut cv.0);
            box_once(delete(cv.1, &what))
        }),
        ("paths", args("f"), |mut cv| {
            let holds = Given::take(&mut cv.0);
            Box::new(stream::below(cv.1).flat_map(move |(path, value)| {
                let path = Val::array(path);
                holds.run(value).filter_map(move |result| match result {
                    Ok(result) => result.as_bool().then(|| Ok(path.clone())),
                    Err(e) => Some(Err(e)),
                })
            }))
        }),
        ("INDEX", args("f"), |mut cv| {
            let by = Given::take(&mut cv.0);
            box_once(index_rows(items(cv.1), &by))
        }),
        ("INDEX", args("ff"), |mut cv| {
            let by = Given::take(&mut cv.0);
            let rows = Given::take(&mut cv.0);
            box_once(index_rows(rows.run(cv.1), &by))
        }),
    ]
}

fn on_results() -> Vec<Entry> {
    vec![
        ("isempty", args("f"), |mut cv| {
            let first = Given::take(&mut cv.0).run(cv.1).next();
            box_once(first.map_or(Ok(true.into()), |first| first.map(|_| false.into())))
        }),
        ("last", args("f"), |mut cv| box_once(last(Given::take(&mut cv.0).run(cv.1)).map(Option::unwrap_or_default))),
        ("nth", args("vf"), |mut cv| {
            let f = Given::take(&mut cv.0);
            let n = cv.0.pop_var();
            box_once(nth(&n, f.run(cv.1)))
        }),
        ("in", args("f"), |mut cv| {
            let wholes = Given::take(&mut cv.0).run(cv.1.clone());
            Box::new(wholes.map(move |whole| Ok(access::has(&whole?, &cv.1)?)))
        }),
        ("inside", args("f"), |mut cv| {
            let wholes = Given::take(&mut cv.0).run(cv.1.clone());
            Box::new(wholes.map(move |whole| Ok(c::contains(&whole?, &cv.1)?)))
        }),
        ("IN", args("f"), |mut cv| {
            let found = Given::take(&mut cv.0).run(cv.1.clone());
            box_once(look(found, |found| box_once(Ok((found == cv.1).into())), true))
        }),
        ("IN", args("ff"), |mut cv| {
            let (among, sought) = (Given::take(&mut cv.0), Given::take(&mut cv.0));
            let same = |one: Val| -> ValXs<'_, Val> {
                Box::new(sought.run(cv.1.clone()).map(move |sought| Ok((sought? == one).into())))
            };
            box_once(look(among.run(cv.1.clone()), same, true))
        }),
        ("truncate_stream", args("f"), |mut cv| {
            let events = Given::take(&mut cv.0).run(Val::Null);
            Box::new(events.filter_map(move |event| match event {
                Ok(event) => stream::truncate(&cv.1, event).map_err(Exn::from).transpose(),
                Err(e) => Some(Err(e)),
            }))
        }),
        ("fromstream", args("f"), |mut cv| {
            let mut built = None;
            let events = Given::take(&mut cv.0).run(cv.1);
            Box::new(events.filter_map(move |event| match event {
                Ok(event) => stream::build(&mut built, &event).map_err(Exn::from).transpose(),
                Err(e) => Some(Err(e)),
            }))
        }),
        ("_moment", args("vf"), |mut cv| {
            let broken_down = Given::take(&mut cv.0);
            let name = cv.0.pop_var();
            match (cv.1, name) {
                (time @ Val::Num(_), _) => broken_down.run(time),
                (Val::Str(_) | Val::Obj(_) | Val::Null | Val::Bool(_), Val::Str(name)) => {
                    bome(fail(format!("{name} requires parsed datetime inputs")))
                }
                (time, _) => bome(Ok(time)),
            }
        }),
        ("sub", args("vf"), |mut cv| {
            let f = Given::take(&mut cv.0);
            let edits = regex::pattern(&cv.0.pop_var()).and_then(|(what, flags)| regex::edits(&cv.1, &what, &flags));
            substitute(edits, &f)
        }),
        ("sub", args("vfv"), |mut cv| substitute_with(&cv.1.clone(), &mut cv.0, Ok)),
        ("gsub", args("vf"), |mut cv| {
            let f = Given::take(&mut cv.0);
            let what = cv.0.pop_var();
            substitute(regex::edits(&cv.1, &what, &Val::text("g")), &f)
        }),
        ("gsub", args("vfv"), |mut cv| substitute_with(&cv.1.clone(), &mut cv.0, |flags| flags + Val::text("g"))),
    ]
}

/// The form with flags.
fn substitute_with<'a>(value: &Val, ctx: &mut Ctx<'a, Engine>, flags: fn(Val) -> ValR) -> ValXs<'a, Val> {
    let given = ctx.pop_var();
    let f = Given::take(ctx);
    let what = ctx.pop_var();
    substitute(flags(given).and_then(|flags| regex::edits(value, &what, &flags)), &f)
}
