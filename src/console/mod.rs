//! The console: pages on the private listener that show what will happen to whom, what needs a human, and why, and that stop,
//! approve and prove it.
//!
//! The console is a client of the API within the process ([`crate::admin::InProcess`]): each page shows and changes exactly
//! what the API would for the operator of the session. It reads from the store only what the API does not list.
//!
//! Pages are templates of `templates`, texts are Fluent messages of `texts`. Nothing is loaded from elsewhere, and
//! everything works without the script.

mod api_page;
mod assets;
mod bulk;
mod case;
mod case_actions;
mod cases;
mod confirm;
mod deliveries;
mod errors;
mod evidence;
mod explain;
mod failure;
mod fence;
mod fields;
mod graces;
mod health;
mod html;
mod i18n;
mod import;
mod journal;
mod layout;
mod new_case;
mod notice_link;
mod openapi;
mod origin;
mod period;
mod plot;
mod problems;
mod requests;
mod sentences;
mod session;
mod settings;
mod sign_in;
mod sites;
mod situation;
mod sources;
mod time;
mod timeline;
mod today;
mod visitor;
mod way;
mod words;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::{get, post};

use self::visitor::Console;
use crate::admin::{AdminState, InProcess};

/// The routes of all pages. `settings` is the effective settings file.
pub(crate) fn router(admin: Arc<AdminState>, settings: String) -> Router {
    let console = Arc::new(Console { api: InProcess::new(Arc::clone(&admin)), admin, settings });
    Router::new()
        .route("/sign-in", get(sign_in::show).post(sign_in::begin))
        .route("/sign-out", post(sign_in::end))
        .route("/display", post(sign_in::display))
        .route("/", get(today::show))
        .route("/cases", get(cases::list))
        .route("/cases/bulk", get(bulk::confirm).post(bulk::carry_out))
        .route("/cases/new", get(new_case::form).post(new_case::open))
        .route("/cases/{id}", get(case::show))
        .route("/cases/{id}/evidence", get(case::evidence))
        .route("/cases/{id}/requests", get(requests::show))
        .route("/cases/{id}/{action}", get(case_actions::confirm).post(case_actions::carry_out))
        .route("/import", get(import::form).post(import::carry_out))
        .route("/import/{id}", get(import::progress))
        .route("/sources", get(sources::list))
        .route("/sources/{name}/accept", get(sources::confirm_offer).post(sources::accept_offer))
        .route("/sources/{name}/{action}", get(sources::confirm).post(sources::carry_out))
        .route("/sites", get(sites::list))
        .route("/sites/{name}/{action}", get(sites::confirm).post(sites::carry_out))
        .route("/deliveries", get(deliveries::list))
        .route("/deliveries/{id}", get(deliveries::show))
        .route("/deliveries/{id}/explain", get(explain::show))
        .route("/deliveries/{id}/replay", get(deliveries::confirm).post(deliveries::replay))
        .route("/journal", get(journal::list))
        .route("/journal/verify", post(journal::verify))
        .route("/evidence", get(evidence::form))
        .route("/evidence/period", get(evidence::period))
        .route("/evidence/key", get(evidence::key))
        .route("/settings", get(settings::show))
        .route("/api", get(api_page::show))
        .route("/fence", get(fence::confirm))
        .route("/fence/lift", post(fence::lift))
        .route("/assets/{name}", get(assets::show))
        .layer(middleware::from_fn(origin::require_same))
        .fallback(errors::no_such_page)
        .layer(middleware::from_fn_with_state(Arc::clone(&console), errors::show))
        .with_state(console)
}
