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

/// `[server]`: our two listeners.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerTable {
    /// The public listener: `/webhooks/*` and `/livez`, nothing else. Default `"127.0.0.1:8080"`.
    pub webhooks: ListenAddress,
    /// The private listener: console, API, metrics, health. Default `"127.0.0.1:9090"`.
    pub admin: ListenAddress,
    /// How the world reaches the public listener, for schemes that sign the URL; never taken from `Host`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<HttpUrl>,
    /// The largest body that is taken. Default `"1MiB"`.
    pub max_body: ByteSize,
    /// How long a stop waits for what is under way. Default `"30s"`.
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
    /// How long a stop waits for what is under way.
    pub shutdown: SignedDuration,
}

impl ServerTable {
    pub(super) fn convert(&self) -> Result<ServerSettings, Problem> {
        let (webhooks, admin) = (self.webhooks.get(), self.admin.get());
        if webhooks == admin && admin.port() != 0 {
            return Err(Problem::at("admin", "the two listeners need different addresses: give this one another port"));
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
