//! The known facts about a person's leaving and staying, and the order in which they count.
//!
//! Events arrive late, twice and out of order. The newest fact of each kind is stored under the source's person id *and*
//! under the address, and an event is outdated when something newer is known under either. An event's time is the source's
//! own `occurred_at`, which counts only up to the moment of receipt, so that a wrong clock cannot silence a person's later
//! events.

use jiff::{SignedDuration, Timestamp};

use super::event::{Event, EventType};
use super::named;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FactKind {
    /// The person left or will leave.
    Departed,
    /// The departure was cancelled.
    DepartureCancelled,
    /// The person came back.
    Returned,
    /// The address is a former one.
    EmailChanged,
    /// The person requested erasure.
    ErasureRequested,
    /// An operator cancelled or resolved a case.
    OperatorStopped,
    /// An operator opened a case.
    OperatorRequested,
}

named!(FactKind {
    Departed = "departed",
    DepartureCancelled = "departure_cancelled",
    Returned = "returned",
    EmailChanged = "email_changed",
    ErasureRequested = "erasure_requested",
    OperatorStopped = "operator_stopped",
    OperatorRequested = "operator_requested",
});

/// One fact about one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fact {
    pub kind: FactKind,
    /// The source's time, at most the time of receipt.
    pub happened_at: Timestamp,
    /// The source's own `occurred_at`, by which the same fact is recognized, even if the source's clock runs ahead.
    pub claimed_at: Option<Timestamp>,
    /// The fact comes from the delivery that is being routed: a replay is not a repetition.
    pub is_of_this_delivery: bool,
}

/// What the known facts mean for an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// No newer fact is known.
    Newest,
    /// A newer fact is known.
    Outdated,
    /// The same fact is known.
    Repeated,
}

impl FactKind {
    /// The kind of fact that an event states; `None` where its order does not matter.
    pub const fn of(event_type: EventType) -> Option<Self> {
        match event_type {
            EventType::Departed => Some(Self::Departed),
            EventType::DepartureCancelled => Some(Self::DepartureCancelled),
            EventType::Returned => Some(Self::Returned),
            EventType::EmailChanged => Some(Self::EmailChanged),
            EventType::ErasureRequested => Some(Self::ErasureRequested),
            EventType::CompanyDeparted | EventType::Profile | EventType::Ignored => None,
        }
    }

    const fn is_leaving(self) -> bool {
        match self {
            Self::Departed | Self::ErasureRequested => true,
            Self::DepartureCancelled
            | Self::Returned
            | Self::EmailChanged
            | Self::OperatorStopped
            | Self::OperatorRequested => false,
        }
    }

    const fn is_stop(self) -> bool {
        match self {
            Self::DepartureCancelled | Self::Returned => true,
            Self::Departed
            | Self::EmailChanged
            | Self::ErasureRequested
            | Self::OperatorStopped
            | Self::OperatorRequested => false,
        }
    }

    /// Whether a known fact of this kind makes an event of `kind` outdated when it is newer.
    const fn outdates(self, kind: Self) -> bool {
        match self {
            // A former address stays one, whatever its owner does; only a stop of that same address is newer.
            Self::Departed | Self::ErasureRequested => !matches!(kind, Self::EmailChanged),
            Self::DepartureCancelled | Self::Returned | Self::OperatorStopped => true,
            // That an address is a former one says nothing about leaving and staying.
            Self::EmailChanged => matches!(kind, Self::EmailChanged),
            // An operator and a departure agree; a stop from before the request does not undo it.
            Self::OperatorRequested => kind.is_stop(),
        }
    }

    /// Whether an event of the same instant is outdated as well: an operator's decision was made with it in view.
    const fn outdates_its_own_instant(self) -> bool {
        match self {
            Self::OperatorStopped | Self::OperatorRequested => true,
            Self::Departed
            | Self::DepartureCancelled
            | Self::Returned
            | Self::EmailChanged
            | Self::ErasureRequested => false,
        }
    }
}

/// The time of an event: the source's own, at most the time of receipt.
///
/// Receipts are stored in milliseconds, so an event of the same millisecond keeps its own, finer time.
pub fn happened_at(event: &Event, received_at: Timestamp) -> Timestamp {
    let latest = received_at.saturating_add(SignedDuration::new(0, 999_999)).unwrap_or(received_at);
    event.occurred_at.map_or(received_at, |occurred_at| occurred_at.min(latest))
}

/// How an event relates to `facts`, which are known under the id and the address of its person.
pub fn order(event: &Event, received_at: Timestamp, facts: &[Fact]) -> Order {
    let Some(kind) = FactKind::of(event.event_type) else { return Order::Newest };
    let happened_at = happened_at(event, received_at);
    // An event without a time of its own has only its receipt, which does not prove that another event is the same.
    let is_same = |fact: &Fact| {
        let same_time = event.occurred_at.is_some() && fact.claimed_at == event.occurred_at;
        fact.kind == kind && same_time && !fact.is_of_this_delivery
    };
    if facts.iter().any(is_same) {
        return Order::Repeated;
    }
    let is_newer = |fact: &Fact| {
        let newer =
            fact.happened_at > happened_at || (fact.happened_at == happened_at && fact.kind.outdates_its_own_instant());
        newer && fact.kind.outdates(kind)
    };
    if facts.iter().any(is_newer) { Order::Outdated } else { Order::Newest }
}

