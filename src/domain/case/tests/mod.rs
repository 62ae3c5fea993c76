//! The transition function, by tables and by random histories.

mod approvals;
mod demands;
mod diagram;
mod lifecycle;
mod lost_responses;
mod operators;
mod properties;
mod stops;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::domain::guard::GuardViolation;
use crate::domain::policy::{Action, Approvals, Detach};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const GRACE: SignedDuration = SignedDuration::from_hours(30 * 24);
const FOURTEEN_DAYS: SignedDuration = SignedDuration::from_hours(14 * 24);

fn day(n: i32) -> Timestamp {
    Timestamp::UNIX_EPOCH + DAY * n
}

fn terms(action: Action) -> Terms {
    Terms {
        action,
        local_grace: GRACE,
        approvals: Approvals::default(),
        detach: Vec::new(),
        reinvite: false,
        requested_by: None,
        policy: None,
    }
}

fn demand(source: &str, cause: Cause, action: Action, on: i32) -> Demand {
    Demand::new(Some(source.parse().unwrap()), cause, &terms(action), day(on))
}

/// The source of the case reports another last day.
fn departed(on: i32) -> Transition {
    departed_to(Action::RevokeThenDelete, on)
}

fn departed_to(action: Action, on: i32) -> Transition {
    Transition::Departed(demand("hr", Cause::Departed, action, on))
}

fn erasure(on: i32, action: Action) -> Transition {
    Transition::ErasureRequested(demand("hr", Cause::ErasureRequested, action, on))
}

fn approved(by: &str, stage: Stage) -> Transition {
    Transition::Approved { by: by.to_owned(), stage, account: None }
}

/// A case with `action`, effective on day 10, opened on day 0.
fn opened(action: Action) -> Case {
    opened_by(Cause::Departed, action)
}

/// [`opened`] by an event of this kind of the source `hr`.
pub(in crate::domain) fn opened_by(cause: Cause, action: Action) -> Case {
    let demand = demand("hr", cause, action, 10);
    Case {
        id: uuid::Uuid::nil().into(),
        site: "acme".parse().unwrap(),
        source: demand.source.clone(),
        terms: terms(action),
        effective_at: demand.effective_at,
        demands: vec![demand],
        direction: Direction::Leaving,
        progress: Progress::default(),
        approvals: Vec::new(),
        on_hold: false,
        state: State::Scheduled,
        since: day(0),
    }
}

fn after(case: &Case, transitions: &[(i32, Transition)]) -> Case {
    transitions.iter().fold(case.clone(), |case, (on, transition)| {
        case.apply(transition, day(*on)).unwrap_or_else(|error| panic!("{transition:?}: {error}"))
    })
}

/// The revoke on day 10, from due to confirmed.
fn revoke() -> [(i32, Transition); 3] {
    [(10, Transition::Due), (10, Transition::RevokeDispatched), (10, Transition::RevokeConfirmed)]
}

fn revoked() -> Case {
    after(&opened(Action::RevokeThenDelete), &revoke())
}

fn in_deletion_grace() -> Case {
    let accepted = Transition::DeletionAccepted { grace_ends_at: day(54) };
    after(&revoked(), &[(40, Transition::Due), (40, Transition::DeletionDispatched), (40, accepted)])
}

fn wants(case: &Case) -> Option<(JobKind, Timestamp)> {
    case.job_wanted().map(|wanted| (wanted.kind, wanted.due_at))
}
