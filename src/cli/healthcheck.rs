//! `offboardd healthcheck`: for container health checks, in images that have no curl. It reads no settings.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use reqwest::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

use super::output::print_out;

#[derive(Debug, Args)]
#[command(after_help = "Example: offboardd healthcheck --ready http://127.0.0.1:9090")]
pub(super) struct Arguments {
    /// URL of the admin listener, or of one of its checks
    #[arg(env = "OFFBOARDD_URL", default_value = "http://127.0.0.1:9090")]
    url: Url,
    /// Test `/readyz`: whether the daemon can do its work, and not only whether it runs (`/livez`)
    #[arg(long)]
    ready: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The part of `/readyz` that says what failed.
#[derive(Debug, Default, Deserialize)]
struct Readiness {
    checks: BTreeMap<String, Check>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Check {
    ok: bool,
    detail: Option<String>,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { url, ready, json } = arguments;
    let url = if url.path() == "/" { url.join(if ready { "/readyz" } else { "/livez" })? } else { url };
    let answered = get(&url).await;
    if json {
        let (status, checks) = match &answered {
            Ok((status, readiness)) => (Some(status.as_u16()), &readiness.checks),
            Err(_no_response) => (None, &BTreeMap::new()),
        };
        let ok = answered.as_ref().is_ok_and(|(status, _)| status.is_success());
        print_out(&format!("{}\n", json!({ "ok": ok, "url": url.as_str(), "status": status, "checks": checks })));
    }
    let (status, readiness) = answered?;
    if status.is_success() {
        return Ok(());
    }
    bail!("{url} responded {status}{}", failed_checks(readiness))
}

/// The status, and the checks if the response lists any.
async fn get(url: &Url) -> anyhow::Result<(StatusCode, Readiness)> {
    let request = crate::outbound::http()?.get(url.clone()).timeout(Duration::from_secs(4));
    let response =
        request.send().await.map_err(reqwest::Error::without_url).with_context(|| format!("no response from {url}"))?;
    let status = response.status();
    let body = response.text().await.unwrap_or_default();
    Ok((status, serde_json::from_str(&body).unwrap_or_default()))
}

/// The failed checks with their reasons.
fn failed_checks(readiness: Readiness) -> String {
    let failed = readiness.checks.into_iter().filter(|(_, check)| !check.ok);
    let lines: Vec<String> =
        failed.map(|(name, check)| format!("\n  {name}: {}", check.detail.unwrap_or_default())).collect();
    lines.concat()
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
