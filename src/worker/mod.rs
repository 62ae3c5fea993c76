//! Runs due jobs: their calls settle cases, and jobs with an expired lease are requeued.
//!
//! ```text
//! tick:  claim (short transaction) ─▶ read ─▶ decide (pure) ─▶ dispatch (short transaction) ─▶ call ─▶ read back ─▶ settle
//! ```
//!
//! No transaction is open across a call. Jobs share transactions: many are claimed together, and a committer groups the
//! requests and reports of attempts. There are no retries in here: a failed attempt is requeued with its next time,
//! which is the only form of retry. A site that rejects the credentials, or one kind of calls, is paused in the
//! database and probed until it works again.

mod attempt;
mod backlog;
mod commit;
mod metrics;
mod probe;
mod rejections;
mod steps;

use std::collections::{BTreeMap, BTreeSet};
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
use self::backlog::StartupBacklog;
use self::commit::{JobCommitQueue, JobCommitter};
pub use self::metrics::Metrics;
use self::probe::Probes;
use crate::atlassian::Client;
use crate::clock::Clock;
use crate::domain::ids::{JobId, SiteName};
use crate::domain::retry::RetryPolicy;
use crate::store::{ClaimRequest, ClaimedJob, Store, StoreError};

/// The period of the fallback in case a notification is missed.
const PERIOD: Duration = Duration::from_mins(1);

/// The wait before the next check when a check and a claim disagree.
const AGAIN: SignedDuration = SignedDuration::from_secs(1);

/// The wait before the next check while the router has not caught up since the start. It notifies the worker before.
const CATCHING_UP: Duration = Duration::from_millis(200);

/// The wait before the next check after a claim. Most often a job ends before.
const SOON: SignedDuration = SignedDuration::from_millis(20);

/// A job makes at most about this many calls; its lease allows each its full time.
const CALLS: i32 = 8;

/// The capacity that a job uses: each site has a capacity for urgent jobs and one for the others.
type WorkLane = (SiteName, bool);

/// The jobs that run in this process, by lane.
type Running = BTreeMap<WorkLane, BTreeSet<JobId>>;

#[derive(Debug)]
pub struct Worker {
    pub store: Store,
    /// The clients of the sites by name.
    pub sites: BTreeMap<SiteName, Client>,
    /// The rules for retries of failed attempts.
    pub retry: RetryPolicy,
    /// Whether changes are made at Atlassian. Otherwise everything is planned, read and held.
    pub enforce: bool,
    /// The source of the current time.
    pub clock: Arc<dyn Clock>,
    pub metrics: Metrics,
    /// Notified when there may be work for the worker.
    pub awakened: Arc<Notify>,
    /// Notifies the router that a call is settled, so that an event that waits for it can continue.
    pub router: Arc<Notify>,
    /// When the worker last completed a tick, in milliseconds since 1970: for `/readyz`.
    pub heartbeat: Arc<AtomicI64>,
}

impl Worker {
    /// Works until `stopping`; then claims nothing more and finishes the running jobs.
    pub async fn run(self: Arc<Self>, stopping: CancellationToken) {
        let (committer, queue) = JobCommitter::new(self.store.clone(), Arc::clone(&self.clock), self.enforce);
        tokio::join!(self.run_jobs(queue, stopping), committer.run());
    }

