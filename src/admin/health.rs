//! `/livez` and `/readyz`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::ports::FreeSpace;
use super::state::AdminState;
use crate::store::{SiteStatus, StoreError};

/// Below this, deliveries will soon be rejected.
const MIN_FREE_BYTES: u64 = 64 * 1024 * 1024;

/// The worker ticks at least once a minute.
const WORKER_TIMEOUT: SignedDuration = SignedDuration::from_mins(3);

const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

const NO_RESPONSE: &str = "the database does not respond";

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Readiness {
    ready: bool,
    checks: BTreeMap<&'static str, Check>,
    /// Over PostgreSQL: the id of this replica.
    #[serde(skip_serializing_if = "Option::is_none")]
    replica: Option<String>,
    /// Over PostgreSQL: the sites that this replica works. The other sites are worked by other replicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    sites: Option<Vec<String>>,
    /// Over PostgreSQL: whether all replicas have the same settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<ReplicaSettings>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct ReplicaSettings {
    /// A hash of this replica's settings, without secrets and listen addresses.
    fingerprint: String,
    /// The replicas whose settings have another fingerprint.
    differs: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct Check {
    pub(crate) ok: bool,
    /// Why it failed.
    pub(crate) detail: Option<String>,
}

impl Check {
    fn passed() -> Self {
        Self { ok: true, detail: None }
    }

    fn failed(detail: impl Into<String>) -> Self {
        Self { ok: false, detail: Some(detail.into()) }
    }
}

/// Whether the process runs
#[utoipa::path(
    get,
    path = "/livez",
    tag = "health",
    operation_id = "livez",
    responses((status = 200, description = "It runs", body = String, content_type = "text/plain"))
)]
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// Whether the daemon can work, by each check
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "health",
    operation_id = "readyz",
    responses(
        (status = 200, description = "Every check passes", body = Readiness),
        (status = 503, description = "A check fails", body = Readiness),
    )
)]
pub(super) async fn ready(State(admin): State<Arc<AdminState>>) -> (StatusCode, Json<Readiness>) {
    let checks = checks(&admin).await;
    let ready = checks.values().all(|check| check.ok);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let (replica, sites, settings) = replica(&admin).await;
    (status, Json(Readiness { ready, checks, replica, sites, settings }))
}

/// This replica among the others.
async fn replica(admin: &AdminState) -> (Option<String>, Option<Vec<String>>, Option<ReplicaSettings>) {
    let store = &admin.store;
    let Some(replica) = store.replica_id() else { return (None, None, None) };
    let sites = store.sites_on_duty().iter().map(ToString::to_string).collect();
    let fingerprint = store.settings_fingerprint().unwrap_or_default();
    // The check of the database reports an error.
    let others = timeout(PROBE_TIMEOUT, store.replicas()).await.ok().and_then(Result::ok).unwrap_or_default();
    let differs = others.into_iter().filter(|other| other.id != replica && other.settings != fingerprint);
    let settings =
        ReplicaSettings { fingerprint: fingerprint.to_owned(), differs: differs.map(|other| other.id).collect() };
    (Some(replica.to_owned()), Some(sites), Some(settings))
}

pub(super) async fn checks(admin: &AdminState) -> BTreeMap<&'static str, Check> {
    BTreeMap::from([
        ("clock", clock(admin, &timeout(PROBE_TIMEOUT, admin.store.sites()).await)),
        ("database", database(&timeout(PROBE_TIMEOUT, admin.store.check_writable()).await)),
        ("files", files(admin.store.check_files())),
        ("migrations", migrations(&timeout(PROBE_TIMEOUT, admin.store.schema_is_current()).await)),
        ("space", space(&admin.free_space)),
        ("worker", worker(admin.worker_ticked_at.load(Ordering::Relaxed), admin.clock.now())),
    ])
}

type ProbeResult<T> = Result<Result<T, StoreError>, tokio::time::error::Elapsed>;

fn database(probe: &ProbeResult<()>) -> Check {
    match probe {
        Ok(Ok(())) => Check::passed(),
        Ok(Err(error)) => {
            tracing::warn!(error = %error, "readiness: the database rejects writes");
            Check::failed("the database rejects writes")
        }
        Err(_) => Check::failed(NO_RESPONSE),
    }
}

/// Sites are paused with the reason `clock` while the machine's clock is wrong.
fn clock(admin: &AdminState, sites: &ProbeResult<Vec<SiteStatus>>) -> Check {
    if admin.journal_end.load(Ordering::Relaxed) > admin.clock.now().as_millisecond() {
        return Check::failed("clock: the clock of this machine is behind the newest journal entry");
    }
    let Ok(Ok(sites)) = sites else { return Check::failed(NO_RESPONSE) };
    let reasons = sites.iter().filter(|site| site.paused_at.is_some()).filter_map(|site| site.reason.as_deref());
    reasons.into_iter().find(|reason| reason.starts_with("clock")).map_or_else(Check::passed, Check::failed)
}

/// Checks that the database is still the file that was opened.
fn files(intact: Result<(), StoreError>) -> Check {
    match intact {
        Ok(()) => Check::passed(),
        Err(error) => Check::failed(error.to_string()),
    }
}

fn migrations(current: &ProbeResult<bool>) -> Check {
    match current {
        Ok(Ok(true)) => Check::passed(),
        Ok(Ok(false)) => Check::failed("the schema is of another version: run `offboardd migrate`"),
        Ok(Err(_)) | Err(_) => Check::failed(NO_RESPONSE),
    }
}

fn space(free_space: &FreeSpace) -> Check {
    match free_space.bytes() {
        Ok(free_bytes) => enough(free_bytes),
        Err(error) => Check::failed(format!("the free space cannot be read: {error}")),
    }
}

fn enough(free_bytes: u64) -> Check {
    let detail = Some(format!("{} MiB free", free_bytes / (1024 * 1024)));
    Check { ok: free_bytes >= MIN_FREE_BYTES, detail }
}

/// For the watchdog: the check of `/readyz` alone.
pub(crate) fn is_worker_alive(ticked_at_ms: i64, now: Timestamp) -> bool {
    worker(ticked_at_ms, now).ok
}

fn worker(ticked_at_ms: i64, now: Timestamp) -> Check {
    match Timestamp::from_millisecond(ticked_at_ms) {
        Ok(ticked_at) if ticked_at_ms > 0 => {
            let ago = now.duration_since(ticked_at);
            if ago < WORKER_TIMEOUT {
                Check::passed()
            } else {
                Check::failed(format!("the last tick was {} s ago", ago.as_secs()))
            }
        }
        _ => Check::failed("no tick yet"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_free_space_fails_the_check() {
        assert!(enough(MIN_FREE_BYTES).ok);
        assert!(!enough(MIN_FREE_BYTES - 1).ok);
        assert!(!space(&FreeSpace::Of("/nowhere/at/all".into())).ok);
    }

    #[test]
    fn worker_without_a_recent_tick_fails_the_check() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let turned = |seconds_ago: i64| worker(now.as_millisecond() - seconds_ago * 1000, now);
        assert!(turned(0).ok && turned(179).ok);
        assert!(!turned(180).ok);
        assert!(!worker(0, now).ok, "no tick");
        assert!(turned(-3600).ok, "a tick in the future, after the clock was set back");
    }
}
