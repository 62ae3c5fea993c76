//! Runs due jobs: their calls settle cases, and jobs with an expired lease are requeued.
//!
//! ```text
//! tick:  claim (short transaction) ─▶ read ─▶ decide (pure) ─▶ dispatch (short transaction) ─▶ call ─▶ read back ─▶ settle
//! ```
//!
//! No transaction is open across a call. Many jobs are claimed together, and the store commits the dispatches and results
//! of concurrent attempts together. There are no retries in here: a failed attempt is requeued with its next time,
//! which is the only form of retry. A site that rejects the credentials, or one kind of calls, is paused in the
//! database and probed until it works again.

mod attempt;
mod backlog;
mod context;
mod job;
mod metrics;
mod probe;
mod rejections;
mod settle;
mod steps;
mod watch;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use self::backlog::StartupBacklog;
pub use self::context::Context;
pub use self::metrics::Metrics;
use self::probe::Probes;
use self::watch::Watches;
use crate::atlassian::Client;
use crate::domain::ids::{JobId, SiteName};
use crate::store::{ClaimRequest, ClaimedJob, Duty, StoreError};

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

/// The state that the worker keeps between two ticks. A new process starts without it.
#[derive(Debug, Default)]
struct WorkerState {
    /// The sites whose jobs of the previous worker are requeued, each with the token of the term since then: all jobs that run
    /// at the start of a term belong to a dead worker. `None` before the first tick.
    recovered: Option<BTreeMap<SiteName, i64>>,
    backlog: StartupBacklog,
    probes: Probes,
    watches: Watches,
    jobs: JoinSet<(WorkLane, JobId)>,
    running: Running,
}

#[derive(Debug)]
pub struct Worker {
    pub context: Arc<Context>,
    /// The clients of the sites by name.
    pub sites: BTreeMap<SiteName, Client>,
    /// When the worker last completed a tick, in milliseconds since 1970: for `/readyz`.
    pub heartbeat: Arc<AtomicI64>,
}

impl Worker {
    /// Works until `stopping`; then claims nothing more and finishes the running jobs.
    pub async fn run(self, stopping: CancellationToken) {
        let mut state = WorkerState::default();
        loop {
            self.heartbeat.store(self.context.clock.now().as_millisecond(), Ordering::Relaxed);
            // The notification is registered before the check, so that none is missed in between.
            let awakened = self.context.awakened.notified();
            let wait = self.tick(&mut state).await.unwrap_or_else(|error| {
                let error = anyhow::Error::new(error);
                tracing::error!(error = format!("{error:#}"), "the job queue cannot be read, retry in a second");
                Duration::from_secs(1)
            });
            tokio::select! {
                () = stopping.cancelled() => break,
                () = awakened => {}
                () = tokio::time::sleep(wait) => {}
                Some(ended) = state.jobs.join_next(), if !state.jobs.is_empty() => state.ended(ended),
            }
            while let Some(ended) = state.jobs.try_join_next() {
                state.ended(ended);
            }
        }
        let is_idle = |site: &&SiteName| {
            [true, false]
                .iter()
                .all(|urgent| state.running.get(&((*site).clone(), *urgent)).is_none_or(BTreeSet::is_empty))
        };
        self.resign(&self.sites.keys().filter(is_idle).collect::<Vec<_>>());
        while state.jobs.join_next().await.is_some() {}
        self.resign(&self.sites.keys().collect::<Vec<_>>());
    }

    /// Gives up sites, so that another replica works them immediately.
    fn resign(&self, sites: &[&SiteName]) {
        for site in sites {
            self.context.store.resign(&Duty::Site((*site).clone()));
        }
    }

    /// Requeues jobs whose lease is over, starts the probes that are due, and claims due jobs up to the capacity. Returns
    /// the wait until the next tick.
    async fn tick(&self, state: &mut WorkerState) -> Result<Duration, StoreError> {
        let terms = self.terms();
        let sites = self.sites_of(&terms);
        self.recover(state, terms).await?;
        let behind = state.backlog.behind(&self.context.store).await?;
        let next_probe = state.probes.tick(&sites, &self.context).await?;
        let next_watch = state.watches.tick(&sites, &self.context).await?;
        let next_job = self.start_due_jobs(state, &sites, &behind).await?;
        let wait = match next_probe.into_iter().chain(next_watch).chain(next_job).min() {
            Some(next) => next.duration_since(self.context.clock.now()).max(SignedDuration::ZERO).unsigned_abs(),
            None => PERIOD,
        };
        let wait = wait.saturating_add(Duration::from_millis(1)).min(PERIOD);
        Ok(if behind.is_empty() { wait } else { wait.min(CATCHING_UP) })
    }

    /// The sites that this replica works, with the tokens of its terms.
    fn terms(&self) -> BTreeMap<SiteName, i64> {
        let token = |site: &SiteName| self.context.store.term_of(&Duty::Site(site.clone()));
        self.sites.keys().filter_map(|site| Some((site.clone(), token(site)?))).collect()
    }

