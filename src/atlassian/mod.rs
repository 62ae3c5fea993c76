//! The client of the remote system that the daemon changes: calls by intent, wire types, failures, pacing.
//!
//! [`Client`] defines the calls and interprets the responses. It makes no decisions about accounts, times or retries.
//! It never repeats a call, except that a rejected access token is renewed once. A lost response is
//! [`Failure::Transient`](crate::domain::retry::Failure::Transient), and only a read shows whether the call took
//! effect.
//!
//! ```text
//! client, find, detach     the intents                call         every endpoint: path, rate, permissions
//! access, preflight        permissions, reachability  failure      why a call failed, in words
//! transport                one request and response   clock_watch  our clock against the site's
//! attribution              call or whole site
//! ```

mod access;
mod attribution;
mod call;
mod client;
mod clock_watch;
mod desk;
mod detach;
mod endpoint_url;
mod error_code;
mod failure;
#[cfg(test)]
mod fake_server;
#[cfg(test)]
mod fault_tests;
mod find;
mod members;
mod metrics;
mod oauth;
mod outcomes;
mod pacing;
mod preflight;
mod response;
mod site;
mod transport;
mod wire;

pub use access::{Me, ServerInfo, SiteAccess};
pub use call::Call;
pub use client::{Client, Deleted, Reinvited, Revoked};
pub use detach::{Left, OrganizationId, RequestKey, ServiceDeskId};
pub use failure::ALLOWLIST;
pub use find::UserSurvey;
pub use members::{ListedCustomer, MembersPage, NamedOrganization};
pub use metrics::Metrics;
pub use site::{Auth, DeleteWith, Site, WatchErased};
