//! The settings file as a whole, as it is written. The doc comments of the tables are the reference of the settings.
//!
//! These types are dumb: they know what may be written and what holds when it is not. They hold no secret, only
//! references, so they can be printed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::admin::AdminTable;
use super::policy::PolicyTable;
use super::retry::RetryTable;
use super::server::ServerTable;
use super::site::SiteTable;
use super::source::SourceTable;
use super::store::StoreTable;
use crate::domain::ids::{PolicyName, SiteName, SourceName};
use crate::domain::named;

/// The settings file, with what holds where it says nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SettingsFile {
    /// `observe` (default) or `enforce`.
    pub mode: Mode,
    /// Our two listeners.
    pub server: ServerTable,
    /// Who may use the API and the console.
    pub admin: AdminTable,
    /// The database.
    pub store: StoreTable,
    /// How long to wait between attempts.
    pub retry: RetryTable,
    /// The Atlassian Cloud sites.
    pub sites: BTreeMap<SiteName, SiteTable>,
    /// What events lead to.
    pub policies: BTreeMap<PolicyName, PolicyTable>,
    /// The HR and CRM systems.
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
