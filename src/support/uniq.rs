//! Lines as a shell's `echo "$lines" | uniq` prints them.

use std::io::{self, Write};

/// Lines without adjacent repeats and without blank ones at the end; none at all is one blank line, as the original's
/// `echo "$result" | uniq` had it.
pub struct Uniq<'a> {
    out: &'a mut dyn Write,
    last: Option<Vec<u8>>,
    /// A blank line waits for one after it that is not.
    blank: bool,
}

impl<'a> Uniq<'a> {
    /// On some output.
    pub fn new(out: &'a mut dyn Write) -> Self {
        Self { out, last: None, blank: false }
    }

    /// Writes a line, unless it repeats the one before.
    pub fn add(&mut self, line: &[u8]) -> io::Result<()> {
        if line.is_empty() {
            self.blank = true;
            return Ok(());
        }
        if self.blank {
            self.out.write_all(b"\n")?;
        } else if self.last.as_deref() == Some(line) {
            return Ok(());
        }
        self.blank = false;
        self.out.write_all(line)?;
        self.out.write_all(b"\n")?;
        let last = self.last.get_or_insert_default();
        last.clear();
        last.extend_from_slice(line);
        Ok(())
    }

    /// Writes the blank line that stands for none.
    pub fn finish(self) -> io::Result<()> {
        if self.last.is_none() { self.out.write_all(b"\n") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(lines: &[&str]) -> String {
        let mut out = Vec::new();
        let mut uniq = Uniq::new(&mut out);
        for line in lines {
            uniq.add(line.as_bytes()).unwrap();
        }
        uniq.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn repeats_and_blank_lines() {
        assert_eq!(printed(&[]), "\n");
        assert_eq!(printed(&["", ""]), "\n");
        assert_eq!(printed(&["a", "a", "b", "a", "", ""]), "a\nb\na\n");
        assert_eq!(printed(&["", "a", "", "", "a"]), "\na\n\na\n");
    }
}
