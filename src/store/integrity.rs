//! Whether a database is what was recorded outside of it, compared while it is opened.

use super::StoreError;
use super::files::Acknowledged;
use super::head::{Head, RecordedHead};
use super::sql::{Connection, query};
use crate::domain::named;
use crate::proof::chain::{ChainError, Link};
use crate::proof::seal::MasterKey;

/// Why the fence was raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FenceReason {
    /// A backup was restored: what happened after it is missing.
    Restored,
    /// The database lacks entries that were recorded outside of it.
    Older,
    /// The database was changed by another hand.
    Changed,
}

named!(FenceReason { Restored = "restored", Older = "older", Changed = "changed" });

/// What is wrong with a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub reason: FenceReason,
    /// In a sentence.
    pub detail: String,
}

impl Finding {
    pub(super) fn of(broken: ChainError) -> Self {
        let reason = match broken {
            ChainError::Cut { .. } => FenceReason::Older,
            ChainError::Gap { .. }
            | ChainError::Changed { .. }
            | ChainError::Unreadable { .. }
            | ChainError::Forged { .. }
            | ChainError::Rewritten { .. } => FenceReason::Changed,
        };
        Self { reason, detail: format!("journal: {broken}") }
    }
}

/// Compares the journal with its head as it was recorded outside the database.
pub(super) async fn compare_with_record(
    connection: &mut Connection,
    key: &MasterKey,
    recorded: RecordedHead,
) -> Result<Option<Finding>, StoreError> {
    if !recorded.is_authentic(key) {
        let detail = "journal: the record of its head beside the database was not written with this key".to_owned();
        return Ok(Some(Finding { reason: FenceReason::Changed, detail }));
    }
    compare(connection, recorded.seq, &recorded.link).await
}

/// Compares the journal with one of its entries as it is known from outside the database.
pub(super) async fn compare(connection: &mut Connection, seq: i64, link: &Link) -> Result<Option<Finding>, StoreError> {
    let row = query("SELECT link FROM journal WHERE seq = $1").bind(seq).fetch_optional(&mut *connection).await?;
    Ok(match row {
        Some(row) if row.try_get::<&[u8]>("link")? == link => None,
        Some(_other) => Some(Finding::of(ChainError::Rewritten { seq })),
        None => {
            let row = query("SELECT COALESCE(MAX(seq), 0) AS entries FROM journal").fetch_one(connection).await?;
            Some(Finding::of(ChainError::Cut { entries: row.try_get("entries")?, recorded: seq }))
        }
    })
}

/// Raises the fence while the database is opened or restored.
pub(super) async fn raise_at_opening(connection: &mut Connection, finding: &Finding) -> Result<(), StoreError> {
    query(
        "INSERT INTO fences (reason, detail)
         VALUES ($1, $2)",
    )
    .bind(finding.reason.as_str())
    .bind(&finding.detail)
    .execute(connection)
    .await?;
    Ok(())
}

/// The newest rows of a database, for the record beside it.
pub(super) async fn acknowledged(connection: &mut Connection, key: &MasterKey) -> Result<Acknowledged, StoreError> {
    let row = query("SELECT COALESCE(MAX(seq), 0) AS newest FROM deliveries").fetch_one(&mut *connection).await?;
    let deliveries = row.try_get("newest")?;
    let head = Head::newest(connection).await?;
    let journal = (head.seq > 0).then(|| head.recorded(key));
    Ok(Acknowledged { deliveries, journal })
}
