//! The context of one event, and the results of routing it.

use jiff::Timestamp;

use crate::domain::ids::{CaseId, DeliveryId, SiteName, SourceName};
use crate::domain::person::Person;
use crate::domain::policy::Policy;
use crate::domain::repeat::Repetition;
use crate::domain::routing::IgnoredReason;
use crate::proof::seal::KeyedHash;
use crate::store::{EventOutcome, EventStatus, Origin};

/// The context that decides an event.
#[derive(Debug, Clone, Copy)]
pub(super) struct EventContext<'a> {
    pub(super) source: &'a SourceName,
    pub(super) site: &'a SiteName,
    pub(super) policy: &'a Policy,
    pub(super) delivery_id: DeliveryId,
    /// Proves that the delivery is not an earlier one again.
    pub(super) origin: Origin,
    /// Whether its body contained the event before.
    pub(super) repetition: Repetition,
    pub(super) received_at: Timestamp,
    pub(super) now: Timestamp,
    /// Whether the vendor can be queried for an address, and was not queried in vain already.
    pub(super) can_look_up: bool,
    /// The position of the event in the delivery.
    pub(super) position: u32,
    /// The position of an event that waited: earlier events of its case come first.
    pub(super) waited: Option<i64>,
}

/// The result of routing an event.
pub(super) type Outcome = EventOutcome<'static>;

/// The person of an event, with the hashes that find the person's cases.
#[derive(Debug)]
pub(super) struct ResolvedPerson {
    pub(super) person: Person,
    pub(super) email_hash: Option<KeyedHash>,
    pub(super) person_hash: Option<KeyedHash>,
}

pub(super) fn applied(case_id: CaseId) -> Outcome {
    Outcome { status: EventStatus::Applied, reason: None, case_id: Some(case_id), looked_up: None }
}

pub(super) fn ignored(reason: IgnoredReason, open: Option<CaseId>) -> Outcome {
    Outcome { status: EventStatus::Ignored, reason: Some(reason.as_str()), case_id: open, looked_up: None }
}

/// The event waits until the call about the person is settled or, where the vendor is queried for the address, until the
/// address is known.
pub(super) fn waits(case_id: Option<CaseId>, looked_up: Option<KeyedHash>) -> Outcome {
    let reason = looked_up.map(|_| "address_is_looked_up");
    Outcome { status: EventStatus::Waiting, reason, case_id, looked_up }
}

/// Of two effects of one event, the one that its row shows: the one that waits, else the one that was applied.
pub(super) fn combine(one: Outcome, other: Outcome) -> Outcome {
    let rank = |outcome: &Outcome| match outcome.status {
        EventStatus::Waiting => 3,
        EventStatus::Applied => 2,
        EventStatus::Ignored => 1,
        EventStatus::Unreadable => 0,
    };
    if rank(&other) > rank(&one) { other } else { one }
}
