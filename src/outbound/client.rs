//! The HTTP client that all outgoing calls share.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{ClientBuilder, NoProxy, Proxy};

/// For which requests a proxy is.
type Kind = fn(String) -> reqwest::Result<Proxy>;

/// Hosts that are never reached through a proxy: by these names a proxy would find itself.
const THIS_MACHINE: &str = "localhost,127.0.0.0/8,::1";

/// An HTTP client with timeouts, without redirects, and without retries of its own.
///
/// A redirect would carry a changing call to a host that is not configured, and only the durable queue retries. The client
/// honors `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in lower case too, except for hosts of this machine. One
/// client for the whole process is enough.
pub fn http() -> Result<reqwest::Client, HttpError> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("offboardd/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(10))
        .timeout(Duration::from_mins(1))
        .pool_idle_timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(64)
        .tcp_keepalive(Duration::from_secs(30))
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .referer(false);
    through_proxies(builder)?.build().map_err(HttpError::Client)
}

/// Outgoing connections cannot be made at all.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The client cannot be made.
    #[error("cannot prepare outgoing connections (are CA certificates installed?)")]
    Client(#[source] reqwest::Error),
    /// An environment variable names no proxy. What it holds may be a password.
    #[error("the environment variable {0} does not name a proxy: write http://HOST:PORT")]
    Proxy(&'static str),
}

/// The proxies that the environment names; what reqwest would do by itself knows no exception for this machine.
fn through_proxies(mut builder: ClientBuilder) -> Result<ClientBuilder, HttpError> {
    let excepted = given("NO_PROXY").unwrap_or_default();
    let excepted = NoProxy::from_string(&format!("{THIS_MACHINE},{excepted}"));
    builder = builder.no_proxy();
    let kinds: [(_, Kind); 3] = [("HTTP_PROXY", Proxy::http), ("HTTPS_PROXY", Proxy::https), ("ALL_PROXY", Proxy::all)];
    // The first that fits counts.
    for (variable, proxy) in kinds {
        if let Some(address) = given(variable) {
            let proxy = proxy(address).map_err(|_may_repeat_a_password| HttpError::Proxy(variable))?;
            builder = builder.proxy(proxy.no_proxy(excepted.clone()));
        }
    }
    Ok(builder)
}

fn given(variable: &str) -> Option<String> {
    let spellings = [variable.to_owned(), variable.to_lowercase()];
    spellings.iter().find_map(|name| std::env::var(name).ok()).filter(|value| !value.is_empty())
}
