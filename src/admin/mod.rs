//! The private listener: health, metrics, API and roles.
//!
//! Every route of the API requires a token ([`auth::authenticate`]); the extractor of its handler requires a role. Health and
//! metrics require no token, because the listener is private. The rules of a case are in `domain`.

mod access;
pub(crate) mod api;
mod auth;
mod document;
mod error;
mod guard;
mod health;
mod in_process;
mod metrics;
mod ports;
mod routes;
mod state;

#[cfg(test)]
pub(crate) mod tests;

use std::any::Any;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use utoipa_axum::routes;

pub(crate) use self::access::{Access, Tokens};
pub(crate) use self::auth::Caller;
use self::error::ApiError;
pub(crate) use self::health::is_worker_alive;
pub(crate) use self::in_process::{ApiResponse, InProcess};
pub(crate) use self::ports::{DeskPerson, FreeSpace, Ports};
use self::routes::Route;
pub(crate) use self::state::{AdminState, ConfiguredSite, ConfiguredSource};

const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// All routes and layers of the private listener. `console` has the routes of the pages.
pub(crate) fn router(state: Arc<AdminState>, console: Router) -> Router {
    let (api, parameters) = routes::served(api::each_route, "/api/v1");
    let (health, _none) = routes::served(each_health_route, "");
    let api = api
        .layer(middleware::from_fn_with_state(Arc::new(parameters), guard::reject_unknown_parameters))
        .fallback(error::no_such_route)
        .method_not_allowed_fallback(error::no_such_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&state), auth::authenticate));
    Router::new()
        .merge(health)
        .route("/openapi.json", get(async || ([(header::CONTENT_TYPE, "application/json")], openapi())))
        .nest("/api/v1", api)
        .method_not_allowed_fallback(error::no_such_method)
        .with_state(Arc::clone(&state))
        .merge(console)
        // Each layer wraps those before it.
        .layer(middleware::map_request(guard::limit_body))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, REQUEST_TIMEOUT))
        .layer(middleware::map_response(error::as_problem))
        .layer(SetSensitiveRequestHeadersLayer::new([header::AUTHORIZATION, header::COOKIE]))
        .layer(CatchPanicLayer::custom(panic_response))
        .layer(middleware::from_fn_with_state(state, guard::count))
        .layer(middleware::map_response(guard::secure_headers))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(TraceLayer::new_for_http().make_span_with(span).on_failure(()))
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(middleware::map_request(guard::limit_request_id))
}

/// The routes that require no token.
fn each_health_route(add: &mut dyn FnMut(Route)) {
    add(routes!(health::alive));
    add(routes!(health::ready));
    add(routes!(metrics::scrape));
}

/// The OpenAPI document, as `/openapi.json` serves it. Built when it is first needed: it takes two megabytes for a moment.
pub(crate) fn openapi() -> &'static str {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
        let document = document::empty().nest("/api/v1", routes::described(api::each_route));
        document::to_json(&document::complete(document.merge_from(routes::described(each_health_route))))
    });
    &DOCUMENT
}

/// Logs the route pattern; path and query may contain personal data.
fn span(request: &Request) -> tracing::Span {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok()).unwrap_or_default();
    tracing::info_span!("admin.request", http.method = %request.method(), http.route = route, request.id = id)
}

#[expect(clippy::needless_pass_by_value, reason = "required by the layer")]
fn panic_response(panic: Box<dyn Any + Send>) -> Response {
    let message = panic.downcast_ref::<&str>().copied().unwrap_or("not a text");
    ApiError::Panicked(message).into_response()
}
