//! An attempt of a job: permitted right before its call, and settled after it.
//!
//! Every write of a worker names the token of its lease and fails without it. A worker whose lease has expired, or
//! whose job was cancelled, cannot overwrite newer data. The first transaction decides the race between a stop and a
//! call: [`Tx::dispatch`] or the stop.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use tracing::instrument;

use super::cases::read_case;
use super::gate::Backlog;
use super::journal::Head;
use super::row::{RowReader, millis, millis_if_any};
use super::{CaseRecord, ClaimedJob, JobRow, JobState, Lease, Note, StoreError, TransitionError, Tx};
use crate::domain::case::{Change, Hold, JobKind, StateName, Transition};
use crate::proof::seal::MasterKey;

/// Whether the call is allowed.
#[derive(Debug)]
pub enum Dispatch {
    /// The call is allowed: the intent is recorded.
    Allowed(Box<CaseRecord>),
    /// The case is held now, and the job is finished.
    Held(Hold),
    /// The call is not due yet. The case was returned to the state in which it waits.
    NotDue,
    /// The job was stopped, or the lease is over.
    LeaseLost,
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

/// The effect of a requeued attempt on the failures in a row before it.
#[derive(Debug, Clone, Copy)]
enum Failing {
    /// Adds one failure.
    Counts(Timestamp),
    /// Ends the failures in a row.
    Ends,
    /// Keeps the failures. The wait of this length does not count towards giving up.
    Rests(SignedDuration),
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

/// A leased job, its case, and the reasons against its call.
#[expect(clippy::struct_excessive_bools, reason = "each is a reason of its own not to make the call")]
#[derive(Debug)]
pub struct LeasedJob {
    lease: Lease,
    record: CaseRecord,
    job: JobRow,
    /// The site or the source is paused.
    paused: bool,
    /// A brake holds the case: that of its source, or another.
    braked: bool,
    /// An event about the person waits to be applied.
    event_waits: bool,
    /// A call of this attempt was dispatched, and its outcome is not recorded.
    dispatched: bool,
    /// The deliveries that are not routed yet.
    backlog: Backlog,
}

impl Tx {
    /// Loads the jobs of these leases, in their order; `None` for a lease that is lost. A row that cannot be read does
    /// not block the others.
    #[instrument(name = "store.job.leased", skip_all, fields(count = leases.len()), err)]
    pub async fn load_leased(
        &mut self,
        leases: &[Lease],
        now: Timestamp,
    ) -> Result<Vec<Result<Option<LeasedJob>, StoreError>>, StoreError> {
        let keys: Vec<_> =
            leases.iter().map(|lease| json!([lease.job_id.to_string(), lease.token.to_string()])).collect();
        let rows = self
            .statement(
                "SELECT l.key AS nth, c.*, k.sealed AS sealed_key, j.kind, j.due_at, j.attempts, h.seq AS head, h.link,
                     j.dispatched_at IS NOT NULL AS dispatched,
                     EXISTS (SELECT 1 FROM sites s WHERE s.name = c.site AND s.paused_at IS NOT NULL)
                         OR EXISTS (SELECT 1 FROM paused_kinds p WHERE p.site = c.site AND p.kind = j.kind)
                         OR EXISTS (SELECT 1 FROM sources s WHERE s.name = c.source AND s.paused_at IS NOT NULL) AS paused,
                     EXISTS (SELECT 1 FROM sources s WHERE s.name = c.source AND s.braked_at IS NOT NULL)
                         OR EXISTS (SELECT 1 FROM brake_holds b WHERE b.case_id = c.id) AS braked,
                     EXISTS (SELECT 1 FROM events e WHERE e.case_id = c.id AND e.status = 'waiting'
                         AND e.person_hash IS NULL) AS event_waits,
                     (SELECT MIN((SELECT MIN(d.seq) FROM deliveries d WHERE d.source = s.name AND d.status = 'received'))
                      FROM sources s WHERE s.site = c.site) AS first_unrouted,
                     (SELECT MAX(seq) FROM deliveries) AS newest_delivery, j.fence, j.fences
                 FROM json_each(?) l CROSS JOIN jobs j ON j.id = l.value ->> 0 AND j.lease_token = l.value ->> 1
                     JOIN cases c ON c.id = j.case_id LEFT JOIN case_keys k ON k.case_id = c.id
                     LEFT JOIN journal h ON h.seq = (SELECT MAX(seq) FROM journal)
                 WHERE j.state = 'running'",
            )
            .bind(json!(keys).to_string())
            .rows()
            .await?;
        let mut all: Vec<_> = leases.iter().map(|_| Ok(None)).collect();
        for row in &rows {
            let nth = usize::try_from(row.try_get::<i64, _>("nth")?).unwrap_or(usize::MAX);
            if let (Some(lease), Some(place)) = (leases.get(nth), all.get_mut(nth))
                && now < lease.until
            {
                // The following writes add journal entries: with the newest entry known, no further read is needed.
                if let Some(seq) = row.try_get("head")? {
                    self.head = Some(Head::read(seq, row.try_get("link")?)?);
                }
                *place = read_leased(row, *lease, &self.key).map(Some);
            }
        }
        Ok(all)
    }

