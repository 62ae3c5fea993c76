//! Reads a body completely, within its size limit, timeout and memory budget.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use http_body_util::BodyExt as _;

use super::body_budget::{BodyBudget, BudgetExhausted, Reservation, SMALL};
use super::response::IntakeError;

/// The timeout of a body.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Returns the unchanged bytes and their reservation.
pub(super) async fn read(body: Body, limit: usize, budget: &BodyBudget) -> Result<(Vec<u8>, Reservation), IntakeError> {
    let announced = body.size_hint();
    // Rejected before the upload: many clients send `Expect: 100-continue`.
    if usize::try_from(announced.lower()).map_or(true, |announced| announced > limit) {
        return Err(IntakeError::TooLarge);
    }
    let largest =
        announced.upper().and_then(|upper| usize::try_from(upper).ok()).map_or(limit, |upper| upper.min(limit));
    let mut reservation = budget.reservation();
    let bytes = tokio::time::timeout(TIMEOUT, collect(body, limit, largest, &mut reservation));
    let bytes = bytes.await.map_err(|_elapsed| IntakeError::TooSlow)??;
    reservation.keep();
    Ok((bytes, reservation))
}

/// Copies each frame, because a frame keeps the whole read buffer alive.
async fn collect(
    mut body: Body,
    limit: usize,
    largest: usize,
    reservation: &mut Reservation,
) -> Result<Vec<u8>, IntakeError> {
    let mut bytes = Vec::with_capacity(largest.min(SMALL));
    loop {
        let frame = tokio::select! {
            frame = body.frame() => frame,
            () = reservation.cancelled() => return Err(IntakeError::OverBudget),
        };
        let Some(frame) = frame else { return Ok(bytes) };
        let Ok(data) = frame.map_err(|_ended_early| IntakeError::Truncated)?.into_data() else { continue };
        let length = bytes.len() + data.len();
        if length > limit {
            return Err(IntakeError::TooLarge);
        }
        if length > bytes.capacity() {
            let capacity = length.max(bytes.capacity() * 2).min(largest.max(length));
            reservation.grow_to(capacity).await.map_err(|BudgetExhausted| IntakeError::OverBudget)?;
            bytes.reserve_exact(capacity - bytes.len());
        }
        bytes.extend_from_slice(&data);
    }
}
