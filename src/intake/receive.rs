//! Handles one webhook request.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use secrecy::SecretString;
use tracing::Instrument as _;

use super::body;
use super::body_budget::BodyBudget;
use super::log_aggregator::LogKey;
use super::metrics::DeliveryOutcome;
use super::response::{self, IntakeError};
use super::state::{Intake, IntakeSource};
use crate::clock;
use crate::domain::ids::{DeliveryId, SourceName};
use crate::proof::seal::KeyedHash;
use crate::sources::{self, Rejection, Verified};
use crate::store::{Inserted, NewDelivery, StoreError};

/// Accepts a delivery, or answers a handshake.
pub(super) async fn receive(
    State(state): State<Arc<(Intake, BodyBudget)>>,
    path: Path<String>,
    request: Request,
) -> Response {
    let (intake, budget) = state.as_ref();
    // The time window of a signature applies to the start of the request, not to the end of its body.
    let received_at = intake.clock.now();
    let sources = intake.sources.load();
    let known = path.parse::<SourceName>().ok().and_then(|name| sources.get_key_value(&name));
    let Some((source, configured)) = known else { return IntakeError::UnknownSource.into_response() };
    match take(intake, budget, source, configured, request, received_at).await {
        Ok(Taken::Delivery(accepted)) => {
            let verdict = match accepted {
                Inserted::New(_) => DeliveryOutcome::Accepted,
                Inserted::Duplicate(_) => DeliveryOutcome::Duplicate,
            };
            intake.metrics.count(source, verdict, received_at);
            response::accepted(accepted)
        }
        Ok(Taken::Handshake(handshake)) => {
            intake.metrics.note(source, LogKey::Handshake(handshake.status.as_u16()));
            response::handshake(handshake)
        }
        Err((error, verdict)) => {
            intake.metrics.count(source, verdict, received_at);
            error.into_response()
        }
    }
}

enum Taken {
    Delivery(Inserted),
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
    let (bytes, reservation) = read.map_err(|error| unreadable(intake, source, error))?;
    let request = sources::Request {
        method: head.method.as_str(),
        query: head.uri.query(),
        headers: &head.headers,
        body: &bytes,
    };
    if let Some(response) = configured.source.answer_handshake(&request) {
        if let Some(secret) = &response.offered {
            require_not_paused(intake, source)?;
            store_offer(intake, source, secret, received_at).await?;
        }
        return Ok(Taken::Handshake(response));
    }
    if head.method != Method::POST {
        return Err((IntakeError::MethodNotAllowed, DeliveryOutcome::Error));
    }
    require_not_paused(intake, source)?;
    if is_encoded(&head.headers) {
        return Err((IntakeError::EncodedBody, DeliveryOutcome::Error));
    }
    let verified =
        configured.source.verify(&request, received_at).map_err(|rejection| unauthorized(intake, source, rejection))?;
    if let Some(response) = verified.handshake {
        return Ok(Taken::Handshake(response));
    }
    let delivery = new_delivery(intake, source, configured, verified, &request, received_at);
    // Only the sealed body is needed from here on.
    drop(bytes);
    let span = tracing::debug_span!("intake.delivery", delivery.id = %delivery.id, %source);
    let committed = intake.queue.commit(delivery, reservation).instrument(span).await;
    committed.map(Taken::Delivery).ok_or((IntakeError::Unavailable, DeliveryOutcome::Error))
}

fn new_delivery(
    intake: &Intake,
    source: &SourceName,
    configured: &IntakeSource,
    verified: Verified,
    request: &sources::Request<'_>,
    received_at: Timestamp,
) -> NewDelivery {
    // Includes the headers that the mapping reads: the same body with another topic is another delivery.
    let stored = configured.source.to_store(request.headers, request.body);
    let (dedupe_hash, dedupe_until) =
        dedupe_key(intake, source, configured, verified.delivery_id, &stored, received_at);
    let id = DeliveryId::from(clock::new_id(received_at));
    let content_type = request.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    NewDelivery {
        id,
        source: source.clone(),
        received_at,
        dedupe_hash,
        dedupe_until,
        signed_at: verified.signed_at,
        content_type,
        sealed_body: NewDelivery::seal(intake.store.key(), id, &stored),
    }
}

fn require_not_paused(intake: &Intake, source: &SourceName) -> Result<(), (IntakeError, DeliveryOutcome)> {
    if intake.store.is_source_paused(source) { Err((IntakeError::Paused, DeliveryOutcome::Error)) } else { Ok(()) }
}

/// Stores an offered secret before the handshake is answered. It is not valid until an operator accepts it.
async fn store_offer(
    intake: &Intake,
    source: &SourceName,
    secret: &SecretString,
    received_at: Timestamp,
) -> Result<(), (IntakeError, DeliveryOutcome)> {
    let stored = async {
        let mut tx = intake.store.begin().await?;
        let stored = tx.store_offered_secret(source, secret, received_at).await?;
        tx.commit().await?;
        Ok::<_, StoreError>(stored)
    };
    match stored.await {
        Ok(true) => {
            tracing::warn!(%source, "source {source}: the vendor offered a secret, an approver must accept it");
            Ok(())
        }
        Ok(false) => {
            intake.metrics.note(source, LogKey::OffersThrottled);
            Err((IntakeError::Unavailable, DeliveryOutcome::Error))
        }
        Err(error) => {
            let error = anyhow::Error::new(error);
            tracing::error!(%source, error = format!("{error:#}"), "source {source}: cannot store an offered secret");
            Err((IntakeError::Unavailable, DeliveryOutcome::Error))
        }
    }
}

/// Identifies a repeated delivery. Returns the hash, and the time until which it applies.
///
/// A vendor's delivery id is hashed together with the body and applies as long as the delivery is stored: another body with
/// the same id is another delivery. A body without an id applies only for a time window, because a body without a date is
/// identical when the same person leaves a second time. The hash contains the headers that the mapping reads, but no header of
/// the signature: a retry has a new time of signing.
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
    // At least the time window of the signature, in which the request can be replayed.
    let window =
        configured.source.window().map_or(configured.dedupe_window, |window| window.max(configured.dedupe_window));
    let until = received_at.saturating_add(window).unwrap_or(Timestamp::MAX);
    (key.hash_delivery(source, "body", body), Some(until))
}

fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

fn unreadable(intake: &Intake, source: &SourceName, error: IntakeError) -> (IntakeError, DeliveryOutcome) {
    intake.metrics.note(source, LogKey::Unreadable(error));
    (error, if error == IntakeError::TooLarge { DeliveryOutcome::TooLarge } else { DeliveryOutcome::Error })
}

fn unauthorized(intake: &Intake, source: &SourceName, rejection: Rejection) -> (IntakeError, DeliveryOutcome) {
    intake.metrics.note(source, LogKey::Rejected(rejection));
    let verdict = if rejection == Rejection::Stale { DeliveryOutcome::Stale } else { DeliveryOutcome::Unauthorized };
    (IntakeError::Unauthorized, verdict)
}
