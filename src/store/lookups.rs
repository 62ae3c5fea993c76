//! Pending lookups of email addresses at vendors, and the events that wait for them, in the order of their arrival.

use jiff::Timestamp;
use tracing::instrument;

use super::events::read_waiting;
use super::row::{RowReader, millis, millis_if_any};
use super::sql::query;
use super::{Store, StoreError, Tx, WaitingEvent};
use crate::domain::ids::{SiteName, SourceName};
use crate::domain::person::PersonId;
use crate::proof::seal::KeyedHash;

/// A person whose email address is looked up at the vendor.
#[derive(Debug, Clone)]
pub struct PendingLookup {
    /// The source's own id of the person.
    pub id: PersonId,
    /// The hash of the id: the key of the row.
    pub person_hash: KeyedHash,
    /// When the next query is due.
    pub due_at: Timestamp,
    /// The number of failed queries.
    pub attempts: u32,
    /// When the first query was made.
    pub first_at: Option<Timestamp>,
    /// Whether a departure or an erasure waits for it, and not only a stop.
    pub is_urgent: bool,
}

/// The maximum number of lookups per source and day, so that a flood costs its vendor no more than that.
const LOOKUPS_A_DAY: u32 = 5000;

/// The maximum for stops alone: the rest is reserved for departures.
const LOOKUPS_OF_STOPS_A_DAY: u32 = 1000;

const DAY_MS: i64 = 86_400_000;

/// The number of people of a source that wait for an email address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingLookups {
    pub source: SourceName,
    pub count: u32,
    /// The reason why a query for one of them failed.
    pub problem: Option<String>,
}

impl Tx {
    /// Starts the lookup of a person's email address, unless one is pending; urgent if the person leaves.
    #[instrument(name = "store.lookup.begin", skip_all, fields(source = %source))]
    pub async fn begin_lookup(
        &mut self,
        source: &SourceName,
        id: &PersonId,
        urgent: bool,
        now: Timestamp,
    ) -> Result<KeyedHash, StoreError> {
        let person_hash = self.key.hash_person_id(source, id);
        let sealed = self.key.seal(&person_hash.0, id.as_str().as_bytes());
        query(
            "INSERT INTO lookups (source, person_hash, sealed, since, due_at, urgency)
             VALUES ($1, $2, $3, $4, $4, $5)
             ON CONFLICT (source, person_hash) DO UPDATE
             SET urgency = excluded.urgency
             WHERE excluded.urgency < lookups.urgency",
        )
        .bind(source.as_str())
        .bind(person_hash.0.as_slice())
        .bind(sealed)
        .bind(millis(now))
        .bind(i64::from(!urgent))
        .execute(&mut **self)
        .await?;
        Ok(person_hash)
    }

    /// Whether a lookup of the person's email address is pending.
    #[instrument(name = "store.lookup.exists", skip_all, err)]
    pub async fn has_lookup(&mut self, source: &SourceName, person_hash: KeyedHash) -> Result<bool, StoreError> {
        let row = query("SELECT 1 FROM lookups WHERE source = $1 AND person_hash = $2")
            .bind(source.as_str())
            .bind(person_hash.0.as_slice())
            .fetch_optional(&mut **self)
            .await?;
        Ok(row.is_some())
    }

    /// Whether an unknown person id may belong to an open case of the site: one that is known by its email address
    /// only, or under an id of another source.
    #[instrument(name = "store.lookup.may_concern", skip_all, err)]
    pub async fn may_concern_a_case(&mut self, source: &SourceName, site: &SiteName) -> Result<bool, StoreError> {
        let row = query(
            // Four probes of one index, however many cases are open.
            "SELECT EXISTS (SELECT 1 FROM cases WHERE site = $1 AND closed_at IS NULL AND source IS NULL)
                 OR EXISTS (SELECT 1 FROM cases WHERE site = $1 AND closed_at IS NULL AND source < $2)
                 OR EXISTS (SELECT 1 FROM cases WHERE site = $1 AND closed_at IS NULL AND source > $2)
                 OR EXISTS (
                     SELECT 1
                     FROM cases
                     WHERE site = $1 AND closed_at IS NULL AND source = $2 AND person_hash IS NULL) AS may_concern",
        )
        .bind(site.as_str())
        .bind(source.as_str())
        .fetch_one(&mut **self)
        .await?;
        Ok(row.try_get("may_concern")?)
    }

