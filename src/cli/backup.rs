//! `offboardd backup`: a consistent copy of a running database.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::config::Config;
use super::output::{print_err, print_report};
use super::progress;
use crate::app;

/// How often the size of the copy is read.
const PERIOD: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
#[command(after_help = "Example: offboardd backup /backup/offboardd-2026-11-26.db")]
pub(super) struct Arguments {
    /// Target file, which must not exist; `-` writes to standard output
    file: PathBuf,
    /// Print JSON; on standard error if the backup is written to standard output
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments, config: &Config) -> anyhow::Result<()> {
    let settings = config.load()?;
    let database = app::database_file(&settings, "pg_basebackup or pg_dump")?;
    let to_output = arguments.file.as_os_str() == "-";
    // Beside the database: the disk has space for it, and the folder has the same permissions.
    let draft = tempfile_beside(&settings.store.path);
    let file = if to_output { &draft } else { &arguments.file };
    anyhow::ensure!(!file.exists(), "backup target already exists: `{}`: choose another path", file.display());
    let store = database.open_existing().await.context("cannot open the database")?;
    let copying = async {
        store.backup(file).await?;
        if to_output { Ok(()) } else { store.backup_periods(file) }
    };
    let copied = watched(copying, &settings.store.path, file)
        .await
        .with_context(|| format!("cannot write the backup to `{}`", file.display()));
    store.close().await;
    copied?;
    let note = "keep it together with the key: encrypted data cannot be read without it\n";
    let secrets =
        "its secrets are in a second file, with .keys at the end: delete that file after store.keep_backups\n";
    let bytes = std::fs::metadata(file).with_context(|| format!("cannot read `{}`", file.display()))?.len();
    if to_output {
        let sent = send(file);
        std::fs::remove_file(file).with_context(|| format!("cannot remove `{}`", file.display()))?;
        sent.context("cannot write the backup to standard output")?;
        let report = json!({ "file": "-", "bytes": bytes, "keys_file": null });
        let text = format!("wrote the backup to standard output: {note}");
        print_err(&if arguments.json { format!("{report}\n") } else { text });
    } else {
        let keys_file = format!("{}.keys", file.display());
        let report = json!({ "file": file.display().to_string(), "bytes": bytes, "keys_file": keys_file });
        print_report(arguments.json, &report, &format!("wrote the backup to {}: {note}{secrets}", file.display()));
    }
    Ok(())
}

/// Shows how much of the copy is written.
async fn watched<T>(copying: impl Future<Output = T>, database: &Path, copy: &Path) -> T {
    let size = |file: &Path| std::fs::metadata(file).map_or(0, |found| found.len());
    let bar = progress::copy(size(database));
    let mut copying = std::pin::pin!(copying);
    let copied = loop {
        tokio::select! {
            copied = &mut copying => break copied,
            () = tokio::time::sleep(PERIOD) => bar.set_position(size(copy)),
        }
    };
    bar.finish_and_clear();
    copied
}

fn send(file: &Path) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    std::io::copy(&mut std::fs::File::open(file)?, &mut out)?;
    std::io::Write::flush(&mut out)
}

fn tempfile_beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(format!(".backup-{}", std::process::id()));
    name.into()
}
