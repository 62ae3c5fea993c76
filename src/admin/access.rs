//! The tokens of the private listener, and what becomes of requests with a wrong one: counted, slowed down, and summed up in
//! the log.
//!
//! A rejected request is delayed for longer the more were rejected lately. A request with a valid token is never delayed,
//! whatever others send.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use tokio_util::sync::CancellationToken;

use crate::domain::operator::AdminToken;

/// The tokens that open the API; replaced as a whole when they are read again.
pub type Tokens = Arc<ArcSwap<Vec<AdminToken>>>;

/// How often rejections are logged, and a part of them is forgiven.
const PERIOD: Duration = Duration::from_secs(1);

/// How many recent rejections are forgiven in one period.
const FORGIVEN: u32 = 20;

/// How much each recent rejection delays the next one.
const STEP: Duration = Duration::from_millis(10);

/// More recent rejections than these delay no longer: at most one second.
const MOST: u32 = 100;

/// ReasonBody a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum AuthFailure {
    /// No token is configured.
    NoTokensConfigured,
    /// The request has no token.
    MissingToken,
    /// No configured token equals it.
    WrongToken,
}

impl AuthFailure {
    const fn as_str(self) -> &'static str {
        match self {
            Self::NoTokensConfigured => "no_tokens_configured",
            Self::MissingToken => "missing_token",
            Self::WrongToken => "wrong_token",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RequestLabels {
    pub(super) route: String,
    pub(super) status: u16,
}

/// Who gets in, and the count of all requests.
#[derive(Debug, Clone)]
pub struct Access {
    /// The tokens that open the API.
    pub tokens: Tokens,
    pub(super) requests: Family<RequestLabels, Counter>,
    rejections: Arc<Rejections>,
}

#[derive(Debug, Default)]
struct Rejections {
    /// Not logged yet.
    unreported: Mutex<BTreeMap<AuthFailure, u64>>,
    /// Not forgiven yet.
    recent: AtomicU32,
}

impl Access {
    /// Access with these tokens.
    pub fn new(tokens: Vec<AdminToken>) -> Self {
        Self {
            tokens: Arc::new(ArcSwap::from_pointee(tokens)),
            requests: Family::default(),
            rejections: Arc::default(),
        }
    }

    /// Logs rejections once a second and forgives old ones, until `stopping`.
    pub async fn report(self, stopping: CancellationToken) {
        while stopping.run_until_cancelled(tokio::time::sleep(PERIOD)).await.is_some() {
            self.rejections.report();
            self.rejections.forgive();
        }
    }

    /// Notes a rejection; returns after the delay that it has earned.
    pub(super) async fn reject(&self, why: AuthFailure) {
        tokio::time::sleep(self.rejections.add(why)).await;
    }

    pub(super) fn count(&self, route: &str, status: u16) {
        self.requests.get_or_create(&RequestLabels { route: route.to_owned(), status }).inc();
    }
}

impl Rejections {
    fn add(&self, why: AuthFailure) -> Duration {
        *self.unreported.lock().unwrap_or_else(PoisonError::into_inner).entry(why).or_default() += 1;
        let recent = self.change_recent(|recent| recent.saturating_add(1).min(MOST));
        STEP * recent
    }

    fn forgive(&self) {
        self.change_recent(|recent| recent.saturating_sub(FORGIVEN));
    }

    /// Returns the number before the change.
    fn change_recent(&self, change: impl Fn(u32) -> u32) -> u32 {
        let mut recent = self.recent.load(Ordering::Relaxed);
        while let Err(now) =
            self.recent.compare_exchange_weak(recent, change(recent), Ordering::Relaxed, Ordering::Relaxed)
        {
            recent = now;
        }
        recent
    }

    fn report(&self) {
        let counts = std::mem::take(&mut *self.unreported.lock().unwrap_or_else(PoisonError::into_inner));
        for (reason, count) in counts {
            let reason = reason.as_str();
            tracing::warn!(reason, count, "admin API: rejected {count} requests, {reason}");
        }
    }
}

impl Drop for Rejections {
    fn drop(&mut self) {
        self.report();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejections_are_delayed_up_to_a_second_and_forgiven() {
        let rejections = Rejections::default();
        assert_eq!(rejections.add(AuthFailure::WrongToken), Duration::ZERO);
        assert_eq!(rejections.add(AuthFailure::WrongToken), STEP);
        for _ in 0..500 {
            rejections.add(AuthFailure::MissingToken);
        }
        assert_eq!(rejections.add(AuthFailure::WrongToken), Duration::from_secs(1));
        for _ in 0..5 {
            rejections.forgive();
        }
        assert_eq!(rejections.add(AuthFailure::WrongToken), Duration::ZERO);
    }
}
