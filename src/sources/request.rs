//! A request of a vendor, as received.

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;

/// A request as received.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Usually `POST`.
    pub method: &'a str,
    /// The part after the `?`.
    pub query: Option<&'a str>,
    pub headers: &'a HeaderMap,
    /// The raw bytes, before any decoding.
    pub body: &'a [u8],
}

impl Request<'_> {
    pub(super) fn content_type(&self) -> Option<&str> {
        self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok())
    }
}
