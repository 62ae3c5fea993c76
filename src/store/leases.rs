//! Leased jobs: the writes of a worker about the job that it has leased.
//!
//! Every one of them names the token of the lease and fails without it. A worker whose lease has expired, or whose job
//! was cancelled, cannot overwrite newer data.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::jobs::{due_code, read_job, require_authentic};
use super::row::{RowReader, millis, millis_if_any};
use super::sql::query;
use super::{CaseRecord, JobRow, StoreError, Tx};
use crate::domain::ids::JobId;

/// The right to work on a job for a limited time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    pub job_id: JobId,
    /// Required to settle the job.
    pub token: Uuid,
    pub until: Timestamp,
}

/// A leased job and its case.
#[derive(Debug)]
pub(super) struct LeasedJob {
    pub(super) record: CaseRecord,
    pub(super) job: JobRow,
    /// A call of this attempt was dispatched, and its outcome is not recorded.
    pub(super) dispatched: bool,
    /// The delivery that must be routed before the call, and the number of such fences so far.
    pub(super) fence: Option<i64>,
    pub(super) fences: u32,
}

/// The effect of a requeued attempt on the failures in a row before it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Failing {
    /// Adds one failure.
    Counts(Timestamp),
    /// Ends the failures in a row.
    Ends,
    /// Keeps the failures. The wait of this length does not count towards giving up.
    Rests(SignedDuration),
}

impl Tx {
    /// Loads a leased job and its case. [`StoreError::LeaseLost`] if the lease is lost or over.
    pub(super) async fn leased_job(&mut self, lease: Lease, now: Timestamp) -> Result<LeasedJob, StoreError> {
        if now >= lease.until {
            return Err(StoreError::LeaseLost);
        }
        let row = query("SELECT * FROM jobs WHERE id = $1 AND lease_token = $2 AND state = 'running'")
            .bind(lease.job_id.to_string())
            .bind(lease.token.to_string())
            .fetch_optional(&mut **self)
            .await?
            .ok_or(StoreError::LeaseLost)?;
        let (job, reader) = (read_job(&row)?, RowReader { what: "job", row: &row });
        require_authentic(&job, &row, &self.key)?;
        let record = self.case(job.case_id).await?;
        let record =
            record.ok_or_else(|| StoreError::inconsistent("case", job.case_id, "it is not there, but has a job"))?;
        Ok(LeasedJob {
            record,
            job,
            dispatched: reader.at_if_any("dispatched_at")?.is_some(),
            fence: row.try_get("fence")?,
            fences: reader.count("fences")?,
        })
    }

    /// Stores that the call of a job is in progress: it is too late to stop it.
    pub(super) async fn mark_dispatched(&mut self, lease: Lease, now: Timestamp) -> Result<(), StoreError> {
        query(
            "UPDATE jobs
             SET dispatched_at = $1, fence = NULL, fences = 0
             WHERE id = $2 AND lease_token = $3",
        )
        .bind(millis(now))
        .bind(lease.job_id.to_string())
        .bind(lease.token.to_string())
        .exec_leased(self)
        .await
    }

    /// Stores that the call of a job was answered.
    pub(super) async fn mark_answered(&mut self, lease: Lease) -> Result<(), StoreError> {
        query("UPDATE jobs SET dispatched_at = NULL WHERE id = $1 AND lease_token = $2")
            .bind(lease.job_id.to_string())
            .bind(lease.token.to_string())
            .exec_leased(self)
            .await
    }

    pub(super) async fn count_refusal(&mut self, lease: Lease) -> Result<(), StoreError> {
        query("UPDATE jobs SET refusals = refusals + 1 WHERE id = $1 AND lease_token = $2")
            .bind(lease.job_id.to_string())
            .bind(lease.token.to_string())
            .exec_leased(self)
            .await
    }

    /// Ends a job and its lease: as done or, with a reason, as one that did not do its work and needs a human.
    pub(super) async fn finish(
        &mut self,
        lease: Lease,
        failed: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        query(
            "UPDATE jobs
             SET state = $1,
                 finished_at = $2,
                 attempts = attempts + 1,
                 lease_token = NULL,
                 lease_until = NULL,
                 last_error = $3
             WHERE id = $4 AND lease_token = $5",
        )
        .bind(if failed.is_some() { "cancelled" } else { "done" })
        .bind(millis(now))
        .bind(failed)
        .bind(lease.job_id.to_string())
        .bind(lease.token.to_string())
        .exec_leased(self)
        .await
    }

    /// Cancels a job whose call is not made, and ends its lease.
    pub(super) async fn abandon(&mut self, lease: Lease, now: Timestamp) -> Result<(), StoreError> {
        query(
            "UPDATE jobs
             SET state = 'cancelled', finished_at = $1, lease_token = NULL, lease_until = NULL
             WHERE id = $2 AND lease_token = $3",
        )
        .bind(millis(now))
        .bind(lease.job_id.to_string())
        .bind(lease.token.to_string())
        .exec_leased(self)
        .await
    }

    /// Requeues a job and ends its lease.
    pub(super) async fn requeue(
        &mut self,
        lease: Lease,
        due_at: Timestamp,
        failing: Failing,
        error: Option<&str>,
    ) -> Result<(), StoreError> {
        let (counts, since, rests) = match failing {
            Failing::Counts(now) => (true, Some(now), Some(0)),
            Failing::Ends => (false, None, None),
            Failing::Rests(wait) => (false, None, i64::try_from(wait.as_millis()).ok()),
        };
        query(
            "UPDATE jobs
             SET state = 'queued',
                 due_at = $1,
                 last_error = $2,
                 lease_token = NULL,
                 lease_until = NULL,
                 dispatched_at = NULL,
                 fence = NULL,
                 fences = 0,
                 attempts = attempts + $3,
                 failures = CASE WHEN $4 IS NULL THEN 0 ELSE failures + $3 END,
                 failing_since = COALESCE(failing_since, $5) + $4,
                 code = $8
             WHERE id = $6 AND lease_token = $7",
        )
        .bind(millis(due_at))
        .bind(error)
        .bind(i64::from(counts))
        .bind(rests)
        .bind(millis_if_any(since))
        .bind(lease.job_id.to_string())
        .bind(lease.token.to_string())
        .bind(due_code(&self.key, lease.job_id, due_at))
        .exec_leased(self)
        .await
    }
}
