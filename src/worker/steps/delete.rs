//! Deleting: read again weeks later, guard, ask, call, read back.

use std::ops::ControlFlow;

use super::call;
use super::locate::{Located, locate, still_listed};
use crate::atlassian::Deleted;
use crate::domain::case::{Happening, Stage};
use crate::domain::guard::Objection;
use crate::domain::retry::Failure;
use crate::store::{Dossier, StoreError};
use crate::worker::attempt::{Attempt, Outcome};

pub(in crate::worker) async fn make(attempt: &Attempt<'_>, mut dossier: Dossier) -> Result<Outcome, StoreError> {
    let account = match call!(locate(attempt, &mut dossier).await, dossier) {
        Located::Here(account) => account,
        Located::Gone => {
            // The goal is reached, whoever reached it.
            let how = if dossier.case.deeds.deletion_asked_at.is_some() { "asked_by_us" } else { "was_gone_before" };
            return Ok(accepted(attempt, dossier, how));
        }
        Located::Listed(account) => return Ok(still_listed(&account, dossier)),
        Located::Ended(outcome) => return Ok(*outcome),
    };
    if account.active && dossier.case.deeds.revoked_at.is_some() {
        return Ok(Outcome::stuck(Objection::Regranted, dossier));
    }
    if let ControlFlow::Break(outcome) = attempt.may(Stage::Delete, &dossier).await? {
        return Ok(outcome);
    }
    let deleted = call!(attempt.client.delete(&account.id).await, dossier);
    let there = call!(attempt.client.read(&account.id).await, dossier).is_some_and(|account| !account.former);
    if there {
        return Ok(Outcome::Failed { failure: still_there(attempt, deleted).await, learned: dossier });
    }
    let how = match deleted {
        Deleted::Accepted => "done_by_us",
        Deleted::AlreadyGone => "was_gone_before",
    };
    Ok(accepted(attempt, dossier, how))
}

/// A deletion that a read does not confirm. Where there was nothing to delete, it may have been asked of another site.
async fn still_there(attempt: &Attempt<'_>, deleted: Deleted) -> Failure {
    let detail = match deleted {
        Deleted::Accepted => "the deletion was accepted, but the account can still be read",
        Deleted::AlreadyGone => {
            if let Some(detail) = attempt.client.wrong_cloud_id().await {
                return Failure::SiteRefuses { detail };
            }
            "the deletion found no such account, but it can still be read"
        }
    };
    Failure::Transient { detail: detail.to_owned(), retry_at: None }
}

/// The deletion grace begins now; the account may have been gone before, so this is the latest end that it can have.
pub(super) fn accepted(attempt: &Attempt<'_>, dossier: Dossier, how: &'static str) -> Outcome {
    let grace = attempt.client.site().deletion_grace;
    let grace_ends_at = attempt.now().saturating_add(grace).unwrap_or(jiff::Timestamp::MAX);
    Outcome::finished(Happening::DeletionAccepted { grace_ends_at }, how, dossier)
}
