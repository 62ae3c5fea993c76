//! By when a request for erasure must be carried out.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::named;

/// The deadline of a request for erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureDeadline {
    /// When the request was received.
    pub requested_at: Timestamp,
    pub until: Timestamp,
}

/// How near a deadline is. At each step a human is alerted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DeadlineStep {
    /// A quarter of the time is left.
    Quarter,
    /// A tenth of the time is left.
    Tenth,
    /// It is over.
    Overdue,
}

named!(DeadlineStep { Quarter = "quarter_left", Tenth = "tenth_left", Overdue = "overdue" });

impl ErasureDeadline {
    pub fn new(requested_at: Timestamp, within: SignedDuration) -> Self {
        Self { requested_at, until: requested_at.saturating_add(within).unwrap_or(Timestamp::MAX) }
    }

    /// The step that is reached at `now`.
    pub fn step(&self, now: Timestamp) -> Option<DeadlineStep> {
        let (all, left) = (self.until.duration_since(self.requested_at), self.until.duration_since(now));
        if left <= SignedDuration::ZERO {
            Some(DeadlineStep::Overdue)
        } else if left.saturating_mul(10) <= all {
            Some(DeadlineStep::Tenth)
        } else if left.saturating_mul(4) <= all {
            Some(DeadlineStep::Quarter)
        } else {
            None
        }
    }

    /// The stricter of two.
    pub(super) fn join(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        [one, other].into_iter().flatten().min_by_key(|deadline| deadline.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn step_follows_from_the_share_of_the_time_that_is_left() {
        let at = |hour: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour);
        let deadline = ErasureDeadline::new(at(0), SignedDuration::from_hours(40));
        for (hour, step) in [
            (0, None),
            (29, None),
            (30, Some(DeadlineStep::Quarter)),
            (35, Some(DeadlineStep::Quarter)),
            (36, Some(DeadlineStep::Tenth)),
            (39, Some(DeadlineStep::Tenth)),
            (40, Some(DeadlineStep::Overdue)),
            (400, Some(DeadlineStep::Overdue)),
        ] {
            assert_eq!(deadline.step(at(hour)), step, "hour {hour}");
        }
    }
}
