//! Why a call failed, and when it is retried.

use jiff::{SignedDuration, Timestamp};

/// Why a call failed, as classified where calls are made: in `atlassian`, and in `sources::lookup`.
///
/// The details name the call and the kind of failure, never an email address, an account id or a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// May pass: no response, an unreadable one, or an error of the remote (5xx). Whether the call took effect is not known.
    Transient {
        detail: String,
        /// `Retry-After`.
        retry_at: Option<Timestamp>,
    },
    /// Too many requests (429): only this endpoint of this site waits. It does not count as an attempt.
    RateLimited {
        detail: String,
        /// `Retry-After`.
        retry_at: Option<Timestamp>,
    },
    /// The credentials are rejected (401), or they allow nothing: a problem of the site, not of the job. The site is paused.
    AccessDenied {
        /// What happened, and what to do.
        detail: String,
    },
    /// The site as a whole is unavailable (suspended, moved, behind a login page or a failing proxy): one problem of the
    /// site, which ends by itself. The site is paused.
    SiteUnavailable { detail: String },
    /// One kind of call is rejected while the credentials work. Only that kind is paused.
    CallRefused {
        /// What happened, and what to do.
        detail: String,
        /// The call is not allowed (401, 403): a human decides when it happens to the same job again. If false, the API does
        /// not exist at the moment.
        forbidden: bool,
        /// The same call succeeded for another account before: probably only this account is affected.
        works_otherwise: bool,
    },
    /// Permanent (any other 4xx): a human decides.
    Permanent { detail: String },
}

impl Failure {
    /// What happened, without personal data.
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

/// How long to wait between attempts, and when to give up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The wait before the second attempt, before jitter.
    pub base: SignedDuration,
    /// No wait is longer.
    pub max: SignedDuration,
    /// Counted from the first of consecutive failures.
    pub give_up_after: SignedDuration,
}

/// The shortest wait before a retry, whatever the response requests, unless `base` is shorter.
const SHORTEST: SignedDuration = SignedDuration::from_secs(1);

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryDecision {
    RetryAt(Timestamp),
    GiveUp,
}

impl RetryPolicy {
    /// When to retry after `attempts` failures, the first of which was at `first_at`.
    ///
    /// Exponential with full jitter (`jitter` in `0.0..1.0`): between a tenth of the wait and the wait, so that many jobs
    /// that failed together do not retry together. `retry_at` of the response wins, even over `max`, unless it is past
    /// ([`RetryPolicy::not_before_shortest_wait`]). No wait ends after `give_up_after`, so that the last attempt is made then.
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
        RetryDecision::RetryAt(
            retry_at.map_or(ours, |theirs| self.not_before_shortest_wait(theirs, now)).clamp(now, last),
        )
    }

    /// `at`, or the shortest wait from now if that is later: a response with `Retry-After: 0`, or with a date of a slow clock,
    /// must not cause a loop of requests.
    pub fn not_before_shortest_wait(&self, at: Timestamp, now: Timestamp) -> Timestamp {
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
            RetryDecision::GiveUp => panic!("gave up immediately"),
        }
    }

    #[test]
    fn waits_double_up_to_the_cap() {
        let waits: Vec<_> = [1, 2, 3, 4, 10, 11, 40].into_iter().map(|attempts| wait(attempts, 1.0)).collect();
        assert_eq!(waits, [5, 10, 20, 40, 2560, 3600, 3600]);
    }

    #[test]
    fn jitter_spreads_the_wait_and_never_makes_it_zero() {
        assert_eq!(wait(11, 0.0), 360);
        assert_eq!(wait(11, 0.5), 1980);
    }

    #[test]
    fn retry_after_of_the_response_wins() {
        let now = Timestamp::UNIX_EPOCH;
        let theirs = now + SignedDuration::from_secs(7200);
        assert_eq!(POLICY.next(1, now, Some(theirs), now, 0.5), RetryDecision::RetryAt(theirs));
        let soon = now + SignedDuration::from_secs(1);
        assert_eq!(POLICY.next(11, now, Some(soon), now, 1.0), RetryDecision::RetryAt(soon));
    }

    #[test]
    fn retry_after_in_the_past_is_the_shortest_wait() {
        let now = Timestamp::UNIX_EPOCH;
        for theirs in [now - SignedDuration::from_hours(1), now, now + SignedDuration::from_millis(1)] {
            let moment = now + SignedDuration::from_secs(1);
            assert_eq!(POLICY.next(1, now, Some(theirs), now, 0.5), RetryDecision::RetryAt(moment));
            assert_eq!(POLICY.not_before_shortest_wait(theirs, now), moment);
        }
        let hasty = RetryPolicy { base: SignedDuration::from_millis(20), ..POLICY };
        assert_eq!(hasty.not_before_shortest_wait(now, now), now + SignedDuration::from_millis(20));
    }

    #[test]
    fn last_attempt_is_made_when_giving_up_is_due() {
        let first = Timestamp::UNIX_EPOCH;
        let last = first + POLICY.give_up_after;
        let just_before = last - SignedDuration::from_secs(1);
        assert_eq!(POLICY.next(90, first, None, just_before, 1.0), RetryDecision::RetryAt(last));
        assert_eq!(POLICY.next(91, first, None, last, 1.0), RetryDecision::GiveUp);
    }
}
