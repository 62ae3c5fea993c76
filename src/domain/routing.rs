//! What an event does to the case of its person.
//!
//! Events arrive late, twice and out of order. An older one never undoes a newer one about the same person; "older" is by
//! the source's own `occurred_at`, which is believed only up to the moment of receipt, so that a wrong clock cannot silence
//! a person's later events.
//!
//! A source that knows one address under two person ids has a duplicate record, or two people with one mailbox. When one of
//! the two leaves and the other has not, the address is still somebody's: nothing destructive follows by itself. Without
//! an open case one is opened for a human (`address_unconfirmed`); a case that another id opened is left as it is, so that
//! the deletion of a duplicate neither hastens nor delays the real departure. A stop stops whatever it finds: to stop is
//! never the wrong deed.

use jiff::Timestamp;

use super::case::{Attention, Case, Happening, Terms};
use super::event::{Event, EventType};
use super::named;
use super::policy::{Action, Policy};

/// What is known about the person of an event.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// When the newest fact about this person's leaving or coming back happened.
    pub newest: Option<Timestamp>,
    /// The open case, if there is one.
    pub open: Option<&'a Case>,
    /// Whether the address is known, and whose it is.
    pub address: Address,
}

/// What is known of the address of an event's person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Address {
    /// It is this person's.
    #[default]
    Own,
    /// It belongs to another person id of the same source as well, of somebody who has not left.
    Shared,
    /// There is none.
    Unknown,
}

/// What an event leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// A case is opened.
    Open {
        /// What it leads to.
        terms: Terms,
        /// From when on.
        effective_at: Timestamp,
        /// Why a human has to look first.
        attention: Option<Attention>,
    },
    /// Something happens to the open case.
    Apply(Happening),
    /// Nothing.
    Nothing(Because),
}

/// Why an event leads to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Because {
    /// Something newer about the same person was known.
    Older,
    /// The policy ignores events of this type.
    Policy,
    /// There is no open case that it could stop.
    NoOpenCase,
    /// The case stands there already, or can no longer be moved by it.
    AlreadySo,
    /// It only says which id and address belong together.
    Remembered,
    /// It does not concern us.
    NotOurs,
    /// Somebody else of the source has the same address and has not left, and the open case is not this person id's.
    SharedAddress,
}

named!(Because {
    Older = "older",
    Policy = "policy",
    NoOpenCase = "no_open_case",
    AlreadySo = "already_so",
    Remembered = "remembered",
    NotOurs = "not_ours",
    SharedAddress = "shared_address",
});

/// When an event happened, as far as that is believed.
pub fn happened_at(event: &Event, received_at: Timestamp) -> Timestamp {
    event.occurred_at.map_or(received_at, |occurred_at| occurred_at.min(received_at))
}

/// Whether an event says that a person is leaving or staying, so that its order matters.
pub fn is_ordered(event_type: EventType) -> bool {
    match event_type {
        EventType::Departed | EventType::DepartureCancelled | EventType::Returned | EventType::ErasureRequested => true,
        EventType::EmailChanged | EventType::Profile | EventType::Ignored => false,
    }
}

