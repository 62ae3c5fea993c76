//! Reading a body: whole, within the limit, in time, and while there is room for it.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use http_body_util::BodyExt as _;

use super::answer::Refused;
use super::room::{Full, Room, SMALL, Share};

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(20);

/// The bytes of a body, as they were sent, and the room that they take.
pub(super) async fn read(body: Body, limit: usize, room: &Room) -> Result<(Vec<u8>, Share), Refused> {
    let announced = body.size_hint();
    // Who announces too much is told so at once: most ask before they send it.
    if usize::try_from(announced.lower()).map_or(true, |announced| announced > limit) {
        return Err(Refused::TooLarge);
    }
    let largest =
        announced.upper().and_then(|upper| usize::try_from(upper).ok()).map_or(limit, |upper| upper.min(limit));
    let mut share = room.share();
    let bytes = tokio::time::timeout(PATIENCE, collect(body, limit, largest, &mut share));
    let bytes = bytes.await.map_err(|_elapsed| Refused::TooSlow)??;
    share.keep();
    Ok((bytes, share))
}

/// Copies what arrives: each piece, however small, would hold on to the buffer that it was read into.
async fn collect(mut body: Body, limit: usize, largest: usize, share: &mut Share) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::with_capacity(largest.min(SMALL));
    loop {
        let frame = tokio::select! {
            frame = body.frame() => frame,
            () = share.taken_back() => return Err(Refused::NoRoom),
        };
        let Some(frame) = frame else { return Ok(bytes) };
        let Ok(data) = frame.map_err(|_ended_early| Refused::Truncated)?.into_data() else { continue };
        let length = bytes.len() + data.len();
        if length > limit {
            return Err(Refused::TooLarge);
        }
        if length > bytes.capacity() {
            let capacity = length.max(bytes.capacity() * 2).min(largest.max(length));
            share.grow_to(capacity).await.map_err(|Full| Refused::NoRoom)?;
            bytes.reserve_exact(capacity - bytes.len());
        }
        bytes.extend_from_slice(&data);
    }
}
