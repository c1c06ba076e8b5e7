//! Words that a shell reads back byte for byte.

/// A word for any POSIX shell: in single quotes, where nothing is special but the quote itself.
pub fn posix_quote(value: &[u8]) -> Vec<u8> {
    quote(value, |byte, out| match byte {
        b'\'' => out.extend_from_slice(b"'\\''"),
        _ => out.push(byte),
    })
}

/// A word for fish: in single quotes, where a backslash protects a quote or a backslash.
pub fn fish_quote(value: &[u8]) -> Vec<u8> {
    quote(value, |byte, out| {
        if matches!(byte, b'\'' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    })
}

fn quote(value: &[u8], each: impl Fn(u8, &mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len() + 2);
    out.push(b'\'');
    for &byte in value {
        each(byte, &mut out);
    }
    out.push(b'\'');
    out
}

/// A word for `PowerShell`: in single quotes, with every quote doubled; the typographic ones close a string as well.
/// `PowerShell` has text only: what is not UTF-8 has to be refused before.
pub fn powershell_quote(value: &[u8]) -> Vec<u8> {
    let mut out = vec![b'\''];
    for chunk in value.utf8_chunks() {
        for letter in chunk.valid().chars() {
            let twice = matches!(letter, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}');
            let mut buffer = [0; 4];
            let bytes = letter.encode_utf8(&mut buffer).as_bytes();
            out.extend_from_slice(bytes);
            if twice {
                out.extend_from_slice(bytes);
            }
        }
        out.extend_from_slice(chunk.invalid());
    }
    out.push(b'\'');
    out
}
