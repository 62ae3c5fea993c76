//! Retention by age: deliveries, remembered people, attempts and closed cases are deleted when they are old.
//!
//! What an open case needs stays, whatever its age: its deliveries, and what is known about its person. A reading
//! connection chooses many rows at a time, which are then deleted in small steps: no write waits for a search.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tracing::instrument;

use super::row::{RowReader, millis};
use super::sql::query;
use super::{Store, StoreError, Tx};
use crate::domain::ids::CaseId;

/// The maximum number of rows of each kind that are chosen at a time.
const CHOSEN: i64 = 1000;

/// How long rows are kept.
#[derive(Debug, Clone, Copy)]
pub struct KeepFor {
    pub deliveries: SignedDuration,
    pub people: SignedDuration,
    pub attempts: SignedDuration,
    pub cases: SignedDuration,
}

/// Something that was old enough to be deleted when it was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpiredRow {
    /// A closed case, unless an operator placed a hold on it.
    Case(CaseId),
    /// The attempts of a job of a closed case.
    Attempts { job_id: String },
    /// A routed delivery, with its events. One that a stored case names is kept for as long as the case.
    Delivery { seq: i64, id: String },
    /// A remembered person without an open case.
    Person { source: String, person_hash: Vec<u8> },
    /// A former email address of a person without an open case.
    FormerAddress { source: String, person_hash: Vec<u8>, email_hash: Vec<u8> },
    /// A fact about a person without an open case.
    Fact { person_key: Vec<u8>, kind: String },
}

impl Store {
    /// Chooses old rows. Choose again after they are deleted.
    #[instrument(name = "store.expiry.choose", skip_all, err)]
    pub async fn expired_rows(&self, keep: &KeepFor, now: Timestamp) -> Result<Vec<ExpiredRow>, StoreError> {
        let mut chosen = self.expired_cases(limit(now, keep.cases)).await?;
        chosen.extend(self.expired_attempts(limit(now, keep.attempts)).await?);
        chosen.extend(self.expired_deliveries(limit(now, keep.deliveries)).await?);
        chosen.extend(self.expired_people(limit(now, keep.people)).await?);
        chosen.extend(self.expired_former_addresses(limit(now, keep.people)).await?);
        chosen.extend(self.expired_facts(limit(now, keep.people)).await?);
        Ok(chosen)
    }

    /// Deletes a few rows in one transaction: those to which the same still applies.
    #[instrument(name = "store.expiry.delete", skip_all, err)]
    pub async fn delete_expired(&self, rows: &[ExpiredRow], keep: &KeepFor, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for row in rows {
            tx.delete_expired(row, keep, now).await?;
        }
        tx.commit().await
    }

    async fn expired_cases(&self, until: i64) -> Result<Vec<ExpiredRow>, StoreError> {
        let rows = query(
            "SELECT id
             FROM cases
             WHERE closed_at <= $1 AND id NOT IN (SELECT case_id FROM holds)
             ORDER BY closed_at
             LIMIT $2",
        )
        .bind(until)
        .bind(CHOSEN)
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(|row| Ok(ExpiredRow::Case(RowReader { what: "case", row }.word("id")?))).collect()
    }

    async fn expired_attempts(&self, until: i64) -> Result<Vec<ExpiredRow>, StoreError> {
        let rows = query(
            "SELECT DISTINCT a.job_id
             FROM cases c
                 JOIN jobs j ON j.case_id = c.id
                 JOIN attempts a ON a.job_id = j.id
             WHERE c.closed_at <= $1 AND a.ended_at <= $1
             LIMIT $2",
        )
        .bind(until)
        .bind(CHOSEN)
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(|row| Ok(ExpiredRow::Attempts { job_id: row.try_get("job_id")? })).collect()
    }

    /// The newest delivery stays: its number must not be given again.
    async fn expired_deliveries(&self, until: i64) -> Result<Vec<ExpiredRow>, StoreError> {
        let rows = query(
            "SELECT d.seq, d.id
             FROM deliveries d
             WHERE d.received_at <= $1
                 AND d.status = 'routed'
                 AND d.body IS NULL
                 AND d.seq < (SELECT MAX(seq) FROM deliveries)
                 AND NOT EXISTS (
                     SELECT 1
                     FROM events e
                         LEFT JOIN cases c ON c.id = e.case_id
                     WHERE e.delivery_id = d.id AND (c.id IS NOT NULL OR e.status = 'waiting'))
             LIMIT $2",
        )
        .bind(until)
        .bind(CHOSEN)
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(|row| Ok(ExpiredRow::Delivery { seq: row.try_get("seq")?, id: row.try_get("id")? })).collect()
    }

    async fn expired_people(&self, until: i64) -> Result<Vec<ExpiredRow>, StoreError> {
        let rows = query(
            "SELECT p.source, p.person_hash
             FROM people p
             WHERE p.seen_at <= $1
                 AND NOT EXISTS (SELECT 1 FROM open_people WHERE person_key IN (p.email_hash, p.person_hash))
             LIMIT $2",
        )
        .bind(until)
        .bind(CHOSEN)
        .fetch_all(&self.reader)
        .await?;
        rows.iter()
            .map(|row| {
                let (source, person_hash) = (row.try_get("source")?, row.try_get("person_hash")?);
                Ok(ExpiredRow::Person { source, person_hash })
            })
            .collect()
    }

