//! Cases: opened, moved, closed, found.

mod queries;
mod rows;
mod transitions;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(super) use self::queries::readable;
pub use self::queries::{BulkFilter, CaseFilter};
pub(super) use self::rows::read_case;
use crate::domain::account::{AccountId, AccountType};
use crate::domain::case::{Case, Cause, StateName, Terms};
use crate::domain::ids::{SiteName, SourceName};
use crate::domain::person::Person;
use crate::proof::seal::{CaseKey, MasterKey};

/// A case with what is known about its person.
#[derive(Debug, Clone)]
pub struct CaseRecord {
    /// The case.
    pub case: Case,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// The person, until the case has forgotten.
    pub person: Person,
    /// The account, as soon as it was found and until the case has forgotten.
    pub account: Option<KnownAccount>,
    /// The account's type, as soon as it was found.
    pub account_type: Option<AccountType>,
    /// How often the account was looked for in vain.
    pub looks: u32,
    key: Option<CaseKey>,
}

/// The account that a case is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownAccount {
    /// Its id.
    pub id: AccountId,
    /// The same address also belongs to an account that is left alone.
    pub twin: bool,
}

/// A case to be opened.
#[derive(Debug)]
pub struct NewCase {
    /// Where.
    pub site: SiteName,
    /// Whose event it is; `None` for an operator's own request.
    pub source: Option<SourceName>,
    /// Whose case it is.
    pub person: Person,
    /// What is agreed.
    pub terms: Terms,
    /// Why.
    pub cause: Cause,
    /// No call is made before.
    pub effective_at: Timestamp,
}

/// What stands beside a transition in the journal.
#[derive(Debug, Clone, Default)]
pub struct Note {
    /// Who did it: the name of an admin token; `None` for the daemon itself.
    pub by: Option<String>,
    /// What an operator wrote. Sealed: it may name somebody.
    pub remark: Option<String>,
    /// Particulars without personal data.
    pub detail: Value,
}

impl Note {
    /// A note of particulars alone. They must hold no personal data.
    pub fn detail(detail: Value) -> Self {
        Self { detail, ..Self::default() }
    }
}

/// What a transition did.
#[derive(Debug, Clone)]
pub struct Transitioned {
    /// The case after it.
    pub record: CaseRecord,
    /// Where it stood before.
    pub from: StateName,
}

impl CaseRecord {
    /// This case as the database has it now, with what an attempt observed about the account meanwhile.
    pub(super) fn with_observed(self, observed: &Self) -> Self {
        Self { account: observed.account.clone(), account_type: observed.account_type, looks: observed.looks, ..self }
    }

    /// The keyed hash of the account, if it is known: what an approval covers, and what the journal shows.
    pub fn account_hash(&self, key: &MasterKey) -> Option<String> {
        let account = self.account.as_ref()?;
        Some(hex::encode(key.hash_account(&self.case.site, account.id.as_str()).0))
    }

    /// Removes approvals of another account than the one that is known now.
    pub(super) fn lapse_approvals_of_other_accounts(&mut self, key: &MasterKey) {
        if let Some(account) = self.account_hash(key) {
            self.case.lapse_approvals_of_other_accounts(&account);
        }
    }

    /// Opens what an operator wrote beside the journal entry `seq`.
    pub(super) fn remark(&self, seq: i64, sealed: &[u8]) -> Option<String> {
        let plain = self.key.as_ref()?.open(&seq.to_be_bytes(), sealed).ok()?;
        String::from_utf8(plain).ok()
    }
}
