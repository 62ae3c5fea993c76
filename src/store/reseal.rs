//! Seals again what was sealed with an earlier key: after the master key was rotated, and after a period ended. It runs in small
//! steps beside other writers, and continues where it stopped: the ciphertexts themselves show what is left.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tracing::instrument;

use super::paths::with_suffix;
use super::period_keys::{self, needed, turned};
use super::sealed_columns::{COLUMNS, SealedColumn};
use super::sql::{Row, query};
use super::{Store, StoreError, Tx};

/// The number of rows in one step: a commit of the intake waits a few milliseconds.
const STEP: i64 = 50;

/// What is left of a pass over all columns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resealing {
    column: usize,
    /// The rows of this column that cannot be opened: they are damaged, and stay.
    skipped: i64,
    /// The number of rows that were sealed again.
    pub done: u64,
    /// The number of rows that cannot be opened.
    pub damaged: u64,
}

impl Store {
    /// The number of rows that were sealed with an earlier key.
    #[instrument(name = "store.reseal.count", skip_all, err)]
    pub async fn count_stale(&self) -> Result<u64, StoreError> {
        let newest = self.key.newest_id();
        let mut stale = 0;
        for column in &COLUMNS {
            let row = query(column.count).bind(newest.as_slice()).fetch_one(&self.reader).await?;
            let count: i64 = row.try_get("count")?;
            stale += u64::try_from(count).unwrap_or_default();
        }
        Ok(stale)
    }

    /// Seals some rows again. Returns false when none is left.
    #[instrument(name = "store.reseal.step", skip_all, err)]
    pub async fn reseal_step(&self, progress: &mut Resealing) -> Result<bool, StoreError> {
        let newest = self.key.newest_id();
        while let Some(column) = COLUMNS.get(progress.column) {
            let rows = query(column.stale)
                .bind(newest.as_slice())
                .bind(STEP)
                .bind(progress.skipped)
                .fetch_all(&self.reader)
                .await?;
            if rows.is_empty() {
                progress.column += 1;
                progress.skipped = 0;
                continue;
            }
            let mut tx = self.begin().await?;
            for row in &rows {
                if tx.reseal(column, row).await? {
                    progress.done += 1;
                } else {
                    progress.skipped += 1;
                    progress.damaged += 1;
                }
            }
            tx.commit().await?;
            return Ok(true);
        }
        let mut tx = self.begin().await?;
        tx.reseal_hash_key().await?;
        tx.commit().await?;
        Ok(false)
    }

    /// Writes the secrets of the periods beside a backup: without them it cannot be opened.
    pub fn backup_periods(&self, backup: &Path) -> Result<(), StoreError> {
        period_keys::write(&with_suffix(backup, ".keys"), &self.key.periods())
    }

    /// Begins a new period if the present one is over, and writes a file that was removed again. Returns whether one began.
    #[instrument(name = "store.period.turn", skip_all, err)]
    pub async fn turn_period(&self, keep_backups: SignedDuration, now: Timestamp) -> Result<bool, StoreError> {
        let (path, periods) = (self.period_file(), self.key.periods());
        if periods.is_empty() {
            // The data of a server is sealed with the master key alone: there is no file beside it for other secrets.
            return Ok(false);
        }
        let Some(turned) = turned(&periods, keep_backups, now) else {
            if !path.exists() {
                period_keys::write(&path, &periods)?;
            }
            return Ok(false);
        };
        // On the disk before anything is sealed with it.
        period_keys::write(&path, &turned)?;
        self.key.set_periods(&turned);
        Ok(turned.len() > periods.len())
    }

    /// Deletes the secrets of periods that no backup needs any more. Call it after everything was sealed again. Returns the
    /// number of periods that ended.
    #[instrument(name = "store.period.end", skip_all, err)]
    pub async fn end_periods(&self, keep_backups: SignedDuration, now: Timestamp) -> Result<usize, StoreError> {
        let periods = self.key.periods();
        let needed = needed(&periods, keep_backups, now);
        let ended = periods.len().saturating_sub(needed.len());
        if ended == 0 {
            return Ok(0);
        }
        let mut tx = self.begin().await?;
        let ids: Vec<_> = periods.iter().filter(|period| !needed.contains(period)).map(|period| period.id).collect();
        tx.write_journal(None, "periods_ended", &json!({ "periods": ids }), now).await?;
        tx.commit().await?;
        period_keys::write(&self.period_file(), &needed)?;
        self.key.set_periods(&needed);
        Ok(ended)
    }
}

impl Tx {
    /// Seals a row again. Returns false if it cannot be opened. A row that changed meanwhile is sealed with the newest key
    /// already.
    async fn reseal(&mut self, column: &SealedColumn, row: &Row) -> Result<bool, StoreError> {
        let (context, before): (Vec<u8>, Vec<u8>) = ((column.context)(row)?, row.try_get("sealed")?);
        let Ok(plain) = self.key.open(&context, &before) else {
            tracing::debug!(table = column.table, "a row cannot be opened");
            return Ok(false);
        };
        query(column.write)
            .bind(self.key.seal(&context, &plain))
            .bind(before)
            .bind(row.try_get::<String>("a")?)
            .bind(row.try_get::<Option<Vec<u8>>>("b")?)
            .bind(row.try_get::<Option<Vec<u8>>>("c")?)
            .execute(&mut **self)
            .await?;
        Ok(true)
    }

    /// Seals the key of the hashes with the newest master key.
    async fn reseal_hash_key(&mut self) -> Result<(), StoreError> {
        let row = query("SELECT sealed FROM store_key").fetch_one(&mut **self).await?;
        let (before, after): (Vec<u8>, Vec<u8>) = (row.try_get("sealed")?, self.key.seal_hash_key());
        if before.first_chunk::<4>() != after.first_chunk::<4>() {
            query("UPDATE store_key SET sealed = $1 WHERE sole = $2")
                .bind(after)
                .bind(1)
                .exec_one(self, "store key", 1)
                .await?;
        }
        Ok(())
    }

    /// Records that everything is sealed with the newest master key.
    #[instrument(name = "store.reseal.journal", skip_all, err)]
    pub async fn record_rotation(&mut self, rows: u64, now: Timestamp) -> Result<(), StoreError> {
        self.write_journal(None, "key_rotated", &json!({ "rows": rows }), now).await.map(drop)
    }
}

impl Store {
    /// Whether the process that uses the database has switched to the newest master key: the key of the hashes is sealed with
    /// it.
    #[instrument(name = "store.reseal.is_switched", skip_all, err)]
    pub async fn is_hash_key_resealed(&self) -> Result<bool, StoreError> {
        let row = query("SELECT sealed FROM store_key").fetch_one(&self.reader).await?;
        let sealed: Vec<u8> = row.try_get("sealed")?;
        Ok(sealed.first_chunk::<4>() == self.key.newest_id().first_chunk::<4>())
    }
}
