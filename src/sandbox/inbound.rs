//! One HTTP request, read completely and parsed, independent of its operation.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use super::response::ApiError;

/// More than any call of ours sends.
const LARGEST_BODY: usize = 1024 * 1024;

/// One HTTP request.
#[derive(Debug)]
pub(super) struct Inbound {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    /// The parts of the path between slashes, percent-decoded: account ids contain colons.
    pub(super) segments: Vec<String>,
    headers: HeaderMap,
    body: Bytes,
}

/// Who a request says that it is from.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Credentials {
    Basic { user: String, password: String },
    Bearer(String),
}

impl Inbound {
    /// Reads the whole request; nothing if the body is too large or breaks off.
    pub(super) async fn read(request: axum::http::Request<Body>) -> Option<Self> {
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(body, LARGEST_BODY).await.ok()?;
        let path = head.uri.path().to_owned();
        let segments = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect();
        let query = head.uri.query().unwrap_or_default().to_owned();
        Some(Self { method: head.method, path, query, segments, headers: head.headers, body })
    }

    /// The first query parameter of this name.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// A query parameter that is a number.
    pub(super) fn number(&self, name: &str, default: usize) -> Result<usize, ApiError> {
        let Some(text) = self.parameter(name) else { return Ok(default) };
        text.parse().ok().ok_or_else(|| ApiError::bad_request(format!("`{name}` is not a number of things.")))
    }

    /// The body as JSON.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| ApiError::bad_request(format!("Invalid request payload: {error}")))
    }

    /// The body as a form where it says so, else as JSON.
    pub(super) fn form_or_json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        let kind = self.header(header::CONTENT_TYPE.as_str()).unwrap_or_default();
        if !kind.starts_with("application/x-www-form-urlencoded") {
            return self.json();
        }
        let fields: serde_json::Map<String, serde_json::Value> = form_urlencoded::parse(&self.body)
            .map(|(key, value)| (key.into_owned(), value.into_owned().into()))
            .collect();
        serde_json::from_value(fields.into())
            .map_err(|error| ApiError::bad_request(format!("Invalid request payload: {error}")))
    }

    /// Whether the caller agreed to an experimental call.
    pub(super) fn opted_in(&self) -> bool {
        self.header("x-experimentalapi").is_some_and(|value| value.eq_ignore_ascii_case("opt-in"))
    }

    /// The credentials, if there are any that could be right.
    pub(super) fn credentials(&self) -> Option<Credentials> {
        let (scheme, rest) = self.header(header::AUTHORIZATION.as_str())?.split_once(' ')?;
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") && !rest.is_empty() {
            return Some(Credentials::Bearer(rest.to_owned()));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
        let (user, password) = decoded.split_once(':')?;
        (!user.is_empty() && !password.is_empty())
            .then(|| Credentials::Basic { user: user.to_owned(), password: password.to_owned() })
    }

    /// Where the caller thinks that we are.
    pub(super) fn base(&self) -> String {
        format!("http://{}", self.header(header::HOST.as_str()).unwrap_or("sandbox.example.com"))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl ApiError {
    /// 400 with this text.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }
}
