//! Due jobs become calls, calls settle cases; expired leases are taken back.
//!
//! ```text
//! tick:  claim (short transaction) ─▶ read ─▶ decide (pure) ─▶ dispatch (short transaction) ─▶ call ─▶ read back ─▶ settle
//! ```
//!
//! No transaction is open across a call. Nothing is retried in here: a failed attempt goes back to the queue with its next
//! time, which is the only retry there is. A site that refuses us is paused in the database, and asked again now and then
//! whether it still does.

mod attempt;
mod metrics;
mod steps;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use self::attempt::Attempt;
pub use self::metrics::Metrics;
use crate::atlassian::Client;
use crate::clock::Clock;
use crate::domain::ids::SiteName;
use crate::domain::retry::RetryPolicy;
use crate::store::{Claimed, Store, StoreError};

/// The safety net under the notifications.
const PERIOD: Duration = Duration::from_mins(1);

/// How often a paused site is asked whether it takes us again.
const PROBE: Duration = Duration::from_mins(1);

/// A job makes at most about this many calls; its lease allows each its full time.
const CALLS: i32 = 8;

/// Works on the jobs of all sites.
#[derive(Debug, Clone)]
pub struct Worker {
    /// The database.
    pub store: Store,
    /// The sites by name.
    pub sites: BTreeMap<SiteName, Client>,
    /// When a failed attempt is tried again.
    pub retry: RetryPolicy,
    /// Whether anything is changed at Atlassian; else everything is planned, read and held.
    pub enforce: bool,
    /// For "now".
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub metrics: Metrics,
    /// Told when there may be something to do.
    pub awakened: Arc<Notify>,
    /// Tells the router that a call is settled, so that an event that waited for it can go on.
    pub router: Arc<Notify>,
    /// When the worker last turned, in milliseconds since 1970: for `/readyz`.
    pub heartbeat: Arc<AtomicI64>,
}

impl Worker {
    /// Works until `stopping`; then claims nothing more and finishes what it has.
    pub async fn run(self, stopping: CancellationToken) {
        // We hold the lock on the database, so that whatever is running there belongs to a process that is dead.
        let mut first = true;
        let mut jobs: JoinSet<SiteName> = JoinSet::new();
        let mut running: BTreeMap<SiteName, usize> = BTreeMap::new();
        let mut probes: BTreeMap<SiteName, tokio::time::Instant> = BTreeMap::new();
        loop {
            self.heartbeat.store(self.clock.now().as_millisecond(), Ordering::Relaxed);
            // Interest is registered before the look, so that nothing slips in between.
            let awakened = self.awakened.notified();
            let turned = async {
                self.recover(first).await?;
                self.turn(&mut jobs, &mut running, &mut probes).await
            };
            let wait = match turned.await {
                Ok(wait) => {
                    first = false;
                    wait
                }
                Err(error) => {
                    let error = anyhow::Error::new(error);
                    tracing::error!(error = format!("{error:#}"), "the queue cannot be read; it is tried again");
                    Duration::from_secs(1)
                }
            };
            tokio::select! {
                () = stopping.cancelled() => break,
                () = awakened => {}
                () = tokio::time::sleep(wait) => {}
                Some(ended) = jobs.join_next(), if !jobs.is_empty() => Self::ended(ended, &mut running),
            }
            while let Some(ended) = jobs.try_join_next() {
                Self::ended(ended, &mut running);
            }
        }
        while jobs.join_next().await.is_some() {}
    }

    /// Claims what is due and there is room for; says how long to wait for the next.
    async fn turn(
        &self,
        jobs: &mut JoinSet<SiteName>,
        running: &mut BTreeMap<SiteName, usize>,
        probes: &mut BTreeMap<SiteName, tokio::time::Instant>,
    ) -> Result<Duration, StoreError> {
        self.ask_paused_sites(probes).await?;
        let mut next: Option<Timestamp> = None;
        for (name, client) in &self.sites {
            let busy = running.entry(name.clone()).or_default();
            let room = client.site().concurrency.saturating_sub(*busy);
            if room == 0 {
                continue; // A job that ends awakens us.
            }
            let claimed = self.claim(client, room).await?;
            *busy += claimed.len();
            for job in claimed {
                jobs.spawn(self.clone().work(name.clone(), client.clone(), job));
            }
            if *busy < client.site().concurrency {
                let due = self.store.next_due(name).await?;
                next = [next, due].into_iter().flatten().min();
            }
        }
        let until = next.map(|due| due.duration_since(self.clock.now()).max(SignedDuration::ZERO));
        Ok(until.map_or(PERIOD, |until| until.unsigned_abs().saturating_add(Duration::from_millis(1)).min(PERIOD)))
    }

