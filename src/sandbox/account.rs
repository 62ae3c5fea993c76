//! One account, now and as it was: searches lag behind, so an account remembers what used to be true of it.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Atlassian's `accountType`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountType {
    /// A portal-only customer.
    #[default]
    Customer,
    /// A person with an Atlassian account.
    Atlassian,
    /// An app or a bot.
    App,
    /// What Atlassian calls unknown.
    Unknown,
}

impl AccountType {
    /// The name in Atlassian's answers.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Atlassian => "atlassian",
            Self::App => "app",
            Self::Unknown => "unknown",
        }
    }
}

/// What has become of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It has access.
    Present,
    /// Its access was taken away; *Grant access* undoes it.
    Revoked,
    /// It was deleted, for good.
    Deleted,
}

/// An account as a seed or a test describes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewAccount {
    /// Its id; without one it gets a fresh id of its type's form.
    #[serde(alias = "accountId")]
    pub account_id: Option<String>,
    /// Its type; by default a portal-only customer.
    #[serde(alias = "accountType")]
    pub account_type: AccountType,
    /// Its address.
    #[serde(alias = "emailAddress")]
    pub email: Option<String>,
    /// Its name; by default the email address.
    #[serde(alias = "displayName")]
    pub display_name: Option<String>,
    /// Whether the address is kept out of answers.
    pub hidden: bool,
    /// Whether it has access. `false` makes a revoked account.
    pub active: bool,
}

impl Default for NewAccount {
    fn default() -> Self {
        Self {
            account_id: None,
            account_type: AccountType::Customer,
            email: None,
            display_name: None,
            hidden: false,
            active: true,
        }
    }
}

impl NewAccount {
    /// A portal-only customer with this address and name.
    pub fn customer(email: &str, display_name: &str) -> Self {
        Self { email: Some(email.to_owned()), display_name: Some(display_name.to_owned()), ..Self::default() }
    }
}

/// A change to an account by a hand from outside: what is named changes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountChange {
    /// Another type.
    #[serde(alias = "accountType")]
    pub account_type: Option<AccountType>,
    /// Another address.
    #[serde(alias = "emailAddress")]
    pub email: Option<String>,
    /// Another name.
    #[serde(alias = "displayName")]
    pub display_name: Option<String>,
    /// Whether the address is kept out of answers.
    pub hidden: Option<bool>,
    /// Access given or taken.
    pub active: Option<bool>,
}

/// What is true of an account at one time.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) account_type: AccountType,
    pub(super) email: Option<String>,
    pub(super) display_name: String,
    pub(super) hidden: bool,
    pub(super) state: State,
}

impl Facts {
    pub(super) fn active(&self) -> bool {
        self.state == State::Present
    }

    /// The name as Atlassian shows it: revoked and deleted accounts are marked.
    pub(super) fn shown_name(&self) -> String {
        match self.state {
            State::Present => self.display_name.clone(),
            State::Revoked => format!("{} (Deactivated)", self.display_name),
            State::Deleted => "Former user (Deactivated)".to_owned(),
        }
    }

    pub(super) fn has_address(&self, address: &str) -> bool {
        self.email.as_ref().is_some_and(|email| email.eq_ignore_ascii_case(address))
    }

    /// Whether a word of the name or of the address begins with `query`, which is in lower case.
    pub(super) fn matches(&self, query: &str) -> bool {
        [Some(&self.display_name), self.email.as_ref()].into_iter().flatten().any(|text| {
            // The common case is searched in place: a site has many accounts, and every look-up searches them all.
            let text = if text.is_ascii() { Cow::Borrowed(text.as_str()) } else { Cow::Owned(text.to_lowercase()) };
            let rooms = text.char_indices().take_while(|(at, _)| at + query.len() <= text.len());
            let starts_of_words = rooms.scan(false, |in_word, (at, character)| {
                let starts = character.is_alphanumeric() && !*in_word;
                *in_word = character.is_alphanumeric();
                Some(starts.then_some(at))
            });
            starts_of_words
                .flatten()
                .any(|at| text.get(at..at + query.len()).is_some_and(|word| word.eq_ignore_ascii_case(query)))
        })
    }
}

/// One account with its past.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) facts: Facts,
    since: Timestamp,
    earlier: Vec<(Timestamp, Facts)>,
    pub(super) revoked_at: Option<Timestamp>,
    pub(super) deleted_at: Option<Timestamp>,
}

