//! The private listener: health, metrics, the API, who may do what.
//!
//! Every route of the API stands behind [`auth::authenticate`]; which role it asks for is said by the extractor that its
//! handler takes. Health and metrics ask for no token: the listener is private. Not here: what may happen to a case (that
//! is `domain`), and who is told about it.

mod access;
pub mod api;
mod auth;
mod error;
mod guard;
mod health;
mod metrics;
mod state;

#[cfg(test)]
pub(crate) mod tests;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

pub use self::access::{Access, Tokens};
use self::error::ApiError;
pub use self::state::{AdminState, ConfiguredSite, ConfiguredSource};

/// No request of an operator is larger.
const MAX_BODY: usize = 64 * 1024;

/// Nobody waits longer for an answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Every route of the private listener, and every layer.
pub fn router(state: AdminState) -> Router {
    let state = Arc::new(state);
    let api = api::routes()
        .fallback(error::no_such_route)
        .method_not_allowed_fallback(error::no_such_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&state), auth::authenticate));
    Router::new()
        .route("/", get(index))
        .route("/livez", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::scrape))
        .nest("/api/v1", api)
        .fallback(error::no_such_route)
        .method_not_allowed_fallback(error::no_such_method)
        .with_state(Arc::clone(&state))
        // From here on, each layer is around those before it.
        .layer(RequestBodyLimitLayer::new(MAX_BODY))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, REQUEST_TIMEOUT))
        .layer(middleware::map_response(error::as_problem))
        .layer(SetSensitiveRequestHeadersLayer::new([header::AUTHORIZATION]))
        .layer(CatchPanicLayer::custom(panic_response))
        .layer(middleware::from_fn_with_state(state, guard::count))
        .layer(middleware::map_response(guard::secure_headers))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(TraceLayer::new_for_http().make_span_with(span).on_failure(()))
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(middleware::map_request(guard::limit_request_id))
}

async fn index() -> &'static str {
    "offboardd: the API is at /api/v1 (Authorization: Bearer TOKEN), metrics at /metrics, health at /readyz.\n"
}

/// The route as it is written, not the path, and no query: what stands there may be somebody's.
fn span(request: &Request) -> tracing::Span {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok()).unwrap_or_default();
    tracing::info_span!("admin.request", http.method = %request.method(), http.route = route, request.id = id)
}

#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
fn panic_response(panic: Box<dyn Any + Send>) -> Response {
    let said = panic.downcast_ref::<&str>().copied().unwrap_or("something that is not a plain text");
    ApiError::Panicked(said).into_response()
}
