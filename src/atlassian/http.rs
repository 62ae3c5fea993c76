//! The HTTP client that all outgoing calls share.

use std::time::Duration;

use reqwest::redirect::Policy;

/// An HTTP client with timeouts, without redirects, and without retries of its own.
///
/// A redirect would carry a changing call to somewhere that nobody configured, and a retry would repeat a deed behind the
/// queue's back. It honours `HTTPS_PROXY` and `NO_PROXY`. One for the whole process is enough.
pub fn http() -> Result<reqwest::Client, HttpError> {
    reqwest::Client::builder()
        .user_agent(concat!("offboardd/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(10))
        .timeout(Duration::from_mins(1))
        .pool_idle_timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(16)
        .tcp_keepalive(Duration::from_secs(30))
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .build()
        .map_err(HttpError)
}

/// Outgoing connections cannot be made at all.
#[derive(Debug, thiserror::Error)]
#[error("cannot prepare outgoing connections (are CA certificates installed?)")]
pub struct HttpError(#[source] reqwest::Error);
