//! Why a page cannot be shown. [`super::errors`] makes a page of it in the visitor's language.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::domain::ids::CaseId;
use crate::domain::operator::Role;
use crate::proof::confirm_link::LinkError;
use crate::store::StoreError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// No session. The path of the page that was wanted.
    SignIn(String),
    OtherOrigin,
    RoleTooLow(Role),
    NotFound,
    /// A value of the address or the form is wrong. The API's words.
    Invalid(String),
    /// The state forbids the action. The API's words.
    Refused(String),
    /// The one-time link of a notice about this case cannot be used.
    Link(LinkError, CaseId),
    Unavailable,
}

impl Failure {
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::SignIn(_) => StatusCode::SEE_OTHER,
            Self::OtherOrigin | Self::RoleTooLow(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Refused(_) | Self::Link(..) => StatusCode::CONFLICT,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "console: a page cannot be shown");
        Self::Unavailable
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        if let Self::SignIn(next) = &self {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair("next", next);
            let location = format!("/sign-in?{}", query.finish());
            let location = HeaderValue::try_from(location).unwrap_or(HeaderValue::from_static("/sign-in"));
            response.headers_mut().insert(header::LOCATION, location);
        } else {
            response.extensions_mut().insert(self);
        }
        response
    }
}

/// After a form was handled: shows a page, so that a reload does not send the form again.
pub(super) fn see_other(path: &str) -> Response {
    let location = HeaderValue::try_from(path).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}
