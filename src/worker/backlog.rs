//! Waiting for the router: right before a call, and at the start of the process.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::domain::ids::SiteName;
use crate::store::{Store, StoreError};

/// How long a job waits for the router with its reads made. After that it is queued again, and reads again.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// How often the router's progress is read: first, and after a while.
const SOON: Duration = Duration::from_millis(10);
const LATER: Duration = Duration::from_millis(200);

/// Waits until the deliveries of a site's sources up to `fence` are routed. False when that takes too long.
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

/// Which sites still have deliveries that were unrouted at the start of the process: none of their jobs is claimed before.
#[derive(Debug, Default)]
pub(super) enum StartupBacklog {
    /// Not yet read.
    #[default]
    Unknown,
    /// Those up to this delivery come first.
    Behind(i64),
    /// All of them are routed.
    CaughtUp,
}

impl StartupBacklog {
    /// The sites that are behind.
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
