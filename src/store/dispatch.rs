//! The gate's decision: whether a call that changes something is allowed, right before the call.
//!
//! Its transaction decides the race between a stop and a call: [`Tx::dispatch`] or the stop.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tracing::instrument;

use super::leases::{Failing, Lease, LeasedJob};
use super::sql::query;
use super::{CaseRecord, Note, StoreError, TransitionError, Tx};
use crate::domain::case::{Change, Hold, InvalidTransition, Transition};

/// Whether the call is allowed.
#[derive(Debug)]
pub enum Dispatch {
    /// The call is allowed: the intent is recorded.
    Allowed(Box<CaseRecord>),
    /// The case is held now, and the job is cancelled.
    Held(Hold),
    /// The call is not due yet. The case was returned to the state in which it waits.
    NotDue,
    /// The site or the source is paused. The job is requeued.
    Paused,
    /// Deliveries of the site's sources up to this one must be routed first.
    Unrouted(i64),
    /// An event about the person must be applied first. The job is requeued.
    EventWaits,
    /// An earlier call may still take effect, and the next one is not due. The job is requeued.
    Open,
}

/// A call that an attempt requests.
#[derive(Debug, Clone)]
pub struct Intent {
    pub change: Change,
    /// Details for the journal, without personal data.
    pub detail: Value,
    /// How long after the dispatch the call may take effect.
    pub window: SignedDuration,
}

impl Tx {
    /// Decides right before the call whether it is allowed. If so, records the intent. `observed` holds the
    /// observations of this attempt's reads. [`StoreError::LeaseLost`] if the job was stopped or its lease is over.
    #[instrument(name = "store.job.dispatch", skip_all, fields(job.id = %lease.job_id), err(level = "debug"))]
    pub async fn dispatch(
        &mut self,
        lease: Lease,
        intent: &Intent,
        observed: &CaseRecord,
        enforce: bool,
        now: Timestamp,
    ) -> Result<Dispatch, StoreError> {
        let mut leased = self.leased_job(lease, now).await?;
        leased.record = leased.record.with_observed(observed);
        let given = leased.record.case.approvals.clone();
        leased.record.lapse_approvals_of_other_accounts(&self.key);
        let lapsed = leased.record.case.approvals_lost_since(&given);
        let LeasedJob { record, job, .. } = &leased;
        if !self.fences().await?.is_empty() || self.is_paused(&record.case, job.kind).await? {
            return self.requeue_undispatched(lease, record, now, now, Dispatch::Paused).await;
        }
        if self.has_waiting_event(record.case.id, None).await? {
            return self.requeue_undispatched(lease, record, now, now, Dispatch::EventWaits).await;
        }
        if let Some(fence) = self.fence_before(lease, &leased).await? {
            return Ok(Dispatch::Unrouted(fence));
        }
        if let Some(hold) = self.hold_before_call(record, intent.change, enforce).await? {
            let mut note = Note::detail(json!({ "stage": job.kind }));
            note.add_lapsed(&lapsed);
            self.abandon(lease, now).await?;
            self.transition_or_inconsistent(leased.record, &Transition::Withheld(hold), note, now).await?;
            return Ok(Dispatch::Held(hold));
        }
        let (mut note, dispatched) = (Note::detail(intent.detail.clone()), intent.change.dispatched());
        note.add_lapsed(&lapsed);
        match self.transition_with_job(record.clone(), &dispatched, note, Some(job), now).await {
            Ok(transitioned) => {
                self.mark_dispatched(lease, now).await?;
                Ok(Dispatch::Allowed(Box::new(transitioned.record)))
            }
            Err(TransitionError::Store(error)) => Err(error),
            Err(TransitionError::TooLate) => {
                Err(StoreError::inconsistent("case", record.case.id, TransitionError::TooLate))
            }
            Err(TransitionError::Invalid(refused)) => self.end_undue(lease, intent, leased.record, refused, now).await,
        }
    }

    /// The reason to hold the case instead of the call, if there is any.
    async fn hold_before_call(
        &mut self,
        record: &CaseRecord,
        change: Change,
        enforce: bool,
    ) -> Result<Option<Hold>, StoreError> {
        Ok(if record.case.on_hold {
            Some(Hold::Hold)
        } else if !enforce {
            Some(Hold::Observe)
        } else if self.is_held_by_brake(record.case.id).await? {
            Some(Hold::Brake)
        } else if change.stage().is_some_and(|stage| record.case.approvals_missing(stage) > 0) {
            Some(Hold::Approval)
        } else {
            None
        })
    }

    /// The delivery that must be routed before the job's call; `None` if the job need not wait.
    async fn fence_before(&mut self, lease: Lease, leased: &LeasedJob) -> Result<Option<i64>, StoreError> {
        let fence = self.next_fence(&leased.record.case.site, leased.fence, leased.fences).await?;
        if fence.is_some() && fence != leased.fence {
            query("UPDATE jobs SET fence = $1, fences = fences + 1 WHERE id = $2 AND lease_token = $3")
                .bind(fence)
                .bind(lease.job_id.to_string())
                .bind(lease.token.to_string())
                .exec_leased(self)
                .await?;
        }
        Ok(fence)
    }

    /// Ends an attempt whose call is not due.
    async fn end_undue(
        &mut self,
        lease: Lease,
        intent: &Intent,
        record: CaseRecord,
        refused: InvalidTransition,
        now: Timestamp,
    ) -> Result<Dispatch, StoreError> {
        let (case_id, progress) = (record.case.id, &record.case.progress);
        let open_until = match intent.change {
            Change::Revoke => progress.revoke_open_until(intent.window),
            Change::Delete => progress.deletion_open_until(intent.window),
            Change::Detach | Change::Reinvite => return Err(StoreError::inconsistent("case", case_id, refused)),
        };
        // A call whose answer was lost may still take effect: only a later read proves that it was not carried out.
        if let Some(until) = open_until.filter(|until| now < *until) {
            return self.requeue_undispatched(lease, &record, until, now, Dispatch::Open).await;
        }
        // The account was just read and the change is not made: the case can wait for its time again.
        tracing::info!(case.id = %case_id, "case {case_id}: the unconfirmed call was not carried out, and is not due");
        self.abandon(lease, now).await?;
        self.transition_or_inconsistent(record, &Transition::NotDone, Note::default(), now).await?;
        Ok(Dispatch::NotDue)
    }

    /// Requeues a job without its call. The wait does not count towards giving up.
    async fn requeue_undispatched(
        &mut self,
        lease: Lease,
        record: &CaseRecord,
        due_at: Timestamp,
        now: Timestamp,
        why: Dispatch,
    ) -> Result<Dispatch, StoreError> {
        self.requeue(lease, due_at, Failing::Rests(due_at.duration_since(now)), None).await?;
        self.save_observed(record).await?;
        Ok(why)
    }
}
