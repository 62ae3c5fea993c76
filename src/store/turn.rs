//! A turn: the connection that writes, lent to one unit of work.
//!
//! The connection is lent as the guard of a lock. However a turn ends, the guard returns the connection to the
//! committer, which reads from the state whether the unit is complete.

use std::collections::HashSet;
use std::ops::{Deref, DerefMut};
use std::time::Instant;

use tokio::sync::{OwnedMutexGuard, mpsc, oneshot};

use super::head::{Head, RecordedHead};
use super::sql::Connection;
use super::{StoreError, dialect};
use crate::domain::ids::SourceName;

pub(super) type Held = OwnedMutexGuard<WriterState>;
pub(super) type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// A request for the connection, for one unit of work.
pub(super) struct Request {
    /// Whether the unit stores deliveries, and a vendor waits for it.
    pub(super) is_intake: bool,
    pub(super) turn: Answer<Held>,
}

/// The queues for the shared transaction.
#[derive(Clone)]
pub(super) struct Queues {
    pub(super) deliveries: mpsc::Sender<Request>,
    pub(super) units: mpsc::Sender<Request>,
}

/// The connection and the state of its transaction.
pub(super) struct WriterState {
    pub(super) connection: Connection,
    /// Whether the connection must be replaced before it is used again.
    pub(super) is_broken: bool,
    /// When the last turn began.
    pub(super) used_at: Instant,
    pub(super) in_transaction: bool,
    pub(super) unit: Unit,
    pub(super) group: Group,
}

/// The state of the current unit of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    None,
    /// It is rolled back if its turn ends in this state.
    Running,
    /// It is to be committed.
    Complete,
}

/// The complete units of the open transaction.
#[derive(Default)]
pub(super) struct Group {
    pub(super) answers: Vec<Answer<()>>,
    pub(super) effects: Effects,
}

/// The effects of committed units outside the database.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// The journal's newest entry, once known: no other writer adds one during the transaction.
    pub(super) journal_head: Option<Head>,
    /// The same entry, as it is recorded outside the database.
    pub(super) recorded_head: Option<RecordedHead>,
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

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Turn")
    }
}

impl Turn {
    pub(super) const fn new(held: Held, queues: Queues) -> Self {
        Self { held, queues }
    }

    /// Whether another writer waits, for its turn or for the commit of the group.
    pub(super) fn is_awaited(&self) -> bool {
        if !self.held.group.answers.is_empty() {
            return true;
        }
        [&self.queues.units, &self.queues.deliveries].iter().any(|queue| queue.capacity() < queue.max_capacity())
    }

    /// The effects of the units before this one in the same transaction.
    pub(super) fn effects_before(&self) -> &Effects {
        &self.held.group.effects
    }

    /// Begins a transaction if none is open: for an intake that needs more than one statement.
    pub(super) async fn share_transaction(&mut self) -> Result<(), StoreError> {
        if self.held.in_transaction { Ok(()) } else { self.held.begin_intake().await }
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
        let Effects { journal_head, recorded_head, newest_delivery, paused_sources } = &mut self.effects;
        *recorded_head = unit.recorded_head.or(*recorded_head);
        *journal_head = unit.journal_head.or(*journal_head);
        *newest_delivery = unit.newest_delivery.max(*newest_delivery);
        if unit.paused_sources.is_some() {
            *paused_sources = unit.paused_sources;
        }
    }
}

impl WriterState {
    pub(super) fn new(connection: Connection) -> Self {
        let effects = Effects { journal_head: None, recorded_head: None, newest_delivery: 0, paused_sources: None };
        let group = Group { answers: Vec::new(), effects };
        Self { connection, is_broken: false, used_at: Instant::now(), in_transaction: false, unit: Unit::None, group }
    }

    /// Opens the savepoint of a unit, and before it the transaction if none is open.
    pub(super) async fn begin_unit(&mut self) -> Result<(), StoreError> {
        let begin = if self.in_transaction { dialect::BEGIN_NEXT } else { dialect::begin(self.connection.kind()) };
        self.connection.run(begin).await?;
        self.in_transaction = true;
        Ok(())
    }

    /// Opens the transaction of an intake that needs more than one statement.
    async fn begin_intake(&mut self) -> Result<(), StoreError> {
        self.connection.run(dialect::begin_intake(self.connection.kind())).await?;
        self.in_transaction = true;
        Ok(())
    }

    /// Ends the unit whose turn ended, and rolls it back unless it is complete.
    pub(super) async fn end_unit(&mut self) -> Result<(), StoreError> {
        let unit = std::mem::replace(&mut self.unit, Unit::None);
        match unit {
            Unit::None | Unit::Complete => {}
            Unit::Running if self.in_transaction => {
                self.connection.run(dialect::ROLL_BACK_UNIT).await?;
            }
            // A statement of the intake failed or was interrupted: the connection may have unknown faults.
            Unit::Running => self.is_broken = true,
        }
        Ok(())
    }

    pub(super) async fn roll_back(&mut self) {
        if std::mem::take(&mut self.in_transaction)
            && let Err(error) = self.connection.run("ROLLBACK").await
        {
            // SQLite rolls a transaction back by itself when the disk is full.
            tracing::debug!(%error, "nothing to roll back: the connection is replaced");
            self.is_broken = true;
        }
    }
}

impl Deref for Turn {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.held.connection
    }
}

impl DerefMut for Turn {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.held.connection
    }
}
