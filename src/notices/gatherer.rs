//! Reads the journal once, and gathers what a human should know into notices.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::entry::notice_of;
use super::metrics::{Metrics, Outcome};
use crate::clock::Clock;
use crate::domain::notice::{Notice, NoticeKind};
use crate::store::{Store, StoreError};

/// How often the journal is read. No writer notifies this part, so that none waits for it.
const PERIOD: Duration = Duration::from_millis(500);

/// Gathers transitions into notices.
#[derive(Debug, Clone)]
pub struct Gatherer {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    /// The keys of the configured channels, with their labels in the metrics.
    pub channels: Vec<(String, &'static str)>,
    /// The kinds that are reported.
    pub on: HashSet<NoticeKind>,
    /// How long a group is silent before its notice is sent.
    pub gather: SignedDuration,
    pub metrics: Metrics,
    /// Notified after a change of the clock or of the journal.
    pub awakened: Arc<Notify>,
    /// Notifies the senders of new messages.
    pub senders: Arc<Notify>,
}

impl Gatherer {
    /// Gathers until `stopping`.
    pub async fn run(self, stopping: CancellationToken) {
        loop {
            let awakened = self.awakened.notified();
            if let Err(error) = self.round().await {
                let error = anyhow::Error::new(error);
                tracing::error!(error = format!("{error:#}"), "notices: gathering failed, retry in the next round");
            }
            tokio::select! {
                () = stopping.cancelled() => return,
                // A changed clock may make messages due.
                () = awakened => self.senders.notify_waiters(),
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }

    async fn round(&self) -> Result<(), StoreError> {
        while self.read_journal().await? {}
        self.close().await
    }

    /// Reads a part of the journal. Returns whether there may be more.
    async fn read_journal(&self) -> Result<bool, StoreError> {
        let entries = self.store.notice_entries().await?;
        let Some(newest) = entries.last().map(|entry| entry.seq) else { return Ok(false) };
        let notices: Vec<Notice> = entries.iter().filter_map(notice_of).filter(|notice| self.is_on(notice)).collect();
        let mut tx = self.store.begin().await?;
        tx.gather_notices(&notices, Some(newest), self.gather, self.clock.now()).await?;
        tx.commit().await?;
        Ok(true)
    }

    fn is_on(&self, notice: &Notice) -> bool {
        self.on.contains(&notice.group.kind)
    }

    async fn close(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        if self.store.next_notice_closes_at().await?.is_none_or(|closes_at| closes_at > now) {
            return Ok(());
        }
        let keys: Vec<String> = self.channels.iter().map(|(key, _)| key.clone()).collect();
        let mut tx = self.store.begin().await?;
        let dropped = tx.close_notices(&keys, now).await?;
        tx.commit().await?;
        for (key, kind) in &self.channels {
            if let Some(count) = dropped.get(key) {
                self.metrics.count(kind, Outcome::Dropped, *count);
                tracing::error!(channel = key, count, "notices: {key} accepts nothing, {count} messages dropped");
            }
        }
        self.senders.notify_waiters();
        Ok(())
    }
}
