//! The public listener: verifies deliveries, deduplicates them, commits them in groups, responds.
//!
//! The intake reads signatures and bytes. It parses nothing before the signature is verified, and waits only for the commit.
//! It answers 2xx only after the commit that contains the delivery is durable.

mod body;
mod body_budget;
mod commit;
mod log_aggregator;
mod metrics;
mod receive;
mod response;
mod state;

use std::sync::Arc;

use axum::Router;
use axum::routing::{any, get};

use self::body_budget::BodyBudget;
pub use self::commit::{DeliveryCommitter, DeliveryQueue};
pub use self::metrics::{DeliveryOutcome, Metrics};
pub use self::state::{Intake, IntakeSource, IntakeSources};

/// All routes of the public listener.
pub fn router(intake: Intake) -> Router {
    Router::new()
        .route("/webhooks/{source}", any(receive::receive))
        .route("/livez", get(async || "alive\n"))
        .with_state(Arc::new((intake, BodyBudget::default())))
        .layer(tower_http::catch_panic::CatchPanicLayer::custom(response::panicked))
}
