//! The one place where time and chance come in.
//!
//! Everything else is handed a [`Clock`] or, better, an instant. Wall time decides *what is due*; tokio's time only *how
//! long to sleep*.

use std::fmt::Debug;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use uuid::{Builder, Uuid};

/// Tells the time.
pub trait Clock: Debug + Send + Sync {
    /// This instant, to the millisecond: the database keeps no more, and a case read back must equal the case written.
    fn now(&self) -> Timestamp;

    /// How much time has passed since some moment, by a clock that nobody can set. It may stand still while the machine
    /// sleeps.
    fn elapsed(&self) -> SignedDuration {
        static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);
        SignedDuration::try_from(BEGINNING.elapsed()).unwrap_or(SignedDuration::MAX)
    }
}

/// The machine's clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the clock")]
        let now = Timestamp::now();
        to_the_millisecond(now)
    }
}

/// A clock that stands still until somebody moves it, for tests.
#[derive(Debug)]
pub struct ManualClock(Mutex<Hands>);

#[derive(Debug)]
struct Hands {
    now: Timestamp,
    elapsed: SignedDuration,
}

impl ManualClock {
    /// A clock that says `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(Mutex::new(Hands { now: to_the_millisecond(now), elapsed: SignedDuration::ZERO }))
    }

    /// Lets `by` pass, which may be negative.
    pub fn advance(&self, by: SignedDuration) {
        let mut hands = self.hands();
        hands.now = hands.now.saturating_add(by).unwrap_or(Timestamp::MAX);
        hands.elapsed = hands.elapsed.saturating_add(by);
    }

    /// Lets time pass until `to`.
    pub fn set(&self, to: Timestamp) {
        let mut hands = self.hands();
        let to = to_the_millisecond(to);
        hands.elapsed = hands.elapsed.saturating_add(to.duration_since(hands.now));
        hands.now = to;
    }

    /// Sets the wall clock wrong: `now` jumps by `by`, and no time passes.
    pub fn jump(&self, by: SignedDuration) {
        let mut hands = self.hands();
        hands.now = hands.now.saturating_add(by).unwrap_or(Timestamp::MAX);
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.hands().now
    }

    fn elapsed(&self) -> SignedDuration {
        self.hands().elapsed
    }
}

fn to_the_millisecond(instant: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(instant.as_millisecond()).unwrap_or(instant)
}

/// A new id, sorted by `now` (UUID version 7, RFC 9562).
pub fn new_id(now: Timestamp) -> Uuid {
    let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, &random()).into_uuid()
}

/// A number in `0.0..1.0`, for the jitter of retries.
pub fn chance() -> f64 {
    let [a, b, c, d] = random::<4>();
    f64::from(u32::from_be_bytes([a, b, c, d])) / (f64::from(u32::MAX) + 1.0)
}

/// Bytes that nobody can guess.
///
/// # Panics
///
/// When the operating system gives none.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::expect_used, reason = "without the system's randomness no key and no id is safe: better to stop")]
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
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
