//! Only reading: did somebody grant access again? There is no API that grants it.

use super::call;
use crate::domain::case::{Attention, Happening, Reason};
use crate::store::{Dossier, StoreError};
use crate::worker::attempt::{Attempt, Outcome};

pub(in crate::worker) async fn make(attempt: &Attempt<'_>, dossier: Dossier) -> Result<Outcome, StoreError> {
    let Some(known) = &dossier.account else {
        // A call was asked for, so the account was known; a case without one has nothing to wait for.
        return Ok(Outcome::finished(Happening::GrantSeen, "no_account_was_touched", dossier));
    };
    let account = call!(attempt.client.read(&known.id).await, dossier).filter(|account| !account.former);
    Ok(match account {
        Some(account) if account.active => Outcome::finished(Happening::GrantSeen, "read", dossier),
        Some(_) => {
            let at = attempt.now().saturating_add(attempt.client.site().watch_grant).unwrap_or(jiff::Timestamp::MAX);
            Outcome::NotYet { at, why: "access is not granted again yet", learned: dossier }
        }
        None => {
            let detail =
                "the account is gone, so access to it cannot be granted again: invite the person anew".to_owned();
            Outcome::stuck(Attention { reason: Reason::GrantNeeded, detail }, dossier)
        }
    })
}
