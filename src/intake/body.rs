//! Reading a body: whole, within the limit, in time.

use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::answer::Refused;

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(20);

/// The bytes of a body, as they were sent.
pub(super) async fn read(body: Body, limit: usize) -> Result<Bytes, Refused> {
    match tokio::time::timeout(PATIENCE, Limited::new(body, limit).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refused::TooLarge),
        Ok(Err(_ended_early)) => Err(Refused::Truncated),
        Err(_elapsed) => Err(Refused::TooSlow),
    }
}
