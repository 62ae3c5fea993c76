//! Whether this machine's clock is right enough for a changing call.
//!
//! Atlassian's `Date` of the latest response, carried on by the machine's monotonic clock, is compared with our wall clock.
//! A clock that is ahead makes calls early, so it stops them; one that is behind makes them late, which is harmless, except
//! when the daemon starts with a clock behind its own newest journal entry: then one of the two times was wrong, and
//! nothing is changed until the clock has passed that entry, or Atlassian's `Date` agrees with the clock.

use jiff::{SignedDuration, Timestamp};

/// How far the clocks may differ.
pub const TOLERANCE: SignedDuration = SignedDuration::from_mins(2);

/// Both clocks of this machine at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The wall clock, which can be set.
    pub wall: Timestamp,
    /// The monotonic clock, which cannot be set.
    pub elapsed: SignedDuration,
}

/// A response with a `Date` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observation {
    pub date: Timestamp,
    /// This machine's clocks when the request was sent.
    pub sent: Reading,
}

/// The observations of one site that judge this machine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockObservations {
    /// A time at which the wall clock was not known to be wrong: the start, or a response that agreed with it.
    pub trusted: Reading,
    /// The latest response, if it had a `Date` header.
    pub latest: Option<Observation>,
    /// The newest journal entry at the start, unless a response confirmed the clock since.
    pub journal_end: Option<Timestamp>,
}

/// Why no changing call may be made now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClockProblem {
    /// The wall clock is ahead of Atlassian's time.
    #[error("clock: this machine's clock is ahead of Atlassian's by {by:#}: correct it; the site resumes by itself")]
    Ahead { by: SignedDuration },
    /// The wall clock moved and the monotonic clock did not, and no response has confirmed the new time.
    #[error(
        "clock: this machine's clock jumped ahead by {by:#}, and no response of Atlassian confirms the new time: correct \
         it, or restart offboardd if the new time is right"
    )]
    Jumped { by: SignedDuration },
    /// Entries of the journal are in the future.
    #[error(
        "clock: this machine's clock is behind the newest journal entry by {by:#}: correct it; the site resumes by \
         itself when the clock has passed that entry or agrees with Atlassian's"
    )]
    BehindJournal { by: SignedDuration },
}

impl ClockObservations {
    /// Checks that the clock allows a changing call at `now`.
    pub fn judge(&self, now: Reading) -> Result<(), ClockProblem> {
        if let Some(latest) = self.latest {
            let by = latest.ahead(now);
            if by > TOLERANCE {
                return Err(ClockProblem::Ahead { by: in_seconds(by) });
            }
            if by >= -TOLERANCE {
                return Ok(());
            }
        } else {
            let by = since(self.trusted.wall, now.wall).saturating_sub(passed(self.trusted, now));
            if by > TOLERANCE {
                return Err(ClockProblem::Jumped { by: in_seconds(by) });
            }
        }
        match self.journal_end {
            Some(end) if end > now.wall => Err(ClockProblem::BehindJournal { by: in_seconds(since(now.wall, end)) }),
            Some(_) | None => Ok(()),
        }
    }

    /// Records a response; `date` is its `Date` header, if it has one.
    pub fn observe(&mut self, date: Option<Timestamp>, sent: Reading) {
        self.latest = date.map(|date| Observation { date, sent });
        if self.latest.is_some_and(Observation::agrees) {
            self.trusted = sent;
            self.journal_end = None;
        }
    }
}

impl Observation {
    /// How far the wall clock is ahead of Atlassian's time, which the monotonic clock continues since the response.
    pub fn ahead(self, now: Reading) -> SignedDuration {
        since(self.date, now.wall).saturating_sub(passed(self.sent, now))
    }

    /// Whether the wall clock agreed with the response.
    pub fn agrees(self) -> bool {
        let ahead = self.ahead(self.sent);
        ahead <= TOLERANCE && ahead >= -TOLERANCE
    }
}

fn passed(from: Reading, to: Reading) -> SignedDuration {
    to.elapsed.saturating_sub(from.elapsed)
}

fn since(from: Timestamp, to: Timestamp) -> SignedDuration {
    to.duration_since(from)
}