    /// Counts a lookup of a source. Returns false if the source made too many today, of this kind or in total.
    #[instrument(name = "store.lookup.count_today", skip_all, fields(source = %source), err)]
    pub async fn count_lookup(
        &mut self,
        source: &SourceName,
        urgent: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let most = if urgent { LOOKUPS_A_DAY } else { LOOKUPS_OF_STOPS_A_DAY };
        let counted = query(
            "INSERT INTO sources (name, lookups_day, lookups)
             VALUES ($1, $2, 1)
             ON CONFLICT (name) DO UPDATE
             SET lookups_day = $2, lookups = CASE WHEN sources.lookups_day = $2 THEN sources.lookups + 1 ELSE 1 END
             WHERE sources.lookups_day IS DISTINCT FROM $2 OR sources.lookups < $3",
        )
        .bind(source.as_str())
        .bind(millis(now).div_euclid(DAY_MS))
        .bind(most)
        .execute(&mut **self)
        .await?
        .rows_affected();
        Ok(counted == 1)
    }

    /// Makes a lookup due immediately, because the email address is known now.
    #[instrument(name = "store.lookup.hasten", skip_all)]
    pub async fn hasten_lookup(
        &mut self,
        source: &SourceName,
        id: &PersonId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let person_hash = self.key.hash_person_id(source, id);
        query("UPDATE lookups SET due_at = $1 WHERE source = $2 AND person_hash = $3 AND due_at > $1")
            .bind(millis(now))
            .bind(source.as_str())
            .bind(person_hash.0.as_slice())
            .execute(&mut **self)
            .await?;
        Ok(())
    }

    /// Stores that a query failed, and when the next one is due.
    #[instrument(name = "store.lookup.defer", skip_all, fields(source = %source))]
    pub async fn defer_lookup(
        &mut self,
        source: &SourceName,
        pending: &PendingLookup,
        due_at: Timestamp,
        problem: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        query(
            "UPDATE lookups
             SET due_at = $1, attempts = attempts + 1, first_at = COALESCE(first_at, $2), problem = $3
             WHERE source = $4 AND person_hash = $5",
        )
        .bind(millis(due_at))
        .bind(millis_if_any(pending.first_at.or(Some(now))))
        .bind(problem)
        .bind(source.as_str())
        .bind(pending.person_hash.0.as_slice())
        .execute(&mut **self)
        .await?;
        Ok(())
    }

    /// Defers a lookup, and all others of the source for which a departure or an erasure waits, except for those whose
    /// email address is known meanwhile. Returns their number.
    #[instrument(name = "store.lookup.defer_urgent", skip_all, fields(source = %source), err)]
    pub async fn defer_urgent_lookups(
        &mut self,
        source: &SourceName,
        pending: &PendingLookup,
        due_at: Timestamp,
        problem: &str,
    ) -> Result<u64, StoreError> {
        let deferred = query(
            "UPDATE lookups
             SET due_at = $1, problem = $2
             WHERE source = $3
                 AND urgency = 0
                 AND due_at < $1
                 AND (
                     person_hash = $4
                     OR NOT EXISTS (
                         SELECT 1
                         FROM people p
                         WHERE p.source = lookups.source AND p.person_hash = lookups.person_hash))",
        )
        .bind(millis(due_at))
        .bind(problem)
        .bind(source.as_str())
        .bind(pending.person_hash.0.as_slice())
        .execute(&mut **self)
        .await?;
        Ok(deferred.rows_affected())
    }

    /// Ends a lookup, and returns the events that waited for it, in the order of their arrival.
    #[instrument(name = "store.lookup.end", skip_all, fields(source = %source), err)]
    pub async fn end_lookup(
        &mut self,
        source: &SourceName,
        person_hash: KeyedHash,
    ) -> Result<Vec<WaitingEvent>, StoreError> {
        let rows = query(
            "SELECT
                     e.*, COALESCE(d.received_at, e.happened_at) AS received_at, d.seq, d.dedupe_hash, d.dedupe_until,
                     d.signed_at
                 FROM events e
                     LEFT JOIN deliveries d ON d.id = e.delivery_id
                 WHERE e.person_hash = $1 AND e.status = 'waiting'
                 ORDER BY e.seq",
        )
        .bind(person_hash.0.as_slice())
        .fetch_all(&mut **self)
        .await?;
        let waiting: Result<Vec<_>, _> = rows.iter().map(|row| read_waiting(row, &self.key)).collect();
        query("UPDATE events SET person_hash = NULL WHERE person_hash = $1")
            .bind(person_hash.0.as_slice())
            .execute(&mut **self)
            .await?;
        query("DELETE FROM lookups WHERE source = $1 AND person_hash = $2")
            .bind(source.as_str())
            .bind(person_hash.0.as_slice())
            .execute(&mut **self)
            .await?;
        waiting
    }
}

