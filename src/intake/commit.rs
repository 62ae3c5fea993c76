//! The queue of verified deliveries. All that wait are stored by one statement, and each is answered after its commit.
//!
//! The store commits them together with the writes of others (see `store::commit`). One fsync serves all deliveries that
//! arrived during the previous one, which makes durable intake fast.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};
use tracing::Instrument as _;

use super::body_budget::Reservation;
use super::metrics::Metrics;
use crate::store::{Inserted, NewDelivery, Store, StoreError};

/// The maximum number of deliveries that wait. Further ones are answered with 503.
const WAITING: usize = 4096;

/// The maximum number of deliveries that are stored together, so that the first of them does not wait for long.
const GROUP: usize = 256;

/// The longest wait of a vendor for the commit. A commit that takes longer, as while a synchronous standby is away, may still
/// succeed: the vendor's repetition is then a duplicate.
const PATIENCE: Duration = Duration::from_secs(8);

struct PendingDelivery {
    delivery: NewDelivery,
    /// The memory of its body: reserved until the commit, even if the client does not wait for it.
    reservation: Reservation,
    answer: oneshot::Sender<Inserted>,
}

/// The queue of deliveries that wait for the commit.
#[derive(Debug, Clone)]
pub struct DeliveryQueue(mpsc::Sender<PendingDelivery>);

impl std::fmt::Debug for PendingDelivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PendingDelivery({})", self.delivery.id)
    }
}

impl DeliveryQueue {
    /// Commits a delivery, and returns the result once it is on the disk. `None` if that is not possible now.
    pub(super) async fn commit(&self, delivery: NewDelivery, reservation: Reservation) -> Option<Inserted> {
        let (answer, committed) = oneshot::channel();
        self.0.try_send(PendingDelivery { delivery, reservation, answer }).ok()?;
        // The sender is dropped if the commit failed.
        tokio::time::timeout(PATIENCE, committed).await.ok()?.ok()
    }
}

/// Stores the deliveries of the queue.
#[derive(Debug)]
pub struct DeliveryCommitter {
    store: Store,
    metrics: Metrics,
    entries: mpsc::Receiver<PendingDelivery>,
    committed: Arc<Notify>,
}

impl DeliveryCommitter {
    /// A committer and its queue. Every commit notifies `committed`.
    pub fn new(store: Store, metrics: Metrics, committed: Arc<Notify>) -> (Self, DeliveryQueue) {
        let (sender, entries) = mpsc::channel(WAITING);
        (Self { store, metrics, entries, committed }, DeliveryQueue(sender))
    }

    /// Commits until the last queue is dropped: every accepted request gets a response.
    pub async fn run(mut self) {
        let mut group = Vec::with_capacity(GROUP);
        while self.entries.recv_many(&mut group, GROUP).await > 0 {
            let (deliveries, waiting): (Vec<_>, Vec<_>) =
                group.drain(..).map(|entry| (entry.delivery, (entry.reservation, entry.answer))).unzip();
            let span = tracing::debug_span!("intake.commit", count = deliveries.len());
            match self.commit(&deliveries).instrument(span).await {
                Ok(accepted) => {
                    for (accepted, (_share, answer)) in accepted.into_iter().zip(waiting) {
                        if answer.send(accepted).is_err() {
                            tracing::debug!("client disconnected before the response; a repeated delivery gets it");
                        }
                    }
                    self.committed.notify_one();
                }
                Err(error) => {
                    let error = anyhow::Error::new(error);
                    tracing::error!(
                        count = deliveries.len(),
                        error = format!("{error:#}"),
                        "a group was not committed"
                    );
                }
            }
        }
    }

    async fn commit(&self, deliveries: &[NewDelivery]) -> Result<Vec<Inserted>, StoreError> {
        let begun = std::time::Instant::now();
        let accepted = self.store.insert_deliveries(deliveries).await?;
        self.metrics.committed(deliveries.len(), begun.elapsed().as_secs_f64());
        Ok(accepted)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use jiff::Timestamp;
    use prometheus_client::registry::Registry;

    use super::*;
    use crate::clock;
    use crate::domain::ids::DeliveryId;
    use crate::intake::body_budget::{BYTES, BodyBudget, SMALL};
    use crate::store::{Database, KeyLocation};

    #[tokio::test]
    async fn a_body_whose_client_went_away_keeps_its_room_until_it_is_committed() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::file(dir.path().join("x.db"), KeyLocation::Given([7; 32]));
        let store = database.open().await.unwrap();
        let (writer, queue) =
            DeliveryCommitter::new(store.clone(), Metrics::register(&mut Registry::default()), Arc::new(Notify::new()));
        let received_at = Timestamp::UNIX_EPOCH;
        let id = DeliveryId::from(clock::new_id(received_at));
        let source = "hr".parse().unwrap();
        let delivery = NewDelivery {
            id,
            received_at,
            dedupe_hash: store.key().hash_delivery(&source, "id", b"1"),
            dedupe_until: None,
            signed_at: None,
            content_type: None,
            sealed_body: NewDelivery::seal(store.key(), id, b"{}"),
            source,
        };
        let budget = BodyBudget::default();
        let mut reservation = budget.reservation();
        reservation.grow_to(BYTES + SMALL).await.unwrap();
        reservation.keep();
        assert!(queue.commit(delivery, reservation).now_or_never().is_none(), "who commits has not begun");
        assert!(budget.reservation().grow_to(SMALL + 1).await.is_err());
        drop(queue);
        writer.run().await;
        assert!(budget.reservation().grow_to(SMALL + 1).await.is_ok());
        assert!(store.delivery(id).await.unwrap().is_some());
    }
}
