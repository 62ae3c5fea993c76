//! The write-ahead log: kept short without keeping anybody waiting, and emptied of what was forgotten.

use std::time::{Duration, SystemTime};

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, Row as _};
use tracing::instrument;

use super::{Store, StoreError, stamp};

/// How long emptying the log waits for those who read it.
const SHORTLY: Duration = Duration::from_millis(5);

/// How many pages are moved out of the log at least, once anything is: few enough for a few milliseconds of the disk.
const STEP: i64 = 200;

/// From how many pages on the log begins anew: 32 MiB.
const LONG: i64 = 8_000;

/// And from how many on when only [`FEW`] came since the last look: 4 MiB. A shorter log is sooner emptied of what was
/// forgotten; to begin it anew so often would cost a twentieth of what is taken in at full speed.
const SHORT: i64 = 1_000;

/// How many pages are moved while nobody writes without being felt. At full speed more of them come between two looks.
const FEW: i64 = 64;

/// How many turns a stamp waits for a moment in which nobody writes, before it waits in the line.
const PATIENCE: u32 = 20;

const PASSIVE: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// What the write-ahead log looks like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WalStatus {
    /// How large it is. A log that began anew keeps its size.
    pub bytes: u64,
    /// When it was written to last.
    pub written_at: Option<SystemTime>,
}

/// Works the write-ahead log off, by a connection of its own.
#[derive(Debug)]
pub struct WalCheckpointer {
    store: Store,
    /// None before the first look, and after trouble.
    connection: Option<SqliteConnection>,
    last: WalStatus,
    /// The salt of the log that was stamped last.
    stamped: Option<u32>,
    /// How often somebody was writing when a log was to be stamped.
    missed: u32,
    /// How many pages the log held when it last was to begin anew and did not: somebody reads it.
    tried_at: i64,
}

impl WalCheckpointer {
    /// Looks at the log, and moves what it holds into the database; says whether anything was written since the last look.
    ///
    /// It is moved in small steps and while others write. A commit that did it, as SQLite would by itself, would be a slow
    /// one; a large step keeps the disk from them for as long as it takes to write, which is the longest that a vendor waits.
    /// The log goes on growing meanwhile. Once it is long, or sooner while little is written, what is left of it is moved while
    /// nobody writes, so that it can begin anew.
    #[instrument(name = "store.log.turn", skip_all, err)]
    pub async fn checkpoint(&mut self) -> Result<bool, StoreError> {
        let look = self.store.wal_status();
        // A replaced database must not get what the log of the other one holds.
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
            let guard = self.store.writer.acquire().await?;
            checkpoint(&mut connection, PASSIVE).await?;
            guard.release();
        }
        self.connection = Some(connection);
        Ok(true)
    }

    /// Stamps the log, if it began since the last look.
    async fn stamp(&mut self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let Some(files) = self.store.writer.watched() else { return Ok(()) };
        if files.log_salt()? == self.stamped {
            return Ok(());
        }
        let guard = match self.store.writer.try_acquire() {
            Some(guard) => guard,
            None if self.missed < PATIENCE => {
                self.missed += 1;
                // Looked at again with the next turn, written to or not.
                self.last = WalStatus::default();
                return Ok(());
            }
            None => self.store.writer.acquire().await?,
        };
        let stamped = stamp::renew(files, connection).await;
        self.last = self.store.wal_status();
        guard.release();
        self.missed = 0;
        self.stamped = stamped?;
        Ok(())
    }

    /// Closes its connection.
    pub async fn close(self) -> Result<(), StoreError> {
        match self.connection {
            Some(connection) => Ok(connection.close().await?),
            None => Ok(()),
        }
    }
}

/// How many pages the log holds, and how many of them are in the database too.
async fn checkpoint(connection: &mut SqliteConnection, statement: &'static str) -> Result<(i64, i64), StoreError> {
    let row = sqlx::query(statement).fetch_one(connection).await?;
    Ok((row.try_get("log")?, row.try_get("checkpointed")?))
}

impl Store {
    /// Whoever is to keep the write-ahead log short.
    pub fn wal_checkpointer(&self) -> WalCheckpointer {
        WalCheckpointer {
            store: self.clone(),
            connection: None,
            last: self.wal_status(),
            stamped: None,
            missed: 0,
            tried_at: 0,
        }
    }

    /// Empties the write-ahead log, so that nothing that was forgotten is left in it. False when somebody was reading it:
    /// writers wait while this does, so it does not wait for long, and what it holds is moved before, while they write.
    #[instrument(name = "store.truncate_wal", skip_all, err)]
    pub async fn truncate_wal(&self) -> Result<bool, StoreError> {
        let mut beside = self.writer.another(Some(SHORTLY)).await?;
        checkpoint(&mut beside, PASSIVE).await?;
        let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut beside).await?;
        beside.close().await?;
        Ok(row.try_get::<i64, _>("busy")? == 0)
    }

    /// What the write-ahead log looks like now: another look tells whether anything was written meanwhile.
    pub fn wal_status(&self) -> WalStatus {
        let mut log = self.path.as_os_str().to_owned();
        log.push("-wal");
        // Without a log there is nothing in it.
        let Ok(log) = std::fs::metadata(log) else { return WalStatus::default() };
        WalStatus { bytes: log.len(), written_at: log.modified().ok() }
    }
}
