//! The share of the connection's time that other writers have while vendors wait for the intake.

use std::time::Duration;

/// The intake's time for each unit of time of the others. With less for the others, the jobs of a busy site would wait for
/// vendors; with more, vendors would wait for the router.
const INTAKE: u32 = 8;

/// The time of the others that the intake has not made up for, below which they go first.
const AHEAD: Duration = Duration::from_millis(1);

/// The most that is made up for: the others may have had the connection alone for hours.
const MOST: Duration = Duration::from_millis(5);

/// Decides who goes next when both wait.
#[derive(Debug, Default)]
pub(super) struct Share {
    /// The time of the others that the intake has not made up for.
    ahead: Duration,
}

impl Share {
    pub(super) fn others_first(&self) -> bool {
        self.ahead < AHEAD
    }

    /// Counts the time of one unit of work.
    pub(super) fn count(&mut self, is_intake: bool, took: Duration) {
        self.ahead = if is_intake { self.ahead.saturating_sub(took / INTAKE) } else { self.ahead + took }.min(MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_have_a_ninth_of_the_time_while_both_wait() {
        let (intake, other) = (Duration::from_micros(2_000), Duration::from_micros(700));
        let (mut share, mut of_intake, mut of_others) = (Share::default(), Duration::ZERO, Duration::ZERO);
        for _ in 0..1_000 {
            let is_intake = !share.others_first();
            let took = if is_intake { intake } else { other };
            share.count(is_intake, took);
            *(if is_intake { &mut of_intake } else { &mut of_others }) += took;
        }
        let part = of_others.as_secs_f64() / (of_intake + of_others).as_secs_f64();
        assert!((0.105..0.12).contains(&part), "{part}");
    }

    #[test]
    fn intake_makes_up_for_a_few_milliseconds_only() {
        let mut share = Share::default();
        share.count(false, Duration::from_secs(1));
        let groups = (0..100).take_while(|_| {
            share.count(true, Duration::from_millis(2));
            !share.others_first()
        });
        assert!(groups.count() < 20);
    }
}