    async fn run_jobs(self: Arc<Self>, queue: JobCommitQueue, stopping: CancellationToken) {
        // This process holds the lock on the database, so that all running jobs in it belong to a dead process.
        let mut first = true;
        let mut jobs: JoinSet<(WorkLane, JobId)> = JoinSet::new();
        let mut running = Running::new();
        let mut probes = Probes::default();
        let mut backlog = StartupBacklog::default();
        loop {
            self.heartbeat.store(self.clock.now().as_millisecond(), Ordering::Relaxed);
            // The notification is registered before the check, so that none is missed in between.
            let awakened = self.awakened.notified();
            let turned = async {
                self.recover(first, &running).await?;
                let behind = backlog.behind(&self.store).await?;
                let wait = self.tick(&queue, &mut jobs, &mut running, &mut probes, &behind).await?;
                Ok::<_, StoreError>(if behind.is_empty() { wait } else { wait.min(CATCHING_UP) })
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

    /// Claims due jobs up to the capacity. Returns the wait until the next tick.
    async fn tick(
        self: &Arc<Self>,
        queue: &JobCommitQueue,
        jobs: &mut JoinSet<(WorkLane, JobId)>,
        running: &mut Running,
        probes: &mut Probes,
        behind: &BTreeSet<SiteName>,
    ) -> Result<Duration, StoreError> {
        let mut next = probes.tick(self).await?;
        let due = self.next_due(running, behind).await?;
        let now = self.clock.now();
        let (due, later): (Vec<_>, Vec<_>) = due.into_iter().partition(|(_, due_at)| *due_at <= now);
        if due.is_empty() {
            next = later.into_iter().map(|(_, due_at)| due_at).chain(next).min();
        } else {
            let claimed = self.claim(&due, running, now).await?;
            // Nothing was claimed: the jobs were paused meanwhile, or all of them were deferred.
            let again = if claimed.is_empty() { AGAIN } else { SOON };
            next = now.checked_add(again).ok().into_iter().chain(next).min();
            for job in claimed {
                let lane = (job.record.case.site.clone(), job.kind.is_urgent());
                let Some(client) = self.sites.get(&lane.0).cloned() else { continue };
                running.entry(lane.clone()).or_default().insert(job.lease.job_id);
                jobs.spawn(Arc::clone(self).run_job(queue.clone(), lane, client, job));
            }
        }
        let until = next.map(|due| due.duration_since(self.clock.now()).max(SignedDuration::ZERO));
        Ok(until.map_or(PERIOD, |until| until.unsigned_abs().saturating_add(Duration::from_millis(1)).min(PERIOD)))
    }

    /// When the next job is due in any lane with free capacity. A job that ends wakes the worker for the other lanes.
    /// Sites that are `behind` wait for the router.
    async fn next_due(
        &self,
        running: &Running,
        behind: &BTreeSet<SiteName>,
    ) -> Result<Vec<(WorkLane, Timestamp)>, StoreError> {
        let ready = self.sites.keys().filter(|site| !behind.contains(*site));
        let lanes = ready.flat_map(|site| [(site, true), (site, false)]);
        let free: Vec<_> = lanes.filter(|(site, urgent)| self.free_slots(running, site, *urgent) > 0).collect();
        let due = self.store.next_due(&free).await?;
        let lanes = free.into_iter().map(|(site, urgent)| (site.clone(), urgent));
        Ok(lanes.zip(due).filter_map(|(lane, due_at)| Some((lane, due_at?))).collect())
    }

    fn free_slots(&self, running: &Running, site: &SiteName, urgent: bool) -> usize {
        let busy = running.get(&(site.clone(), urgent)).map_or(0, BTreeSet::len);
        self.sites.get(site).map_or(0, |client| client.site().concurrency.saturating_sub(busy))
    }

    /// Claims due jobs for all lanes in one transaction, up to the capacity.
    async fn claim(
        &self,
        due: &[(WorkLane, Timestamp)],
        running: &Running,
        now: Timestamp,
    ) -> Result<Vec<ClaimedJob>, StoreError> {
        let requests = due.iter().filter_map(|((site, urgent), _)| {
            let timeout = self.sites.get(site)?.site().timeout;
            let lease = timeout.saturating_mul(CALLS).saturating_add(SignedDuration::from_secs(30));
            let until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
            let jobs = u32::try_from(self.free_slots(running, site, *urgent)).unwrap_or(u32::MAX);
            Some(ClaimRequest { site, urgent: *urgent, jobs, until })
        });
        let requests: Vec<_> = requests.collect();
        let mut tx = self.store.begin().await?;
        let claimed = tx.claim(&requests, now).await?;
        tx.commit().await?;
        Ok(claimed)
    }

    /// Runs one claimed job until it is settled. Returns the lane that has capacity again.
    async fn run_job(
        self: Arc<Self>,
        queue: JobCommitQueue,
        lane: WorkLane,
        client: Client,
        claimed: ClaimedJob,
    ) -> (WorkLane, JobId) {
        let span = tracing::info_span!(
            "worker.job",
            job.id = %claimed.lease.job_id,
            job.kind = %claimed.kind,
            case.id = %claimed.record.case.id,
            attempt = claimed.attempts.saturating_add(1),
        );
        let mut attempt = Attempt::new(&self, &queue, &client, &claimed);
        let worked = async {
            let outcome = AssertUnwindSafe(attempt.run_within_lease()).catch_unwind().await;
            attempt.settle(outcome).await
        };
        if let Err(error) = worked.instrument(span.clone()).await {
            let _entered = span.enter();
            if matches!(error, StoreError::LeaseLost) {
                // The job was stopped, or another worker claimed it after the lease had expired.
                tracing::info!("the job was taken back meanwhile");
            } else {
                let error = anyhow::Error::new(error);
                tracing::error!(error = format!("{error:#}"), "an attempt could not be settled; its lease will expire");
            }
        }
        self.router.notify_one();
        (lane, claimed.lease.job_id)
    }

    /// Requeues the jobs of workers that died. Jobs that run in this process are excluded: when the clock jumps ahead
    /// or the machine sleeps, a lease can expire while its call is in progress.
    async fn recover(&self, all: bool, running: &Running) -> Result<(), StoreError> {
        let now = self.clock.now();
        if !all && !self.store.any_lease_expired(now).await? {
            return Ok(());
        }
        let mut tx = self.store.begin().await?;
        let ours: Vec<JobId> = running.values().flatten().copied().collect();
        let recovered = tx.recover(all, &ours, now).await?;
        tx.commit().await?;
        // An event that waited for the call of such a job can be applied now, before the job is claimed again.
        self.router.notify_one();
        for job in recovered {
            tracing::warn!(job.id = %job.job_id, case.id = %job.case_id, "a job whose worker died is taken up again");
        }
        Ok(())
    }

    fn ended(ended: Result<(WorkLane, JobId), tokio::task::JoinError>, running: &mut Running) {
        // A panic inside an attempt is caught there. A task is aborted only when the whole daemon ends.
        if let Ok((lane, job_id)) = ended
            && let Some(busy) = running.get_mut(&lane)
        {
            busy.remove(&job_id);
        }
    }
}