    /// Decides right before the call whether it is allowed. If so, records the intent. `observed` holds the
    /// observations of this attempt's reads.
    #[instrument(name = "store.job.dispatch", skip_all, err)]
    pub async fn dispatch(
        &mut self,
        leased: Option<LeasedJob>,
        intent: &Intent,
        observed: &CaseRecord,
        enforce: bool,
        now: Timestamp,
    ) -> Result<Dispatch, StoreError> {
        let Some(leased) = leased else { return Ok(Dispatch::LeaseLost) };
        let lease = &leased.lease;
        let mut record = leased.record.with_observed(observed);
        record.lapse_approvals_of_other_accounts(&self.key);
        let case_id = record.case.id;
        let paused = leased.paused || self.fence().await?.is_some();
        if paused || leased.event_waits {
            self.requeue(lease, now, Failing::Rests(SignedDuration::ZERO), None);
            self.save_observed(&record)?;
            return Ok(if paused { Dispatch::Paused } else { Dispatch::EventWaits });
        }
        if let Some(fence) = self.closed_until(lease.job_id, &leased.backlog) {
            return Ok(Dispatch::Unrouted(fence));
        }
        let withheld = if record.case.on_hold {
            Some(Hold::Hold)
        } else if !enforce {
            Some(Hold::Observe)
        } else if leased.braked {
            Some(Hold::Brake)
        } else if intent.change.stage().is_some_and(|stage| record.case.approvals_missing(stage) > 0) {
            Some(Hold::Approval)
        } else {
            None
        };
        if let Some(hold) = withheld {
            self.finish(lease, now);
            let note = Note::detail(json!({ "stage": leased.job.kind }));
            self.transition_or_inconsistent(record, &Transition::Withheld(hold), note, now).await?;
            return Ok(Dispatch::Held(hold));
        }
        let note = Note::detail(intent.detail.clone());
        match self.transition_with_job(record.clone(), &intent.change.dispatched(), note, Some(&leased.job), now).await
        {
            Ok(transitioned) => {
                self.statement("UPDATE jobs SET dispatched_at = ?, fence = NULL, fences = 0 WHERE id = ?")
                    .bind(millis(now))
                    .bind(lease.job_id.to_string())
                    .later();
                Ok(Dispatch::Allowed(Box::new(transitioned.record)))
            }
            Err(TransitionError::Store(error)) => Err(error),
            Err(refused @ (TransitionError::Invalid(_) | TransitionError::TooLate)) => {
                let progress = &record.case.progress;
                let open_until = match intent.change {
                    Change::Revoke => progress.revoke_open_until(intent.window),
                    Change::Delete => progress.deletion_open_until(intent.window),
                    Change::Detach | Change::Reinvite => {
                        return Err(StoreError::inconsistent("case", case_id, refused));
                    }
                };
                // A call whose answer was lost may still take effect: only a later read proves that it was not carried
                // out.
                if let Some(until) = open_until.filter(|until| now < *until) {
                    self.requeue(lease, until, Failing::Rests(until.duration_since(now)), None);
                    self.save_observed(&record)?;
                    return Ok(Dispatch::Open);
                }
                // The account was just read and the change is not made: the case can wait for its time again.
                tracing::info!(case.id = %case_id, "a deed whose answer was lost is not done, and its time has not come");
                self.finish(lease, now);
                self.transition_or_inconsistent(record, &Transition::NotDone, Note::default(), now).await?;
                Ok(Dispatch::NotDue)
            }
        }
    }

