//! The tokens of the private listener, and the rejection of requests without a valid one: counted, delayed and logged once a
//! second.
//!
//! The delay of a rejected request grows with the number of recent rejections. A request with a valid token is never delayed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use tokio_util::sync::CancellationToken;

use crate::domain::operator::{AdminToken, Role};

/// The admin tokens. A reload replaces all of them.
pub(crate) type Tokens = Arc<ArcSwap<Vec<AdminToken>>>;

/// How often rejections are logged and [`DECAY`] is subtracted.
const PERIOD: Duration = Duration::from_secs(1);

/// The number of rejections that one period subtracts.
const DECAY: u32 = 20;

/// The delay for each recent rejection.
const STEP: Duration = Duration::from_millis(10);

/// The maximum of counted rejections: limits the delay to one second.
const MAX_RECENT: u32 = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum AuthFailure {
    NoTokensConfigured,
    MissingToken,
    WrongToken,
    WrongTokenAtSignIn,
}

impl AuthFailure {
    const fn as_str(self) -> &'static str {
        match self {
            Self::NoTokensConfigured => "no_tokens_configured",
            Self::MissingToken => "missing_token",
            Self::WrongToken => "wrong_token",
            Self::WrongTokenAtSignIn => "wrong_token_at_sign_in",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RequestLabels {
    pub(super) route: String,
    pub(super) status: u16,
}

/// The admin tokens and the request counters.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub(crate) tokens: Tokens,
    pub(super) requests: Family<RequestLabels, Counter>,
    rejections: Arc<Rejections>,
}

#[derive(Debug, Default)]
struct Rejections {
    unreported: Mutex<BTreeMap<AuthFailure, u64>>,
    /// Decays by [`DECAY`] per period.
    recent: AtomicU32,
}

impl Access {
    pub(crate) fn new(tokens: Vec<AdminToken>) -> Self {
        Self {
            tokens: Arc::new(ArcSwap::from_pointee(tokens)),
            requests: Family::default(),
            rejections: Arc::default(),
        }
    }

    /// Logs and decays the rejections once a period, until `stopping`.
    pub(crate) async fn report(self, stopping: CancellationToken) {
        while stopping.run_until_cancelled(tokio::time::sleep(PERIOD)).await.is_some() {
            self.rejections.report();
            self.rejections.decay();
        }
    }

    /// The operator of a token that was entered into the console. A wrong one is counted and delayed like those of the API.
    pub(crate) async fn sign_in(&self, presented: &str) -> Option<AdminToken> {
        let token = find_token(&self.tokens.load(), presented).cloned();
        if token.is_none() {
            self.reject(AuthFailure::WrongTokenAtSignIn).await;
        }
        token
    }

    /// Whether a token of this name still has the role that a request began with.
    pub(super) fn still_accepts(&self, name: &str, role: Role) -> bool {
        self.tokens.load().iter().any(|token| token.name == name && token.role >= role)
    }

    /// Counts a rejection, and returns after its delay.
    pub(super) async fn reject(&self, why: AuthFailure) {
        tokio::time::sleep(self.rejections.add(why)).await;
    }

    pub(super) fn count(&self, route: &str, status: u16) {
        self.requests.get_or_create(&RequestLabels { route: route.to_owned(), status }).inc();
    }
}

/// Compares with every token, so that the duration does not reveal which one matches.
pub(super) fn find_token<'a>(tokens: &'a [AdminToken], presented: &str) -> Option<&'a AdminToken> {
    tokens.iter().filter(|token| token.digest.matches(presented)).fold(None, |_, token| Some(token))
}

impl Rejections {
    fn add(&self, why: AuthFailure) -> Duration {
        *self.unreported.lock().unwrap_or_else(PoisonError::into_inner).entry(why).or_default() += 1;
        let recent = self.change_recent(|recent| recent.saturating_add(1).min(MAX_RECENT));
        STEP * recent
    }

    fn decay(&self) {
        self.change_recent(|recent| recent.saturating_sub(DECAY));
    }

    /// Returns the value before the change.
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
    fn rejections_are_delayed_up_to_a_second_and_decay() {
        let rejections = Rejections::default();
        assert_eq!(rejections.add(AuthFailure::WrongToken), Duration::ZERO);
        assert_eq!(rejections.add(AuthFailure::WrongToken), STEP);
        for _ in 0..500 {
            rejections.add(AuthFailure::MissingToken);
        }
        assert_eq!(rejections.add(AuthFailure::WrongToken), Duration::from_secs(1));
        for _ in 0..5 {
            rejections.decay();
        }
        assert_eq!(rejections.add(AuthFailure::WrongToken), Duration::ZERO);
    }
}
