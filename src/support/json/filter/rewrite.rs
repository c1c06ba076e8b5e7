//! Changes to parsed programs, for what jaq evaluates differently from jq.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::load::{Arena, span};
use jaq_core::path::{Opt, Part, Path};

/// The variable that holds the right operand's result.
const OPERAND: &str = "$__right";

/// Names for the results of a text's parts; further parts vary as jaq varies them.
const PARTS: [&str; 8] =
    ["$__part0", "$__part1", "$__part2", "$__part3", "$__part4", "$__part5", "$__part6", "$__part7"];

type T<'s> = Term<&'s str>;

/// Rewrites programs whose text is `code`; `arena` keeps text that they did not hold.
pub(super) struct Rewrite<'s> {
    pub(super) code: &'s str,
    pub(super) arena: &'s Arena,
}

/// Whether a term surely has one result at most, so that no order of results can matter.
fn single(term: &T<'_>) -> bool {
    match term {
        Term::Id | Term::Num(_) | Term::Arr(_) | Term::Var(_) => true,
        Term::Str(_, parts) => parts.iter().all(|part| match part {
            StrPart::Term(term) => single(term),
            StrPart::Str(_) | StrPart::Char(_) => true,
        }),
        Term::Obj(entries) => entries.iter().all(|(key, value)| single(key) && value.as_ref().is_none_or(single)),
        Term::Neg(term) => single(term),
        Term::BinOp(l, op, r) => {
            let plain = matches!(
                op,
                BinaryOp::Pipe(None | Some(Pattern::Var(_)))
                    | BinaryOp::Math(_)
                    | BinaryOp::Cmp(_)
                    | BinaryOp::And
                    | BinaryOp::Or
            );
            plain && single(l) && single(r)
        }
        Term::IfThenElse(cases, other) => {
            let cases_single = cases.iter().all(|(is, then)| single(is) && single(then));
            cases_single && other.as_deref().is_none_or(single)
        }
        Term::Call(name, args) => {
            let known = ["length", "keys", "tostring", "tonumber", "type", "not", "add"];
            args.is_empty() && known.contains(name)
        }
        Term::Path(term, path) => {
            single(term)
                && path.0.iter().all(|(part, _)| match part {
                    Part::Index(i) => single(i),
                    Part::Range(None, None) => false,
                    Part::Range(from, to) => [from, to].into_iter().flatten().all(single),
                })
        }
        _ => false,
    }
}

fn boxed(term: T<'_>) -> Box<T<'_>> {
    Box::new(term)
}

fn bind<'s>(value: T<'s>, name: &'s str, then: T<'s>) -> T<'s> {
    Term::BinOp(boxed(value), BinaryOp::Pipe(Some(Pattern::Var(name))), boxed(then))
}