impl Account {
    pub(super) fn new(id: String, new: NewAccount, since: Timestamp) -> Self {
        let display_name = new.display_name.or_else(|| new.email.clone()).unwrap_or_default();
        let state = if new.active { State::Present } else { State::Revoked };
        Self {
            id,
            facts: Facts { account_type: new.account_type, email: new.email, display_name, hidden: new.hidden, state },
            since,
            earlier: Vec::new(),
            revoked_at: None,
            deleted_at: None,
        }
    }

    /// What was true at `then`, if the account existed.
    pub(super) fn as_of(&self, then: Timestamp) -> Option<&Facts> {
        if self.since <= then {
            return Some(&self.facts);
        }
        self.earlier.iter().rev().find(|(since, _)| *since <= then).map(|(_, facts)| facts)
    }

    /// Changes the facts from `now` on.
    pub(super) fn change(&mut self, now: Timestamp, change: impl FnOnce(&mut Facts)) {
        self.earlier.push((self.since, self.facts.clone()));
        self.since = now;
        change(&mut self.facts);
    }

    pub(super) fn revoke(&mut self, now: Timestamp) {
        self.change(now, |facts| facts.state = State::Revoked);
        self.revoked_at = Some(now);
    }

    pub(super) fn grant(&mut self, now: Timestamp) {
        self.change(now, |facts| facts.state = State::Present);
        self.revoked_at = None;
    }

    pub(super) fn delete(&mut self, now: Timestamp) {
        self.change(now, |facts| facts.state = State::Deleted);
        self.deleted_at = Some(now);
    }

    pub(super) fn view(&self, deletion_grace: SignedDuration) -> AccountView {
        AccountView {
            account_id: self.id.clone(),
            account_type: self.facts.account_type,
            email: self.facts.email.clone(),
            display_name: self.facts.display_name.clone(),
            hidden: self.facts.hidden,
            state: self.facts.state,
            active: self.facts.active(),
            revoked_at: self.revoked_at,
            deleted_at: self.deleted_at,
            grace_ends_at: self.deleted_at.and_then(|at| at.checked_add(deletion_grace).ok()),
            organizations: Vec::new(),
            desks: Vec::new(),
            participates_in: Vec::new(),
        }
    }
}

/// Everything about an account, including what Atlassian does not return: hidden email addresses and deleted accounts.
#[derive(Debug, Clone, Serialize)]
pub struct AccountView {
    /// Its id.
    pub account_id: String,
    /// Its type.
    pub account_type: AccountType,
    /// Its address, hidden or not, and after a deletion too.
    pub email: Option<String>,
    /// Its name without marks.
    pub display_name: String,
    /// Whether the address is kept out of answers.
    pub hidden: bool,
    /// What has become of it.
    pub state: State,
    /// Whether it has access.
    pub active: bool,
    /// When its access was revoked, if that happened here; kept when it is deleted then.
    pub revoked_at: Option<Timestamp>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// The instant from which its email address can be invited again.
    pub grace_ends_at: Option<Timestamp>,
    /// Ids of the organizations that it is in.
    pub organizations: Vec<String>,
    /// Ids of the service desks that it is a customer of.
    pub desks: Vec<String>,
    /// Keys of the requests that it participates in.
    pub participates_in: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(display_name: &str, email: &str) -> Facts {
        Facts {
            account_type: AccountType::Customer,
            email: Some(email.to_owned()),
            display_name: display_name.to_owned(),
            hidden: false,
            state: State::Present,
        }
    }

    #[test]
    fn a_search_matches_the_beginning_of_words() {
        let mary = facts("Mary Hopkins", "mary.ann@example.com");
        for query in ["mary", "hop", "mary.ann@example.com", "ann@example.com", "example"] {
            assert!(mary.matches(query), "{query}");
        }
        assert!(facts("Émile Ödön", "e@example.com").matches("ödön"));
        for query in ["ary", "opkins", "nn@example.com", "mary ann"] {
            assert!(!mary.matches(query), "{query}");
        }
    }

    #[test]
    fn earlier_facts_are_kept() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut account = Account::new("qm:1".to_owned(), NewAccount::customer("a@example.com", "A"), at(10));
        account.revoke(at(20));
        account.delete(at(30));
        let state = |then| account.as_of(at(then)).map(|facts| facts.state);
        assert_eq!(state(9), None);
        assert_eq!(state(19), Some(State::Present));
        assert_eq!(state(29), Some(State::Revoked));
        assert_eq!(state(30), Some(State::Deleted));
    }
}
