//! The queue, derived from the cases: each state of a case wants at most one job, and the queue is updated to match.

use jiff::Timestamp;
use tracing::instrument;

use super::row::{RowReader, millis};
use super::sql::{Row, query};
use super::{Page, Store, StoreError, Tx, dialect};
use crate::clock;
use crate::domain::case::{Case, JobKind};
use crate::domain::ids::{CaseId, JobId, SiteName, SourceName};
use crate::domain::named;
use crate::proof::seal::MasterKey;

/// The state of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobState {
    /// It waits until it is due.
    Queued,
    /// A worker has leased it.
    Running,
    /// It did its work.
    Done,
    /// It ended before: the case no longer wants it, is held, or needs attention.
    Cancelled,
}

named!(JobState { Queued = "queued", Running = "running", Done = "done", Cancelled = "cancelled" });

/// A job in a list.
#[derive(Debug, Clone)]
pub struct JobRow {
    pub id: JobId,
    pub case_id: CaseId,
    pub site: SiteName,
    /// `None` for a case that an operator opened.
    pub source: Option<SourceName>,
    pub kind: JobKind,
    pub state: JobState,
    pub due_at: Timestamp,
    /// The number of attempts that failed or finished it.
    pub attempts: u32,
    /// The error of the last attempt, if it failed or ended with a case that needs attention.
    pub last_error: Option<String>,
}

/// The jobs to list.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    pub state: Option<JobState>,
    pub kind: Option<JobKind>,
    /// The last job of the previous page.
    pub cursor: Option<JobId>,
    /// The maximum number of jobs.
    pub limit: usize,
}

/// The value of an urgent or other job in the queue's index.
pub(super) const fn urgency(urgent: bool) -> i64 {
    if urgent { 0 } else { 1 }
}

/// The value of a job that goes before the others of its lane: a request for erasure is near its deadline.
pub(super) const NEAR_DEADLINE: i64 = 2;

/// The values that a job of this kind may have.
pub(super) const fn urgencies(kind: JobKind) -> [i64; 2] {
    if kind.is_urgent() { [urgency(true); 2] } else { [urgency(false), NEAR_DEADLINE] }
}

fn urgency_of(case: &Case, kind: JobKind, now: Timestamp) -> i64 {
    if !kind.is_urgent() && case.is_near_deadline(now) { NEAR_DEADLINE } else { urgency(kind.is_urgent()) }
}

/// The code of a job's due time. What else decides about a job follows from its case.
pub(super) fn due_code(key: &MasterKey, id: JobId, due_at: Timestamp) -> Vec<u8> {
    key.authenticate_row("job", &format!("{id} {}", millis(due_at))).0.to_vec()
}

/// Fails if the due time of a job was not written by a holder of the key.
pub(super) fn require_authentic(job: &JobRow, row: &Row, key: &MasterKey) -> Result<(), StoreError> {
    let code: Option<&[u8]> = row.try_get("code")?;
    if code == Some(due_code(key, job.id, job.due_at).as_slice()) {
        return Ok(());
    }
    Err(StoreError::Tampered { what: "job", id: job.id.to_string() })
}

impl Tx {
    /// The open job of a case: there is one at most.
    pub(super) async fn open_job(&mut self, case_id: CaseId) -> Result<Option<JobRow>, StoreError> {
        let open = query("SELECT * FROM jobs WHERE case_id = $1 AND state IN ('queued', 'running')")
            .bind(case_id.to_string())
            .fetch_optional(&mut **self)
            .await?;
        open.as_ref().map(read_job).transpose()
    }

    /// Updates the queue to what the case wants: at most one open job, of the wanted kind and due time. `open` is the
    /// current one.
    pub(super) async fn sync_job(
        &mut self,
        case: &Case,
        open: Option<&JobRow>,
        retried: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (wanted, waits) = (case.job_wanted(), case.waits_for_its_time(now));
        match (wanted, open) {
            (None, None) => {}
            // If the case waits again, a worker that has leased its job has lost it: see below.
            (Some(wanted), Some(job)) if job.kind == wanted.kind && !(waits && job.state == JobState::Running) => {
                // A job that waits between two attempts keeps its time, unless that is too early. A job without an
                // attempt follows the case.
                let follows = waits || job.attempts == 0;
                if job.state == JobState::Queued && (retried || (follows && job.due_at != wanted.due_at)) {
                    let due_at = if retried { now } else { wanted.due_at };
                    query(
                        "UPDATE jobs
                         SET due_at = $1,
                             attempts = 0,
                             failures = 0,
                             failing_since = NULL,
                             refusals = 0,
                             fence = NULL,
                             fences = 0,
                             code = $3
                         WHERE id = $2",
                    )
                    .bind(millis(due_at))
                    .bind(job.id.to_string())
                    .bind(due_code(&self.key, job.id, due_at))
                    .exec_one(self, "job", job.id)
                    .await?;
                }
            }
            (None, Some(job)) => self.cancel_job(job.id, now).await?,
            (Some(wanted), job) => {
                if let Some(job) = job {
                    self.cancel_job(job.id, now).await?;
                }
                let id = JobId::from(clock::new_id(now));
                query(
                    "INSERT INTO jobs (id, case_id, site, source, kind, urgency, state, due_at, created_at, code)
                     VALUES ($1, $2, $3, $4, $5, $6, 'queued', $7, $8, $9)",
                )
                .bind(id.to_string())
                .bind(case.id.to_string())
                .bind(case.site.as_str())
                .bind(case.source.as_ref().map(SourceName::as_str))
                .bind(wanted.kind.as_str())
                .bind(urgency_of(case, wanted.kind, now))
                .bind(millis(wanted.due_at))
                .bind(millis(now))
                .bind(due_code(&self.key, id, wanted.due_at))
                .execute(&mut **self)
                .await?;
            }
        }
        Ok(())
    }

