//! Removes the person from the places that the terms name: organizations, closed service desks, open requests of
//! others.
//!
//! Each call passes the gate separately, so that a stop, a hold or a pause between two of them stops the rest.

use serde_json::{Map, Value, json};

use super::locate::{Located, locate, still_listed};
use crate::atlassian::{Left, OrganizationId, RequestKey, ServiceDeskId};
use crate::domain::account::AccountId;
use crate::domain::case::{Change, Transition};
use crate::domain::policy::Detach;
use crate::domain::retry::Failure;
use crate::worker::attempt::{Attempt, Outcome, StepError};

pub(in crate::worker) async fn run(attempt: &mut Attempt<'_>) -> Result<Outcome, StepError> {
    let account = match locate(attempt).await? {
        Located::Here(account) => account,
        Located::Gone => return Ok(Outcome::finished(Transition::Detached, "nothing_left_to_leave")),
        Located::Listed(account) => return Err(still_listed(&account)),
    };
    let (mut left, mut asked) = (Map::new(), Map::new());
    for what in attempt.record.case.terms.detach.clone() {
        let mut count = 0_usize;
        for place in places(attempt, what, &account.id).await? {
            count += usize::from(leave(attempt, &place, &account.id).await? == Left::Done);
        }
        let told = if answers_strangers_the_same(what) { &mut asked } else { &mut left };
        told.insert(what.to_string(), json!(count));
    }
    let detail = json!({ "how": "done_by_us", "left": left, "asked": asked });
    Ok(Outcome::Finished { transition: Transition::Detached, detail })
}

/// Whether the answer is the same for a person that was not a member: a queue answers 204 either way. The journal then
/// records that the removal was requested, not that the person was removed.
const fn answers_strangers_the_same(what: Detach) -> bool {
    matches!(what, Detach::ServiceDesks)
}

/// A place that one call can leave.
enum Place {
    Organization(OrganizationId),
    ServiceDesk(ServiceDeskId),
    Request(RequestKey),
}

impl Place {
    /// The detail for the journal. The key of a request identifies another person's ticket, so it is omitted.
    fn detail(&self) -> Value {
        match self {
            Self::Organization(id) => json!({ "what": Detach::Organizations, "id": id.as_str() }),
            Self::ServiceDesk(id) => json!({ "what": Detach::ServiceDesks, "id": id.as_str() }),
            Self::Request(_) => json!({ "what": Detach::Participants }),
        }
    }
}

/// The places to leave.
async fn places(attempt: &Attempt<'_>, what: Detach, id: &AccountId) -> Result<Vec<Place>, Failure> {
    let client = attempt.client;
    Ok(match what {
        Detach::Organizations => client.organizations(id).await?.into_iter().map(Place::Organization).collect(),
        Detach::ServiceDesks => client.service_desks().await?.into_iter().map(Place::ServiceDesk).collect(),
        Detach::Participants => client.open_requests(id).await?.into_iter().map(Place::Request).collect(),
    })
}

/// One call, with its intent before it and its outcome after it. Leaving a place without membership is not a failure.
async fn leave(attempt: &Attempt<'_>, place: &Place, id: &AccountId) -> Result<Left, StepError> {
    attempt.request_dispatch(Change::Detach, place.detail()).await?;
    let left = match place {
        Place::Organization(organization) => attempt.client.leave_organization(organization, id).await?,
        Place::ServiceDesk(desk) => attempt.client.leave_service_desk(desk, id).await?,
        Place::Request(request) => attempt.client.leave_request(request, id).await?,
    };
    let mut detail = place.detail();
    if let Some(detail) = detail.as_object_mut() {
        detail.insert("answer".to_owned(), json!(if left == Left::Done { "done" } else { "nothing_to_leave" }));
    }
    attempt.call_done(detail).await?;
    Ok(left)
}
