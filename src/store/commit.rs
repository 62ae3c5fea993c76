//! The group commit: one task owns the only connection that writes, and gives it to one unit of work after the other.
//!
//! A unit of work runs in a savepoint of a transaction that it shares with the units before and after it. The group is
//! committed when no unit waits or the group is full; each unit returns after that. So one fsync serves all that waited
//! during the previous one. A unit that fails, or whose future is dropped, is rolled back to its savepoint, and the
//! others are unaffected. If SQLite rolls back the whole transaction, as on a full disk, every unit of the group fails.
//!
//! The intake waits for one unit of another writer at most, because a vendor waits for its answer. Its deliveries end
//! the group. Without other writers they need no transaction: one statement commits them.

use std::collections::HashSet;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Executor as _};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard, mpsc, oneshot};
use tracing::Instrument as _;

use super::files::Files;
use super::journal::Head;
use super::{StoreError, stamp};
use crate::domain::ids::SourceName;

/// The maximum wait for the connection.
const PATIENCE: Duration = Duration::from_secs(30);

/// The maximum number of units in a group, and the time after which no further unit joins it: the first one waits for
/// the last.
const UNITS: usize = 32;
const JOINING: Duration = Duration::from_millis(10);

/// The maximum number of queued requests for the connection. Further ones wait in their order.
const QUEUED: usize = 1024;

const BEGIN: &str = "BEGIN IMMEDIATE; SAVEPOINT unit";
const BEGIN_NEXT: &str = "RELEASE unit; SAVEPOINT unit";
const ROLL_BACK_UNIT: &str = "ROLLBACK TO unit";
/// Fails without the savepoint: then SQLite has rolled back the group by itself.
const COMMIT: &str = "RELEASE unit; COMMIT";

type Held = OwnedMutexGuard<WriterState>;
type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// Gives access to the connection that writes, in turn.
#[derive(Clone)]
pub(super) struct Writer {
    options: Arc<SqliteConnectOptions>,
    /// The files of a daemon's database, locked and watched; `None` for a command beside it.
    files: Option<Arc<Files>>,
    queues: Queues,
    /// Only the committer keeps the connection open.
    state: Weak<Mutex<WriterState>>,
}

#[derive(Clone)]
struct Queues {
    deliveries: mpsc::Sender<Request>,
    units: mpsc::Sender<Request>,
    between_groups: mpsc::Sender<BetweenGroups>,
}

/// A request for the connection, for one unit of work.
struct Request {
    /// Whether the unit stores deliveries, and a vendor waits for it.
    is_intake: bool,
    turn: Answer<Held>,
}

/// A request that is served while no transaction is open.
enum BetweenGroups {
    Turn(Answer<Held>),
    Close(oneshot::Sender<()>),
}

/// The connection and the state of its transaction.
struct WriterState {
    connection: SqliteConnection,
    /// Whether the connection must be replaced before it is used again.
    is_broken: bool,
    in_transaction: bool,
    unit: Unit,
    group: Group,
}

/// The state of the current unit of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    None,
    /// It is rolled back if its turn ends in this state.
    Running,
    /// It is to be committed.
    Complete,
}

/// The complete units of the open transaction.
#[derive(Default)]
struct Group {
    answers: Vec<Answer<()>>,
    effects: Effects,
}

/// The effects of committed units outside the database.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// The journal's newest entry, once known: no other writer adds one during the transaction.
    pub(super) journal_head: Option<Head>,
    /// The newest delivery, by its row number.
    pub(super) newest_delivery: i64,
    /// The paused sources, if they changed.
    pub(super) paused_sources: Option<HashSet<SourceName>>,
}

/// The held connection. If dropped before [`Turn::complete`], its unit is rolled back.
pub(super) struct Turn {
    held: Held,
    queues: Queues,
}

/// Serves the queues.
struct Committer {
    state: Arc<Mutex<WriterState>>,
    options: Arc<SqliteConnectOptions>,
    files: Option<Arc<Files>>,
    paused_sources: Arc<ArcSwap<HashSet<SourceName>>>,
    deliveries: mpsc::Receiver<Request>,
    units: mpsc::Receiver<Request>,
    between_groups: mpsc::Receiver<BetweenGroups>,
    /// Whether the intake was served last: then another writer is served first, so that neither starves.
    intake_was_last: bool,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writer")
    }
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Turn")
    }
}

