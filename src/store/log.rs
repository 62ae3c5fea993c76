//! The write-ahead log: kept short without keeping anybody waiting, and emptied of what was forgotten.

use std::time::{Duration, SystemTime};

use sqlx::{Connection as _, Row as _};
use tracing::instrument;

use super::{Store, StoreError};

/// How long emptying the log waits for those who read it.
const SHORTLY: Duration = Duration::from_millis(5);

/// What the write-ahead log looks like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogLook {
    /// How large it is. A log that began anew keeps its size.
    pub bytes: u64,
    /// When it was written to last.
    pub written_at: Option<SystemTime>,
}

impl Store {
    /// Moves what the write-ahead log holds into the database, so that the log begins anew. Most of it is moved while others
    /// write, and only the rest while nobody does: a commit that did it, as SQLite would by itself, would be a slow one.
    #[instrument(name = "store.checkpoint", skip_all, err)]
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        let mut beside = self.writer.another(None).await?;
        sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").fetch_optional(&mut beside).await?;
        let mut held = self.writer.hold().await?;
        sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").fetch_optional(&mut *held).await?;
        held.release();
        Ok(beside.close().await?)
    }

    /// Empties the write-ahead log, so that nothing that was forgotten is left in it. False when somebody was reading it:
    /// writers wait while this does, so it does not wait for long.
    #[instrument(name = "store.empty_log", skip_all, err)]
    pub async fn empty_log(&self) -> Result<bool, StoreError> {
        let mut beside = self.writer.another(Some(SHORTLY)).await?;
        let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut beside).await?;
        beside.close().await?;
        Ok(row.try_get::<i64, _>("busy")? == 0)
    }

    /// What the write-ahead log looks like now: another look tells whether anything was written meanwhile.
    pub fn look_at_log(&self) -> LogLook {
        let mut log = self.path.as_os_str().to_owned();
        log.push("-wal");
        // Without a log there is nothing in it.
        let Ok(log) = std::fs::metadata(log) else { return LogLook::default() };
        LogLook { bytes: log.len(), written_at: log.modified().ok() }
    }
}
