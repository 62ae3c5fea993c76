//! `offboardd journal`: the append-only history.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;

use super::config::Config;
use super::output::print_out;
use crate::store::{self, ExpectedEntry, JournalCheck};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Verify the whole hash chain and the recorded head; exits with 1 and names the first broken entry
    Verify(Verify),
}

#[derive(Debug, Args)]
#[command(after_help = "Example: offboardd journal verify /backup/offboardd-2026-11-26.db")]
pub(super) struct Verify {
    /// Database file [default: the one of the settings]
    database: Option<PathBuf>,
    /// Newest entry known from elsewhere, as a daemon logged it or evidence shows it; may be repeated
    #[arg(long, value_name = "SEQ:LINK", value_parser = parse_expected)]
    expect: Vec<ExpectedEntry>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(command: Command, config: &Config) -> anyhow::Result<ExitCode> {
    let Command::Verify(verify) = command;
    let path = match verify.database {
        Some(path) => path,
        None => config.load()?.store.path,
    };
    anyhow::ensure!(path.exists(), "no database at `{}`: check the path or `store.url`", path.display());
    let verdict = store::verify_journal_with(&path, &verify.expect, report_progress)
        .await
        .with_context(|| format!("cannot read `{}`", path.display()))?;
    let (text, json, code) = match verdict {
        JournalCheck::Intact { entries, head } => {
            let head = hex::encode(head);
            let text = format!("intact: {entries} entries, the newest is {entries}:{head}\n");
            (text, json!({ "intact": true, "entries": entries, "head": head }), ExitCode::SUCCESS)
        }
        JournalCheck::Broken(broken) => {
            let text = format!("broken: {broken}\n");
            (text, json!({ "intact": false, "broken": broken.to_string() }), ExitCode::FAILURE)
        }
    };
    print_out(&if verify.json { format!("{json}\n") } else { text });
    Ok(code)
}

fn parse_expected(text: &str) -> Result<ExpectedEntry, String> {
    let wrong = || "write the number of an entry and its link: 42:SHA256".to_owned();
    let (seq, link) = text.split_once(':').ok_or_else(wrong)?;
    let mut bytes = [0; 32];
    hex::decode_to_slice(link, &mut bytes).map_err(|_not_hex| wrong())?;
    Ok(ExpectedEntry { seq: seq.parse().map_err(|_no_number| wrong())?, link: bytes })
}

/// On a terminal, a line that is overwritten; nothing elsewhere.
fn report_progress(entries: i64) {
    let mut stderr = std::io::stderr();
    if entries % 100_000 == 0 && stderr.is_terminal() {
        // Progress that cannot be shown changes nothing.
        drop(write!(stderr, "\r{entries} entries verified"));
    }
}
