//! Inviting anew after the deletion grace: a brand-new account, without any tie to the old one.

use serde_json::json;

use super::call;
use crate::atlassian::Reinvited;
use crate::domain::case::{Attention, Happening};
use crate::store::{Dossier, StoreError};
use crate::worker::attempt::{Attempt, Outcome};

pub(in crate::worker) async fn make(attempt: &Attempt<'_>, dossier: Dossier) -> Result<Outcome, StoreError> {
    let Some(email) = dossier.person.email.clone() else {
        return Ok(Outcome::stuck(Attention::no_email(), dossier));
    };
    // The name went with the old account. What stands before the `@` is a beginning; the person can mend it.
    let name = email.as_str().rsplit_once('@').map_or(email.as_str(), |(local, _)| local);
    let how = match call!(attempt.client.reinvite(&email, name).await, dossier) {
        Reinvited::Invited(_) => "invited_anew",
        // An earlier attempt whose answer was lost may have invited them.
        Reinvited::Exists if attempt.claimed.attempts > 0 => "asked_by_us",
        Reinvited::Exists => "somebody_has_the_address_already",
    };
    let detail = json!({ "how": how, "note": "a new account: the history of the old one is gone" });
    Ok(Outcome::Finished { happening: Happening::Reinvited, detail, learned: dossier })
}
