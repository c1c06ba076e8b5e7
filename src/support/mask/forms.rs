//! The spellings in which a secret may turn up: as it is, base64, URL-encoded, JSON-escaped, quoted by a shell.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Shorter values are left alone: they would mask half of every text.
const SHORTEST: usize = 4;

/// Letters of base64 that are no coincidence.
const ENOUGH: usize = 8;

/// The length of a secret up to which base64 of it fits in a line.
const SHORT: usize = 48;

/// Beyond this many secrets, base64 of larger texts is looked for within lines alone: it takes most of the patterns.
const MANY: usize = 200;

/// Beyond this many bytes a value gets the common spellings alone, or its automaton would take much memory.
const LARGE: usize = 8 << 10;

/// Where `base64`, `openssl` and mail programs break their lines.
const WIDTHS: [usize; 2] = [76, 64];

/// A line of a secret that is long enough to be nothing else, wherever it is found.
const TELLING: usize = 16;

/// What the spellings are for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Hiding them: rather one too many.
    Mask,
    /// Refusing what holds them: only what is hardly there by chance.
    Search,
}

/// What is nothing but this secret where it is found in a file, each once: without the lines of it that many texts have,
/// and without the spellings that are only a few letters long. One of `many` secrets has fewer of them.
pub fn telling(secret: &[u8], many: bool) -> BTreeSet<Vec<u8>> {
    let mut patterns = BTreeSet::new();
    of_one(secret, Use::Search, &mut patterns);
    if !many && (SHORTEST..=SHORT).contains(&secret.len()) {
        in_lines(secret, &mut patterns);
    }
    patterns.retain(|pattern| pattern.len() >= ENOUGH || (pattern.len() >= SHORTEST && pattern == secret));
    patterns
}

/// All patterns of all secrets, each once.
pub fn of_all<I: IntoIterator<Item = S>, S: AsRef<[u8]>>(secrets: I) -> Vec<Vec<u8>> {
    let mut patterns = BTreeSet::new();
    let secrets: Vec<S> = secrets.into_iter().collect();
    for secret in &secrets {
        let secret = secret.as_ref();
        of_one(secret, Use::Mask, &mut patterns);
        if secrets.len() <= MANY && (SHORTEST..=SHORT).contains(&secret.len()) {
            in_lines(secret, &mut patterns);
        }
    }
    patterns.into_iter().filter(|pattern: &Vec<u8>| pattern.len() >= SHORTEST).collect()
}

fn of_one(secret: &[u8], purpose: Use, patterns: &mut BTreeSet<Vec<u8>>) {
    if secret.len() < SHORTEST {
        return;
    }
    let breaks = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let start = secret.iter().position(|byte| !breaks(byte)).unwrap_or(0);
    let end = secret.iter().rposition(|byte| !breaks(byte)).map_or(secret.len(), |last| last + 1);
    // Without the line feeds around it, so that a line feed in the output is never the beginning of a secret.
    let whole = if end - start >= SHORTEST { &secret[start..end] } else { secret };
    if !whole.contains(&b'\n') {
        patterns.insert(whole.to_vec());
        encoded(whole, patterns);
        return;
    }
    let unix = without_returns(whole);
    let dos = unix.split(|byte| *byte == b'\n').collect::<Vec<_>>().join(&b"\r\n"[..]);
    if !by_lines(whole, purpose, patterns) || purpose == Use::Search {
        patterns.extend([whole.to_vec(), unix.clone(), dos.clone()]);
    }
    for text in [whole, &unix, &dos] {
        encoded(text, patterns);
    }
}

/// Adds the lines. False where they do not cover the secret: too much of it is in lines that are too short.
fn by_lines(whole: &[u8], purpose: Use, patterns: &mut BTreeSet<Vec<u8>>) -> bool {
    let (mut covers, mut left) = (false, 0);
    for line in whole.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let trimmed = line.trim_ascii();
        // A line of blanks is nobody's secret, and part of every text.
        let line = match (trimmed.len(), line.len()) {
            (0, _) => continue,
            (SHORTEST.., _) => trimmed,
            (_, SHORTEST..) => line,
            _ => {
                left += trimmed.iter().filter(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii()).count();
                continue;
            }
        };
        covers = true;
        if purpose == Use::Search && !is_telling(line) {
            continue;
        }
        if patterns.insert(line.to_vec()) {
            encoded(line, patterns);
        }
    }
    covers && left < SHORTEST
}

