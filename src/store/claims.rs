//! Claims: a worker leases a due job for a limited time. After the worker died, the job is requeued.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tracing::instrument;
use uuid::Uuid;

use super::jobs::{NEAR_DEADLINE, due_code, read_job, require_authentic, urgency};
use super::leases::Lease;
use super::row::{RowReader, millis};
use super::sql::{Row, query};
use super::{CaseRecord, Note, Store, StoreError, TransitionError, Tx, dialect};
use crate::clock;
use crate::domain::case::{JobKind, Transition};
use crate::domain::ids::{CaseId, JobId, SiteName};

/// The reason why a job was requeued.
const INTERRUPTED: &str = "the worker stopped in the middle of it";

#[derive(Debug)]
pub struct ClaimedJob {
    pub lease: Lease,
    pub kind: JobKind,
    /// The number of attempts before this one.
    pub attempts: u32,
    /// The number of failures in a row, including the last attempt.
    pub failures: u32,
    /// When the failures in a row began, without waits that were no failure; `None` if the last attempt did not fail.
    pub failing_since: Option<Timestamp>,
    /// The number of times its call was rejected while the credentials worked.
    pub refusals: u32,
    /// When this attempt began.
    pub started_at: Timestamp,
    pub record: CaseRecord,
}

/// A job whose worker died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveredJob {
    pub job_id: JobId,
    pub case_id: CaseId,
}

/// A request for jobs of one lane: urgent ones of a site, or the others. Each lane has its own capacity, so that slow
/// deletions never delay a revoke.
#[derive(Debug, Clone, Copy)]
pub struct ClaimRequest<'a> {
    pub site: &'a SiteName,
    pub urgent: bool,
    /// The maximum number of jobs.
    pub jobs: u32,
    /// The end of their leases.
    pub until: Timestamp,
}

