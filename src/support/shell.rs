//! Words written so that a shell reads them back as they are.

/// A word for any POSIX shell: in single quotes, in which nothing is special but the quote itself.
pub fn posix_quote(word: &[u8]) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(word.len() + 2);
    quoted.push(b'\'');
    for &byte in word {
        match byte {
            b'\'' => quoted.extend_from_slice(b"'\\''"),
            _ => quoted.push(byte),
        }
    }
    quoted.push(b'\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_quotes_hide_everything() {
        assert_eq!(posix_quote(b""), b"''");
        assert_eq!(posix_quote(b"a b$(c)`d`\n\\*"), b"'a b$(c)`d`\n\\*'");
        assert_eq!(posix_quote(b"it's"), b"'it'\\''s'");
        assert_eq!(posix_quote(b"\xff'"), b"'\xff'\\'''");
    }
}
