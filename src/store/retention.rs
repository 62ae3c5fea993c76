//! Retention: expired data is deleted in small steps. Also the counts for metrics and health, and the backup.

use std::fs::OpenOptions;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use tracing::instrument;

use super::deliveries::expiry_limit;
use super::files::file_error;
use super::paths::sync_folder;
use super::private_file::open_private;
use super::row::{RowReader, millis};
use super::schema::newest_version;
use super::sql::{Connection, query};
use super::{Store, StoreError, Tx, stamp};

/// The number of rows per step: a commit of the intake waits a millisecond or two.
const STEP: i64 = 25;

/// The result of one retention step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RetentionReport {
    /// Deliveries whose repetition now counts as a new delivery.
    pub dedupe_windows_closed: u64,
    pub bodies_deleted: u64,
}

/// The values of the gauges.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gauges {
    /// The oldest job that is due and not leased.
    pub oldest_due: Option<Timestamp>,
    /// When the oldest open request for erasure was received.
    pub oldest_erasure_request: Option<Timestamp>,
}

impl Tx {
    /// Runs one small retention step. Call again while it deletes rows.
    #[instrument(name = "store.retention.apply", skip_all, err)]
    pub async fn apply_retention(
        &mut self,
        keep_payloads: SignedDuration,
        now: Timestamp,
    ) -> Result<RetentionReport, StoreError> {
        let windows = query(
            "UPDATE deliveries
                 SET dedupes = 0
                 WHERE seq IN (
                     SELECT seq
                     FROM deliveries
                     WHERE dedupes = 1 AND dedupe_until <= $1
                     ORDER BY dedupe_until
                     LIMIT $2)",
        )
        .bind(millis(now))
        .bind(STEP)
        .execute(&mut **self)
        .await?
        .rows_affected();
        // A body that was entirely unreadable is kept: it is replayed when the mapping is fixed.
        let bodies = query(
            "UPDATE deliveries
             SET body = NULL
             WHERE seq IN (
                 SELECT seq
                 FROM deliveries
                 WHERE routed_at IS NOT NULL
                     AND body IS NOT NULL
                     AND routed_at <= $1
                     AND (status = 'routed' OR partly_read = 1)
                 ORDER BY routed_at
                 LIMIT $2)",
        )
        .bind(expiry_limit(now, keep_payloads))
        .bind(STEP)
        .execute(&mut **self)
        .await?
        .rows_affected();
        self.delete_old_escalations(STEP, now).await?;
        Ok(RetentionReport { dedupe_windows_closed: windows, bodies_deleted: bodies })
    }
}

impl RetentionReport {
    /// Whether another step may delete more.
    pub const fn has_more(&self) -> bool {
        self.dedupe_windows_closed > 0 || self.bodies_deleted > 0
    }
}

impl Store {
    #[instrument(name = "store.gauges", skip_all, err)]
    pub async fn gauges(&self, now: Timestamp) -> Result<Gauges, StoreError> {
        let row = query(
            // From site to site by the queue's index: only its beginning is read, not all waiting jobs.
            "WITH RECURSIVE
                 lanes (site) AS (
                     SELECT MIN(site)
                     FROM jobs
                     WHERE state = 'queued'
                     UNION ALL
                     SELECT (SELECT MIN(site) FROM jobs WHERE state = 'queued' AND site > lanes.site)
                     FROM lanes
                     WHERE lanes.site IS NOT NULL),
                 firsts (due_at) AS (
                     SELECT (
                         SELECT MIN(due_at)
                         FROM jobs
                         WHERE state = 'queued' AND site = lanes.site AND urgency = either.urgency)
                     FROM lanes, (SELECT 0 AS urgency UNION ALL SELECT 1 UNION ALL SELECT 2) either)
             SELECT
                 '' AS id, (SELECT MIN(due_at) FROM firsts WHERE due_at <= $1) AS oldest_due,
                 (SELECT MIN(erasure_requested_at) FROM cases WHERE erasure_deadline_at IS NOT NULL) AS oldest_erasure",
        )
        .bind(millis(now))
        .fetch_one(&self.reader)
        .await?;
        let reader = RowReader { what: "gauge", row: &row };
        Ok(Gauges {
            oldest_due: reader.at_if_any("oldest_due")?,
            oldest_erasure_request: reader.at_if_any("oldest_erasure")?,
        })
    }

    /// Whether the database is writable: acquires the write lock, writes nothing.
    #[instrument(name = "store.check_writable", skip_all, err)]
    pub async fn check_writable(&self) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        query("UPDATE store_key SET sealed = sealed").execute(&mut *tx).await?.rows_affected();
        Ok(())
    }

    /// Writes a consistent copy of the running database. The file must not exist.
    #[instrument(name = "store.backup", skip_all, err)]
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        // Created beforehand, empty: otherwise the umask would decide who may read it.
        drop(
            open_private(OpenOptions::new().write(true).create_new(true), to)
                .map_err(|source| file_error(to, source))?,
        );
        let copied = self.copy(to).await;
        if copied.is_err() {
            std::fs::remove_file(to).map_err(|source| file_error(to, source))?;
        }
        copied
    }

    async fn copy(&self, to: &Path) -> Result<(), StoreError> {
        let mut beside = self.writer.another(None).await?;
        let copied = query("VACUUM INTO $1").bind(to.display().to_string()).execute(&mut beside).await;
        beside.close().await?;
        copied?;
        // No existing log belongs to the copy.
        let options = SqliteConnectOptions::new().filename(to).synchronous(SqliteSynchronous::Full);
        let mut copy = Connection::sqlite(&options).await?;
        let separated = stamp::separate(&mut copy).await;
        copy.close().await?;
        separated?;
        let synced = std::fs::File::open(to).and_then(|file| file.sync_all()).and_then(|()| sync_folder(to));
        synced.map_err(|source| file_error(to, source))
    }

    /// Whether the schema is of this version.
    #[instrument(name = "store.schema", skip_all, err)]
    pub async fn schema_is_current(&self) -> Result<bool, StoreError> {
        let row = query("SELECT COALESCE(MAX(version), 0) AS version FROM _sqlx_migrations WHERE success")
            .fetch_one(&self.reader)
            .await?;
        Ok(row.try_get::<i64>("version")? == newest_version())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_step_that_deleted_rows_is_followed_by_another() {
        let has_more = |dedupe_windows_closed, bodies_deleted| {
            RetentionReport { dedupe_windows_closed, bodies_deleted }.has_more()
        };
        assert!(has_more(1, 0) && has_more(0, 1) && has_more(1, 1));
        assert!(!has_more(0, 0));
    }
}
