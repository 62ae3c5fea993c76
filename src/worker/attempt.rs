//! One attempt of a job: what a step reads and observes, the gate before each change, and the record of its result.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::backlog::until_routed;
use super::context::Context;
use crate::atlassian::Client;
use crate::domain::case::{Attention, Change, Transition};
use crate::domain::retry::Failure;
use crate::store::{AttemptReport, CaseRecord, ClaimedJob, Dispatch, Intent, Settlement, StoreError};

#[derive(Debug)]
pub(super) struct Attempt<'a> {
    pub(super) context: &'a Context,
    pub(super) client: &'a Client,
    pub(super) claimed: &'a ClaimedJob,
    /// The case as it was claimed, with the observations of this attempt's reads.
    pub(super) record: CaseRecord,
}

/// The result of an attempt.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The job is finished with this transition. The detail goes into the journal, so it holds no personal data.
    Finished { transition: Transition, detail: Value },
    /// Not due yet: checked again at `at`, without counting an attempt.
    NotYet { at: Timestamp, why: &'static str },
    /// An earlier call may still take effect: checked again at `at`. Earlier failures in a row still count.
    StillOpen { at: Timestamp, why: &'static str },
    /// The database stopped the attempt and has settled it already.
    Ended(&'static str),
}

/// The reason why a step was not completed.
#[derive(Debug)]
pub(super) enum StepError {
    Failed(Failure),
    /// The attempt ends early, with this outcome.
    Ends(Outcome),
    /// The database failed, or the lease is lost.
    Store(StoreError),
    /// The step panicked.
    Panicked,
}

impl From<Failure> for StepError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<StoreError> for StepError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Outcome> for StepError {
    fn from(outcome: Outcome) -> Self {
        Self::Ends(outcome)
    }
}

impl Outcome {
    pub(super) fn finished(transition: Transition, how: &'static str) -> Self {
        Self::Finished { transition, detail: json!({ "how": how }) }
    }

    pub(super) fn stuck(attention: impl Into<Attention>) -> Self {
        Self::Finished { transition: Transition::AttentionNeeded(attention.into()), detail: Value::Null }
    }
}

impl StepError {
    /// A failure that may be temporary.
    pub(super) fn transient(detail: &str) -> Self {
        Self::Failed(Failure::Transient { detail: detail.to_owned(), retry_at: None })
    }
}

impl<'a> Attempt<'a> {
    pub(super) fn new(context: &'a Context, client: &'a Client, claimed: &'a ClaimedJob) -> Self {
        Self { context, client, claimed, record: claimed.record.clone() }
    }

    /// The gate: checked right before every call that changes something. Records the intent if the call is allowed;
    /// otherwise ends the attempt.
    pub(super) async fn request_dispatch(&self, change: Change, detail: Value) -> Result<(), StepError> {
        let intent = Intent { change, detail, window: self.open_window() };
        let ended = loop {
            // Checked after a wait, too.
            if let Err(problem) = self.client.check_clock() {
                return Err(Failure::AccessDenied { detail: problem.to_string() }.into());
            }
            match self.dispatch(&intent).await? {
                Dispatch::Allowed(_) => return Ok(()),
                Dispatch::Unrouted(fence) => {
                    let store = &self.context.store;
                    if !until_routed(store, &self.record.case.site, fence).await? {
                        let mut tx = store.begin().await?;
                        tx.defer_until_routed(self.claimed.lease, self.now()).await?;
                        tx.commit().await?;
                        break "unrouted";
                    }
                }
                Dispatch::Held(_) => break "held",
                Dispatch::NotDue => break "not_due",
                Dispatch::Paused => break "paused",
                Dispatch::EventWaits => break "event_waits",
                Dispatch::Open => break "call_unconfirmed",
            }
        };
        Err(Outcome::Ended(ended).into())
    }

    async fn dispatch(&self, intent: &Intent) -> Result<Dispatch, StoreError> {
        let mut tx = self.context.store.begin().await?;
        let enforce = self.context.enforce;
        let dispatch = tx.dispatch(self.claimed.lease, intent, &self.record, enforce, self.now()).await?;
        tx.commit().await?;
        Ok(dispatch)
    }

    /// Records that a call was answered, in an attempt that makes several.
    pub(super) async fn call_done(&self, detail: Value) -> Result<(), StepError> {
        let mut tx = self.context.store.begin().await?;
        tx.call_done(self.claimed.lease, &detail, self.now()).await?;
        Ok(tx.commit().await?)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.context.clock.now()
    }

    pub(super) fn later(&self, by: SignedDuration) -> Timestamp {
        self.now().saturating_add(by).unwrap_or(Timestamp::MAX)
    }

    /// The time after its dispatch in which a call may take effect. It can reach the site as late as the timeout here,
    /// and the site may need as long again.
    pub(super) fn open_window(&self) -> SignedDuration {
        self.client.site().timeout.saturating_mul(2)
    }

    /// Another read, as often as the site's settings demand, and at least once: one read is never a conclusion. `None`
    /// when all of them agreed.
    pub(super) fn look_again(&mut self, why: &'static str) -> Option<Outcome> {
        let reads = usize::try_from(self.record.reads_without_account).unwrap_or(usize::MAX);
        let wait = match self.client.site().look_again.get(reads) {
            Some(wait) => *wait,
            None if reads == 0 => self.open_window(),
            None => {
                self.record.reads_without_account = 0;
                return None;
            }
        };
        self.record.reads_without_account = self.record.reads_without_account.saturating_add(1);
        Some(Outcome::NotYet { at: self.later(wait), why })
    }

    /// Writes the result.
    pub(super) async fn write(
        &self,
        outcome: &'static str,
        settlement: Settlement,
        error: Option<&str>,
        detail: Value,
    ) -> Result<(), StoreError> {
        let report = AttemptReport {
            started_at: self.claimed.started_at,
            observed: self.record.clone(),
            settlement,
            error: error.map(str::to_owned),
            detail,
        };
        let mut tx = self.context.store.begin().await?;
        let state = tx.settle(self.claimed.lease, &report, self.now()).await?;
        tx.commit().await?;
        self.context.metrics.count(self.claimed.kind, outcome);
        if let Some(error) = error {
            tracing::warn!(outcome, error, case.state = %state, "an attempt did not finish the job");
        } else {
            tracing::info!(outcome, case.state = %state, "the job is finished");
        }
        Ok(())
    }
}
