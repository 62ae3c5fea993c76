//! Taking access away: find, guard, ask, call, read back.

use std::ops::ControlFlow;

use super::call;
use super::locate::{Located, locate};
use crate::atlassian::Revoked;
use crate::domain::account::AccountId;
use crate::domain::case::{Attention, Happening, Reason, Stage};
use crate::domain::retry::Failure;
use crate::store::{Dossier, StoreError};
use crate::worker::attempt::{Attempt, Outcome};

pub(in crate::worker) async fn make(attempt: &Attempt<'_>, mut dossier: Dossier) -> Result<Outcome, StoreError> {
    let account = match call!(locate(attempt, &mut dossier).await, dossier) {
        Located::Here(account) => account,
        Located::Gone => {
            return Ok(Outcome::finished(Happening::AccountMissing, "deleted_by_somebody_else", dossier));
        }
        Located::Ended(outcome) => return Ok(*outcome),
    };
    if !account.active {
        // Either somebody else revoked it, or our own call before, whose answer was lost.
        let how = if dossier.case.deeds.revoke_asked_at.is_some() { "done_by_us" } else { "was_revoked_before" };
        return Ok(Outcome::finished(Happening::RevokeConfirmed, how, dossier));
    }
    if let ControlFlow::Break(outcome) = attempt.may(Stage::Revoke, &dossier).await? {
        return Ok(outcome);
    }
    let revoked = call!(attempt.client.revoke(&account.id).await, dossier);
    read_back(attempt, dossier, &account.id, revoked).await
}

/// Revoked is said only after a read said so; a 404 on that read says nothing.
async fn read_back(
    attempt: &Attempt<'_>,
    dossier: Dossier,
    id: &AccountId,
    revoked: Revoked,
) -> Result<Outcome, StoreError> {
    let account = call!(attempt.client.read(id).await, dossier);
    let inactive = account.is_some_and(|account| !account.active);
    Ok(match (inactive, revoked) {
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
