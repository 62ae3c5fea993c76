//! Events: the contents of a delivery, and their status.

use std::collections::HashSet;

use jiff::Timestamp;
use tracing::instrument;

use super::row::{RowReader, millis};
use super::sql::{Row, query};
use super::{Origin, Store, StoreError, Tx};
use crate::domain::event::Event;
use crate::domain::ids::{CaseId, DeliveryId, EventId, SiteName, SourceName};
use crate::domain::named;
use crate::proof::seal::{KeyedHash, MasterKey};

/// The maximum number of events shown for one delivery: more than a person can read is of no use.
const MOST_SHOWN: u32 = 1000;

/// The maximum number of waiting events that are loaded together.
const AT_ONE_TIME: u32 = 256;

/// The status of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventStatus {
    /// A call about the same person is in progress, or a lookup of the email address is pending. The event is applied
    /// later.
    Waiting,
    /// The event changed a case.
    Applied,
    /// The event had no effect.
    Ignored,
    Unreadable,
}

named!(EventStatus { Waiting = "waiting", Applied = "applied", Ignored = "ignored", Unreadable = "unreadable" });

/// An event, to be stored.
#[derive(Debug)]
pub struct NewEvent<'a> {
    pub id: EventId,
    pub delivery_id: DeliveryId,
    /// Its index in the delivery.
    pub position: u32,
    pub source: &'a SourceName,
    /// Where the event applies, if its source has several sites.
    pub site: Option<&'a SiteName>,
    /// The type in one word.
    pub event_type: &'a str,
    pub happened_at: Timestamp,
}

/// An event that waits for a call to be settled, or for an email address.
#[derive(Debug)]
pub struct WaitingEvent {
    pub id: EventId,
    /// The order in which it was read.
    pub seq: i64,
    pub delivery_id: DeliveryId,
    pub source: SourceName,
    /// Where the event applies, if its source has several sites.
    pub site: Option<SiteName>,
    /// When the delivery arrived.
    pub received_at: Timestamp,
    /// The identity of its delivery, by which it is compared with earlier ones.
    pub origin: Origin,
    pub event: Event,
}

/// The outcome of an event, as it is stored.
#[derive(Debug, Clone, Copy)]
pub struct EventOutcome<'a> {
    pub status: EventStatus,
    /// The reason why it had no effect or could not be read.
    pub reason: Option<&'a str>,
    /// The case that it is about.
    pub case_id: Option<CaseId>,
    /// The person whose email address it waits for.
    pub looked_up: Option<KeyedHash>,
}

/// An event in a list.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// Its index in the delivery.
    pub position: u32,
    /// The type in one word.
    pub event_type: String,
    pub status: EventStatus,
    /// The reason why it had no effect or could not be read.
    pub reason: Option<String>,
    /// The case that it is about.
    pub case_id: Option<CaseId>,
}

/// A waiting event, or the reason why it cannot be read.
pub type StoredWaiting = (EventId, Result<WaitingEvent, StoreError>);

impl Tx {
    /// Stores an event and its outcome.
    #[instrument(name = "store.event.record", skip_all, fields(delivery.id = %event.delivery_id), err)]
    pub async fn record_event(
        &mut self,
        event: &NewEvent<'_>,
        outcome: EventOutcome<'_>,
        kept: Option<&Event>,
    ) -> Result<(), StoreError> {
        let sealed = kept
            .filter(|_| outcome.status == EventStatus::Waiting)
            .map(|event| serde_json::to_vec(event).map_err(|error| StoreError::inconsistent("event", "", error)))
            .transpose()?
            .map(|json| self.key.seal(event.id.as_bytes(), &json));
        query(
            "INSERT INTO events (
                 id, delivery_id, position, source, type, happened_at, status, reason, case_id, person_hash, sealed, site)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(event.id.to_string())
        .bind(event.delivery_id.to_string())
        .bind(event.position)
        .bind(event.source.as_str())
        .bind(event.event_type)
        .bind(millis(event.happened_at))
        .bind(outcome.status.as_str())
        .bind(outcome.reason)
        .bind(outcome.case_id.map(|id| id.to_string()))
        .bind(outcome.looked_up.map(|hash| hash.0.to_vec()))
        .bind(sealed)
        .bind(event.site.map(SiteName::as_str))
        .execute(&mut **self)
        .await?;
        Ok(())
    }

    /// Stores the outcome of an event that waited.
    #[instrument(name = "store.event.settle", skip_all)]
    pub async fn settle_event(&mut self, id: EventId, outcome: EventOutcome<'_>) -> Result<(), StoreError> {
        query(
            "UPDATE events
             SET status = $1,
                 reason = $2,
                 case_id = $3,
                 person_hash = $4,
                 sealed = CASE $1 WHEN 'waiting' THEN sealed END
             WHERE id = $5 AND status = 'waiting'",
        )
        .bind(outcome.status.as_str())
        .bind(outcome.reason)
        .bind(outcome.case_id.map(|id| id.to_string()))
        .bind(outcome.looked_up.map(|hash| hash.0.to_vec()))
        .bind(id.to_string())
        .execute(&mut **self)
        .await?;
        Ok(())
    }

