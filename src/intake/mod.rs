//! The public listener: verify, deduplicate, commit in groups, answer.
//!
//! The intake knows signatures and bytes, nothing of people. It never parses before the signature holds, and never waits
//! for anything but the commit. A 2xx is said only after the commit that holds the delivery is on the disk.

mod body;
mod body_budget;
mod log_aggregator;
mod metrics;
mod receive;
mod response;
mod writer;

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::routing::{any, get};
use jiff::SignedDuration;

use self::body_budget::BodyBudget;
pub use self::metrics::{DeliveryOutcome, Metrics};
pub use self::writer::{Queue, Writer};
use crate::clock::Clock;
use crate::domain::ids::SourceName;
use crate::sources::Source;
use crate::store::Store;

/// What the intake needs to know of a source.
#[derive(Debug, Clone)]
pub struct IntakeSource {
    /// How it signs and shakes hands.
    pub source: Arc<Source>,
    /// How long a delivery without an id of its own is recognised by its body.
    pub dedupe_window: SignedDuration,
}

/// The sources by name; exchanged as a whole when secrets are read anew.
pub type IntakeSources = Arc<ArcSwap<BTreeMap<SourceName, IntakeSource>>>;

/// What every request needs.
#[derive(Debug, Clone)]
pub struct Intake {
    /// Who may send.
    pub sources: IntakeSources,
    /// Where verified deliveries go.
    pub queue: Queue,
    /// For the key that seals, and for who is paused.
    pub store: Store,
    /// When a request came.
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub metrics: Metrics,
    /// The largest body that is taken, in bytes.
    pub max_body: usize,
}

/// The routes of the public listener: webhooks, and whether anybody is alive. Nothing else.
pub fn router(intake: Intake) -> Router {
    Router::new()
        .route("/webhooks/{source}", any(receive::receive))
        .route("/livez", get(async || "alive\n"))
        .with_state(Arc::new((intake, BodyBudget::default())))
        .layer(tower_http::catch_panic::CatchPanicLayer::custom(response::panicked))
}
