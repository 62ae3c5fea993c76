//! The consequences of one event under a policy.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::consequence::{Basis, Consequence, Lookup};
use crate::domain::brake::Brake;
use crate::domain::event::{Effective, Event, EventType};
use crate::domain::policy::{Action, Approvals, DayEdge, Policy};

#[derive(Debug)]
pub(crate) struct Circumstances<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) preset: Option<&'a str>,
    pub(crate) lookup: Lookup,
    /// Whether the mode is `observe`.
    pub(crate) observes: bool,
}

/// The policy that is assumed for a preset without a source.
pub(crate) fn neutral() -> Policy {
    Policy {
        departed: Action::RevokeThenDelete,
        email_changed: Action::Ignore,
        erasure_requested: Action::Delete,
        local_grace: SignedDuration::from_hours(30 * 24),
        timezone: TimeZone::UTC,
        effective: DayEdge::EndOfDay,
        approvals: Approvals::default(),
        detach: Vec::new(),
        reinvite: false,
        brake: Brake::default(),
        erasure_within: SignedDuration::from_hours(28 * 24),
    }
}

impl Circumstances<'_> {
    /// Returns the effective time of an event that arrives `now`, and its consequences.
    pub(super) fn plan(&self, event: &Event, now: Timestamp) -> (Option<Timestamp>, Vec<Consequence>) {
        match event.event_type {
            EventType::Ignored => (None, vec![Consequence::Ignored { preset: self.preset.map(str::to_owned) }]),
            EventType::Profile => (None, vec![Consequence::AddressStored]),
            EventType::DepartureCancelled | EventType::Returned => {
                let address = self.explain_address(event);
                let then = address.into_iter().chain([Consequence::Stops, Consequence::NothingWithoutCase]);
                (None, then.collect())
            }
            EventType::CompanyDeparted => {
                let (at, mut then) = self.offboarding(event, now);
                then.insert(0, Consequence::EachCustomer);
                (at, then)
            }
            EventType::Departed | EventType::EmailChanged | EventType::ErasureRequested => self.offboarding(event, now),
        }
    }

    fn offboarding(&self, event: &Event, now: Timestamp) -> (Option<Timestamp>, Vec<Consequence>) {
        let action = self.policy.action(event.event_type).unwrap_or_default();
        let is_company = event.event_type == EventType::CompanyDeparted;
        let key = if is_company { EventType::Departed } else { event.event_type };
        if action == Action::Ignore {
            return (None, vec![Consequence::IgnoredByPolicy { event: key }]);
        }
        let at = self.policy.effective_at(event.effective, now);
        let mut then: Vec<_> = if is_company { None } else { self.explain_address(event) }.into_iter().collect();
        then.push(Consequence::Policy { event: key, action });
        then.push(self.explain_time(event.effective, at));
        let Approvals { revoke, delete } = self.policy.approvals;
        let deleted_at = if action.revokes() {
            then.push(Consequence::Revoked { approvals: revoke });
            if !self.policy.detach.is_empty() {
                then.push(Consequence::Detached { from: self.policy.detach.clone() });
            }
            at.saturating_add(self.policy.local_grace).unwrap_or(Timestamp::MAX)
        } else {
            at
        };
        if action.deletes() {
            let (after_grace, local) = (action.revokes(), self.local(deleted_at));
            then.push(Consequence::Deleted { after_grace, at: deleted_at, local, approvals: delete });
        }
        let Brake { per_hour, per_day } = self.policy.brake;
        then.push(Consequence::Brake { per_hour, per_day });
        if self.observes {
            then.push(Consequence::Observed);
        }
        (Some(at), then)
    }

    /// Returns how the account is identified, unless the event names its address.
    fn explain_address(&self, event: &Event) -> Option<Consequence> {
        let changes = event.event_type == EventType::EmailChanged;
        let named = if changes { event.old_email.as_ref() } else { event.person.email.as_ref() };
        match (named, changes) {
            (Some(_), true) => Some(Consequence::OldAddressOnly),
            (Some(_), false) => None,
            (None, true) => Some(Consequence::StoredOldAddress),
            (None, false) => Some(Consequence::StoredAddress { lookup: self.lookup }),
        }
    }

    fn explain_time(&self, effective: Effective, at: Timestamp) -> Consequence {
        let zone = self.policy.timezone.iana_name().unwrap_or("the zone of the policy").to_owned();
        let basis = match (effective, self.policy.effective) {
            (Effective::Immediately, _) => Basis::Arrival,
            (Effective::At(_), _) => Basis::Instant,
            (Effective::Local(_), _) => Basis::LocalTime,
            (Effective::On(_), DayEdge::EndOfDay) => Basis::EndOfDay,
            (Effective::On(_), DayEdge::StartOfDay) => Basis::StartOfDay,
        };
        Consequence::Effective { at, local: self.local(at), basis, zone }
    }

    fn local(&self, at: Timestamp) -> String {
        at.to_zoned(self.policy.timezone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
    }
}
