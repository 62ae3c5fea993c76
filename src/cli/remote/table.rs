//! Prints aligned columns.

use std::io;

use super::options::Output;

const GAP: &str = "  ";

/// Prints rows under their heads, or `none`.
pub(super) fn print(heads: &[&str], rows: Vec<Vec<String>>, output: Output<'_>) -> io::Result<()> {
    if rows.is_empty() {
        return writeln!(output, "none");
    }
    let heads = heads.iter().map(|head| head.to_uppercase()).collect();
    let lines: Vec<Vec<String>> =
        std::iter::once(heads).chain(rows).map(|line| line.into_iter().map(without_control_chars).collect()).collect();
    let mut widths: Vec<usize> = Vec::new();
    for line in &lines {
        widths.resize(widths.len().max(line.len()), 0);
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for line in &lines {
        let cells: Vec<String> = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        writeln!(output, "{}", cells.join(GAP).trim_end())?;
    }
    Ok(())
}

/// Prints the facts that have a value.
pub(super) fn print_facts(facts: &[(&str, Option<String>)], output: Output<'_>) -> io::Result<()> {
    let facts: Vec<_> = facts.iter().filter_map(|(name, fact)| Some((name, fact.clone()?))).collect();
    let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    for (name, fact) in facts {
        writeln!(output, "  {name:<width$}{GAP}{}", without_control_chars(fact))?;
    }
    Ok(())
}

/// Replaces control characters: text of vendors must not control the terminal.
pub(super) fn without_control_chars(text: String) -> String {
    if text.contains(char::is_control) { text.replace(char::is_control, " ") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut text = Vec::new();
        let rows = vec![vec!["a".to_owned(), "käthe".to_owned()], vec!["long".to_owned(), "\u{1b}[2J".to_owned()]];
        print(&["x", "name"], rows, &mut text).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "X     NAME\na     käthe\nlong   [2J\n");
    }

    #[test]
    fn empty_list_is_printed_as_none() {
        let mut text = Vec::new();
        print(&["x"], Vec::new(), &mut text).unwrap();
        assert_eq!(text, b"none\n");
    }
}