fn in_seconds(by: SignedDuration) -> SignedDuration {
    SignedDuration::from_secs(by.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The two clocks, in seconds.
    fn at(wall: i64, elapsed: i64) -> Reading {
        Reading { wall: second(wall), elapsed: SignedDuration::from_secs(elapsed) }
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    fn seconds(seconds: i64) -> SignedDuration {
        SignedDuration::from_secs(seconds)
    }

    const UNKNOWN: ClockObservations = ClockObservations {
        trusted: Reading { wall: Timestamp::UNIX_EPOCH, elapsed: SignedDuration::ZERO },
        latest: None,
        journal_end: None,
    };

    #[test]
    fn clock_ahead_of_the_latest_response_by_over_two_minutes_is_refused() {
        for (date, wall, ahead_by) in [
            (0, 0, None),
            (0, 30, None),
            (30, 0, None),
            (0, 120, None),
            (0, 121, Some(121)),
            (0, 600, Some(600)),
            (600, 0, None),
            (0, 40 * 86_400, Some(40 * 86_400)),
        ] {
            let mut evidence = UNKNOWN;
            evidence.observe(Some(second(date)), at(wall, 5));
            let expected = ahead_by.map_or(Ok(()), |by| Err(ClockProblem::Ahead { by: seconds(by) }));
            assert_eq!(evidence.judge(at(wall, 5)), expected, "date {date}, ours {wall}");
        }
    }

    #[test]
    fn jump_after_the_latest_response_is_detected() {
        let mut evidence = UNKNOWN;
        evidence.observe(Some(second(0)), at(0, 0));
        assert_eq!(evidence.judge(at(3600, 3600)), Ok(()), "an hour passed");
        assert_eq!(evidence.judge(at(3600, 10)), Err(ClockProblem::Ahead { by: seconds(3590) }));
        assert_eq!(evidence.judge(at(-3600, 10)), Ok(()), "set back");
    }

    #[test]
    fn jump_without_any_date_is_refused_until_a_date_confirms_it() {
        let mut evidence = ClockObservations { trusted: at(0, 0), ..UNKNOWN };
        evidence.observe(None, at(1, 1));
        assert_eq!(evidence.judge(at(100, 100)), Ok(()));
        let jumped = at(10_000, 101);
        assert_eq!(evidence.judge(jumped), Err(ClockProblem::Jumped { by: seconds(9899) }));
        evidence.observe(Some(second(10_000)), jumped);
        assert_eq!(evidence.judge(jumped), Ok(()), "it was a correction");
        evidence.observe(None, at(10_001, 102));
        assert_eq!(evidence.judge(at(10_001, 102)), Ok(()), "it stays confirmed");
    }

    #[test]
    fn response_without_a_date_withdraws_the_earlier_conclusion() {
        let mut evidence = ClockObservations { trusted: at(600, 0), ..UNKNOWN };
        evidence.observe(Some(second(0)), at(600, 0));
        assert!(evidence.judge(at(600, 0)).is_err());
        evidence.observe(None, at(601, 1));
        assert_eq!(evidence.judge(at(601, 1)), Ok(()));
    }

    #[test]
    fn clock_behind_the_journal_waits_for_the_entry_or_a_date() {
        let mut evidence = ClockObservations { trusted: at(0, 0), latest: None, journal_end: Some(second(500)) };
        assert_eq!(evidence.judge(at(0, 0)), Err(ClockProblem::BehindJournal { by: seconds(500) }));
        assert_eq!(evidence.judge(at(500, 500)), Ok(()));
        evidence.observe(Some(second(600)), at(0, 0));
        assert!(evidence.judge(at(0, 0)).is_err(), "Atlassian says that we are behind");
        evidence.observe(Some(second(60)), at(0, 0));
        assert_eq!(evidence.judge(at(0, 0)), Ok(()), "Atlassian agrees: the entries were of a wrong time");
        evidence.observe(None, at(1, 1));
        assert_eq!(evidence.judge(at(1, 1)), Ok(()), "it stays confirmed");
    }

    #[test]
    fn problem_names_the_clock_and_the_difference() {
        let problem = ClockProblem::Ahead { by: seconds(600) };
        let text = "clock: this machine's clock is ahead of Atlassian's by 10m: correct it; the site resumes by itself";
        assert_eq!(problem.to_string(), text);
    }
}
