//! The rate of calls: below the documented bursts, and none while a 429 forbids them.
//!
//! Each endpoint and method of a site has a lane of its own, so that a slow delete never slows a revoke. Waiting for a turn
//! is short; whatever takes longer is handed back, because the durable queue waits better than a task.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};

use super::call::Call;

/// No turn is waited for longer than this.
const LONGEST_TURN: Duration = Duration::from_secs(1);

/// How long a lane rests after a 429 that did not say.
const DEFAULT_REST: SignedDuration = SignedDuration::from_secs(1);

/// No 429 closes a lane for longer: Atlassian's quotas are counted by the hour, so that more is a mistake (epoch seconds
/// have been seen), and a clock that was set back does not close a lane for good.
pub(super) const LONGEST_REST: SignedDuration = SignedDuration::from_hours(1);

/// The lanes of one site.
#[derive(Debug, Default)]
pub(super) struct Pacer(Mutex<HashMap<Call, Lane>>);

#[derive(Debug, Default)]
struct Lane {
    /// When the next call may go, were all calls evenly spaced.
    free_at: Option<Instant>,
    closed_until: Option<Timestamp>,
}

/// How far calls are spaced, and how many spaces may be saved up for a small burst.
#[derive(Debug, Clone, Copy)]
struct Pace {
    space: Duration,
    saved: Duration,
}

impl Pacer {
    /// Waits until this call may be sent. If that is not soon, returns the time instead.
    pub(super) async fn acquire(&self, call: Call, now: Timestamp) -> Result<(), Timestamp> {
        let wait = self.lane(call, |lane| {
            if let Some(until) = lane.closed_until(now) {
                return Err(until);
            }
            lane.take(Pace::of(call), Instant::now())
                .map_err(|wait| SignedDuration::try_from(wait).map_or(now, |wait| later(now, wait)))
        })?;
        if !wait.is_zero() {
            sleep(wait).await;
        }
        Ok(())
    }

    /// Closes this call's lane, and no other, until the instant that a 429 named; for a moment if that is over already.
    pub(super) fn close(&self, call: Call, until: Option<Timestamp>, now: Timestamp) {
        let until = later(now, DEFAULT_REST).max(until.unwrap_or(now));
        self.lane(call, |lane| lane.closed_until = lane.closed_until(now).max(Some(until)));
    }

    fn lane<T>(&self, call: Call, act: impl FnOnce(&mut Lane) -> T) -> T {
        act(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(call.limit()).or_default())
    }
}

impl Lane {
    fn closed_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.closed_until.filter(|until| now < *until && *until <= later(now, LONGEST_REST))
    }

    /// Takes the next turn: how long it is until then, or, when that is too long, the same without taking it.
    fn take(&mut self, pace: Pace, now: Instant) -> Result<Duration, Duration> {
        let earliest = now.checked_sub(pace.saved).unwrap_or(now);
        let turn = self.free_at.map_or(earliest, |free_at| free_at.max(earliest));
        let wait = turn.saturating_duration_since(now);
        if wait > LONGEST_TURN {
            return Err(wait);
        }
        self.free_at = Some(turn + pace.space);
        Ok(wait)
    }
}

impl Pace {
    /// Seven in a hundred below the documented burst, and a twentieth of it saved up: together they stay below it in any
    /// second, and above nine tenths of it when there is much to do.
    fn of(call: Call) -> Self {
        let burst = call.burst();
        let space = Duration::from_secs(1) * 100 / (93 * burst);
        Self { space, saved: space * (burst / 20) }
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When each of `count` calls starts if all of them are requested immediately.
    fn departures(call: Call, count: usize) -> Vec<Duration> {
        let start = Instant::now();
        let mut lane = Lane::default();
        let mut now = start;
        (0..count)
            .map(|_| {
                now += lane.take(Pace::of(call), now).unwrap();
                now - start
            })
            .collect()
    }

    #[test]
    fn no_second_holds_more_than_the_burst_and_none_much_less() {
        for call in Call::ALL {
            let burst = usize::try_from(call.burst()).unwrap();
            let departures = departures(*call, burst * 10);
            for (first, departure) in departures.iter().enumerate() {
                let within =
                    departures[first..].iter().take_while(|d| **d < *departure + Duration::from_secs(1)).count();
                assert!(within <= burst, "{call}: {within} in a second");
            }
            let in_nine_seconds = departures.iter().take_while(|d| **d < Duration::from_secs(9)).count();
            assert!(in_nine_seconds * 10 >= burst * 9 * 9, "{call}: only {in_nine_seconds} in nine seconds");
        }
    }

    #[test]
    fn a_turn_that_is_far_off_is_not_taken() {
        let now = Instant::now();
        let mut lane = Lane::default();
        let taken = (0..1000).filter(|_| lane.take(Pace::of(Call::Revoke), now).is_ok()).count();
        assert!((40..60).contains(&taken), "{taken} turns within a second");
        let far_off = lane.take(Pace::of(Call::Revoke), now).unwrap_err();
        assert!(far_off > LONGEST_TURN && far_off < LONGEST_TURN * 2, "{far_off:?}");
        assert!(lane.take(Pace::of(Call::Revoke), now + Duration::from_millis(100)).is_ok());
    }

    #[tokio::test]
    async fn a_closed_lane_opens_in_time_and_leaves_the_others_alone() {
        let now = Timestamp::from_second(1_000).unwrap();
        let pacer = Pacer::default();
        let until = Timestamp::from_second(1_060).unwrap();
        pacer.close(Call::DeleteUser, Some(until), now);
        assert_eq!(pacer.acquire(Call::DeleteUser, now).await, Err(until));
        assert_eq!(pacer.acquire(Call::Revoke, now).await, Ok(()));
        assert_eq!(pacer.acquire(Call::DeleteUser, until).await, Ok(()));
    }

    #[tokio::test]
    async fn calls_that_search_for_users_rest_together() {
        let now = Timestamp::from_second(1_000).unwrap();
        let pacer = Pacer::default();
        let until = Timestamp::from_second(1_060).unwrap();
        pacer.close(Call::Search, Some(until), now);
        assert_eq!(pacer.acquire(Call::Scan, now).await, Err(until));
        assert_eq!(pacer.acquire(Call::Read, now).await, Ok(()));
    }

    #[tokio::test]
    async fn a_429_that_says_nothing_or_something_that_is_over_rests_for_a_moment() {
        let now = Timestamp::from_second(1_000).unwrap();
        for until in [None, Some(now), Timestamp::from_second(900).ok()] {
            let pacer = Pacer::default();
            pacer.close(Call::Search, until, now);
            assert_eq!(pacer.acquire(Call::Search, now).await, Err(Timestamp::from_second(1_001).unwrap()));
        }
    }

    #[tokio::test]
    async fn of_two_429s_the_longer_counts() {
        let now = Timestamp::from_second(1_000).unwrap();
        let pacer = Pacer::default();
        for seconds in [1_060, 1_030] {
            pacer.close(Call::Search, Timestamp::from_second(seconds).ok(), now);
        }
        assert_eq!(pacer.acquire(Call::Search, now).await, Err(Timestamp::from_second(1_060).unwrap()));
    }

    #[tokio::test]
    async fn a_clock_that_was_set_back_opens_the_lane() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let pacer = Pacer::default();
        pacer.close(Call::Search, Some(Timestamp::from_second(1_000_060).unwrap()), now);
        assert_eq!(pacer.acquire(Call::Search, Timestamp::from_second(0).unwrap()).await, Ok(()));
    }
}
