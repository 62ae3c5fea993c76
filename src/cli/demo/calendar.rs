//! The story's days. Time is real; only a day is short.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;

const DAY_MILLIS: i64 = 250;

/// Our own wait between revoking and deleting: 30 days.
pub(super) const LOCAL_GRACE: SignedDuration = days(30);

/// Atlassian's wait after a deletion: 14 days.
pub(super) const DELETION_GRACE: SignedDuration = days(14);

/// How much longer than expected something may take, in real time: a machine may be busy.
const TIMEOUT: SignedDuration = SignedDuration::from_secs(10);

/// So many of the story's days.
pub(super) const fn days(count: i64) -> SignedDuration {
    SignedDuration::from_millis(count * DAY_MILLIS)
}

/// Counts days from the beginning of the story.
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

    /// The day on which an instant lies.
    pub(super) fn day_of(&self, at: Timestamp) -> i64 {
        whole_days(at.duration_since(self.beginning))
    }

    /// Until when something that is expected `at` may take.
    pub(super) fn deadline(&self, at: Timestamp) -> Timestamp {
        later(at.max(self.now()), TIMEOUT)
    }

    /// Waits for a day of the story; not at all when it has begun.
    pub(super) async fn reach(&self, day: i64) {
        self.reach_instant(later(self.beginning, days(day))).await;
    }

    /// Waits for an instant.
    pub(super) async fn reach_instant(&self, at: Timestamp) {
        while let Ok(wait) = std::time::Duration::try_from(at.duration_since(self.now()))
            && !wait.is_zero()
        {
            tokio::time::sleep(wait).await;
        }
    }
}

/// How many whole days of the story a time lasts.
pub(super) fn whole_days(time: SignedDuration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX).div_euclid(DAY_MILLIS)
}

pub(super) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}
