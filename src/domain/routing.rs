//! What an event results in for the cases of its person.
//!
//! * A **stop** (`returned`, `departure_cancelled`) stops the open case of its address, and every open case that a departure
//!   or an erasure request of its person id opened. A stop by another source than the one that opened the case hands it to a human instead.
//! * A **departure** and an **erasure request** open a case or add a demand to the open one of the address.
//! * **`email_changed`** is about the account of the old address. An address that a person of the source has now is never
//!   changed.
//! * A **sign of life** stops a deletion: when the source reports that a person who has not left has the address of an open
//!   case, a human decides before the next changing call.
//!
//! A source that has one address under two person ids has a duplicate record, or two people share a mailbox. When one of the
//! two leaves and the other has not, no destructive action follows without a human.

use jiff::Timestamp;

use super::case::{
    Attention, Case, Cause, Demand, Direction, EndedDemands, ErasureDeadline, StateName, Terms, Transition,
};
use super::event::{Event, EventType};
use super::ids::SourceName;
use super::named;
use super::policy::{Action, Policy};

/// The context that decides an event.
#[derive(Debug, Clone, Copy)]
pub struct PersonContext<'a> {
    /// The source of the event.
    pub source: &'a SourceName,
    /// The open case of the event's address or, without an address, of its person id.
    pub open: Option<&'a Case>,
    pub address: AddressOwnership,
}

/// Who has the address of an event's person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AddressOwnership {
    /// Only this person.
    #[default]
    Own,
    /// Another person id of the same source as well, whose person has not left.
    Shared,
    /// No address is known.
    Unknown,
}

/// What an event results in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// A case is opened.
    Open {
        terms: Terms,
        cause: Cause,
        effective_at: Timestamp,
        /// Why a human must decide first.
        attention: Option<Attention>,
    },
    /// The open case changes.
    Apply(Transition),
    Ignore(IgnoredReason),
}

/// Why an event has no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IgnoredReason {
    /// A newer fact about the same person is known.
    Older,
    /// The same fact is known already.
    SameFact,
    /// The policy ignores events of this type.
    Policy,
    /// No open case can be stopped by it.
    NoOpenCase,
    /// The case is in that state already, or can no longer be changed by it.
    AlreadySo,
    /// It only states which id and address belong together.
    Remembered,
    /// Not relevant for offboarding.
    NotOurs,
    /// Another person of the source has the same address and has not left, and the open case is not this person id's.
    SharedAddress,
    /// A person of the source has the former address now.
    AddressInUse,
    /// The same body contained it before, and no other event about the person took effect since.
    Duplicate,
    /// The same body contained it before, and the case waits for a human already.
    Repeated,
}

named!(IgnoredReason {
    Older = "older",
    SameFact = "same_fact",
    Policy = "policy",
    NoOpenCase = "no_open_case",
    AlreadySo = "already_so",
    Remembered = "remembered",
    NotOurs = "not_ours",
    SharedAddress = "shared_address",
    AddressInUse = "address_in_use",
    Duplicate = "duplicate",
    Repeated = "repeated",
});

