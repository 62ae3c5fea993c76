//! The results of a turn of the router, stored together: one statement for all events, and one for all deliveries.

use jiff::Timestamp;
use serde_json::{Value, json};
use tracing::instrument;

use super::row::{RowReader, millis};
use super::sql::query;
use super::{EventOutcome, NewEvent, StoreError, Tx, dialect};
use crate::domain::ids::{DeliveryId, SiteName, SourceName};
use crate::domain::person::EmailAddress;

/// Events that do not wait, in the order of reading.
#[derive(Debug, Default)]
pub struct SettledEvents(Vec<Value>);

impl SettledEvents {
    /// Adds an event with its outcome.
    pub fn push(&mut self, event: &NewEvent<'_>, outcome: &EventOutcome<'_>) {
        self.add(event, outcome, None);
    }

    fn add(&mut self, event: &NewEvent<'_>, outcome: &EventOutcome<'_>, about: Option<(&SiteName, String)>) {
        let (site, email_hash) = about.unzip();
        // In the order of the columns of `INSERT_EVENTS`.
        self.0.push(json!([
            event.id,
            event.delivery_id,
            event.position,
            event.source,
            event.event_type,
            millis(event.happened_at),
            outcome.status,
            outcome.reason,
            outcome.case_id,
            event.site,
            site,
            email_hash,
        ]));
    }
}

impl Tx {
    /// Adds an event that has no effect whatever is known about its person. The open case of the email address is looked
    /// up when the events are stored.
    pub fn push_ignored(
        &self,
        events: &mut SettledEvents,
        event: &NewEvent<'_>,
        outcome: &EventOutcome<'_>,
        (site, email): (&SiteName, Option<&EmailAddress>),
    ) {
        let about = email.map(|email| (site, hex::encode(self.key.hash_email(site, email).0)));
        events.add(event, outcome, about);
    }

    /// Stores events with their outcomes.
    #[instrument(name = "store.event.record_all", skip_all, fields(count = events.0.len()), err)]
    pub async fn record_events(&mut self, events: SettledEvents) -> Result<(), StoreError> {
        if events.0.is_empty() {
            return Ok(());
        }
        query(dialect::INSERT_EVENTS).bind(Value::Array(events.0).to_string()).execute(&mut **self).await?;
        Ok(())
    }

    /// Stores that deliveries were read, by their place in the order of acceptance.
    #[instrument(name = "store.delivery.routed", skip_all, fields(count = seqs.len()), err)]
    pub async fn routed(&mut self, seqs: &[i64], now: Timestamp) -> Result<(), StoreError> {
        if seqs.is_empty() {
            return Ok(());
        }
        let changed = query(dialect::ROUTED)
            .bind(millis(now))
            .bind(json!(seqs).to_string())
            .execute(&mut **self)
            .await?
            .rows_affected();
        if usize::try_from(changed).ok() == Some(seqs.len()) {
            return Ok(());
        }
        let why = format!("a write changed {changed} rows instead of {}", seqs.len());
        Err(StoreError::inconsistent("delivery", "", why))
    }

    /// Marks a delivery as unreadable: its body, or the data that it refers to, is damaged or unknown.
    #[instrument(name = "store.delivery.mark_unreadable", skip_all, fields(delivery.id = %id))]
    pub async fn mark_unreadable(&mut self, id: DeliveryId, problem: &str, now: Timestamp) -> Result<(), StoreError> {
        let row = query(
            "UPDATE deliveries
             SET status = 'unreadable', routed_at = $1, problem = $2, items_routed = 0
             WHERE id = $3
             RETURNING id, source",
        )
        .bind(millis(now))
        .bind(problem)
        .bind(id.to_string())
        .fetch_one(&mut **self)
        .await?;
        let source: SourceName = RowReader { what: "delivery", row: &row }.word("source")?;
        // The problem is not in the journal: its text depends on the body.
        let detail = json!({ "delivery": id, "source": source });
        self.write_journal(None, "delivery_unreadable", &detail, now).await?;
        Ok(())
    }

    /// Stores when the last delivery of a source arrived, unless a later one is known.
    #[instrument(name = "store.source.note_delivery", skip_all, fields(source = %source), err)]
    pub async fn note_last_delivery(&mut self, source: &SourceName, at: Timestamp) -> Result<(), StoreError> {
        query(
            "INSERT INTO sources (name, last_delivery_at)
             VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE
             SET last_delivery_at = excluded.last_delivery_at
             WHERE COALESCE(sources.last_delivery_at, 0) < excluded.last_delivery_at",
        )
        .bind(source.as_str())
        .bind(millis(at))
        .execute(&mut **self)
        .await?;
        Ok(())
    }
}
