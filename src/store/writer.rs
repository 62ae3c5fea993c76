//! The only connection that writes. One holder at a time writes; the others wait.
//!
//! The intake waits for one other holder at most, because a vendor waits for its answer. The others form a separate
//! queue, of which only the first competes with the intake. Each is served in turn, so that neither starves.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Executor as _};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::files::{Acknowledged, Files};
use super::{StoreError, stamp};

/// The maximum wait for the connection.
const PATIENCE: Duration = Duration::from_secs(30);

/// The connection, or the reason why there is none.
enum WriterState {
    /// The connection is not held.
    Free(SqliteConnection),
    /// The last holder did not release it: the next one opens another.
    Empty,
    Closed,
}

/// The shared connection and its queue.
#[derive(Clone)]
pub(super) struct Writer {
    options: Arc<SqliteConnectOptions>,
    /// The number of tasks that hold the connection or wait for it.
    interested: Arc<AtomicUsize>,
    state: Arc<Mutex<WriterState>>,
    /// The queue for all but the intake.
    line: Arc<Mutex<()>>,
    /// The files of a daemon's database, locked and watched; `None` for a command beside it.
    files: Option<Arc<Files>>,
}

/// The held connection. If dropped without [`WriteGuard::release`], it is closed and replaced: SQLite rolls a
/// transaction back by itself when the disk is full, and the connection may have other unknown faults.
pub(super) struct WriteGuard {
    connection: SqliteConnection,
    state: OwnedMutexGuard<WriterState>,
    interest: Interest,
    files: Option<Arc<Files>>,
}

/// Counts a task that holds the connection or waits for it, for as long as it lives.
struct Interest(Arc<AtomicUsize>);

impl Interest {
    fn in_it(all: &Arc<AtomicUsize>) -> Self {
        all.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(all))
    }
}

impl Drop for Interest {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writer")
    }
}

impl std::fmt::Debug for WriteGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WriteGuard")
    }
}

impl Writer {
    /// `options` open another connection when the first one is no longer usable.
    pub(super) fn new(options: SqliteConnectOptions, connection: SqliteConnection, files: Option<Arc<Files>>) -> Self {
        Self {
            options: Arc::new(options),
            interested: Arc::default(),
            state: Arc::new(Mutex::new(WriterState::Free(connection))),
            line: Arc::default(),
            files,
        }
    }

    /// The files that are watched.
    pub(super) fn watched(&self) -> Option<&Arc<Files>> {
        self.files.as_ref()
    }

    /// Fails if a file under the daemon was replaced or removed.
    pub(super) fn check_files(&self) -> Result<(), StoreError> {
        self.watched().map_or(Ok(()), |files| files.check())
    }

    /// Opens another connection, for work that would block this one.
    pub(super) async fn another(&self, busy_timeout: Option<Duration>) -> Result<SqliteConnection, StoreError> {
        self.check_files()?;
        let options = SqliteConnectOptions::clone(&self.options);
        let options = if let Some(patience) = busy_timeout { options.busy_timeout(patience) } else { options };
        Ok(SqliteConnection::connect_with(&options).await?)
    }

    /// Waits for the connection in the queue.
    pub(super) async fn acquire(&self) -> Result<WriteGuard, StoreError> {
        let interest = Interest::in_it(&self.interested);
        let in_line = async {
            let _first = self.line.lock().await;
            self.take(interest).await
        };
        tokio::time::timeout(PATIENCE, in_line).await.map_err(|_elapsed| sqlx::Error::PoolTimedOut)?
    }

    /// Waits for the connection outside the queue: for the intake.
    pub(super) async fn acquire_for_intake(&self) -> Result<WriteGuard, StoreError> {
        let taking = self.take(Interest::in_it(&self.interested));
        tokio::time::timeout(PATIENCE, taking).await.map_err(|_elapsed| sqlx::Error::PoolTimedOut)?
    }

