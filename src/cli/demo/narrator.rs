//! Prints the steps of the demo: day, speaker and sentence, at most 100 columns wide.

use std::fmt;

use crate::cli::output::print_out;

const WIDTH: usize = 100;

/// The column of the sentences.
const MARGIN: usize = 21;

/// The subject of a line.
#[derive(Debug, Clone, Copy)]
pub(super) enum Speaker {
    Hr,
    Daemon,
    Atlassian,
    Admin,
    Forger,
}

impl fmt::Display for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Hr => "HR",
            Self::Daemon => "offboardd",
            Self::Atlassian => "Atlassian",
            Self::Admin => "admin",
            Self::Forger => "attacker",
        })
    }
}

pub(super) fn narrate(day: i64, speaker: Speaker, words: &str) {
    print(&format!("day {day}"), &speaker.to_string(), words);
}

pub(super) fn sum_up(what: &str, words: &str) {
    print("", what, words);
}

pub(super) fn title(words: &str) {
    print_out(&format!("\n{words}\n"));
}

fn print(left: &str, right: &str, words: &str) {
    let mut lines = wrapped(words).into_iter();
    let mut text = format!("  {left:<7} {right:<10} {}\n", lines.next().unwrap_or_default());
    for line in lines {
        text.extend([" ".repeat(MARGIN), line, "\n".to_owned()]);
    }
    print_out(&text);
}

fn wrapped(words: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split(' ') {
        match lines.last_mut() {
            Some(line) if MARGIN + line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Shortens an id to its last part.
pub(super) fn short(id: &impl fmt::Display) -> String {
    let id = id.to_string();
    id.rsplit_once('-').map_or_else(|| id.clone(), |(_, end)| format!("…{end}"))
}
