//! What the listener answers when it cannot do what was asked: always `application/problem+json` (RFC 9457).

use std::error::Error;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tracing::error;

use crate::domain::case::InvalidTransition;
use crate::domain::ids::CaseId;
use crate::domain::operator::Role;
use crate::store::{HappenError, StoreError};

/// ReasonBody a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error("show a token: Authorization: Bearer TOKEN")]
    Unauthorized,
    #[error("the settings name nobody who may use the API: add [[admin.tokens]]")]
    NoTokensConfigured,
    #[error("this takes the role `{needs}`; your token has `{has}`")]
    RoleTooLow { has: Role, needs: Role },
    #[error("{0}")]
    OwnRequest(InvalidTransition),
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error("this route answers another method")]
    Method,
    #[error("query parameter `{name}`: {problem}")]
    Parameter { name: String, problem: String },
    #[error("the body is not JSON")]
    NotJson,
    #[error("send JSON, with the header Content-Type: application/json")]
    MediaType,
    #[error("the body is larger than any request of this API")]
    TooLarge,
    #[error("`{key}`: {problem}")]
    Body { key: String, problem: String },
    #[error("{0}")]
    Refused(String),
    #[error("the set has changed: {count} cases now, with the digest {digest}; review it again")]
    ChangedSet { count: usize, digest: String },
    #[error("this person has an open case on this site: {0}")]
    AlreadyOpen(CaseId),
    #[error("the database did not do its part: try again")]
    Store(#[source] StoreError),
    #[error("something that cannot be was met; the log says what")]
    Inconsistent(#[source] StoreError),
    #[error("something that cannot be was met; the log says what")]
    Panicked(&'static str),
}

impl ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized | Self::NoTokensConfigured => StatusCode::UNAUTHORIZED,
            Self::RoleTooLow { .. } | Self::OwnRequest(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Parameter { .. } | Self::NotJson => StatusCode::BAD_REQUEST,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Body { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Refused(_) | Self::ChangedSet { .. } | Self::AlreadyOpen(_) => StatusCode::CONFLICT,
            Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Inconsistent(_) | Self::Panicked(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What a program may want to know beside the text (RFC 9457, "extension members").
    fn extension(&self) -> Option<(&'static str, Value)> {
        match self {
            Self::ChangedSet { count, .. } => Some(("count", json!(count))),
            Self::AlreadyOpen(id) => Some(("case", json!(id))),
            Self::Unauthorized
            | Self::NoTokensConfigured
            | Self::RoleTooLow { .. }
            | Self::OwnRequest(_)
            | Self::NotFound(_)
            | Self::Method
            | Self::Parameter { .. }
            | Self::NotJson
            | Self::MediaType
            | Self::TooLarge
            | Self::Body { .. }
            | Self::Refused(_)
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

impl From<HappenError> for ApiError {
    fn from(error: HappenError) -> Self {
        match error {
            HappenError::Refused(error @ InvalidTransition::OwnRequest) => Self::OwnRequest(error),
            HappenError::Refused(error @ InvalidTransition::Forbidden { .. }) => Self::Refused(error.to_string()),
            HappenError::TooLate => Self::Refused(HappenError::TooLate.to_string()),
            HappenError::Store(error) => error.into(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        if let Self::Panicked(said) = &self {
            error!(panic = said, "a request of the admin API met a broken invariant");
        } else if status.is_server_error() {
            error!(error = %causes(&self), "a request of the admin API failed");
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

/// Beside the routes.
pub(super) async fn no_such_route() -> ApiError {
    ApiError::NotFound("route")
}

/// The route is there, but answers another method.
pub(super) async fn no_such_method() -> ApiError {
    ApiError::Method
}

/// Gives the refusals of the layers (too large, too slow) the form that all others have.
pub(super) async fn as_problem(response: Response) -> Response {
    let status = response.status();
    let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let has_form = content_type.is_some_and(|content_type| content_type.starts_with("application/"));
    if has_form || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let detail = match status {
        StatusCode::PAYLOAD_TOO_LARGE => return ApiError::TooLarge.into_response(),
        StatusCode::SERVICE_UNAVAILABLE => "it took too long: look whether it was done before you try again",
        _ => "the request was refused",
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

/// An error with everything that led to it.
fn causes(error: &(dyn Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| (*error).source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
