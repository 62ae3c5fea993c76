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

use axum::extract::DefaultBodyLimit;
use utoipa_axum::routes;

use super::routes::Route;

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

/// Passes each route to `add`.
pub(super) fn each_route(add: &mut dyn FnMut(Route)) {
    add(routes!(status::show));
    add(routes!(cases::list, open::open));
    add(routes!(bulk::carry_out));
    add(routes!(cases::show));
    add(routes!(cases::history));
    add(routes!(cases::requests));
    add(routes!(evidence::of_case));
    add(routes!(actions::approve));
    add(routes!(actions::withdraw));
    add(routes!(actions::cancel));
    add(routes!(actions::hold));
    add(routes!(actions::release));
    add(routes!(actions::retry));
    add(routes!(actions::resolve));
    add(routes!(evidence::of_period));
    add(routes!(evidence::key));
    add(with_files(routes!(import::import)));
    add(routes!(import::progress));
    add(routes!(jobs::list));
    add(routes!(sources::list));
    add(routes!(sources::pause));
    add(routes!(sources::resume));
    add(routes!(sources::release));
    add(routes!(offered_secrets::accept));
    add(routes!(sites::list));
    add(routes!(sites::pause));
    add(routes!(sites::resume));
    add(routes!(fence::show));
    add(routes!(fence::lift));
    add(routes!(deliveries::list));
    add(routes!(deliveries::show));
    add(routes!(deliveries::explain));
    add(routes!(deliveries::replay));
}

/// The limit of a file is that of `limit_body`.
fn with_files((schemas, paths, handlers): Route) -> Route {
    (schemas, paths, handlers.layer(DefaultBodyLimit::disable()))
}
