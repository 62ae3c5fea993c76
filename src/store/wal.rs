//! The write-ahead log: kept short without delaying other writers, and cleared of deleted data.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use tracing::instrument;

use super::sql::{Connection, Kind, query};
use super::{Store, StoreError, stamp};

/// The time that emptying the log waits for readers.
const SHORTLY: Duration = Duration::from_millis(5);

/// The minimum number of pages that a checkpoint moves out of the log: it takes the disk a few milliseconds.
const STEP: i64 = 200;

/// The number of pages at which the log restarts: 32 MiB.
const LONG: i64 = 8_000;

/// The number of pages at which the log restarts if at most [`FEW`] are left: 4 MiB. A shorter log is cleared of
/// deleted data sooner, but restarting it that often would cost 5% of the intake's full throughput.
const SHORT: i64 = 1_000;

/// The number of pages that are moved without a noticeable delay while writers wait. At full speed more are added per
/// turn.
const FEW: i64 = 64;

/// The number of turns that a stamp waits for a free writer, before it queues for the writer.
const PATIENCE: u32 = 20;

/// The time between two truncations because of shredded data.
const BETWEEN_CLEARINGS: Duration = Duration::from_secs(1);

const PASSIVE: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// The size and age of the write-ahead log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WalStatus {
    /// The size in bytes. A restarted log keeps its size.
    pub bytes: u64,
    /// When it was last written.
    pub written_at: Option<SystemTime>,
}

/// Checkpoints the write-ahead log on a separate connection.
#[derive(Debug)]
pub struct WalCheckpointer {
    store: Store,
    /// `None` before the first turn, and after an error.
    connection: Option<Connection>,
    last: WalStatus,
    /// The salt of the log that was stamped last.
    stamped: Option<u32>,
    /// The number of times that the writer was busy when a log needed a stamp.
    missed: u32,
    /// The number of pages when the log last could not restart, because of a reader.
    tried_at: i64,
    /// When the log was last truncated because of shredded data.
    cleared_at: Option<Instant>,
}

