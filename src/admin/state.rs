//! What the private listener knows of the rest of the daemon.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use jiff::SignedDuration;
use prometheus_client::registry::Registry;
use tokio::sync::Notify;
use url::Url;

use super::access::Access;
use crate::clock::Clock;
use crate::domain::ids::{PolicyName, SiteName, SourceName};
use crate::domain::operator::Role;
use crate::domain::policy::Policy;
use crate::store::Store;

/// What the private listener knows of the rest of the daemon.
#[derive(Debug)]
pub struct AdminState {
    /// The database.
    pub store: Store,
    /// Who may use the API.
    pub access: Access,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Whether anything is changed at Atlassian; in observe mode nothing is released.
    pub enforce: bool,
    /// The sites of the settings.
    pub sites: BTreeMap<SiteName, ConfiguredSite>,
    /// The sources of the settings.
    pub sources: BTreeMap<SourceName, ConfiguredSource>,
    /// The policies of the settings: an operator's own request takes its terms from one.
    pub policies: BTreeMap<PolicyName, Policy>,
    /// Wakes the worker.
    pub worker: Arc<Notify>,
    /// Wakes the router.
    pub router: Arc<Notify>,
    /// Tells that an operator accepted a secret.
    pub secrets: Arc<Notify>,
    /// When the worker last looked for work, in milliseconds since 1970 UTC; 0 as long as it has not.
    pub worker_ticked_at: Arc<AtomicI64>,
    /// The newest journal entry, in milliseconds since 1970 UTC, where our clock was behind it at the start; 0 otherwise,
    /// and once Atlassian confirmed our clock.
    pub journal_end: Arc<AtomicI64>,
    /// What the other parts count.
    pub registry: Arc<Registry>,
    /// The folder of the database, whose free space is watched.
    pub data_dir: PathBuf,
}

/// A site as the settings describe it.
#[derive(Debug, Clone)]
pub struct ConfiguredSite {
    /// Where it is.
    pub url: Url,
}

/// A source as the settings describe it.
#[derive(Debug, Clone)]
pub struct ConfiguredSource {
    /// Where its people have their accounts.
    pub site: SiteName,
    /// What its events lead to.
    pub policy: PolicyName,
    /// How it signs and speaks.
    pub preset: Option<String>,
    /// After so long without a word something is wrong.
    pub quiet_after: Option<SignedDuration>,
    /// Whether the vendor wants the secret that it offered typed back by a human.
    pub echoes_secret: bool,
}

impl AdminState {
    /// How many people may approve besides the one of this name.
    pub(super) fn approvers_besides(&self, name: &str) -> usize {
        let tokens = self.access.tokens.load();
        tokens.iter().filter(|token| token.role >= Role::Approver && token.name != name).count()
    }

    /// Tells worker and router that something changed.
    pub(super) fn wake(&self) {
        self.worker.notify_one();
        self.router.notify_one();
    }
}
