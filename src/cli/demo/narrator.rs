//! How the story looks: who, on which day, in plain words, no wider than a terminal.

use std::fmt;

use super::calendar::days;
use super::folder::PAYROLL;
use super::observer::Observer;
use crate::cli::print_out;

/// No line is wider.
const WIDTH: usize = 100;

/// Where the words of a line begin.
const MARGIN: usize = 21;

/// Who does, says or sees what a line tells.
#[derive(Debug, Clone, Copy)]
pub(super) enum Speaker {
    /// The HR system.
    Hr,
    /// offboardd.
    Daemon,
    /// The sandbox site.
    Atlassian,
    /// Somebody with a mouse.
    Human,
    /// Somebody who should not be there.
    Forger,
}

impl fmt::Display for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Hr => "HR",
            Self::Daemon => "offboardd",
            Self::Atlassian => "Atlassian",
            Self::Human => "a human",
            Self::Forger => "a forger",
        })
    }
}

/// One line of the story.
pub(super) fn narrate(day: i64, speaker: Speaker, words: &str) {
    print(&format!("day {day}"), &speaker.to_string(), words);
}

/// One line of the sum at the end.
pub(super) fn sum_up(what: &str, words: &str) {
    print("", what, words);
}

/// What a few lines are about.
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

/// The end of an id, which is enough to tell two apart.
pub(super) fn short(id: &impl fmt::Display) -> String {
    let id = id.to_string();
    id.rsplit_once('-').map_or_else(|| id.clone(), |(_, end)| format!("…{end}"))
}

/// Says what there is, before the first day.
pub(super) fn print_introduction(observer: &Observer) {
    print_out(&format!(
        "\
The daemon, a small HR system that signs as vendors do, and a sandbox Atlassian site, all on this
machine. Sockets, signatures and database are real; only days are short: each lasts {} ms.

  settings   {}
  webhooks   http://{}/webhooks/…
  admin      http://{}
  sandbox    http://{}
",
        days(1).as_millis(),
        observer.folder.settings().display(),
        observer.hr.webhooks,
        observer.admin,
        observer.site,
    ));
}

/// Says that it is over, for whoever stopped it.
pub(super) fn print_goodbye() {
    print_out("\nStopped, and everything removed.\n");
}

/// Says what can be done now that the story is told and everything still runs.
pub(super) fn print_invitation(observer: &Observer) {
    let Observer { folder, hr, admin, site, .. } = observer;
    let (token, webhooks) = (&folder.token, hr.webhooks);
    let settings = folder.settings();
    let settings = settings.display();
    print_out(&format!(
        "
It goes on running until Ctrl-C, which removes everything.

  look around:   http://{admin}/
  sign in with:  {token}

  list the cases:
    curl -H 'Authorization: Bearer {token}' \\
      http://{admin}/api/v1/cases

  let somebody else leave, and watch:
    echo '{{\"type\":\"departed\",\"person\":{{\"email\":\"jon@example.com\"}}}}' |
      offboardd send {PAYROLL} --body - --url http://{webhooks}/webhooks/{PAYROLL} \\
        --config {settings}
    curl http://{site}/_sandbox/accounts
"
    ));
}
