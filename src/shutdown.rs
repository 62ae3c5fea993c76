//! Stopping: first softly, then for good.
//!
//! SIGTERM and SIGINT ask softly: listeners accept nothing new, the worker claims nothing new, what is under way is finished.
//! After a deadline, or at a second signal, everything is dropped where it stands. Nothing is lost by that, because nothing
//! is only in memory: leases expire and the next start takes the jobs up again.

use std::future::Future;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Tells every part when to stop, and waits for those that it started.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    soft: CancellationToken,
    tasks: TaskTracker,
}

impl Shutdown {
    /// Nothing is stopping yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when the stop begins.
    pub fn stopping(&self) -> CancellationToken {
        self.soft.clone()
    }

    /// Begins the stop.
    pub fn begin(&self) {
        self.soft.cancel();
    }

    /// Starts a part that a stop waits for. When it ends by itself, everything stops.
    pub fn spawn(&self, name: &'static str, part: impl Future<Output = ()> + Send + 'static) {
        let soft = self.soft.clone();
        let inner = self.tasks.spawn(part);
        self.tasks.spawn(async move {
            let ended = inner.await;
            if !soft.is_cancelled() {
                match ended {
                    Ok(()) => tracing::error!(part = name, "a part of the daemon ended by itself: stopping"),
                    Err(error) => tracing::error!(part = name, %error, "a part of the daemon failed: stopping"),
                }
            }
            soft.cancel();
        });
    }

    /// The tasks that a stop waits for.
    pub fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// Waits until the stop has begun and every part has ended. False when the deadline passed first.
    pub async fn finished(&self, deadline: Duration) -> bool {
        self.soft.cancelled().await;
        self.tasks.close();
        tokio::time::timeout(deadline, self.tasks.wait()).await.is_ok()
    }
}

/// The signals that ask for a stop. Listened to from the moment it is made, because the first process of a container that
/// handles none cannot be stopped at all.
#[derive(Debug)]
pub struct Signal {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signal {
    /// Begins to listen for SIGTERM and SIGINT.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the first; at a second one the process ends at once, whatever is under way.
    pub async fn received(mut self) {
        self.next().await;
        #[expect(clippy::disallowed_methods, reason = "this task is there to end the process that would wait for it")]
        tokio::spawn(async move {
            self.next().await;
            tracing::warn!("asked twice to stop: stopping at once");
            std::process::exit(1);
        });
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
