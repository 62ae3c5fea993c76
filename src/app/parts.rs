//! What the parts of the daemon share.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use prometheus_client::registry::Registry;

use super::wakeups::Wakeups;
use crate::clock::Clock;
use crate::settings::Settings;
use crate::shutdown::Shutdown;
use crate::store::Store;

/// What the parts of the daemon share while they are started.
pub(super) struct Parts<'a> {
    pub(super) shutdown: &'a Shutdown,
    pub(super) settings: &'a Settings,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) store: Store,
    pub(super) wakeups: Wakeups,
    pub(super) registry: Registry,
    /// The time of the worker's last tick, in milliseconds since 1970 UTC.
    pub(super) heartbeat: Arc<AtomicI64>,
    pub(super) journal_end: Arc<AtomicI64>,
}
