//! Access to the only connection that writes: waiting for a turn, and closing it.

use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, Notify, mpsc, oneshot};

use super::StoreError;
use super::commit::{BetweenGroups, Committer};
use super::files::Files;
use super::share::Share;
use super::sql::{Connection, Options};
use super::turn::{Answer, Held, Queues, Request, Turn, WriterState};
use crate::domain::ids::SourceName;

/// The maximum wait for the connection.
const PATIENCE: Duration = Duration::from_secs(30);

/// The maximum number of queued requests for the connection. Further ones wait in their order.
const QUEUED: usize = 1024;

/// Gives access to the connection that writes, in turn.
#[derive(Clone)]
pub(super) struct Writer {
    options: Arc<Options>,
    /// The files of a daemon's database, locked and watched; `None` for a command beside it.
    files: Option<Arc<Files>>,
    queues: Queues,
    between_groups: mpsc::Sender<BetweenGroups>,
    /// Only the committer keeps the connection open.
    state: Weak<Mutex<WriterState>>,
    /// The connection of the intake, where it has its own.
    intake: Option<Box<Self>>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writer")
    }
}

impl Writer {
    /// Starts the committer. It ends with [`Writer::close`], or with the last handle of the database.
    ///
    /// `options` open another connection when the first one is no longer usable.
    pub(super) fn start(
        options: Options,
        connection: Connection,
        files: Option<Arc<Files>>,
        paused_sources: Arc<ArcSwap<HashSet<SourceName>>>,
        committed: Arc<Notify>,
    ) -> Self {
        let (state, options) = (Arc::new(Mutex::new(WriterState::new(connection))), Arc::new(options));
        let (deliveries, queued_deliveries) = mpsc::channel(QUEUED);
        let (units, queued_units) = mpsc::channel(QUEUED);
        let (between_groups, queued_between_groups) = mpsc::channel(QUEUED);
        let writer = Self {
            options: Arc::clone(&options),
            files: files.clone(),
            queues: Queues { deliveries, units },
            between_groups,
            state: Arc::downgrade(&state),
            intake: None,
        };
        let serving = Committer {
            state,
            options,
            files,
            paused_sources,
            committed,
            deliveries: queued_deliveries,
            units: queued_units,
            between_groups: queued_between_groups,
            share: Share::default(),
        };
        // Not on the daemon's task tracker: it serves every part until the database is closed after all of them.
        drop(Handle::current().spawn(serving.run()));
        writer
    }

    /// The same with another connection for the intake: no unit of work delays a vendor.
    pub(super) fn with_intake(self, intake: Self) -> Self {
        Self { intake: Some(Box::new(intake)), ..self }
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
    pub(super) async fn another(&self, busy_timeout: Option<Duration>) -> Result<Connection, StoreError> {
        self.check_files()?;
        match busy_timeout {
            Some(patience) => self.options.with_busy_timeout(patience).connect().await,
            None => self.options.connect().await,
        }
    }

    /// Waits for a turn in the shared transaction.
    pub(super) async fn begin(&self) -> Result<Turn, StoreError> {
        self.turn(&self.queues.units, |turn| Request { is_intake: false, turn }).await
    }

    /// Waits for a turn of the intake. Without other writers, no transaction is open: see [`Turn::share_transaction`].
    pub(super) async fn begin_for_intake(&self) -> Result<Turn, StoreError> {
        let intake = self.intake.as_deref().unwrap_or(self);
        intake.turn(&intake.queues.deliveries, |turn| Request { is_intake: true, turn }).await
    }

    /// Waits until no transaction is open. None begins before the turn is dropped.
    pub(super) async fn acquire(&self) -> Result<Turn, StoreError> {
        self.turn(&self.between_groups, BetweenGroups::Turn).await
    }

    /// The connection, if no other writer uses it.
    pub(super) fn try_acquire(&self) -> Option<Turn> {
        let held = self.state.upgrade()?.try_lock_owned().ok()?;
        if held.in_transaction || held.is_broken {
            return None;
        }
        Some(Turn::new(held, self.queues.clone()))
    }

    async fn turn<R>(&self, queue: &mpsc::Sender<R>, request: fn(Answer<Held>) -> R) -> Result<Turn, StoreError> {
        let (turn, granted) = oneshot::channel();
        let waiting = async {
            queue.send(request(turn)).await.map_err(|_closed| sqlx::Error::PoolClosed)?;
            granted.await.map_err(|_closed| sqlx::Error::PoolClosed)?
        };
        let held = tokio::time::timeout(PATIENCE, waiting).await.map_err(|_elapsed| sqlx::Error::PoolTimedOut)??;
        Ok(Turn::new(held, self.queues.clone()))
    }

    /// Waits until the connection is free, and closes it for good.
    pub(super) async fn close(&self) {
        if let Some(intake) = self.intake.as_deref() {
            Box::pin(intake.close()).await;
        }
        let (done, closed) = oneshot::channel();
        if self.between_groups.send(BetweenGroups::Close(done)).await.is_err() || closed.await.is_err() {
            tracing::debug!("the database was closed before");
        }
    }
}