impl WalCheckpointer {
    /// Checkpoints the log into the database. Returns whether anything was written since the last turn.
    ///
    /// The pages are moved in small steps and while others write. A commit that moved them, as SQLite does by default,
    /// would be slow. A large step occupies the disk for as long as it takes to write, which is the longest that a
    /// vendor waits. The log continues to grow meanwhile. Once it is long, or sooner while little is written, the rest
    /// is moved while no other connection writes, so that the log can restart.
    #[instrument(name = "store.wal.checkpoint", skip_all, err)]
    pub async fn checkpoint(&mut self) -> Result<bool, StoreError> {
        self.clear_shredded().await?;
        let look = self.store.wal_status();
        // The log of the previous database must not be written into a replaced one.
        if look == self.last || self.store.check_files().is_err() {
            return Ok(false);
        }
        self.last = look;
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.store.writer.another(None).await?,
        };
        self.stamp(&mut connection).await?;
        let (pages, moved) = checkpoint(&mut connection, "PRAGMA wal_checkpoint(NOOP)").await?;
        let left = pages.saturating_sub(moved);
        if left >= STEP {
            checkpoint(&mut connection, PASSIVE).await?;
        }
        if pages < self.tried_at {
            self.tried_at = 0;
        }
        let enough = if left <= FEW { SHORT } else { LONG };
        if pages >= self.tried_at.saturating_add(enough) {
            self.tried_at = pages;
            let turn = self.store.writer.acquire().await?;
            checkpoint(&mut connection, PASSIVE).await?;
            drop(turn);
        }
        self.connection = Some(connection);
        Ok(true)
    }

    /// Truncates the log soon after personal data was shredded, once in a second at most: each truncation makes writers wait.
    async fn clear_shredded(&mut self) -> Result<(), StoreError> {
        let is_early = self.cleared_at.is_some_and(|at| at.elapsed() < BETWEEN_CLEARINGS);
        if is_early || self.store.check_files().is_err() || !self.store.shredded.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        self.cleared_at = Some(Instant::now());
        if !self.store.truncate_wal().await? {
            // A reader is active: the next turn tries again.
            self.store.shredded.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Stamps the log, if it began since the last turn.
    async fn stamp(&mut self, connection: &mut Connection) -> Result<(), StoreError> {
        let Some(files) = self.store.writer.watched() else { return Ok(()) };
        if files.log_salt()? == self.stamped {
            return Ok(());
        }
        let turn = match self.store.writer.try_acquire() {
            Some(turn) => turn,
            None if self.missed < PATIENCE => {
                self.missed += 1;
                // The next turn tries again, whether or not the log was written.
                self.last = WalStatus::default();
                return Ok(());
            }
            None => self.store.writer.acquire().await?,
        };
        let stamped = stamp::renew(files, connection).await;
        self.last = self.store.wal_status();
        drop(turn);
        self.missed = 0;
        self.stamped = stamped?;
        Ok(())
    }

    pub async fn close(self) -> Result<(), StoreError> {
        match self.connection {
            Some(connection) => Ok(connection.close().await?),
            None => Ok(()),
        }
    }
}

/// The number of pages in the log, and how many of them are in the database too.
async fn checkpoint(connection: &mut Connection, statement: &'static str) -> Result<(i64, i64), StoreError> {
    let row = query(statement).fetch_one(connection).await?;
    Ok((row.try_get("log")?, row.try_get("checkpointed")?))
}

impl Store {
    /// Creates the task state that keeps the write-ahead log short.
    pub fn wal_checkpointer(&self) -> WalCheckpointer {
        WalCheckpointer {
            store: self.clone(),
            connection: None,
            last: self.wal_status(),
            stamped: None,
            missed: 0,
            tried_at: 0,
            cleared_at: None,
        }
    }

    /// Empties the write-ahead log, so that it contains no deleted data. Returns false if a reader is active. Writers
    /// wait meanwhile, so the wait is short, and the contents are checkpointed before, while they write.
    #[instrument(name = "store.wal.truncate", skip_all, err)]
    pub async fn truncate_wal(&self) -> Result<bool, StoreError> {
        if self.reader.kind() == Kind::Postgres {
            // Its log is the server's own.
            return Ok(true);
        }
        let mut beside = self.writer.another(Some(SHORTLY)).await?;
        checkpoint(&mut beside, PASSIVE).await?;
        // Not while the log is stamped: after a truncation, a connection that has never begun a log begins the next one with
        // a random salt, to which a stamp made from the previous salt does not belong.
        let turn = self.writer.acquire().await?;
        let row = query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut beside).await?;
        drop(turn);
        beside.close().await?;
        Ok(row.try_get::<i64>("busy")? == 0)
    }

    /// The current status of the log. A different status later means that it was written.
    pub fn wal_status(&self) -> WalStatus {
        let mut log = self.path.as_os_str().to_owned();
        log.push("-wal");
        // A missing log is empty.
        let Ok(log) = std::fs::metadata(log) else { return WalStatus::default() };
        WalStatus { bytes: log.len(), written_at: log.modified().ok() }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::store::{Database, KeyLocation};

    #[tokio::test]
    async fn log_that_is_truncated_while_it_is_stamped_still_belongs_to_the_database() {
        let dir = tempfile::tempdir().unwrap();
        let store = Database::file(dir.path().join("x.db"), KeyLocation::Given([7; 32])).open().await.unwrap();
        for round in 0..300 {
            // A new checkpointer, as at a start: its connection has never begun a log.
            let mut checkpointer = store.wal_checkpointer();
            let mut tx = store.begin().await.unwrap();
            tx.write_journal(None, "test", &json!({}), Timestamp::UNIX_EPOCH).await.unwrap();
            tx.commit().await.unwrap();
            let (truncation, step) = tokio::join!(store.truncate_wal(), checkpointer.checkpoint());
            truncation.unwrap();
            step.unwrap();
            let turn = store.writer.acquire().await.unwrap();
            let mut connection = store.writer.another(None).await.unwrap();
            let accepted = stamp::would_be_accepted(store.writer.watched().unwrap(), &mut connection).await.unwrap();
            assert!(accepted, "round {round}");
            drop(turn);
            connection.close().await.unwrap();
            checkpointer.close().await.unwrap();
        }
        store.close().await;
    }
}
