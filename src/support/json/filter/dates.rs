//! Dates: jq's broken-down times, and the parts of `strptime` that scripts use.

use super::number::Num;
use super::value::{Val, ValR, fail};

/// Days from 1970-01-01 to a day of the Gregorian calendar; the month counts from 0.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    // Years that start in March put the leap day at the end.
    let (year, month) = (year + month.div_euclid(12), month.rem_euclid(12));
    let year = if month < 2 { year - 1 } else { year };
    let month = (month + 10) % 12;
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The year, month (from 0) and day that are so many days after 1970-01-01.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = (month + 2) % 12;
    let year = year + era * 400 + i64::from(month < 2);
    (year, month, day)
}

/// A time as jq breaks it down; years are whole, months count from 0.
#[derive(Clone, Copy, Default)]
struct Broken {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

impl Broken {
    fn seconds(self) -> i64 {
        let days = days_from_civil(self.year, self.month, self.day);
        days * 86_400 + self.hour * 3600 + self.minute * 60 + self.second
    }

    fn value(self, fraction: f64) -> Val {
        #[allow(clippy::cast_precision_loss)]
        let num = |n: i64| Val::num(n as f64);
        let days = days_from_civil(self.year, self.month, self.day);
        #[allow(clippy::cast_precision_loss)]
        let second = self.second as f64 + fraction;
        Val::array(vec![
            num(self.year),
            num(self.month),
            num(self.day),
            num(self.hour),
            num(self.minute),
            Val::num(second),
            num((days + 4).rem_euclid(7)),
            num(days - days_from_civil(self.year, 0, 1)),
        ])
    }
}

/// `gmtime`.
pub(super) fn gmtime(value: &Val) -> ValR {
    let Val::Num(n) = value else {
        return fail("gmtime() requires numeric inputs");
    };
    let whole = n.value().floor();
    if !(-1e15..1e15).contains(&whole) {
        return fail("error converting number of seconds since epoch to datetime");
    }
    #[allow(clippy::cast_possible_truncation)]
    let seconds = whole as i64;
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil_from_days(days);
    let time = Broken { year, month, day, hour: rest / 3600, minute: rest / 60 % 60, second: rest % 60 };
    Ok(time.value(n.value() - whole))
}

fn parts(value: &Val) -> Option<[i64; 6]> {
    let Val::Arr(parts) = value else { return None };
    let mut out = [0; 6];
    for (out, part) in out.iter_mut().zip(parts.iter()) {
        let Val::Num(n) = part else { return None };
        if n.value().abs() >= 1e12 {
            return None;
        }
        #[allow(clippy::cast_possible_truncation)]
        let whole = n.value().floor() as i64;
        *out = whole;
    }
    (parts.len() >= 6).then_some(out)
}

/// `mktime`.
pub(super) fn mktime(value: &Val) -> ValR {
    if !matches!(value, Val::Arr(_)) {
        return fail("mktime requires array inputs");
    }
    let Some([year, month, day, hour, minute, second]) = parts(value) else {
        return fail("mktime requires parsed datetime inputs");
    };
    let time = Broken { year, month, day, hour, minute, second };
    #[allow(clippy::cast_precision_loss)]
    Ok(Val::Num(Num::of(time.seconds() as f64)))
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/// A `strftime` format with the conversions that depend on the locale put as in the C one.
pub(super) fn c_format(format: &Val) -> ValR {
    let Val::Str(format) = format else {
        return fail("strftime/1 requires a string format");
    };
    let mut out = String::with_capacity(format.len());
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('c') => out.push_str("%a %b %e %H:%M:%S %Y"),
            Some('x') => out.push_str("%m/%d/%y"),
            Some('X') => out.push_str("%H:%M:%S"),
            Some('r') => out.push_str("%I:%M:%S %p"),
            other => {
                out.push('%');
                out.extend(other);
            }
        }
    }
    Ok(Val::from(out))
}

/// `fromdateiso8601`
pub(super) fn from_iso(value: &Val) -> ValR {
    mktime(&strptime(value, &Val::text("%Y-%m-%dT%H:%M:%SZ"))?)
}

