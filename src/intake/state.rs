//! The state that the webhook handlers share.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::SignedDuration;

use super::commit::DeliveryQueue;
use super::metrics::Metrics;
use crate::clock::Clock;
use crate::domain::ids::SourceName;
use crate::sources::Source;
use crate::store::Store;

/// A source that may send deliveries.
#[derive(Debug, Clone)]
pub struct IntakeSource {
    pub source: Arc<Source>,
    /// How long a repeated body counts as a duplicate, for deliveries without a vendor's id.
    pub dedupe_window: SignedDuration,
}

/// The sources by name. A reload of secrets replaces all of them.
pub type IntakeSources = Arc<ArcSwap<BTreeMap<SourceName, IntakeSource>>>;

#[derive(Debug, Clone)]
pub struct Intake {
    pub sources: IntakeSources,
    pub queue: DeliveryQueue,
    /// For the store key and the paused sources.
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub metrics: Metrics,
    /// The maximum size of a body, in bytes.
    pub max_body: usize,
}
