//! `offboardd healthcheck`: for container health checks, in images that have no curl.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use url::Url;

use super::Config;
use crate::atlassian;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The admin listener or its /readyz; without it, the one that the settings name
    url: Option<Url>,
}

pub(super) async fn run(arguments: Arguments, config: &Config) -> anyhow::Result<()> {
    let url = match arguments.url {
        Some(url) if url.path() == "/" => url.join("/readyz")?,
        Some(url) => url,
        None => Url::parse(&format!("http://{}/readyz", reachable(config.load()?.server.admin)))?,
    };
    let request = atlassian::http()?.get(url.clone()).timeout(Duration::from_secs(4));
    let answer =
        request.send().await.map_err(reqwest::Error::without_url).with_context(|| format!("{url} does not answer"))?;
    anyhow::ensure!(answer.status().is_success(), "{url} answers {}", answer.status());
    Ok(())
}

/// Who listens everywhere is reached at home.
pub(super) fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}
