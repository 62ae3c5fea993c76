//! The settings file as a whole, as it is written. The doc comments of the tables are the reference of the settings.
//!
//! These types are dumb: they know what may be written and what holds when it is not. They hold no secret, only
//! references, so they can be printed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::admin::AdminTable;
use super::evidence::EvidenceTable;
use super::import::ImportTable;
use super::notify::NotifyTable;
use super::policy::PolicyTable;
use super::retry::RetryTable;
use super::server::ServerTable;
use super::site::SiteTable;
use super::source::SourceTable;
use super::store::StoreTable;
use crate::domain::ids::{PolicyName, SiteName, SourceName};
use crate::domain::named;

/// The settings file. A key that is not listed is an error.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SettingsFile {
    /// Whether the daemon changes anything at Atlassian. `observe` plans, reads and shows; `enforce` makes the calls.
    pub mode: Mode,
    /// The two listeners.
    pub server: ServerTable,
    /// The operators who may use the API and the console.
    pub admin: AdminTable,
    /// The database.
    pub store: StoreTable,
    /// Signed proof of cases and periods.
    pub evidence: EvidenceTable,
    /// Messages about transitions that a human should know.
    pub notify: NotifyTable,
    /// A folder whose CSV files are imported on a schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import: Option<ImportTable>,
    /// The waits between attempts of a failed job.
    pub retry: RetryTable,
    /// The Atlassian Cloud sites, by name.
    pub sites: BTreeMap<SiteName, SiteTable>,
    /// What the events of a source result in, by name.
    pub policies: BTreeMap<PolicyName, PolicyTable>,
    /// The HR and CRM systems, by name.
    pub sources: BTreeMap<SourceName, SourceTable>,
}

/// Whether anything is changed at Atlassian.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Everything is planned, read and shown; nothing is changed.
    #[default]
    Observe,
    /// What is planned is done.
    Enforce,
}

named!(Mode { Observe = "observe", Enforce = "enforce" });
