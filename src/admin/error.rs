//! Errors of the private listener. Every error response is `application/problem+json` (RFC 9457).

use std::error::Error;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use tracing::error;
use utoipa::ToSchema;

use crate::domain::case::InvalidTransition;
use crate::domain::ids::CaseId;
use crate::domain::operator::Role;
use crate::proof::confirm_link::LinkError;
use crate::store::{NotReleased, StoreError, TransitionError};

#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error("missing or invalid token: send `Authorization: Bearer TOKEN`")]
    Unauthorized,
    #[error("no admin token is configured: add [[admin.tokens]] to the settings")]
    NoTokensConfigured,
    #[error("this requires the role `{needs}`; the token has `{has}`")]
    RoleTooLow { has: Role, needs: Role },
    #[error("{0}")]
    OwnRequest(InvalidTransition),
    #[error("no such {0}")]
    NotFound(&'static str),
    #[error("method not allowed on this route")]
    Method,
    #[error("query parameter `{name}`: {problem}")]
    Parameter { name: String, problem: String },
    #[error("the body is not valid JSON")]
    NotJson,
    #[error("unsupported content type: send JSON with `Content-Type: application/json`")]
    MediaType,
    #[error("the body is too large: send at most 64 KiB, or a file of 16 MiB")]
    TooLarge,
    #[error("`{key}`: {problem}")]
    Body { key: String, problem: String },
    #[error("{0}")]
    Conflict(String),
    #[error(
        "the token was changed or removed after {done} of {count} cases: the others are unchanged, repeat the request"
    )]
    TokenChanged { done: usize, count: usize },
    #[error("the set changed: it has {count} cases and the digest {digest} now, review it again")]
    ChangedSet { count: usize, digest: String },
    #[error("this person has an open case on this site: {0}")]
    AlreadyOpen(CaseId),
    #[error("the site did not answer as expected: {0}")]
    Site(String),
    #[error("database unavailable: retry the request")]
    Store(#[source] StoreError),
    #[error("internal error: see the server log for this request id")]
    Inconsistent(#[source] StoreError),
    #[error("internal error: see the server log for this request id")]
    Panicked(&'static str),
}

/// A problem (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProblemView {
    /// Always `about:blank`.
    r#type: String,
    /// The name of the status.
    title: String,
    status: u16,
    /// What happened, and what to do.
    detail: String,
    /// The open case, if there is one already.
    case: Option<String>,
    /// The number of cases in a set that has changed.
    count: Option<u64>,
}

impl ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized | Self::NoTokensConfigured | Self::TokenChanged { .. } => StatusCode::UNAUTHORIZED,
            Self::RoleTooLow { .. } | Self::OwnRequest(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Parameter { .. } | Self::NotJson => StatusCode::BAD_REQUEST,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Body { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Conflict(_) | Self::ChangedSet { .. } | Self::AlreadyOpen(_) => StatusCode::CONFLICT,
            Self::Site(_) => StatusCode::BAD_GATEWAY,
            Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Inconsistent(_) | Self::Panicked(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The extension members of the problem (RFC 9457, section 3.2).
    fn extension(&self) -> Option<(&'static str, Value)> {
        match self {
            Self::ChangedSet { count, .. } => Some(("count", json!(count))),
            Self::AlreadyOpen(id) => Some(("case", json!(id))),
            Self::Unauthorized
            | Self::NoTokensConfigured
            | Self::TokenChanged { .. }
            | Self::RoleTooLow { .. }
            | Self::OwnRequest(_)
            | Self::NotFound(_)
            | Self::Method
            | Self::Parameter { .. }
            | Self::NotJson
            | Self::MediaType
            | Self::TooLarge
            | Self::Body { .. }
            | Self::Conflict(_)
            | Self::Site(_)
            | Self::Store(_)
            | Self::Inconsistent(_)
            | Self::Panicked(_) => None,
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Database(_)) { Self::Store(error) } else { Self::Inconsistent(error) }
    }
}

impl From<LinkError> for ApiError {
    fn from(error: LinkError) -> Self {
        Self::Conflict(error.to_string())
    }
}

impl From<TransitionError> for ApiError {
    fn from(error: TransitionError) -> Self {
        match error {
            TransitionError::Invalid(error @ InvalidTransition::OwnRequest) => Self::OwnRequest(error),
            TransitionError::Invalid(error @ InvalidTransition::Forbidden { .. }) => Self::Conflict(error.to_string()),
            TransitionError::TooLate => Self::Conflict(TransitionError::TooLate.to_string()),
            TransitionError::Store(error) => error.into(),
        }
    }
}

impl From<NotReleased> for ApiError {
    fn from(error: NotReleased) -> Self {
        match error {
            NotReleased::Store(error) => error.into(),
            refused @ (NotReleased::NotBraked | NotReleased::Changed { .. } | NotReleased::Busy) => {
                Self::Conflict(refused.to_string())
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        if let Self::Panicked(message) = &self {
            error!(panic = message, "admin API: panic: report this bug");
        } else if status.is_server_error() {
            error!(error = %causes(&self), "admin API: request failed with status {status}");
        }
        let mut response = problem(status, &self.to_string(), self.extension());
        if status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"offboardd\""));
        }
        response
    }
}

pub(super) async fn no_such_route() -> ApiError {
    ApiError::NotFound("route")
}

pub(super) async fn no_such_method() -> ApiError {
    ApiError::Method
}

/// Converts the error responses of the layers (too large, timed out) to problems.
pub(super) async fn as_problem(response: Response) -> Response {
    let status = response.status();
    let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    // A page of the console describes its error itself.
    let is_complete =
        |content_type: &str| ["application/", "text/html"].iter().any(|kind| content_type.starts_with(kind));
    if content_type.is_some_and(is_complete) || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let detail = match status {
        StatusCode::PAYLOAD_TOO_LARGE => return ApiError::TooLarge.into_response(),
        StatusCode::NOT_FOUND => return ApiError::NotFound("route").into_response(),
        StatusCode::SERVICE_UNAVAILABLE => "request timed out: check whether the change was applied before you retry",
        _ => "the request was rejected",
    };
    problem(status, detail, None)
}

fn problem(status: StatusCode, detail: &str, extension: Option<(&'static str, Value)>) -> Response {
    let mut problem = json!({
        "type": "about:blank",
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "detail": detail,
    });
    if let (Some((key, value)), Some(members)) = (extension, problem.as_object_mut()) {
        members.insert(key.to_owned(), value);
    }
    let content_type = [(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))];
    (status, content_type, Json(problem)).into_response()
}

/// Formats an error with all of its sources.
fn causes(error: &(dyn Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| (*error).source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
