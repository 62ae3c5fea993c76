//! An Atlassian Cloud site with JSM, in memory and over HTTP: for the demo, for integrators, and for our own tests.
//!
//! It behaves as far as Atlassian's references, support articles and users tell; what nobody knows is a switch in
//! [`Settings`]. One listener plays the site, the gateway and the authorization server. The daemon has no code path for
//! it: it is just a URL. It shares no code with the client that talks to it either, so that a mistake of one is not
//! repeated by the other.
//!
//! ```text
//! request ─▶ inbound ─▶ call ─▶ visit: log, fault, wait ─▶ world: who, may, how fast ─▶ platform
//!            taken apart  named         │                                               service_desk
//!                                       ▼                                               customer_service
//!                                  answer, or the line is cut                           gateway
//! ```
//!
//! [`Sandbox`] is also the hand of whoever owns it: add people, look at what became of them, read the log of calls, make
//! calls fail, click *Grant access*. Everything that it does can be done under `/_sandbox` too.

mod account;
mod answer;
mod call;
mod calls;
mod control;
mod customer_service;
mod error;
mod fault;
mod gateway;
mod inbound;
mod jql;
mod limits;
mod line;
mod places;
mod platform;
mod seed;
mod service_desk;
mod settings;
mod shapes;
#[cfg(test)]
mod tests;
mod visit;
mod world;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use jiff::Timestamp;
use tokio::net::TcpListener;

pub use self::account::{AccountChange, AccountType, AccountView, NewAccount, State};
pub use self::call::CallName;
pub use self::calls::CallRecord;
pub use self::error::SandboxError;
pub use self::fault::{Fault, Moment};
pub use self::places::{Desk, Organization, Request};
pub use self::seed::Seed;
pub use self::settings::{Deleter, Hidden, PageCaps, Permissions, Remains, Revoked, Settings};
use self::world::World;
use crate::clock::Clock;

/// A site, and the hand that plays with it. Clones are the same site.
#[derive(Debug, Clone)]
pub struct Sandbox {
    clock: Arc<dyn Clock>,
    world: Arc<Mutex<World>>,
}

impl Sandbox {
    /// A site that holds what the seed says.
    pub fn new(settings: Settings, seed: Seed, clock: Arc<dyn Clock>) -> Result<Self, SandboxError> {
        let world = World::new(settings, seed, clock.now())?;
        Ok(Self { clock, world: Arc::new(Mutex::new(world)) })
    }

    /// Answers calls until `stop` is ready and the calls under way are answered.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let routes: Router = control::routes().fallback(visit::answer).with_state(self);
        let service = routes.into_make_service_with_connect_info::<line::Cord>();
        axum::serve(line::Lines(listener), service).with_graceful_shutdown(stop).await
    }

    /// The site's cloud id.
    pub fn cloud_id(&self) -> String {
        self.lock().cloud_id().to_owned()
    }

    /// Adds an account, and returns its id. Searches find it after the lag.
    pub fn add(&self, account: NewAccount) -> Result<String, SandboxError> {
        self.with(|world, now| world.add(account, now, now))
    }

    /// Adds accounts, organizations, service desks and requests. Its cloud id is not looked at.
    pub fn plant(&self, seed: Seed) -> Result<(), SandboxError> {
        self.with(|world, now| world.plant(seed, now, now))
    }

    /// What has become of an account.
    pub fn account(&self, id: &str) -> Option<AccountView> {
        self.lock().view(id)
    }

    /// Every account, deleted ones too, by id.
    pub fn accounts(&self) -> Vec<AccountView> {
        let world = self.lock();
        world.accounts.keys().filter_map(|id| world.view(id)).collect()
    }

    /// Changes an account, as its owner or an administrator could.
    pub fn change_account(&self, id: &str, change: AccountChange) -> Result<(), SandboxError> {
        self.with(|world, now| world.amend(id, change, now))
    }

    /// Plays the human who clicks *Grant access* for the customer of this id or address, and returns the id.
    pub fn grant(&self, who: &str) -> Result<String, SandboxError> {
        self.with(|world, now| world.grant(who, now))
    }

    /// Organizations, service desks and requests as they are now, in the form of a seed without accounts.
    pub fn places(&self) -> Seed {
        let world = self.lock();
        Seed {
            cloud_id: Some(world.cloud_id().to_owned()),
            accounts: Vec::new(),
            organizations: world.places.organizations.values().cloned().collect(),
            desks: world.places.desks.values().cloned().collect(),
            requests: world.places.requests.values().cloned().collect(),
        }
    }

    /// The calls that came, in order of arrival.
    pub fn calls(&self) -> Vec<CallRecord> {
        self.lock().calls.records().to_vec()
    }

    /// Forgets the calls that came.
    pub fn clear_calls(&self) {
        self.lock().calls.clear();
    }

    /// Makes calls fail. Of several faults that fit, the oldest hits.
    pub fn inject(&self, fault: Fault) -> Result<(), SandboxError> {
        fault.check().map_err(SandboxError::Impossible)?;
        self.lock().faults.add(fault);
        Ok(())
    }

    /// The faults that wait for their calls.
    pub fn faults(&self) -> Vec<Fault> {
        self.lock().faults.waiting().to_vec()
    }

    /// Takes all faults back.
    pub fn clear_faults(&self) {
        self.lock().faults.clear();
    }

    /// The switches.
    pub fn settings(&self) -> Settings {
        self.lock().settings.clone()
    }

    /// Turns switches.
    pub fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.lock().settings);
    }

    fn patch_settings(&self, patch: serde_json::Value) -> Result<Settings, SandboxError> {
        let mut world = self.lock();
        world.settings = world.settings.patched(patch).map_err(SandboxError::Impossible)?;
        Ok(world.settings.clone())
    }

    fn with<T>(&self, work: impl FnOnce(&mut World, Timestamp) -> T) -> T {
        let now = self.clock.now();
        work(&mut self.lock(), now)
    }

    /// Held for one synchronous piece of work, never across an await. A panic in one test's fault must not hide the rest.
    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
