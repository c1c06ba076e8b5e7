//! Compiling and running programs.

use super::funs;
use super::rewrite::Rewrite;
use super::value::{Map, Val};
use crate::support::json::Error;
use jaq_core::data::{DataT, HasLut};
use jaq_core::load::lex::Lexer;
use jaq_core::load::parse::{Def, Parser, Term};
use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Filter, Lut, Vars};
use std::cell::{Cell, RefCell};
use std::collections::{HashSet, VecDeque};

/// What jaq needs to know about the values and what filters can reach.
pub(super) struct Engine;

impl DataT for Engine {
    type V<'a> = Val;
    type Data<'a> = &'a World<'a>;
}

impl<'a> HasLut<'a, Engine> for &'a World<'a> {
    fn lut(&self) -> &'a Lut<Engine> {
        self.lut
    }
}

/// What filters can reach besides their input.
pub(super) struct World<'a> {
    lut: &'a Lut<Engine>,
    /// Documents to come, with how many lines have been read after each.
    inputs: RefCell<VecDeque<(Val, usize)>>,
    line: Cell<usize>,
}

impl World<'_> {
    /// Takes the next document.
    pub(super) fn next_input(&self) -> Option<Val> {
        let (value, line) = self.inputs.borrow_mut().pop_front()?;
        self.line.set(line);
        Some(value)
    }

    /// How many lines have been read.
    pub(super) fn line(&self) -> Val {
        Val::count(self.line.get())
    }
}

/// The longest program, in bytes, and the deepest nesting in one; jaq's parser uses the
/// stack for both.
const LONGEST: usize = 16 * 1024;
const DEEPEST: usize = 200;

fn check_shape(program: &str) -> Result<(), Error> {
    let mut depth = 0usize;
    for b in program.bytes() {
        match b {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return Err(Error::Filter("the filter is nested too deeply".into()));
        }
    }
    if program.len() > LONGEST {
        return Err(Error::Filter("the filter is too long".into()));
    }
    Ok(())
}

/// Puts characters in place of surrogate pairs, which jaq's lexer does not read.
fn join_surrogates(program: &str) -> String {
    let unit = |text: &str| -> Option<u32> {
        let digits = text.strip_prefix("\\u")?.get(..4)?;
        let all_hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
        all_hex.then(|| u32::from_str_radix(digits, 16).ok())?
    };
    let mut out = String::with_capacity(program.len());
    let mut rest = program;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let lead = unit(rest).filter(|unit| (0xD800..0xDC00).contains(unit));
        let trail = rest.get(6..).and_then(unit).filter(|unit| (0xDC00..0xE000).contains(unit));
        let pair = lead
            .zip(trail)
            .and_then(|(lead, trail)| char::from_u32(0x1_0000 + ((lead - 0xD800) << 10) + (trail - 0xDC00)));
        let taken = if let Some(c) = pair {
            out.push(c);
            12
        } else if unit(rest).is_some_and(|unit| (0xD800..0xE000).contains(&unit)) {
            out.push(char::REPLACEMENT_CHARACTER);
            6
        } else {
            // An escape of two characters, the second of which may be a backslash.
            let len = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
            out.push_str(&rest[..len]);
            len
        };
        rest = &rest[taken..];
    }
    out.push_str(rest);
    out
}

fn parse<'s>(program: &'s str, arena: &'s Arena) -> Result<Term<&'s str>, Error> {
    let near = |text: &str| match text.chars().take(20).collect::<String>() {
        text if text.is_empty() => "the end".to_owned(),
        text => format!("'{text}'"),
    };
    let tokens = Lexer::new(program).lex().map_err(|errors| {
        let error =
            errors.first().map(|(expected, found)| format!("expected {} at {}", expected.as_str(), near(found)));
        Error::Filter(format!("bad filter: {}", error.unwrap_or_default()))
    })?;
    let term = Parser::new(&tokens).parse(Parser::term).map_err(|errors| {
        let error = errors.first().map(|(expected, found)| {
            let found = jaq_core::load::lex::Token::opt_as_str(*found, program);
            format!("expected {} at {}", expected.as_str(), near(found))
        });
        Error::Filter(format!("bad filter: {}", error.unwrap_or_default()))
    })?;
    let rewrite = Rewrite { code: program, arena };
    Ok(rewrite.term(term))
}

/// The name under which the program becomes one more definition of the library, so that it
/// can be rewritten after it was parsed.
const MAIN: &str = "__main__";

/// The names that a piece of a program may refer to, and some more.
fn words(text: &str) -> impl Iterator<Item = &str> {
    // A format's name starts with its `@`, whatever stands before that.
    let starts = |word: &str| word.rfind('@').unwrap_or(0);
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '@'))
        .flat_map(move |word| [&word[..starts(word)], &word[starts(word)..]])
        .filter(|word| !word.is_empty())
}

type Borrowed = &'static [(&'static str, &'static [&'static str])];

/// Names that jaq's libraries define as jq does, and what has to come along. To parse one of
/// these libraries takes its time: that is done only for a program that has such a name.
const FROM_CORE: Borrowed =
    &[("recurse", &["recurse", "select"]), ("repeat", &["repeat"]), ("until", &["until"]), ("while", &["while"])];
