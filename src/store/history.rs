//! The history of one case: its journal entries, with what operators wrote beside them as long as the case remembers.

use jiff::Timestamp;
use sqlx::Row as _;
use tracing::instrument;

use super::row::Reading;
use super::{Dossier, Store, StoreError};

/// One entry of a case's history.
#[derive(Debug, Clone)]
pub struct HistoryEntry {
    /// Its number in the journal.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// What happened, in one word.
    pub kind: String,
    /// The particulars.
    pub detail: serde_json::Value,
    /// What an operator wrote.
    pub remark: Option<String>,
}

impl Store {
    /// What happened to a case, oldest first.
    #[instrument(name = "store.case.history", skip_all, fields(case.id = %dossier.case.id), err)]
    pub async fn history(&self, dossier: &Dossier) -> Result<Vec<HistoryEntry>, StoreError> {
        let rows = sqlx::query(
            "SELECT j.seq, j.at, j.kind, j.detail, r.sealed FROM journal j LEFT JOIN remarks r ON r.seq = j.seq
             WHERE j.case_id = ? ORDER BY j.seq",
        )
        .bind(dossier.case.id.to_string())
        .fetch_all(&self.reader)
        .await?;
        rows.iter()
            .map(|row| {
                let reading = Reading { what: "journal entry", row };
                let seq: i64 = row.try_get("seq")?;
                let sealed = reading.bytes_if_any("sealed")?;
                Ok(HistoryEntry {
                    seq,
                    at: reading.at("at")?,
                    kind: reading.text("kind")?,
                    detail: reading.json("detail")?,
                    remark: sealed.and_then(|sealed| dossier.remark(seq, &sealed)),
                })
            })
            .collect()
    }
}