    fn sites_of(&self, terms: &BTreeMap<SiteName, i64>) -> Cow<'_, BTreeMap<SiteName, Client>> {
        if terms.len() == self.sites.len() {
            return Cow::Borrowed(&self.sites);
        }
        let sites = self.sites.iter().filter(|(site, _)| terms.contains_key(*site));
        Cow::Owned(sites.map(|(site, client)| (site.clone(), client.clone())).collect())
    }

    /// Starts due jobs in the lanes with free capacity. Returns when the next one may be due.
    async fn start_due_jobs(
        &self,
        state: &mut WorkerState,
        sites: &BTreeMap<SiteName, Client>,
        behind: &BTreeSet<SiteName>,
    ) -> Result<Option<Timestamp>, StoreError> {
        let next = self.next_due(&state.running, sites, behind).await?;
        let now = self.context.clock.now();
        let due: Vec<_> = next.iter().filter(|(_, due_at)| *due_at <= now).map(|(lane, _)| lane).collect();
        if due.is_empty() {
            return Ok(next.into_iter().map(|(_, due_at)| due_at).min());
        }
        let claimed = self.claim(&due, &state.running, now).await?;
        // Nothing was claimed: the jobs were paused meanwhile, or all of them were deferred.
        let again = if claimed.is_empty() { AGAIN } else { SOON };
        for job in claimed {
            let lane = (job.record.case.site.clone(), job.kind.is_urgent());
            let Some(client) = self.sites.get(&lane.0).cloned() else { continue };
            state.running.entry(lane.clone()).or_default().insert(job.lease.job_id);
            state.jobs.spawn(run_job(self.context.of_site(&lane.0), lane, client, job));
        }
        Ok(now.checked_add(again).ok())
    }

    /// When the next job is due in any lane with free capacity. A job that ends wakes the worker for the other lanes.
    /// Sites that are `behind` wait for the router.
    async fn next_due(
        &self,
        running: &Running,
        sites: &BTreeMap<SiteName, Client>,
        behind: &BTreeSet<SiteName>,
    ) -> Result<Vec<(WorkLane, Timestamp)>, StoreError> {
        let ready = sites.keys().filter(|site| !behind.contains(*site));
        let lanes = ready.flat_map(|site| [(site, true), (site, false)]);
        let free: Vec<_> = lanes.filter(|(site, urgent)| self.free_slots(running, site, *urgent) > 0).collect();
        let due = self.context.store.next_due(&free).await?;
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
        lanes: &[&WorkLane],
        running: &Running,
        now: Timestamp,
    ) -> Result<Vec<ClaimedJob>, StoreError> {
        let requests = lanes.iter().filter_map(|(site, urgent)| {
            let timeout = self.sites.get(site)?.site().timeout;
            let lease = timeout.saturating_mul(CALLS).saturating_add(SignedDuration::from_secs(30));
            let until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
            let jobs = u32::try_from(self.free_slots(running, site, *urgent)).unwrap_or(u32::MAX);
            Some(ClaimRequest { site, urgent: *urgent, jobs, until })
        });
        let requests: Vec<_> = requests.collect();
        let duties: BTreeSet<_> = requests.iter().map(|request| Duty::Site(request.site.clone())).collect();
        let mut tx = self.context.store.begin_on(&duties.into_iter().collect::<Vec<_>>()).await?;
        let claimed = tx.claim(&requests, now).await?;
        tx.commit().await?;
        Ok(claimed)
    }

    /// Requeues the jobs of workers that died: at a start those of all sites, later those of the sites that this replica took
    /// over. Jobs that run in this process are excluded: when the clock jumps ahead or the machine sleeps, a lease can expire
    /// while its call is in progress.
    async fn recover(&self, state: &mut WorkerState, terms: BTreeMap<SiteName, i64>) -> Result<(), StoreError> {
        let (now, store) = (self.context.clock.now(), &self.context.store);
        let before = state.recovered.as_ref();
        let is_taken =
            |(site, token): &(&SiteName, &i64)| before.is_none_or(|before| before.get(*site) != Some(*token));
        let taken: Vec<_> = terms.iter().filter(is_taken).map(|(site, _)| site.clone()).collect();
        let is_start = before.is_none() || !taken.is_empty();
        if !is_start && !store.any_lease_expired(now).await? {
            state.recovered = Some(terms);
            return Ok(());
        }
        let duties: Vec<_> = terms.keys().cloned().map(Duty::Site).collect();
        let mut tx = store.begin_on(&duties).await?;
        let ours: Vec<JobId> = state.running.values().flatten().copied().collect();
        let recovered = if store.is_shared() {
            // An attempt of an earlier term of this replica is over, too.
            let of_taken = tx.recover(true, &[], Some(&taken), now).await?;
            let held: Vec<_> = terms.keys().cloned().collect();
            let expired = tx.recover(false, &ours, Some(&held), now).await?;
            [of_taken, expired].concat()
        } else {
            tx.recover(is_start, &ours, None, now).await?
        };
        tx.commit().await?;
        if is_start {
            // What was acknowledged before is routed before the first call.
            state.backlog = StartupBacklog::default();
        }
        state.recovered = Some(terms);
        // An event that waited for the call of such a job can be applied now, before the job is claimed again.
        self.context.router.notify_one();
        for job in recovered {
            tracing::warn!(job.id = %job.job_id, case.id = %job.case_id, "job {}: lease expired, requeued", job.job_id);
        }
        Ok(())
    }
}

impl WorkerState {
    fn ended(&mut self, ended: Result<(WorkLane, JobId), JoinError>) {
        // A panic inside an attempt is caught there. A task is aborted only when the whole daemon ends.
        if let Ok((lane, job_id)) = ended
            && let Some(busy) = self.running.get_mut(&lane)
        {
            busy.remove(&job_id);
        }
    }
}

/// Runs one claimed job until it is settled. Returns the lane that has capacity again.
async fn run_job(context: Arc<Context>, lane: WorkLane, client: Client, claimed: ClaimedJob) -> (WorkLane, JobId) {
    let job_id = claimed.lease.job_id;
    let span = tracing::info_span!(
        "worker.job",
        job.id = %job_id,
        job.kind = %claimed.kind,
        case.id = %claimed.record.case.id,
        attempt = claimed.attempts.saturating_add(1),
    );
    job::run(&context, &client, &claimed).instrument(span).await;
    context.router.notify_one();
    (lane, job_id)
}
