//! An attempt of a job: asked right before its call whether it may make it, and settled after it.
//!
//! Every write of a worker names its lease's token and insists on finding it: one that overslept its lease, or whose job was
//! cancelled meanwhile, cannot overwrite a newer truth. The race between a stop and a call is decided by whose transaction
//! is first: [`Tx::dispatch`] or the stop.

use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use tracing::instrument;

use super::cases::read_case;
use super::journal::Head;
use super::row::{Reading, millis};
use super::{Claimed, Dossier, HappenError, JobRow, JobState, Lease, Note, StoreError, Tx};
use crate::domain::case::{Happening, Hold, Stage, StateName};
use crate::proof::seal::MasterKey;

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

/// What an attempt came to, and what it learned about the account.
#[derive(Debug, Clone)]
pub struct Report {
    /// When it began.
    pub started_at: Timestamp,
    /// What its reads said.
    pub learned: Dossier,
    /// What it came to.
    pub settlement: Settlement,
    /// Why it did not finish the job.
    pub error: Option<String>,
    /// For the journal, so that it holds no personal data.
    pub detail: Value,
}

/// A job that is leased, its case, and what stands against it.
#[derive(Debug)]
pub struct Leased {
    lease: Lease,
    dossier: Dossier,
    job: JobRow,
    /// Site or source are paused.
    paused: bool,
    /// A brake holds it: that of its source, or another.
    braked: bool,
}

impl Tx {
    /// What stands behind each of these leases, in their order; `None` behind one that is over or was taken away. One that
    /// cannot be read keeps nobody else waiting.
    #[instrument(name = "store.job.leased", skip_all, fields(count = leases.len()), err)]
    pub async fn leased(
        &mut self,
        leases: &[Lease],
        now: Timestamp,
    ) -> Result<Vec<Result<Option<Leased>, StoreError>>, StoreError> {
        let keys: Vec<_> =
            leases.iter().map(|lease| json!([lease.job_id.to_string(), lease.token.to_string()])).collect();
        let rows = self
            .statement(
                "SELECT l.key AS nth, c.*, k.sealed AS sealed_key, j.kind, j.due_at, j.attempts, h.seq AS head, h.link,
                     EXISTS (SELECT 1 FROM sites s WHERE s.name = c.site AND s.paused_at IS NOT NULL)
                         OR EXISTS (SELECT 1 FROM sources s WHERE s.name = c.source AND s.paused_at IS NOT NULL) AS paused,
                     EXISTS (SELECT 1 FROM sources s WHERE s.name = c.source AND s.braked_at IS NOT NULL)
                         OR EXISTS (SELECT 1 FROM brake_holds b WHERE b.case_id = c.id) AS braked
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
                // What follows is written down: with the newest entry at hand, there is nothing more to read.
                if let Some(seq) = row.try_get("head")? {
                    self.head = Some(Head::read(seq, row.try_get("link")?)?);
                }
                *place = read_leased(row, *lease, &self.key).map(Some);
            }
        }
        Ok(all)
    }

    /// Asks, right before the call, whether it may be made; if so, writes the intent down. `learned` brings what the reads
    /// of this attempt said about the account.
    #[instrument(name = "store.job.dispatch", skip_all, err)]
    pub async fn dispatch(
        &mut self,
        leased: Option<Leased>,
        stage: Stage,
        learned: &Dossier,
        enforce: bool,
        now: Timestamp,
    ) -> Result<Dispatch, StoreError> {
        let Some(leased) = leased else { return Ok(Dispatch::Lost) };
        let lease = &leased.lease;
        let mut dossier = leased.dossier.with_what_was_learned(learned);
        dossier.lapse_approvals_of_other_accounts(&self.key);
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
    #[instrument(name = "store.job.settle", skip_all, err)]
    pub async fn settle(
        &mut self,
        leased: Option<Leased>,
        report: &Report,
        now: Timestamp,
    ) -> Result<StateName, StoreError> {
        let Leased { lease, dossier, .. } = leased.ok_or(StoreError::LeaseLost)?;
        let dossier = dossier.with_what_was_learned(&report.learned);
        let error = report.error.as_deref();
        if !matches!(report.settlement, Settlement::LookAgainAt(_)) {
            self.record_attempt(&lease, report, now);
        }
        match &report.settlement {
            Settlement::Finished(happening) => {
                self.finish(&lease, now);
                self.must_happen(dossier, happening, Note::detail(report.detail.clone()), now).await
            }
            Settlement::RetryAt(due_at) => {
                self.put_back(&lease, *due_at, 1, error);
                self.learn(&dossier)?;
                Ok(dossier.case.state.name())
            }
            Settlement::LookAgainAt(due_at) => {
                self.put_back(&lease, *due_at, 0, error);
                self.learn(&dossier)?;
                Ok(dossier.case.state.name())
            }
        }
    }

    /// Pauses the site that refused us, and gives the job back without counting the attempt.
    #[instrument(name = "store.job.site_refused", skip_all, fields(job.id = %claimed.lease.job_id), err)]
    pub async fn site_refused(&mut self, claimed: &Claimed, reason: &str, now: Timestamp) -> Result<(), StoreError> {
        let leased = self.leased(&[claimed.lease], now).await?.pop().transpose()?.flatten();
        let leased = leased.ok_or(StoreError::LeaseLost)?;
        // Not later than it was due: a clock that is ahead pauses sites, too.
        self.put_back(&claimed.lease, leased.job.due_at.min(now), 0, Some(reason));
        self.pause_site(&leased.dossier.case.site, reason, now).await
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

    fn record_attempt(&mut self, lease: &Lease, report: &Report, now: Timestamp) {
        let outcome = match &report.settlement {
            Settlement::Finished(happening) => happening.name(),
            Settlement::RetryAt(_) => "failed",
            Settlement::LookAgainAt(_) => "looked",
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

fn read_leased(row: &SqliteRow, lease: Lease, key: &MasterKey) -> Result<Leased, StoreError> {
    let (dossier, reading) = (read_case(row, key)?, Reading { what: "job", row });
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
    Ok(Leased { lease, dossier, job, paused: row.try_get("paused")?, braked: row.try_get("braked")? })
}
