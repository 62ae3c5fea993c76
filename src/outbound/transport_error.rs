//! Why a request has no response. The text of a `reqwest::Error` holds the URL, and with it personal data: only its kind
//! is kept.

use std::error::Error;

/// Why there is no response.
#[derive(Debug)]
pub(crate) enum TransportError {
    /// The request cannot be written: its credentials hold characters that no header can carry.
    Unsendable,
    /// The time limit was reached before the response was complete.
    Timeout,
    /// No connection.
    Unreachable {
        /// The error of the operating system or of TLS.
        cause: String,
    },
    /// The connection broke.
    Broken,
}

impl From<reqwest::Error> for TransportError {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        if error.is_timeout() {
            Self::Timeout
        } else if error.is_builder() {
            Self::Unsendable
        } else if error.is_connect() {
            Self::Unreachable { cause: innermost(&error) }
        } else {
            Self::Broken
        }
    }
}

fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
