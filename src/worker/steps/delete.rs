//! Deletes the account: read again weeks later, guard, dispatch, call, read back.

use jiff::Timestamp;
use serde_json::Value;

use super::locate::{Located, is_fallback, locate, still_listed};
use crate::atlassian::{DeleteWith, Deleted};
use crate::domain::account::AccountId;
use crate::domain::case::{Change, Transition};
use crate::domain::guard::GuardViolation;
use crate::domain::retry::Failure;
use crate::worker::attempt::{Attempt, Outcome, StepError};

pub(in crate::worker) async fn run(attempt: &mut Attempt<'_>) -> Result<Outcome, StepError> {
    let account = match locate(attempt).await? {
        Located::Here(account) => account,
        Located::Gone => return gone(attempt).await,
        Located::Listed(account) => return Err(still_listed(&account)),
    };
    if account.active && attempt.record.case.progress.revoked_at.is_some() {
        return Ok(Outcome::stuck(GuardViolation::Regranted));
    }
    // A second call before that would be rejected.
    let open_until = attempt.record.case.progress.deletion_open_until(attempt.open_window());
    if let Some(until) = open_until.filter(|until| attempt.now() < *until) {
        return Ok(still_open(attempt, until));
    }
    let asked = attempt.record.case.progress.deletion_dispatched_at.is_some();
    attempt.request_dispatch(Change::Delete, Value::Null).await?;
    let deleted = attempt.client.delete(&account.id).await?;
    let there = is_there(attempt, &account.id).await?;
    match deleted {
        Deleted::Accepted if there && asked => {
            Err(StepError::transient("the deletion was accepted again, but the account can still be read"))
        }
        // Accepted: it may take a while.
        Deleted::Accepted if there => Ok(still_open(attempt, attempt.later(attempt.open_window()))),
        Deleted::Accepted => Ok(done(attempt)),
        Deleted::AlreadyGone if there => Err(still_there(attempt).await),
        Deleted::AlreadyGone => Ok(was_gone(attempt)),
    }
}

/// A deletion that was accepted, or whose response was lost, may still take effect: the job only reads until then.
fn still_open(attempt: &Attempt<'_>, until: Timestamp) -> Outcome {
    let next = attempt.client.site().look_again.first().map(|wait| attempt.later(*wait));
    let at = next.map_or(until, |next| next.min(until));
    Outcome::StillOpen { at, why: "the deletion that was asked for may still be carried out" }
}

/// No read finds the account. Where the delete call accepts only customer accounts of this site, its 404 is the proof.
/// The other call must not be made without a read of the account's type right before it.
async fn gone(attempt: &mut Attempt<'_>) -> Result<Outcome, StepError> {
    let Some(known) = attempt.record.account.clone() else { return Ok(was_gone(attempt)) };
    let asked = attempt.record.case.progress.deletion_dispatched_at.is_some();
    if asked || attempt.client.site().delete_with == DeleteWith::JiraUser {
        return Ok(was_gone(attempt));
    }
    // Whether access was granted again cannot be read, so an account that still exists there must not be deleted unread.
    if attempt.client.has_customer_account(&known.id).await? {
        return Err(StepError::transient(
            "the account cannot be read by its id, but Customer Service Management still has it",
        ));
    }
    attempt.request_dispatch(Change::Delete, Value::Null).await?;
    match attempt.client.delete(&known.id).await? {
        Deleted::Accepted => Ok(done(attempt)),
        Deleted::AlreadyGone => Ok(was_gone(attempt)),
    }
}

/// Atlassian accepted the deletion, and no read finds the account.
fn done(attempt: &mut Attempt<'_>) -> Outcome {
    attempt.record.reads_without_account = 1;
    accepted(attempt, "done_by_us")
}

/// The account is gone, by this case or by hand.
fn was_gone(attempt: &mut Attempt<'_>) -> Outcome {
    attempt.record.reads_without_account = 1;
    let asked = attempt.record.case.progress.deletion_dispatched_at.is_some();
    accepted(attempt, if asked { "asked_by_us" } else { "was_gone_before" })
}

async fn is_there(attempt: &Attempt<'_>, id: &AccountId) -> Result<bool, Failure> {
    let account = attempt.client.read(id).await?;
    Ok(account.is_some_and(|account| !account.former && !is_fallback(&account)))
}

/// The delete call found no account, while a read finds it: the cloud id may be that of another site.
async fn still_there(attempt: &Attempt<'_>) -> StepError {
    match attempt.client.wrong_cloud_id().await {
        Some(detail) => Failure::AccessDenied { detail }.into(),
        None => StepError::transient("the deletion found no such account, but it can still be read"),
    }
}

/// The deletion grace begins now; the account may have been gone before, so this is the latest end that it can have.
pub(super) fn accepted(attempt: &Attempt<'_>, how: &'static str) -> Outcome {
    let grace_ends_at = attempt.later(attempt.client.site().deletion_grace);
    Outcome::finished(Transition::DeletionAccepted { grace_ends_at }, how)
}
