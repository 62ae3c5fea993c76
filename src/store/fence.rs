//! The fence: no change is made at any site while it stands. It is raised when the database is an older copy or was
//! changed by another hand, and lifted by an approver who has seen the open cases.

use jiff::Timestamp;
use serde_json::json;
use sqlx::SqlitePool;
use tracing::instrument;

use super::exec::ExecOne as _;
use super::integrity::{FenceReason, Finding};
use super::journal::{self, JournalCheck};
use super::row::{RowReader, millis};
use super::{BulkFilter, Store, StoreError, Tx, digest_of};

const SELECT: &str = "SELECT only AS id, reason, detail, raised_at FROM fence";

/// The fence that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    pub reason: FenceReason,
    /// What was found, in a sentence.
    pub detail: String,
    /// `None` until the start of the daemon has written it into the journal.
    pub raised_at: Option<Timestamp>,
}

impl Tx {
    /// Raises the fence. Returns false if one stands already.
    #[instrument(name = "store.fence.raise", skip_all, err)]
    pub async fn raise_fence(&mut self, finding: &Finding, now: Timestamp) -> Result<bool, StoreError> {
        let raised = sqlx::query(
            "INSERT INTO fence (only, reason, detail, raised_at)
             VALUES (1, $1, $2, $3)
             ON CONFLICT DO NOTHING",
        )
        .bind(finding.reason.as_str())
        .bind(finding.detail.as_str())
        .bind(millis(now))
        .execute(&mut **self)
        .await?
        .rows_affected();
        if raised > 0 {
            let detail = json!({ "reason": finding.reason, "found": finding.detail });
            self.write_journal(None, "fence_raised", &detail, now).await?;
        }
        Ok(raised > 0)
    }

    /// Writes a fence that was raised while the database was opened into the journal. Returns the fence that stands.
    #[instrument(name = "store.fence.announce", skip_all, err)]
    pub async fn announce_fence(&mut self, now: Timestamp) -> Result<Option<Fence>, StoreError> {
        let Some(fence) = self.fence().await? else { return Ok(None) };
        if fence.raised_at.is_none() {
            sqlx::query("UPDATE fence SET raised_at = $1").bind(millis(now)).exec_one(self, "fence", 1).await?;
            let detail = json!({ "reason": fence.reason, "found": fence.detail });
            self.write_journal(None, "fence_raised", &detail, now).await?;
        }
        Ok(Some(fence))
    }

    /// The fence that stands, read where a write depends on it.
    pub async fn fence(&mut self) -> Result<Option<Fence>, StoreError> {
        let row = sqlx::query(SELECT).fetch_optional(&mut **self).await?;
        row.as_ref().map(read_fence).transpose()
    }

    /// Lifts the fence. Returns false if none stands.
    #[instrument(name = "store.fence.lift", skip_all, err)]
    pub async fn lift_fence(&mut self, by: &str, now: Timestamp) -> Result<bool, StoreError> {
        let Some(fence) = self.fence().await? else { return Ok(false) };
        sqlx::query("DELETE FROM fence").exec_one(self, "fence", 1).await?;
        let detail = json!({ "by": by, "reason": fence.reason });
        self.write_journal(None, "fence_lifted", &detail, now).await?;
        Ok(true)
    }
}

impl Store {
    #[instrument(name = "store.fence.find", skip_all, err)]
    pub async fn fence(&self) -> Result<Option<Fence>, StoreError> {
        let row = sqlx::query(SELECT).fetch_optional(&self.reader).await?;
        row.as_ref().map(read_fence).transpose()
    }

    /// Identifies the open cases and what is planned for them: who lifts the fence has seen these.
    #[instrument(name = "store.fence.digest", skip_all, err)]
    pub async fn open_cases_digest(&self) -> Result<(usize, String), StoreError> {
        let cases = self.open_cases(&BulkFilter::default()).await?;
        Ok((cases.len(), digest_of("lift the fence", cases)))
    }

    /// Walks the whole history and looks for changes by another hand.
    #[instrument(name = "store.fence.verify", skip_all, err)]
    pub async fn verify_history(&self) -> Result<Option<Finding>, StoreError> {
        verify(&self.reader).await
    }
}

async fn verify(pool: &SqlitePool) -> Result<Option<Finding>, StoreError> {
    Ok(match journal::walk(pool, &[], |_entries| ()).await? {
        JournalCheck::Intact { .. } => None,
        JournalCheck::Broken(broken) => Some(Finding::of(broken)),
    })
}

fn read_fence(row: &sqlx::sqlite::SqliteRow) -> Result<Fence, StoreError> {
    let reader = RowReader { what: "fence", row };
    Ok(Fence {
        reason: reader.word("reason")?,
        detail: reader.text("detail")?,
        raised_at: reader.at_if_any("raised_at")?,
    })
}
