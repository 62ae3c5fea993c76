//! The response to one request, with a body of limited length.

use jiff::Timestamp;
use reqwest::RequestBuilder;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde::de::IgnoredAny;

use super::call::Call;
use super::metrics::Ending;
use crate::clock::Clock;
use crate::outbound::{BodyError, TransportError, read_capped};

/// A page of a thousand users is about one megabyte.
const LONGEST_BODY: usize = 8 * 1024 * 1024;

/// Only a code is looked for in the body of an error.
const LONGEST_ERROR: usize = 64 * 1024;

/// A response with any status.
#[derive(Debug)]
pub(super) struct ApiResponse {
    pub(super) call: Call,
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// When it came.
    pub(super) at: Timestamp,
}

impl ApiResponse {
    pub(super) fn has_status(&self, status: u16) -> bool {
        self.status == status
    }

    /// Something that is done without an answer in its body. A 200 of a proxy that has its own page to show is not that.
    pub(super) fn is_accepted(&self) -> bool {
        let nothing = self.body.trim_ascii().is_empty();
        self.has_status(204)
            || (self.has_status(200) || self.has_status(202))
                && (nothing || serde_json::from_slice::<IgnoredAny>(&self.body).is_ok())
    }

    /// A refusal that means something, because the API says so. A web page with the same status only means that something
    /// else is there: a 404 of a wrong URL must not look like an account that is gone.
    pub(super) fn is_api_status(&self, status: u16) -> bool {
        self.has_status(status) && !self.is_web_page()
    }

    /// Whether the call succeeded.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(super) fn is_web_page(&self) -> bool {
        self.content_type().is_some_and(|text| text.starts_with("text/html") || text.starts_with("application/xhtml"))
            || self.body.trim_ascii_start().starts_with(b"<")
    }

    /// An error that something between us and Atlassian made: 502 to 504 as anything but JSON, or a web page.
    pub(super) fn is_from_proxy(&self) -> bool {
        let foreign = self.content_type().is_some_and(|text| !text.contains("json"));
        self.is_web_page() || (502..=504).contains(&self.status) && foreign
    }

    /// Whether the site did not take the credentials, whatever the status is.
    pub(super) fn is_unauthenticated(&self) -> bool {
        let reason = self.headers.get("x-seraph-loginreason").and_then(|value| value.to_str().ok()).unwrap_or_default();
        reason.split(',').any(|reason| matches!(reason.trim(), "AUTHENTICATED_FAILED" | "AUTHENTICATION_DENIED"))
    }

    /// A header as text without surrounding blanks.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim)
    }

    fn content_type(&self) -> Option<String> {
        let value = self.headers.get(CONTENT_TYPE)?.to_str().ok()?;
        Some(value.trim_start().to_ascii_lowercase())
    }
}

/// Sends `request` and reads the answer.
pub(super) async fn receive(call: Call, request: RequestBuilder, clock: &dyn Clock) -> Result<ApiResponse, BodyError> {
    let mut response = request.send().await.map_err(|error| BodyError::Transport(error.into()))?;
    let status = response.status().as_u16();
    let body = match status {
        200..300 => read_capped(&mut response, LONGEST_BODY).await?,
        // An error without its body is still that error.
        400..500 if status != 429 => read_capped(&mut response, LONGEST_ERROR).await.unwrap_or_default(),
        _ => Vec::new(),
    };
    Ok(ApiResponse { call, status, headers: std::mem::take(response.headers_mut()), body, at: clock.now() })
}

/// How a request without a response is counted.
pub(super) fn ending_of(error: &BodyError) -> Ending {
    match error {
        BodyError::Transport(TransportError::Timeout) => Ending::Timeout,
        BodyError::Transport(TransportError::Broken) => Ending::Reset,
        BodyError::Transport(TransportError::Unsendable | TransportError::Unreachable { .. }) | BodyError::TooLong => {
            Ending::Error
        }
    }
}