impl Store {
    /// The next person of a source to look up: among the due ones, departures and erasures first; otherwise the next to
    /// become due.
    #[instrument(name = "store.lookup.next", skip_all, fields(source = %source), err)]
    pub async fn next_lookup(&self, source: &SourceName, now: Timestamp) -> Result<Option<PendingLookup>, StoreError> {
        let row = query(
            "SELECT '' AS id, *
             FROM (
                 SELECT *
                 FROM (SELECT * FROM lookups WHERE source = $1 AND urgency = 0 ORDER BY due_at LIMIT 1) first
                 UNION ALL
                 SELECT *
                 FROM (SELECT * FROM lookups WHERE source = $1 AND urgency = 1 ORDER BY due_at LIMIT 1) second) next
             ORDER BY CASE WHEN due_at > $2 THEN due_at ELSE $2 END, urgency
             LIMIT 1",
        )
        .bind(source.as_str())
        .bind(millis(now))
        .fetch_optional(&self.reader)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let reader = RowReader { what: "lookup", row: &row };
        let hash: Vec<u8> = row.try_get("person_hash")?;
        let person_hash = KeyedHash(
            hash.try_into().map_err(|_wrong_length| StoreError::inconsistent("lookup", source, "no such hash"))?,
        );
        let sealed = reader.bytes_if_any("sealed")?.unwrap_or_default();
        let plain = self
            .key
            .open(&person_hash.0, &sealed)
            .map_err(|cannot_open| StoreError::Sealed { what: "lookup", source: cannot_open })?;
        Ok(Some(PendingLookup {
            id: PersonId::parse(&String::from_utf8_lossy(&plain))
                .map_err(|error| StoreError::inconsistent("lookup", source, error))?,
            person_hash,
            due_at: reader.at("due_at")?,
            attempts: reader.count("attempts")?,
            first_at: reader.at_if_any("first_at")?,
            is_urgent: row.try_get::<i64>("urgency")? == 0,
        }))
    }

    /// The number of people of each source that wait for an email address.
    #[instrument(name = "store.lookup.count", skip_all, err)]
    pub async fn waiting_lookups(&self) -> Result<Vec<WaitingLookups>, StoreError> {
        let rows = query(
            "SELECT source AS id, source, COUNT(*) AS count, MAX(problem) AS problem
             FROM lookups
             GROUP BY source",
        )
        .fetch_all(&self.reader)
        .await?;
        rows.iter()
            .map(|row| {
                let reader = RowReader { what: "lookup", row };
                Ok(WaitingLookups {
                    source: reader.word("source")?,
                    count: reader.count("count")?,
                    problem: reader.text_if_any("problem")?,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Database, KeyLocation};

    async fn store(folder: &tempfile::TempDir) -> Store {
        Database::file(folder.path().join("x.db"), KeyLocation::Given([7; 32])).open().await.unwrap()
    }

    #[tokio::test]
    async fn departures_are_looked_up_before_earlier_stops() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder).await;
        let (source, now) = ("hr".parse().unwrap(), Timestamp::UNIX_EPOCH);
        let id = |text: &str| PersonId::parse(text).unwrap();
        let (soon, later) = (now + jiff::SignedDuration::from_secs(1), now + jiff::SignedDuration::from_secs(2));
        let mut tx = store.begin().await.unwrap();
        tx.begin_lookup(&source, &id("stop"), false, now).await.unwrap();
        tx.begin_lookup(&source, &id("both"), false, soon).await.unwrap();
        tx.begin_lookup(&source, &id("leaver"), true, later).await.unwrap();
        tx.commit().await.unwrap();
        let next = async |now| store.next_lookup(&source, now).await.unwrap().unwrap().id;
        assert_eq!(next(now).await, id("stop"), "the departure is not due yet");
        assert_eq!(next(later).await, id("leaver"));
        // A departure of a person that is looked up for a stop makes the lookup urgent.
        let mut tx = store.begin().await.unwrap();
        tx.begin_lookup(&source, &id("both"), true, later).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(next(later).await, id("both"));
    }

    #[tokio::test]
    async fn lookups_per_day_are_limited_with_a_lower_limit_for_stops() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder).await;
        let (source, now) = ("hr".parse().unwrap(), Timestamp::UNIX_EPOCH);
        let mut tx = store.begin().await.unwrap();
        for _ in 0..LOOKUPS_OF_STOPS_A_DAY {
            assert!(tx.count_lookup(&source, false, now).await.unwrap());
        }
        assert!(!tx.count_lookup(&source, false, now).await.unwrap());
        assert!(tx.count_lookup(&source, true, now).await.unwrap(), "the rest is reserved for departures");
        query("UPDATE sources SET lookups = $1").bind(LOOKUPS_A_DAY).execute(&mut *tx).await.unwrap();
        assert!(!tx.count_lookup(&source, true, now).await.unwrap());
        let tomorrow = now + jiff::SignedDuration::from_hours(24);
        assert!(tx.count_lookup(&source, true, tomorrow).await.unwrap());
    }
}