    /// The connection, if it is free.
    pub(super) fn try_acquire(&self) -> Option<WriteGuard> {
        let interest = Interest::in_it(&self.interested);
        let mut state = Arc::clone(&self.state).try_lock_owned().ok()?;
        match std::mem::replace(&mut *state, WriterState::Empty) {
            WriterState::Free(connection) => {
                Some(WriteGuard { connection, state, interest, files: self.files.clone() })
            }
            other @ (WriterState::Empty | WriterState::Closed) => {
                *state = other;
                None
            }
        }
    }

    async fn take(&self, interest: Interest) -> Result<WriteGuard, StoreError> {
        let mut state = Arc::clone(&self.state).lock_owned().await;
        let connection = match std::mem::replace(&mut *state, WriterState::Empty) {
            WriterState::Free(connection) => connection,
            WriterState::Empty => {
                self.check_files()?;
                SqliteConnection::connect_with(&self.options).await?
            }
            WriterState::Closed => {
                *state = WriterState::Closed;
                return Err(sqlx::Error::PoolClosed.into());
            }
        };
        Ok(WriteGuard { connection, state, interest, files: self.files.clone() })
    }

    /// Waits until the connection is free, and closes it for good.
    pub(super) async fn close(&self) {
        let mut state = self.state.lock().await;
        if let WriterState::Free(mut connection) = std::mem::replace(&mut *state, WriterState::Closed) {
            if let Some(files) = self.files.as_ref().filter(|files| files.check().is_ok())
                && let Err(error) = stamp::end(files, &mut connection).await
            {
                let error = anyhow::Error::new(error);
                tracing::warn!(
                    error = format!("{error:#}"),
                    "the clean stop could not be recorded: the next start checks the database"
                );
            }
            if let Err(error) = connection.close().await {
                tracing::warn!(%error, "the database did not close as it should");
            }
        }
    }
}

impl WriteGuard {
    /// Whether another task waits for the connection.
    pub(super) fn is_awaited(&self) -> bool {
        self.interest.0.load(Ordering::Relaxed) > 1
    }

    /// Fails if a file under the daemon was replaced or removed.
    pub(super) fn check_files(&self) -> Result<(), StoreError> {
        self.files.as_ref().map_or(Ok(()), |files| files.check())
    }

    /// Records the committed rows before they are acknowledged: fails if the rows may be lost at a restart.
    pub(super) fn acknowledge(&self, newest: Acknowledged) -> Result<(), StoreError> {
        self.check_files()?;
        self.files.as_ref().map_or(Ok(()), |files| files.acknowledge(newest))
    }

    /// Releases the connection. No transaction is open on it.
    pub(super) fn release(self) {
        let Self { connection, mut state, interest, files: _ } = self;
        *state = WriterState::Free(connection);
        drop(interest);
    }

    /// Rolls back uncommitted writes, and releases the connection.
    pub(super) async fn roll_back(mut self) {
        match self.connection.execute("ROLLBACK").await {
            Ok(_) => self.release(),
            Err(error) => tracing::debug!(%error, "nothing to roll back: the connection is exchanged for a new one"),
        }
    }
}

impl Deref for WriteGuard {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for WriteGuard {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;

    use super::*;
    use crate::store::{Database, KeyLocation};

    #[tokio::test]
    async fn writer_notices_whether_another_writer_waits() {
        let dir = tempfile::tempdir().unwrap();
        let store = Database { path: dir.path().join("x.db"), key: KeyLocation::Given([7; 32]) }.open().await.unwrap();
        let first = store.begin().await.unwrap();
        assert!(!first.is_awaited());
        let mut others = JoinSet::new();
        let waiting = store.clone();
        others.spawn(async move { waiting.begin().await.unwrap() });
        let noticed = async {
            while !first.is_awaited() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), noticed).await.expect("it is noticed");
        drop(first);
        assert!(!others.join_next().await.unwrap().unwrap().is_awaited(), "no other writer waits");
    }
}
