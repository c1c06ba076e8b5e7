//! jq's operators.

use super::value::{Map, Val, ValR, fail};
use std::ops::{Add, Div, Mul, Neg, Rem, Sub};
use std::rc::Rc;

/// The longest text that repeating another may give, in bytes; jq has no limit but memory.
const LONGEST: usize = 1 << 29;

pub(super) fn own<T: Clone>(shared: Rc<T>) -> T {
    Rc::try_unwrap(shared).unwrap_or_else(|shared| (*shared).clone())
}

fn cannot(l: &Val, r: &Val, what: &str) -> ValR {
    fail(format!("{} and {} cannot be {what}", l.shown(), r.shown()))
}

impl Add for Val {
    type Output = ValR;

    fn add(self, other: Self) -> ValR {
        Ok(match (self, other) {
            (Self::Null, x) | (x, Self::Null) => x,
            (Self::Num(a), Self::Num(b)) => Self::num(a.value() + b.value()),
            (Self::Str(a), Self::Str(b)) => Self::from([&*a, &*b].concat()),
            (Self::Arr(a), Self::Arr(b)) => {
                let mut all = own(a);
                all.extend(b.iter().cloned());
                Self::array(all)
            }
            (Self::Obj(a), Self::Obj(b)) => {
                let mut all = own(a);
                all.extend(b.iter().map(|(k, v)| (k.clone(), v.clone())));
                Self::object(all)
            }
            (l, r) => return cannot(&l, &r, "added"),
        })
    }
}

impl Sub for Val {
    type Output = ValR;

    fn sub(self, other: Self) -> ValR {
        Ok(match (self, other) {
            (Self::Num(a), Self::Num(b)) => Self::num(a.value() - b.value()),
            (Self::Arr(a), Self::Arr(b)) => {
                let mut left = own(a);
                left.retain(|x| !b.contains(x));
                Self::array(left)
            }
            (l, r) => return cannot(&l, &r, "subtracted"),
        })
    }
}

fn merge(left: &mut Map, right: Map) {
    for (key, value) in right {
        match (left.get_mut(&key), value) {
            (Some(Val::Obj(l)), Val::Obj(r)) => merge(Rc::make_mut(l), own(r)),
            (Some(l), r) => *l = r,
            (None, r) => {
                left.insert(key, r);
            }
        }
    }
}

impl Mul for Val {
    type Output = ValR;

    fn mul(self, other: Self) -> ValR {
        Ok(match (self, other) {
            (Self::Num(a), Self::Num(b)) => Self::num(a.value() * b.value()),
            (Self::Str(text), Self::Num(n)) | (Self::Num(n), Self::Str(text)) => {
                // One less, cut to a whole number, is how often jq adds another copy.
                #[allow(clippy::cast_possible_truncation)]
                let more = (n.value() - 1.0) as i32;
                match usize::try_from(more) {
                    Err(_) => Self::Null,
                    Ok(more) if text.len().saturating_mul(more) < LONGEST => Self::from(text.repeat(more + 1)),
                    Ok(_) => return fail("string repeated too often"),
                }
            }
            (Self::Obj(l), Self::Obj(r)) => {
                let mut all = own(l);
                merge(&mut all, own(r));
                Self::object(all)
            }
            (l, r) => return cannot(&l, &r, "multiplied"),
        })
    }
}

/// Splits as jq does: an empty text has no parts, and an empty separator parts characters.
pub(super) fn split(text: &str, by: &str) -> Val {
    if text.is_empty() {
        Val::array(Vec::new())
    } else if by.is_empty() {
        text.chars().map(|c| Val::from(c.to_string())).collect()
    } else {
        text.split(by).map(Val::text).collect()
    }
}

impl Div for Val {
    type Output = ValR;

    fn div(self, other: Self) -> ValR {
        match (self, other) {
            (Self::Num(a), Self::Num(b)) if b.value() != 0.0 => Ok(Self::num(a.value() / b.value())),
            (Self::Str(a), Self::Str(b)) => Ok(split(&a, &b)),
            (l @ Self::Num(_), r @ Self::Num(_)) => cannot(&l, &r, "divided because the divisor is zero"),
            (l, r) => cannot(&l, &r, "divided"),
        }
    }
}

/// What a C cast makes of a number on x86-64: anything out of range is the least integer.
fn whole(n: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&n) {
        #[allow(clippy::cast_possible_truncation)]
        return n as i64;
    }
    i64::MIN
}

impl Rem for Val {
    type Output = ValR;

    fn rem(self, other: Self) -> ValR {
        match (&self, &other) {
            (Self::Num(a), Self::Num(b)) => {
                let (a, b) = (whole(a.value()), whole(b.value()));
                if b == 0 {
                    let what = "divided (remainder) because the divisor is zero";
                    return cannot(&self, &other, what);
                }
                #[allow(clippy::cast_precision_loss)]
                let rest = a.checked_rem(b).unwrap_or(0) as f64;
                Ok(Self::num(rest))
            }
            _ => cannot(&self, &other, "divided"),
        }
    }
}

impl Neg for Val {
    type Output = ValR;

    fn neg(self) -> ValR {
        match &self {
            Self::Num(n) => Ok(Self::num(-n.value())),
            other => fail(format!("{} cannot be negated", other.shown())),
        }
    }
}
