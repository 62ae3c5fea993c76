//! `offboardd restore`: replaces the database with a backup.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::config::Config;
use super::output::print_report;
use super::progress;
use crate::app;
use crate::clock::{Clock as _, SystemClock};

#[derive(Debug, Args)]
#[command(after_help = "Example: offboardd restore --replace /backup/offboardd-2026-11-26.db")]
pub(super) struct Arguments {
    /// Backup to restore, as written by `offboardd backup`
    file: PathBuf,
    /// Rename an existing database and its write-ahead log instead of failing
    #[arg(long)]
    replace: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments, config: &Config) -> anyhow::Result<()> {
    let settings = config.load()?;
    let database = app::database_file(&settings, "pg_restore")?;
    let working = progress::working("checking and restoring the backup");
    let restored = database.restore(&arguments.file, arguments.replace, SystemClock.now()).await;
    working.finish_and_clear();
    let restored = restored?;
    let previous = restored.previous.as_ref().map(|aside| aside.display().to_string());
    let report = json!({
        "backup": arguments.file.display().to_string(),
        "database": settings.store.path.display().to_string(),
        "entries": restored.journal_entries,
        "newest_entry": restored.newest_entry,
        "without_its_log": restored.without_its_log,
        "previous": previous,
        "fenced": true,
    });
    let newest = restored.newest_entry.map(|newest| format!(", the newest from {newest}")).unwrap_or_default();
    let mut text = format!(
        "restored {} to {}: {} journal entries{newest}\n",
        arguments.file.display(),
        settings.store.path.display(),
        restored.journal_entries
    );
    if restored.without_its_log {
        text.push_str(
            "warning: this file was copied from a running daemon, not written by `offboardd backup`: changes that were \
             still in the write-ahead log are missing\n",
        );
    }
    if let Some(aside) = previous {
        text.extend(["the previous database is kept as ", &aside, ": delete it when it is not needed\n"]);
    }
    text.push_str(
        "next: this database contains nothing newer than that entry, neither stops nor completed calls.\n  \
         1. start the daemon: it is fenced, so that deliveries are accepted and nothing is changed at Atlassian\n  \
         2. have the vendors resend the deliveries since then, and repeat the cancels and holds of operators\n  \
         3. compare the open cases with the site, then run offboardd fence show and offboardd fence lift\n",
    );
    print_report(arguments.json, &report, &text);
    Ok(())
}
