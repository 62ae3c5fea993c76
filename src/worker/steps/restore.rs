//! Reads only: was access granted again? There is no API that grants it.

use super::locate::{ensure_can_browse_users, is_fallback};
use crate::domain::case::{Attention, AttentionReason, Transition};
use crate::worker::attempt::{Attempt, Outcome, StepError};

pub(in crate::worker) async fn run(attempt: &mut Attempt<'_>) -> Result<Outcome, StepError> {
    let Some(known) = attempt.record.account.clone() else {
        // A call was dispatched, so the account was known. A case without one has nothing to wait for.
        return Ok(Outcome::finished(Transition::GrantSeen, "no_account_was_touched"));
    };
    let watch = attempt.client.site().watch_grant;
    let Some(account) = attempt.client.read(&known.id).await?.filter(|account| !account.former) else {
        ensure_can_browse_users(attempt).await?;
        let again = attempt.look_again("the account cannot be read; it is looked at again");
        return Ok(again.unwrap_or_else(gone));
    };
    if is_fallback(&account) {
        let why = "the account's record is not available at the moment; it is looked at again";
        return Ok(Outcome::NotYet { at: attempt.later(watch), why });
    }
    attempt.record.reads_without_account = 0;
    let progress = attempt.record.case.progress;
    if account.active {
        // A revoke whose response was lost may still take effect.
        let open_until = progress.revoke_open_until(attempt.open_window()).filter(|at| attempt.now() < *at);
        return Ok(match open_until {
            Some(at) => Outcome::NotYet { at, why: "the revoke that was asked for may still be carried out" },
            None => Outcome::finished(Transition::GrantSeen, "read"),
        });
    }
    if progress.revoked_at.is_none() {
        return Ok(Outcome::finished(Transition::RevokeConfirmed, "asked_by_us"));
    }
    Ok(Outcome::NotYet { at: attempt.later(watch), why: "access is not granted again yet" })
}

fn gone() -> Outcome {
    let detail = "the account is gone, so access to it cannot be granted again: invite the person anew".to_owned();
    Outcome::stuck(Attention { reason: AttentionReason::GrantNeeded, detail })
}