const FROM_STD: Borrowed = &[
    ("arrays", &["arrays", "isarray", "select"]),
    ("booleans", &["booleans", "isboolean", "select"]),
    ("finites", &["finites", "select"]),
    ("iterables", &["iterables", "select"]),
    ("normals", &["normals", "select"]),
    ("nulls", &["nulls", "select"]),
    ("numbers", &["isnumber", "numbers", "select"]),
    ("objects", &["isobject", "objects", "select"]),
    ("scalars", &["scalars", "select"]),
    ("strings", &["isstring", "select", "strings"]),
    ("values", &["select", "values"]),
    ("drem", &["drem"]),
    ("nexttoward", &["nexttoward"]),
    ("pow10", &["pow10"]),
];

/// The definitions that a program needs, directly or not: to compile all there are would
/// take most of the time that a typical filter takes.
fn library(program: &str) -> Result<Vec<Def<&str>>, Error> {
    let unreadable = || Error::Filter("the filter library cannot be read".into());
    let mut known: HashSet<&str> = words(program).collect();
    let wanted = |borrowed: Borrowed, known: &HashSet<&str>| -> HashSet<&str> {
        let wanted = borrowed.iter().filter(|(name, _)| known.contains(name));
        wanted.flat_map(|(_, names)| names.iter().copied()).collect()
    };
    let (core, std) = (wanted(FROM_CORE, &known), wanted(FROM_STD, &known));
    known.extend(core.union(&std));
    // Ours come first, as jaq's need some of them, and none of ours needs one of those. Each
    // is a line, after those that it needs.
    let mut needed: Vec<&'static str> = Vec::new();
    for line in include_str!("jq16.jq").lines().rev() {
        if let Some(def) = line.strip_prefix("def ")
            && words(def).next().is_some_and(|name| known.contains(name))
        {
            known.extend(words(def));
            needed.push(line);
        }
    }
    let mut defs = Vec::new();
    for line in needed.into_iter().rev() {
        defs.extend(jaq_core::load::parse(line, |parser| parser.defs()).ok_or_else(unreadable)?);
    }
    if !core.is_empty() {
        defs.extend(jaq_core::defs().filter(|def| core.contains(def.name)));
    }
    if !std.is_empty() {
        defs.extend(jaq_std::defs().filter(|def| std.contains(def.name)));
    }
    Ok(defs)
}

fn compile(program: &str) -> Result<Filter<Engine>, Error> {
    check_shape(program)?;
    let program = join_surrogates(program);
    let arena = Arena::default();
    let mut defs = library(&program)?;
    defs.push(Def { name: MAIN, args: Vec::new(), body: parse(&program, &arena)? });
    let main = File { code: MAIN, path: () };
    let modules =
        Loader::new(defs).load(&arena, main).map_err(|_| Error::Filter("the filter cannot be read".into()))?;
    Compiler::default().with_funs(funs::all()).with_global_vars(GLOBALS).compile(modules).map_err(|errors| {
        let first = errors.iter().flat_map(|(_, errors)| errors).next();
        let what = first.map_or_else(String::new, |(name, undefined)| match undefined {
            jaq_core::compile::Undefined::Filter(arity) => {
                format!("{name}/{arity} is not defined")
            }
            other => format!("{} {name} is not defined", other.as_str()),
        });
        Error::Filter(format!("bad filter: {what}"))
    })
}

const GLOBALS: [&str; 2] = ["$ENV", "$ARGS"];

fn globals() -> [Val; 2] {
    let mut args = Map::new();
    args.insert("positional".into(), Val::array(Vec::new()));
    args.insert("named".into(), Val::object(Map::new()));
    [funs::environment(), Val::object(args)]
}

/// Runs a program on each document in turn, telling `each` of the results.
pub(super) fn run(
    program: &str,
    documents: VecDeque<(Val, usize)>,
    mut each: impl FnMut(&Val) -> Result<(), Error>,
) -> Result<(), Error> {
    let filter = compile(program)?;
    let world = World { lut: &filter.lut, inputs: RefCell::new(documents), line: Cell::new(0) };
    let globals = Vars::new(globals());
    while let Some(document) = world.next_input() {
        let context = Ctx::<Engine>::new(&world, globals.clone());
        for result in filter.id.run((context, document)) {
            match result {
                Ok(value) => each(&value)?,
                Err(exception) => match exception.get_err() {
                    Ok(error) => return Err(Error::Filter(message(error))),
                    // Nothing but `halt` remains: no more results are wanted.
                    Err(_) => return Ok(()),
                },
            }
        }
    }
    Ok(())
}

fn message(error: jaq_core::Error<Val>) -> String {
    match error.into_val() {
        Val::Str(text) => text.to_string(),
        other => format!("(not a string): {other}"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{FROM_CORE, FROM_STD, compile, library, words};

    #[test]
    fn every_definition_comes_with_what_it_needs() {
        let all = include_str!("jq16.jq").lines();
        let names = all.filter_map(|line| words(line.strip_prefix("def ")?).next());
        let borrowed = FROM_CORE.iter().chain(FROM_STD).map(|(name, _)| *name);
        let names: Vec<_> = names.chain(borrowed).collect();
        assert!(names.len() > 30);
        for name in names {
            compile(&format!(". # {name}")).unwrap();
            assert!(library(name).unwrap().iter().any(|def| def.name == name), "{name}");
        }
    }

    #[test]
    fn plain_filters_need_no_library() {
        assert!(library(".a[] + 1 | if . then@csv else length end").unwrap().is_empty());
        assert_eq!(library("map(.a)").unwrap().len(), 1);
    }
}
