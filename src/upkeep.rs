//! Applies retention, verifies the history, anchors the journal and reports quiet sources, periodically; checkpoints the
//! write-ahead log.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::domain::case::DeadlineStep;
use crate::domain::ids::SourceName;
use crate::proof::ring::KeyId;
use crate::store::{Anchor, FenceReason, KeepFor, Resealing, Store, StoreError};

const PERIOD: Duration = Duration::from_secs(30);

/// How often the journal's head is written outside the database.
const ANCHOR_PERIOD: Duration = Duration::from_hours(1);

/// The interval of checkpoints while nothing is written.
const IDLE: Duration = Duration::from_millis(100);

/// The interval of checkpoints during writes. At full speed, the log grows by 0.5 MB in this time.
const BUSY: Duration = Duration::from_millis(5);

/// The time between two verifications of the whole history.
const BETWEEN_WALKS: Duration = Duration::from_hours(1);

/// The minimum pause between two retention steps. Without a pause, the steps fill the log faster than checkpoints empty it,
/// and other transactions wait.
const MIN_PAUSE: Duration = Duration::from_millis(25);

/// The pause after a step, as a multiple of the step's duration, for slow disks.
const PAUSE_FACTOR: u32 = 8;

/// The number of old rows that are deleted in one transaction: a commit of the intake waits a few milliseconds.
const EXPIRED_TOGETHER: usize = 25;

#[derive(Debug, Clone)]
pub struct Upkeep {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    /// How long the body of a routed delivery is stored.
    pub keep_payloads: SignedDuration,
    /// How long a backup opens.
    pub keep_backups: SignedDuration,
    /// How long rows are kept.
    pub keep: KeepFor,
    /// A source is quiet after this time without a delivery; `None` disables the report.
    pub quiet_after: BTreeMap<SourceName, Option<SignedDuration>>,
}

/// Checkpoints the write-ahead log until `stopping`, then closes the database.
pub async fn checkpoint_wal(store: Store, stopping: CancellationToken) {
    let mut keeper = store.wal_checkpointer();
    let mut wait = IDLE;
    while stopping.run_until_cancelled(tokio::time::sleep(wait)).await.is_some() {
        wait = match keeper.checkpoint().await {
            Ok(true) => BUSY,
            Ok(false) => IDLE,
            Err(error) => {
                let error = anyhow::Error::new(error);
                tracing::warn!(error = format!("{error:#}"), "WAL checkpoint failed, retrying");
                IDLE
            }
        };
    }
    if let Err(error) = keeper.close().await {
        let error = anyhow::Error::new(error);
        tracing::warn!(error = format!("{error:#}"), "closing the database failed");
    }
}

pub fn log_fence(reason: FenceReason, found: &str) {
    tracing::error!(
        %reason,
        found,
        "the journal or the rows of this database are not what was recorded: no change is made at Atlassian until an approver \
         has compared the open cases with the site and lifted the fence (offboardd fence show)"
    );
}

/// Logs and anchors the journal's head at the start, and once in a period.
pub async fn anchor_journal(anchor: Arc<Mutex<Anchor>>, stopping: CancellationToken) {
    loop {
        write_anchor(&anchor).await;
        if stopping.run_until_cancelled(tokio::time::sleep(ANCHOR_PERIOD)).await.is_none() {
            return;
        }
    }
}

/// A failure is logged, because the work of the daemon does not depend on the anchor.
pub async fn write_anchor(anchor: &Mutex<Anchor>) {
    match anchor.lock().await.write().await {
        Ok((entries, link)) => {
            let head = hex::encode(link);
            tracing::info!(entries, head, "journal: {entries} entries, the newest link is {head}");
        }
        Err(error) => {
            let error = anyhow::Error::new(error);
            tracing::error!(error = format!("{error:#}"), "the journal's head cannot be written to evidence.anchor");
        }
    }
}

/// With which key everything was sealed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Resealed {
    by: KeyId,
    passes_left: u32,
}

