//! Cases: opened, moved, closed, found.

mod authentication;
mod note;
mod queries;
mod rows;
mod transitions;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::note::Note;
pub use self::queries::{BulkFilter, CaseFilter, CaseSort};
pub(super) use self::queries::{find_case, readable};
pub(super) use self::rows::{read_case, to_json};
use crate::domain::account::{AccountId, AccountType, Candidate};
use crate::domain::case::{Case, Cause, ErasureDeadline, StateName, Terms};
use crate::domain::ids::{SiteName, SourceName};
use crate::domain::person::Person;
use crate::proof::seal::{CaseKey, KeyedHash, MasterKey};

/// A case with the data about its person.
#[derive(Debug, Clone)]
pub struct CaseRecord {
    pub case: Case,
    pub opened_at: Timestamp,
    /// The person; empty after the data was shredded.
    pub person: Person,
    /// The account, once found and until the data is shredded.
    pub account: Option<KnownAccount>,
    /// The type of the account, once found.
    pub account_type: Option<AccountType>,
    /// The number of reads that did not find the account.
    pub reads_without_account: u32,
    /// Increases with each entry of the journal about a change of the case.
    pub(super) version: i64,
    /// By which the row is found. They stay when the personal data is shredded.
    hashes: RowHashes,
    /// The accounts among which a human decides, until the data is shredded.
    pub candidates: Vec<Candidate>,
    key: Option<CaseKey>,
}

/// The hashes by which a case is found.
#[derive(Debug, Clone, Copy)]
struct RowHashes {
    person_key: KeyedHash,
    email: Option<KeyedHash>,
    person: Option<KeyedHash>,
}

impl RowHashes {
    /// The hashes after an email address or a person id became known.
    fn with(self, email: Option<KeyedHash>, person: Option<KeyedHash>) -> Self {
        Self {
            person_key: email.unwrap_or(self.person_key),
            email: email.or(self.email),
            person: person.or(self.person),
        }
    }
}

/// The account that a case is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownAccount {
    pub id: AccountId,
    /// Whether the same email address also belongs to an account that is not touched.
    pub twin: bool,
}

/// A case to be opened.
#[derive(Debug)]
pub struct NewCase {
    pub site: SiteName,
    /// The source of the event; `None` for an operator's own request.
    pub source: Option<SourceName>,
    pub person: Person,
    pub terms: Terms,
    /// The reason for the case.
    pub cause: Cause,
    /// No call is made before this time.
    pub effective_at: Timestamp,
    /// By when it must be carried out, if it is a request for erasure.
    pub deadline: Option<ErasureDeadline>,
}

/// The result of a transition.
#[derive(Debug, Clone)]
pub struct Transitioned {
    /// The case after it.
    pub record: CaseRecord,
    /// The state before it.
    pub from: StateName,
}

impl CaseRecord {
    /// The case from the database, with the observations of an attempt about the account.
    pub(super) fn with_observed(self, observed: &Self) -> Self {
        Self {
            account: observed.account.clone(),
            account_type: observed.account_type,
            reads_without_account: observed.reads_without_account,
            candidates: observed.candidates.clone(),
            ..self
        }
    }

    /// The keyed hash of the account, if it is known. Approvals cover it, and the journal shows it.
    pub fn account_hash(&self, key: &MasterKey) -> Option<String> {
        let account = self.account.as_ref()?;
        Some(hex::encode(key.hash_account(&self.case.site, account.id.as_str()).0))
    }

    /// Removes approvals that cover another account than the currently known one.
    pub(super) fn lapse_approvals_of_other_accounts(&mut self, key: &MasterKey) {
        if let Some(account) = self.account_hash(key) {
            self.case.lapse_approvals_of_other_accounts(&account);
        }
    }

    /// Opens the operator's remark at the journal entry `seq`.
    pub(super) fn remark(&self, seq: i64, sealed: &[u8]) -> Option<String> {
        let plain = self.key.as_ref()?.open(&seq.to_be_bytes(), sealed).ok()?;
        String::from_utf8(plain).ok()
    }
}