impl Writer {
    /// Starts the committer. It ends with [`Writer::close`], or with the last handle of the database.
    ///
    /// `options` open another connection when the first one is no longer usable.
    pub(super) fn start(
        options: SqliteConnectOptions,
        connection: SqliteConnection,
        files: Option<Arc<Files>>,
        paused_sources: Arc<ArcSwap<HashSet<SourceName>>>,
    ) -> Self {
        let state = WriterState {
            connection,
            is_broken: false,
            in_transaction: false,
            unit: Unit::None,
            group: Group::default(),
        };
        let (state, options) = (Arc::new(Mutex::new(state)), Arc::new(options));
        let (deliveries, queued_deliveries) = mpsc::channel(QUEUED);
        let (units, queued_units) = mpsc::channel(QUEUED);
        let (between_groups, queued_between_groups) = mpsc::channel(QUEUED);
        let writer = Self {
            options: Arc::clone(&options),
            files: files.clone(),
            queues: Queues { deliveries, units, between_groups },
            state: Arc::downgrade(&state),
        };
        let committer = Committer {
            state,
            options,
            files,
            paused_sources,
            deliveries: queued_deliveries,
            units: queued_units,
            between_groups: queued_between_groups,
            intake_was_last: false,
        };
        // Not on the daemon's task tracker: it serves every part until the database is closed after all of them.
        drop(Handle::current().spawn(committer.run()));
        writer
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

    /// Waits for a turn in the shared transaction.
    pub(super) async fn begin(&self) -> Result<Turn, StoreError> {
        self.turn(&self.queues.units, |turn| Request { is_intake: false, turn }).await
    }

    /// Waits for a turn of the intake. Without other writers, no transaction is open: see [`Turn::share_transaction`].
    pub(super) async fn begin_for_intake(&self) -> Result<Turn, StoreError> {
        self.turn(&self.queues.deliveries, |turn| Request { is_intake: true, turn }).await
    }

    /// Waits until no transaction is open. None begins before the turn is dropped.
    pub(super) async fn acquire(&self) -> Result<Turn, StoreError> {
        self.turn(&self.queues.between_groups, BetweenGroups::Turn).await
    }

    /// The connection, if no other writer uses it.
    pub(super) fn try_acquire(&self) -> Option<Turn> {
        let held = self.state.upgrade()?.try_lock_owned().ok()?;
        if held.in_transaction || held.is_broken {
            return None;
        }
        Some(Turn { held, queues: self.queues.clone() })
    }

    async fn turn<R>(&self, queue: &mpsc::Sender<R>, request: fn(Answer<Held>) -> R) -> Result<Turn, StoreError> {
        let (turn, granted) = oneshot::channel();
        let waiting = async {
            queue.send(request(turn)).await.map_err(|_closed| sqlx::Error::PoolClosed)?;
            granted.await.map_err(|_closed| sqlx::Error::PoolClosed)?
        };
        let held = tokio::time::timeout(PATIENCE, waiting).await.map_err(|_elapsed| sqlx::Error::PoolTimedOut)??;
        Ok(Turn { held, queues: self.queues.clone() })
    }

    /// Waits until the connection is free, and closes it for good.
    pub(super) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.queues.between_groups.send(BetweenGroups::Close(done)).await.is_err() || closed.await.is_err() {
            tracing::debug!("the database was closed before");
        }
    }
}

impl Turn {
    /// Whether another writer waits.
    pub(super) fn is_awaited(&self) -> bool {
        [&self.queues.units, &self.queues.deliveries].iter().any(|queue| queue.capacity() < queue.max_capacity())
    }

    /// The effects of the units before this one in the same transaction.
    pub(super) fn effects_before(&self) -> &Effects {
        &self.held.group.effects
    }

    /// Begins a transaction if none is open: for an intake that needs more than one statement.
    pub(super) async fn share_transaction(&mut self) -> Result<(), StoreError> {
        if self.held.in_transaction { Ok(()) } else { self.held.begin_unit().await }
    }

