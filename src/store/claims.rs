//! Claims: a worker leases a due job for a limited time. After the worker died, the job is requeued.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use tracing::instrument;
use uuid::Uuid;

use super::jobs::{read_job, urgency};
use super::row::{RowReader, millis};
use super::{CaseRecord, Note, Store, StoreError, TransitionError, Tx};
use crate::clock;
use crate::domain::case::{JobKind, Transition};
use crate::domain::ids::{CaseId, JobId, SiteName};

/// The reason why a job was requeued.
const INTERRUPTED: &str = "the worker stopped in the middle of it";

/// The right to work on a job for a limited time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    pub job_id: JobId,
    /// Required to settle the job.
    pub token: Uuid,
    pub until: Timestamp,
}

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
        if self.fence().await?.is_some() {
            return Ok(Vec::new());
        }
        let token = clock::new_id(now);
        for request in requests {
            self.lease(request, token, now);
            self.end_part();
        }
        let mut leased = Vec::new();
        for row in self.rows().await? {
            let job = RowReader { what: "job", row: &row };
            leased.push((Lease { job_id: job.word("id")?, token, until: job.at("lease_until")? }, row));
        }
        if leased.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<_> = leased.iter().map(|(_, row)| row.try_get("case_id")).collect::<Result<_, _>>()?;
        let mut cases = self.cases(&ids).await?.into_iter();
        let mut claimed = Vec::new();
        for (lease, row) in leased {
            match self.load_claimed(lease, &row, cases.next().flatten(), now).await {
                Ok(job) => claimed.push(job),
                Err(error) if error.is_about_one_row() => self.put_off(lease.job_id, error, now),
                Err(error) => return Err(error),
            }
            self.end_part();
        }
        Ok(claimed)
    }

    /// Leases the jobs that are due first, and returns their rows.
    fn lease(&mut self, request: &ClaimRequest<'_>, token: Uuid, now: Timestamp) {
        // The sign before the limit prevents SQLite from planning the statement again for every number. The time that a
        // job waited beyond its due time, because of a pause or a stopped daemon, does not count towards giving up.
        self.statement(
            "UPDATE jobs SET state = 'running', lease_token = ?1, lease_until = ?2,
                 failing_since = failing_since + MAX(0, ?3 - due_at)
             WHERE id IN (
                 SELECT id FROM jobs WHERE state = 'queued' AND site = ?4 AND urgency = ?5 AND due_at <= ?3
                     AND NOT EXISTS (SELECT 1 FROM sites WHERE name = ?4 AND paused_at IS NOT NULL)
                     AND kind NOT IN (SELECT kind FROM paused_kinds WHERE site = ?4)
                     AND (source IS NULL OR source NOT IN (SELECT name FROM sources WHERE paused_at IS NOT NULL))
                     AND (source IS NULL OR source NOT IN (SELECT source FROM deliveries WHERE items_routed > 0))
                     AND NOT EXISTS (SELECT 1 FROM events e WHERE e.case_id = jobs.case_id AND e.status = 'waiting'
                         AND e.person_hash IS NULL)
                 ORDER BY due_at LIMIT +?6)
             RETURNING *",
        )
        .bind(token.to_string())
        .bind(millis(request.until))
        .bind(millis(now))
        .bind(request.site.as_str())
        .bind(urgency(request.urgent))
        .bind(request.jobs)
        .later();
    }

    /// A leased job with its case, which becomes due with it.
    async fn load_claimed(
        &mut self,
        lease: Lease,
        row: &SqliteRow,
        case: Option<Result<CaseRecord, StoreError>>,
        now: Timestamp,
    ) -> Result<ClaimedJob, StoreError> {
        let (job, reader) = (read_job(row)?, RowReader { what: "job", row });
        let case_id = job.case_id;
        let record =
            case.ok_or_else(|| StoreError::inconsistent("case", case_id, "it is not there, but has a job"))??;
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
    fn put_off(&mut self, job_id: JobId, error: StoreError, now: Timestamp) {
        let due_at = now.saturating_add(SignedDuration::from_hours(1)).unwrap_or(Timestamp::MAX);
        let text = error.to_string();
        let error = anyhow::Error::new(error);
        tracing::error!(job.id = %job_id, error = format!("{error:#}"), "a job is put off: the database contradicts itself");
        self.statement(
            "UPDATE jobs SET state = 'queued', due_at = ?, last_error = ?, lease_token = NULL, lease_until = NULL
             WHERE id = ?",
        )
        .bind(millis(due_at))
        .bind(text)
        .bind(job_id.to_string())
        .later();
    }

    /// Requeues the jobs of dead workers: those whose lease is over or, at a start, all; but none of `alive`. If a call
    /// was dispatched, its outcome is unknown, and the history records that.
    #[instrument(name = "store.job.recover", skip_all, err)]
    pub async fn recover(
        &mut self,
        all: bool,
        alive: &[JobId],
        now: Timestamp,
    ) -> Result<Vec<RecoveredJob>, StoreError> {
        let rows = self
            .statement(
                "SELECT id, case_id, kind, dispatched_at FROM jobs
                 WHERE state = 'running' AND (?2 OR lease_until <= ?1) AND id NOT IN (SELECT value FROM json_each(?3))",
            )
            .bind(millis(now))
            .bind(all)
            .bind(json!(alive).to_string())
            .rows()
            .await?;
        let mut recovered = Vec::new();
        for row in &rows {
            let job = RowReader { what: "job", row };
            let (job_id, case_id): (JobId, CaseId) = (job.word("id")?, job.word("case_id")?);
            if job.at_if_any("dispatched_at")?.is_some() {
                self.note_interrupted(case_id, job.word("kind")?, now).await?;
            }
            self.statement(
                "UPDATE jobs SET state = 'queued', lease_token = NULL, lease_until = NULL, dispatched_at = NULL,
                     fence = NULL, fences = 0, attempts = attempts + 1, due_at = ?, last_error = ?
                 WHERE id = ?",
            )
            .bind(millis(now))
            .bind(INTERRUPTED)
            .bind(job_id.to_string())
            .later();
            recovered.push(RecoveredJob { job_id, case_id });
        }
        Ok(recovered)
    }

    /// Records that a call was dispatched, and that its worker died before the answer.
    async fn note_interrupted(&mut self, case_id: CaseId, job: JobKind, now: Timestamp) -> Result<(), StoreError> {
        match self.case(case_id).await {
            Ok(Some(mut record)) => {
                self.record_unconfirmed_call(&mut record, job, "interrupted", Some(INTERRUPTED), now).await?;
                self.save_observed(&record)
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
    #[instrument(name = "store.job.any_expired", skip_all, err)]
    pub async fn any_lease_expired(&self, now: Timestamp) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT 1 FROM jobs WHERE state = 'running' AND lease_until <= ? LIMIT 1")
            .bind(millis(now))
            .fetch_optional(&self.reader)
            .await?;
        Ok(row.is_some())
    }

    /// The due time of the next queued job in each of these lanes: `None` where there is none, or where the site is
    /// paused. One query for all lanes, however many sites there are.
    #[instrument(name = "store.job.next_due", skip_all, fields(lanes = lanes.len()), err)]
    pub async fn next_due(&self, lanes: &[(&SiteName, bool)]) -> Result<Vec<Option<Timestamp>>, StoreError> {
        let lanes: Vec<_> = lanes.iter().map(|(site, urgent)| json!([site, urgency(*urgent)])).collect();
        let rows = sqlx::query(
            "SELECT l.key AS id, (
                 SELECT due_at FROM jobs WHERE state = 'queued' AND site = l.value ->> 0 AND urgency = l.value ->> 1
                     AND NOT EXISTS (SELECT 1 FROM sites WHERE name = l.value ->> 0 AND paused_at IS NOT NULL)
                     AND kind NOT IN (SELECT kind FROM paused_kinds WHERE site = l.value ->> 0)
                     AND (source IS NULL OR source NOT IN (SELECT name FROM sources WHERE paused_at IS NOT NULL))
                     AND (source IS NULL OR source NOT IN (SELECT source FROM deliveries WHERE items_routed > 0))
                     AND NOT EXISTS (SELECT 1 FROM events e WHERE e.case_id = jobs.case_id AND e.status = 'waiting'
                         AND e.person_hash IS NULL)
                 ORDER BY due_at LIMIT 1) AS due_at
             FROM json_each(?) l ORDER BY l.key",
        )
        .bind(json!(lanes).to_string())
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(|row| RowReader { what: "job", row }.at_if_any("due_at")).collect()
    }
}
