//! Taking access away: find, guard, ask, call, read back.

use std::ops::ControlFlow;

use super::call;
use super::locate::{Located, locate, still_listed};
use crate::atlassian::Revoked;
use crate::domain::account::AccountId;
use crate::domain::case::{Attention, Happening, Reason, Stage};
use crate::domain::retry::Failure;
use crate::store::{Dossier, StoreError};
use crate::worker::attempt::{Attempt, Outcome};

pub(in crate::worker) async fn make(attempt: &Attempt<'_>, mut dossier: Dossier) -> Result<Outcome, StoreError> {
    let account = match call!(locate(attempt, &mut dossier).await, dossier) {
        Located::Here(account) => account,
        Located::Gone if dossier.case.deeds.revoke_asked_at.is_some() => return Ok(nowhere(dossier)),
        Located::Gone => {
            return Ok(Outcome::finished(Happening::AccountMissing, "deleted_by_somebody_else", dossier));
        }
        Located::Listed(account) if !account.active && dossier.case.deeds.revoke_asked_at.is_some() => {
            return Ok(Outcome::finished(Happening::RevokeConfirmed, "asked_by_us", dossier));
        }
        Located::Listed(account) => return Ok(still_listed(&account, dossier)),
        Located::Ended(outcome) => return Ok(*outcome),
    };
    if !account.active {
        // Either somebody else revoked it, or our own call before, whose answer was lost or too early for a read to show.
        let how = if dossier.case.deeds.revoke_asked_at.is_some() { "asked_by_us" } else { "was_revoked_before" };
        return Ok(Outcome::finished(Happening::RevokeConfirmed, how, dossier));
    }
    if let ControlFlow::Break(outcome) = attempt.may(Stage::Revoke, &dossier).await? {
        return Ok(outcome);
    }
    let revoked = call!(attempt.client.revoke(&account.id).await, dossier);
    read_back(attempt, dossier, &account.id, revoked).await
}

/// A 404 after a revoke does not say that access is gone, nor that the account is.
fn nowhere(dossier: Dossier) -> Outcome {
    let detail =
        "the revoke was asked for, and since then the account is neither found by its id nor in the list of users: \
                  whether it was revoked or deleted is not known; look it up by its address in the administration"
            .to_owned();
    Outcome::stuck(Attention { reason: Reason::Refused, detail }, dossier)
}

/// Revoked is said only after a read said so; a 404 on that read says nothing.
async fn read_back(
    attempt: &Attempt<'_>,
    dossier: Dossier,
    id: &AccountId,
    revoked: Revoked,
) -> Result<Outcome, StoreError> {
    let Some(account) = call!(attempt.client.read(id).await, dossier).filter(|account| !account.former) else {
        let detail = "the revoke was asked for, but the account cannot be read after it".to_owned();
        return Ok(Outcome::Failed { failure: Failure::Transient { detail, retry_at: None }, learned: dossier });
    };
    Ok(match (!account.active, revoked) {
        (true, Revoked::Done) => Outcome::finished(Happening::RevokeConfirmed, "done_by_us", dossier),
        (true, Revoked::NotThere) => Outcome::finished(Happening::RevokeConfirmed, "nothing_to_do", dossier),
        (false, Revoked::Done) => {
            let detail = "the revoke was accepted, but the account can still be read as active".to_owned();
            Outcome::Failed { failure: Failure::Transient { detail, retry_at: None }, learned: dossier }
        }
        (false, Revoked::NotThere) => {
            let detail =
                "Atlassian says that there is no such customer to revoke, but the account is active".to_owned();
            Outcome::stuck(Attention { reason: Reason::Refused, detail }, dossier)
        }
    })
}
