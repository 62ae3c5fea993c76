//! The days of the demo. The clock is real; a day takes 250 ms.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;
use crate::duration::ConfigDuration;

const DAY_MILLIS: i64 = 250;

/// The local grace of the policy: 30 days.
pub(super) const LOCAL_GRACE: SignedDuration = days(30);

/// The deletion grace of the site: 14 days.
pub(super) const DELETION_GRACE: SignedDuration = SITE_DELETION_GRACE.get();

/// The same as an option of the sandbox.
pub(super) const SITE_DELETION_GRACE: ConfigDuration = ConfigDuration::from_millis(14 * DAY_MILLIS);

/// Additional real time for each expected step, for a busy machine.
const TIMEOUT: SignedDuration = SignedDuration::from_secs(10);

/// The real duration of `count` days of the demo.
pub(super) const fn days(count: i64) -> SignedDuration {
    SignedDuration::from_millis(count * DAY_MILLIS)
}

/// Counts days from the start of the demo.
#[derive(Debug)]
pub(super) struct Calendar {
    clock: Arc<dyn Clock>,
    beginning: Timestamp,
}

impl Calendar {
    pub(super) fn beginning_now(clock: Arc<dyn Clock>) -> Self {
        Self { beginning: clock.now(), clock }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn today(&self) -> i64 {
        self.day_of(self.now())
    }

    pub(super) fn day_of(&self, at: Timestamp) -> i64 {
        whole_days(at.duration_since(self.beginning))
    }

    /// The latest time for a step that is expected `at`.
    pub(super) fn deadline(&self, at: Timestamp) -> Timestamp {
        later(at.max(self.now()), TIMEOUT)
    }

    /// Sleeps until the start of a day; returns immediately if it is past.
    pub(super) async fn reach(&self, day: i64) {
        self.reach_instant(later(self.beginning, days(day))).await;
    }

    pub(super) async fn reach_instant(&self, at: Timestamp) {
        while let Ok(wait) = std::time::Duration::try_from(at.duration_since(self.now()))
            && !wait.is_zero()
        {
            tokio::time::sleep(wait).await;
        }
    }
}

/// Converts a real duration to whole days of the demo.
pub(super) fn whole_days(time: SignedDuration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX).div_euclid(DAY_MILLIS)
}

pub(super) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}
