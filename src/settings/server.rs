//! `[server]`: our two listeners.

use std::net::SocketAddr;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use url::Url;

use super::http_url::{HttpUrl, ListenAddress};
use super::problem::Problem;
use super::size::ByteSize;
use super::{defaults, positive};
use crate::duration::ConfigDuration;

/// `[server]`: the two listeners.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerTable {
    /// Listen address of the public listener, which serves `/webhooks/*` and `/livez` only. Default: `"127.0.0.1:8080"`.
    /// Example: `"0.0.0.0:8080"`.
    pub webhooks: ListenAddress,
    /// Listen address of the private listener: console, API, metrics and health. Default: `"127.0.0.1:9090"`. Example:
    /// `"0.0.0.0:9090"`.
    pub admin: ListenAddress,
    /// URL under which vendors reach the public listener. Schemes that sign the URL need it; the `Host` header is never
    /// used. Example: `"https://hooks.acme.example"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<HttpUrl>,
    /// Largest accepted body of a delivery, at most `64MiB`. A larger body is answered with 413. Default: `"1MiB"`.
    /// Example: `"4MiB"`.
    pub max_body: ByteSize,
    /// How long a stop waits for requests and jobs in progress. Default: `"30s"`. Example: `"1m"`.
    pub shutdown: ConfigDuration,
}

impl Default for ServerTable {
    fn default() -> Self {
        Self {
            webhooks: defaults::WEBHOOKS,
            admin: defaults::ADMIN,
            public_url: None,
            max_body: defaults::MAX_BODY,
            shutdown: defaults::SHUTDOWN,
        }
    }
}

/// Our two listeners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSettings {
    /// Where the public listener listens.
    pub webhooks: SocketAddr,
    /// Where the private listener listens.
    pub admin: SocketAddr,
    /// How the world reaches the public listener.
    pub public_url: Option<Url>,
    /// The largest body that is taken, in bytes.
    pub max_body: usize,
    /// How long a stop waits for requests and jobs in progress.
    pub shutdown: SignedDuration,
}

impl ServerTable {
    pub(super) fn convert(&self) -> Result<ServerSettings, Problem> {
        let (webhooks, admin) = (self.webhooks.get(), self.admin.get());
        if webhooks == admin && admin.port() != 0 {
            return Err(Problem::at("admin", "both listeners have the same address: change the port of one"));
        }
        Ok(ServerSettings {
            webhooks,
            admin,
            public_url: self.public_url.as_ref().map(|url| url.get().clone()),
            max_body: self.max_body.bytes(),
            shutdown: positive("shutdown", self.shutdown)?,
        })
    }
}
