//! The state of the service for systemd (`Type=notify`). Does nothing under any other supervisor.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;

/// The worker ticks at least once a minute.
const WORKER_TIMEOUT: SignedDuration = SignedDuration::from_mins(3);

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
        if is_alive(worker_ticked_at.load(Ordering::Relaxed), clock.now()) {
            notify(NotifyState::Watchdog);
        } else {
            tracing::error!("the worker has not ticked for three minutes: the watchdog of systemd is not pinged");
        }
        if stopping.run_until_cancelled(tokio::time::sleep(interval)).await.is_none() {
            return;
        }
    }
}

fn is_alive(ticked_at_ms: i64, now: Timestamp) -> bool {
    Timestamp::from_millisecond(ticked_at_ms).is_ok_and(|ticked_at| now.duration_since(ticked_at) < WORKER_TIMEOUT)
}

fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "cannot notify systemd (NOTIFY_SOCKET)");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worker_without_a_recent_tick_is_not_alive() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let ticked = |seconds_ago: i64| now.as_millisecond() - seconds_ago * 1000;
        assert!(is_alive(ticked(0), now) && is_alive(ticked(179), now));
        assert!(!is_alive(ticked(180), now) && !is_alive(0, now));
    }
}
