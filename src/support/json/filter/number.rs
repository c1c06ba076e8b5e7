//! Numbers: doubles, as in jq, that remember how a document wrote them.

use std::cmp::Ordering;
use std::rc::Rc;

/// Doubles represent every integer up to here.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A number.
#[derive(Clone, Debug)]
pub struct Num {
    value: f64,
    /// The text it was read from, until it is calculated with.
    literal: Option<Rc<str>>,
}

impl Num {
    /// A number that was calculated.
    pub(super) fn of(value: f64) -> Self {
        Self { value, literal: None }
    }

    /// A number of a document.
    pub(super) fn written(text: &str) -> Self {
        Self { value: text.parse().unwrap_or(f64::NAN), literal: Some(text.into()) }
    }

    /// A number of a program, whose text matters only where a double would round it.
    pub(super) fn in_program(text: &str) -> Self {
        let number = Self::written(text);
        if number.value.abs() > EXACT && number.digits().is_some() { number } else { Self::of(number.value) }
    }

    pub(super) fn value(&self) -> f64 {
        self.value
    }

    /// The number as jq prints it, or as it was written.
    pub(super) fn text(&self) -> String {
        match &self.literal {
            Some(text) => text.to_string(),
            None => format(self.value),
        }
    }

    /// The digits, if it was written as a whole number.
    fn digits(&self) -> Option<&str> {
        let text = self.literal.as_deref()?;
        let digits = text.strip_prefix('-').unwrap_or(text);
        digits.bytes().all(|b| b.is_ascii_digit()).then_some(digits)
    }

    /// jq's order, in which NaN is less than anything; integers too long for a double are
    /// told apart by their digits.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        if self.value.is_nan() {
            return Ordering::Less;
        }
        match self.value.partial_cmp(&other.value) {
            None => Ordering::Greater,
            Some(Ordering::Equal) if self.value.abs() >= EXACT => match (self.digits(), other.digits()) {
                (Some(a), Some(b)) => {
                    let order = a.len().cmp(&b.len()).then_with(|| a.cmp(b));
                    if self.value < 0.0 { order.reverse() } else { order }
                }
                _ => Ordering::Equal,
            },
            Some(order) => order,
        }
    }
}

/// Formats a double as jq 1.6 does: the shortest digits that read back the same, NaN as
/// `null` and infinities as the largest double.
pub(super) fn format(value: f64) -> String {
    if value.is_nan() {
        return "null".into();
    }
    let value = value.clamp(f64::MIN, f64::MAX);
    let sign = if value.is_sign_negative() { "-" } else { "" };
    if value == 0.0 {
        return format!("{sign}0");
    }
    let shortest = format!("{:e}", value.abs());
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let digits = mantissa.replace('.', "");
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let point = exponent + 1;
    if point <= -4 || point > count + 15 {
        let (first, rest) = digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        let way = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{first}{dot}{rest}e{way}{:02}", exponent.abs());
    }
    let zeros = |n: i32| "0".repeat(usize::try_from(n).unwrap_or(0));
    if point <= 0 {
        format!("{sign}0.{}{digits}", zeros(-point))
    } else if point >= count {
        format!("{sign}{digits}{}", zeros(point - count))
    } else {
        let (whole, part) = digits.split_at(usize::try_from(point).unwrap_or(0));
        format!("{sign}{whole}.{part}")
    }
}

#[cfg(test)]
mod tests {
    use super::format;

    #[test]
    fn formats_as_jq_does() {
        for (value, text) in [
            (0.1 + 0.2, "0.30000000000000004"),
            (3.0, "3"),
            (1e17, "1e+17"),
            (1e16, "1e+16"),
            (1e15, "1000000000000000"),
            (123_456_789_012_345_680.0, "123456789012345680"),
            (12_345_678_901_234_567_000.0, "12345678901234567000"),
            (1.0 / 3.0, "0.3333333333333333"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (1.234e-5, "1.234e-05"),
            (-0.0, "-0"),
            (5e-324, "5e-324"),
            (f64::INFINITY, "1.7976931348623157e+308"),
            (f64::NAN, "null"),
            (-1.5, "-1.5"),
            (12_345_678.9, "12345678.9"),
            (1.25e20, "1.25e+20"),
            (1_000_000_000_000_000.5, "1000000000000000.5"),
        ] {
            assert_eq!(format(value), text);
        }
    }
}
