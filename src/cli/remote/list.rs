//! Prints lists.

use super::client::{Client, Listed};
use super::options::Output;
use super::table;

/// Prints the JSON of the API, or a table and the cursor of the next page.
pub(super) fn print_list<T, const N: usize>(
    listed: &Listed<T>,
    heads: [&str; N],
    row: impl Fn(&T) -> [String; N],
    client: &Client,
    output: Output<'_>,
) -> anyhow::Result<()> {
    if client.prints_json() {
        writeln!(output, "{}", listed.json)?;
        return Ok(());
    }
    let rows = listed.items.iter().map(|item| row(item).to_vec()).collect();
    table::print(&heads, rows, client.screen(), output)?;
    if let Some(next) = &listed.next {
        writeln!(output, "\nmore items: --cursor {next}, or --all")?;
    }
    Ok(())
}

pub(super) fn or_dash(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}
