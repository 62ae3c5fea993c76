//! Outgoing HTTP: one client without redirects and retries, capped bodies, `Retry-After`, and OAuth client credentials.
//!
//! Atlassian's client and the lookups at vendors build on it. What a status means is decided there, because it depends on
//! the call.

mod body;
mod client;
mod oauth;
mod retry_after;
mod transport_error;

pub(crate) use body::{BodyError, read_capped};
pub use client::{HttpError, http};
pub(crate) use oauth::{Grant, TokenCache, client_credentials};
pub(crate) use retry_after::retry_instant;
pub(crate) use transport_error::TransportError;
