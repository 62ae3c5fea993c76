//! Leases: a worker claims a due job for a time, asks right before the call whether it may, and settles.
//!
//! Every write of a worker names its lease's token and insists on finding it: one that overslept its lease, or whose job was
//! cancelled meanwhile, cannot overwrite a newer truth. The race between a stop and a call is decided by whose transaction
//! is first: [`Tx::dispatch`] or the stop.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sqlx::Row as _;
use tracing::instrument;
use uuid::Uuid;

use super::cases::read_case;
use super::jobs::{read_job, urgency};
use super::row::{Reading, millis};
use super::{Dossier, HappenError, JobRow, JobState, Note, Store, StoreError, Tx};
use crate::clock;
use crate::domain::case::{Happening, Hold, JobKind, Stage, StateName};
use crate::domain::ids::{CaseId, JobId, SiteName};

/// The right to work on a job for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub job_id: JobId,
    /// Only who knows this may settle it.
    pub token: Uuid,
    /// Until then.
    pub until: Timestamp,
}

/// A job that was claimed.
#[derive(Debug)]
pub struct Claimed {
    /// The right to it.
    pub lease: Lease,
    /// What to do.
    pub kind: JobKind,
    /// How many attempts were made before.
    pub attempts: u32,
    /// The first of them or, without one, now.
    pub first_at: Timestamp,
    /// When this one began.
    pub started_at: Timestamp,
    /// Whose.
    pub dossier: Dossier,
}

/// Whether the call may be made.
#[derive(Debug)]
pub enum Dispatch {
    /// Yes, at once: the intent is written down.
    Go(Box<Dossier>),
    /// No: the case is held now, and the job is gone.
    Held(Hold),
    /// No: its time has not come. The case was put back to where it waits.
    PutOff,
    /// No: the job was stopped, or the lease is over.
    Lost,
    /// No: site or source are paused. The job is back in the queue.
    Paused,
}

/// What an attempt came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// The job is finished, and this happened.
    Finished(Happening),
    /// It failed and is tried again then; it costs an attempt.
    RetryAt(Timestamp),
    /// It is not its time yet: looked at again then, at no cost.
    LookAgainAt(Timestamp),
}

/// What stands behind a lease.
struct Leased {
    dossier: Dossier,
    job: JobRow,
    /// Site or source are paused.
    paused: bool,
    /// The source's brake tripped.
    braked: bool,
}

/// A job whose worker died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// The job.
    pub job_id: JobId,
    /// Whose.
    pub case_id: CaseId,
}

