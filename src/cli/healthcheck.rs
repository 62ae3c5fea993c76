//! `offboardd healthcheck`: for container health checks, in images that have no curl. It reads no settings.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use serde::Deserialize;
use url::Url;

#[derive(Debug, Args)]
#[command(after_help = "Example: offboardd healthcheck --ready http://127.0.0.1:9090")]
pub(super) struct Arguments {
    /// URL of the admin listener, or of one of its checks
    #[arg(env = "OFFBOARDD_URL", default_value = "http://127.0.0.1:9090")]
    url: Url,
    /// Test `/readyz`: whether the daemon can do its work, and not only whether it runs (`/livez`)
    #[arg(long)]
    ready: bool,
}

/// The part of `/readyz` that says what failed.
#[derive(Debug, Deserialize)]
struct Readiness {
    checks: BTreeMap<String, Check>,
}

#[derive(Debug, Deserialize)]
struct Check {
    ok: bool,
    detail: Option<String>,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { url, ready } = arguments;
    let url = if url.path() == "/" { url.join(if ready { "/readyz" } else { "/livez" })? } else { url };
    let request = crate::outbound::http()?.get(url.clone()).timeout(Duration::from_secs(4));
    let response =
        request.send().await.map_err(reqwest::Error::without_url).with_context(|| format!("no response from {url}"))?;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let failed = response.text().await.ok().and_then(|body| failed_checks(&body)).unwrap_or_default();
    bail!("{url} responded {status}{failed}")
}

/// The failed checks with their reasons.
fn failed_checks(body: &str) -> Option<String> {
    let readiness: Readiness = serde_json::from_str(body).ok()?;
    let failed = readiness.checks.into_iter().filter(|(_, check)| !check.ok);
    let lines: Vec<String> =
        failed.map(|(name, check)| format!("\n  {name}: {}", check.detail.unwrap_or_default())).collect();
    Some(lines.concat())
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
