//! The gate before a call that changes something: every delivery of the site's sources that was acknowledged before is
//! routed first, because one of them may stop the call.
//!
//! When a job requests its call, the newest delivery is stored as the job's fence, and the job waits until the router
//! has passed it. Deliveries that arrive later do not move the fence. One second fence covers the deliveries
//! acknowledged during the wait for the first. After that the call is made, so that a flood delays it by two fences at
//! most. A delivery that is routed in parts counts as unrouted until its last part is committed.

use std::collections::BTreeSet;

use jiff::Timestamp;
use tracing::instrument;

use super::jobs::due_code;
use super::leases::Lease;
use super::row::{RowReader, millis};
use super::sql::query;
use super::{Store, StoreError, Tx};
use crate::domain::ids::{SiteName, SourceName};

/// The maximum number of fences that a job waits for before one call.
const FENCES: u32 = 2;

/// The unrouted deliveries of a job's site, and the fence of the job.
#[derive(Debug, Clone, Copy)]
struct Backlog {
    /// The oldest unrouted delivery of a source of the site.
    first_unrouted: Option<i64>,
    fence: Option<i64>,
    fences: u32,
}

/// The decision for a job at the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passage {
    Pass,
    /// Wait until the router has passed this delivery.
    Wait(i64),
    /// Wait for the newest delivery, or this one, and store it as the job's fence.
    WaitForNewest(i64),
}

impl Backlog {
    const fn passage(&self) -> Passage {
        let Some(first) = self.first_unrouted else { return Passage::Pass };
        match self.fence {
            Some(fence) if first <= fence => Passage::Wait(fence),
            Some(_) if self.fences >= FENCES => Passage::Pass,
            Some(_) | None => Passage::WaitForNewest(first),
        }
    }
}

impl Tx {
    /// Stores which source belongs to which sites, from the current settings.
    #[instrument(name = "store.source.bind", skip_all, err)]
    pub async fn bind_sources(&mut self, sources: &[(&SourceName, &SiteName)]) -> Result<(), StoreError> {
        query("DELETE FROM source_sites").execute(&mut **self).await?;
        for (source, site) in sources {
            query("INSERT INTO source_sites (source, site) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(source.as_str())
                .bind(site.as_str())
                .execute(&mut **self)
                .await?;
        }
        Ok(())
    }

    /// The delivery that must be routed before a job's call; `None` if the job need not wait. The fence is a new one if it
    /// differs from `fence`.
    pub(super) async fn next_fence(
        &mut self,
        site: &SiteName,
        fence: Option<i64>,
        fences: u32,
    ) -> Result<Option<i64>, StoreError> {
        let first_unrouted = self.first_unrouted(site).await?;
        match (Backlog { first_unrouted, fence, fences }).passage() {
            Passage::Pass => Ok(None),
            Passage::Wait(fence) => Ok(Some(fence)),
            Passage::WaitForNewest(first) => {
                let row = query("SELECT MAX(seq) AS newest FROM deliveries").fetch_one(&mut **self).await?;
                let newest: Option<i64> = row.try_get("newest")?;
                Ok(Some(newest.map_or(first, |newest| newest.max(first))))
            }
        }
    }

    /// The oldest unrouted delivery of a source of the site.
    async fn first_unrouted(&mut self, site: &SiteName) -> Result<Option<i64>, StoreError> {
        // One probe of the index for each source, however many deliveries wait.
        let row = query(
            "SELECT MIN(first) AS first
             FROM (
                 SELECT (SELECT MIN(seq) FROM deliveries WHERE source = s.source AND status = 'received') AS first
                 FROM source_sites s
                 WHERE s.site = $1) unrouted",
        )
        .bind(site.as_str())
        .fetch_one(&mut **self)
        .await?;
        Ok(row.try_get("first")?)
    }

    /// Requeues a job that waited too long for the router. It keeps its fence, and no attempt is counted.
    #[instrument(name = "store.job.defer_until_routed", skip_all, err)]
    pub async fn defer_until_routed(&mut self, lease: Lease, now: Timestamp) -> Result<(), StoreError> {
        query(
            "UPDATE jobs
             SET state = 'queued', due_at = $1, lease_token = NULL, lease_until = NULL, code = $4
             WHERE id = $2 AND lease_token = $3 AND state = 'running'",
        )
        .bind(millis(now))
        .bind(lease.job_id.to_string())
        .bind(lease.token.to_string())
        .bind(due_code(&self.key, lease.job_id, now))
        .exec_leased(self)
        .await
    }
}

impl Store {
    /// The newest delivery, by its place in the order of acceptance.
    #[instrument(name = "store.delivery.newest", skip_all, err)]
    pub async fn newest_delivery(&self) -> Result<Option<i64>, StoreError> {
        let row = query("SELECT MAX(seq) AS newest FROM deliveries").fetch_one(&self.reader).await?;
        Ok(row.try_get("newest")?)
    }

    /// Whether every delivery of the site's sources up to `fence` is routed.
    #[instrument(name = "store.delivery.is_routed", skip_all, fields(site = %site), err)]
    pub async fn is_routed(&self, site: &SiteName, fence: i64) -> Result<bool, StoreError> {
        let row = query(
            "SELECT NOT EXISTS (
                 SELECT 1
                 FROM source_sites s
                     CROSS JOIN deliveries d
                 WHERE s.site = $1 AND d.source = s.source AND d.status = 'received' AND d.seq <= $2) AS is_routed",
        )
        .bind(site.as_str())
        .bind(fence)
        .fetch_one(&self.reader)
        .await?;
        Ok(row.try_get("is_routed")?)
    }

    /// The sites with a source of which a delivery up to `fence` is not routed.
    #[instrument(name = "store.site.behind", skip_all, err)]
    pub async fn sites_behind(&self, fence: i64) -> Result<BTreeSet<SiteName>, StoreError> {
        let rows = query(
            "SELECT DISTINCT site AS id, site
             FROM source_sites s
             WHERE EXISTS (
                     SELECT 1
                     FROM deliveries d
                     WHERE d.source = s.source AND d.status = 'received' AND d.seq <= $1)",
        )
        .bind(fence)
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(|row| RowReader { what: "site", row }.word("site")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(first_unrouted: Option<i64>, fence: Option<i64>, fences: u32) -> Passage {
        Backlog { first_unrouted, fence, fences }.passage()
    }

    #[test]
    fn job_passes_without_an_unrouted_delivery() {
        assert_eq!(passage(None, None, 0), Passage::Pass);
        assert_eq!(passage(None, Some(50), 1), Passage::Pass);
    }

    #[test]
    fn unrouted_delivery_makes_the_newest_one_the_fence() {
        assert_eq!(passage(Some(20), None, 0), Passage::WaitForNewest(20));
        assert_eq!(passage(Some(20), Some(50), 1), Passage::Wait(50));
        assert_eq!(passage(Some(50), Some(50), 1), Passage::Wait(50));
    }

    #[test]
    fn later_deliveries_extend_the_wait_by_one_fence_only() {
        assert_eq!(passage(Some(51), Some(50), 1), Passage::WaitForNewest(51));
        assert_eq!(passage(Some(90), Some(90), 2), Passage::Wait(90));
        assert_eq!(passage(Some(91), Some(90), 2), Passage::Pass);
    }
}
