//! What has to be done now and then: forgetting what is over, and telling when a source went quiet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::domain::ids::SourceName;
use crate::store::{Store, StoreError};

/// How often.
const PERIOD: Duration = Duration::from_secs(30);

/// How often the write-ahead log is looked at while nothing is written.
const IDLE: Duration = Duration::from_millis(100);

/// And while something is: at full speed it grows by half a megabyte meanwhile.
const BUSY: Duration = Duration::from_millis(5);

/// How long others have the disk to themselves after each small step of forgetting, at least. A step keeps nobody waiting for
/// long, but many on end fill the log faster than it is worked off without being felt.
const MIN_PAUSE: Duration = Duration::from_millis(25);

/// And how many times as long as the step took, where the disk is slow.
const PAUSE_FACTOR: u32 = 8;

/// The one who tidies up.
#[derive(Debug)]
pub struct Upkeep {
    /// The database.
    pub store: Store,
    /// For "now".
    pub clock: Arc<dyn Clock>,
    /// How long a routed delivery's body is kept.
    pub keep_payloads: SignedDuration,
    /// After how long of silence a source is quiet, for those of which something is expected.
    pub quiet_after: BTreeMap<SourceName, Option<SignedDuration>>,
}

/// Keeps the write-ahead log short, until `stopping`.
pub async fn checkpoint_wal(store: Store, stopping: CancellationToken) {
    let mut keeper = store.log_keeper();
    let mut wait = IDLE;
    while stopping.run_until_cancelled(tokio::time::sleep(wait)).await.is_some() {
        wait = match keeper.turn().await {
            Ok(true) => BUSY,
            Ok(false) => IDLE,
            Err(error) => {
                let error = anyhow::Error::new(error);
                tracing::warn!(error = format!("{error:#}"), "the write-ahead log stays long for now");
                IDLE
            }
        };
    }
    if let Err(error) = keeper.close().await {
        let error = anyhow::Error::new(error);
        tracing::warn!(error = format!("{error:#}"), "the database did not close as it should");
    }
}

impl Upkeep {
    /// Tidies up until `stopping`.
    pub async fn run(self, stopping: CancellationToken) {
        let started_at = self.clock.now();
        let mut quiet = BTreeSet::new();
        loop {
            let round = async {
                self.apply_retention(&stopping).await?;
                self.report_quiet_sources(started_at, &mut quiet).await
            };
            if let Err(error) = round.await {
                let error = anyhow::Error::new(error);
                tracing::error!(error = format!("{error:#}"), "upkeep failed; it goes on with the next round");
            }
            tokio::select! {
                () = stopping.cancelled() => return,
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }

    async fn apply_retention(&self, stopping: &CancellationToken) -> Result<(), StoreError> {
        let round = Instant::now();
        // For no longer than that, so that the rest of the round comes in its time.
        while round.elapsed() < PERIOD {
            let begun = Instant::now();
            let mut tx = self.store.begin().await?;
            let report = tx.upkeep(self.keep_payloads, self.clock.now()).await?;
            tx.commit().await?;
            let pause = (begun.elapsed() * PAUSE_FACTOR).max(MIN_PAUSE);
            if !report.did_something() || stopping.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                break;
            }
        }
        // What was forgotten, here or by a case that closed, is in the log until then.
        if self.store.look_at_log().bytes > 0 && !self.store.empty_log().await? {
            tracing::debug!("somebody is reading the write-ahead log: it is emptied with the next round");
        }
        Ok(())
    }

    /// A source that should speak and does not is worth more than any retry: said once, and again when it is over.
    async fn report_quiet_sources(
        &self,
        started_at: Timestamp,
        quiet: &mut BTreeSet<SourceName>,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let heard = self.store.sources().await?;
        for (source, quiet_after) in &self.quiet_after {
            let Some(quiet_after) = quiet_after else { continue };
            let last =
                heard.iter().find(|standing| standing.name == *source).and_then(|standing| standing.last_delivery_at);
            let silence = now.duration_since(last.unwrap_or(started_at));
            if silence >= *quiet_after {
                if quiet.insert(source.clone()) {
                    tracing::error!(%source, ?silence, "a source went quiet: see whether its webhook still exists");
                }
            } else if quiet.remove(source) {
                tracing::info!(%source, "a source that was quiet speaks again");
            }
        }
        Ok(())
    }
}
