//! What a source's events result in, and how long to wait.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use super::brake::Brake;
use super::event::{Effective, EventType};
use super::named;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub departed: Action,
    /// The action for the account of the former email address.
    pub email_changed: Action,
    pub erasure_requested: Action,
    /// The wait between revoke and deletion.
    pub local_grace: SignedDuration,
    /// The time zone of days without a time.
    pub timezone: TimeZone,
    /// Which end of a day counts where a source states no time.
    pub effective: DayEdge,
    /// How many different people must approve.
    pub approvals: Approvals,
    /// What else the person leaves after the revoke.
    pub detach: Vec<Detach>,
    /// Whether a person who returns during the deletion grace is invited again after it.
    pub reinvite: bool,
    pub brake: Brake,
    /// The time in which a request for erasure must be carried out.
    pub erasure_within: SignedDuration,
}

impl Policy {
    /// The action for an event of this type; `None` for types that open no case.
    pub fn action(&self, event_type: EventType) -> Option<Action> {
        match event_type {
            EventType::Departed | EventType::CompanyDeparted => Some(self.departed),
            EventType::EmailChanged => Some(self.email_changed),
            EventType::ErasureRequested => Some(self.erasure_requested),
            EventType::DepartureCancelled | EventType::Returned | EventType::Profile | EventType::Ignored => None,
        }
    }

    /// The instant at which an event takes effect: `received_at` for [`Effective::Immediately`].
    ///
    /// The end of a day is the first instant of the next one, by the calendar of the zone: 23 or 25 hours after its
    /// beginning where daylight saving changes.
    pub fn effective_at(&self, effective: Effective, received_at: Timestamp) -> Timestamp {
        let local = match effective {
            Effective::Immediately => return received_at,
            Effective::At(instant) => return instant,
            Effective::Local(time) => time,
            Effective::On(day) => match self.effective {
                DayEdge::StartOfDay => day.to_datetime(jiff::civil::Time::midnight()),
                DayEdge::EndOfDay => day.saturating_add(1.day()).to_datetime(jiff::civil::Time::midnight()),
            },
        };
        // A time that daylight saving skips is taken as just after the gap, one that it doubles as the first: jiff's
        // "compatible" rule, that of RFC 5545. A date out of range can only be far in the future or the past.
        self.timezone
            .to_ambiguous_timestamp(local)
            .compatible()
            .unwrap_or_else(|_| if local.year().is_positive() { Timestamp::MAX } else { Timestamp::MIN })
    }
}

/// What an event results in. A later variant is stronger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    #[default]
    Ignore,
    /// Access is revoked; the account stays.
    Revoke,
    /// Access is revoked, and after the local grace the account is deleted.
    RevokeThenDelete,
    /// The account is deleted, without a revoke before.
    Delete,
}

named!(Action { Ignore = "ignore", Revoke = "revoke", RevokeThenDelete = "revoke_then_delete", Delete = "delete" });

impl Action {
    /// Whether access is revoked first.
    pub const fn revokes(self) -> bool {
        matches!(self, Self::Revoke | Self::RevokeThenDelete)
    }

    /// Whether the account is deleted in the end.
    pub const fn deletes(self) -> bool {
        matches!(self, Self::RevokeThenDelete | Self::Delete)
    }
}

/// Which end of a day counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum DayEdge {
    /// The last day is included.
    #[default]
    EndOfDay,
    /// The last day is not included.
    StartOfDay,
}

named!(DayEdge { EndOfDay = "end-of-day", StartOfDay = "start-of-day" });

/// How many different people must approve before the call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Approvals {
    /// Before access is revoked.
    pub revoke: u8,
    /// Before the account is deleted.
    pub delete: u8,
}

impl Approvals {
    /// The larger number of each action.
    #[must_use]
    pub fn strictest(self, other: Self) -> Self {
        Self { revoke: self.revoke.max(other.revoke), delete: self.delete.max(other.delete) }
    }
}

/// What else a person leaves after the revoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Detach {
    /// The site's customer organizations.
    Organizations,
    /// The customer lists of closed service desks.
    ServiceDesks,
    /// Open requests in which the person participates (never those that the person reported).
    Participants,
}

named!(Detach { Organizations = "organizations", ServiceDesks = "service_desks", Participants = "participants" });

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(timezone: &str, effective: DayEdge) -> Policy {
        Policy {
            departed: Action::RevokeThenDelete,
            email_changed: Action::Ignore,
            erasure_requested: Action::Delete,
            local_grace: SignedDuration::from_hours(720),
            timezone: TimeZone::get(timezone).unwrap(),
            effective,
            approvals: Approvals::default(),
            detach: Vec::new(),
            reinvite: false,
            brake: Brake::default(),
            erasure_within: SignedDuration::from_hours(28 * 24),
        }
    }

    fn effective_at(policy: &Policy, effective: Effective) -> String {
        policy.effective_at(effective, "2026-01-01T00:00:00Z".parse().unwrap()).to_string()
    }

    #[test]
    fn day_ends_when_the_next_begins_in_the_zone_of_the_policy() {
        let berlin = policy("Europe/Berlin", DayEdge::EndOfDay);
        for (day, instant) in [
            ("2026-12-31", "2026-12-31T23:00:00Z"),
            // Clocks go forward on the 29th of March, back on the 25th of October.
            ("2026-03-28", "2026-03-28T23:00:00Z"),
            ("2026-03-29", "2026-03-29T22:00:00Z"),
            ("2026-10-25", "2026-10-25T23:00:00Z"),
            ("2028-02-29", "2028-02-29T23:00:00Z"),
        ] {
            assert_eq!(effective_at(&berlin, Effective::On(day.parse().unwrap())), instant, "{day}");
        }
    }

    #[test]
    fn start_of_day_uses_the_zone_of_the_policy() {
        let auckland = policy("Pacific/Auckland", DayEdge::StartOfDay);
        assert_eq!(effective_at(&auckland, Effective::On("2026-12-31".parse().unwrap())), "2026-12-30T11:00:00Z");
    }

    #[test]
    fn day_out_of_range_is_the_last_or_the_first_instant() {
        let auckland = policy("Pacific/Auckland", DayEdge::EndOfDay);
        let never = policy("America/New_York", DayEdge::StartOfDay);
        assert_eq!(never.effective_at(Effective::On(jiff::civil::Date::MAX), Timestamp::UNIX_EPOCH), Timestamp::MAX);
        assert_eq!(
            auckland.effective_at(Effective::Local(jiff::civil::DateTime::MIN), Timestamp::UNIX_EPOCH),
            Timestamp::MIN
        );
    }

    #[test]
    fn each_action_revokes_and_deletes_as_its_name_says() {
        let does = |action: Action| (action.revokes(), action.deletes());
        assert_eq!(does(Action::Ignore), (false, false));
        assert_eq!(does(Action::Revoke), (true, false));
        assert_eq!(does(Action::RevokeThenDelete), (true, true));
        assert_eq!(does(Action::Delete), (false, true));
    }

    #[test]
    fn local_time_skipped_by_daylight_saving_is_after_the_gap() {
        let berlin = policy("Europe/Berlin", DayEdge::EndOfDay);
        let skipped = Effective::Local("2026-03-29T02:30:00".parse().unwrap());
        assert_eq!(effective_at(&berlin, skipped), "2026-03-29T01:30:00Z");
    }
}
