//! Tables for people, whose lines a log can be searched by.

use comfy_table::{Table, presets};

/// A head and rows in columns, without padding at the ends of the lines.
pub(super) fn columns<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(head);
    rows.for_each(|row| {
        table.add_row(row);
    });
    table.lines().map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned() + "\n").collect()
}
