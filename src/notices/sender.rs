//! Sends the messages of one channel, one after the other, until the channel accepts them.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::channel::Channel;
use super::message::Composer;
use super::metrics::{Metrics, Outcome};
use super::post::SendError;
use crate::clock::{self, Clock};
use crate::domain::retry::{RetryDecision, RetryPolicy};
use crate::store::{PendingMessage, StoreError};

/// The period of the fallback in case a notification is missed.
const PERIOD: Duration = Duration::from_secs(1);

/// Sends the messages of one channel.
#[derive(Debug, Clone)]
pub struct Sender {
    /// Its key in the database: `webhooks.0`, `chat.0`, `mail`.
    pub key: String,
    /// Replaced as a whole when secrets are reloaded.
    pub channel: Arc<ArcSwap<Channel>>,
    pub composer: Composer,
    pub http: reqwest::Client,
    pub clock: Arc<dyn Clock>,
    pub retry: RetryPolicy,
    pub metrics: Metrics,
    /// Notified when there may be messages.
    pub awakened: Arc<Notify>,
}

impl Sender {
    /// Sends until `stopping`. A message that is being sent then is sent again after the next start, with the same id.
    pub async fn run(self, stopping: CancellationToken) {
        loop {
            let awakened = self.awakened.notified();
            let wait = tokio::select! {
                () = stopping.cancelled() => return,
                sent = self.send_all_due() => sent.unwrap_or_else(|error| {
                    let error = anyhow::Error::new(error);
                    tracing::error!(error = format!("{error:#}"), "notices: {}: database error, retry in 1 s", self.key);
                    PERIOD
                }),
            };
            tokio::select! {
                () = stopping.cancelled() => return,
                () = awakened => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Sends all due messages. Returns the wait until the next one.
    async fn send_all_due(&self) -> Result<Duration, StoreError> {
        while let Some(message) = self.composer.store.next_message(&self.key).await? {
            let until = message.due_at.duration_since(self.clock.now());
            if until.is_positive() {
                return Ok(until.unsigned_abs().min(PERIOD));
            }
            self.attempt(&message).await?;
        }
        Ok(PERIOD)
    }

    async fn attempt(&self, pending: &PendingMessage) -> Result<(), StoreError> {
        let message = self.composer.compose(pending, self.clock.now()).await?;
        let channel = self.channel.load_full();
        match channel.send(&self.http, &message, self.clock.now()).await {
            Ok(()) => {
                self.settle(pending).await?;
                self.metrics.count(channel.kind(), Outcome::Sent, 1);
                let (kind, count) = (&message.kind, message.count);
                tracing::info!(kind, count, "notice {}: sent to {} ({kind})", message.id, self.key);
                Ok(())
            }
            Err(error) => self.fail(pending, channel.kind(), error).await,
        }
    }

    async fn fail(&self, pending: &PendingMessage, kind: &'static str, error: SendError) -> Result<(), StoreError> {
        let (now, id, key) = (self.clock.now(), &pending.notice_id, &self.key);
        let SendError { detail: error, retry_at } = error;
        let attempts = pending.attempts.saturating_add(1);
        self.metrics.count(kind, Outcome::Failed, 1);
        match self.retry.next(attempts, pending.failing_since.unwrap_or(now), retry_at, now, clock::chance()) {
            RetryDecision::RetryAt(due_at) => {
                tracing::warn!(error, %due_at, "notice {id}: not sent to {key}, retry at {due_at}");
                self.defer(pending, due_at, now).await
            }
            RetryDecision::GiveUp => {
                tracing::error!(error, "notice {id}: not sent to {key}, given up");
                self.metrics.count(kind, Outcome::GivenUp, 1);
                self.settle(pending).await
            }
        }
    }

    async fn defer(&self, pending: &PendingMessage, due_at: Timestamp, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.composer.store.begin().await?;
        tx.defer_message(pending, &self.key, due_at, now).await?;
        tx.commit().await
    }

    async fn settle(&self, pending: &PendingMessage) -> Result<(), StoreError> {
        let mut tx = self.composer.store.begin().await?;
        tx.settle_message(pending, &self.key).await?;
        tx.commit().await
    }
}