    /// The job of this case for which a call that changes something is in progress.
    pub(in crate::store) async fn dispatched(&mut self, case_id: CaseId) -> Result<Option<JobKind>, StoreError> {
        let row = query(
            "SELECT id, kind
             FROM jobs
             WHERE case_id = $1 AND state = 'running' AND dispatched_at IS NOT NULL",
        )
        .bind(case_id.to_string())
        .fetch_optional(&mut **self)
        .await?;
        row.map(|row| RowReader { what: "job", row: &row }.word("kind")).transpose()
    }

    /// Whether a call whose outcome decides the state of this case is in progress. A detach consists of many calls that
    /// do not decide it: it is stopped between two of them.
    pub(super) async fn is_dispatched(&mut self, case_id: CaseId) -> Result<bool, StoreError> {
        Ok(self.dispatched(case_id).await?.is_some_and(|kind| kind != JobKind::Detach))
    }

    async fn cancel_job(&mut self, id: JobId, now: Timestamp) -> Result<(), StoreError> {
        query(
            "UPDATE jobs
             SET state = 'cancelled', finished_at = $1, lease_token = NULL, lease_until = NULL
             WHERE id = $2",
        )
        .bind(millis(now))
        .bind(id.to_string())
        .exec_one(self, "job", id)
        .await
    }
}

impl Store {
    /// The open job of a case.
    #[instrument(name = "store.job.of_case", skip_all, fields(case.id = %case_id), err)]
    pub async fn job_of(&self, case_id: CaseId) -> Result<Option<JobRow>, StoreError> {
        let row = query(
            "SELECT *
             FROM jobs
             WHERE case_id = $1 AND state IN ('queued', 'running')
             ORDER BY id DESC
             LIMIT 1",
        )
        .bind(case_id.to_string())
        .fetch_optional(&self.reader)
        .await?;
        row.as_ref().map(read_job).transpose()
    }

    /// The open jobs of these cases.
    #[instrument(name = "store.job.of_cases", skip_all, fields(count = case_ids.len()), err)]
    pub async fn jobs_of(&self, case_ids: &[CaseId]) -> Result<Vec<JobRow>, StoreError> {
        let ids: Vec<String> = case_ids.iter().map(CaseId::to_string).collect();
        let rows =
            query(dialect::JOBS_OF_CASES).bind(serde_json::json!(ids).to_string()).fetch_all(&self.reader).await?;
        rows.iter().map(read_job).collect()
    }

    /// The open jobs that are due first.
    #[instrument(name = "store.job.next", skip_all, err)]
    pub async fn next_jobs(&self, limit: u32) -> Result<Vec<JobRow>, StoreError> {
        let rows = query(
            "SELECT *
             FROM jobs
             WHERE state IN ('queued', 'running')
             ORDER BY due_at, id
             LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(read_job).collect()
    }

    /// Jobs, newest first.
    #[instrument(name = "store.job.list", skip_all, err)]
    pub async fn jobs(&self, filter: &JobFilter) -> Result<Page<JobRow>, StoreError> {
        let rows = query(
            "SELECT *
             FROM jobs
             WHERE ($1 IS NULL OR state = $1) AND ($2 IS NULL OR kind = $2) AND ($3 IS NULL OR id < $3)
             ORDER BY id DESC
             LIMIT $4",
        )
        .bind(filter.state.map(JobState::as_str))
        .bind(filter.kind.map(JobKind::as_str))
        .bind(filter.cursor.map(|id| id.to_string()))
        .bind(i64::try_from(filter.limit.saturating_add(1)).unwrap_or(i64::MAX))
        .fetch_all(&self.reader)
        .await?;
        // The page is cut by its rows, so that a row that cannot be read does not hide the others.
        let ids: Vec<String> = rows.iter().map(|row| row.try_get("id")).collect::<Result<_, _>>()?;
        let page = Page::of(ids, filter.limit, String::clone);
        let mut items = Vec::with_capacity(page.items.len());
        for row in rows.iter().take(page.items.len()) {
            match read_job(row) {
                Ok(job) => items.push(job),
                Err(error) if error.is_about_one_row() => {
                    tracing::error!(%error, "a job cannot be read and is left out");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Page { items, next: page.next })
    }
}

pub(super) fn read_job(row: &Row) -> Result<JobRow, StoreError> {
    let reader = RowReader { what: "job", row };
    Ok(JobRow {
        id: reader.word("id")?,
        case_id: reader.word("case_id")?,
        site: reader.word("site")?,
        source: reader.word_if_any("source")?,
        kind: reader.word("kind")?,
        state: reader.word("state")?,
        due_at: reader.at("due_at")?,
        attempts: row.try_get("attempts")?,
        last_error: reader.text_if_any("last_error")?,
    })
}
