//! Calculating with numbers.

use super::engine::Engine;
use super::value::{Val, fail};
use jaq_core::native::{bome, v};
use jaq_core::{Bind, RunPtr};

type Entry = (&'static str, Box<[Bind]>, RunPtr<Engine>);

macro_rules! of_number {
    ($name:literal, $f:expr) => {
        ($name, v(0), |cv| {
            bome(match &cv.1 {
                Val::Num(n) => {
                    let f: fn(f64) -> f64 = $f;
                    Ok(Val::num(f(n.value())))
                }
                other => fail(format!("{} number required", other.shown())),
            })
        })
    };
}

macro_rules! is_number {
    ($name:literal, $f:expr) => {
        ($name, v(0), |cv| {
            bome(match &cv.1 {
                Val::Num(n) => {
                    let f: fn(f64) -> bool = $f;
                    Ok(f(n.value()).into())
                }
                _ => Ok(false.into()),
            })
        })
    };
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

/// The exponent of a number, as a power of two.
fn logb(n: f64) -> f64 {
    if n == 0.0 {
        return f64::NEG_INFINITY;
    }
    if !n.is_finite() {
        return n.abs();
    }
    // Subnormal numbers do not tell their exponent; times 2 to the 54 they are normal.
    let (n, more) = if n.is_normal() { (n, 0) } else { (n * 54f64.exp2(), 54) };
    let biased = i32::try_from(n.to_bits() >> 52 & 0x7FF).unwrap_or(0);
    f64::from(biased - 1023 - more)
}

/// The filters that work on one number, or two.
pub(super) fn all() -> Vec<Entry> {
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
        of_number!("logb", logb),
        of_number!("significand", |n| if n == 0.0 || !n.is_finite() { n } else { n / logb(n).exp2() }),
        is_number!("isnan", f64::is_nan),
        is_number!("isinfinite", f64::is_infinite),
        is_number!("isnormal", f64::is_normal),
        is_number!("isfinite", |n| !n.is_infinite()),
        ("nan", v(0), |_| bome(Ok(Val::num(f64::NAN)))),
        ("infinite", v(0), |_| bome(Ok(Val::num(f64::INFINITY)))),
        of_two_numbers!("pow", f64::powf),
        of_two_numbers!("atan2", f64::atan2),
        of_two_numbers!("hypot", f64::hypot),
        of_two_numbers!("scalb", |n, exponent| n * exponent.exp2()),
    ]
}
