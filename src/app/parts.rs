//! What the parts of the daemon share.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;

use super::wakeups::Wakeups;
use crate::clock::Clock;
use crate::settings::Settings;
use crate::shutdown::Shutdown;
use crate::store::{Duty, Store};

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

impl Parts<'_> {
    /// The database for a part that one replica runs at a time.
    pub(super) fn background(&self) -> Store {
        self.store.on_duty(Duty::Background)
    }

    /// Spawns a part that one replica runs at a time. `store` has its duty. When another replica takes over, the part is dropped
    /// where it stands; it begins again when this replica gains the duty.
    pub(super) fn spawn_on_duty<P>(
        &self,
        name: &'static str,
        store: Store,
        part: impl Fn(CancellationToken) -> P + Send + Sync + 'static,
    ) where
        P: Future<Output = ()> + Send + 'static,
    {
        let stopping = self.shutdown.stopping();
        if !store.is_shared() {
            return self.shutdown.spawn(name, part(stopping));
        }
        self.shutdown.spawn(name, async move {
            while stopping.run_until_cancelled(store.gain_duty()).await.is_some() {
                if store.while_on_duty(part(stopping.clone())).await.is_some() {
                    return;
                }
            }
        });
    }
}
