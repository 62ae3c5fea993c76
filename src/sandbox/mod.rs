//! An Atlassian Cloud site with JSM, in memory and over HTTP: for the demo, for integrators, and for our own tests.
//!
//! It behaves as Atlassian's references, support articles and users describe; what is unknown is a switch in
//! [`SandboxOptions`]. One listener serves the site, the gateway and the authorization server. The daemon has no code path
//! for it: it is only a URL. It shares no code with the client, so that a mistake of one is not repeated by the other.
//!
//! ```text
//! request ─▶ inbound ─▶ call ─▶ visit: log, fault, wait ─▶ world: who, may, how fast ─▶ platform
//!            taken apart  named         │                                               service_desk
//!                                       ▼                                               customer_service
//!                                  answer, or the line is cut                           gateway
//! ```
//!
//! The methods of [`Sandbox`] control it: they add people, return the state of accounts and the log of calls, inject faults,
//! and grant access. The routes under `/_sandbox` do the same.

mod account;
mod call;
mod calls;
mod control;
mod customer_service;
mod error;
mod exchange;
mod fault;
mod gateway;
mod inbound;
mod jql;
mod limits;
mod memberships;
mod operations;
mod options;
mod platform;
mod response;
mod seed;
mod server;
mod service_desk;
mod shapes;
mod state;
mod stream;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

pub use self::account::{AccountChange, AccountType, AccountView, NewAccount, State};
pub use self::call::CallName;
pub use self::calls::CallRecord;
pub use self::error::SandboxError;
pub use self::fault::{Fault, FaultTiming};
pub use self::memberships::{Organization, Request, ServiceDesk};
pub use self::options::{
    DeleteRole, DeletedAccount, HiddenEmail, PageCaps, Permissions, RevokedAccount, SandboxOptions,
};
pub use self::seed::Seed;
use self::state::SandboxState;
use crate::clock::Clock;

/// A site and its controls. Clones are the same site.
#[derive(Debug, Clone)]
pub struct Sandbox {
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<SandboxState>>,
}

impl Sandbox {
    /// A site with the content of the seed.
    pub fn new(options: SandboxOptions, seed: Seed, clock: Arc<dyn Clock>) -> Result<Self, SandboxError> {
        let state = SandboxState::new(options, seed, clock.now())?;
        Ok(Self { clock, state: Arc::new(Mutex::new(state)) })
    }

    /// The site's cloud id.
    pub fn cloud_id(&self) -> String {
        self.lock().cloud_id().to_owned()
    }

    /// Adds an account, and returns its id. Searches find it after the lag.
    pub fn add(&self, account: NewAccount) -> Result<String, SandboxError> {
        self.with(|state, now| state.add(account, now, now))
    }

    /// Adds accounts, organizations, service desks and requests. The cloud id of the seed is ignored.
    pub fn add_seed(&self, seed: Seed) -> Result<(), SandboxError> {
        self.with(|state, now| state.add_seed(seed, now, now))
    }

    /// The state of an account.
    pub fn account(&self, id: &str) -> Option<AccountView> {
        self.lock().view(id)
    }

    /// Every account, deleted ones too, by id.
    pub fn accounts(&self) -> Vec<AccountView> {
        let state = self.lock();
        state.accounts.keys().filter_map(|id| state.view(id)).collect()
    }

    /// Changes an account, as its owner or an administrator could.
    pub fn change_account(&self, id: &str, change: AccountChange) -> Result<(), SandboxError> {
        self.with(|state, now| state.change_account(id, change, now))
    }

    /// Plays the human who clicks *Grant access* for the customer of this id or address, and returns the id.
    pub fn grant(&self, who: &str) -> Result<String, SandboxError> {
        self.with(|state, now| state.grant(who, now))
    }

    /// Organizations, service desks and requests as they are now, in the form of a seed without accounts.
    pub fn memberships(&self) -> Seed {
        let state = self.lock();
        Seed {
            cloud_id: Some(state.cloud_id().to_owned()),
            accounts: Vec::new(),
            organizations: state.memberships.organizations.values().cloned().collect(),
            desks: state.memberships.desks.values().cloned().collect(),
            requests: state.memberships.requests.values().cloned().collect(),
        }
    }

    /// The received calls, in order of arrival.
    pub fn calls(&self) -> Vec<CallRecord> {
        self.lock().calls.records().to_vec()
    }

    /// Deletes the log of calls.
    pub fn clear_calls(&self) {
        self.lock().calls.clear();
    }

    /// Makes calls fail. Of several faults that fit, the oldest hits.
    pub fn inject(&self, fault: Fault) -> Result<(), SandboxError> {
        fault.check().map_err(SandboxError::InvalidValue)?;
        self.lock().faults.add(fault);
        Ok(())
    }

    /// The faults that wait for their calls.
    pub fn faults(&self) -> Vec<Fault> {
        self.lock().faults.pending().to_vec()
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.lock().faults.clear();
    }

    /// The switches.
    pub fn options(&self) -> SandboxOptions {
        self.lock().options.clone()
    }

    /// Turns switches.
    pub fn change_options(&self, change: impl FnOnce(&mut SandboxOptions)) {
        change(&mut self.lock().options);
    }

    fn patch_options(&self, patch: serde_json::Value) -> Result<SandboxOptions, SandboxError> {
        let mut state = self.lock();
        state.options = state.options.patched(patch).map_err(SandboxError::InvalidValue)?;
        Ok(state.options.clone())
    }

    fn with<T>(&self, work: impl FnOnce(&mut SandboxState, Timestamp) -> T) -> T {
        let now = self.clock.now();
        work(&mut self.lock(), now)
    }

    /// Held for one synchronous piece of work, never across an await. A panic in one test's fault must not hide the rest.
    fn lock(&self) -> MutexGuard<'_, SandboxState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
