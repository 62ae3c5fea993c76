//! Leaving what the terms name: organizations, closed service desks, open requests of others.

use serde_json::json;

use super::call;
use super::locate::{Located, locate, still_listed};
use crate::atlassian::Left;
use crate::domain::account::AccountId;
use crate::domain::case::Happening;
use crate::domain::policy::Detach;
use crate::domain::retry::Failure;
use crate::store::{Dossier, StoreError};
use crate::worker::attempt::{Attempt, Outcome};

pub(in crate::worker) async fn make(attempt: &Attempt<'_>, mut dossier: Dossier) -> Result<Outcome, StoreError> {
    let account = match call!(locate(attempt, &mut dossier).await, dossier) {
        Located::Here(account) => account,
        Located::Gone => return Ok(Outcome::finished(Happening::Detached, "nothing_left_to_leave", dossier)),
        Located::Listed(account) => return Ok(still_listed(&account, dossier)),
        Located::Ended(outcome) => return Ok(*outcome),
    };
    let (mut left, mut asked) = (serde_json::Map::new(), serde_json::Map::new());
    for what in dossier.case.terms.detach.clone() {
        let count = call!(leave(attempt, what, &account.id).await, dossier);
        let told = if answers_strangers_the_same(what) { &mut asked } else { &mut left };
        told.insert(what.to_string(), json!(count));
    }
    let detail = json!({ "how": "done_by_us", "left": left, "asked": asked });
    Ok(Outcome::Finished { happening: Happening::Detached, detail, learned: dossier })
}

/// Whether nobody can tell from the answer if the person was in it: a desk answers 204 either way. The journal says of those
/// that they were asked, not that they were left.
const fn answers_strangers_the_same(what: Detach) -> bool {
    matches!(what, Detach::ServiceDesks)
}

/// Says how many did what they were asked. Leaving what one is not in is not a failure.
async fn leave(attempt: &Attempt<'_>, what: Detach, id: &AccountId) -> Result<usize, Failure> {
    let client = attempt.client;
    let mut left = 0;
    match what {
        Detach::Organizations => {
            for organization in client.organizations(id).await? {
                left += usize::from(client.leave_organization(&organization, id).await? == Left::Done);
            }
        }
        Detach::ServiceDesks => {
            for desk in client.service_desks().await? {
                left += usize::from(client.leave_service_desk(&desk, id).await? == Left::Done);
            }
        }
        Detach::Participants => {
            for request in client.open_requests(id).await? {
                left += usize::from(client.leave_request(&request, id).await? == Left::Done);
            }
        }
    }
    Ok(left)
}