    /// Settles an attempt: stores its result, its observations, and the transition of the case.
    /// [`StoreError::LeaseLost`] if the lease was lost meanwhile.
    #[instrument(name = "store.job.settle", skip_all, err)]
    pub async fn settle(
        &mut self,
        leased: Option<LeasedJob>,
        report: &AttemptReport,
        now: Timestamp,
    ) -> Result<StateName, StoreError> {
        let LeasedJob { lease, record, job, dispatched, .. } = leased.ok_or(StoreError::LeaseLost)?;
        let mut record = record.with_observed(&report.observed);
        let error = report.error.as_deref();
        if matches!(report.settlement, Settlement::Finished(_) | Settlement::RetryAt(_)) {
            self.record_attempt(&lease, report, now);
        }
        let (due_at, failing) = match &report.settlement {
            Settlement::Finished(transition) => {
                self.finish(&lease, now);
                if dispatched && matches!(transition, Transition::AttentionNeeded(_)) {
                    record.case.progress.ended_without_outcome(job.kind, now);
                }
                return self
                    .transition_or_inconsistent(record, transition, Note::detail(report.detail.clone()), now)
                    .await;
            }
            Settlement::RetryAt(due_at) => (*due_at, Failing::Counts(now)),
            Settlement::SnoozeUntil(due_at) => (*due_at, Failing::Ends),
            Settlement::WaitUntil(due_at) => (*due_at, Failing::Rests(due_at.duration_since(now))),
        };
        self.requeue(&lease, due_at, failing, error);
        if dispatched {
            self.record_unconfirmed_call(&mut record, job.kind, "call_unconfirmed", error, now).await?;
        }
        self.save_observed(&record)?;
        Ok(record.case.state.name())
    }

    /// Records that a call of this attempt was answered. The attempt continues, and requests its next call separately;
    /// meanwhile the case can be stopped. [`StoreError::LeaseLost`] if the lease was lost meanwhile.
    #[instrument(name = "store.job.call_done", skip_all, err)]
    pub async fn call_done(
        &mut self,
        leased: Option<LeasedJob>,
        detail: &Value,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let LeasedJob { lease, record, job, .. } = leased.ok_or(StoreError::LeaseLost)?;
        let case_id = record.case.id;
        let note = Note::detail(detail.clone());
        match self.transition_with_job(record, &Transition::DetachCallDone, note, Some(&job), now).await {
            Ok(_) => {}
            Err(TransitionError::Store(error)) => return Err(error),
            Err(refused @ (TransitionError::Invalid(_) | TransitionError::TooLate)) => {
                return Err(StoreError::inconsistent("case", case_id, refused));
            }
        }
        self.statement("UPDATE jobs SET dispatched_at = NULL WHERE id = ?").bind(lease.job_id.to_string()).later();
        Ok(())
    }

    /// Records that a call was dispatched and that its outcome is unknown. It may still take effect for a while.
    pub(in crate::store) async fn record_unconfirmed_call(
        &mut self,
        record: &mut CaseRecord,
        job: JobKind,
        kind: &str,
        why: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        record.case.progress.ended_without_outcome(job, now);
        let detail = json!({ "job": job, "why": why, "state": record.case.state.name() });
        self.write_journal(Some(record.case.id), kind, &detail, now).await?;
        Ok(())
    }

    /// Pauses the site that rejected the credentials, and requeues the job without counting the attempt. Returns false
    /// if it was paused before.
    #[instrument(name = "store.job.site_refused", skip_all, fields(job.id = %claimed.lease.job_id), err)]
    pub async fn pause_rejecting_site(
        &mut self,
        claimed: &ClaimedJob,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let leased = self.load_leased(&[claimed.lease], now).await?.pop().transpose()?.flatten();
        let LeasedJob { mut record, job, dispatched, .. } = leased.ok_or(StoreError::LeaseLost)?;
        // Not later than it was due: a clock that is ahead pauses sites, too.
        self.requeue(&claimed.lease, job.due_at.min(now), Failing::Rests(SignedDuration::ZERO), Some(reason));
        if dispatched {
            self.record_unconfirmed_call(&mut record, job.kind, "call_unconfirmed", Some(reason), now).await?;
            self.save_observed(&record)?;
        }
        self.pause_site(&record.case.site, reason, now).await
    }

