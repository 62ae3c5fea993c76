//! What goes back: answers, and refusals in the four dialects of Atlassian's errors.

use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

/// Whose dialect an error is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorFormat {
    /// Jira platform: `{errorMessages, errors}`.
    Platform,
    /// JSM: `{errorMessage, i18nErrorMessage}`.
    ServiceDesk,
    /// The gateway and Customer Service Management: `{code, message}`.
    Gateway,
    /// The authorization server: `{error, error_description}`.
    Authorization,
}

/// An answer.
#[derive(Debug)]
pub(super) struct SiteResponse {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Bytes,
    /// Whether the call changed anything.
    pub(super) changed: bool,
}

impl SiteResponse {
    /// An answer without a body.
    pub(super) fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new(), changed: false }
    }

    /// 200 with JSON.
    pub(super) fn ok(value: &Value) -> Self {
        Self::json(StatusCode::OK, value)
    }

    /// JSON with this status.
    pub(super) fn json(status: StatusCode, value: &Value) -> Self {
        Self::empty(status).with_body("application/json;charset=UTF-8", value.to_string().into())
    }

    /// The same with this body instead.
    pub(super) fn with_body(mut self, content_type: &'static str, body: Bytes) -> Self {
        self.headers.retain(|(name, _)| name != header::CONTENT_TYPE);
        self.headers.push((header::CONTENT_TYPE, HeaderValue::from_static(content_type)));
        self.body = body;
        self
    }

    /// The same with this header; a value that cannot be one is left out.
    pub(super) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// The same response, marked as a change or not.
    pub(super) fn with_changed(mut self, changed: bool) -> Self {
        self.changed = changed;
        self
    }
}

/// Why a call was not carried out.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    message: String,
    headers: Vec<(HeaderName, String)>,
    error_format: Option<ErrorFormat>,
}

impl ApiError {
    /// A refusal in the dialect of whatever was called.
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), headers: Vec::new(), error_format: None }
    }

    /// The same in a dialect of its own: the gateway speaks before what is behind it does.
    pub(super) fn in_format(mut self, error_format: ErrorFormat) -> Self {
        self.error_format = Some(error_format);
        self
    }

    /// The same with a header.
    pub(super) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((HeaderName::from_static(name), value.into()));
        self
    }

    /// The answer that says so.
    pub(super) fn into_response(self, error_format: ErrorFormat) -> SiteResponse {
        let Self { status, message, headers, error_format: own } = self;
        let body = match own.unwrap_or(error_format) {
            ErrorFormat::Platform => json!({ "errorMessages": [message], "errors": {} }),
            ErrorFormat::ServiceDesk => json!({
                "errorMessage": message,
                "i18nErrorMessage": { "i18nKey": format!("sd.rest.error.{}", status.as_u16()), "parameters": [] },
            }),
            ErrorFormat::Gateway => json!({ "code": status.as_u16(), "message": message }),
            ErrorFormat::Authorization => {
                let error = if status == StatusCode::BAD_REQUEST { "invalid_request" } else { "access_denied" };
                json!({ "error": error, "error_description": message })
            }
        };
        let response = SiteResponse::json(status, &body);
        headers.into_iter().fold(response, |response, (name, value)| response.with_header(name, &value))
    }
}
