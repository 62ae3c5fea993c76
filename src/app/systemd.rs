//! The state of the service for systemd (`Type=notify`). Does nothing under any other supervisor.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

use crate::admin;
use crate::clock::Clock;

pub(super) fn notify_ready() {
    notify(NotifyState::Ready);
}

pub(super) fn notify_stopping() {
    notify(NotifyState::Stopping);
}

/// The interval of pings, if the unit sets `WatchdogSec`: half of it, as systemd recommends.
pub(super) fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 2)
}

/// Pings the watchdog as long as the worker ticks, so that systemd restarts a daemon whose worker hangs.
pub(super) async fn ping_watchdog(
    interval: Duration,
    worker_ticked_at: Arc<AtomicI64>,
    clock: Arc<dyn Clock>,
    stopping: CancellationToken,
) {
    loop {
        if admin::is_worker_alive(worker_ticked_at.load(Ordering::Relaxed), clock.now()) {
            notify(NotifyState::Watchdog);
        } else {
            tracing::error!("the worker has not ticked for three minutes: the watchdog of systemd is not pinged");
        }
        if stopping.run_until_cancelled(tokio::time::sleep(interval)).await.is_none() {
            return;
        }
    }
}

fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "cannot notify systemd (NOTIFY_SOCKET)");
    }
}
