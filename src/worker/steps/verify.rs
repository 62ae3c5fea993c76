//! Only reading: is the account gone?

use super::locate::must_see_people;
use super::{call, delete};
use crate::domain::case::{Attention, Course, Happening, Reason, State};
use crate::store::{Dossier, StoreError};
use crate::worker::attempt::{Attempt, Outcome};

pub(in crate::worker) async fn make(attempt: &Attempt<'_>, dossier: Dossier) -> Result<Outcome, StoreError> {
    let there = match &dossier.account {
        Some(known) => call!(attempt.client.read(&known.id).await, dossier).is_some_and(|account| !account.former),
        None => false,
    };
    if !there {
        call!(must_see_people(attempt).await, dossier);
    }
    let in_grace = dossier.case.state == State::DeletionGrace;
    Ok(match (in_grace, there) {
        (true, false) => Outcome::finished(gone(attempt, &dossier), "not_there", dossier),
        (true, true) => {
            let detail = "Atlassian accepted the deletion, but after its grace the account is still there".to_owned();
            Outcome::stuck(Attention { reason: Reason::Refused, detail }, dossier)
        }
        // The answer to the deletion was lost and the case was stopped since: which of them was first?
        (false, false) => delete::accepted(attempt, dossier, "asked_by_us"),
        (false, true) => Outcome::finished(Happening::NotDone, "still_there", dossier),
    })
}

/// The first look is followed by a last one, unless the site's settings want none or somebody waits to be invited anew.
fn gone(attempt: &Attempt<'_>, dossier: &Dossier) -> Happening {
    let case = &dossier.case;
    let look_back = attempt.client.site().look_back;
    let invites = case.course == Course::Returning && case.terms.reinvite;
    if case.deeds.last_look_at.is_some() || look_back.is_zero() || invites {
        return Happening::GoneConfirmed;
    }
    let last_look_at = attempt.now().saturating_add(look_back).unwrap_or(jiff::Timestamp::MAX);
    Happening::GoneSeen { last_look_at }
}
