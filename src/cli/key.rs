//! `offboardd key`: the key that encrypts personal data.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;

use super::config::Config;
use super::output::print_out;
use super::progress;
use crate::app;
use crate::clock::{Clock as _, SystemClock};
use crate::duration::ConfigDuration;
use crate::store::{Database, Resealing, Store};

/// The time between two looks at whether the daemon has switched.
const POLL: Duration = Duration::from_millis(500);

/// The longest wait for the daemon to switch: it looks at its key file every 30 seconds.
const PATIENCE: Duration = Duration::from_mins(2);

/// The pause between two steps, so that the daemon's own transactions do not wait.
const PAUSE: Duration = Duration::from_millis(5);

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Encrypt everything with another key, also while the daemon runs; continues where it was interrupted
    ///
    /// With the key file beside the database, the command makes the new key itself. With store.key, write the new key before
    /// the old one into its file first, and remove the old one at the end.
    Rotate(Rotate),
}

#[derive(Debug, Args)]
#[command(after_help = "Example: offboardd key rotate")]
pub(super) struct Rotate {
    /// How long after the switch the daemon may still store what it encrypted before
    #[arg(long, value_name = "DURATION", default_value = "40s")]
    settle: ConfigDuration,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(command: Command, config: &Config) -> anyhow::Result<ExitCode> {
    let Command::Rotate(rotate) = command;
    let database = app::database(&config.load()?)?;
    anyhow::ensure!(
        database.server.is_some() || database.path.exists(),
        "no database at `{}`",
        database.path.display()
    );
    // First, so that the key file stays as it is if the database is of another version.
    database.open_existing().await.context("cannot open the database")?.close().await;
    let is_file_ours = database.begin_rotation()?;
    let store = database.open_existing().await.context("cannot open the database")?;
    let rotated = rotate_all(&database, &store, &rotate).await;
    store.close().await;
    let rows = rotated?;
    if is_file_ours {
        database.end_rotation()?;
    }
    let next = if is_file_ours { "" } else { "next: remove the old key from store.key\n" };
    print_out(&if rotate.json {
        format!("{}\n", json!({ "rows": rows, "old_key_removed": is_file_ours }))
    } else {
        format!("encrypted {rows} rows with the new key; the old key opens nothing any more\n{next}")
    });
    Ok(ExitCode::SUCCESS)
}

async fn rotate_all(database: &Database, store: &Store, rotate: &Rotate) -> anyhow::Result<u64> {
    let running = database.is_in_use().await?;
    if running {
        wait_for_switch(store).await?;
    }
    let mut rows = reseal(store).await?;
    if running {
        tokio::time::sleep(rotate.settle.get().unsigned_abs()).await;
        rows += reseal(store).await?;
    }
    let left = store.count_stale().await?;
    anyhow::ensure!(left == 0, "{left} rows cannot be decrypted with any known key: the old key is kept");
    let mut tx = store.begin().await?;
    tx.record_rotation(rows, SystemClock.now()).await?;
    tx.commit().await?;
    Ok(rows)
}

/// Waits until the daemon encrypts with the new key.
async fn wait_for_switch(store: &Store) -> anyhow::Result<()> {
    let begun = std::time::Instant::now();
    while !store.is_hash_key_resealed().await? {
        anyhow::ensure!(
            begun.elapsed() < PATIENCE,
            "the daemon does not use the new key: restart it if store.key is an environment variable, then run this again"
        );
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

async fn reseal(store: &Store) -> anyhow::Result<u64> {
    let bar = progress::steps("rows");
    bar.set_length(store.count_stale().await?);
    let mut resealing = Resealing::default();
    while store.reseal_step(&mut resealing).await? {
        bar.set_position(resealing.done);
        tokio::time::sleep(PAUSE).await;
    }
    bar.finish_and_clear();
    Ok(resealing.done)
}
