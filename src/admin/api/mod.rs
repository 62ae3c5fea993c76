//! The API under `/api/v1`: one file per resource.

mod actions;
mod blocked;
mod bulk;
mod case_path;
mod cases;
mod deliveries;
mod delivery_path;
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
mod status;
mod view;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::state::AdminState;

pub(crate) use self::bulk::{BulkCase, BulkView, is_allowed};
pub(crate) use self::deliveries::{DeliveryView, EventView};
pub(crate) use self::fence::{FenceView, FindingView};
pub(crate) use self::import::{ImportView, ProgressView};
pub(crate) use self::jobs::{JobListing, JobView};
pub(crate) use self::list::List;
pub(crate) use self::sites::SiteView;
pub(crate) use self::sources::SourceView;
pub(crate) use self::status::{NextView, StatusView};
pub(crate) use self::view::{CaseView, HistoryView};
pub(crate) use crate::explain::{
    Basis, Because, Consequence, ExplainedItem, Explanation, Lack, Lookup as ExplainLookup, Match,
};

pub(super) fn routes() -> OpenApiRouter<Arc<AdminState>> {
    OpenApiRouter::new()
        .routes(routes!(status::show))
        .routes(routes!(cases::list, open::open))
        .routes(routes!(bulk::carry_out))
        .routes(routes!(cases::show))
        .routes(routes!(cases::history))
        .routes(routes!(cases::requests))
        .routes(routes!(evidence::of_case))
        .routes(routes!(actions::approve))
        .routes(routes!(actions::withdraw))
        .routes(routes!(actions::cancel))
        .routes(routes!(actions::hold))
        .routes(routes!(actions::release))
        .routes(routes!(actions::retry))
        .routes(routes!(actions::resolve))
        .routes(routes!(evidence::of_period))
        .routes(routes!(evidence::key))
        .merge(imports())
        .routes(routes!(jobs::list))
        .routes(routes!(sources::list))
        .routes(routes!(sources::pause))
        .routes(routes!(sources::resume))
        .routes(routes!(sources::release))
        .routes(routes!(offered_secrets::accept))
        .routes(routes!(sites::list))
        .routes(routes!(sites::pause))
        .routes(routes!(sites::resume))
        .routes(routes!(fence::show))
        .routes(routes!(fence::lift))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::show))
        .routes(routes!(deliveries::explain))
        .routes(routes!(deliveries::replay))
}

/// The limit of a file is that of `limit_body`.
fn imports() -> OpenApiRouter<Arc<AdminState>> {
    OpenApiRouter::new()
        .routes(routes!(import::import))
        .routes(routes!(import::progress))
        .layer(DefaultBodyLimit::disable())
}