/// Whether a line is part of a key, rather than a mark around it or a line of some document.
fn is_telling(line: &[u8]) -> bool {
    let is_of_key = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_-.~".contains(byte);
    line.len() >= TELLING && !line.starts_with(b"--") && line.iter().all(is_of_key)
}

fn without_returns(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for (place, byte) in text.iter().enumerate() {
        if !(*byte == b'\r' && text.get(place + 1) == Some(&b'\n')) {
            out.push(*byte);
        }
    }
    out
}

fn encoded(text: &[u8], patterns: &mut BTreeSet<Vec<u8>>) {
    base64(text, patterns);
    let large = text.len() > LARGE;
    percent(text, large, patterns);
    json(text, large, patterns);
    if !large {
        shell(text, patterns);
    }
}

/// Base64 on its own (with and without padding and a final line feed, in lines or not), and the part of it that is
/// the same wherever the secret stands in a larger text.
fn base64(text: &[u8], patterns: &mut BTreeSet<Vec<u8>>) {
    let line = [text, b"\n"].concat();
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        for text in [text, &line] {
            let whole = engine.encode(text).into_bytes();
            for width in WIDTHS {
                if whole.len() > width {
                    patterns.extend(whole.chunks(width).map(<[u8]>::to_vec));
                }
            }
            let padding = (4 - whole.len() % 4) % 4;
            patterns.insert([&whole[..], &b"=="[..padding]].concat());
            patterns.insert(whole);
        }
        for before in 0..3 {
            patterns.insert(everywhere(&engine, before, text));
        }
    }
}

/// The part of base64 that is the same everywhere, with the end of a line within it: a larger text, in lines. A line
/// that ends in fewer than four letters of it is nothing to wait for; there, and at the other end, what is left on
/// the one line is masked alone. Secrets that are longer than such a line have their own lines masked, if any.
fn in_lines(text: &[u8], patterns: &mut BTreeSet<Vec<u8>>) {
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        for before in 0..3 {
            let letters = everywhere(&engine, before, text);
            for place in 1..letters.len() {
                let (first, second) = letters.split_at(place);
                match (first.len(), second.len()) {
                    (..SHORTEST, ENOUGH..) => patterns.insert(second.to_vec()),
                    (ENOUGH.., ..SHORTEST) => patterns.insert(first.to_vec()),
                    (SHORTEST.., SHORTEST..) => patterns.insert([first, b"\n", second].concat()),
                    _ => continue,
                };
            }
        }
    }
}

/// The letters of base64 that the text alone decides, with so many bytes before it.
fn everywhere(engine: &impl Engine, before: usize, text: &[u8]) -> Vec<u8> {
    let letters = engine.encode([&[0; 2][..before], text].concat()).into_bytes();
    letters[(8 * before).div_ceil(6)..8 * (before + text.len()) / 6].to_vec()
}

/// What URL encoders leave as it is beside letters and digits, from the most careful to the least.
const KEPT: [&str; 10] = [
    "",
    "-_.~",
    "*-._",
    "-_.~/",
    "-_.!~*'()",
    "-._~!$&'()*+,;=:@",
    "-._~!$&'()*+,;=:@/?",
    ";/?:@&=+$,#-_.!~*'()",
    "!$%&'()*+,-./:;=@[\\]^_|~",
    "!$%&()*+,-./:;=?@[\\]^_`{|}~",
];

fn percent(text: &[u8], large: bool, patterns: &mut BTreeSet<Vec<u8>>) {
    let kept = if large { &KEPT[1..2] } else { &KEPT[..] };
    let digits = [b"0123456789ABCDEF", b"0123456789abcdef"];
    for digits in digits {
        for kept in kept {
            for blank in [&b"%20"[..], b"+"] {
                patterns.insert(percent_one(text, digits, blank, |byte| {
                    byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte)
                }));
            }
        }
        if !large {
            patterns.insert(percent_one(text, digits, b"%20", |_| false));
        }
    }
}

fn percent_one(text: &[u8], digits: &[u8; 16], blank: &[u8], kept: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        match byte {
            b' ' => out.extend_from_slice(blank),
            _ if kept(byte) => out.push(byte),
            _ => out.extend([b'%', digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]),
        }
    }
    out
}

