//! Terms: which replica has which duty, for a short time that it renews.
//!
//! Daemons over one PostgreSQL database share the work. Each site is worked by one of them, and what is done once for all is the
//! background duty of one. The server's clock ends a term; its holder stops before, by its own monotonic clock. Each term has a
//! token of its own, and each unit of work of a duty begins with a check of that token: what a frozen replica resumes is rejected.
//!
//! A database in a file has one daemon, which has every duty. There this module costs nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use crate::clock;
use crate::domain::ids::SiteName;

/// The length of a term after its renewal.
pub(super) const TERM: Duration = Duration::from_secs(3);

/// The token of the only daemon.
const ONLY: i64 = 0;

/// What one replica does at a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Duty {
    /// Routing, lookups, notices, imports, retention, the anchor.
    Background,
    /// The calls to a site.
    Site(SiteName),
}

impl Duty {
    /// Its name in the database.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Background => "background".to_owned(),
            Self::Site(site) => format!("site/{site}"),
        }
    }
}

/// A duty that this replica has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) token: i64,
    /// The holder stops here, a moment before others may take over.
    pub(super) until: Instant,
}

/// A duty that this replica gave to another one.
#[derive(Debug)]
pub(super) struct HandedOver {
    pub(super) duty: Duty,
    pub(super) at: Instant,
}

impl HandedOver {
    /// Whether the other replica may not have renewed the term yet. Until then this one does not take it.
    pub(super) fn is_recent(&self) -> bool {
        self.at.elapsed() < TERM
    }
}

/// The terms that this replica holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Terms(Option<Arc<Shared>>);

/// The terms of a replica among others.
#[derive(Debug)]
pub(super) struct Shared {
    /// The id of this replica: another one after each start.
    pub(super) replica: String,
    /// Whether a connection is a session of the server. Behind a pooler it is not: then replicas do not notify each other.
    pub(super) has_sessions: bool,
    /// The fingerprint of its settings.
    pub(super) settings: OnceLock<String>,
    pub(super) held: watch::Sender<BTreeMap<Duty, Term>>,
    /// Duties that this replica gave up, and does not take again.
    pub(super) resigned: Mutex<BTreeSet<Duty>>,
    /// The number of terms that ended before they were renewed or given up.
    pub(super) lost: AtomicU64,
    /// Notified when the terms should be renewed soon.
    pub(super) renewal: Notify,
}

impl Terms {
    /// The terms of one of several replicas.
    pub(super) fn shared(has_sessions: bool) -> Self {
        Self(Some(Arc::new(Shared {
            replica: hex::encode(clock::random::<8>()),
            has_sessions,
            settings: OnceLock::new(),
            held: watch::Sender::default(),
            resigned: Mutex::default(),
            lost: AtomicU64::new(0),
            renewal: Notify::new(),
        })))
    }

    pub(super) const fn among_others(&self) -> Option<&Arc<Shared>> {
        self.0.as_ref()
    }

    /// The token of a duty, while this replica has it.
    pub(super) fn token(&self, duty: &Duty) -> Option<i64> {
        let Some(shared) = &self.0 else { return Some(ONLY) };
        let held = shared.held.borrow();
        held.get(duty).filter(|term| Instant::now() < term.until).map(|term| term.token)
    }

    /// Waits until this replica has a duty.
    pub(super) async fn gained(&self, duty: &Duty) {
        let Some(shared) = &self.0 else { return };
        let mut held = shared.held.subscribe();
        while self.token(duty).is_none() {
            held.borrow_and_update();
            if self.token(duty).is_none() && held.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Waits until the term with this token is over.
    pub(super) async fn ended(&self, duty: &Duty, token: i64) {
        let Some(shared) = &self.0 else { return std::future::pending().await };
        let mut held = shared.held.subscribe();
        loop {
            let term = held.borrow_and_update().get(duty).copied().filter(|term| term.token == token);
            let Some(until) = term.map(|term| term.until).filter(|until| Instant::now() < *until) else { return };
            tokio::select! {
                () = tokio::time::sleep_until(until.into()) => {}
                changed = held.changed() => if changed.is_err() { return },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(duty: &Duty, token: i64, for_ms: u64) -> Terms {
        let terms = Terms::shared(true);
        extend(&terms, duty, token, for_ms);
        terms
    }

    fn extend(terms: &Terms, duty: &Duty, token: i64, for_ms: u64) {
        let until = Instant::now() + Duration::from_millis(for_ms);
        terms.among_others().unwrap().held.send_modify(|held| {
            held.insert(duty.clone(), Term { token, until });
        });
    }

    #[tokio::test]
    async fn term_ends_by_time_by_another_token_and_not_by_a_renewal() {
        let duty = Duty::Site("acme".parse().unwrap());
        let terms = held(&duty, 1, 50);
        assert_eq!(terms.token(&duty), Some(1));
        assert_eq!(terms.token(&Duty::Background), None);
        extend(&terms, &duty, 1, 100);
        let begun = Instant::now();
        terms.ended(&duty, 1).await;
        assert!(begun.elapsed() >= Duration::from_millis(95), "{:?}", begun.elapsed());
        assert_eq!(terms.token(&duty), None);
        extend(&terms, &duty, 2, 60_000);
        terms.ended(&duty, 1).await;
        terms.gained(&duty).await;
        assert_eq!(terms.token(&duty), Some(2));
    }

    #[tokio::test]
    async fn only_daemon_has_every_duty() {
        let terms = Terms::default();
        terms.gained(&Duty::Background).await;
        assert_eq!(terms.token(&Duty::Background), Some(ONLY));
    }
}
