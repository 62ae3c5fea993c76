//! The one remote system that we change: calls by intent, wire types, failures classified once, pacing.
//!
//! [`Client`] says what can be asked of a site and what the answers mean. It decides nothing: who may be touched, when, and
//! whether to try again is for others. It never repeats a call by itself, except that an access token which was refused
//! is renewed once. An answer that got lost is [`Failure::Transient`](crate::domain::retry::Failure::Transient), and only
//! a read shows whether the call took effect.
//!
//! ```text
//! client, find, detach     the intents              call       every endpoint: address, pace, what it needs
//! standing, inquiry        who we are, what works   failure    why a call failed, in words
//! link                     one call and back        clock_watch our clock against the site's
//! judge                    whose problem a rejection is
//! ```

mod access;
mod attribution;
mod call;
mod client;
mod clock_watch;
mod detach;
mod endpoint_url;
mod failure;
#[cfg(test)]
mod fake_server;
#[cfg(test)]
mod fault_tests;
mod find;
mod metrics;
mod oauth;
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
pub use metrics::Metrics;
pub use site::{Auth, DeleteWith, Site};
