//! The share of the connection's time that other writers have while vendors wait for the intake.

use std::time::{Duration, Instant};

/// The intake's time for each unit of time of the others. With less for the others, the jobs of a busy site would wait for
/// vendors; with more, vendors would wait for the router.
const INTAKE: u32 = 6;

/// The time of the others that the intake has not made up for, below which they go first.
const AHEAD: Duration = Duration::from_millis(1);

/// The most that is made up for: the others may have had the connection alone for hours.
const MOST: Duration = Duration::from_millis(5);

/// The time after a unit of the intake in which the next one is expected, although none waits: the vendors have just
/// received their responses.
const SOON: Duration = Duration::from_millis(2);

/// Decides who goes next.
#[derive(Debug, Default)]
pub(super) struct Share {
    /// The time of the others that the intake has not made up for.
    ahead: Duration,
    /// The end of the last unit of the intake.
    intake_at: Option<Instant>,
}

impl Share {
    /// Whether the others go before the intake if both wait.
    pub(super) fn others_first(&self) -> bool {
        self.ahead < AHEAD
    }

    /// Whether the others wait although the intake does not.
    pub(super) fn is_for_intake(&self, now: Instant) -> bool {
        !self.others_first() && self.intake_at.is_some_and(|at| now.saturating_duration_since(at) < SOON)
    }

    /// The longest time for which [`Share::is_for_intake`] can apply.
    pub(super) const fn longest_wait() -> Duration {
        SOON
    }

    /// Counts one unit of work.
    pub(super) fn count(&mut self, is_intake: bool, began: Instant, ended: Instant) {
        let took = ended.saturating_duration_since(began);
        if is_intake {
            self.ahead = self.ahead.saturating_sub(took / INTAKE);
            self.intake_at = Some(ended);
        } else {
            self.ahead = (self.ahead + took).min(MOST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_have_a_seventh_of_the_time_while_both_wait() {
        let (intake, other) = (Duration::from_millis(2), Duration::from_micros(700));
        let (mut share, mut of_intake, mut of_others) = (Share::default(), Duration::ZERO, Duration::ZERO);
        let now = Instant::now();
        for _ in 0..10_000 {
            let is_intake = !share.others_first();
            let took = if is_intake { intake } else { other };
            share.count(is_intake, now, now + took);
            *(if is_intake { &mut of_intake } else { &mut of_others }) += took;
        }
        let part = of_others.as_secs_f64() / (of_intake + of_others).as_secs_f64();
        assert!((0.13..0.15).contains(&part), "{part}");
    }

    #[test]
    fn intake_makes_up_for_a_few_milliseconds_only() {
        let (mut share, now) = (Share::default(), Instant::now());
        share.count(false, now, now + Duration::from_secs(1));
        let groups = (0..1000).take_while(|_| {
            share.count(true, now, now + Duration::from_millis(2));
            !share.others_first()
        });
        assert!(groups.count() < 15);
    }

    #[test]
    fn connection_is_kept_for_the_intake_for_a_moment_only() {
        let (mut share, now) = (Share::default(), Instant::now());
        share.count(false, now, now + MOST);
        assert!(!share.is_for_intake(now + MOST), "no vendor sends anything");
        share.count(true, now, now + MOST);
        assert!(share.is_for_intake(now + MOST));
        assert!(!share.is_for_intake(now + MOST + Share::longest_wait()));
    }
}
