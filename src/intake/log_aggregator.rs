//! What the public can make happen as often as it likes: counted, and told to the log once a second, with how often it was.
//! A line for each would cost more than the refusal itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::response::IntakeError;
use crate::domain::ids::SourceName;
use crate::sources::Rejection;

/// How long something may have happened before it is told.
const PERIOD: Duration = Duration::from_secs(1);

/// What happens without a valid signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LogKey {
    /// A handshake was answered, with this status.
    Handshake(u16),
    /// A body could not be read whole.
    Unreadable(IntakeError),
    /// A secret was offered right after another one, and refused.
    OffersThrottled,
    /// Another body arrived under an id that was used before.
    ReusedId,
    /// A signature does not hold.
    Rejected(Rejection),
}

/// What happened since it was last told. The last of it is told when nobody can add to it any more.
#[derive(Debug, Clone, Default)]
pub(super) struct LogAggregator(Arc<PendingCounts>);

#[derive(Debug, Default)]
struct PendingCounts(Mutex<BTreeMap<SourceName, BTreeMap<LogKey, u64>>>);

impl LogAggregator {
    pub(super) fn add(&self, source: &SourceName, what: LogKey) {
        let mut pending = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counts) = pending.get_mut(source) {
            *counts.entry(what).or_default() += 1;
        } else {
            pending.insert(source.clone(), BTreeMap::from([(what, 1)]));
        }
    }

    /// Tells it until `stopping`.
    pub(super) async fn run(self, stopping: CancellationToken) {
        while stopping.run_until_cancelled(tokio::time::sleep(PERIOD)).await.is_some() {
            self.0.report();
        }
    }
}

impl PendingCounts {
    fn report(&self) {
        let pending = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for (source, counts) in pending {
            for (what, count) in counts {
                match what {
                    LogKey::Handshake(status) => {
                        tracing::info!(%source, http.status = status, count, "answered handshakes");
                    }
                    LogKey::Unreadable(reason) => {
                        tracing::info!(%source, ?reason, count, "bodies could not be read whole");
                    }
                    LogKey::OffersThrottled => {
                        tracing::warn!(%source, count, "offers of secrets rejected: they come too fast, or too many wait");
                    }
                    LogKey::ReusedId => {
                        let what = "deliveries reuse the id of an earlier one with another body: accepted as new";
                        tracing::warn!(%source, count, "{what}");
                    }
                    LogKey::Rejected(reason) => {
                        tracing::warn!(%source, %reason, count, "refused requests: their signatures do not hold");
                    }
                }
            }
        }
    }
}

impl Drop for PendingCounts {
    fn drop(&mut self) {
        self.report();
    }
}
