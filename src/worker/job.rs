//! Runs one claimed job: its step within the lease, then the settlement.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::SignedDuration;

use super::attempt::{Attempt, Outcome, StepError};
use super::context::Context;
use super::steps;
use crate::atlassian::Client;
use crate::store::{ClaimedJob, StoreError};

/// The part of a lease that is reserved for settling.
const TO_SETTLE: SignedDuration = SignedDuration::from_secs(10);

/// Runs the job until it is settled.
pub(super) async fn run(context: &Context, client: &Client, claimed: &ClaimedJob) {
    let mut attempt = Attempt::new(context, client, claimed);
    let result = run_within_lease(&mut attempt).await;
    match attempt.settle(result).await {
        Ok(()) => {}
        Err(StoreError::LeaseLost | StoreError::TermOver) => {
            // The job was stopped, or another worker claimed it after the lease or the term had expired.
            context.metrics.count(claimed.kind, "stopped");
            tracing::info!("job {}: stopped, its lease is lost", claimed.lease.job_id);
        }
        Err(error) => {
            let error = anyhow::Error::new(error);
            tracing::error!(error = format!("{error:#}"), "an attempt could not be settled; its lease will expire");
        }
    }
}

/// Runs the step within the lease: after the lease, another worker may run the same job.
async fn run_within_lease(attempt: &mut Attempt<'_>) -> Result<Outcome, StepError> {
    let store = attempt.context.store.clone();
    let left = attempt.claimed.lease.until.duration_since(attempt.now()).saturating_sub(TO_SETTLE);
    let left = Duration::try_from(left).unwrap_or_default();
    // A panic over one case must not stop the work for the others.
    let step = AssertUnwindSafe(steps::run(attempt)).catch_unwind();
    // A call that is in progress when the term ends is given up, and none begins after it.
    let step = store.while_on_duty(Box::pin(tokio::time::timeout(left, step))).await;
    match step.ok_or(StoreError::TermOver)? {
        Ok(Ok(result)) => result,
        Ok(Err(_panic)) => Err(StepError::Panicked),
        Err(_elapsed) => Err(StepError::transient("the attempt took too long")),
    }
}