/// Decides an event that opens or changes the case of one address.
pub fn decide(event: &Event, context: PersonContext<'_>, policy: &Policy, received_at: Timestamp) -> Decision {
    match event.event_type {
        // The event is routed as the departure of each customer.
        EventType::Ignored | EventType::CompanyDeparted => Decision::Ignore(IgnoredReason::NotOurs),
        EventType::Profile => Decision::Ignore(IgnoredReason::Remembered),
        EventType::DepartureCancelled | EventType::Returned => match context.open {
            Some(case) => stop(case, context.source),
            None => Decision::Ignore(IgnoredReason::NoOpenCase),
        },
        EventType::Departed | EventType::EmailChanged | EventType::ErasureRequested => {
            let action = policy.action(event.event_type).unwrap_or_default();
            let effective_at = policy.effective_at(event.effective, received_at);
            let (terms, cause) = (Terms::of(policy, action), cause(event.event_type));
            let is_changed_address = cause == Cause::EmailChanged;
            match (action, context.open) {
                (Action::Ignore, _) => Decision::Ignore(IgnoredReason::Policy),
                (_, _) if is_changed_address && context.address == AddressOwnership::Shared => {
                    Decision::Ignore(IgnoredReason::AddressInUse)
                }
                (Action::Revoke | Action::RevokeThenDelete | Action::Delete, None) => {
                    let attention = match context.address {
                        AddressOwnership::Own => None,
                        AddressOwnership::Shared => Some(Attention::shared_address()),
                        AddressOwnership::Unknown => Some(Attention::no_email()),
                    };
                    Decision::Open { terms, cause, effective_at, attention }
                }
                (_, Some(_)) if context.address == AddressOwnership::Shared => {
                    Decision::Ignore(IgnoredReason::SharedAddress)
                }
                (_, Some(_)) => {
                    let demand = Demand::new(Some(context.source.clone()), cause, &terms, effective_at)
                        .due(ErasureDeadline::new(received_at, policy.erasure_within));
                    Decision::Apply(if cause == Cause::ErasureRequested {
                        Transition::ErasureRequested(demand)
                    } else {
                        Transition::Departed(demand)
                    })
                }
            }
        }
    }
}

/// Decides a stop of `source`: it stops a case that the source or an operator opened. A human decides about another source's
/// case.
pub fn stop(case: &Case, source: &SourceName) -> Decision {
    if case.source.as_ref().is_none_or(|opened_by| opened_by == source) {
        Decision::Apply(Transition::Stopped)
    } else {
        hand_over(case, Attention::sources_disagree())
    }
}

/// Decides a stop that names the person id, for a case of another address: it ends what the source demands because the person
/// leaves. The address stays a former one.
pub fn stop_by_id(case: &Case, source: &SourceName) -> Decision {
    let is_ended = |demand: &&Demand| demand.source.as_ref() == Some(source) && demand.is_for_leaving();
    let mut others = case.demands.iter().filter(|demand| !is_ended(demand)).peekable();
    if others.peek().is_none() || case.demands.iter().all(Demand::is_for_leaving) {
        stop(case, source)
    } else if others.any(Demand::is_for_leaving) {
        hand_over(case, Attention::sources_disagree())
    } else {
        Decision::Apply(Transition::DemandsEnded { source: source.clone(), ended: EndedDemands::Leaving })
    }
}

/// Decides what happens to an open case when `source` reports a person who has not left under its address.
///
/// `is_same_person`: the record has the person id of the case. A leaver's own record proves nothing, unless the case is
/// about a former address of that person, which then is a present one again.
pub fn sign_of_life(case: &Case, source: &SourceName, is_same_person: bool) -> Option<Transition> {
    if !case.is_demanded_by(source) {
        return None;
    }
    if is_same_person {
        let ended = EndedDemands::FormerAddress;
        let is_former = case.is_demanded_for_former_address(source);
        return is_former.then(|| Transition::DemandsEnded { source: source.clone(), ended });
    }
    match hand_over(case, Attention::address_in_use()) {
        Decision::Apply(transition) => Some(transition),
        Decision::Open { .. } | Decision::Ignore(_) => None,
    }
}

/// Hands a case to a human, as long as its deletion can still be stopped.
fn hand_over(case: &Case, attention: Attention) -> Decision {
    let is_stopped = case.direction == Direction::Returning;
    let is_too_late = case.state.name() == StateName::DeletionGrace;
    if is_stopped || is_too_late || case.attention().is_some_and(|known| known.reason == attention.reason) {
        return Decision::Ignore(IgnoredReason::AlreadySo);
    }
    Decision::Apply(Transition::AttentionNeeded(attention))
}

