//! The fast forms of tokens: these work on the bytes at hand, and give up (`None`) on
//! anything unusual, including the end of those bytes.

/// Whether a byte cannot stand for itself inside a JSON string.
// Without branches, this becomes vector instructions.
#[allow(clippy::needless_bitwise_bool)]
#[inline]
fn stops(b: u8, del: bool) -> bool {
    (b == b'"') | (b == b'\\') | (b < 0x20) | (del & (b == 0x7f))
}

/// Eight copies of a byte.
const fn eight(b: u8) -> u64 {
    u64::from_le_bytes([b; 8])
}

/// Eight bytes of the text as a number, the first one lowest.
#[inline]
fn word(text: &[u8], at: usize) -> Option<u64> {
    let bytes = text.get(at..)?.first_chunk::<8>()?;
    Some(u64::from_le_bytes(*bytes))
}

/// The high bit of each byte that stops a plain stretch. A carry may mark bytes after the
/// first one that does, but none before it.
#[inline]
fn stop_bits<const DEL: bool>(word: u64) -> u64 {
    let zero = |x: u64| x.wrapping_sub(eight(1)) & !x;
    let control = word.wrapping_sub(eight(0x20)) & !word;
    let mut bits = zero(word ^ eight(b'"')) | zero(word ^ eight(b'\\')) | control;
    if DEL {
        bits |= zero(word ^ eight(0x7f));
    }
    bits & eight(0x80)
}

/// Whether any byte of the block stops a plain stretch; without branches, so that it becomes
/// vector instructions.
#[inline]
fn any_stop<const DEL: bool>(block: &[u8; 64]) -> bool {
    block.iter().fold(false, |any, b| any | stops(*b, DEL))
}

/// The first place at or after `from` where a byte ends a plain stretch of a string: a
/// quote, a backslash, a control character and, with `DEL`, 0x7f.
#[inline]
pub(super) fn plain_run<const DEL: bool>(text: &[u8], from: usize) -> usize {
    let mut at = from;
    // Most strings are short, and end within the first words.
    while let Some(word) = word(text, at) {
        let bits = stop_bits::<DEL>(word);
        if bits != 0 {
            return at + (bits.trailing_zeros() / 8) as usize;
        }
        at += 8;
        if at - from == 32 {
            at = long_run::<DEL>(text, at);
        }
    }
    while text.get(at).is_some_and(|b| !stops(*b, DEL)) {
        at += 1;
    }
    at
}

/// Passes over blocks in which nothing stops.
#[inline(never)]
fn long_run<const DEL: bool>(text: &[u8], mut at: usize) -> usize {
    while let Some(block) = text.get(at..).and_then(<[u8]>::first_chunk::<64>) {
        if any_stop::<DEL>(block) {
            break;
        }
        at += 64;
    }
    at
}

/// The end of the string whose text starts at `at`, just after its closing quote.
#[inline]
pub(super) fn string_end(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at = plain_run::<false>(text, at);
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => match text.get(at + 1)? {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at += 2,
                b'u' => {
                    let digits = text.get(at + 2..at + 6)?;
                    if !digits.iter().all(u8::is_ascii_hexdigit) {
                        return None;
                    }
                    at += 6;
                }
                _ => return None,
            },
            _ => return None,
        }
    }
}

#[inline]
fn digits(text: &[u8], mut at: usize) -> usize {
    while let Some(word) = word(text, at) {
        // The high halves must be 3, and stay so when 6 is added: '9' is 0x39.
        let high = word & word.wrapping_add(eight(6)) & eight(0xF0);
        let wrong = (word | word.wrapping_add(eight(6))) & eight(0xF0) ^ eight(0x30);
        if wrong == 0 && high == eight(0x30) {
            at += 8;
        } else {
            break;
        }
    }
    while text.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at
}

/// The end of the number that starts at `at`; the byte after it must be at hand.
#[inline]
pub(super) fn number_end(text: &[u8], mut at: usize) -> Option<usize> {
    if text.get(at) == Some(&b'-') {
        at += 1;
    }
    let first = at;
    at = digits(text, at);
    if at == first || (at > first + 1 && text.get(first) == Some(&b'0')) {
        return None;
    }
    if text.get(at) == Some(&b'.') {
        let first = at + 1;
        at = digits(text, first);
        if at == first {
            return None;
        }
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        at += 1;
        if matches!(text.get(at), Some(b'+' | b'-')) {
            at += 1;
        }
        let first = at;
        at = digits(text, first);
        if at == first {
            return None;
        }
    }
    text.get(at).map(|_| at)
}

/// Moves on to the next byte that is not white space, if that is at hand.
#[inline]
pub(super) fn unspaced(text: &[u8], at: &mut usize) -> Option<u8> {
    let mut b = *text.get(*at)?;
    while b <= b' ' {
        if !matches!(b, b' ' | b'\n' | b'\t' | b'\r') {
            return None;
        }
        *at += 1;
        // Indentation comes in long stretches.
        while word(text, *at) == Some(eight(b' ')) {
            *at += 8;
        }
        b = *text.get(*at)?;
    }
    Some(b)
}

/// The end of a key and its colon, if the next byte starts one.
#[inline]
pub(super) fn key_end(text: &[u8], at: usize) -> Option<usize> {
    if text.get(at) != Some(&b'"') {
        return None;
    }
    let mut end = string_end(text, at + 1)?;
    (unspaced(text, &mut end)? == b':').then_some(end + 1)
}
