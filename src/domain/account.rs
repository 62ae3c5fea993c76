//! An account at Atlassian, as far as the rules need it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::named;
use super::person::EmailAddress;

/// Atlassian's account id; a portal-only customer's begins with `qm:` and contains colons. `Debug` hides it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(String);

impl AccountId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for AccountId {
    fn from(id: String) -> Self {
        Self(id)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountId(…)")
    }
}

/// Atlassian's `accountType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccountType {
    /// A portal-only customer: the only type that is ever changed.
    Customer,
    /// A person with an Atlassian account, licensed or not.
    Atlassian,
    /// An app or a bot.
    App,
    /// Reported as unknown, or not in this list.
    Unknown,
}

named!(AccountType { Customer = "customer", Atlassian = "atlassian", App = "app", Unknown = "unknown" });

/// An account that may be the person's: one of several with the same email address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Candidate {
    pub id: AccountId,
    #[serde(rename = "type")]
    pub account_type: AccountType,
    /// Whether the account has access.
    pub active: bool,
    pub email: Option<EmailAddress>,
}

impl From<&Account> for Candidate {
    fn from(account: &Account) -> Self {
        let Account { id, account_type, active, email, former: _ } = account;
        Self { id: id.clone(), account_type: *account_type, active: *active, email: email.clone() }
    }
}

/// The result of one read of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub id: AccountId,
    pub account_type: AccountType,
    /// Whether the account has access. False after a revoke.
    pub active: bool,
    /// The email address, unless it is hidden.
    pub email: Option<EmailAddress>,
    /// Only the nameless record that a deletion leaves ("Former user").
    pub former: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_id_is_kept_unchanged_and_hidden_in_debug() {
        let id = AccountId::from("qm:6E8b:1".to_owned());
        assert_eq!(id.as_str(), "qm:6E8b:1");
        assert_eq!(format!("{id:?}"), "AccountId(…)");
    }
}
