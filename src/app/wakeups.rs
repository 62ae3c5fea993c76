//! Notifications between the parts of the daemon.

use std::sync::Arc;

use tokio::sync::Notify;

/// Notifies the tasks that the database may hold new work.
#[derive(Debug, Clone, Default)]
pub struct Wakeups {
    /// After a delivery was committed, or a call was settled.
    pub router: Arc<Notify>,
    /// After a case changed.
    pub worker: Arc<Notify>,
    /// After an event without an email address.
    pub resolver: Arc<Notify>,
    /// After the clock of a test was changed.
    pub notices: Arc<Notify>,
    /// After an import was stored.
    pub importer: Arc<Notify>,
    /// After a list of customers was requested.
    pub listers: Arc<Notify>,
    /// After the clock of a test was changed.
    pub folder: Arc<Notify>,
}

impl Wakeups {
    pub fn notify_all(&self) {
        self.router.notify_one();
        self.worker.notify_one();
        self.resolver.notify_waiters();
        self.notices.notify_one();
        self.listers.notify_waiters();
        self.folder.notify_one();
    }
}
