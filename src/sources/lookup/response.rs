//! A vendor's response with a body of limited length, and why it was none.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{RequestBuilder, StatusCode};

use crate::domain::retry::Failure;
use crate::outbound::{BodyError, TransportError, read_capped, retry_instant};

/// Time limit of one response.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The data that a vendor returns about one person is a few kilobytes.
pub(super) const LONGEST_BODY: usize = 256 * 1024;

/// Upper limit of an accepted `Retry-After`.
const LONGEST_REST: SignedDuration = SignedDuration::from_hours(24);

/// A response with any status.
pub(super) struct VendorResponse {
    pub(super) status: StatusCode,
    headers: HeaderMap,
    pub(super) body: Vec<u8>,
    at: Timestamp,
}

impl VendorResponse {
    pub(super) fn is_web_page(&self) -> bool {
        let content_type = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        content_type.is_some_and(|text| text.trim_start().to_ascii_lowercase().starts_with("text/html"))
    }

    pub(super) fn failure(&self) -> Failure {
        let status = self.status.as_u16();
        let detail = |what: &str| format!("lookup: {status}: {what}");
        match status {
            429 => Failure::RateLimited { detail: detail("too many requests"), retry_at: self.retry_at() },
            401 | 403 => {
                Failure::AccessDenied { detail: detail("access denied: configure credentials that may read people") }
            }
            408 | 425 | 500.. => Failure::Transient { detail: detail("the vendor failed"), retry_at: self.retry_at() },
            200..=299 => Failure::Transient { detail: detail("unexpected response"), retry_at: None },
            300..=399 => Failure::Permanent { detail: detail("a redirect, which is not followed: correct the `url`") },
            _ => Failure::Permanent { detail: detail("the vendor rejected the request: correct the lookup") },
        }
    }

    /// `Retry-After`, in seconds or as an HTTP date.
    fn retry_at(&self) -> Option<Timestamp> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        retry_instant(text, &self.headers, self.at, LONGEST_REST)
    }
}

pub(super) async fn receive(request: RequestBuilder, now: Timestamp) -> Result<VendorResponse, Failure> {
    let mut response =
        request.timeout(TIMEOUT).send().await.map_err(|error| failure_of(&BodyError::Transport(error.into())))?;
    let status = response.status();
    let body = if status == StatusCode::OK {
        read_capped(&mut response, LONGEST_BODY).await.map_err(|error| failure_of(&error))?
    } else {
        Vec::new()
    };
    Ok(VendorResponse { status, headers: std::mem::take(response.headers_mut()), body, at: now })
}

fn failure_of(error: &BodyError) -> Failure {
    transient(match error {
        BodyError::Transport(TransportError::Unsendable) => {
            return Failure::AccessDenied {
                detail: "lookup: the credentials hold characters that no header can carry".to_owned(),
            };
        }
        BodyError::Transport(TransportError::Timeout) => "no response in time",
        BodyError::Transport(TransportError::Unreachable { .. }) => "cannot connect to the vendor",
        BodyError::Transport(TransportError::Broken) => "the connection broke before the response was complete",
        BodyError::TooLong => "the response is too long",
    })
}

pub(super) fn transient(what: &str) -> Failure {
    Failure::Transient { detail: format!("lookup: {what}"), retry_at: None }
}
