//! Where customers are found besides the directory: organizations, service desks, and requests. They hold account ids
//! and know nothing about the accounts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// An organization of customers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organization {
    /// Its id, a number as text.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Who is in it: account ids or, in a seed, addresses that only one account has.
    #[serde(default)]
    pub members: BTreeSet<String>,
}

/// A service desk.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceDesk {
    /// Its id, a number as text.
    pub id: String,
    /// The key of its project.
    pub key: String,
    /// The name of its project.
    pub name: String,
    /// Open access or public sign-up: all people are customers, and none can be removed.
    #[serde(default)]
    pub open: bool,
    /// Who is on its list: account ids or, in a seed, addresses that only one account has.
    #[serde(default)]
    pub customers: BTreeSet<String>,
}

/// A request of a customer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Its key, like `HELP-1`.
    pub key: String,
    /// Who raised it: an account id or, in a seed, an address that only one account has.
    pub reporter: String,
    /// Who else takes part, likewise.
    #[serde(default)]
    pub participants: BTreeSet<String>,
    /// Whether its status is in the category *Done*.
    #[serde(default)]
    pub done: bool,
    /// Its title.
    #[serde(default)]
    pub summary: String,
    /// The name of its status; without one it follows from `done`.
    #[serde(default)]
    pub status: Option<String>,
}

impl Request {
    /// The name of its status.
    pub(super) fn status_name(&self) -> &str {
        let by_default = if self.done { "Resolved" } else { "Waiting for support" };
        self.status.as_deref().unwrap_or(by_default)
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Memberships {
    pub(super) organizations: BTreeMap<String, Organization>,
    pub(super) desks: BTreeMap<String, ServiceDesk>,
    pub(super) requests: BTreeMap<String, Request>,
}

impl Memberships {
    /// Ids of the organizations that `account` is in.
    pub(super) fn organizations_of(&self, account: &str) -> impl Iterator<Item = &Organization> {
        self.organizations.values().filter(move |organization| organization.members.contains(account))
    }

    /// The desks whose list `account` is on.
    pub(super) fn desks_of(&self, account: &str) -> impl Iterator<Item = &ServiceDesk> {
        self.desks.values().filter(move |desk| desk.customers.contains(account))
    }

    /// The requests that `account` participates in.
    pub(super) fn requests_of(&self, account: &str) -> impl Iterator<Item = &Request> {
        self.requests.values().filter(move |request| request.participants.contains(account))
    }
}