impl Tx {
    /// Claims due jobs up to the requested numbers. Excludes cases with an event that waits to be applied, and sources
    /// with a large delivery that is routed in parts.
    #[instrument(name = "store.job.claim", skip_all, fields(requests = requests.len()), err)]
    pub async fn claim(
        &mut self,
        requests: &[ClaimRequest<'_>],
        now: Timestamp,
    ) -> Result<Vec<ClaimedJob>, StoreError> {
        let token = clock::new_id(now);
        let mut claimed = Vec::new();
        for request in requests {
            let mut rows = Vec::new();
            if !request.urgent {
                rows = self.lease(request, NEAR_DEADLINE, request.jobs, token, now).await?;
            }
            let left = request.jobs.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
            if left > 0 {
                rows.extend(self.lease(request, urgency(request.urgent), left, token, now).await?);
            }
            for row in rows {
                let job = RowReader { what: "job", row: &row };
                let lease = Lease { job_id: job.word("id")?, token, until: request.until };
                match self.load_claimed(lease, &row, now).await {
                    Ok(job) => claimed.push(job),
                    Err(error) if error.is_about_one_row() => self.defer_inconsistent(lease, error, now).await?,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(claimed)
    }

    /// Leases the jobs that are due first, and returns their rows.
    async fn lease(
        &mut self,
        request: &ClaimRequest<'_>,
        urgency: i64,
        jobs: u32,
        token: Uuid,
        now: Timestamp,
    ) -> Result<Vec<Row>, StoreError> {
        // The time that a job waited beyond its due time, because of a pause or a stopped daemon, does not count towards
        // giving up.
        let rows = query(
            "UPDATE jobs
             SET state = 'running',
                 lease_token = $1,
                 lease_until = $2,
                 failing_since = failing_since + CASE WHEN $3 > due_at THEN $3 - due_at ELSE 0 END
             WHERE id IN (
                 SELECT id
                 FROM runnable_jobs
                 WHERE site = $4
                     AND urgency = $5
                     AND due_at <= $3
                     AND NOT EXISTS (SELECT 1 FROM sites WHERE name = $4 AND paused_at IS NOT NULL)
                 ORDER BY due_at
                 LIMIT $6)
             RETURNING *",
        )
        .bind(token.to_string())
        .bind(millis(request.until))
        .bind(millis(now))
        .bind(request.site.as_str())
        .bind(urgency)
        .bind(jobs)
        .fetch_all(&mut **self)
        .await?;
        Ok(rows)
    }

    /// A leased job with its case, which becomes due with it.
    async fn load_claimed(&mut self, lease: Lease, row: &Row, now: Timestamp) -> Result<ClaimedJob, StoreError> {
        let (job, reader) = (read_job(row)?, RowReader { what: "job", row });
        require_authentic(&job, row, &self.key)?;
        let case_id = job.case_id;
        let record = self.case(case_id).await?;
        let record =
            record.ok_or_else(|| StoreError::inconsistent("case", case_id, "it is not there, but has a job"))?;
        let record = match self.transition_with_job(record, &Transition::Due, Note::default(), Some(&job), now).await {
            Ok(transitioned) => transitioned.record,
            Err(TransitionError::Store(error)) => return Err(error),
            Err(refused @ (TransitionError::Invalid(_) | TransitionError::TooLate)) => {
                return Err(StoreError::inconsistent("case", case_id, refused));
            }
        };
        Ok(ClaimedJob {
            lease,
            kind: job.kind,
            attempts: job.attempts,
            failures: reader.count("failures")?,
            failing_since: reader.at_if_any("failing_since")?,
            refusals: reader.count("refusals")?,
            started_at: now,
            record,
        })
    }

    /// Defers a job whose case cannot be read by an hour and stores the reason: it must not block the others.
    async fn defer_inconsistent(&mut self, lease: Lease, error: StoreError, now: Timestamp) -> Result<(), StoreError> {
        let due_at = now.saturating_add(SignedDuration::from_hours(1)).unwrap_or(Timestamp::MAX);
        let (job_id, text) = (lease.job_id, error.to_string());
        let error = anyhow::Error::new(error);
        tracing::error!(job.id = %job_id, error = format!("{error:#}"), "job {job_id}: inconsistent, deferred by an hour");
        query(
            "UPDATE jobs
             SET state = 'queued', due_at = $1, last_error = $2, lease_token = NULL, lease_until = NULL, code = $5
             WHERE id = $3 AND lease_token = $4",
        )
        .bind(millis(due_at))
        .bind(text)
        .bind(job_id.to_string())
        .bind(lease.token.to_string())
        .bind(due_code(&self.key, job_id, due_at))
        .exec_leased(self)
        .await
    }

    /// Requeues the jobs of dead workers at these sites, or at all of them: those whose lease is over or, at a start, all; but
    /// none of `alive`. If a call was dispatched, its outcome is unknown, and the history records that.
    #[instrument(name = "store.job.recover", skip_all, err)]
    pub async fn recover(
        &mut self,
        all: bool,
        alive: &[JobId],
        sites: Option<&[SiteName]>,
        now: Timestamp,
    ) -> Result<Vec<RecoveredJob>, StoreError> {
        let rows = query(dialect::JOBS_OF_DEAD_WORKERS)
            .bind(millis(now))
            .bind(all)
            .bind(json!(alive).to_string())
            .bind(sites.map(|sites| json!(sites).to_string()))
            .fetch_all(&mut **self)
            .await?;
        let mut recovered = Vec::new();
        for row in &rows {
            let job = RowReader { what: "job", row };
            let (job_id, case_id): (JobId, CaseId) = (job.word("id")?, job.word("case_id")?);
            if job.at_if_any("dispatched_at")?.is_some() {
                self.note_interrupted(case_id, job.word("kind")?, now).await?;
            }
            query(
                "UPDATE jobs
                 SET state = 'queued',
                     lease_token = NULL,
                     lease_until = NULL,
                     dispatched_at = NULL,
                     fence = NULL,
                     fences = 0,
                     attempts = attempts + 1,
                     due_at = $1,
                     last_error = $2,
                     code = $4
                 WHERE id = $3",
            )
            .bind(millis(now))
            .bind(INTERRUPTED)
            .bind(job_id.to_string())
            .bind(due_code(&self.key, job_id, now))
            .exec_one(self, "job", job_id)
            .await?;
            recovered.push(RecoveredJob { job_id, case_id });
        }
        Ok(recovered)
    }

    /// Records that a call was dispatched, and that its worker died before the answer.
    async fn note_interrupted(&mut self, case_id: CaseId, job: JobKind, now: Timestamp) -> Result<(), StoreError> {
        match self.case(case_id).await {
            Ok(Some(mut record)) => {
                self.record_unconfirmed_call(&mut record, job, "interrupted", Some(INTERRUPTED), now).await
            }
            Ok(None) => Err(StoreError::inconsistent("case", case_id, "it is not there, but has a job")),
            // A case that cannot be read must not prevent the start of the daemon: its job is deferred when it is
            // claimed.
            Err(error) if error.is_about_one_row() => {
                let detail = json!({ "job": job, "why": INTERRUPTED });
                self.write_journal(Some(case_id), "interrupted", &detail, now).await.map(drop)
            }
            Err(error) => Err(error),
        }
    }
}

impl Store {
    /// Whether a lease is over, so that its job must be requeued.
    #[instrument(name = "store.job.any_lease_expired", skip_all, err)]
    pub async fn any_lease_expired(&self, now: Timestamp) -> Result<bool, StoreError> {
        let row = query("SELECT 1 FROM jobs WHERE state = 'running' AND lease_until <= $1 LIMIT 1")
            .bind(millis(now))
            .fetch_optional(&self.reader)
            .await?;
        Ok(row.is_some())
    }

    /// The due time of the next queued job in each of these lanes: `None` where there is none, or where the site is
    /// paused. One query for all lanes, however many sites there are.
    #[instrument(name = "store.job.next_due", skip_all, fields(lanes = lanes.len()), err)]
    pub async fn next_due(&self, lanes: &[(&SiteName, bool)]) -> Result<Vec<Option<Timestamp>>, StoreError> {
        // Two values for each lane: its jobs near a deadline are queued apart.
        let values = lanes.iter().flat_map(|(site, urgent)| {
            let near_deadline = if *urgent { urgency(true) } else { NEAR_DEADLINE };
            [json!([site, urgency(*urgent)]), json!([site, near_deadline])]
        });
        let values: Vec<_> = values.collect();
        let rows = query(dialect::NEXT_DUE).bind(json!(values).to_string()).fetch_all(&self.reader).await?;
        let due = rows.iter().map(|row| RowReader { what: "job", row }.at_if_any("due_at"));
        let due: Vec<_> = due.collect::<Result<_, _>>()?;
        Ok(due.chunks(2).map(|lane| lane.iter().copied().flatten().min()).collect())
    }
}
