//! Revokes access: find, guard, dispatch, call, read back.

use serde_json::Value;

use super::locate::{Located, is_fallback, locate, still_listed};
use crate::atlassian::Revoked;
use crate::domain::account::AccountId;
use crate::domain::case::{Attention, AttentionReason, Change, Transition};
use crate::worker::attempt::{Attempt, Outcome, StepError};

pub(in crate::worker) async fn run(attempt: &mut Attempt<'_>) -> Result<Outcome, StepError> {
    let dispatched = attempt.record.case.progress.revoke_dispatched_at.is_some();
    let account = match locate(attempt).await? {
        Located::Here(account) => account,
        Located::Gone if dispatched => return Ok(not_found_after_revoke()),
        Located::Gone => return Ok(Outcome::finished(Transition::AccountMissing, "deleted_by_others")),
        Located::Listed(account) if !account.active && !is_fallback(&account) && dispatched => {
            return Ok(Outcome::finished(Transition::RevokeConfirmed, "done_by_earlier_call"));
        }
        Located::Listed(account) => return Err(still_listed(&account)),
    };
    if !account.active {
        // Access was revoked by hand, or by an earlier call whose response was lost or that no read showed yet.
        let how = if dispatched { "done_by_earlier_call" } else { "was_revoked_before" };
        return Ok(Outcome::finished(Transition::RevokeConfirmed, how));
    }
    attempt.request_dispatch(Change::Revoke, Value::Null).await?;
    let revoked = attempt.client.revoke(&account.id).await?;
    read_back(attempt, &account.id, revoked).await
}

/// A 404 after a revoke proves neither that access is gone, nor that the account is.
fn not_found_after_revoke() -> Outcome {
    let detail =
        "the revoke was called, and since then the account is neither found by its id nor in the list of users: \
                  whether it was revoked or deleted is not known; look it up by its address in the administration"
            .to_owned();
    Outcome::stuck(Attention { reason: AttentionReason::Refused, detail })
}

/// Only a read confirms the revoke. A 404 or a fallback record on that read proves nothing.
async fn read_back(attempt: &Attempt<'_>, id: &AccountId, revoked: Revoked) -> Result<Outcome, StepError> {
    let account = attempt.client.read(id).await?.filter(|account| !account.former && !is_fallback(account));
    let Some(account) = account else {
        return Err(StepError::transient("the revoke was called, but the account cannot be read after it"));
    };
    match (!account.active, revoked) {
        (true, Revoked::Done) => Ok(Outcome::finished(Transition::RevokeConfirmed, "done_by_us")),
        (true, Revoked::NotThere) => Ok(Outcome::finished(Transition::RevokeConfirmed, "nothing_to_do")),
        (false, Revoked::Done) => {
            Err(StepError::transient("the revoke was accepted, but the account can still be read as active"))
        }
        (false, Revoked::NotThere) => {
            let detail = "Atlassian reports no such customer to revoke, but the account is active".to_owned();
            Ok(Outcome::stuck(Attention { reason: AttentionReason::Refused, detail }))
        }
    }
}
