//! A unit of work: its writes are committed together, or not at all.

use std::collections::HashSet;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;

use super::StoreError;
use super::head::Head;
use super::sql::Connection;
use super::sums::GuardedChanges;
use super::turn::{Effects, Turn};
use crate::domain::ids::SourceName;
use crate::proof::seal::MasterKey;

/// One unit of work. [`Tx::commit`] commits its writes; dropping it rolls them back. It shares a transaction with other
/// units: see [`super::commit`].
///
/// The connection is accessible as it is in a transaction of sqlx: `execute(&mut *tx)`.
#[derive(Debug)]
pub struct Tx {
    turn: Turn,
    pub(super) key: Arc<MasterKey>,
    /// The paused sources after this unit, if it changed them.
    pub(super) pausing: Option<HashSet<SourceName>>,
    /// The journal's newest entry, once known: no other writer adds one meanwhile.
    pub(super) head: Option<Head>,
    /// When this unit wrote its newest entry of the journal.
    pub(super) journaled_at: Option<Timestamp>,
    /// What this unit changed in the tables of [`super::guarded`].
    pub(super) guarded: GuardedChanges,
    /// Whether this unit shreds personal data.
    pub(super) shreds: bool,
    shredded: Arc<AtomicBool>,
}

impl Tx {
    pub(super) fn new(turn: Turn, key: Arc<MasterKey>, shredded: Arc<AtomicBool>) -> Self {
        let head = turn.effects_before().journal_head;
        Self {
            turn,
            key,
            pausing: None,
            head,
            journaled_at: None,
            guarded: GuardedChanges::default(),
            shreds: false,
            shredded,
        }
    }

    /// Commits all writes together. They are durable when this returns.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        self.journal_guarded().await?;
        let recorded_head = self.head.map(|head| head.recorded(&self.key));
        let effects =
            Effects { journal_head: self.head, recorded_head, newest_delivery: 0, paused_sources: self.pausing };
        self.turn.complete(effects).await?;
        if self.shreds {
            self.shredded.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Whether another writer waits, for its turn or for the commit of the group.
    pub fn is_awaited(&self) -> bool {
        self.turn.is_awaited()
    }
}

impl Deref for Tx {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.turn
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.turn
    }
}
