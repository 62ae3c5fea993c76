//! The brake: stops a feed that suddenly terminates everyone.
//!
//! It counts the destructive actions that a source's events open, move earlier or make stronger, of any event type, and the
//! pending lookups. Three limits, per source; the first one exceeded freezes that source and no other. Each operator's
//! token has a brake of its own, with the limits of the site's strictest policy. The brake cannot be switched off.
//!
//! A frozen source can stop and postpone, and nothing else. Cases that it opens are held; what would make an open case
//! earlier or stronger is deferred, so that the case continues as it was, and takes effect when the source is released.

use serde::{Deserialize, Serialize};

use super::named;

/// How many destructive actions of one source are allowed before the brake freezes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Brake {
    /// In any 60 minutes.
    pub per_hour: u32,
    /// In any 24 hours.
    pub per_day: u32,
}

impl Default for Brake {
    fn default() -> Self {
        Self { per_hour: 25, per_day: 100 }
    }
}

/// A day is a burst if it has more than this many times the actions of the source's busiest day before.
const BURST: u32 = 5;

/// Up to this many actions in a day are never a burst: a small company that loses a team is no broken feed.
const NO_BURST: u32 = 10;

/// The recent destructive actions of a source: cases opened, and actions moved earlier or made stronger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecentActivity {
    /// In the last 60 minutes.
    pub last_hour: u32,
    /// In the last 24 hours.
    pub last_day: u32,
    /// On the busiest of the 30 days before; `None` while the source is known for less than a week.
    pub busiest_day: Option<u32>,
}

/// A limit of the brake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// `per_hour`.
    PerHour,
    /// `per_day`.
    PerDay,
    /// [`BURST`] times the source's busiest day.
    Burst,
}

named!(Limit { PerHour = "per_hour", PerDay = "per_day", Burst = "burst" });

/// Why the brake trip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrakeTrip {
    /// A limit of the brake.
    pub limit: Limit,
    pub allowed: u32,
    /// How many actions were counted.
    pub seen: u32,
}

impl std::fmt::Display for BrakeTrip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} revokes and deletions planned, where {} are allowed", self.limit, self.seen, self.allowed)
    }
}

impl Brake {
    /// The smaller value of each limit.
    #[must_use]
    pub fn strictest(self, other: Self) -> Self {
        Self { per_hour: self.per_hour.min(other.per_hour), per_day: self.per_day.min(other.per_day) }
    }

    /// The first limit that `activity` exceeds.
    pub fn trips(&self, activity: &RecentActivity) -> Option<BrakeTrip> {
        let burst = activity.busiest_day.map(|busiest| busiest.saturating_mul(BURST).max(NO_BURST));
        let limits = [
            (Limit::PerHour, Some(self.per_hour), activity.last_hour),
            (Limit::PerDay, Some(self.per_day), activity.last_day),
            (Limit::Burst, burst, activity.last_day),
        ];
        limits.into_iter().find_map(|(limit, allowed, seen)| {
            let allowed = allowed?;
            (seen > allowed).then_some(BrakeTrip { limit, allowed, seen })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trip(last_hour: u32, last_day: u32, busiest_day: Option<u32>) -> Option<Limit> {
        Brake { per_hour: 25, per_day: 100 }
            .trips(&RecentActivity { last_hour, last_day, busiest_day })
            .map(|t| t.limit)
    }

    #[test]
    fn as_many_as_are_believed_pass_and_one_more_does_not() {
        assert_eq!(trip(25, 25, None), None);
        assert_eq!(trip(26, 26, None), Some(Limit::PerHour));
        assert_eq!(trip(1, 101, None), Some(Limit::PerDay));
    }

    #[test]
    fn many_actions_after_quiet_days_are_a_burst() {
        assert_eq!(trip(15, 15, Some(3)), None);
        assert_eq!(trip(16, 16, Some(3)), Some(Limit::Burst));
        assert_eq!(trip(10, 10, Some(0)), None, "a handful is never a burst");
        assert_eq!(trip(16, 16, None), None, "a new source has no history");
    }

    #[test]
    fn trip_names_the_limit_and_both_numbers() {
        let trip = Brake::default().trips(&RecentActivity { last_hour: 812, last_day: 812, busiest_day: None });
        assert_eq!(trip.unwrap().to_string(), "per_hour: 812 revokes and deletions planned, where 25 are allowed");
    }
}
