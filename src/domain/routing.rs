//! What an event does to the case of its person.
//!
//! Events arrive late, twice and out of order. An older one never undoes a newer one about the same person; "older" is by
//! the source's own `occurred_at`, which is believed only up to the moment of receipt, so that a wrong clock cannot silence
//! a person's later events.

use jiff::Timestamp;

use super::case::{Case, Happening, Terms};
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
}

named!(Because {
    Older = "older",
    Policy = "policy",
    NoOpenCase = "no_open_case",
    AlreadySo = "already_so",
    Remembered = "remembered",
    NotOurs = "not_ours",
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
                    Ruling::Open { terms: Terms::of(policy, action), effective_at }
                }
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
        let known = Known { newest: Some(NOW), open: None };
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
        assert_eq!(ruling, Ruling::Open { terms, effective_at: NOW });
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
