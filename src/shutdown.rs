//! Shutdown in two steps.
//!
//! SIGTERM and SIGINT cancel the soft token: listeners accept no connection, the worker claims no job, running requests and
//! steps finish. After a deadline, or at a second signal, the process ends immediately. No state is lost, because all state
//! is in the database: leases expire, and the next start resumes the jobs.

use std::future::Future;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Cancels the parts of the daemon, and waits for those that it spawned.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    soft: CancellationToken,
    tasks: TaskTracker,
}

impl Shutdown {
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when the shutdown begins.
    pub fn stopping(&self) -> CancellationToken {
        self.soft.clone()
    }

    pub fn begin(&self) {
        self.soft.cancel();
    }

    /// Spawns a part that the shutdown waits for. If it ends early, the daemon stops.
    // Boxed, and not inlined: the caller's stack would hold several copies of each part's future.
    #[inline(never)]
    pub fn spawn(&self, name: &'static str, part: impl Future<Output = ()> + Send + 'static) {
        let soft = self.soft.clone();
        let inner = self.tasks.spawn(Box::pin(part));
        self.tasks.spawn(async move {
            let ended = inner.await;
            if !soft.is_cancelled() {
                match ended {
                    Ok(()) => tracing::error!(part = name, "part {name} ended early: stopping the daemon"),
                    Err(error) => tracing::error!(part = name, %error, "part {name} panicked: stopping the daemon"),
                }
            }
            soft.cancel();
        });
    }

    /// The tasks that the shutdown waits for.
    pub fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// Waits until the shutdown began and every part ended. Returns false if the deadline passed first.
    pub async fn finished(&self, deadline: Duration) -> bool {
        self.soft.cancelled().await;
        self.tasks.close();
        tokio::time::timeout(deadline, self.tasks.wait()).await.is_ok()
    }
}

/// SIGTERM and SIGINT. Handled from construction on, because the first process of a container ignores unhandled signals.
#[derive(Debug)]
pub struct Signal {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signal {
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the first signal. A second one ends the process immediately with exit code 1.
    pub async fn received(mut self) {
        self.next().await;
        #[expect(clippy::disallowed_methods, reason = "the task ends the process; the shutdown must not wait for it")]
        tokio::spawn(async move {
            self.next().await;
            tracing::warn!("second signal: stopping immediately");
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