    /// Requeues a job whose call was rejected while the credentials worked, without counting the attempt. With
    /// `pauses`, its kind is paused at the site; returns false if it was paused before.
    #[instrument(name = "store.job.call_refused", skip_all, fields(job.id = %claimed.lease.job_id), err)]
    pub async fn requeue_rejected_call(
        &mut self,
        claimed: &ClaimedJob,
        observed: &CaseRecord,
        refused: &RejectedCall<'_>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let leased = self.load_leased(&[claimed.lease], now).await?.pop().transpose()?.flatten();
        let LeasedJob { lease, record, job, dispatched, .. } = leased.ok_or(StoreError::LeaseLost)?;
        let record = record.with_observed(observed);
        self.requeue(&lease, refused.due_at, Failing::Rests(refused.due_at.duration_since(now)), Some(refused.reason));
        if dispatched {
            let detail = json!({ "job": job.kind, "why": refused.reason, "state": record.case.state.name() });
            self.write_journal(Some(record.case.id), "call_rejected", &detail, now).await?;
        }
        self.statement("UPDATE jobs SET refusals = refusals + 1 WHERE id = ?").bind(lease.job_id.to_string()).later();
        self.save_observed(&record)?;
        if refused.pauses { self.pause_kind(&record.case.site, job.kind, refused.reason, now).await } else { Ok(false) }
    }

    /// Applies a transition to a case whose job was just finished. A transition that the rules forbid is an
    /// inconsistency.
    async fn transition_or_inconsistent(
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

    fn finish(&mut self, lease: &Lease, now: Timestamp) {
        self.statement(
            "UPDATE jobs SET state = 'done', finished_at = ?, attempts = attempts + 1, lease_token = NULL,
                 lease_until = NULL, last_error = NULL WHERE id = ?",
        )
        .bind(millis(now))
        .bind(lease.job_id.to_string())
        .later();
    }

    fn requeue(&mut self, lease: &Lease, due_at: Timestamp, failing: Failing, error: Option<&str>) {
        let (counts, since, rests) = match failing {
            Failing::Counts(now) => (true, Some(now), Some(0)),
            Failing::Ends => (false, None, None),
            Failing::Rests(wait) => (false, None, i64::try_from(wait.as_millis()).ok()),
        };
        self.statement(
            "UPDATE jobs SET state = 'queued', due_at = ?1, last_error = ?2, lease_token = NULL, lease_until = NULL,
                 dispatched_at = NULL, fence = NULL, fences = 0, attempts = attempts + ?3,
                 failures = CASE WHEN ?4 IS NULL THEN 0 ELSE failures + ?3 END,
                 failing_since = COALESCE(failing_since, ?5) + ?4
             WHERE id = ?6",
        )
        .bind(millis(due_at))
        .bind(error)
        .bind(counts)
        .bind(rests)
        .bind(millis_if_any(since))
        .bind(lease.job_id.to_string())
        .later();
    }

    fn record_attempt(&mut self, lease: &Lease, report: &AttemptReport, now: Timestamp) {
        let outcome = match &report.settlement {
            Settlement::Finished(transition) => transition.name(),
            Settlement::RetryAt(_) => "failed",
            Settlement::SnoozeUntil(_) | Settlement::WaitUntil(_) => "looked",
        };
        self.statement(
            "INSERT INTO attempts (job_id, number, started_at, ended_at, outcome, detail)
             SELECT ?1, COALESCE(MAX(number), 0) + 1, ?2, ?3, ?4, ?5 FROM attempts WHERE job_id = ?1",
        )
        .bind(lease.job_id.to_string())
        .bind(millis(report.started_at))
        .bind(millis(now))
        .bind(outcome)
        .bind(report.error.as_deref())
        .later();
    }
}

fn read_leased(row: &SqliteRow, lease: Lease, key: &MasterKey) -> Result<LeasedJob, StoreError> {
    let (record, reader) = (read_case(row, key)?, RowReader { what: "job", row });
    let job = JobRow {
        id: lease.job_id,
        case_id: record.case.id,
        site: record.case.site.clone(),
        kind: reader.word("kind")?,
        state: JobState::Running,
        due_at: reader.at("due_at")?,
        attempts: reader.count("attempts")?,
        last_error: None,
    };
    Ok(LeasedJob {
        lease,
        record,
        job,
        paused: row.try_get("paused")?,
        braked: row.try_get("braked")?,
        event_waits: row.try_get("event_waits")?,
        dispatched: row.try_get("dispatched")?,
        backlog: Backlog::read(row)?,
    })
}