    /// Whether an event that was read before the event `before` waits for a call of this case.
    #[instrument(name = "store.event.has_waiting", skip_all, fields(case.id = %case_id), err)]
    pub async fn has_waiting_event(&mut self, case_id: CaseId, before: Option<i64>) -> Result<bool, StoreError> {
        let row = query(
            "SELECT 1
             FROM events
             WHERE case_id = $1 AND status = 'waiting' AND person_hash IS NULL AND ($2 IS NULL OR seq < $2)
             LIMIT 1",
        )
        .bind(case_id.to_string())
        .bind(before)
        .fetch_optional(&mut **self)
        .await?;
        Ok(row.is_some())
    }

    /// Deletes an event that had no effect in the end, so that a replay of its delivery applies it.
    #[instrument(name = "store.event.delete", skip_all, fields(delivery.id = %delivery_id), err)]
    pub async fn delete_event(&mut self, delivery_id: DeliveryId, position: u32) -> Result<(), StoreError> {
        query("DELETE FROM events WHERE delivery_id = $1 AND position = $2 AND case_id IS NULL")
            .bind(delivery_id.to_string())
            .bind(position)
            .execute(&mut **self)
            .await?;
        Ok(())
    }

    /// Deletes the events of an earlier reading of a delivery, before it is read again, except for the applied ones.
    /// Returns the positions of the applied ones.
    #[instrument(name = "store.event.begin_reading", skip_all, err)]
    pub async fn begin_reading(&mut self, delivery_id: DeliveryId) -> Result<HashSet<u32>, StoreError> {
        let rows = query("SELECT id, position, status FROM events WHERE delivery_id = $1")
            .bind(delivery_id.to_string())
            .fetch_all(&mut **self)
            .await?;
        let mut applied = HashSet::new();
        for row in &rows {
            let event = RowReader { what: "event", row };
            match event.word("status")? {
                EventStatus::Waiting | EventStatus::Applied => {
                    applied.insert(event.count("position")?);
                }
                EventStatus::Ignored | EventStatus::Unreadable => {
                    let id: EventId = event.word("id")?;
                    query("DELETE FROM events WHERE id = $1").bind(id.to_string()).execute(&mut **self).await?;
                }
            }
        }
        Ok(applied)
    }
}

impl Store {
    /// Events that waited for a call which is settled now, in the order of their arrival. An event that cannot be read
    /// does not block the others.
    #[instrument(name = "store.event.waiting", skip_all, err)]
    pub async fn waiting_events(&self) -> Result<Vec<StoredWaiting>, StoreError> {
        let rows = query(
            "SELECT
                 e.*, COALESCE(d.received_at, e.happened_at) AS received_at, d.seq, d.dedupe_hash, d.dedupe_until,
                 d.signed_at
             FROM events e
                 LEFT JOIN deliveries d ON d.id = e.delivery_id
             WHERE e.status = 'waiting'
                 AND e.person_hash IS NULL
                 AND NOT EXISTS (
                     SELECT 1
                     FROM jobs j
                     WHERE j.case_id = e.case_id AND j.state = 'running' AND j.dispatched_at IS NOT NULL)
             ORDER BY e.seq
             LIMIT $1",
        )
        .bind(AT_ONE_TIME)
        .fetch_all(&self.reader)
        .await?;
        rows.iter()
            .map(|row| Ok((RowReader { what: "event", row }.word("id")?, read_waiting(row, &self.key))))
            .collect()
    }

    /// The events of a delivery, up to [`MOST_SHOWN`].
    #[instrument(name = "store.event.of_delivery", skip_all, err)]
    pub async fn events_of(&self, delivery_id: DeliveryId) -> Result<Vec<EventRow>, StoreError> {
        let rows = query("SELECT * FROM events WHERE delivery_id = $1 ORDER BY position LIMIT $2")
            .bind(delivery_id.to_string())
            .bind(MOST_SHOWN)
            .fetch_all(&self.reader)
            .await?;
        rows.iter()
            .map(|row| {
                let reader = RowReader { what: "event", row };
                Ok(EventRow {
                    position: row.try_get("position")?,
                    event_type: reader.text("type")?,
                    status: reader.word("status")?,
                    reason: reader.text_if_any("reason")?,
                    case_id: reader.word_if_any("case_id")?,
                })
            })
            .collect()
    }
}

/// Unseals a waiting event.
pub(super) fn read_waiting(row: &Row, key: &MasterKey) -> Result<WaitingEvent, StoreError> {
    let reader = RowReader { what: "event", row };
    let id: EventId = reader.word("id")?;
    let sealed = reader.bytes_if_any("sealed")?.unwrap_or_default();
    let plain = key.open(id.as_bytes(), &sealed).map_err(|source| StoreError::Sealed { what: "event", source })?;
    Ok(WaitingEvent {
        id,
        seq: row.try_get("seq")?,
        delivery_id: reader.word("delivery_id")?,
        source: reader.word("source")?,
        site: reader.word_if_any("site")?,
        received_at: reader.at("received_at")?,
        origin: Origin::read(row, "delivery_id")?,
        event: serde_json::from_slice(&plain).map_err(|error| StoreError::inconsistent("event", id, error))?,
    })
}