    async fn claim(&self, client: &Client, room: usize) -> Result<Vec<Claimed>, StoreError> {
        let now = self.clock.now();
        let site = client.site();
        let lease = site.timeout.saturating_mul(CALLS).saturating_add(SignedDuration::from_secs(30));
        let until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
        // Looked at first without the write lock: most turns find nothing.
        if self.store.next_due(&site.name).await?.is_none_or(|due| due > now) {
            return Ok(Vec::new());
        }
        let mut tx = self.store.begin().await?;
        let claimed = tx.claim(&site.name, u32::try_from(room).unwrap_or(u32::MAX), until, now).await?;
        tx.commit().await?;
        Ok(claimed)
    }

    /// One job, from claimed to settled. Says whose room is free again.
    async fn work(self, site: SiteName, client: Client, claimed: Claimed) -> SiteName {
        let span = tracing::info_span!(
            "worker.job",
            job.id = %claimed.lease.job_id,
            job.kind = %claimed.kind,
            case.id = %claimed.dossier.case.id,
            attempt = claimed.attempts.saturating_add(1),
        );
        let attempt = Attempt::new(&self, &client, &claimed);
        let worked = async {
            let outcome = AssertUnwindSafe(attempt.make_in_time()).catch_unwind().await;
            attempt.settle(outcome).await
        };
        if let Err(error) = worked.instrument(span.clone()).await {
            let _entered = span.enter();
            if matches!(error, StoreError::LeaseLost) {
                // Somebody was faster: a stop, or whoever took the job up after its lease was over.
                tracing::info!("the job was taken back meanwhile");
            } else {
                let error = anyhow::Error::new(error);
                tracing::error!(error = format!("{error:#}"), "an attempt could not be settled; its lease will expire");
            }
        }
        self.router.notify_one();
        site
    }

    /// Takes back the jobs of workers that died.
    async fn recover(&self, all: bool) -> Result<(), StoreError> {
        let now = self.clock.now();
        if !all && !self.store.any_lease_expired(now).await? {
            return Ok(());
        }
        let mut tx = self.store.begin().await?;
        let recovered = tx.recover(all, now).await?;
        tx.commit().await?;
        for job in recovered {
            tracing::warn!(job.id = %job.job_id, case.id = %job.case_id, "a job whose worker died is taken up again");
        }
        Ok(())
    }

    /// Asks the sites that refused us whether they still do; whoever takes us again is resumed.
    async fn ask_paused_sites(&self, probes: &mut BTreeMap<SiteName, tokio::time::Instant>) -> Result<(), StoreError> {
        for standing in self.store.sites().await?.into_iter().filter(|standing| standing.paused_at.is_some()) {
            let Some(client) = self.sites.get(&standing.name) else { continue };
            let now = tokio::time::Instant::now();
            let next = *probes.entry(standing.name.clone()).or_insert(now + PROBE);
            if now < next {
                continue;
            }
            probes.insert(standing.name.clone(), now + PROBE);
            match client.probe().await {
                Ok(found) if found.missing().is_empty() => {
                    let mut tx = self.store.begin().await?;
                    tx.resume_site(&standing.name, "probe", self.clock.now()).await?;
                    tx.commit().await?;
                    probes.remove(&standing.name);
                    tracing::info!(site = %standing.name, "the site takes us again: resumed");
                }
                Ok(found) => tracing::warn!(site = %standing.name, missing = ?found.missing(), "still paused"),
                Err(failure) => tracing::warn!(site = %standing.name, error = failure.detail(), "still paused"),
            }
        }
        Ok(())
    }

    fn ended(ended: Result<SiteName, tokio::task::JoinError>, running: &mut BTreeMap<SiteName, usize>) {
        // A panic inside an attempt is caught there; a task that was aborted is one that the whole daemon ends with.
        if let Ok(site) = ended
            && let Some(busy) = running.get_mut(&site)
        {
            *busy = busy.saturating_sub(1);
        }
    }
}
