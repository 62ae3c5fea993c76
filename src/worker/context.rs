//! What the parts of the worker share.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Notify;

use super::metrics::Metrics;
use crate::clock::Clock;
use crate::domain::ids::SiteName;
use crate::domain::retry::RetryPolicy;
use crate::store::{Duty, Store, WatchLimits};

#[derive(Debug, Clone)]
pub struct Context {
    pub store: Store,
    /// The source of the current time.
    pub clock: Arc<dyn Clock>,
    pub metrics: Metrics,
    /// The rules for retries of failed attempts.
    pub retry: RetryPolicy,
    /// The limits of the cases that `watch_erased` opens, by site.
    pub watch_limits: BTreeMap<SiteName, WatchLimits>,
    /// Whether changes are made at Atlassian. Otherwise everything is planned, read and held.
    pub enforce: bool,
    /// Notified when there may be work for the worker.
    pub awakened: Arc<Notify>,
    /// Notifies the router that a call is settled, so that an event that waits for it can continue.
    pub router: Arc<Notify>,
}

impl Context {
    /// The same for the work at one site: its writes fail when another replica has taken over the site.
    pub(super) fn of_site(self: &Arc<Self>, site: &SiteName) -> Arc<Self> {
        if !self.store.is_shared() {
            return Arc::clone(self);
        }
        Arc::new(Self { store: self.store.on_duty(Duty::Site(site.clone())), ..Self::clone(self) })
    }
}
