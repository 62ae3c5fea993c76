//! What a site holds at the beginning: a JSON file, of which `sample.json` beside this one is the example.
//!
//! ```json
//! {
//!   "cloud_id": "11111111-2222-3333-4444-555555555555",
//!   "accounts": [
//!     { "email": "ann@example.com", "display_name": "Ann Archer" },
//!     { "account_type": "atlassian", "email": "rosa@example.com", "display_name": "Rosa Admin", "hidden": false }
//!   ],
//!   "organizations": [{ "id": "1", "name": "Archer Ltd", "members": ["ann@example.com"] }],
//!   "desks": [{ "id": "1", "key": "HELP", "name": "Help", "open": false, "customers": ["ann@example.com"] }],
//!   "requests": [{ "key": "HELP-1", "reporter": "rosa@example.com", "participants": ["ann@example.com"], "done": false }]
//! }
//! ```
//!
//! Everything is optional. Members, customers, reporters and participants are named by account id, or by an address that
//! only one account has.

use serde::{Deserialize, Serialize};

use super::account::NewAccount;
use super::error::SandboxError;
use super::memberships::{Organization, Request, ServiceDesk};

/// What a site holds at the beginning.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Seed {
    /// The site's cloud id: the gateway knows no other then. Without one any leads here, and the site calls itself
    /// `11111111-2222-3333-4444-555555555555`.
    pub cloud_id: Option<String>,
    /// The accounts.
    pub accounts: Vec<NewAccount>,
    /// The organizations.
    pub organizations: Vec<Organization>,
    /// The service desks.
    pub desks: Vec<ServiceDesk>,
    /// The requests.
    pub requests: Vec<Request>,
}

impl Seed {
    /// Reads a seed file.
    pub fn from_json(text: &str) -> Result<Self, SandboxError> {
        serde_json::from_str(text).map_err(SandboxError::InvalidJson)
    }

    /// A site with every trap that is known of: namesakes by prefix and by word, a name that is an address, twins, two
    /// customers with one address, a hidden address, a licensed user, an app, a customer who was revoked long ago.
    ///
    /// # Panics
    ///
    /// Never: the file is part of the program, and a test reads it.
    pub fn sample() -> Self {
        #[expect(clippy::expect_used, reason = "the file is compiled in, and a test reads it")]
        Self::from_json(include_str!("sample.json")).expect("the sample is a seed")
    }
}
