//! Settles an attempt, whatever its result: the next transition, a durable retry, a pause of the site, or a human.

use jiff::Timestamp;
use serde_json::Value;

use super::attempt::{Attempt, Outcome, StepError};
use crate::clock;
use crate::domain::case::{Attention, AttentionReason, Transition};
use crate::domain::retry::{Failure, RetryDecision};
use crate::store::{Settlement, StoreError};

impl Attempt<'_> {
    /// Stores the result of the step.
    pub(super) async fn settle(&self, result: Result<Outcome, StepError>) -> Result<(), StoreError> {
        let outcome = match result {
            Ok(outcome) | Err(StepError::Ends(outcome)) => outcome,
            Err(StepError::Failed(failure)) => return self.fail(failure).await,
            Err(StepError::Store(error)) => return Err(error),
            Err(StepError::Panicked) => {
                tracing::error!("an attempt panicked: its case is handed to a human, other cases continue");
                let detail = "internal error (panic): see the log of this time, and report a bug".to_owned();
                Outcome::stuck(Attention { reason: AttentionReason::Refused, detail })
            }
        };
        match outcome {
            Outcome::Ended(why) => {
                self.context.metrics.count(self.claimed.kind, why);
                tracing::info!(outcome = why, "the attempt ended without a call: {why}");
                Ok(())
            }
            Outcome::NotYet { at, why } => {
                self.write("snoozed", Settlement::SnoozeUntil(at), Some(why), Value::Null).await
            }
            Outcome::StillOpen { at, why } => {
                self.write("snoozed", Settlement::WaitUntil(at), Some(why), Value::Null).await
            }
            Outcome::Finished { transition, detail } => {
                let outcome = transition.name();
                self.write(outcome, Settlement::Finished(transition), None, detail).await
            }
        }
    }

    /// Handles a failure: a durable retry, a pause of the site, or a human.
    async fn fail(&self, failure: Failure) -> Result<(), StoreError> {
        let now = self.now();
        let failures = self.claimed.failures.saturating_add(1);
        let since = self.claimed.failing_since.unwrap_or(now);
        let retry = |retry_at| self.context.retry.next(failures, since, retry_at, now, clock::chance());
        let error = failure.detail().to_owned();
        match failure {
            Failure::Transient { detail, retry_at } => match retry(retry_at) {
                RetryDecision::RetryAt(at) => {
                    self.write("failed", Settlement::RetryAt(at), Some(&error), Value::Null).await
                }
                RetryDecision::GiveUp => {
                    let transition =
                        Transition::AttentionNeeded(Attention { reason: AttentionReason::RetriesExhausted, detail });
                    self.write("given_up", Settlement::Finished(transition), Some(&error), Value::Null).await
                }
            },
            Failure::RateLimited { retry_at, .. } => {
                let at = match (retry_at, retry(retry_at)) {
                    (Some(at), _) => self.context.retry.not_before_shortest_wait(at, now),
                    (None, RetryDecision::RetryAt(at)) => at,
                    (None, RetryDecision::GiveUp) => {
                        now.saturating_add(self.context.retry.base).unwrap_or(Timestamp::MAX)
                    }
                };
                self.write("rate_limited", Settlement::WaitUntil(at), Some(&error), Value::Null).await
            }
            Failure::AccessDenied { detail } | Failure::SiteUnavailable { detail } => self.site_refused(&detail).await,
            Failure::CallRefused { forbidden, works_otherwise, .. } => {
                self.call_refused(&error, forbidden, works_otherwise).await
            }
            Failure::Permanent { detail } => {
                let transition = Transition::AttentionNeeded(Attention { reason: AttentionReason::Refused, detail });
                self.write("refused", Settlement::Finished(transition), Some(&error), Value::Null).await
            }
        }
    }
}
