//! What the public can make happen as often as it likes: counted, and told to the log once a second, with how often it was.
//! A line for each would cost more than the refusal itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::answer::Refused;
use crate::domain::ids::SourceName;
use crate::sources::Rejection;

/// How long something may have happened before it is told.
const PERIOD: Duration = Duration::from_secs(1);

/// What happens without a valid signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Often {
    /// A handshake was answered, with this status.
    Handshake(u16),
    /// A body could not be read whole.
    Unreadable(Refused),
    /// A secret was offered right after another one, and refused.
    OfferedTooFast,
    /// Another body arrived under an id that was used before.
    ReusedId,
    /// A signature does not hold.
    Forged(Rejection),
}

/// What happened since it was last told. The last of it is told when nobody can add to it any more.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally(Arc<Untold>);

#[derive(Debug, Default)]
struct Untold(Mutex<BTreeMap<SourceName, BTreeMap<Often, u64>>>);

impl Tally {
    pub(super) fn add(&self, source: &SourceName, what: Often) {
        let mut untold = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counts) = untold.get_mut(source) {
            *counts.entry(what).or_default() += 1;
        } else {
            untold.insert(source.clone(), BTreeMap::from([(what, 1)]));
        }
    }

    /// Tells it until `stopping`.
    pub(super) async fn run(self, stopping: CancellationToken) {
        while stopping.run_until_cancelled(tokio::time::sleep(PERIOD)).await.is_some() {
            self.0.tell();
        }
    }
}

impl Untold {
    fn tell(&self) {
        let untold = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for (source, counts) in untold {
            for (what, count) in counts {
                match what {
                    Often::Handshake(status) => {
                        tracing::info!(%source, http.status = status, count, "answered handshakes");
                    }
                    Often::Unreadable(reason) => {
                        tracing::info!(%source, ?reason, count, "bodies could not be read whole");
                    }
                    Often::OfferedTooFast => {
                        tracing::warn!(%source, count, "offers of secrets rejected: they come too fast, or too many wait");
                    }
                    Often::ReusedId => {
                        let what = "deliveries reuse the id of an earlier one with another body: accepted as new";
                        tracing::warn!(%source, count, "{what}");
                    }
                    Often::Forged(reason) => {
                        tracing::warn!(%source, %reason, count, "refused requests: their signatures do not hold");
                    }
                }
            }
        }
    }
}

impl Drop for Untold {
    fn drop(&mut self) {
        self.tell();
    }
}
