//! The rows besides cases and jobs that decide whether a call is made: pauses, brakes, holds, fences, accepted secrets.
//!
//! A unit of work that changes some of them ends with an entry of the journal, of the kind `rows`. It holds a sum for each of
//! these tables: the sum of a keyed hash of every row. The newest of these entries must match the tables, so that a changed, cut,
//! swapped, inserted or deleted row is detected, and an earlier version of a row as well. A sum is updated by the rows that
//! changed; the others are not read.
//!
//! The hashes of single rows are stored nowhere. Who sees the sums of the past knows some differences between them; a set of
//! earlier rows with today's sum cannot be computed from so few (a sum has 256 bits).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use tracing::instrument;

use super::integrity::{FenceReason, Finding};
use super::sql::{Connection, Pool, Row, query};
use super::sums::{Guarded, GuardedChanges, Sum};
use super::{Store, StoreError, Tx};
use crate::proof::seal::MasterKey;

impl Guarded {
    /// What the rows are, for a finding.
    const fn subject(self) -> &'static str {
        match self {
            Self::Sites => "the pauses of sites",
            Self::PausedKinds => "the pauses of calls",
            Self::Sources => "the pauses and brakes of sources",
            Self::Holds => "the holds on persons",
            Self::BrakeHolds => "the cases held by brakes",
            Self::BrakeDeferred => "the events deferred by brakes",
            Self::Fences => "the fences",
            Self::Secrets => "the accepted secrets",
        }
    }

    const fn query(self) -> &'static str {
        match self {
            Self::Sites => "SELECT * FROM sites",
            Self::PausedKinds => "SELECT * FROM paused_kinds",
            Self::Sources => "SELECT * FROM sources",
            Self::Holds => "SELECT * FROM holds",
            Self::BrakeHolds => "SELECT * FROM brake_holds",
            Self::BrakeDeferred => "SELECT * FROM brake_deferred",
            Self::Fences => "SELECT * FROM fences",
            Self::Secrets => "SELECT * FROM offered_secrets",
        }
    }

    /// The columns that decide, as text; `None` for a row that decides nothing.
    fn text(self, row: &Row) -> Result<Option<String>, StoreError> {
        let text = |column: &str| row.try_get::<Option<String>>(column);
        let number = |column: &str| row.try_get::<Option<i64>>(column);
        let hash = |column: &str| row.try_get::<Option<Vec<u8>>>(column).map(|bytes| bytes.map(hex::encode));
        let (decides, values) = match self {
            Self::Sites => {
                let paused_at = number("paused_at")?;
                (paused_at.is_some(), json!([text("name")?, paused_at, text("reason")?, text("paused_by")?]))
            }
            Self::PausedKinds => (true, json!([text("site")?, text("kind")?, number("paused_at")?, text("reason")?])),
            Self::Sources => {
                let dates = [number("paused_at")?, number("braked_at")?, number("brake_released_at")?];
                let decides = dates.iter().any(Option::is_some);
                (decides, json!([text("name")?, dates, text("paused_by")?]))
            }
            Self::Holds => (true, json!([text("site")?, hash("person_key")?, text("case_id")?, number("held_at")?])),
            Self::BrakeHolds => (true, json!([text("actor")?, text("case_id")?])),
            Self::BrakeDeferred => {
                let event = [text("source")?, text("case_id")?, text("kind")?, text("demand")?];
                (true, json!([number("seq")?, event]))
            }
            Self::Fences => {
                let raised_at = number("raised_at")?;
                let row = json!([number("id")?, text("reason")?, text("detail")?, raised_at, number("lifted_at")?]);
                // One that was found while the database was opened is not in the journal yet.
                (raised_at.is_some(), row)
            }
            Self::Secrets => {
                let accepted_at = number("accepted_at")?;
                (accepted_at.is_some(), json!([text("source")?, hash("hash")?, accepted_at, text("accepted_by")?]))
            }
        };
        Ok(decides.then(|| values.to_string()))
    }

    fn sum(self, rows: &[Row], key: &MasterKey) -> Result<Sum, StoreError> {
        let mut sum = Sum::default();
        for row in rows {
            if let Some(text) = self.text(row)? {
                sum = sum.plus(Sum(key.summand(self.name(), &text).0));
            }
        }
        Ok(sum)
    }
}

impl Tx {
    /// Counts rows that this unit inserted, or the new versions of rows that it changed.
    pub(super) fn guarded_added(&mut self, table: Guarded, rows: &[Row]) -> Result<(), StoreError> {
        let sum = table.sum(rows, &self.key)?;
        self.change_sum(table, sum);
        Ok(())
    }

    /// Counts rows that this unit deleted, or the earlier versions of rows that it changed.
    pub(super) fn guarded_removed(&mut self, table: Guarded, rows: &[Row]) -> Result<(), StoreError> {
        let sum = table.sum(rows, &self.key)?;
        self.change_sum(table, sum.negated());
        Ok(())
    }

