//! Calls that the site rejected: the job is requeued, and the site or one kind of its calls is paused.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tracing::instrument;

use super::leases::{Failing, LeasedJob};
use super::{CaseRecord, ClaimedJob, StoreError, Tx};

/// A call that was rejected while the credentials worked.
#[derive(Debug, Clone, Copy)]
pub struct RejectedCall<'a> {
    /// The rejected call, and how to fix the cause.
    pub reason: &'a str,
    /// When the job is retried.
    pub due_at: Timestamp,
    /// Whether other jobs of its kind would be rejected too.
    pub pauses: bool,
}

impl Tx {
    /// Pauses the site that rejected the credentials, and requeues the job without counting the attempt. Returns false
    /// if it was paused before.
    #[instrument(name = "store.job.pause_rejecting_site", skip_all, fields(job.id = %claimed.lease.job_id), err)]
    pub async fn pause_rejecting_site(
        &mut self,
        claimed: &ClaimedJob,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let LeasedJob { mut record, job, dispatched, .. } = self.leased_job(claimed.lease, now).await?;
        // Not later than it was due: a clock that is ahead pauses sites, too.
        let due_at = job.due_at.min(now);
        self.requeue(claimed.lease, due_at, Failing::Rests(SignedDuration::ZERO), Some(reason)).await?;
        if dispatched {
            self.record_unconfirmed_call(&mut record, job.kind, "call_unconfirmed", Some(reason), now).await?;
        }
        self.pause_site(&record.case.site, reason, now).await
    }

    /// Requeues a job whose call was rejected while the credentials worked, without counting the attempt. With
    /// `pauses`, its kind is paused at the site; returns false if it was paused before.
    #[instrument(name = "store.job.requeue_rejected_call", skip_all, fields(job.id = %claimed.lease.job_id), err)]
    pub async fn requeue_rejected_call(
        &mut self,
        claimed: &ClaimedJob,
        observed: &CaseRecord,
        refused: &RejectedCall<'_>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let LeasedJob { record, job, dispatched, .. } = self.leased_job(claimed.lease, now).await?;
        let record = record.with_observed(observed);
        self.count_refusal(claimed.lease).await?;
        let rests = Failing::Rests(refused.due_at.duration_since(now));
        self.requeue(claimed.lease, refused.due_at, rests, Some(refused.reason)).await?;
        if dispatched {
            let detail = json!({ "job": job.kind, "why": refused.reason, "state": record.case.state.name() });
            self.write_journal(Some(record.case.id), "call_rejected", &detail, now).await?;
        }
        self.save_observed(&record).await?;
        if refused.pauses { self.pause_kind(&record.case.site, job.kind, refused.reason, now).await } else { Ok(false) }
    }
}
