//! The API under `/api/v1`: one file per resource.

mod actions;
mod bulk;
mod cases;
mod deliveries;
mod evidence;
mod extract;
mod fence;
mod import;
mod jobs;
mod list;
mod offered_secrets;
mod open;
mod sites;
mod sources;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use super::state::AdminState;

pub(crate) use self::bulk::{BulkView, is_allowed};
pub(crate) use self::deliveries::{DeliveryView, EventView};
pub(crate) use self::fence::{FenceView, FindingView};
pub(crate) use self::import::{ImportView, ProgressView};
pub(crate) use self::jobs::{JobListing, JobView};
pub(crate) use self::list::List;
pub(crate) use self::sites::SiteView;
pub(crate) use self::sources::SourceView;
pub(crate) use self::view::{CaseView, HistoryView};

pub(super) fn routes() -> Router<Arc<AdminState>> {
    Router::new()
        .route("/cases", get(cases::list).post(open::open))
        .route("/cases/bulk", post(bulk::carry_out))
        .route("/cases/{id}", get(cases::show))
        .route("/cases/{id}/history", get(cases::history))
        .route("/cases/{id}/evidence", get(evidence::of_case))
        .route("/cases/{id}/approve", post(actions::approve))
        .route("/cases/{id}/withdraw", post(actions::withdraw))
        .route("/cases/{id}/cancel", post(actions::cancel))
        .route("/cases/{id}/hold", post(actions::hold))
        .route("/cases/{id}/release", post(actions::release))
        .route("/cases/{id}/retry", post(actions::retry))
        .route("/cases/{id}/resolve", post(actions::resolve))
        .route("/evidence", get(evidence::of_period))
        .route("/evidence/key", get(evidence::key))
        // The limit of a file is that of `limit_body`.
        .route("/import", post(import::import).layer(DefaultBodyLimit::disable()))
        .route("/imports/{id}", get(import::progress))
        .route("/jobs", get(jobs::list))
        .route("/sources", get(sources::list))
        .route("/sources/{name}/pause", post(sources::set_paused::<true>))
        .route("/sources/{name}/resume", post(sources::set_paused::<false>))
        .route("/sources/{name}/release", post(sources::release))
        .route("/sources/{name}/accept", post(offered_secrets::accept))
        .route("/sites", get(sites::list))
        .route("/sites/{name}/resume", post(sites::resume))
        .route("/fence", get(fence::show))
        .route("/fence/lift", post(fence::lift))
        .route("/deliveries", get(deliveries::list))
        .route("/deliveries/{id}", get(deliveries::show))
        .route("/deliveries/{id}/replay", post(deliveries::replay))
}