/// `strptime`: what the C library's does for the conversions that name parts of dates.
pub(super) fn strptime(value: &Val, format: &Val) -> ValR {
    let (Val::Str(text), Val::Str(format)) = (value, format) else {
        return fail("strptime/1 requires string inputs and arguments");
    };
    let mut scan =
        Scan { rest: text, time: Broken { year: 1900, day: 1, ..Broken::default() }, year_day: None, afternoon: None };
    if scan.all(format).is_none() || !scan.rest.is_empty() {
        return fail(format!("date \"{text}\" does not match format \"{format}\""));
    }
    let mut time = scan.time;
    if let Some(day) = scan.year_day {
        let days = days_from_civil(time.year, 0, 1) + day - 1;
        (_, time.month, time.day) = civil_from_days(days);
    }
    if let Some(afternoon) = scan.afternoon {
        time.hour = time.hour % 12 + if afternoon { 12 } else { 0 };
    }
    Ok(time.value(0.0))
}

struct Scan<'a> {
    rest: &'a str,
    time: Broken,
    year_day: Option<i64>,
    afternoon: Option<bool>,
}

impl Scan<'_> {
    fn all(&mut self, format: &str) -> Option<()> {
        let mut format = format.chars();
        while let Some(c) = format.next() {
            if c.is_whitespace() {
                self.rest = self.rest.trim_start();
            } else if c != '%' {
                self.rest = self.rest.strip_prefix(c)?;
            } else {
                self.conversion(format.next()?)?;
            }
        }
        Some(())
    }

    fn conversion(&mut self, c: char) -> Option<()> {
        match c {
            'Y' => self.time.year = self.number(4, 0, 9999)?,
            'm' => self.time.month = self.number(2, 1, 12)? - 1,
            'd' | 'e' => self.time.day = self.number(2, 1, 31)?,
            'H' | 'k' => self.time.hour = self.number(2, 0, 23)?,
            'I' | 'l' => self.time.hour = self.number(2, 1, 12)?,
            'M' => self.time.minute = self.number(2, 0, 59)?,
            'S' => self.time.second = self.number(2, 0, 61)?,
            'j' => self.year_day = Some(self.number(3, 1, 366)?),
            'y' => {
                let year = self.number(2, 0, 99)?;
                self.time.year = year + if year < 69 { 2000 } else { 1900 };
            }
            'b' | 'B' | 'h' => self.time.month = self.name(&MONTHS)?,
            'a' | 'A' => {
                self.name(&DAYS)?;
            }
            'p' => self.afternoon = Some(self.name(&["am", "pm"])? == 1),
            'T' => self.all("%H:%M:%S")?,
            'R' => self.all("%H:%M")?,
            'D' => self.all("%m/%d/%y")?,
            'F' => self.all("%Y-%m-%d")?,
            'c' => self.all("%a %b %e %H:%M:%S %Y")?,
            'n' | 't' => self.rest = self.rest.trim_start(),
            '%' => self.rest = self.rest.strip_prefix('%')?,
            'Z' => {
                self.rest = self.rest.trim_start_matches(|c: char| c.is_ascii_alphabetic());
            }
            // The offset is read and, as in jq, left out of account.
            'z' => {
                self.rest = self.rest.trim_start();
                if let Some(rest) = self.rest.strip_prefix('Z') {
                    self.rest = rest;
                    return Some(());
                }
                self.rest = self.rest.strip_prefix(['+', '-'])?;
                self.number(2, 0, 99)?;
                self.rest = self.rest.strip_prefix(':').unwrap_or(self.rest);
                self.number(2, 0, 59)?;
            }
            _ => return None,
        }
        Some(())
    }

    fn number(&mut self, longest: usize, least: i64, most: i64) -> Option<i64> {
        self.rest = self.rest.trim_start();
        let digits = self.rest.bytes().take(longest);
        let len = digits.take_while(u8::is_ascii_digit).count();
        let number = self.rest[..len].parse().ok()?;
        self.rest = &self.rest[len..];
        (least..=most).contains(&number).then_some(number)
    }

    fn name(&mut self, names: &[&str]) -> Option<i64> {
        let starts = |name: &str| {
            let start = self.rest.get(..name.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(name))
        };
        for (i, name) in names.iter().enumerate() {
            let short = &name[..name.len().min(3)];
            let found = if starts(name) {
                name.len()
            } else if starts(short) {
                short.len()
            } else {
                continue;
            };
            self.rest = &self.rest[found..];
            return i64::try_from(i).ok();
        }
        None
    }
}
