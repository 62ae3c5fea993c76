//! `[server]`: our two listeners.

use serde::{Deserialize, Serialize};

use super::http_url::{HttpUrl, ListenAddress};
use super::problem::Problem;
use super::size::ByteSize;
use super::wait::positive;
use crate::duration::ConfigDuration;

/// `[server]`: the two listeners.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// URL under which operators reach the private listener. Messages link to the console with it. Example:
    /// `"https://offboardd.acme.example"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_url: Option<HttpUrl>,
    /// Largest accepted body of a delivery, at most `64MiB`. A larger body is answered with 413. Default: `"1MiB"`.
    /// Example: `"4MiB"`.
    pub max_body: ByteSize,
    /// How long a stop waits for requests and jobs in progress. Default: `"30s"`. Example: `"1m"`.
    #[serde(deserialize_with = "positive")]
    pub shutdown: ConfigDuration,
}

impl ServerTable {
    pub(super) fn check(&self) -> Result<(), Problem> {
        if self.webhooks == self.admin && self.admin.get().port() != 0 {
            return Err(Problem::at("admin", "both listeners have the same address: change the port of one"));
        }
        Ok(())
    }
}
