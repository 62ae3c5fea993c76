//! Handles rejections: by a pause of the site, a pause of one kind of jobs, or a human.
//!
//! A site is paused once and reported once, however many jobs meet the same problem. A rejected call pauses only the
//! kind of job that made it. If the call works for other accounts, nothing is paused. A second rejection of the same
//! job needs a human: each rejection was confirmed by another call that worked.

use serde_json::Value;

use super::attempt::Attempt;
use crate::domain::case::{Attention, AttentionReason, Transition};
use crate::store::{RejectedCall, Settlement, StoreError};

impl Attempt<'_> {
    /// Pauses the site and requeues the job.
    pub(super) async fn site_refused(&self, detail: &str) -> Result<(), StoreError> {
        self.context.metrics.count(self.claimed.kind, "site_refused");
        let site = &self.claimed.record.case.site;
        let mut tx = self.context.store.begin().await?;
        let paused = tx.pause_rejecting_site(self.claimed, detail, self.now()).await?;
        tx.commit().await?;
        if paused {
            tracing::error!(%site, reason = detail, "site {site}: paused until a probe succeeds");
        }
        Ok(())
    }

    /// Requeues the job and pauses its kind, unless the call works for other accounts, or hands the case to a human.
    pub(super) async fn call_refused(
        &self,
        detail: &str,
        forbidden: bool,
        works_otherwise: bool,
    ) -> Result<(), StoreError> {
        if self.claimed.refusals > 0 && (forbidden || works_otherwise) {
            let attention = Attention { reason: AttentionReason::Refused, detail: detail.to_owned() };
            let settlement = Settlement::Finished(Transition::AttentionNeeded(attention));
            return self.write("refused", settlement, Some(detail), Value::Null).await;
        }
        let (now, kind) = (self.now(), self.claimed.kind);
        let wait = self.client.site().probe_every;
        let due_at = if works_otherwise { now.saturating_add(wait).unwrap_or(jiff::Timestamp::MAX) } else { now };
        self.context.metrics.count(kind, "call_refused");
        let site = &self.claimed.record.case.site;
        let mut tx = self.context.store.begin().await?;
        let refused = RejectedCall { reason: detail, due_at, pauses: !works_otherwise };
        let paused = tx.requeue_rejected_call(self.claimed, &self.record, &refused, now).await?;
        tx.commit().await?;
        if paused {
            tracing::error!(%site, job.kind = %kind, reason = detail, "site {site}: {kind} jobs paused until a probe succeeds");
        } else {
            tracing::warn!(%site, job.kind = %kind, reason = detail, "site {site}: a {kind} call was rejected");
        }
        Ok(())
    }
}
