//! The fence: no change is made at any site while it stands. It is raised when the database is an older copy or was
//! changed by another hand, and lifted by an approver who has seen the open cases.

use jiff::Timestamp;
use serde_json::json;
use tracing::instrument;

use super::integrity::{self, FenceReason, Finding};
use super::row::{RowReader, millis};
use super::sql::{Row, query};
use super::sums::Guarded;
use super::{BulkFilter, Store, StoreError, Tx, digest_of};

const STANDING: &str = "SELECT id, reason, detail, raised_at
     FROM fences
     WHERE lifted_at IS NULL
     ORDER BY id";

/// A finding for which the fence stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    id: i64,
    pub reason: FenceReason,
    /// What was found, in a sentence.
    pub detail: String,
    /// `None` until the start of the daemon has written it into the journal.
    pub raised_at: Option<Timestamp>,
}

impl Tx {
    /// Raises the fence.
    #[instrument(name = "store.fence.raise", skip_all, err)]
    pub async fn raise_fence(&mut self, finding: &Finding, now: Timestamp) -> Result<(), StoreError> {
        integrity::raise_at_opening(self, finding).await?;
        self.announce_fences(now).await
    }

    /// Raises the fence for what the walk over the history found. Returns false if it was raised before: an approver may
    /// have accepted it, and the damage stays.
    #[instrument(name = "store.fence.raise_once", skip_all, err)]
    pub async fn raise_fence_once(&mut self, finding: &Finding, now: Timestamp) -> Result<bool, StoreError> {
        let known = query("SELECT 1 FROM fences WHERE detail = $1 LIMIT 1")
            .bind(&finding.detail)
            .fetch_optional(&mut **self)
            .await?;
        if known.is_none() {
            self.raise_fence(finding, now).await?;
        }
        Ok(known.is_none())
    }

    /// Writes fences that were raised while the database was opened into the journal.
    #[instrument(name = "store.fence.announce", skip_all, err)]
    pub async fn announce_fences(&mut self, now: Timestamp) -> Result<(), StoreError> {
        for fence in self.fences().await?.into_iter().filter(|fence| fence.raised_at.is_none()) {
            let announced = query("UPDATE fences SET raised_at = $1 WHERE id = $2 RETURNING *")
                .bind(millis(now))
                .bind(fence.id)
                .fetch_all(&mut **self)
                .await?;
            self.guarded_added(Guarded::Fences, &announced)?;
            let detail = json!({ "reason": fence.reason, "found": fence.detail });
            self.write_journal(None, "fence_raised", &detail, now).await?;
        }
        Ok(())
    }

    /// The findings for which the fence stands, read where a write depends on them.
    pub async fn fences(&mut self) -> Result<Vec<Fence>, StoreError> {
        let rows = query(STANDING).fetch_all(&mut **self).await?;
        rows.iter().map(read_fence).collect()
    }

    /// Lifts the fence, for everything that was found so far.
    #[instrument(name = "store.fence.lift", skip_all, err)]
    pub async fn lift_fence(&mut self, by: &str, now: Timestamp) -> Result<(), StoreError> {
        let findings = query("UPDATE fences SET lifted_at = $1 WHERE lifted_at IS NULL")
            .bind(millis(now))
            .execute(&mut **self)
            .await?
            .rows_affected();
        self.accept_guarded();
        self.write_journal(None, "fence_lifted", &json!({ "by": by, "findings": findings }), now).await?;
        Ok(())
    }
}

impl Store {
    /// The findings for which the fence stands, oldest first.
    #[instrument(name = "store.fence.find", skip_all, err)]
    pub async fn fences(&self) -> Result<Vec<Fence>, StoreError> {
        let rows = query(STANDING).fetch_all(&self.reader).await?;
        rows.iter().map(read_fence).collect()
    }

    /// The number of open cases, and a digest of them, of what is planned for them and of the findings: who lifts the
    /// fence has seen these.
    #[instrument(name = "store.fence.digest", skip_all, err)]
    pub async fn fence_digest(&self, findings: &[Fence]) -> Result<(usize, String), StoreError> {
        let cases = self.open_cases(&BulkFilter::default()).await?;
        let findings: Vec<_> = findings.iter().map(|fence| fence.id.to_string()).collect();
        Ok((cases.len(), digest_of(&format!("lift the fence {}", findings.join(" ")), cases)))
    }
}

fn read_fence(row: &Row) -> Result<Fence, StoreError> {
    let reader = RowReader { what: "fence", row };
    Ok(Fence {
        id: row.try_get("id")?,
        reason: reader.word("reason")?,
        detail: reader.text("detail")?,
        raised_at: reader.at_if_any("raised_at")?,
    })
}
