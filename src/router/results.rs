//! The results of one turn, stored together at its end.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::source_queue::DeliveryProgress;
use crate::domain::ids::{DeliveryId, SourceName};
use crate::store::{SettledEvents, StoreError, Tx};

/// The result of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turned {
    /// There is nothing to do now.
    Nothing,
    /// All deliveries that were there are routed.
    All,
    /// There may be more.
    More,
}

/// What one turn did, as far as it is not stored yet.
#[derive(Debug, Default)]
pub(super) struct TurnResults {
    pub(super) events: SettledEvents,
    /// Whether a delivery that was routed in parts is done: the jobs of its source waited for it.
    pub(super) ended_parts: bool,
    done: Vec<RoutedDelivery>,
    /// The deliveries without a problem, by their place in the order of acceptance.
    routed: Vec<i64>,
    last_received_at: Option<Timestamp>,
    /// The vendor's words of ignored items, with the number of items of each.
    ignored: BTreeMap<String, u32>,
}

/// The data that is logged when a delivery is done.
#[derive(Debug)]
pub(super) struct RoutedDelivery {
    id: DeliveryId,
    items: usize,
    problem: Option<String>,
    reuses_id: bool,
}

impl TurnResults {
    pub(super) const fn any_delivery(&self) -> bool {
        !self.done.is_empty()
    }

    /// Adds a delivery of which all items are routed.
    pub(super) async fn finish(
        &mut self,
        tx: &mut Tx,
        progress: DeliveryProgress,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (problem, items) = (progress.problem(), progress.count());
        self.ended_parts |= progress.in_parts;
        let delivery = &progress.delivery;
        match &problem {
            None => self.routed.push(delivery.origin.seq),
            Some(problem) => {
                tx.mark_unreadable(delivery.id, problem, now).await?;
                if progress.any_readable() {
                    tx.partly_read(delivery.id).await?;
                }
            }
        }
        self.last_received_at = self.last_received_at.max(Some(delivery.received_at));
        let reuses_id = delivery.reuses_id && !delivery.replayed;
        self.done.push(RoutedDelivery { id: delivery.id, items, problem, reuses_id });
        // The earlier reading counted the items that it applied.
        if progress.applied.is_empty() {
            for (word, times) in progress.into_ignored() {
                let count = self.ignored.entry(word).or_default();
                *count = count.saturating_add(times);
            }
        }
        Ok(())
    }

    /// Stores everything. Returns the deliveries to be logged after the commit.
    pub(super) async fn store(
        self,
        tx: &mut Tx,
        source: &SourceName,
        now: Timestamp,
    ) -> Result<Vec<RoutedDelivery>, StoreError> {
        tx.record_events(self.events).await?;
        tx.routed(&self.routed, now).await?;
        if let Some(at) = self.last_received_at {
            tx.note_last_delivery(source, at).await?;
        }
        tx.count_ignored(source, &self.ignored, now).await?;
        Ok(self.done)
    }
}

impl RoutedDelivery {
    /// Whether the vendor used its id before, for another body.
    pub(super) const fn reuses_id(&self) -> bool {
        self.reuses_id
    }

    pub(super) fn log(self, source: &SourceName) {
        let Self { id, items, problem, reuses_id } = self;
        if reuses_id {
            tracing::warn!(delivery.id = %id, %source, "delivery {id}: has the id of an earlier delivery of {source} and another body");
        }
        if let Some(problem) = problem {
            tracing::warn!(delivery.id = %id, %source, items, problem, "delivery {id}: unreadable until the mapping is fixed");
        } else {
            tracing::info!(delivery.id = %id, %source, items, "delivery {id}: routed, {items} items");
        }
    }
}
