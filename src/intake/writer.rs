//! The group commit: one writer takes whatever waits now, never waits for more, and answers each after the commit.
//!
//! One fsync serves as many deliveries as came while the one before was under way; that is what makes durable intake fast.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc, oneshot};
use tracing::Instrument as _;

use super::metrics::Metrics;
use crate::store::{Accepted, NewDelivery, Store, StoreError};

/// How many deliveries may wait for the writer; who comes then is asked to come again.
const WAITING: usize = 4096;

/// How many deliveries one commit holds at most, so that the first of them does not wait for long.
const GROUP: usize = 256;

struct Entry {
    delivery: NewDelivery,
    answer: oneshot::Sender<Accepted>,
}

/// Where verified deliveries wait for the commit.
#[derive(Debug, Clone)]
pub struct Queue(mpsc::Sender<Entry>);

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entry({})", self.delivery.id)
    }
}

impl Queue {
    /// Has a delivery committed; says what became of it once it is on the disk. `None` when that cannot be done now.
    pub async fn commit(&self, delivery: NewDelivery) -> Option<Accepted> {
        let (answer, committed) = oneshot::channel();
        self.0.try_send(Entry { delivery, answer }).ok()?;
        // The writer drops the sender when the commit failed.
        committed.await.ok()
    }
}

/// The one who commits.
#[derive(Debug)]
pub struct Writer {
    store: Store,
    metrics: Metrics,
    entries: mpsc::Receiver<Entry>,
    committed: Arc<Notify>,
}

impl Writer {
    /// A writer and the queue before it. `committed` is told after every commit.
    pub fn new(store: Store, metrics: Metrics, committed: Arc<Notify>) -> (Self, Queue) {
        let (sender, entries) = mpsc::channel(WAITING);
        (Self { store, metrics, entries, committed }, Queue(sender))
    }

    /// Commits until the last queue is dropped: whoever was let in is answered.
    pub async fn run(mut self) {
        let mut group = Vec::with_capacity(GROUP);
        while self.entries.recv_many(&mut group, GROUP).await > 0 {
            let (deliveries, answers): (Vec<_>, Vec<_>) =
                group.drain(..).map(|entry| (entry.delivery, entry.answer)).unzip();
            let span = tracing::debug_span!("intake.commit", count = deliveries.len());
            match self.commit(&deliveries).instrument(span).await {
                Ok(accepted) => {
                    for (accepted, answer) in accepted.into_iter().zip(answers) {
                        if answer.send(accepted).is_err() {
                            tracing::debug!("a client went away before its answer; it is told when it sends again");
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

    async fn commit(&self, deliveries: &[NewDelivery]) -> Result<Vec<Accepted>, StoreError> {
        let begun = std::time::Instant::now();
        let accepted = self.store.accept(deliveries).await?;
        self.metrics.committed(deliveries.len(), begun.elapsed().as_secs_f64());
        Ok(accepted)
    }
}
