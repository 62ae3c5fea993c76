//! The history of one case: its journal entries, with the operators' remarks until they are shredded.

use jiff::Timestamp;
use tracing::instrument;

use super::row::RowReader;
use super::sql::query;
use super::{CaseRecord, Store, StoreError, Tx};
use crate::domain::case::{Direction, Transition};

/// One entry of a case's history.
#[derive(Debug, Clone)]
pub struct HistoryEntry {
    /// Its number in the journal.
    pub seq: i64,
    pub at: Timestamp,
    /// The kind of the entry, in one word.
    pub kind: String,
    pub detail: serde_json::Value,
    /// The remark of an operator.
    pub remark: Option<String>,
}

impl Tx {
    /// Whether an operator's action already took effect, so that a repetition changes nothing: a cancel or a release
    /// whose state still holds, or an action that the state now forbids and that was the last action of an operator.
    #[instrument(name = "store.case.is_repeated", skip_all, fields(case.id = %record.case.id), err)]
    pub async fn is_repeated(
        &mut self,
        record: &CaseRecord,
        transition: &Transition,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let cancels_again = *transition == Transition::Cancelled && record.case.direction == Direction::Returning;
        // The case's own rules handle a repeated approval: they store the operator of each approval.
        let is_approval = matches!(transition, Transition::Approved { .. } | Transition::Withdrawn { .. });
        if is_approval || (!cancels_again && record.case.apply(transition, now).is_ok()) {
            return Ok(false);
        }
        let row = query(
            "SELECT kind
             FROM journal
             WHERE case_id = $1 AND detail ->> 'by' IS NOT NULL
             ORDER BY seq DESC
             LIMIT 1",
        )
        .bind(record.case.id.to_string())
        .fetch_optional(&mut **self)
        .await?;
        Ok(row.is_some_and(|row| row.try_get::<String>("kind").is_ok_and(|kind| kind == transition.name())))
    }
}

impl Store {
    /// The entries of a case, oldest first.
    #[instrument(name = "store.case.history", skip_all, fields(case.id = %record.case.id), err)]
    pub async fn history(&self, record: &CaseRecord) -> Result<Vec<HistoryEntry>, StoreError> {
        let rows = query(
            "SELECT j.seq, j.at, j.kind, j.detail, r.sealed
             FROM journal j
                 LEFT JOIN remarks r ON r.seq = j.seq
             WHERE j.case_id = $1
             ORDER BY j.seq",
        )
        .bind(record.case.id.to_string())
        .fetch_all(&self.reader)
        .await?;
        rows.iter()
            .map(|row| {
                let reader = RowReader { what: "journal entry", row };
                let seq: i64 = row.try_get("seq")?;
                let sealed = reader.bytes_if_any("sealed")?;
                Ok(HistoryEntry {
                    seq,
                    at: reader.at("at")?,
                    kind: reader.text("kind")?,
                    detail: reader.json("detail")?,
                    remark: sealed.and_then(|sealed| record.remark(seq, &sealed)),
                })
            })
            .collect()
    }
}
