//! Reading a body: whole, within the limit, in time.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::answer::Refused;

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(20);

/// The bytes of a body, as they were sent.
pub(super) async fn read(body: Body, limit: usize) -> Result<Bytes, Refused> {
    // Who announces too much is told so at once: most ask before they send it.
    if usize::try_from(body.size_hint().lower()).map_or(true, |announced| announced > limit) {
        return Err(Refused::TooLarge);
    }
    match tokio::time::timeout(PATIENCE, Limited::new(body, limit).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refused::TooLarge),
        Ok(Err(_ended_early)) => Err(Refused::Truncated),
        Err(_elapsed) => Err(Refused::TooSlow),
    }
}
