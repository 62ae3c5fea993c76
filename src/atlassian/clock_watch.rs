//! Compares our clock with the `Date` headers of one site.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{AGE, DATE, HeaderMap};

use crate::clock::Clock;
use crate::domain::clock_check::{ClockObservations, ClockProblem, Observation, Reading};

/// What is known of our clock at one site.
#[derive(Debug)]
pub(super) struct ClockWatch {
    evidence: Mutex<ClockObservations>,
    /// Milliseconds since 1970 UTC of the newest journal entry that was in the future at the start; 0: none, or the clock
    /// was confirmed since, at whichever site.
    journal_end: OnceLock<Arc<AtomicI64>>,
}

impl ClockWatch {
    pub(super) fn new(clock: &dyn Clock) -> Self {
        let evidence = ClockObservations { trusted: read(clock), latest: None, journal_end: None };
        Self { evidence: Mutex::new(evidence), journal_end: OnceLock::new() }
    }

    /// No changing call before this instant, unless a response confirms our clock.
    pub(super) fn set_journal_end(&self, journal_end: Arc<AtomicI64>) {
        self.journal_end.get_or_init(|| journal_end);
    }

    /// Takes a response to a request into account that was sent at `sent`.
    pub(super) fn observe(&self, headers: &HeaderMap, sent: Reading) {
        let mut evidence = self.evidence();
        evidence.observe(date(headers), sent);
        if evidence.latest.is_some_and(Observation::agrees)
            && let Some(journal_end) = self.journal_end.get()
        {
            journal_end.store(0, Ordering::Relaxed);
        }
    }

    /// Whether our clock is fit for a changing call.
    pub(super) fn check(&self, clock: &dyn Clock) -> Result<(), ClockProblem> {
        let journal_end = self.journal_end.get().map_or(0, |end| end.load(Ordering::Relaxed));
        let mut evidence = self.evidence();
        evidence.journal_end = Timestamp::from_millisecond(journal_end).ok().filter(|_end| journal_end > 0);
        evidence.judge(read(clock))
    }

    /// How far our clock is ahead of the site's, by its latest response.
    pub(super) fn offset(&self, clock: &dyn Clock) -> Option<SignedDuration> {
        let latest = self.evidence().latest?;
        Some(latest.ahead(read(clock)))
    }

    fn evidence(&self) -> MutexGuard<'_, ClockObservations> {
        self.evidence.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Both clocks of this machine.
pub(super) fn read(clock: &dyn Clock) -> Reading {
    Reading { wall: clock.now(), elapsed: clock.elapsed() }
}

/// When the response was made. A cached response states its age.
fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let date = rfc2822::parse(headers.get(DATE)?.to_str().ok()?).ok()?.timestamp();
    let age = headers.get(AGE).and_then(|age| age.to_str().ok()?.trim().parse::<u32>().ok()).unwrap_or_default();
    date.saturating_add(SignedDuration::from_secs(age.into())).ok()
}

#[cfg(test)]
mod tests {
    use super::super::fake_server::{FakeServer, reply};
    use crate::clock::ManualClock;
    use crate::domain::account::AccountId;
    use crate::domain::clock_check::ClockProblem;
    use crate::domain::retry::Failure;

    use super::*;

    fn id() -> AccountId {
        AccountId::from("qm:a:1".to_owned())
    }

    #[test]
    fn date_of_a_cached_response_is_moved_by_its_age() {
        let mut headers = HeaderMap::new();
        assert_eq!(date(&headers), None);
        headers.insert(DATE, "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap());
        assert_eq!(date(&headers), Some("1994-11-06T08:49:37Z".parse().unwrap()));
        headers.insert(AGE, "600".parse().unwrap());
        assert_eq!(date(&headers), Some("1994-11-06T08:59:37Z".parse().unwrap()));
        headers.insert(DATE, "yesterday".parse().unwrap());
        assert_eq!(date(&headers), None);
    }

    #[tokio::test]
    async fn changing_call_is_not_made_while_our_clock_is_ahead_and_is_made_once_it_is_right() {
        let server = FakeServer::scripted(|request, _| {
            let gone = request.line.starts_with("GET");
            reply(if gone { 404 } else { 204 }, "{}")
        })
        .await;
        let client = server.client();
        client.read(&id()).await.unwrap();
        server.clock.jump(SignedDuration::from_mins(10));
        let refused = client.revoke(&id()).await.unwrap_err();
        assert!(matches!(&refused, Failure::AccessDenied { detail } if detail.starts_with("clock")), "{refused:?}");
        assert_eq!(server.request_lines().len(), 1, "the revoke was not sent");
        server.clock.jump(-SignedDuration::from_mins(10));
        client.revoke(&id()).await.unwrap();
        assert_eq!(server.request_lines().len(), 2);
    }

    #[tokio::test]
    async fn one_site_that_confirms_the_clock_ends_the_wait_for_the_journal_everywhere() {
        let server = FakeServer::always(404, "{}").await;
        let clock: &ManualClock = &server.clock;
        let end = clock.now() + SignedDuration::from_hours(1);
        let journal_end = Arc::new(AtomicI64::new(end.as_millisecond()));
        let (one, other) = (server.client(), server.client());
        for client in [&one, &other] {
            client.set_journal_end(Arc::clone(&journal_end));
            assert!(matches!(client.check_clock(), Err(ClockProblem::BehindJournal { .. })));
        }
        one.read(&id()).await.unwrap();
        assert_eq!(journal_end.load(Ordering::Relaxed), 0);
        assert_eq!(other.check_clock(), Ok(()));
    }
}
