//! An account at Atlassian, as far as the rules need to know it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::named;
use super::person::EmailAddress;

/// Atlassian's account id; a portal-only customer's begins with `qm:` and contains colons. `Debug` hides it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(String);

impl AccountId {
    /// The id as Atlassian writes it.
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
    /// A portal-only customer: the only kind that is ever touched.
    Customer,
    /// A person with an Atlassian account, licensed or not.
    Atlassian,
    /// An app or a bot.
    App,
    /// Something that Atlassian calls unknown, or that we do not know.
    Unknown,
}

named!(AccountType { Customer = "customer", Atlassian = "atlassian", App = "app", Unknown = "unknown" });

/// What one read of an account said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its type.
    pub account_type: AccountType,
    /// Whether it has access. False after a revoke.
    pub active: bool,
    /// The address, unless it is hidden.
    pub email: Option<EmailAddress>,
    /// It is only the nameless shell that a deletion leaves ("Former user").
    pub former: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_id_is_kept_to_the_letter_and_never_shown() {
        let id = AccountId::from("qm:6E8b:1".to_owned());
        assert_eq!(id.as_str(), "qm:6E8b:1");
        assert_eq!(format!("{id:?}"), "AccountId(…)");
    }
}