    /// The row of a source, to be counted before and after a change of it.
    pub(super) async fn source_row(&mut self, name: &str) -> Result<Vec<Row>, StoreError> {
        Ok(query("SELECT * FROM sources WHERE name = $1").bind(name).fetch_all(&mut **self).await?)
    }

    /// Counts a change of the row of a source that was `before`.
    pub(super) async fn count_source_change(&mut self, name: &str, before: &[Row]) -> Result<(), StoreError> {
        let after = self.source_row(name).await?;
        self.guarded_removed(Guarded::Sources, before)?;
        self.guarded_added(Guarded::Sources, &after)
    }

    /// The row of a site, to be counted before and after a change of it.
    pub(super) async fn site_row(&mut self, name: &str) -> Result<Vec<Row>, StoreError> {
        Ok(query("SELECT * FROM sites WHERE name = $1").bind(name).fetch_all(&mut **self).await?)
    }

    /// Accepts all tables as they are: an approver has seen what was found in them.
    pub(super) fn accept_guarded(&mut self) {
        self.guarded.all_accepted = true;
    }

    fn change_sum(&mut self, table: Guarded, by: Sum) {
        let sum = self.guarded.sums.entry(table).or_default();
        *sum = sum.plus(by);
    }

    /// Writes the sums into the journal, if this unit changed any of them.
    #[instrument(name = "store.guarded.journal", skip_all, err)]
    pub(super) async fn journal_guarded(&mut self) -> Result<(), StoreError> {
        let GuardedChanges { sums: changes, all_accepted } = std::mem::take(&mut self.guarded);
        let sums = if all_accepted {
            let key = std::sync::Arc::clone(&self.key);
            actual_sums(self, &key).await?
        } else if changes.values().any(|change| *change != Sum::default()) {
            let mut sums = journaled_sums(self).await?;
            for (table, change) in changes {
                let sum = sums.entry(table).or_default();
                *sum = sum.plus(change);
            }
            sums
        } else {
            return Ok(());
        };
        let sums: BTreeMap<_, _> = sums.into_iter().filter(|(_, sum)| *sum != Sum::default()).collect();
        let sums: serde_json::Map<_, _> =
            sums.into_iter().map(|(table, sum)| (table.name().to_owned(), json!(hex::encode(sum.0)))).collect();
        // Every change of these rows is stated by an entry of its own, at the same time.
        let at = self.journaled_at.unwrap_or(Timestamp::UNIX_EPOCH);
        self.write_journal(None, "rows", &json!({ "sums": sums }), at).await?;
        Ok(())
    }
}

impl Store {
    /// The tables that are not as the daemon wrote them.
    #[instrument(name = "store.guarded.verify", skip_all, err)]
    pub async fn verify_guarded(&self) -> Result<Vec<Finding>, StoreError> {
        altered_tables(&self.reader, &self.key).await
    }
}

/// Compares the tables with the newest sums in the journal.
pub(super) async fn altered_tables(pool: &Pool, key: &MasterKey) -> Result<Vec<Finding>, StoreError> {
    // One transaction, so that no unit of work is committed in between.
    let mut snapshot = pool.snapshot().await?;
    let journaled = journaled_sums(&mut snapshot).await?;
    let actual = actual_sums(&mut snapshot, key).await?;
    snapshot.close().await?;
    let altered = Guarded::ALL.into_iter().filter_map(|table| {
        let sum = actual.get(&table).copied().unwrap_or_default();
        if sum == journaled.get(&table).copied().unwrap_or_default() {
            return None;
        }
        // With the beginning of the sum: what is found after an approver accepted this is another finding.
        let [a, b, c, d, ..] = sum.0;
        let (subject, found) = (table.subject(), hex::encode([a, b, c, d]));
        let detail = format!("rows: {subject} were changed by another hand (table {}, {found})", table.name());
        Some(Finding { reason: FenceReason::Changed, detail })
    });
    Ok(altered.collect())
}

async fn actual_sums(connection: &mut Connection, key: &MasterKey) -> Result<BTreeMap<Guarded, Sum>, StoreError> {
    let mut sums = BTreeMap::new();
    for table in Guarded::ALL {
        let rows = query(table.query()).fetch_all(&mut *connection).await?;
        sums.insert(table, table.sum(&rows, key)?);
    }
    Ok(sums)
}

/// The sums of the newest entry; none for a journal without one.
async fn journaled_sums(connection: &mut Connection) -> Result<BTreeMap<Guarded, Sum>, StoreError> {
    let newest = query("SELECT detail FROM journal WHERE kind = 'rows' ORDER BY seq DESC LIMIT 1");
    let Some(row) = newest.fetch_optional(connection).await? else { return Ok(BTreeMap::new()) };
    // A damaged entry is found by the walk over the journal; here its sums match nothing.
    let detail: Value = serde_json::from_str(row.try_get("detail")?).unwrap_or_default();
    let sums = Guarded::ALL.into_iter().filter_map(|table| {
        let mut sum = [0; 32];
        hex::decode_to_slice(detail.get("sums")?.get(table.name())?.as_str()?, &mut sum).ok()?;
        Some((table, Sum(sum)))
    });
    Ok(sums.collect())
}