/// Whether a stop of the address is at least as new as every fact about the person's leaving.
pub fn is_stopped_since(of_address: &[Fact], of_person: &[Fact]) -> bool {
    let left_at = of_person.iter().filter(|fact| fact.kind.is_leaving()).map(|fact| fact.happened_at).max();
    let stops = of_address.iter().filter(|fact| fact.kind.is_stop() || fact.kind == FactKind::OperatorStopped);
    stops
        .map(|fact| fact.happened_at)
        .max()
        .is_some_and(|stopped_at| left_at.is_none_or(|left_at| left_at <= stopped_at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Effective;
    use crate::domain::person::Person;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn event(event_type: EventType, occurred_at: Option<Timestamp>) -> Event {
        Event {
            event_type,
            person: Person::default(),
            old_email: None,
            effective: Effective::Immediately,
            occurred_at,
            company: None,
        }
    }

    fn fact(kind: FactKind, happened_at: Timestamp) -> Fact {
        Fact { kind, happened_at, claimed_at: None, is_of_this_delivery: false }
    }

    fn ago(hours: i64) -> Timestamp {
        NOW - SignedDuration::from_hours(hours)
    }

    #[test]
    fn older_event_never_undoes_a_newer_one() {
        use EventType as E;
        use FactKind as F;
        let outdated = [
            (E::Departed, F::Returned, true),
            (E::Departed, F::Departed, true),
            (E::Departed, F::OperatorStopped, true),
            (E::Departed, F::OperatorRequested, false),
            (E::Departed, F::EmailChanged, false),
            (E::Returned, F::Departed, true),
            (E::Returned, F::OperatorRequested, true),
            (E::DepartureCancelled, F::ErasureRequested, true),
            (E::ErasureRequested, F::Departed, true),
            (E::EmailChanged, F::Departed, false),
            (E::EmailChanged, F::Returned, true),
            (E::EmailChanged, F::EmailChanged, true),
            (E::Profile, F::Returned, false),
        ];
        for (event_type, kind, is_outdated) in outdated {
            let expected = if is_outdated { Order::Outdated } else { Order::Newest };
            let order = order(&event(event_type, Some(ago(2))), NOW, &[fact(kind, ago(1))]);
            assert_eq!(order, expected, "{event_type} before {kind}");
        }
    }

    #[test]
    fn same_kind_at_the_same_instant_is_the_same_fact() {
        let departed = event(EventType::Departed, Some(ago(1)));
        let claimed = |kind| Fact { claimed_at: Some(ago(1)), ..fact(kind, ago(1)) };
        assert_eq!(order(&departed, NOW, &[claimed(FactKind::Departed)]), Order::Repeated);
        assert_eq!(order(&departed, NOW, &[claimed(FactKind::Returned)]), Order::Newest);
        let replayed = Fact { is_of_this_delivery: true, ..claimed(FactKind::Departed) };
        assert_eq!(order(&departed, NOW, &[replayed]), Order::Newest);
        let untimed = event(EventType::Departed, None);
        assert_eq!(order(&untimed, NOW, &[fact(FactKind::Departed, NOW)]), Order::Newest);
    }

    #[test]
    fn time_ahead_of_receipt_is_capped_and_its_repetition_recognized() {
        let tomorrow = ago(-24);
        let departed = event(EventType::Departed, Some(tomorrow));
        assert!(happened_at(&departed, NOW).duration_since(NOW) < SignedDuration::from_millis(1));
        let known = Fact { claimed_at: Some(tomorrow), ..fact(FactKind::Departed, ago(2)) };
        assert_eq!(order(&departed, NOW, &[known, fact(FactKind::OperatorStopped, ago(1))]), Order::Repeated);
    }

    #[test]
    fn operators_stop_outdates_an_event_of_the_same_instant() {
        let departed = event(EventType::Departed, Some(ago(1)));
        assert_eq!(order(&departed, NOW, &[fact(FactKind::OperatorStopped, ago(1))]), Order::Outdated);
        assert_eq!(order(&departed, NOW, &[fact(FactKind::OperatorStopped, ago(2))]), Order::Newest);
    }

    #[test]
    fn stop_of_an_address_outdates_earlier_departures_only() {
        let left = [fact(FactKind::Departed, ago(2)), fact(FactKind::OperatorRequested, ago(1))];
        assert!(is_stopped_since(&[fact(FactKind::Returned, ago(1))], &left));
        assert!(is_stopped_since(&[fact(FactKind::OperatorStopped, ago(2))], &left));
        assert!(!is_stopped_since(&[fact(FactKind::Returned, ago(3))], &left));
        assert!(!is_stopped_since(&[fact(FactKind::Departed, ago(1))], &left));
    }

    #[test]
    fn order_within_one_millisecond_is_kept() {
        let nano = SignedDuration::new(0, 1);
        let departed = event(EventType::Departed, Some(ago(1)));
        assert_eq!(order(&departed, NOW, &[fact(FactKind::Returned, ago(1) + nano)]), Order::Outdated);
        assert_eq!(order(&departed, NOW, &[fact(FactKind::Returned, ago(1) - nano)]), Order::Newest);
    }
}