/// How a JSON writer escapes what it need not.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "independent habits of writers")]
struct JsonStyle {
    /// `\/`
    slash: bool,
    /// Letters beyond ASCII as `\uXXXX`.
    ascii: bool,
    /// The digits of `\uXXXX` in capitals.
    capitals: bool,
    /// `\u000a`, never `\n`.
    long: bool,
    /// Further letters as `\uXXXX`, as writers that mind HTML do.
    html: &'static str,
}

fn json(text: &[u8], large: bool, patterns: &mut BTreeSet<Vec<u8>>) {
    let plain = JsonStyle { slash: false, ascii: false, capitals: false, long: false, html: "" };
    let once = json_one(text, plain);
    if large {
        patterns.insert(once);
        patterns.insert(json_one(text, JsonStyle { ascii: true, ..plain }));
        return;
    }
    // JSON within a string of JSON, as logs of requests have it.
    patterns.insert(json_one(&once, plain));
    let both = [false, true];
    for html in ["", "<>&", "<>&'", "<>&'\"", "<>&'\"+`"] {
        for (slash, ascii) in both.into_iter().flat_map(|slash| both.map(|ascii| (slash, ascii))) {
            for (capitals, long) in both.into_iter().flat_map(|capitals| both.map(|long| (capitals, long))) {
                patterns.insert(json_one(text, JsonStyle { slash, ascii, capitals, long, html }));
            }
        }
    }
}

fn json_one(text: &[u8], style: JsonStyle) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        for letter in chunk.valid().chars() {
            json_letter(letter, style, &mut out);
        }
        for &byte in chunk.invalid() {
            if style.ascii { unicode(u16::from(byte), style, &mut out) } else { out.push(byte) }
        }
    }
    out
}

fn json_letter(letter: char, style: JsonStyle, out: &mut Vec<u8>) {
    let short = match letter {
        '\n' => b'n',
        '\r' => b'r',
        '\t' => b't',
        '\u{8}' => b'b',
        '\u{c}' => b'f',
        _ => 0,
    };
    match letter {
        _ if short != 0 && !style.long => out.extend([b'\\', short]),
        _ if letter < ' ' || style.html.contains(letter) || (style.ascii && letter >= '\u{7f}') => {
            for &mut unit in letter.encode_utf16(&mut [0; 2]) {
                unicode(unit, style, out);
            }
        }
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '/' if style.slash => out.extend_from_slice(b"\\/"),
        _ => out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

fn unicode(unit: u16, style: JsonStyle, out: &mut Vec<u8>) {
    let text = if style.capitals { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") };
    out.extend_from_slice(text.as_bytes());
}

/// Within single quotes (both ways to write a quote there), double quotes, `$'…'`, and with backslashes alone, as
/// `set -x`, `export -p` and `printf %q` write it.
fn shell(text: &[u8], patterns: &mut BTreeSet<Vec<u8>>) {
    let each = |write: &dyn Fn(u8, &mut Vec<u8>)| {
        let mut out = Vec::with_capacity(text.len());
        for byte in text {
            write(*byte, &mut out);
        }
        out
    };
    let escaped = |special: &'static [u8]| {
        each(&|byte, out| {
            if special.contains(&byte) {
                out.push(b'\\');
            }
            out.push(byte);
        })
    };
    let quoted = |quote: &'static [u8]| {
        each(&|byte, out| if byte == b'\'' { out.extend_from_slice(quote) } else { out.push(byte) })
    };
    // Line feeds stay what they are in these, and patterns have none: the lines have their own.
    let words = [quoted(b"'\\''"), quoted(b"'\"'\"'"), escaped(b"\"$`\\"), escaped(b" \t!\"#$&'()*,;<>?[\\]^`{|}~=")];
    patterns.extend(words.into_iter().filter(|word| !word.contains(&b'\n')));
    let ansi = |all: bool| {
        each(&|byte, out| match byte {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x1b => out.extend_from_slice(b"\\E"),
            b'\'' | b'\\' => out.extend([b'\\', byte]),
            _ if byte < b' ' || byte == 0x7f || (all && !byte.is_ascii()) => {
                out.extend_from_slice(format!("\\{byte:03o}").as_bytes());
            }
            _ => out.push(byte),
        })
    };
    patterns.extend([ansi(false), ansi(true)]);
}