impl Upkeep {
    pub async fn run(self, stopping: CancellationToken) {
        let started_at = self.clock.now();
        let mut verified: Option<Instant> = None;
        let mut resealed = Resealed { by: self.store.key().newest_id(), passes_left: 1 };
        loop {
            let round = async {
                self.watch_deadlines().await?;
                if verified.is_none_or(|verified| verified.elapsed() >= BETWEEN_WALKS) {
                    self.verify_history(&stopping).await?;
                    self.expire(&stopping).await?;
                    verified = Some(Instant::now());
                }
                self.apply_retention(&stopping).await?;
                self.turn_keys(&mut resealed, &stopping).await?;
                self.report_quiet_sources(started_at).await
            };
            if let Err(error) = round.await {
                let error = anyhow::Error::new(error);
                tracing::error!(error = format!("{error:#}"), "upkeep failed, retrying in the next period");
            }
            tokio::select! {
                () = stopping.cancelled() => return,
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }

    /// Walks the history. What was changed by another hand raises the fence. The walk over a long history ends with a stop.
    async fn verify_history(&self, stopping: &CancellationToken) -> Result<(), StoreError> {
        let Some(found) = stopping.run_until_cancelled(self.store.verify_history()).await else { return Ok(()) };
        for finding in found? {
            let mut tx = self.store.begin().await?;
            let raised = tx.raise_fence_once(&finding, self.clock.now()).await?;
            tx.commit().await?;
            if raised {
                log_fence(finding.reason, &finding.detail);
            }
        }
        Ok(())
    }

    /// Deletes old rows, for at most a period.
    async fn expire(&self, stopping: &CancellationToken) -> Result<(), StoreError> {
        let round = Instant::now();
        while round.elapsed() < PERIOD {
            let expired = self.store.expired_rows(&self.keep, self.clock.now()).await?;
            if expired.is_empty() {
                break;
            }
            for rows in expired.chunks(EXPIRED_TOGETHER) {
                let begun = Instant::now();
                self.store.delete_expired(rows, &self.keep, self.clock.now()).await?;
                let pause = (begun.elapsed() * PAUSE_FACTOR).max(MIN_PAUSE);
                if stopping.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Alerts humans as the deadlines of requests for erasure come nearer, once at each step.
    async fn watch_deadlines(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        for erasure in self.store.open_erasures().await? {
            let Some(step) = erasure.deadline.step(now).filter(|step| Some(*step) > erasure.alerted) else { continue };
            let mut tx = self.store.begin().await?;
            tx.reach_deadline_step(&erasure, step, now).await?;
            tx.commit().await?;
            let (id, until) = (erasure.case_id, erasure.deadline.until);
            match step {
                DeadlineStep::Quarter => {
                    tracing::warn!(case.id = %id, %until, "case {id}: a quarter of the time for its request for erasure is left, until {until}");
                }
                DeadlineStep::Tenth => {
                    tracing::error!(case.id = %id, %until, "case {id}: a tenth of the time for its request for erasure is left, until {until}");
                }
                DeadlineStep::Overdue => {
                    tracing::error!(case.id = %id, %until, "case {id}: its request for erasure is overdue since {until}");
                }
            }
        }
        Ok(())
    }

    /// Begins and ends periods of the sealing key, and seals again what an earlier key sealed.
    async fn turn_keys(&self, resealed: &mut Resealed, stopping: &CancellationToken) -> Result<(), StoreError> {
        let now = self.clock.now();
        if self.store.turn_period(self.keep_backups, now).await? {
            tracing::info!("a new period of the sealing key began");
        }
        // Also where a rotated key file is noticed while nothing is written.
        self.store.check_files()?;
        let newest = self.store.key().newest_id();
        if resealed.by != newest {
            // Twice: a body that was encrypted before may be committed during the first pass.
            *resealed = Resealed { by: newest, passes_left: 2 };
        }
        if resealed.passes_left == 0 {
            return Ok(());
        }
        let mut progress = Resealing::default();
        while self.store.reseal_step(&mut progress).await? {
            if stopping.run_until_cancelled(tokio::time::sleep(MIN_PAUSE)).await.is_none() {
                return Ok(());
            }
        }
        resealed.passes_left -= 1;
        if progress.done > 0 {
            tracing::info!(rows = progress.done, "{} rows were encrypted again with the newest key", progress.done);
        }
        if progress.damaged > 0 {
            tracing::error!(rows = progress.damaged, "{} rows cannot be decrypted: they are damaged", progress.damaged);
        }
        if resealed.passes_left == 0 && self.store.end_periods(self.keep_backups, now).await? > 0 {
            tracing::info!("the secrets of old periods were deleted: backups of that time do not open any more");
        }
        Ok(())
    }

    async fn apply_retention(&self, stopping: &CancellationToken) -> Result<(), StoreError> {
        let round = Instant::now();
        // Limited to one period, so that the report of quiet sources is on time.
        while round.elapsed() < PERIOD {
            let begun = Instant::now();
            let mut tx = self.store.begin().await?;
            let report = tx.apply_retention(self.keep_payloads, self.clock.now()).await?;
            tx.commit().await?;
            let pause = (begun.elapsed() * PAUSE_FACTOR).max(MIN_PAUSE);
            if !report.has_more() || stopping.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                break;
            }
        }
        // The log contains deleted data until it is truncated.
        if self.store.wal_status().bytes > 0 && !self.store.truncate_wal().await? {
            tracing::debug!("WAL truncation skipped: a reader is active");
        }
        Ok(())
    }

    /// Logs and journals once when a source becomes quiet, and once when it sends again.
    async fn report_quiet_sources(&self, started_at: Timestamp) -> Result<(), StoreError> {
        let now = self.clock.now();
        let statuses = self.store.sources().await?;
        for (source, quiet_after) in &self.quiet_after {
            let Some(quiet_after) = quiet_after else { continue };
            let status = statuses.iter().find(|status| status.name == *source);
            let last = status.and_then(|status| status.last_delivery_at);
            let silence = now.duration_since(last.unwrap_or(started_at));
            let was_quiet = status.is_some_and(|status| status.quiet_since.is_some());
            // A source that never sent anything stays quiet, although the time since the start is shorter.
            let is_quiet = silence >= *quiet_after || (was_quiet && last.is_none());
            if is_quiet == was_quiet {
                continue;
            }
            let mut tx = self.store.begin().await?;
            tx.set_source_quiet(source, is_quiet, now).await?;
            tx.commit().await?;
            if is_quiet {
                let silent_s = silence.as_secs();
                tracing::error!(%source, silent_s, "source {source}: no delivery for {silence:#}, check the webhook at the vendor");
            } else {
                tracing::info!(%source, "source {source}: receiving deliveries again");
            }
        }
        Ok(())
    }
}
