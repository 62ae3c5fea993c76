//! What the parts of the worker share.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Notify;

use super::metrics::Metrics;
use crate::clock::Clock;
use crate::domain::ids::SiteName;
use crate::domain::retry::RetryPolicy;
use crate::store::{Store, WatchLimits};

#[derive(Debug)]
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
