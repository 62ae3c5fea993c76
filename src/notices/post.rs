//! One HTTP request, and why it was not accepted.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::{RequestBuilder, StatusCode, header};

use crate::outbound::{TransportError, retry_instant};

/// The time limit of an attempt: a server that greets and hangs must not hold a message for longer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(20);

/// A `Retry-After` is honored up to this.
const MAX_RETRY_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// Why a channel did not accept a message. Holds no URL and no text of the server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct SendError {
    pub detail: String,
    /// `Retry-After`.
    pub retry_at: Option<Timestamp>,
}

impl SendError {
    pub(super) fn of(detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), retry_at: None }
    }
}

pub(super) async fn post(request: RequestBuilder, now: Timestamp) -> Result<(), SendError> {
    let response = request.send().await.map_err(|error| SendError::of(transport(&error.into())))?;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let headers = response.headers();
    let retry_after = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_at = retry_after.and_then(|text| retry_instant(text, headers, now, MAX_RETRY_AFTER));
    let hint = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ": the receiver rejects the secret or the URL",
        StatusCode::NOT_FOUND | StatusCode::GONE => ": the receiver does not exist (any more)",
        StatusCode::TOO_MANY_REQUESTS => ": too many messages",
        _ => "",
    };
    Err(SendError { detail: format!("status {}{hint}", status.as_u16()), retry_at })
}

fn transport(error: &TransportError) -> String {
    match error {
        TransportError::Unsendable => "the URL or a header cannot be sent".to_owned(),
        TransportError::Timeout => "no answer in time".to_owned(),
        TransportError::Unreachable { cause } => format!("no connection: {cause}"),
        TransportError::Broken => "the connection broke".to_owned(),
    }
}
