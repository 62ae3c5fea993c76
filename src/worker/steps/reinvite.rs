//! Invites the person again after the deletion grace: a new account without any relation to the old one.

use serde_json::{Value, json};

use crate::atlassian::Reinvited;
use crate::domain::case::{Attention, Change, Transition};
use crate::domain::guard::GuardViolation;
use crate::worker::attempt::{Attempt, Outcome, StepError};

pub(in crate::worker) async fn run(attempt: &mut Attempt<'_>) -> Result<Outcome, StepError> {
    let Some(email) = attempt.record.person.email.clone() else {
        return Ok(Outcome::stuck(Attention::no_email()));
    };
    if attempt.client.site().protect.covers_address(&email) {
        return Ok(Outcome::stuck(GuardViolation::Protected));
    }
    let dispatched = attempt.record.case.progress.reinvite_dispatched_at.is_some();
    attempt.request_dispatch(Change::Reinvite, Value::Null).await?;
    // The name was deleted with the old account. The local part of the address is a start that the person can change.
    let name = email.as_str().rsplit_once('@').map_or(email.as_str(), |(local, _)| local);
    let how = match attempt.client.reinvite(&email, name).await? {
        Reinvited::Invited(_) => "invited_again",
        // An earlier attempt whose response was lost may have sent the invitation.
        Reinvited::Exists if dispatched => "done_by_earlier_call",
        Reinvited::Exists => "account_exists",
    };
    let detail = json!({ "how": how, "note": "a new account: the history of the old one is gone" });
    Ok(Outcome::Finished { transition: Transition::Reinvited, detail })
}