const fn cause(event_type: EventType) -> Cause {
    match event_type {
        EventType::EmailChanged => Cause::EmailChanged,
        EventType::ErasureRequested => Cause::ErasureRequested,
        EventType::Departed
        | EventType::DepartureCancelled
        | EventType::Returned
        | EventType::CompanyDeparted
        | EventType::Profile
        | EventType::Ignored => Cause::Departed,
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::domain::brake::Brake;
    use crate::domain::case::tests::opened_by;
    use crate::domain::case::{AttentionReason, State};
    use crate::domain::event::Effective;
    use crate::domain::person::Person;
    use crate::domain::policy::{Approvals, DayEdge};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn policy() -> Policy {
        Policy {
            departed: Action::RevokeThenDelete,
            email_changed: Action::Revoke,
            erasure_requested: Action::Delete,
            local_grace: SignedDuration::ZERO,
            timezone: TimeZone::UTC,
            effective: DayEdge::EndOfDay,
            approvals: Approvals::default(),
            detach: Vec::new(),
            reinvite: false,
            brake: Brake::default(),
            erasure_within: SignedDuration::from_hours(28 * 24),
        }
    }

    fn source(name: &str) -> SourceName {
        name.parse().unwrap()
    }

    fn event(event_type: EventType) -> Event {
        Event {
            event_type,
            person: Person::default(),
            old_email: None,
            effective: Effective::Immediately,
            occurred_at: None,
            company: None,
        }
    }

    fn decide_for(event_type: EventType, open: Option<&Case>, address: AddressOwnership) -> Decision {
        let context = PersonContext { source: &source("hr"), open, address };
        decide(&event(event_type), context, &policy(), NOW)
    }

    /// A case that `hr` opened.
    fn case(cause: Cause) -> Case {
        opened_by(cause, Action::RevokeThenDelete)
    }

    fn reason(transition: Option<Transition>) -> Option<AttentionReason> {
        match transition {
            Some(Transition::AttentionNeeded(attention)) => Some(attention.reason),
            _ => None,
        }
    }

    #[test]
    fn departure_opens_a_case_as_the_policy_states() {
        let terms = Terms::of(&policy(), Action::RevokeThenDelete);
        let expected = Decision::Open { terms, cause: Cause::Departed, effective_at: NOW, attention: None };
        assert_eq!(decide_for(EventType::Departed, None, AddressOwnership::Own), expected);
    }

    #[test]
    fn shared_or_unknown_address_needs_a_human_first() {
        for (address, expected) in [
            (AddressOwnership::Shared, AttentionReason::AddressUnconfirmed),
            (AddressOwnership::Unknown, AttentionReason::NoEmail),
        ] {
            let decision = decide_for(EventType::Departed, None, address);
            let Decision::Open { attention: Some(attention), .. } = decision else { panic!("{decision:?}") };
            assert_eq!(attention.reason, expected);
        }
    }

    #[test]
    fn demand_for_the_same_address_joins_the_open_case() {
        let case = case(Cause::Departed);
        for event_type in [EventType::Departed, EventType::EmailChanged] {
            let decision = decide_for(event_type, Some(&case), AddressOwnership::Own);
            assert!(matches!(decision, Decision::Apply(Transition::Departed(_))), "{event_type}: {decision:?}");
        }
        let decision = decide_for(EventType::ErasureRequested, Some(&case), AddressOwnership::Own);
        assert!(matches!(decision, Decision::Apply(Transition::ErasureRequested(_))), "{decision:?}");
    }

    #[test]
    fn record_that_shares_an_address_may_only_stop() {
        let case = case(Cause::Departed);
        for event_type in [EventType::Departed, EventType::ErasureRequested] {
            let decision = decide_for(event_type, Some(&case), AddressOwnership::Shared);
            assert_eq!(decision, Decision::Ignore(IgnoredReason::SharedAddress), "{event_type}");
        }
        let decision = decide_for(EventType::Returned, Some(&case), AddressOwnership::Shared);
        assert_eq!(decision, Decision::Apply(Transition::Stopped));
    }

    #[test]
    fn former_address_in_use_is_ignored() {
        let decision = decide_for(EventType::EmailChanged, None, AddressOwnership::Shared);
        assert_eq!(decision, Decision::Ignore(IgnoredReason::AddressInUse));
    }

    #[test]
    fn event_that_the_policy_ignores_changes_nothing() {
        let policy = Policy { departed: Action::Ignore, ..policy() };
        let context = PersonContext { source: &source("hr"), open: None, address: AddressOwnership::Own };
        let decision = decide(&event(EventType::Departed), context, &policy, NOW);
        assert_eq!(decision, Decision::Ignore(IgnoredReason::Policy));
    }

    #[test]
    fn stop_without_a_case_changes_nothing() {
        let decision = decide_for(EventType::Returned, None, AddressOwnership::Own);
        assert_eq!(decision, Decision::Ignore(IgnoredReason::NoOpenCase));
    }

    #[test]
    fn stop_by_another_source_needs_a_human() {
        let case = case(Cause::Departed);
        assert_eq!(stop(&case, &source("hr")), Decision::Apply(Transition::Stopped));
        let Decision::Apply(transition) = stop(&case, &source("crm")) else { panic!("nothing") };
        assert_eq!(reason(Some(transition)), Some(AttentionReason::SourcesDisagree));
        let operators = Case { source: None, ..case };
        assert_eq!(stop(&operators, &source("crm")), Decision::Apply(Transition::Stopped));
    }

    #[test]
    fn stop_by_id_ends_only_what_is_demanded_because_the_person_leaves() {
        let leaving = case(Cause::Departed);
        let with = |name: &str, cause| {
            let demand = Demand::new(Some(source(name)), cause, &leaving.terms, NOW);
            Case { demands: leaving.demands.iter().cloned().chain([demand]).collect(), ..leaving.clone() }
        };
        let hr = source("hr");
        assert_eq!(stop_by_id(&leaving, &hr), Decision::Apply(Transition::Stopped));
        assert_eq!(stop_by_id(&with("crm", Cause::Departed), &hr), Decision::Apply(Transition::Stopped));
        let ended = Transition::DemandsEnded { source: hr.clone(), ended: EndedDemands::Leaving };
        for name in ["hr", "crm"] {
            assert_eq!(stop_by_id(&with(name, Cause::EmailChanged), &hr), Decision::Apply(ended.clone()), "{name}");
        }
    }

    #[test]
    fn another_record_with_the_address_hands_the_case_to_a_human() {
        for cause in [Cause::Departed, Cause::ErasureRequested, Cause::EmailChanged] {
            let transition = sign_of_life(&case(cause), &source("hr"), false);
            assert_eq!(reason(transition), Some(AttentionReason::AddressUnconfirmed), "{cause}");
        }
        assert_eq!(sign_of_life(&case(Cause::Departed), &source("crm"), false), None);
    }

    #[test]
    fn own_record_stops_only_the_case_of_a_former_address() {
        let ended = Transition::DemandsEnded { source: source("hr"), ended: EndedDemands::FormerAddress };
        assert_eq!(sign_of_life(&case(Cause::EmailChanged), &source("hr"), true), Some(ended));
        assert_eq!(sign_of_life(&case(Cause::Departed), &source("hr"), true), None);
    }

    #[test]
    fn sign_of_life_after_a_stop_or_in_deletion_grace_has_no_effect() {
        let stopped = Case { direction: Direction::Returning, state: State::Restoring, ..case(Cause::Departed) };
        let late = Case { state: State::DeletionGrace, ..case(Cause::Departed) };
        for case in [stopped, late] {
            assert_eq!(sign_of_life(&case, &source("hr"), false), None);
        }
    }
}
