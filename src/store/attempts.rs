//! Attempts of jobs: settled after their calls, with the transition of the case.

use jiff::Timestamp;
use serde_json::{Value, json};
use tracing::instrument;

use super::leases::{Failing, Lease, LeasedJob};
use super::row::millis;
use super::sql::query;
use super::{CaseRecord, Note, StoreError, TransitionError, Tx};
use crate::domain::case::{JobKind, StateName, Transition};

/// The result of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// The job is finished with this transition.
    Finished(Transition),
    /// The attempt failed and counts. The job is retried at this time.
    RetryAt(Timestamp),
    /// The job is not due and is checked again at this time. It counts no attempt and ends the failures in a row.
    SnoozeUntil(Timestamp),
    /// The attempt was not possible and does not count. The job is retried at this time. The wait does not count
    /// towards giving up.
    WaitUntil(Timestamp),
}

/// The result of an attempt, with its observations of the account.
#[derive(Debug, Clone)]
pub struct AttemptReport {
    pub started_at: Timestamp,
    /// The observations of the attempt's reads.
    pub observed: CaseRecord,
    pub settlement: Settlement,
    /// The reason why the job is not finished.
    pub error: Option<String>,
    /// Details for the journal, without personal data.
    pub detail: Value,
}

impl Tx {
    /// Settles an attempt: stores its result, its observations, and the transition of the case.
    /// [`StoreError::LeaseLost`] if the lease was lost meanwhile.
    #[instrument(name = "store.job.settle", skip_all, fields(job.id = %lease.job_id), err(level = "debug"))]
    pub async fn settle(
        &mut self,
        lease: Lease,
        report: &AttemptReport,
        now: Timestamp,
    ) -> Result<StateName, StoreError> {
        let LeasedJob { record, job, dispatched, .. } = self.leased_job(lease, now).await?;
        let mut record = record.with_observed(&report.observed);
        let error = report.error.as_deref();
        if matches!(report.settlement, Settlement::Finished(_) | Settlement::RetryAt(_)) {
            self.record_attempt(lease, report, now).await?;
        }
        let (due_at, failing) = match &report.settlement {
            Settlement::Finished(transition) => {
                let failed = if let Transition::AttentionNeeded(attention) = transition {
                    Some(format!("needs attention: {}", attention.reason))
                } else {
                    None
                };
                self.finish(lease, failed.as_deref(), now).await?;
                if dispatched && failed.is_some() {
                    record.case.progress.ended_without_outcome(job.kind, now);
                }
                let note = Note::detail(report.detail.clone());
                return self.transition_or_inconsistent(record, transition, note, now).await;
            }
            Settlement::RetryAt(due_at) => (*due_at, Failing::Counts(now)),
            Settlement::SnoozeUntil(due_at) => (*due_at, Failing::Ends),
            Settlement::WaitUntil(due_at) => (*due_at, Failing::Rests(due_at.duration_since(now))),
        };
        self.requeue(lease, due_at, failing, error).await?;
        if dispatched {
            self.record_unconfirmed_call(&mut record, job.kind, "call_unconfirmed", error, now).await?;
        } else {
            self.save_observed(&record).await?;
        }
        Ok(record.case.state.name())
    }

    /// Records that a call of this attempt was answered. The attempt continues, and requests its next call separately;
    /// meanwhile the case can be stopped. [`StoreError::LeaseLost`] if the lease was lost meanwhile.
    #[instrument(name = "store.job.call_done", skip_all, fields(job.id = %lease.job_id), err(level = "debug"))]
    pub async fn call_done(&mut self, lease: Lease, detail: &Value, now: Timestamp) -> Result<(), StoreError> {
        let LeasedJob { record, job, .. } = self.leased_job(lease, now).await?;
        let case_id = record.case.id;
        let note = Note::detail(detail.clone());
        // First: the case may no longer want this job, which ends the lease.
        self.mark_answered(lease).await?;
        match self.transition_with_job(record, &Transition::DetachCallDone, note, Some(&job), now).await {
            Ok(_) => Ok(()),
            Err(TransitionError::Store(error)) => Err(error),
            Err(refused @ (TransitionError::Invalid(_) | TransitionError::TooLate)) => {
                Err(StoreError::inconsistent("case", case_id, refused))
            }
        }
    }

    /// Records that a call was dispatched and that its outcome is unknown. It may still take effect for a while. Writes the
    /// case, with the observations in the record.
    pub(in crate::store) async fn record_unconfirmed_call(
        &mut self,
        record: &mut CaseRecord,
        job: JobKind,
        kind: &str,
        why: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        record.case.progress.ended_without_outcome(job, now);
        record.version = record.version.saturating_add(1);
        let detail = json!({ "job": job, "why": why, "state": record.case.state.name(), "version": record.version });
        self.write_journal(Some(record.case.id), kind, &detail, now).await?;
        self.save_observed(record).await
    }

    /// Applies a transition to a case whose job was just finished. A transition that the rules forbid is an
    /// inconsistency.
    pub(super) async fn transition_or_inconsistent(
        &mut self,
        record: CaseRecord,
        transition: &Transition,
        note: Note,
        now: Timestamp,
    ) -> Result<StateName, StoreError> {
        let case_id = record.case.id;
        match self.transition_with_job(record, transition, note, None, now).await {
            Ok(transitioned) => Ok(transitioned.record.case.state.name()),
            Err(TransitionError::Store(error)) => Err(error),
            Err(refused @ (TransitionError::Invalid(_) | TransitionError::TooLate)) => {
                Err(StoreError::inconsistent("case", case_id, refused))
            }
        }
    }

    async fn record_attempt(&mut self, lease: Lease, report: &AttemptReport, now: Timestamp) -> Result<(), StoreError> {
        let outcome = match &report.settlement {
            Settlement::Finished(transition) => transition.name(),
            Settlement::RetryAt(_) => "failed",
            Settlement::SnoozeUntil(_) | Settlement::WaitUntil(_) => "looked",
        };
        query(
            "INSERT INTO attempts (job_id, number, started_at, ended_at, outcome, detail)
             SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5
             FROM attempts
             WHERE job_id = $1",
        )
        .bind(lease.job_id.to_string())
        .bind(millis(report.started_at))
        .bind(millis(now))
        .bind(outcome)
        .bind(report.error.as_deref())
        .execute(&mut **self)
        .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
