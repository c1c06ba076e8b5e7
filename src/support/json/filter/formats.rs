//! Text formats (`@csv` and so on), and conversions from text.

use super::number::Num;
use super::value::{Val, ValR, fail};
use crate::support::json::input::Input;
use std::fmt::Write;

/// `format($name)`.
pub(super) fn format(value: &Val, name: &Val) -> ValR {
    let Val::Str(name) = name else {
        return fail(format!("{} is not a valid format", name.shown()));
    };
    let text = || match value {
        Val::Str(text) => text.to_string(),
        other => other.json(),
    };
    Ok(Val::from(match &**name {
        "text" => text(),
        "json" => value.json(),
        "csv" => row(value, "csv", ",", |text| format!("\"{}\"", text.replace('"', "\"\"")))?,
        "tsv" => row(value, "tsv", "\t", |text| {
            text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
        })?,
        "html" => html(&text()),
        "uri" => uri(&text()),
        "sh" => shell(value)?,
        "base64" => base64(text().as_bytes()),
        "base64d" => return from_base64(&text()),
        other => return fail(format!("{other} is not a valid format")),
    }))
}

fn row(value: &Val, name: &str, separator: &str, quote: fn(&str) -> String) -> Result<String, jaq_core::Error<Val>> {
    let Val::Arr(fields) = value else {
        return fail(format!("{} cannot be {name}-formatted, only array", value.shown()));
    };
    let field = |field: &Val| match field {
        Val::Null => Ok(String::new()),
        Val::Num(n) if n.value().is_nan() => Ok(String::new()),
        Val::Bool(_) | Val::Num(_) => Ok(field.json()),
        Val::Str(text) => Ok(quote(text)),
        other => fail(format!("{} is not valid in a csv row", other.shown())),
    };
    let fields: Result<Vec<_>, _> = fields.iter().map(field).collect();
    Ok(fields?.join(separator))
}

fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\'' => out.push_str("&apos;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

fn uri(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for b in text.bytes() {
        if b.is_ascii_alphanumeric() || b"-_.~!*'()".contains(&b) {
            out.push(b as char);
        } else {
            let _ = write!(out, "%{b:02X}");
        }
    }
    out
}

fn shell(value: &Val) -> Result<String, jaq_core::Error<Val>> {
    let word = |value: &Val| match value {
        Val::Str(text) => Ok(format!("'{}'", text.replace('\'', "'\\''"))),
        Val::Arr(_) | Val::Obj(_) => fail(format!("{} can not be escaped for shell", value.shown())),
        other => Ok(other.json()),
    };
    match value {
        Val::Arr(words) => {
            let words: Result<Vec<_>, _> = words.iter().map(word).collect();
            Ok(words?.join(" "))
        }
        other => word(other),
    }
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let at = |i: usize| u32::from(group.get(i).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for i in 0..4 {
            if i > group.len() {
                out.push('=');
            } else {
                let sextet = bits >> (18 - 6 * i) & 63;
                out.push(BASE64[sextet as usize] as char);
            }
        }
    }
    out
}

/// As in jq, whatever is not base64 is passed over, up to the padding.
fn from_base64(text: &str) -> ValR {
    let mut out = Vec::new();
    let mut bits = 0u32;
    let mut held = 0;
    let mut digits = 0;
    for b in text.bytes().take_while(|b| *b != b'=') {
        let Some(digit) = BASE64.iter().position(|d| *d == b) else {
            continue;
        };
        digits += 1;
        bits = bits << 6 | u32::try_from(digit).unwrap_or(0);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held & 255) as u8);
        }
    }
    let shown = || Val::text(text).shown();
    if digits == 0 && !text.is_empty() {
        return fail(format!("{} is not valid base64 data", shown()));
    }
    if digits % 4 == 1 {
        return fail(format!("{} trailing base64 byte found", shown()));
    }
    Ok(Val::from(String::from_utf8_lossy(&out).into_owned()))
}

/// `tonumber`, which takes a few more forms than JSON does.
pub(super) fn to_number(value: &Val) -> ValR {
    match value {
        Val::Num(_) => Ok(value.clone()),
        Val::Str(text) => {
            let number = text.trim_matches([' ', '\t', '\r', '\n']);
            let unsigned = number.strip_prefix(['+', '-']).unwrap_or(number);
            let numeric = unsigned.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
            if numeric && number.parse::<f64>().is_ok() {
                return Ok(Val::Num(Num::in_program(number)));
            }
            if number.is_empty() {
                return fail(format!("Expected JSON value (while parsing '{text}')"));
            }
            if from_json(value).is_ok() {
                return fail(format!("{} cannot be parsed as a number", value.shown()));
            }
            fail(format!("Invalid numeric literal at EOF at line 1, column {} (while parsing '{text}')", text.len()))
        }
        other => fail(format!("{} cannot be parsed as a number", other.shown())),
    }
}

/// `fromjson`.
pub(super) fn from_json(value: &Val) -> ValR {
    let Val::Str(text) = value else {
        return fail(format!("{} only strings can be parsed", value.shown()));
    };
    let mut input = Input::of_slice(text.as_bytes());
    let parsed = match input.next() {
        Ok(Some(_)) => Val::read(&mut input),
        _ => return fail(format!("Expected JSON value (while parsing '{text}')")),
    };
    match parsed.and_then(|value| Ok((value, input.next()?))) {
        Ok((value, None)) => Ok(value),
        Ok(_) => fail(format!("Unexpected extra JSON values (while parsing '{text}')")),
        Err(e) => fail(format!("{e} (while parsing '{text}')")),
    }
}
