//! One attempt of a job: made by the step of its kind, settled here, whatever came of it.

use std::any::Any;
use std::ops::ControlFlow;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Worker;
use super::scribe::{Desk, Question};
use super::steps;
use crate::atlassian::Client;
use crate::clock;
use crate::domain::case::{Attention, Happening, JobKind, Reason, Stage};
use crate::domain::retry::{Failure, Next};
use crate::store::{Claimed, Dispatch, Dossier, Report, Settlement, StoreError};

/// What is left of a lease for settling.
const TO_SETTLE: SignedDuration = SignedDuration::from_secs(10);

/// One attempt of a job.
#[derive(Debug)]
pub(super) struct Attempt<'a> {
    pub(super) worker: &'a Worker,
    pub(super) client: &'a Client,
    pub(super) claimed: &'a Claimed,
    desk: &'a Desk,
}

/// What an attempt came to.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The job is finished, and this happened. The detail goes into the journal, so it holds no personal data.
    Finished { happening: Happening, detail: Value, learned: Dossier },
    /// Not yet: to be looked at again then, at no cost.
    NotYet { at: Timestamp, why: &'static str, learned: Dossier },
    /// It failed.
    Failed { failure: Failure, learned: Dossier },
    /// The database said that it must not go on, and has settled it already.
    Ended(&'static str),
}

impl Outcome {
    pub(super) fn finished(happening: Happening, how: &'static str, learned: Dossier) -> Self {
        Self::Finished { happening, detail: json!({ "how": how }), learned }
    }

    pub(super) fn stuck(attention: impl Into<Attention>, learned: Dossier) -> Self {
        Self::Finished { happening: Happening::Stuck(attention.into()), detail: Value::Null, learned }
    }
}

impl<'a> Attempt<'a> {
    pub(super) const fn new(worker: &'a Worker, desk: &'a Desk, client: &'a Client, claimed: &'a Claimed) -> Self {
        Self { worker, client, claimed, desk }
    }

    /// Does the work inside the lease: who oversleeps it would do what somebody else does too.
    pub(super) async fn make_in_time(&self) -> Result<Outcome, StoreError> {
        let left = self.claimed.lease.until.duration_since(self.now()).saturating_sub(TO_SETTLE);
        let left = Duration::try_from(left).unwrap_or_default();
        match tokio::time::timeout(left, self.make()).await {
            Ok(made) => made,
            Err(_elapsed) => {
                let failure = Failure::Transient { detail: "the attempt took too long".to_owned(), retry_at: None };
                Ok(Outcome::Failed { failure, learned: self.claimed.dossier.clone() })
            }
        }
    }

    /// Does the work of the job's kind.
    async fn make(&self) -> Result<Outcome, StoreError> {
        let dossier = self.claimed.dossier.clone();
        match self.claimed.kind {
            JobKind::Revoke => steps::revoke::make(self, dossier).await,
            JobKind::Detach => steps::detach::make(self, dossier).await,
            JobKind::Delete => steps::delete::make(self, dossier).await,
            JobKind::Verify => steps::verify::make(self, dossier).await,
            JobKind::Restore => steps::restore::make(self, dossier).await,
            JobKind::Reinvite => steps::reinvite::make(self, dossier).await,
        }
    }

    /// Asks the database, right before a call that changes something, whether it may be made; if not, the attempt is over.
    pub(super) async fn may(&self, stage: Stage, learned: &Dossier) -> Result<ControlFlow<Outcome>, StoreError> {
        if let Err(problem) = self.client.check_clock() {
            let failure = Failure::SiteRefuses { detail: problem.to_string() };
            return Ok(ControlFlow::Break(Outcome::Failed { failure, learned: learned.clone() }));
        }
        let question = Question { stage, learned: learned.clone() };
        Ok(match self.desk.ask(self.claimed.lease, question).await? {
            Dispatch::Go(_) => ControlFlow::Continue(()),
            Dispatch::Held(_) => ControlFlow::Break(Outcome::Ended("held")),
            Dispatch::PutOff => ControlFlow::Break(Outcome::Ended("put_off")),
            Dispatch::Lost => ControlFlow::Break(Outcome::Ended("stopped")),
            Dispatch::Paused => ControlFlow::Break(Outcome::Ended("paused")),
        })
    }

    pub(super) fn now(&self) -> Timestamp {
        self.worker.clock.now()
    }

    /// Writes down what came of it.
    pub(super) async fn settle(
        &self,
        made: Result<Result<Outcome, StoreError>, Box<dyn Any + Send>>,
    ) -> Result<(), StoreError> {
        let outcome = match made {
            Ok(outcome) => outcome?,
            Err(_panic) => {
                tracing::error!("an attempt panicked: the case is handed to a human, the others go on");
                let detail = "an error of our own: see the log of this time, and report it".to_owned();
                Outcome::stuck(Attention { reason: Reason::Refused, detail }, self.claimed.dossier.clone())
            }
        };
        match outcome {
            Outcome::Ended(why) => {
                self.worker.metrics.count(self.claimed.kind, why);
                tracing::info!(outcome = why, "the job did not go on");
                Ok(())
            }
            Outcome::NotYet { at, why, learned } => {
                self.write("not_yet", &learned, Settlement::LookAgainAt(at), Some(why), Value::Null).await
            }
            Outcome::Finished { happening, detail, learned } => {
                let outcome = happening.name();
                self.write(outcome, &learned, Settlement::Finished(happening), None, detail).await
            }
            Outcome::Failed { failure, learned } => self.fail(failure, &learned).await,
        }
    }

    /// What follows from a failure: the durable retry, a pause of the site, or a human.
    async fn fail(&self, failure: Failure, learned: &Dossier) -> Result<(), StoreError> {
        let now = self.now();
        let attempts = self.claimed.attempts.saturating_add(1);
        let retry = |retry_at| self.worker.retry.next(attempts, self.claimed.first_at, retry_at, now, clock::chance());
        let error = failure.detail().to_owned();
        match failure {
            Failure::Transient { detail, retry_at } => match retry(retry_at) {
                Next::RetryAt(at) => {
                    self.write("failed", learned, Settlement::RetryAt(at), Some(&error), Value::Null).await
                }
                Next::GiveUp => {
                    let happening = Happening::Stuck(Attention { reason: Reason::RetriesExhausted, detail });
                    self.write("given_up", learned, Settlement::Finished(happening), Some(&error), Value::Null).await
                }
            },
            Failure::RateLimited { retry_at, .. } => {
                let at = match (retry_at, retry(retry_at)) {
                    (Some(at), _) => self.worker.retry.not_at_once(at, now),
                    (None, Next::RetryAt(at)) => at,
                    (None, Next::GiveUp) => now.saturating_add(self.worker.retry.base).unwrap_or(Timestamp::MAX),
                };
                self.write("rate_limited", learned, Settlement::LookAgainAt(at), Some(&error), Value::Null).await
            }
            Failure::SiteRefuses { detail } => {
                self.worker.metrics.count(self.claimed.kind, "site_refused");
                let site = &self.claimed.dossier.case.site;
                tracing::error!(%site, reason = detail, "the site refuses us: it is paused until that is mended");
                let mut tx = self.worker.store.begin().await?;
                tx.site_refused(self.claimed, &detail, now).await?;
                tx.commit().await
            }
            Failure::Permanent { detail } => {
                let happening = Happening::Stuck(Attention { reason: Reason::Refused, detail });
                self.write("refused", learned, Settlement::Finished(happening), Some(&error), Value::Null).await
            }
        }
    }

    async fn write(
        &self,
        outcome: &'static str,
        learned: &Dossier,
        settlement: Settlement,
        error: Option<&str>,
        detail: Value,
    ) -> Result<(), StoreError> {
        let report = Report {
            started_at: self.claimed.started_at,
            learned: learned.clone(),
            settlement,
            error: error.map(str::to_owned),
            detail,
        };
        let state = self.desk.settle(self.claimed.lease, report).await?;
        self.worker.metrics.count(self.claimed.kind, outcome);
        if let Some(error) = error {
            tracing::warn!(outcome, error, case.state = %state, "an attempt did not finish the job");
        } else {
            tracing::info!(outcome, case.state = %state, "the job is finished");
        }
        Ok(())
    }
}