    /// Ends the unit. Returns when the group is committed and acknowledged. If this future is dropped, the unit is
    /// committed all the same.
    pub(super) async fn complete(mut self, effects: Effects) -> Result<(), StoreError> {
        let (answer, committed) = oneshot::channel();
        self.held.unit = Unit::Complete;
        self.held.group.add(answer, effects);
        drop(self);
        committed.await.unwrap_or(Err(StoreError::NotCommitted))
    }
}

impl Group {
    fn add(&mut self, answer: Answer<()>, unit: Effects) {
        self.answers.push(answer);
        let Effects { journal_head, newest_delivery, paused_sources } = &mut self.effects;
        *journal_head = unit.journal_head.or(*journal_head);
        *newest_delivery = unit.newest_delivery.max(*newest_delivery);
        if unit.paused_sources.is_some() {
            *paused_sources = unit.paused_sources;
        }
    }
}

impl WriterState {
    /// Opens the savepoint of a unit, and before it the transaction if none is open.
    async fn begin_unit(&mut self) -> Result<(), StoreError> {
        let begin = if self.in_transaction { BEGIN_NEXT } else { BEGIN };
        self.connection.execute(sqlx::raw_sql(begin)).await?;
        self.in_transaction = true;
        Ok(())
    }

    /// Ends the unit whose turn ended, and rolls it back unless it is complete.
    async fn end_unit(&mut self) -> Result<(), StoreError> {
        let unit = std::mem::replace(&mut self.unit, Unit::None);
        match unit {
            Unit::None | Unit::Complete => {}
            Unit::Running if self.in_transaction => {
                self.connection.execute(sqlx::raw_sql(ROLL_BACK_UNIT)).await?;
            }
            // A statement of the intake failed or was interrupted: the connection may have unknown faults.
            Unit::Running => self.is_broken = true,
        }
        Ok(())
    }

    async fn roll_back(&mut self) {
        if std::mem::take(&mut self.in_transaction)
            && let Err(error) = self.connection.execute(sqlx::raw_sql("ROLLBACK")).await
        {
            // SQLite rolls a transaction back by itself when the disk is full.
            tracing::debug!(%error, "nothing to roll back: the connection is replaced");
            self.is_broken = true;
        }
    }
}

impl Committer {
    async fn run(mut self) {
        loop {
            let (first, second) = if self.intake_was_last {
                (&mut self.units, &mut self.deliveries)
            } else {
                (&mut self.deliveries, &mut self.units)
            };
            tokio::select! {
                biased;
                Some(request) = self.between_groups.recv() => match request {
                    BetweenGroups::Turn(turn) => self.lend(turn).await,
                    BetweenGroups::Close(done) => {
                        self.close().await;
                        if done.send(()).is_err() {
                            tracing::debug!("the database is closed; the caller did not wait");
                        }
                        return;
                    }
                },
                Some(request) = first.recv() => self.run_group(request).await,
                Some(request) = second.recv() => self.run_group(request).await,
                else => return,
            }
        }
    }

    /// Runs units until none waits or the group is full, and commits them. It never waits for further ones.
    async fn run_group(&mut self, first: Request) {
        let begun = Instant::now();
        let (mut next, mut count) = (Some(first), 0);
        let mut result = Ok(());
        while let Some(Request { is_intake, turn }) = next.take() {
            self.intake_was_last = is_intake;
            count += 1;
            result = self.run_unit(is_intake, turn).await;
            if result.is_ok() && !is_intake && count < UNITS && begun.elapsed() < JOINING {
                next = self.deliveries.try_recv().or_else(|_none_waits| self.units.try_recv()).ok();
            }
        }
        let span = tracing::debug_span!("store.commit", count);
        self.end_group(result).instrument(span).await;
    }

