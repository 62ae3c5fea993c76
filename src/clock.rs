//! Time, ids and randomness. No other module reads them.
//!
//! Other modules receive a [`Clock`] or an instant. Wall time decides *what is due*; tokio's time only *how long to sleep*.

use std::fmt::Debug;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use uuid::{Builder, Uuid};

pub trait Clock: Debug + Send + Sync {
    /// The current time, rounded down to the millisecond. The database stores milliseconds, and a case that is read must equal
    /// the case that was written.
    fn now(&self) -> Timestamp;

    /// The time since a fixed moment by a monotonic clock. It may stand still while the machine sleeps.
    fn elapsed(&self) -> SignedDuration {
        static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);
        SignedDuration::try_from(BEGINNING.elapsed()).unwrap_or(SignedDuration::MAX)
    }
}

#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the clock")]
        let now = Timestamp::now();
        to_the_millisecond(now)
    }
}

/// A clock for tests, which changes only when a test sets it.
#[derive(Debug)]
pub struct ManualClock(Mutex<Reading>);

#[derive(Debug)]
struct Reading {
    now: Timestamp,
    elapsed: SignedDuration,
}

impl ManualClock {
    pub fn at(now: Timestamp) -> Self {
        Self(Mutex::new(Reading { now: to_the_millisecond(now), elapsed: SignedDuration::ZERO }))
    }

    /// Advances wall time and elapsed time. `by` may be negative.
    pub fn advance(&self, by: SignedDuration) {
        let mut reading = self.reading();
        reading.now = reading.now.saturating_add(by).unwrap_or(Timestamp::MAX);
        reading.elapsed = reading.elapsed.saturating_add(by);
    }

    /// Advances wall time and elapsed time to `to`.
    pub fn set(&self, to: Timestamp) {
        let mut reading = self.reading();
        let to = to_the_millisecond(to);
        reading.elapsed = reading.elapsed.saturating_add(to.duration_since(reading.now));
        reading.now = to;
    }

    /// Changes the wall clock by `by`, without elapsed time.
    pub fn jump(&self, by: SignedDuration) {
        let mut reading = self.reading();
        reading.now = reading.now.saturating_add(by).unwrap_or(Timestamp::MAX);
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.reading().now
    }

    fn elapsed(&self) -> SignedDuration {
        self.reading().elapsed
    }
}

fn to_the_millisecond(instant: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(instant.as_millisecond()).unwrap_or(instant)
}

/// A UUID version 7 (RFC 9562), sorted by `now`.
pub fn new_id(now: Timestamp) -> Uuid {
    let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, &random()).into_uuid()
}

/// A random number in `0.0..1.0`, for the jitter of retries.
pub fn chance() -> f64 {
    let [a, b, c, d] = random::<4>();
    f64::from(u32::from_be_bytes([a, b, c, d])) / (f64::from(u32::MAX) + 1.0)
}

/// Random bytes of the operating system.
///
/// # Panics
///
/// If the operating system has no randomness.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::expect_used, reason = "without randomness no key and no id is safe")]
    getrandom::fill(&mut bytes).expect("the operating system returns random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time() {
        let early = new_id(Timestamp::from_millisecond(1_000).unwrap());
        let late = new_id(Timestamp::from_millisecond(2_000).unwrap());
        assert!(early < late);
    }

    #[test]
    fn chance_stays_below_one() {
        assert!((0..1000).all(|_| (0.0..1.0).contains(&chance())));
    }
}
