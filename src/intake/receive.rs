//! One request: from its bytes to its answer.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use secrecy::SecretString;

use super::body_budget::BodyBudget;
use super::log_aggregator::LogKey;
use super::metrics::DeliveryOutcome;
use super::response::{self, IntakeError};
use super::{Intake, IntakeSource, body};
use crate::clock;
use crate::domain::ids::{DeliveryId, SourceName};
use crate::proof::seal::KeyedHash;
use crate::sources::{self, Rejection};
use crate::store::{Accepted, NewDelivery, StoreError};

/// Takes a delivery, or shakes hands.
pub(super) async fn receive(
    State(state): State<Arc<(Intake, BodyBudget)>>,
    path: Path<String>,
    request: Request,
) -> Response {
    let (intake, budget) = state.as_ref();
    // The window of a signature is judged by when the request came, not by when its body was complete.
    let received_at = intake.clock.now();
    let sources = intake.sources.load();
    let known = path.parse::<SourceName>().ok().and_then(|name| sources.get_key_value(&name));
    let Some((source, configured)) = known else { return IntakeError::UnknownSource.into_response() };
    match take(intake, budget, source, configured, request, received_at).await {
        Ok(Taken::Delivery(accepted)) => {
            let verdict = match accepted {
                Accepted::New(_) => DeliveryOutcome::Accepted,
                Accepted::Duplicate(_) => DeliveryOutcome::Duplicate,
                Accepted::ReusedId(_) => {
                    intake.metrics.note(source, LogKey::ReusedId);
                    DeliveryOutcome::ReusedId
                }
            };
            intake.metrics.count(source, verdict);
            response::accepted(accepted)
        }
        Ok(Taken::Handshake(answer)) => {
            intake.metrics.note(source, LogKey::Handshake(answer.status.as_u16()));
            response::handshake(answer)
        }
        Err((refused, verdict)) => {
            intake.metrics.count(source, verdict);
            refused.into_response()
        }
    }
}

enum Taken {
    Delivery(Accepted),
    Handshake(sources::HandshakeResponse),
}

async fn take(
    intake: &Intake,
    budget: &BodyBudget,
    source: &SourceName,
    configured: &IntakeSource,
    request: Request,
    received_at: Timestamp,
) -> Result<Taken, (IntakeError, DeliveryOutcome)> {
    let (head, body) = request.into_parts();
    let read = body::read(body, intake.max_body, budget).await;
    let (bytes, reservation) = read.map_err(|refused| unreadable(intake, source, refused))?;
    let request = sources::Request {
        method: head.method.as_str(),
        query: head.uri.query(),
        headers: &head.headers,
        body: &bytes,
    };
    if let Some(answer) = configured.source.answer_handshake(&request) {
        if let Some(secret) = &answer.offered {
            if intake.store.is_source_paused(source) {
                return Err((IntakeError::Paused, DeliveryOutcome::Error));
            }
            keep(intake, source, secret, received_at).await?;
        }
        return Ok(Taken::Handshake(answer));
    }
    if head.method != Method::POST {
        return Err((IntakeError::MethodNotAllowed, DeliveryOutcome::Error));
    }
    if intake.store.is_source_paused(source) {
        return Err((IntakeError::Paused, DeliveryOutcome::Error));
    }
    if is_encoded(&head.headers) {
        return Err((IntakeError::EncodedBody, DeliveryOutcome::Error));
    }
    let verified =
        configured.source.verify(&request, received_at).map_err(|rejection| unauthorized(intake, source, rejection))?;
    if let Some(answer) = verified.handshake {
        return Ok(Taken::Handshake(answer));
    }
    let id = DeliveryId::from(clock::new_id(received_at));
    // With the headers that the mapping reads: the same body under another topic is another delivery.
    let stored = configured.source.to_store(&head.headers, &bytes);
    let (dedupe_hash, dedupe_until) =
        dedupe_key(intake, source, configured, verified.delivery_id, &stored, received_at);
    let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let delivery = NewDelivery {
        id,
        source: source.clone(),
        received_at,
        dedupe_hash,
        dedupe_until,
        signed_at: verified.signed_at,
        content_type,
        sealed_body: NewDelivery::seal(intake.store.key(), id, &stored),
    };
    // From here on only the sealed one is needed.
    drop(stored);
    drop(bytes);
    match intake.queue.commit(delivery, reservation).await {
        Some(accepted) => Ok(Taken::Delivery(accepted)),
        None => Err((IntakeError::Unavailable, DeliveryOutcome::Error)),
    }
}

/// Keeps a secret that was offered before the vendor is told that it was taken. Of no use until an operator accepts it.
async fn keep(
    intake: &Intake,
    source: &SourceName,
    secret: &SecretString,
    received_at: Timestamp,
) -> Result<(), (IntakeError, DeliveryOutcome)> {
    let kept = async {
        let mut tx = intake.store.begin().await?;
        let kept = tx.keep_offer(source, secret, received_at).await?;
        tx.commit().await?;
        Ok::<_, StoreError>(kept)
    };
    match kept.await {
        Ok(true) => {
            tracing::warn!(%source, "a secret was offered: an operator has to accept it before it is of use");
            Ok(())
        }
        Ok(false) => {
            intake.metrics.note(source, LogKey::OffersThrottled);
            Err((IntakeError::Unavailable, DeliveryOutcome::Error))
        }
        Err(error) => {
            let error = anyhow::Error::new(error);
            tracing::error!(%source, error = format!("{error:#}"), "an offered secret could not be kept");
            Err((IntakeError::Unavailable, DeliveryOutcome::Error))
        }
    }
}

/// By what a repetition of this delivery is recognised, and until when.
///
/// The vendor's own id counts together with the body, and for as long as the delivery is kept: another body under the same id
/// is another delivery. A body alone counts only for a while, and while nothing else about its people takes effect: a flat
/// payload without any time in it is the same when the same person leaves a second time. No header of the signature goes
/// into the hash, because a new time of signing would make every retry a new delivery; those that the mapping reads do.
fn dedupe_key(
    intake: &Intake,
    source: &SourceName,
    configured: &IntakeSource,
    delivery_id: Option<String>,
    body: &[u8],
    received_at: Timestamp,
) -> (KeyedHash, Option<Timestamp>) {
    let key = intake.store.key();
    if let Some(id) = delivery_id {
        return (key.hash_delivery_with_id(source, &id, body), None);
    }
    // Whatever can be replayed inside the window of the signature must be recognised at least as long.
    let window =
        configured.source.window().map_or(configured.dedupe_window, |window| window.max(configured.dedupe_window));
    let until = received_at.saturating_add(window).unwrap_or(Timestamp::MAX);
    (key.hash_delivery(source, "body", body), Some(until))
}

fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

fn unreadable(intake: &Intake, source: &SourceName, refused: IntakeError) -> (IntakeError, DeliveryOutcome) {
    intake.metrics.note(source, LogKey::Unreadable(refused));
    (refused, if refused == IntakeError::TooLarge { DeliveryOutcome::TooLarge } else { DeliveryOutcome::Error })
}

fn unauthorized(intake: &Intake, source: &SourceName, rejection: Rejection) -> (IntakeError, DeliveryOutcome) {
    intake.metrics.note(source, LogKey::Rejected(rejection));
    let verdict = if rejection == Rejection::Stale { DeliveryOutcome::Stale } else { DeliveryOutcome::Unauthorized };
    (IntakeError::Unauthorized, verdict)
}
