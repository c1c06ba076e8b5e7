//! Tables for people: no lines drawn, nothing wrapped, every cell printable.

use crate::commands::columns::columns;

/// What is shown of one value; the whole is in `--json`. Nothing is wrapped: a log is searched by line.
const LONGEST: usize = 60;

/// A table with a blank line before it.
pub(super) fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    "\n".to_owned() + &columns(head, rows)
}

/// A value in one line of bounded length.
pub(super) fn shown(text: &str) -> String {
    clipped(text, LONGEST)
}

/// The same with another bound.
pub(super) fn clipped(text: &str, longest: usize) -> String {
    let text = printable(text);
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A text in one line, with nothing that a terminal would act on.
pub(super) fn printable(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}
