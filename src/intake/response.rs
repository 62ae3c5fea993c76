//! What a vendor is told. Nothing of why: the reason is in the metrics and the log.

use axum::Json;
use axum::body::Body;
use axum::http::header::{ALLOW, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::sources;
use crate::store::Accepted;

/// Why a request was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum IntakeError {
    /// No source has this name.
    UnknownSource,
    /// An operator paused the source.
    Paused,
    /// Neither a delivery nor a handshake.
    MethodNotAllowed,
    /// It is encoded in a way in which nothing was signed.
    EncodedBody,
    /// It is larger than we take.
    TooLarge,
    /// It took too long.
    TooSlow,
    /// It ended before its end.
    Truncated,
    /// It is not the vendor's, or no longer.
    Unauthorized,
    /// Too much is arriving at once, and others were faster.
    OverBudget,
    /// We cannot, for now: the database, the disk, too much at once, or a stop.
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

/// The answer to a delivery that is safely stored.
pub(super) fn accepted(accepted: Accepted) -> Response {
    match accepted {
        Accepted::New(id) | Accepted::ReusedId(id) => {
            (StatusCode::ACCEPTED, Json(json!({ "delivery": id }))).into_response()
        }
        Accepted::Duplicate(id) => Json(json!({ "delivery": id, "duplicate": true })).into_response(),
    }
}

/// The answer to a handshake, as the vendor wants it.
pub(super) fn handshake(answer: sources::HandshakeResponse) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    for (name, value) in answer.headers {
        // What cannot stand in a header was not the vendor's to ask for.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// The answer when our own code failed: our trouble, so the vendor comes again.
pub(super) fn panicked(_panic: Box<dyn std::any::Any + Send>) -> Response {
    IntakeError::Unavailable.into_response()
}
