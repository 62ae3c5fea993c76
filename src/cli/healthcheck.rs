//! `offboardd healthcheck`: for container health checks, in images that have no curl.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use url::Url;

use super::config::Config;

#[derive(Debug, Args)]
#[command(after_help = "Example: offboardd healthcheck http://127.0.0.1:9090/livez")]
pub(super) struct Arguments {
    /// URL of the admin listener or of one of its checks [default: /readyz of the settings' server.admin]
    url: Option<Url>,
}

pub(super) async fn run(arguments: Arguments, config: &Config) -> anyhow::Result<()> {
    let url = match arguments.url {
        Some(url) if url.path() == "/" => url.join("/readyz")?,
        Some(url) => url,
        None => Url::parse(&format!("http://{}/readyz", reachable(config.load()?.file.server.admin.get())))?,
    };
    let request = crate::outbound::http()?.get(url.clone()).timeout(Duration::from_secs(4));
    let response =
        request.send().await.map_err(reqwest::Error::without_url).with_context(|| format!("no response from {url}"))?;
    anyhow::ensure!(response.status().is_success(), "{url} responded {}", response.status());
    Ok(())
}

/// The loopback address of a listener that is bound to all addresses.
pub(super) fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}
