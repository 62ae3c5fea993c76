//! Facts about one thing: a name and its value on a line, wrapped to the screen.

use std::io;

use super::options::Output;
use super::screen::Screen;
use super::table::without_control_chars;

/// The width of the column of names.
const NAMES: usize = 20;

/// Prints the facts that have a value.
pub(super) fn print_facts(facts: &[(&str, Option<String>)], screen: Screen, output: Output<'_>) -> io::Result<()> {
    for (name, fact) in facts {
        if let Some(fact) = fact {
            print_fact(name, fact, screen, output)?;
        }
    }
    Ok(())
}

pub(super) fn print_fact(name: &str, fact: &str, screen: Screen, output: Output<'_>) -> io::Result<()> {
    let fact = without_control_chars(fact.to_owned());
    let name = format!("  {name}");
    // A name that is longer than its column has a line of its own.
    if name.chars().count() >= NAMES {
        writeln!(output, "{name}")?;
        return write!(output, "{}", screen.beside("", NAMES, &fact));
    }
    write!(output, "{}", screen.beside(&name, NAMES, &fact))
}
