//! `offboardd journal`: the append-only history.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;

use super::config::Config;
use super::output::print_out;
use crate::store::{self, JournalCheck};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Verify the whole hash chain; exits with 1 and names the first broken entry
    Verify(Verify),
}

#[derive(Debug, Args)]
#[command(after_help = "Example: offboardd journal verify /backup/offboardd-2026-11-26.db")]
pub(super) struct Verify {
    /// Database file [default: the one of the settings]
    database: Option<PathBuf>,
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
    let verdict = store::verify_journal(&path).await.with_context(|| format!("cannot read `{}`", path.display()))?;
    let (text, json, code) = match verdict {
        JournalCheck::Intact { entries, head } => {
            let head = hex::encode(head);
            let text = format!("intact: {entries} entries, the newest link is {head}\n");
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
