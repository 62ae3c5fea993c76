//! Retention by age: deliveries, remembered people, attempts and closed cases are deleted when they are old.
//!
//! What an open case needs stays, whatever its age: its deliveries, and what is known about its person. Rows are chosen by a
//! reading connection and deleted in small steps.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tracing::instrument;

use super::row::{RowReader, millis};
use super::sql::query;
use super::{Store, StoreError, Tx};
use crate::domain::ids::CaseId;

/// The number of rows per step: a commit of the intake waits a few milliseconds.
const STEP: i64 = 25;

/// How long rows are kept.
#[derive(Debug, Clone, Copy)]
pub struct KeepFor {
    pub deliveries: SignedDuration,
    pub people: SignedDuration,
    pub attempts: SignedDuration,
    pub cases: SignedDuration,
}

/// The number of rows that were deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expired {
    pub deliveries: usize,
    pub people: usize,
    pub attempts: usize,
    pub cases: usize,
}

impl Expired {
    /// Whether another step may delete more.
    pub fn has_more(&self) -> bool {
        *self != Self::default()
    }
}

impl Store {
    /// Deletes some rows of each kind. Call again while it deletes any.
    #[instrument(name = "store.expiry.step", skip_all, err)]
    pub async fn expire_step(&self, keep: &KeepFor, now: Timestamp) -> Result<Expired, StoreError> {
        Ok(Expired {
            cases: self.expire_cases(now, keep.cases).await?,
            attempts: self.expire_attempts(now, keep.attempts).await?,
            deliveries: self.expire_deliveries(now, keep.deliveries).await?,
            people: self.expire_people(now, keep.people).await?,
        })
    }

    /// Closed cases. One on which an operator placed a hold that still stands is kept.
    async fn expire_cases(&self, now: Timestamp, keep: SignedDuration) -> Result<usize, StoreError> {
        let rows = query(
            "SELECT id
             FROM cases
             WHERE closed_at <= $1 AND id NOT IN (SELECT case_id FROM holds)
             ORDER BY closed_at
             LIMIT $2",
        )
        .bind(limit(now, keep))
        .bind(STEP)
        .fetch_all(&self.reader)
        .await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let mut tx = self.begin().await?;
        for row in &rows {
            tx.expire_case(RowReader { what: "case", row }.word("id")?, now).await?;
        }
        tx.commit().await?;
        Ok(rows.len())
    }

    /// Attempts of finished jobs of closed cases.
    async fn expire_attempts(&self, now: Timestamp, keep: SignedDuration) -> Result<usize, StoreError> {
        let rows = query(
            "SELECT DISTINCT a.job_id
             FROM cases c
                 JOIN jobs j ON j.case_id = c.id
                 JOIN attempts a ON a.job_id = j.id
             WHERE c.closed_at <= $1 AND a.ended_at <= $1
             LIMIT $2",
        )
        .bind(limit(now, keep))
        .bind(STEP)
        .fetch_all(&self.reader)
        .await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let mut tx = self.begin().await?;
        for row in &rows {
            query("DELETE FROM attempts WHERE job_id = $1 AND ended_at <= $2")
                .bind(row.try_get::<String>("job_id")?)
                .bind(limit(now, keep))
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(rows.len())
    }

    /// Routed deliveries, with their events. One that a stored case names is kept for as long as the case.
    async fn expire_deliveries(&self, now: Timestamp, keep: SignedDuration) -> Result<usize, StoreError> {
        let rows = query(
            "SELECT d.seq, d.id
             FROM deliveries d
             WHERE d.received_at <= $1
                 AND d.status = 'routed'
                 AND d.body IS NULL
                 AND NOT EXISTS (
                     SELECT 1
                     FROM events e
                         LEFT JOIN cases c ON c.id = e.case_id
                     WHERE e.delivery_id = d.id AND (c.id IS NOT NULL OR e.status = 'waiting'))
             LIMIT $2",
        )
        .bind(limit(now, keep))
        .bind(STEP)
        .fetch_all(&self.reader)
        .await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let mut tx = self.begin().await?;
        for row in &rows {
            let (seq, id): (i64, String) = (row.try_get("seq")?, row.try_get("id")?);
            query("DELETE FROM events WHERE delivery_id = $1").bind(&id).execute(&mut *tx).await?;
            // The newest delivery stays: its number must not be given again.
            query("DELETE FROM deliveries WHERE seq = $1 AND seq < (SELECT MAX(seq) FROM deliveries)")
                .bind(seq)
                .execute(&mut *tx)
                .await?;
        }
        query("DELETE FROM body_people WHERE delivery_seq NOT IN (SELECT seq FROM deliveries)")
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        // The newest one is chosen again and again: it does not count.
        Ok(if rows.len() == 1 { 0 } else { rows.len() })
    }

    /// Remembered people, their former email addresses and the facts about them, unless they have an open case.
    async fn expire_people(&self, now: Timestamp, keep: SignedDuration) -> Result<usize, StoreError> {
        let (at, at_ns) = (limit(now, keep), limit(now, keep).saturating_mul(1_000_000));
        let mut tx = self.begin().await?;
        let people = query(
            "DELETE FROM people
             WHERE (source, person_hash) IN (
                 SELECT p.source, p.person_hash
                 FROM people p
                 WHERE p.seen_at <= $1
                     AND NOT EXISTS (SELECT 1 FROM open_people WHERE person_key IN (p.email_hash, p.person_hash))
                 LIMIT $2)",
        )
        .bind(at)
        .bind(STEP)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        let former = query(
            "DELETE FROM former_addresses
             WHERE (source, person_hash, email_hash) IN (
                 SELECT f.source, f.person_hash, f.email_hash
                 FROM former_addresses f
                 WHERE f.until_ns <= $1
                     AND NOT EXISTS (SELECT 1 FROM open_people WHERE person_key IN (f.email_hash, f.person_hash))
                 LIMIT $2)",
        )
        .bind(at_ns)
        .bind(STEP)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        let facts = query(
            "DELETE FROM facts
             WHERE (person_key, kind) IN (
                 SELECT f.person_key, f.kind
                 FROM facts f
                 WHERE MAX(f.happened_ns, COALESCE(f.claimed_ns, f.happened_ns)) <= $1
                     AND NOT EXISTS (SELECT 1 FROM open_people o WHERE o.person_key = f.person_key)
                 LIMIT $2)",
        )
        .bind(at_ns)
        .bind(STEP)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        tx.commit().await?;
        Ok(usize::try_from(people.saturating_add(former).saturating_add(facts)).unwrap_or(usize::MAX))
    }
}

impl Tx {
    /// Deletes a closed case. The journal keeps its entries, and states that the case expired.
    async fn expire_case(&mut self, id: CaseId, now: Timestamp) -> Result<(), StoreError> {
        let case = id.to_string();
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
}

fn limit(now: Timestamp, keep: SignedDuration) -> i64 {
    millis(now.saturating_sub(keep).unwrap_or(Timestamp::MIN))
}