/// What an event leads to.
pub fn rule(event: &Event, known: Known<'_>, policy: &Policy, received_at: Timestamp) -> Ruling {
    let happened_at = happened_at(event, received_at);
    if is_ordered(event.event_type) && known.newest.is_some_and(|newest| happened_at < newest) {
        return Ruling::Nothing(Because::Older);
    }
    match event.event_type {
        EventType::Ignored => Ruling::Nothing(Because::NotOurs),
        EventType::Profile => Ruling::Nothing(Because::Remembered),
        EventType::DepartureCancelled | EventType::Returned => match known.open {
            Some(_) => Ruling::Apply(Happening::Stopped),
            None => Ruling::Nothing(Because::NoOpenCase),
        },
        EventType::Departed | EventType::EmailChanged | EventType::ErasureRequested => {
            let action = policy.action(event.event_type).unwrap_or_default();
            let effective_at = policy.effective_at(event.effective, received_at);
            match (action, known.open) {
                (Action::Ignore, _) => Ruling::Nothing(Because::Policy),
                (Action::Revoke | Action::RevokeThenDelete | Action::Delete, None) => {
                    let attention = match known.address {
                        Address::Own => None,
                        Address::Shared => Some(Attention::shared_address()),
                        Address::Unknown => Some(Attention::no_email()),
                    };
                    Ruling::Open { terms: Terms::of(policy, action), effective_at, attention }
                }
                (_, Some(_)) if known.address == Address::Shared => Ruling::Nothing(Because::SharedAddress),
                (action, Some(_)) if event.event_type == EventType::ErasureRequested => {
                    Ruling::Apply(Happening::ErasureRequested { effective_at, action })
                }
                // The old address is on its way already, whatever the person is called by now.
                (_, Some(_)) if event.event_type == EventType::EmailChanged => Ruling::Nothing(Because::AlreadySo),
                (_, Some(_)) => Ruling::Apply(Happening::Departed { effective_at }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::domain::brake::Brake;
    use crate::domain::case::{Course, Deeds, Reason, State};
    use crate::domain::event::Effective;
    use crate::domain::person::Person;
    use crate::domain::policy::{Approvals, DayEdge};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn policy() -> Policy {
        Policy {
            departed: Action::RevokeThenDelete,
            email_changed: Action::Ignore,
            erasure_requested: Action::Delete,
            local_grace: SignedDuration::ZERO,
            timezone: TimeZone::UTC,
            effective: DayEdge::EndOfDay,
            approvals: Approvals::default(),
            detach: Vec::new(),
            reinvite: false,
            brake: Brake::default(),
        }
    }

    fn event(event_type: EventType, occurred_at: Option<Timestamp>) -> Event {
        Event { event_type, person: Person::default(), old_email: None, effective: Effective::AtOnce, occurred_at }
    }

    #[test]
    fn an_older_event_never_undoes_a_newer_one() {
        let an_hour_ago = NOW - SignedDuration::from_hours(1);
        let known = Known { newest: Some(NOW), ..Known::default() };
        for event_type in [EventType::Departed, EventType::Returned, EventType::DepartureCancelled] {
            let ruling = rule(&event(event_type, Some(an_hour_ago)), known, &policy(), NOW);
            assert_eq!(ruling, Ruling::Nothing(Because::Older), "{event_type}");
        }
    }

    #[test]
    fn a_clock_from_the_future_is_believed_only_until_now() {
        let in_a_year = NOW + SignedDuration::from_hours(24 * 365);
        assert_eq!(happened_at(&event(EventType::Departed, Some(in_a_year)), NOW), NOW);
    }

    #[test]
    fn a_departure_opens_a_case_as_the_policy_says() {
        let ruling = rule(&event(EventType::Departed, None), Known::default(), &policy(), NOW);
        let terms = Terms::of(&policy(), Action::RevokeThenDelete);
        assert_eq!(ruling, Ruling::Open { terms, effective_at: NOW, attention: None });
    }

    #[test]
    fn who_shares_an_address_is_shown_to_a_human_first() {
        for (address, reason) in [(Address::Shared, Reason::AddressUnconfirmed), (Address::Unknown, Reason::NoEmail)] {
            let known = Known { address, ..Known::default() };
            let ruling = rule(&event(EventType::Departed, None), known, &policy(), NOW);
            let Ruling::Open { attention: Some(attention), .. } = ruling else { panic!("{ruling:?}") };
            assert_eq!(attention.reason, reason);
        }
    }

    #[test]
    fn a_fact_of_the_same_instant_as_the_newest_counts() {
        let known = Known { newest: Some(NOW), ..Known::default() };
        let ruling = rule(&event(EventType::Departed, Some(NOW)), known, &policy(), NOW);
        assert!(matches!(ruling, Ruling::Open { .. }), "{ruling:?}");
    }

    #[test]
    fn only_leaving_and_coming_back_are_judged_by_their_order() {
        let an_hour_ago = NOW - SignedDuration::from_hours(1);
        let known = Known { newest: Some(NOW), ..Known::default() };
        let ruling = rule(&event(EventType::Profile, Some(an_hour_ago)), known, &policy(), NOW);
        assert_eq!(ruling, Ruling::Nothing(Because::Remembered));
        let renames = Policy { email_changed: Action::Revoke, ..policy() };
        let ruling = rule(&event(EventType::EmailChanged, Some(an_hour_ago)), known, &renames, NOW);
        assert!(matches!(ruling, Ruling::Open { .. }), "{ruling:?}");
        let ruling = rule(&event(EventType::ErasureRequested, Some(an_hour_ago)), known, &policy(), NOW);
        assert_eq!(ruling, Ruling::Nothing(Because::Older));
    }

    /// What events lead to while a case of the person is open.
    fn with_an_open_case(event_type: EventType, address: Address) -> Ruling {
        let case = Case {
            id: uuid::Uuid::nil().into(),
            site: "acme".parse().unwrap(),
            source: Some("hr".parse().unwrap()),
            terms: Terms::of(&policy(), Action::RevokeThenDelete),
            course: Course::Leaving,
            effective_at: NOW,
            deeds: Deeds::default(),
            approvals: Vec::new(),
            state: State::Scheduled,
            since: NOW,
        };
        let policy = Policy { email_changed: Action::Revoke, ..policy() };
        rule(&event(event_type, None), Known { open: Some(&case), address, ..Known::default() }, &policy, NOW)
    }

    #[test]
    fn an_open_case_is_moved_hastened_or_stopped_and_never_doubled() {
        for address in [Address::Own, Address::Unknown] {
            for (event_type, ruling) in [
                (EventType::Departed, Ruling::Apply(Happening::Departed { effective_at: NOW })),
                (
                    EventType::ErasureRequested,
                    Ruling::Apply(Happening::ErasureRequested { effective_at: NOW, action: Action::Delete }),
                ),
                (EventType::EmailChanged, Ruling::Nothing(Because::AlreadySo)),
                (EventType::Returned, Ruling::Apply(Happening::Stopped)),
                (EventType::DepartureCancelled, Ruling::Apply(Happening::Stopped)),
            ] {
                assert_eq!(with_an_open_case(event_type, address), ruling, "{event_type}");
            }
        }
    }

    #[test]
    fn who_shares_an_address_neither_hastens_nor_delays_the_case_of_the_other_but_may_stop_it() {
        for event_type in [EventType::Departed, EventType::ErasureRequested, EventType::EmailChanged] {
            let ruling = with_an_open_case(event_type, Address::Shared);
            assert_eq!(ruling, Ruling::Nothing(Because::SharedAddress), "{event_type}");
        }
        let ruling = with_an_open_case(EventType::Returned, Address::Shared);
        assert_eq!(ruling, Ruling::Apply(Happening::Stopped));
    }

    #[test]
    fn what_the_policy_ignores_leads_to_nothing() {
        let ruling = rule(&event(EventType::EmailChanged, None), Known::default(), &policy(), NOW);
        assert_eq!(ruling, Ruling::Nothing(Because::Policy));
    }

    #[test]
    fn a_return_without_a_case_leads_to_nothing() {
        let ruling = rule(&event(EventType::Returned, None), Known::default(), &policy(), NOW);
        assert_eq!(ruling, Ruling::Nothing(Because::NoOpenCase));
    }
}