impl Tx {
    /// Claims up to `limit` due jobs of a site, either urgent ones or others: each have room of their own, so that slow
    /// deletions never keep a revoke waiting.
    #[instrument(name = "store.job.claim", skip_all, fields(site = %site, urgent), err)]
    pub async fn claim(
        &mut self,
        site: &SiteName,
        urgent: bool,
        limit: u32,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<Claimed>, StoreError> {
        let mut claimed = Vec::new();
        let token = clock::new_id(now);
        let rows = self.statement(
            "UPDATE jobs SET state = 'running', lease_token = ?1, lease_until = ?2, first_at = COALESCE(first_at, ?3)
             WHERE id IN (
                 SELECT id FROM jobs WHERE state = 'queued' AND site = ?4 AND urgency = ?5 AND due_at <= ?3
                     AND NOT EXISTS (SELECT 1 FROM sites WHERE name = ?4 AND paused_at IS NOT NULL)
                     AND (source IS NULL OR source NOT IN (SELECT name FROM sources WHERE paused_at IS NOT NULL))
                 ORDER BY due_at LIMIT ?6)
             RETURNING *",
        )
        .bind(token.to_string())
        .bind(millis(until))
        .bind(millis(now))
        .bind(site.as_str())
        .bind(urgency(urgent))
        .bind(limit).rows().await?;
        for row in &rows {
            let job = Reading { what: "job", row };
            let job_id: JobId = job.word("id")?;
            let dossier = match self.fall_due(&read_job(row)?, now).await {
                Ok(dossier) => dossier,
                Err(error) if error.is_about_one_row() => {
                    self.put_off(job_id, error, now);
                    continue;
                }
                Err(error) => return Err(error),
            };
            claimed.push(Claimed {
                lease: Lease { job_id, token, until },
                kind: job.word("kind")?,
                attempts: job.count("attempts")?,
                first_at: job.at("first_at")?,
                started_at: now,
                dossier,
            });
        }
        Ok(claimed)
    }

    async fn fall_due(&mut self, job: &JobRow, now: Timestamp) -> Result<Dossier, StoreError> {
        let case_id = job.case_id;
        let dossier = self.case(case_id).await?;
        let dossier =
            dossier.ok_or_else(|| StoreError::inconsistent("case", case_id, "it is not there, but has a job"))?;
        match self.happen_with(dossier, &Happening::Due, Note::default(), Some(job), now).await {
            Ok(happened) => Ok(happened.dossier),
            Err(HappenError::Store(error)) => Err(error),
            Err(refused @ (HappenError::Refused(_) | HappenError::TooLate)) => {
                Err(StoreError::inconsistent("case", case_id, refused))
            }
        }
    }

    /// A job whose case cannot be read must not keep the others waiting: it is looked at again in an hour, and says why.
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

    /// Asks, right before the call, whether it may be made; if so, writes the intent down. `learned` brings what the reads
    /// of this attempt said about the account.
    #[instrument(name = "store.job.dispatch", skip_all, fields(job.id = %lease.job_id), err)]
    pub async fn dispatch(
        &mut self,
        lease: &Lease,
        stage: Stage,
        learned: &Dossier,
        enforce: bool,
        now: Timestamp,
    ) -> Result<Dispatch, StoreError> {
        let Some(leased) = self.leased(lease, now).await? else { return Ok(Dispatch::Lost) };
        let dossier = leased.dossier.with_what_was_learned(learned);
        let case_id = dossier.case.id;
        if leased.paused {
            self.put_back(lease, now, 0, None);
            return Ok(Dispatch::Paused);
        }
        let withheld = if !enforce {
            Some(Hold::Observe)
        } else if leased.braked {
            Some(Hold::Brake)
        } else if dossier.case.approvals_missing(stage) > 0 {
            Some(Hold::Approval)
        } else {
            None
        };
        if let Some(hold) = withheld {
            self.finish(lease, now);
            let note = Note::detail(json!({ "stage": stage }));
            self.must_happen(dossier, &Happening::Withheld(hold), note, now).await?;
            return Ok(Dispatch::Held(hold));
        }
        let asked = match stage {
            Stage::Revoke => Happening::RevokeAsked,
            Stage::Delete => Happening::DeletionAsked,
        };
        match self.happen_with(dossier.clone(), &asked, Note::default(), Some(&leased.job), now).await {
            Ok(happened) => {
                self.statement("UPDATE jobs SET dispatched_at = ? WHERE id = ?")
                    .bind(millis(now))
                    .bind(lease.job_id.to_string())
                    .later();
                Ok(Dispatch::Go(Box::new(happened.dossier)))
            }
            Err(HappenError::Store(error)) => Err(error),
            Err(HappenError::Refused(_) | HappenError::TooLate) => {
                // The account was just read and the deed is not done: the case can wait for its time again.
                tracing::info!(case.id = %case_id, "a deed whose answer was lost is not done, and its time has not come");
                self.finish(lease, now);
                self.must_happen(dossier, &Happening::NotDone, Note::default(), now).await?;
                Ok(Dispatch::PutOff)
            }
        }
    }

    /// Settles an attempt: what it came to, what was learned, what happens to the case. [`StoreError::LeaseLost`] when
    /// somebody was faster.
    #[instrument(name = "store.job.settle", skip_all, fields(job.id = %claimed.lease.job_id), err)]
    pub async fn settle(
        &mut self,
        claimed: &Claimed,
        learned: &Dossier,
        settlement: Settlement,
        error: Option<&str>,
        detail: Value,
        now: Timestamp,
    ) -> Result<StateName, StoreError> {
        let lease = &claimed.lease;
        let leased = self.leased(lease, now).await?.ok_or(StoreError::LeaseLost)?;
        let dossier = leased.dossier.with_what_was_learned(learned);
        if !matches!(settlement, Settlement::LookAgainAt(_)) {
            self.record_attempt(claimed, &settlement, error, now);
        }
        match settlement {
            Settlement::Finished(happening) => {
                self.finish(lease, now);
                self.must_happen(dossier, &happening, Note::detail(detail), now).await
            }
            Settlement::RetryAt(due_at) => {
                self.put_back(lease, due_at, 1, error);
                self.learn(&dossier)?;
                Ok(dossier.case.state.name())
            }
            Settlement::LookAgainAt(due_at) => {
                self.put_back(lease, due_at, 0, error);
                self.learn(&dossier)?;
                Ok(dossier.case.state.name())
            }
        }
    }

    /// Pauses the site that refused us, and gives the job back without counting the attempt.
    #[instrument(name = "store.job.site_refused", skip_all, fields(job.id = %claimed.lease.job_id), err)]
    pub async fn site_refused(&mut self, claimed: &Claimed, reason: &str, now: Timestamp) -> Result<(), StoreError> {
        let leased = self.leased(&claimed.lease, now).await?.ok_or(StoreError::LeaseLost)?;
        self.put_back(&claimed.lease, now, 0, Some(reason));
        self.pause_site(&leased.dossier.case.site, reason, now).await
    }

    /// Takes back the jobs of workers that died: those whose lease is over or, at a start, all; but none of `alive`.
    #[instrument(name = "store.job.recover", skip_all, err)]
    pub async fn recover(&mut self, all: bool, alive: &[JobId], now: Timestamp) -> Result<Vec<Recovered>, StoreError> {
        let rows = self
            .statement(
                "UPDATE jobs SET state = 'queued', lease_token = NULL, lease_until = NULL, dispatched_at = NULL,
                 attempts = attempts + 1, due_at = ?1, last_error = 'the worker stopped in the middle of it'
             WHERE state = 'running' AND (?2 OR lease_until <= ?1) AND id NOT IN (SELECT value FROM json_each(?3))
             RETURNING id, case_id",
            )
            .bind(millis(now))
            .bind(all)
            .bind(json!(alive).to_string())
            .rows()
            .await?;
        rows.iter()
            .map(|row| {
                let job = Reading { what: "job", row };
                Ok(Recovered { job_id: job.word("id")?, case_id: job.word("case_id")? })
            })
            .collect()
    }

    /// A job with its case and what stands against it, if the lease still holds.
    async fn leased(&mut self, lease: &Lease, now: Timestamp) -> Result<Option<Leased>, StoreError> {
        if now >= lease.until {
            return Ok(None);
        }
        let row = self
            .statement(
                "SELECT c.*, k.sealed AS sealed_key, j.kind, j.due_at, j.attempts,
                     EXISTS (SELECT 1 FROM sites s WHERE s.name = c.site AND s.paused_at IS NOT NULL)
                         OR EXISTS (SELECT 1 FROM sources s WHERE s.name = c.source AND s.paused_at IS NOT NULL) AS paused,
                     EXISTS (SELECT 1 FROM sources s WHERE s.name = c.source AND s.braked_at IS NOT NULL) AS braked
                 FROM jobs j JOIN cases c ON c.id = j.case_id LEFT JOIN case_keys k ON k.case_id = c.id
                 WHERE j.id = ? AND j.lease_token = ? AND j.state = 'running'",
            )
            .bind(lease.job_id.to_string())
            .bind(lease.token.to_string())
            .row()
            .await?;
        let Some(row) = row else { return Ok(None) };
        let (dossier, reading) = (read_case(&row, &self.key)?, Reading { what: "job", row: &row });
        let job = JobRow {
            id: lease.job_id,
            case_id: dossier.case.id,
            site: dossier.case.site.clone(),
            kind: reading.word("kind")?,
            state: JobState::Running,
            due_at: reading.at("due_at")?,
            attempts: reading.count("attempts")?,
            last_error: None,
        };
        Ok(Some(Leased { dossier, job, paused: row.try_get("paused")?, braked: row.try_get("braked")? }))
    }

    /// Lets something happen to a case whose job was just finished.
    async fn must_happen(
        &mut self,
        dossier: Dossier,
        happening: &Happening,
        note: Note,
        now: Timestamp,
    ) -> Result<StateName, StoreError> {
        let case_id = dossier.case.id;
        match self.happen_with(dossier, happening, note, None, now).await {
            Ok(happened) => Ok(happened.dossier.case.state.name()),
            Err(HappenError::Store(error)) => Err(error),
            Err(refused @ (HappenError::Refused(_) | HappenError::TooLate)) => {
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

    fn put_back(&mut self, lease: &Lease, due_at: Timestamp, counts: i64, error: Option<&str>) {
        self.statement(
            "UPDATE jobs SET state = 'queued', due_at = ?, attempts = attempts + ?, last_error = ?, lease_token = NULL,
                 lease_until = NULL, dispatched_at = NULL WHERE id = ?",
        )
        .bind(millis(due_at))
        .bind(counts)
        .bind(error)
        .bind(lease.job_id.to_string())
        .later();
    }

    fn record_attempt(&mut self, claimed: &Claimed, settlement: &Settlement, error: Option<&str>, now: Timestamp) {
        let outcome = match settlement {
            Settlement::Finished(happening) => happening.name(),
            Settlement::RetryAt(_) => "failed",
            Settlement::LookAgainAt(_) => "looked",
        };
        self.statement(
            "INSERT INTO attempts (job_id, number, started_at, ended_at, outcome, detail)
             SELECT ?1, COALESCE(MAX(number), 0) + 1, ?2, ?3, ?4, ?5 FROM attempts WHERE job_id = ?1",
        )
        .bind(claimed.lease.job_id.to_string())
        .bind(millis(claimed.started_at))
        .bind(millis(now))
        .bind(outcome)
        .bind(error)
        .later();
    }
}

impl Store {
    /// Whether a lease is over, so that its job has to be taken back.
    #[instrument(name = "store.job.any_expired", skip_all, err)]
    pub async fn any_lease_expired(&self, now: Timestamp) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT 1 FROM jobs WHERE state = 'running' AND lease_until <= ? LIMIT 1")
            .bind(millis(now))
            .fetch_optional(&self.reader)
            .await?;
        Ok(row.is_some())
    }

    /// When the next queued job of each of these falls due, urgent ones or others of a site: `None` where there is none, or
    /// where the site is paused. One look for all of them, however many sites there are.
    #[instrument(name = "store.job.next_due", skip_all, fields(lanes = lanes.len()), err)]
    pub async fn next_due(&self, lanes: &[(&SiteName, bool)]) -> Result<Vec<Option<Timestamp>>, StoreError> {
        let lanes: Vec<_> = lanes.iter().map(|(site, urgent)| json!([site, urgency(*urgent)])).collect();
        let rows = sqlx::query(
            "SELECT l.key AS id, (
                 SELECT due_at FROM jobs WHERE state = 'queued' AND site = l.value ->> 0 AND urgency = l.value ->> 1
                     AND NOT EXISTS (SELECT 1 FROM sites WHERE name = l.value ->> 0 AND paused_at IS NOT NULL)
                     AND (source IS NULL OR source NOT IN (SELECT name FROM sources WHERE paused_at IS NOT NULL))
                 ORDER BY due_at LIMIT 1) AS due_at
             FROM json_each(?) l ORDER BY l.key",
        )
        .bind(json!(lanes).to_string())
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(|row| Reading { what: "job", row }.at_if_any("due_at")).collect()
    }
}