    async fn expired_former_addresses(&self, until: i64) -> Result<Vec<ExpiredRow>, StoreError> {
        let rows = query(
            "SELECT f.source, f.person_hash, f.email_hash
             FROM former_addresses f
             WHERE f.until_ns <= $1
                 AND NOT EXISTS (SELECT 1 FROM open_people WHERE person_key IN (f.email_hash, f.person_hash))
             LIMIT $2",
        )
        .bind(nanos(until))
        .bind(CHOSEN)
        .fetch_all(&self.reader)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(ExpiredRow::FormerAddress {
                    source: row.try_get("source")?,
                    person_hash: row.try_get("person_hash")?,
                    email_hash: row.try_get("email_hash")?,
                })
            })
            .collect()
    }

    async fn expired_facts(&self, until: i64) -> Result<Vec<ExpiredRow>, StoreError> {
        let rows = query(
            "SELECT f.person_key, f.kind
             FROM facts f
             WHERE f.happened_ns <= $1
                 AND COALESCE(f.claimed_ns, f.happened_ns) <= $1
                 AND NOT EXISTS (SELECT 1 FROM open_people o WHERE o.person_key = f.person_key)
             LIMIT $2",
        )
        .bind(nanos(until))
        .bind(CHOSEN)
        .fetch_all(&self.reader)
        .await?;
        rows.iter()
            .map(|row| Ok(ExpiredRow::Fact { person_key: row.try_get("person_key")?, kind: row.try_get("kind")? }))
            .collect()
    }
}

impl Tx {
    async fn delete_expired(&mut self, row: &ExpiredRow, keep: &KeepFor, now: Timestamp) -> Result<(), StoreError> {
        let of_people = limit(now, keep.people);
        let delete = match row {
            ExpiredRow::Case(id) => return self.expire_case(*id, now).await,
            ExpiredRow::Delivery { seq, id } => return self.expire_delivery(*seq, id).await,
            ExpiredRow::Attempts { job_id } => query("DELETE FROM attempts WHERE job_id = $1 AND ended_at <= $2")
                .bind(job_id)
                .bind(limit(now, keep.attempts)),
            ExpiredRow::Person { source, person_hash } => query(
                "DELETE FROM people
                 WHERE source = $1
                     AND person_hash = $2
                     AND seen_at <= $3
                     AND NOT EXISTS (
                         SELECT 1
                         FROM open_people o
                         WHERE o.person_key IN (people.email_hash, people.person_hash))",
            )
            .bind(source)
            .bind(person_hash)
            .bind(of_people),
            ExpiredRow::FormerAddress { source, person_hash, email_hash } => query(
                "DELETE FROM former_addresses
                 WHERE source = $1
                     AND person_hash = $2
                     AND email_hash = $3
                     AND until_ns <= $4
                     AND NOT EXISTS (SELECT 1 FROM open_people o WHERE o.person_key IN ($2, $3))",
            )
            .bind(source)
            .bind(person_hash)
            .bind(email_hash)
            .bind(nanos(of_people)),
            ExpiredRow::Fact { person_key, kind } => query(
                "DELETE FROM facts
                 WHERE person_key = $1
                     AND kind = $2
                     AND happened_ns <= $3
                     AND COALESCE(claimed_ns, happened_ns) <= $3
                     AND NOT EXISTS (SELECT 1 FROM open_people o WHERE o.person_key = $1)",
            )
            .bind(person_key)
            .bind(kind)
            .bind(nanos(of_people)),
        };
        delete.execute(&mut **self).await?;
        Ok(())
    }

    /// The journal keeps the case's entries, and states that the case expired.
    async fn expire_case(&mut self, id: CaseId, now: Timestamp) -> Result<(), StoreError> {
        let case = id.to_string();
        let holds =
            query("SELECT 1 FROM holds WHERE case_id = $1 LIMIT 1").bind(&case).fetch_optional(&mut **self).await?;
        if holds.is_some() {
            return Ok(());
        }
        for statement in [
            "DELETE FROM attempts WHERE job_id IN (SELECT id FROM jobs WHERE case_id = $1)",
            "DELETE FROM jobs WHERE case_id = $1",
            "DELETE FROM escalations WHERE case_id = $1",
            "DELETE FROM deadline_steps WHERE case_id = $1",
        ] {
            query(statement).bind(&case).execute(&mut **self).await?;
        }
        query("DELETE FROM cases WHERE id = $1 AND closed_at IS NOT NULL")
            .bind(&case)
            .exec_one(self, "case", id)
            .await?;
        self.write_journal(Some(id), "expired", &json!({}), now).await?;
        Ok(())
    }

    async fn expire_delivery(&mut self, seq: i64, id: &str) -> Result<(), StoreError> {
        query("DELETE FROM events WHERE delivery_id = $1").bind(id).execute(&mut **self).await?;
        query("DELETE FROM body_people WHERE delivery_seq = $1").bind(seq).execute(&mut **self).await?;
        query("DELETE FROM deliveries WHERE seq = $1").bind(seq).execute(&mut **self).await?;
        Ok(())
    }
}

fn limit(now: Timestamp, keep: SignedDuration) -> i64 {
    millis(now.saturating_sub(keep).unwrap_or(Timestamp::MIN))
}

const fn nanos(millis: i64) -> i64 {
    millis.saturating_mul(1_000_000)
}
