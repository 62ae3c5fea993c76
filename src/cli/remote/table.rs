//! Tables that fit the terminal.

use std::io;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};

use super::options::Output;
use super::screen::Screen;

/// Prints rows under their heads, or `none`. Cells are wrapped where the columns are wider than the screen.
pub(super) fn print(heads: &[&str], rows: Vec<Vec<String>>, screen: Screen, output: Output<'_>) -> io::Result<()> {
    if rows.is_empty() {
        return writeln!(output, "none");
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(screen.width).unwrap_or(u16::MAX));
    table.set_header(heads.iter().map(|head| head.to_uppercase()));
    for row in rows {
        table.add_row(row.into_iter().map(without_control_chars));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        // Between the columns only: the first one begins at the left edge.
        column.set_padding((u16::from(index > 0), 1));
        // The first column names the row: it is never wrapped.
        if index == 0 {
            column.set_constraint(ColumnConstraint::ContentWidth);
        } else {
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(NARROWEST)));
        }
    }
    for (number, line) in table.lines().enumerate() {
        let line = line.trim_end().replace(GLUE, " ");
        writeln!(output, "{}", if number == 0 { screen.bold(&line) } else { line })?;
    }
    Ok(())
}

/// A space at which no line ends.
const GLUE: char = '\u{a0}';

/// Words that stay on one line, if the column is as wide as they are.
pub(super) fn unbroken(words: &str) -> String {
    words.replace(' ', GLUE.encode_utf8(&mut [0; 4]))
}

/// The width that a column keeps.
const NARROWEST: u16 = 6;

/// Replaces control characters: text of vendors must not control the terminal.
pub(super) fn without_control_chars(text: String) -> String {
    if text.contains(char::is_control) { text.replace(char::is_control, " ") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(heads: &[&str], rows: &[&[&str]]) -> String {
        let mut text = Vec::new();
        let rows = rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect();
        print(heads, rows, Screen::plain(), &mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let text = printed(&["x", "name"], &[&["a", "käthe"], &["long", "\u{1b}[2J"]]);
        assert_eq!(text, "X     NAME\na     käthe\nlong   [2J\n");
    }

    #[test]
    fn wide_table_is_wrapped_to_80_columns_and_its_first_column_is_not() {
        let long = "word ".repeat(40);
        let text = printed(&["case", "state", "problem"], &[&["456789ab", "needs_attention", &long]]);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.lines().count() > 3 && text.contains("456789ab"), "{text}");
    }

    #[test]
    fn empty_list_is_printed_as_none() {
        assert_eq!(printed(&["x"], &[]), "none\n");
    }
}
