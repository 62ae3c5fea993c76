//! The state that the handlers of the private listener share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use jiff::SignedDuration;
use prometheus_client::registry::Registry;
use tokio::sync::Notify;
use url::Url;

use super::access::Access;
use super::ports::{FreeSpace, Ports};
use crate::clock::Clock;
use crate::domain::ids::{PolicyName, SiteName, SourceName};
use crate::domain::operator::Role;
use crate::domain::policy::Policy;
use crate::domain::recent_rejections::RecentRejections;
use crate::proof::signature::SigningKey;
use crate::store::Store;

#[derive(Debug)]
pub(crate) struct AdminState {
    pub(crate) store: Store,
    pub(crate) access: Access,
    pub(crate) clock: Arc<dyn Clock>,
    /// Whether the mode is `enforce`. In observe mode no case is released.
    pub(crate) enforce: bool,
    pub(crate) sites: BTreeMap<SiteName, ConfiguredSite>,
    pub(crate) sources: BTreeMap<SourceName, ConfiguredSource>,
    pub(crate) policies: BTreeMap<PolicyName, Policy>,
    /// Notified when an import was stored.
    pub(crate) importer: Arc<Notify>,
    /// Notified when a list of customers was requested.
    pub(crate) listers: Arc<Notify>,
    pub(crate) worker: Arc<Notify>,
    pub(crate) router: Arc<Notify>,
    /// Notified when an operator accepted a secret.
    pub(crate) secrets: Arc<Notify>,
    /// The time of the worker's last tick in milliseconds since 1970 UTC; 0 before the first.
    pub(crate) worker_ticked_at: Arc<AtomicI64>,
    /// The time of the newest journal entry in milliseconds since 1970 UTC, if the clock was behind it at the start. 0
    /// otherwise, and after Atlassian confirmed the clock.
    pub(crate) journal_end: Arc<AtomicI64>,
    /// The metrics of the other parts.
    pub(crate) registry: Arc<Registry>,
    pub(crate) free_space: FreeSpace,
    /// The rejected webhook requests of the last hour.
    pub(crate) rejections: Arc<RecentRejections>,
    pub(crate) ports: Ports,
    /// Signs evidence.
    pub(crate) evidence_key: Arc<SigningKey>,
}

#[derive(Debug, Clone)]
pub(crate) struct ConfiguredSite {
    pub(crate) url: Url,
    /// How long Atlassian keeps a deleted account's email address from being invited again.
    pub(crate) deletion_grace: SignedDuration,
    /// The wait between the end of that grace and the last read.
    pub(crate) look_back: SignedDuration,
}

#[derive(Debug, Clone)]
pub(crate) struct ConfiguredSource {
    /// At least one.
    pub(crate) sites: Vec<SiteName>,
    pub(crate) policy: PolicyName,
    pub(crate) preset: Option<String>,
    /// The source is quiet after this time without a delivery.
    pub(crate) quiet_after: Option<SignedDuration>,
    /// Whether the vendor requires its offered secret to be entered manually.
    pub(crate) echoes_secret: bool,
}

impl AdminState {
    /// The number of approvers with another name.
    pub(super) fn approvers_besides(&self, name: &str) -> usize {
        let tokens = self.access.tokens.load();
        tokens.iter().filter(|token| token.role >= Role::Approver && token.name != name).count()
    }

    /// Wakes worker and router after a change.
    pub(super) fn wake(&self) {
        self.worker.notify_one();
        self.router.notify_one();
    }
}
