//! Why a call failed, and when it is tried again.

use jiff::{SignedDuration, Timestamp};

/// Why a call did not do what it should. Made where the calls are made: in `atlassian`, and in `sources::lookup`.
///
/// The texts say which call and what kind of trouble; never an address, an account id or a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// May pass: no answer, a broken one, or the far side's own trouble (5xx). Whether the deed was done is not known.
    Transient {
        /// What was seen.
        detail: String,
        /// When the far side wants to be asked again (`Retry-After`).
        retry_at: Option<Timestamp>,
    },
    /// Too fast (429): only this endpoint of this site waits. It costs no attempt.
    RateLimited {
        /// What was seen.
        detail: String,
        /// When the far side wants to be asked again.
        retry_at: Option<Timestamp>,
    },
    /// The credentials are rejected (401), or nothing is allowed to us: the far side's trouble with us, not the job's. The
    /// site is paused.
    AccessDenied {
        /// What was seen, and what mends it.
        detail: String,
    },
    /// The site as a whole is not there (suspended, moved, behind a login page or a failing proxy): one problem of the site,
    /// which ends by itself. The site is paused.
    SiteUnavailable {
        /// What was seen.
        detail: String,
    },
    /// One kind of call is rejected while the credentials work. Only that kind is paused.
    CallRefused {
        /// What was seen, and what mends it.
        detail: String,
        /// The call is not allowed (401, 403), which a human has to settle when it happens to the same job again; otherwise
        /// there is no such API at the moment.
        forbidden: bool,
        /// The response before, to the same call about another account, was good: probably only this account is concerned.
        works_otherwise: bool,
    },
    /// Will not pass by itself (any other 4xx): for a human.
    Permanent {
        /// What was seen.
        detail: String,
    },
}

impl Failure {
    /// What was seen, in words without personal data.
    pub fn detail(&self) -> &str {
        match self {
            Self::Transient { detail, .. }
            | Self::RateLimited { detail, .. }
            | Self::AccessDenied { detail }
            | Self::SiteUnavailable { detail }
            | Self::CallRefused { detail, .. }
            | Self::Permanent { detail } => detail,
        }
    }
}

/// How long to wait between attempts, and when to call a human.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The wait before the second attempt, before jitter.
    pub base: SignedDuration,
    /// No wait is longer.
    pub max: SignedDuration,
    /// Counted from the first attempt.
    pub give_up_after: SignedDuration,
}

/// No far side is asked again sooner, whatever it says, unless the settings want it.
const SHORTEST: SignedDuration = SignedDuration::from_secs(1);

/// What comes after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryDecision {
    /// Try again then.
    RetryAt(Timestamp),
    /// It has been tried for long enough.
    GiveUp,
}

impl RetryPolicy {
    /// When to try again after `attempts` attempts, the first of which was at `first_at`.
    ///
    /// Exponential with full jitter (`jitter` in `0.0..1.0`): anywhere between a tenth of the wait and the wait, so that
    /// many jobs that failed together do not come back together. The far side's own `retry_at` wins, even over `max`, unless
    /// it is over already ([`RetryPolicy::not_at_once`]); no wait reaches beyond the giving up, so that the last attempt is
    /// made then.
    pub fn next(
        &self,
        attempts: u32,
        first_at: Timestamp,
        retry_at: Option<Timestamp>,
        now: Timestamp,
        jitter: f64,
    ) -> RetryDecision {
        let last = first_at.saturating_add(self.give_up_after).unwrap_or(Timestamp::MAX);
        if now >= last {
            return RetryDecision::GiveUp;
        }
        let doublings = i32::try_from(attempts.saturating_sub(1).min(30)).unwrap_or(30);
        let full = (self.base.as_secs_f64() * 2f64.powi(doublings)).min(self.max.as_secs_f64());
        let wait = SignedDuration::try_from_secs_f64(full * jitter.mul_add(0.9, 0.1)).unwrap_or(self.max);
        let ours = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        RetryDecision::RetryAt(retry_at.map_or(ours, |theirs| self.not_at_once(theirs, now)).clamp(now, last))
    }

    /// `at`, or a moment from now if it is over already: a far side that says "retry after 0" without end, or with a date by a
    /// clock that is behind ours, must not be asked without end.
    pub fn not_at_once(&self, at: Timestamp, now: Timestamp) -> Timestamp {
        at.max(now.saturating_add(self.base.min(SHORTEST)).unwrap_or(Timestamp::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        base: SignedDuration::from_secs(5),
        max: SignedDuration::from_hours(1),
        give_up_after: SignedDuration::from_hours(72),
    };

    fn wait(attempts: u32, jitter: f64) -> i64 {
        let now = Timestamp::UNIX_EPOCH;
        match POLICY.next(attempts, now, None, now, jitter) {
            RetryDecision::RetryAt(at) => at.as_second(),
            RetryDecision::GiveUp => panic!("gave up at once"),
        }
    }

    #[test]
    fn waits_double_up_to_the_cap() {
        let waits: Vec<_> = [1, 2, 3, 4, 10, 11, 40].into_iter().map(|attempts| wait(attempts, 1.0)).collect();
        assert_eq!(waits, [5, 10, 20, 40, 2560, 3600, 3600]);
    }

    #[test]
    fn jitter_spreads_the_wait_and_never_makes_it_nothing() {
        assert_eq!(wait(11, 0.0), 360);
        assert_eq!(wait(11, 0.5), 1980);
    }

    #[test]
    fn the_far_side_knows_better_how_long_to_wait() {
        let now = Timestamp::UNIX_EPOCH;
        let theirs = now + SignedDuration::from_secs(7200);
        assert_eq!(POLICY.next(1, now, Some(theirs), now, 0.5), RetryDecision::RetryAt(theirs));
        let soon = now + SignedDuration::from_secs(1);
        assert_eq!(POLICY.next(11, now, Some(soon), now, 1.0), RetryDecision::RetryAt(soon));
    }

    #[test]
    fn a_time_that_is_over_already_is_a_moment_from_now() {
        let now = Timestamp::UNIX_EPOCH;
        for theirs in [now - SignedDuration::from_hours(1), now, now + SignedDuration::from_millis(1)] {
            let moment = now + SignedDuration::from_secs(1);
            assert_eq!(POLICY.next(1, now, Some(theirs), now, 0.5), RetryDecision::RetryAt(moment));
            assert_eq!(POLICY.not_at_once(theirs, now), moment);
        }
        let hasty = RetryPolicy { base: SignedDuration::from_millis(20), ..POLICY };
        assert_eq!(hasty.not_at_once(now, now), now + SignedDuration::from_millis(20));
    }

    #[test]
    fn it_is_tried_until_the_end_and_no_longer() {
        let first = Timestamp::UNIX_EPOCH;
        let last = first + POLICY.give_up_after;
        let just_before = last - SignedDuration::from_secs(1);
        assert_eq!(POLICY.next(90, first, None, just_before, 1.0), RetryDecision::RetryAt(last));
        assert_eq!(POLICY.next(91, first, None, last, 1.0), RetryDecision::GiveUp);
    }
}
