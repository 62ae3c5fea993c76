//! Everything that the sandbox holds. No I/O and no clock: `now` is a parameter.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::account::{Account, AccountChange, AccountType, AccountView, NewAccount, State};
use super::calls::Calls;
use super::error::SandboxError;
use super::fault::Faults;
use super::limits::BurstBuckets;
use super::memberships::Memberships;
use super::options::SandboxOptions;
use super::seed::Seed;
use crate::clock;

const CLOUD_ID: &str = "11111111-2222-3333-4444-555555555555";

/// Everything that the sandbox holds.
#[derive(Debug)]
pub(super) struct SandboxState {
    pub(super) options: SandboxOptions,
    /// The only cloud id that the gateway knows, if the seed named one.
    cloud_id: Option<String>,
    pub(super) accounts: BTreeMap<String, Account>,
    pub(super) memberships: Memberships,
    pub(super) faults: Faults,
    pub(super) calls: Calls,
    pub(super) access_tokens: BTreeMap<String, Timestamp>,
    pub(super) burst_buckets: BurstBuckets,
}

impl SandboxState {
    pub(super) fn new(options: SandboxOptions, seed: Seed, now: Timestamp) -> Result<Self, SandboxError> {
        let mut state = Self {
            options,
            cloud_id: seed.cloud_id.clone(),
            accounts: BTreeMap::new(),
            memberships: Memberships::default(),
            faults: Faults::default(),
            calls: Calls::default(),
            access_tokens: BTreeMap::new(),
            burst_buckets: BurstBuckets::default(),
        };
        // What a site holds at the beginning has always been there: searches know it whatever their lag.
        state.add_seed(seed, now, Timestamp::MIN)?;
        Ok(state)
    }

    /// The site's cloud id.
    pub(super) fn cloud_id(&self) -> &str {
        self.cloud_id.as_deref().unwrap_or(CLOUD_ID)
    }

    /// Whether the gateway leads here under this cloud id.
    pub(super) fn is_at(&self, cloud_id: &str) -> bool {
        self.cloud_id.as_ref().is_none_or(|own| own == cloud_id)
    }

    /// Adds what the seed describes, as of `since`.
    pub(super) fn add_seed(&mut self, seed: Seed, now: Timestamp, since: Timestamp) -> Result<(), SandboxError> {
        for account in seed.accounts {
            self.add(account, now, since)?;
        }
        for mut organization in seed.organizations {
            organization.members = self.ids_of(organization.members)?;
            self.memberships.organizations.insert(organization.id.clone(), organization);
        }
        for mut desk in seed.desks {
            desk.customers = self.ids_of(desk.customers)?;
            self.memberships.desks.insert(desk.id.clone(), desk);
        }
        for mut request in seed.requests {
            request.reporter = self.id_of(&request.reporter)?;
            request.participants = self.ids_of(request.participants)?;
            self.memberships.requests.insert(request.key.clone(), request);
        }
        Ok(())
    }

    /// Adds one account as of `since`, and returns its id.
    pub(super) fn add(&mut self, new: NewAccount, now: Timestamp, since: Timestamp) -> Result<String, SandboxError> {
        let id = new.account_id.clone().unwrap_or_else(|| {
            let unique = clock::new_id(now);
            match new.account_type {
                AccountType::Customer => format!("qm:{}:{unique}", self.cloud_id()),
                AccountType::Atlassian | AccountType::App | AccountType::Unknown => format!("712020:{unique}"),
            }
        });
        if self.accounts.contains_key(&id) {
            return Err(SandboxError::DuplicateAccount(id));
        }
        self.accounts.insert(id.clone(), Account::new(id.clone(), new, since));
        Ok(id)
    }

    fn ids_of<C: FromIterator<String>>(&self, who: impl IntoIterator<Item = String>) -> Result<C, SandboxError> {
        who.into_iter().map(|who| self.id_of(&who)).collect()
    }

    /// The account of this id, or the only one of this address.
    fn id_of(&self, who: &str) -> Result<String, SandboxError> {
        self.only(who, |_| true)
    }

    fn only(&self, who: &str, fits: impl Fn(&Account) -> bool) -> Result<String, SandboxError> {
        if self.accounts.contains_key(who) {
            return Ok(who.to_owned());
        }
        let found: Vec<&Account> =
            self.with_address(who).filter(|account| account.facts.state != State::Deleted && fits(account)).collect();
        match found.as_slice() {
            [account] => Ok(account.id.clone()),
            several => Err(SandboxError::NotUnique { who: who.to_owned(), found: several.len() }),
        }
    }

    /// Every account that has this address, or had it when it was deleted.
    pub(super) fn with_address(&self, address: &str) -> impl Iterator<Item = &Account> {
        self.accounts.values().filter(move |account| account.facts.has_address(address))
    }

    /// An account that was not deleted.
    pub(super) fn existing_account(&mut self, id: &str) -> Option<&mut Account> {
        self.accounts.get_mut(id).filter(|account| account.facts.state != State::Deleted)
    }

    /// A customer account that was not deleted.
    pub(super) fn customer(&mut self, id: &str) -> Option<&mut Account> {
        self.existing_account(id).filter(|account| account.facts.account_type == AccountType::Customer)
    }

    /// A human clicks *Grant access* for the customer with this id or address.
    pub(super) fn grant(&mut self, who: &str, now: Timestamp) -> Result<String, SandboxError> {
        let id = self.only(who, |account| account.facts.account_type == AccountType::Customer)?;
        let account = self.existing_account(&id).ok_or_else(|| SandboxError::AccountDeleted(id.clone()))?;
        if account.facts.state == State::Revoked {
            account.grant(now);
        }
        Ok(id)
    }

    /// Another administrator changes an account.
    pub(super) fn change_account(
        &mut self,
        id: &str,
        change: AccountChange,
        now: Timestamp,
    ) -> Result<(), SandboxError> {
        if !self.accounts.contains_key(id) {
            return Err(SandboxError::NotUnique { who: id.to_owned(), found: 0 });
        }
        let account = self.existing_account(id).ok_or_else(|| SandboxError::AccountDeleted(id.to_owned()))?;
        let AccountChange { account_type, email, display_name, hidden, active } = change;
        account.change(now, |facts| {
            facts.account_type = account_type.unwrap_or(facts.account_type);
            facts.email = email.or_else(|| facts.email.take());
            facts.hidden = hidden.unwrap_or(facts.hidden);
            if let Some(display_name) = display_name {
                facts.display_name = display_name;
            }
        });
        match active {
            Some(true) if !account.facts.active() => account.grant(now),
            Some(false) if account.facts.active() => account.revoke(now),
            Some(_) | None => {}
        }
        Ok(())
    }

    /// Everything about one account.
    pub(super) fn view(&self, id: &str) -> Option<AccountView> {
        let account = self.accounts.get(id)?;
        let mut view = account.view(self.options.deletion_grace.get());
        view.organizations =
            self.memberships.organizations_of(id).map(|organization| organization.id.clone()).collect();
        view.desks = self.memberships.desks_of(id).map(|desk| desk.id.clone()).collect();
        view.participates_in = self.memberships.requests_of(id).map(|request| request.key.clone()).collect();
        Some(view)
    }
}
