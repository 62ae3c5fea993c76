//! Leases: a worker claims a due job for a time, asks right before the call whether it may, and settles.
//!
//! Every write of a worker names its lease's token and insists on finding it: one that overslept its lease, or whose job was
//! cancelled meanwhile, cannot overwrite a newer truth. The race between a stop and a call is decided by whose transaction
//! is first: [`Tx::dispatch`] or the stop.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tracing::instrument;
use uuid::Uuid;

use super::jobs::urgency;
use super::row::{Reading, millis};
use super::{Dossier, HappenError, Note, Store, StoreError, Tx};
use crate::clock;
use crate::domain::case::{Happening, Hold, JobKind, Stage, StateName};
use crate::domain::ids::{CaseId, JobId, SiteName, SourceName};

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
        let rows = sqlx::query(
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
        .bind(limit)
        .fetch_all(&mut *self.inner)
        .await?;
        for row in &rows {
            let job = Reading { what: "job", row };
            let (job_id, case_id): (JobId, CaseId) = (job.word("id")?, job.word("case_id")?);
            let dossier = match self.fall_due(case_id, now).await {
                Ok(dossier) => dossier,
                Err(error) if error.is_about_one_row() => {
                    self.put_off(job_id, error, now).await?;
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

    async fn fall_due(&mut self, case_id: CaseId, now: Timestamp) -> Result<Dossier, StoreError> {
        let dossier = self.case(case_id).await?;
        let dossier =
            dossier.ok_or_else(|| StoreError::inconsistent("case", case_id, "it is not there, but has a job"))?;
        match self.happen(dossier, &Happening::Due, Note::default(), now).await {
            Ok(happened) => Ok(happened.dossier),
            Err(HappenError::Store(error)) => Err(error),
            Err(refused @ (HappenError::Refused(_) | HappenError::TooLate)) => {
                Err(StoreError::inconsistent("case", case_id, refused))
            }
        }
    }

    /// A job whose case cannot be read must not keep the others waiting: it is looked at again in an hour, and says why.
    async fn put_off(&mut self, job_id: JobId, error: StoreError, now: Timestamp) -> Result<(), StoreError> {
        let due_at = now.saturating_add(SignedDuration::from_hours(1)).unwrap_or(Timestamp::MAX);
        let text = error.to_string();
        let error = anyhow::Error::new(error);
        tracing::error!(job.id = %job_id, error = format!("{error:#}"), "a job is put off: the database contradicts itself");
        sqlx::query(
            "UPDATE jobs SET state = 'queued', due_at = ?, last_error = ?, lease_token = NULL, lease_until = NULL
             WHERE id = ?",
        )
        .bind(millis(due_at))
        .bind(text)
        .bind(job_id.to_string())
        .execute(&mut *self.inner)
        .await?;
        Ok(())
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
        let Some(dossier) = self.leased(lease, now).await? else { return Ok(Dispatch::Lost) };
        let dossier = dossier.with_what_was_learned(learned);
        let case_id = dossier.case.id;
        if self.is_paused(&dossier.case.site, dossier.case.source.as_ref()).await? {
            self.requeue(lease, now).await?;
            return Ok(Dispatch::Paused);
        }
        let withheld = if !enforce {
            Some(Hold::Observe)
        } else if self.is_source_braked(dossier.case.source.as_ref()).await? {
            Some(Hold::Brake)
        } else if dossier.case.approvals_missing(stage) > 0 {
            Some(Hold::Approval)
        } else {
            None
        };
        if let Some(hold) = withheld {
            self.finish(lease, now).await?;
            let note = Note::detail(json!({ "stage": stage }));
            self.must_happen(dossier, &Happening::Withheld(hold), note, now).await?;
            return Ok(Dispatch::Held(hold));
        }
        let asked = match stage {
            Stage::Revoke => Happening::RevokeAsked,
            Stage::Delete => Happening::DeletionAsked,
        };
        match self.happen(dossier.clone(), &asked, Note::default(), now).await {
            Ok(happened) => {
                sqlx::query("UPDATE jobs SET dispatched_at = ? WHERE id = ?")
                    .bind(millis(now))
                    .bind(lease.job_id.to_string())
                    .execute(&mut *self.inner)
                    .await?;
                Ok(Dispatch::Go(Box::new(happened.dossier)))
            }
            Err(HappenError::Store(error)) => Err(error),
            Err(HappenError::Refused(_) | HappenError::TooLate) => {
                // The account was just read and the deed is not done: the case can wait for its time again.
                tracing::info!(case.id = %case_id, "a deed whose answer was lost is not done, and its time has not come");
                self.finish(lease, now).await?;
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
        let dossier = self.leased(lease, now).await?.ok_or(StoreError::LeaseLost)?;
        let dossier = dossier.with_what_was_learned(learned);
        if !matches!(settlement, Settlement::LookAgainAt(_)) {
            self.record_attempt(claimed, &settlement, error, now).await?;
        }
        match settlement {
            Settlement::Finished(happening) => {
                self.finish(lease, now).await?;
                self.must_happen(dossier, &happening, Note::detail(detail), now).await
            }
            Settlement::RetryAt(due_at) => {
                self.put_back(lease, due_at, 1, error).await?;
                self.learn(&dossier).await?;
                Ok(dossier.case.state.name())
            }
            Settlement::LookAgainAt(due_at) => {
                self.put_back(lease, due_at, 0, error).await?;
                self.learn(&dossier).await?;
                Ok(dossier.case.state.name())
            }
        }
    }

    /// Pauses the site that refused us, and gives the job back without counting the attempt.
    #[instrument(name = "store.job.site_refused", skip_all, fields(job.id = %claimed.lease.job_id), err)]
    pub async fn site_refused(&mut self, claimed: &Claimed, reason: &str, now: Timestamp) -> Result<(), StoreError> {
        let dossier = self.leased(&claimed.lease, now).await?.ok_or(StoreError::LeaseLost)?;
        self.put_back(&claimed.lease, now, 0, Some(reason)).await?;
        self.pause_site(&dossier.case.site, reason, now).await
    }

    /// Takes back the jobs of workers that died: those whose lease is over or, at a start, all; but none of `alive`.
    #[instrument(name = "store.job.recover", skip_all, err)]
    pub async fn recover(&mut self, all: bool, alive: &[JobId], now: Timestamp) -> Result<Vec<Recovered>, StoreError> {
        let rows = sqlx::query(
            "UPDATE jobs SET state = 'queued', lease_token = NULL, lease_until = NULL, dispatched_at = NULL,
                 attempts = attempts + 1, due_at = ?1, last_error = 'the worker stopped in the middle of it'
             WHERE state = 'running' AND (?2 OR lease_until <= ?1) AND id NOT IN (SELECT value FROM json_each(?3))
             RETURNING id, case_id",
        )
        .bind(millis(now))
        .bind(all)
        .bind(json!(alive).to_string())
        .fetch_all(&mut *self.inner)
        .await?;
        rows.iter()
            .map(|row| {
                let job = Reading { what: "job", row };
                Ok(Recovered { job_id: job.word("id")?, case_id: job.word("case_id")? })
            })
            .collect()
    }

    /// The case of a job, if the lease still holds.
    async fn leased(&mut self, lease: &Lease, now: Timestamp) -> Result<Option<Dossier>, StoreError> {
        let row = sqlx::query("SELECT case_id FROM jobs WHERE id = ? AND lease_token = ? AND state = 'running'")
            .bind(lease.job_id.to_string())
            .bind(lease.token.to_string())
            .fetch_optional(&mut *self.inner)
            .await?;
        match row {
            Some(row) if now < lease.until => {
                let case_id = Reading { what: "job", row: &row }.word("case_id")?;
                self.case(case_id).await
            }
            _ => Ok(None),
        }
    }

    async fn must_happen(
        &mut self,
        dossier: Dossier,
        happening: &Happening,
        note: Note,
        now: Timestamp,
    ) -> Result<StateName, StoreError> {
        let case_id = dossier.case.id;
        match self.happen(dossier, happening, note, now).await {
            Ok(happened) => Ok(happened.dossier.case.state.name()),
            Err(HappenError::Store(error)) => Err(error),
            Err(refused @ (HappenError::Refused(_) | HappenError::TooLate)) => {
                Err(StoreError::inconsistent("case", case_id, refused))
            }
        }
    }

    async fn finish(&mut self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE jobs SET state = 'done', finished_at = ?, attempts = attempts + 1, lease_token = NULL,
                 lease_until = NULL, last_error = NULL WHERE id = ?",
        )
        .bind(millis(now))
        .bind(lease.job_id.to_string())
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }

    async fn requeue(&mut self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        self.put_back(lease, now, 0, None).await
    }

    async fn put_back(
        &mut self,
        lease: &Lease,
        due_at: Timestamp,
        counts: i64,
        error: Option<&str>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE jobs SET state = 'queued', due_at = ?, attempts = attempts + ?, last_error = ?, lease_token = NULL,
                 lease_until = NULL, dispatched_at = NULL WHERE id = ?",
        )
        .bind(millis(due_at))
        .bind(counts)
        .bind(error)
        .bind(lease.job_id.to_string())
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }

    async fn record_attempt(
        &mut self,
        claimed: &Claimed,
        settlement: &Settlement,
        error: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let outcome = match settlement {
            Settlement::Finished(happening) => happening.name(),
            Settlement::RetryAt(_) => "failed",
            Settlement::LookAgainAt(_) => "looked",
        };
        sqlx::query(
            "INSERT INTO attempts (job_id, number, started_at, ended_at, outcome, detail)
             SELECT ?1, COALESCE(MAX(number), 0) + 1, ?2, ?3, ?4, ?5 FROM attempts WHERE job_id = ?1",
        )
        .bind(claimed.lease.job_id.to_string())
        .bind(millis(claimed.started_at))
        .bind(millis(now))
        .bind(outcome)
        .bind(error)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }

    async fn is_source_braked(&mut self, source: Option<&SourceName>) -> Result<bool, StoreError> {
        match source {
            Some(source) => self.is_braked(source).await,
            None => Ok(false),
        }
    }

    async fn is_paused(&mut self, site: &SiteName, source: Option<&SourceName>) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "SELECT 1 FROM sites WHERE name = ?1 AND paused_at IS NOT NULL
             UNION ALL SELECT 1 FROM sources WHERE name = ?2 AND paused_at IS NOT NULL",
        )
        .bind(site.as_str())
        .bind(source.map(SourceName::as_str))
        .fetch_optional(&mut *self.inner)
        .await?;
        Ok(row.is_some())
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

    /// When the next queued job, urgent or other, of a site that is not paused falls due.
    #[instrument(name = "store.job.next_due", skip_all, fields(site = %site, urgent), err)]
    pub async fn next_due(&self, site: &SiteName, urgent: bool) -> Result<Option<Timestamp>, StoreError> {
        let row = sqlx::query(
            "SELECT id, due_at FROM jobs WHERE state = 'queued' AND site = ?1 AND urgency = ?2
                 AND NOT EXISTS (SELECT 1 FROM sites WHERE name = ?1 AND paused_at IS NOT NULL)
                 AND (source IS NULL OR source NOT IN (SELECT name FROM sources WHERE paused_at IS NOT NULL))
             ORDER BY due_at LIMIT 1",
        )
        .bind(site.as_str())
        .bind(urgency(urgent))
        .fetch_optional(&self.reader)
        .await?;
        row.map(|row| Reading { what: "job", row: &row }.at("due_at")).transpose()
    }
}
