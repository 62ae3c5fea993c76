//! Responses to vendors. They contain no reason; metrics and log do.

use axum::Json;
use axum::body::Body;
use axum::http::header::{ALLOW, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::sources;
use crate::store::Inserted;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum IntakeError {
    UnknownSource,
    Paused,
    MethodNotAllowed,
    /// The body has a content encoding, which no signature covers.
    EncodedBody,
    TooLarge,
    /// The body did not arrive in time.
    TooSlow,
    /// The connection ended before the body was complete.
    Truncated,
    /// The signature is missing, invalid or stale.
    Unauthorized,
    /// The memory budget for bodies is exhausted.
    OverBudget,
    /// Database, disk, full queue or shutdown.
    Unavailable,
}

impl IntoResponse for IntakeError {
    fn into_response(self) -> Response {
        let refuse = |status: StatusCode, error: &str| (status, Json(json!({ "error": error }))).into_response();
        let later = |seconds: &'static str, error: &str| {
            (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, seconds)], Json(json!({ "error": error }))).into_response()
        };
        match self {
            Self::UnknownSource => refuse(StatusCode::NOT_FOUND, "not_found"),
            Self::Paused => later("60", "paused"),
            Self::MethodNotAllowed => {
                let mut response = refuse(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
                response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
                response
            }
            Self::EncodedBody => refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_content_encoding"),
            Self::TooLarge => refuse(StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Self::TooSlow => refuse(StatusCode::REQUEST_TIMEOUT, "timeout"),
            Self::Truncated => refuse(StatusCode::BAD_REQUEST, "truncated"),
            Self::Unauthorized => refuse(StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::OverBudget | Self::Unavailable => later("5", "unavailable"),
        }
    }
}

/// The response to a durably stored delivery.
pub(super) fn accepted(accepted: Inserted) -> Response {
    match accepted {
        Inserted::New(id) => (StatusCode::ACCEPTED, Json(json!({ "delivery": id }))).into_response(),
        Inserted::Duplicate(id) => Json(json!({ "delivery": id, "duplicate": true })).into_response(),
    }
}

pub(super) fn handshake(answer: sources::HandshakeResponse) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    for (name, value) in answer.headers {
        // A value of the request that is invalid in a header is omitted.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// A panic is our own failure: 503, so that the vendor sends the delivery again.
pub(super) fn panicked(_panic: Box<dyn std::any::Any + Send>) -> Response {
    IntakeError::Unavailable.into_response()
}
