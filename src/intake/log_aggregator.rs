//! Counts events that unauthenticated requests can cause, and logs each kind once a second. One line per request would cost
//! more than the rejection.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::response::IntakeError;
use crate::domain::ids::SourceName;
use crate::sources::Rejection;

const PERIOD: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LogKey {
    /// A handshake was answered with this status.
    Handshake(u16),
    /// A body could not be read completely.
    Unreadable(IntakeError),
    /// An offered secret was rejected by the rate limit.
    OffersThrottled,
    /// The signature is missing, invalid or stale.
    Rejected(Rejection),
}

/// The counts since the last report. The rest is logged on drop.
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

    /// Reports once a period, until `stopping`.
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
                        tracing::info!(%source, http.status = status, count, "source {source}: answered {count} handshakes with {status}");
                    }
                    LogKey::Unreadable(reason) => {
                        tracing::info!(%source, ?reason, count, "source {source}: {count} incomplete or oversized bodies, {reason:?}");
                    }
                    LogKey::OffersThrottled => {
                        tracing::warn!(%source, count, "source {source}: rejected {count} offered secrets, rate limit");
                    }
                    LogKey::Rejected(reason) => {
                        tracing::warn!(%source, %reason, count, "source {source}: rejected {count} requests, {reason}");
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
