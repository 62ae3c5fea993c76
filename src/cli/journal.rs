//! `offboardd journal`: the append-only history.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;

use super::config::Config;
use super::output::print_out;
use super::progress;
use crate::app;
use crate::settings::Settings;
use crate::store::{Database, ExpectedEntry, Finding, JournalCheck, KeyLocation, StoreError};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Verify the whole hash chain and the recorded head and, with the key, all rows that decide; exits with 1 and names the
    /// first broken entry
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
    // A file that is named can be verified without settings, and without a key.
    let settings = match (&verify.database, config.load()) {
        (Some(_), Err(_unreadable)) => None,
        (_, settings) => Some(settings?),
    };
    let database = match (&verify.database, &settings) {
        (Some(path), _) => Database::file(path, KeyLocation::Beside),
        (None, Some(settings)) => app::database(settings)?,
        (None, None) => anyhow::bail!("no settings: name the database file"),
    };
    let place = database.place();
    anyhow::ensure!(
        database.server.is_some() || database.path.exists(),
        "no database at `{place}`: check the path or `store.url`"
    );
    let counter = progress::counter("entries verified");
    let count = |entries: i64| counter.set_position(entries.unsigned_abs());
    let verdict = database.verify_journal_with(&verify.expect, count).await;
    counter.finish_and_clear();
    let verdict = verdict.with_context(|| format!("cannot read `{place}`"))?;
    let (text, json, code) = match verdict {
        JournalCheck::Intact { entries, head } => {
            let rows = verify_rows(database, settings.as_ref()).await?;
            let (head, altered) = (hex::encode(head), rows.iter().flatten());
            let altered: Vec<_> = altered.map(|finding| finding.detail.as_str()).collect();
            let json = json!({
                "intact": altered.is_empty(),
                "entries": entries,
                "head": head,
                "rows_verified": rows.is_some(),
                "broken": (!altered.is_empty()).then(|| altered.join("; ")),
            });
            if altered.is_empty() {
                let rows = if rows.is_some() { "" } else { " (the rows are not verified: the key is not known)" };
                let text = format!("intact: {entries} entries, the newest is {entries}:{head}{rows}\n");
                (text, json, ExitCode::SUCCESS)
            } else {
                let text = format!("broken: {}\n", altered.join("\nbroken: "));
                (text, json, ExitCode::FAILURE)
            }
        }
        JournalCheck::Broken(broken) => {
            let text = format!("broken: {broken}\n");
            (text, json!({ "intact": false, "broken": broken.to_string() }), ExitCode::FAILURE)
        }
    };
    print_out(&if verify.json { format!("{json}\n") } else { text });
    Ok(code)
}

/// What was changed by another hand; `None` if the key is not known.
async fn verify_rows(named: Database, settings: Option<&Settings>) -> anyhow::Result<Option<Vec<Finding>>> {
    let configured = settings.map(app::database).transpose()?;
    let place = named.place();
    let database = match configured {
        _ if named.server.is_some() => named,
        Some(configured) if configured.has_key() => configured.copy_at(&named.path)?,
        _ => {
            let beside = Database::file(named.path, KeyLocation::Beside);
            if !beside.has_key() {
                return Ok(None);
            }
            beside
        }
    };
    match database.verify_history().await {
        Ok(findings) => Ok(Some(findings)),
        // A file of another installation.
        Err(StoreError::WrongKey) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot verify the rows of `{place}`")),
    }
}

fn parse_expected(text: &str) -> Result<ExpectedEntry, String> {
    let wrong = || "write the number of an entry and its link: 42:SHA256".to_owned();
    let (seq, link) = text.split_once(':').ok_or_else(wrong)?;
    let mut bytes = [0; 32];
    hex::decode_to_slice(link, &mut bytes).map_err(|_not_hex| wrong())?;
    Ok(ExpectedEntry { seq: seq.parse().map_err(|_no_number| wrong())?, link: bytes })
}
