//! Waiting for the router: right before a call, and at the start of the process.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::domain::ids::SiteName;
use crate::store::{Store, StoreError};

/// The maximum time that a job waits for the router after its reads. Then the job is requeued, and reads again.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// The first and the longest wait between two reads of the router's progress.
const SOON: Duration = Duration::from_millis(10);
const LATER: Duration = Duration::from_millis(200);

/// Waits until the deliveries of a site's sources up to `fence` are routed. Returns false when that takes too long.
pub(super) async fn until_routed(store: &Store, site: &SiteName, fence: i64) -> Result<bool, StoreError> {
    let (begun, mut wait) = (Instant::now(), SOON);
    while !store.is_routed(site, fence).await? {
        if begun.elapsed() >= MAX_WAIT {
            return Ok(false);
        }
        tokio::time::sleep(wait).await;
        wait = wait.saturating_mul(2).min(LATER);
    }
    Ok(true)
}

/// The deliveries that were unrouted at the start of the process. No job of their sites is claimed before they are routed.
#[derive(Debug, Default)]
pub(super) enum StartupBacklog {
    /// Not read yet.
    #[default]
    Unknown,
    /// Deliveries up to this one are routed first.
    Behind(i64),
    /// All are routed.
    CaughtUp,
}

impl StartupBacklog {
    /// The sites with unrouted deliveries from before the start.
    pub(super) async fn behind(&mut self, store: &Store) -> Result<BTreeSet<SiteName>, StoreError> {
        if matches!(self, Self::Unknown) {
            *self = store.newest_delivery().await?.map_or(Self::CaughtUp, Self::Behind);
        }
        let Self::Behind(fence) = *self else { return Ok(BTreeSet::new()) };
        let behind = store.sites_behind(fence).await?;
        if behind.is_empty() {
            *self = Self::CaughtUp;
        }
        Ok(behind)
    }
}