impl<'s> Rewrite<'s> {
    pub(super) fn term(&self, term: T<'s>) -> T<'s> {
        match term {
            Term::Id | Term::Recurse | Term::Num(_) | Term::Arr(None) | Term::Break(_) => term,
            Term::Var(name) => self.variable(name),
            Term::Str(format, parts) => self.text(format, parts),
            Term::Arr(Some(inner)) => Term::Arr(Some(self.boxed(*inner))),
            Term::Obj(entries) => Term::Obj(
                entries.into_iter().map(|(key, value)| (self.key(key), value.map(|value| self.term(value)))).collect(),
            ),
            Term::Neg(inner) => Term::Neg(self.boxed(*inner)),
            Term::BinOp(l, op, r) => self.operation(*l, op, *r),
            Term::Label(name, inner) => Term::Label(name, self.boxed(*inner)),
            Term::Fold(name, source, pattern, args) => {
                let args = args.into_iter().map(|arg| self.term(arg)).enumerate();
                let args = args.map(
                    |(i, arg)| {
                        if name == "reduce" && i == 1 && !single(&arg) { last_or_null(arg) } else { arg }
                    },
                );
                Term::Fold(name, self.boxed(*source), self.pattern(pattern), args.collect())
            }
            Term::TryCatch(inner, catch) => Term::TryCatch(self.boxed(*inner), catch.map(|catch| self.boxed(*catch))),
            Term::IfThenElse(cases, other) => Term::IfThenElse(
                cases.into_iter().map(|(is, then)| (self.term(is), self.term(then))).collect(),
                other.map(|other| self.boxed(*other)),
            ),
            Term::Def(defs, inner) => {
                let defs =
                    defs.into_iter().map(|def| Def { name: def.name, args: def.args, body: self.term(def.body) });
                Term::Def(defs.collect(), self.boxed(*inner))
            }
            Term::Call(name, args) => Term::Call(name, args.into_iter().map(|arg| self.term(arg)).collect()),
            Term::Path(inner, path) => {
                let parts = path.0.into_iter().map(|(part, opt)| (self.part(part), opt));
                Term::Path(self.boxed(*inner), Path(parts.collect()))
            }
        }
    }

    fn boxed(&self, term: T<'s>) -> Box<T<'s>> {
        Box::new(self.term(term))
    }

    /// A variable as an object's entry stands for its name, too.
    fn key(&self, key: T<'s>) -> T<'s> {
        match key {
            Term::Var(_) => key,
            other => self.term(other),
        }
    }

    fn part(&self, part: Part<T<'s>>) -> Part<T<'s>> {
        match part {
            Part::Index(i) => Part::Index(self.term(i)),
            Part::Range(from, to) => Part::Range(from.map(|t| self.term(t)), to.map(|t| self.term(t))),
        }
    }

    fn pattern(&self, pattern: Pattern<&'s str>) -> Pattern<&'s str> {
        match pattern {
            Pattern::Var(_) => pattern,
            Pattern::Arr(parts) => Pattern::Arr(parts.into_iter().map(|p| self.pattern(p)).collect()),
            Pattern::Obj(entries) => {
                Pattern::Obj(entries.into_iter().map(|(key, p)| (self.key(key), self.pattern(p))).collect())
            }
        }
    }

    /// jq goes through the right operand's results first, and for each of them through the
    /// left one's.
    fn operation(&self, l: T<'s>, op: BinaryOp<&'s str>, r: T<'s>) -> T<'s> {
        let (l, r) = (self.term(l), self.term(r));
        match op {
            BinaryOp::Math(_) | BinaryOp::Cmp(_) if !single(&l) && !single(&r) => {
                let inner = Term::BinOp(boxed(l), op, boxed(Term::Var(OPERAND)));
                bind(r, OPERAND, inner)
            }
            BinaryOp::Pipe(Some(pattern)) => {
                let op = BinaryOp::Pipe(Some(self.pattern(pattern)));
                Term::BinOp(boxed(l), op, boxed(r))
            }
            op => Term::BinOp(boxed(l), op, boxed(r)),
        }
    }

    /// Of the parts of a text, jq varies the first one fastest.
    fn text(&self, format: Option<&'s str>, parts: Vec<StrPart<&'s str, T<'s>>>) -> T<'s> {
        let mut bound = Vec::new();
        let mut out: Vec<StrPart<_, _>> = Vec::new();
        for part in parts {
            out.push(match part {
                StrPart::Term(term) => {
                    let term = self.term(term);
                    match PARTS.get(bound.len()) {
                        Some(name) if !single(&term) => {
                            bound.push((*name, term));
                            StrPart::Term(Term::Var(*name))
                        }
                        _ => StrPart::Term(term),
                    }
                }
                other => other,
            });
        }
        // The innermost binding varies fastest.
        let text = Term::Str(format, out);
        bound.into_iter().fold(text, |text, (name, term)| bind(term, name, text))
    }

    fn variable(&self, name: &'s str) -> T<'s> {
        if name != "$__loc__" {
            return Term::Var(name);
        }
        let before = self.code.get(..span(self.code, name).start).unwrap_or("");
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        let text = |text| Term::Str(None, vec![StrPart::Str(text)]);
        let line: &'s str = self.arena.alloc(line.to_string());
        Term::Obj(vec![(text("file"), Some(text("<top-level>"))), (text("line"), Some(Term::Num(line)))])
    }
}

/// jq's `reduce` goes on with the last result, and with `null` when there was none.
fn last_or_null(update: T<'_>) -> T<'_> {
    let last = Term::Neg(boxed(Term::Num("1")));
    let path = Path(vec![(Part::Index(last), Opt::Essential)]);
    Term::Path(boxed(Term::Arr(Some(boxed(update)))), path)
}