    /// Lends the connection to one unit, and waits for its end. Fails if the whole group fails.
    async fn run_unit(&self, is_intake: bool, turn: Answer<Held>) -> Result<(), StoreError> {
        if turn.is_closed() {
            return Ok(());
        }
        let mut state = Arc::clone(&self.state).lock_owned().await;
        let begun = async {
            self.repair(&mut state).await?;
            // One statement commits the deliveries.
            if is_intake && !state.in_transaction { Ok(()) } else { state.begin_unit().await }
        };
        if let Err(error) = begun.await {
            state.is_broken = true;
            answer(turn, Err(error));
            return Err(StoreError::NotCommitted);
        }
        state.unit = Unit::Running;
        answer(turn, Ok(state));
        // If the caller no longer waits, the turn is dropped here, which ends the unit.
        self.state.lock().await.end_unit().await
    }

    /// Commits the group, and answers its units.
    async fn end_group(&self, result: Result<(), StoreError>) {
        let mut state = self.state.lock().await;
        let Group { mut answers, effects } = std::mem::take(&mut state.group);
        let committed = match result {
            Ok(()) if answers.is_empty() => Ok(()),
            Ok(()) => self.commit(&mut state, &effects).await,
            Err(error) => Err(error),
        };
        state.roll_back().await;
        drop(state);
        match committed {
            Ok(()) => {
                if let Some(paused) = effects.paused_sources {
                    self.paused_sources.store(Arc::new(paused));
                }
                for unit in answers {
                    answer(unit, Ok(()));
                }
            }
            Err(error) => {
                // An error has one owner: the other units refer to the log.
                let last = answers.pop();
                if !answers.is_empty() {
                    let (count, text) = (answers.len(), error.to_string());
                    tracing::error!(count, error = text, "a group of writes was not committed");
                }
                for unit in answers {
                    answer(unit, Err(StoreError::NotCommitted));
                }
                if let Some(unit) = last {
                    answer(unit, Err(error));
                }
            }
        }
    }

    async fn commit(&self, state: &mut WriterState, effects: &Effects) -> Result<(), StoreError> {
        self.check_files()?;
        if state.in_transaction {
            state.connection.execute(sqlx::raw_sql(COMMIT)).await?;
            state.in_transaction = false;
        }
        // Recorded before the rows are acknowledged: fails if they may be lost at a restart.
        self.check_files()?;
        let Some(files) = &self.files else { return Ok(()) };
        files.acknowledge(effects.newest_delivery, effects.journal_head.map_or(0, Head::seq))
    }

    fn check_files(&self) -> Result<(), StoreError> {
        self.files.as_ref().map_or(Ok(()), |files| files.check())
    }

    /// Replaces a broken connection.
    async fn repair(&self, state: &mut WriterState) -> Result<(), StoreError> {
        if state.is_broken {
            self.check_files()?;
            // Opened before the other one is closed, so that the write-ahead log stays in place.
            state.connection = SqliteConnection::connect_with(&self.options).await?;
            state.is_broken = false;
        }
        Ok(())
    }

    /// Lends the connection without a transaction, and waits until it is returned.
    async fn lend(&self, turn: Answer<Held>) {
        if turn.is_closed() {
            return;
        }
        let mut state = Arc::clone(&self.state).lock_owned().await;
        let repaired = self.repair(&mut state).await;
        answer(turn, repaired.map(|()| state));
        drop(self.state.lock().await);
    }

    async fn close(self) {
        let mut state = self.state.lock().await;
        if !state.is_broken
            && let Some(files) = self.files.as_ref().filter(|files| files.check().is_ok())
            && let Err(error) = stamp::end(files, &mut state.connection).await
        {
            let error = anyhow::Error::new(error);
            tracing::warn!(
                error = format!("{error:#}"),
                "the clean stop could not be recorded: the next start checks the database"
            );
        }
        drop(state);
        if let Some(state) = Arc::into_inner(self.state)
            && let Err(error) = state.into_inner().connection.close().await
        {
            tracing::debug!(%error, "the writing connection was not closed cleanly");
        }
    }
}

/// Sends the result to a caller, unless it no longer waits.
fn answer<T>(waiting: Answer<T>, result: Result<T, StoreError>) {
    // An unread turn ends here. A unit that is committed stands, even if its caller is gone.
    drop(waiting.send(result));
}

impl Deref for Turn {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.held.connection
    }
}

impl DerefMut for Turn {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.held.connection
    }
}

#[cfg(test)]
mod tests;
