//! Response bodies with an upper limit.

use reqwest::Response;

use super::transport_error::TransportError;

/// Why a body was not read.
#[derive(Debug)]
pub(crate) enum BodyError {
    /// The connection failed.
    Transport(TransportError),
    /// The body is longer than the limit.
    TooLong,
}

/// Reads a body of at most `max` bytes.
pub(crate) async fn read_capped(response: &mut Response, max: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| BodyError::Transport(error.into()))? {
        if body.len() + chunk.len() > max {
            return Err(BodyError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
