//! Is the daemon alive, and can it do its work?

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::time::timeout;

use super::AdminState;
use crate::store::{SiteStanding, StoreError};

/// With less space left, deliveries will soon be refused.
const MIN_FREE_BYTES: u64 = 64 * 1024 * 1024;

/// The worker looks for work at least once a minute: after so long it hangs, or is gone.
const WORKER_TIMEOUT: SignedDuration = SignedDuration::from_mins(3);

/// A database that answers later is as good as none.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

/// What `/readyz` says.
#[derive(Debug, Serialize)]
pub(super) struct Readiness {
    ready: bool,
    checks: BTreeMap<&'static str, Check>,
}

#[derive(Debug, Serialize)]
struct Check {
    ok: bool,
    detail: Option<String>,
}

impl Check {
    fn passed() -> Self {
        Self { ok: true, detail: None }
    }

    fn failed(detail: impl Into<String>) -> Self {
        Self { ok: false, detail: Some(detail.into()) }
    }
}

/// The process answers: that is all.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// Whether everything is there that the daemon needs.
pub(super) async fn ready(State(admin): State<Arc<AdminState>>) -> (StatusCode, Json<Readiness>) {
    let checks = BTreeMap::from([
        ("clock", clock(&admin, &timeout(PROBE_TIMEOUT, admin.store.sites()).await)),
        ("database", database(&timeout(PROBE_TIMEOUT, admin.store.probe()).await)),
        ("files", files(admin.store.check_files())),
        ("migrations", migrations(&timeout(PROBE_TIMEOUT, admin.store.schema_is_current()).await)),
        ("space", space(&admin.data_dir)),
        ("worker", worker(admin.worker_ticked_at.load(Ordering::Relaxed), admin.clock.now())),
    ]);
    let ready = checks.values().all(|check| check.ok);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, checks }))
}

type ProbeResult<T> = Result<Result<T, StoreError>, tokio::time::error::Elapsed>;

fn database(probe: &ProbeResult<()>) -> Check {
    match probe {
        Ok(Ok(())) => Check::passed(),
        Ok(Err(error)) => {
            tracing::warn!(error = %error, "the database takes no writes");
            Check::failed("it takes no writes")
        }
        Err(_) => Check::failed("it does not answer"),
    }
}

/// Whether our clock can be trusted: sites are paused with the reason `clock` when it cannot.
fn clock(admin: &AdminState, sites: &ProbeResult<Vec<SiteStanding>>) -> Check {
    if admin.journal_end.load(Ordering::Relaxed) > admin.clock.now().as_millisecond() {
        return Check::failed("clock: this machine's clock is behind the newest journal entry");
    }
    let Ok(Ok(sites)) = sites else { return Check::failed("the database does not answer") };
    let reasons = sites.iter().filter(|site| site.paused_at.is_some()).filter_map(|site| site.reason.as_deref());
    reasons.into_iter().find(|reason| reason.starts_with("clock")).map_or_else(Check::passed, Check::failed)
}

/// Whether the database is still the file that was opened.
fn files(intact: Result<(), StoreError>) -> Check {
    match intact {
        Ok(()) => Check::passed(),
        Err(error) => Check::failed(error.to_string()),
    }
}

fn migrations(current: &ProbeResult<bool>) -> Check {
    match current {
        Ok(Ok(true)) => Check::passed(),
        Ok(Ok(false)) => Check::failed("the schema is not of this version: run `offboardd migrate`"),
        Ok(Err(_)) | Err(_) => Check::failed("the database does not answer"),
    }
}

fn space(data_dir: &Path) -> Check {
    match rustix::fs::statvfs(data_dir) {
        Ok(found) => enough(found.f_bavail.saturating_mul(found.f_frsize)),
        Err(errno) => Check::failed(format!("the database's folder cannot be looked at: {errno}")),
    }
}

fn enough(free_bytes: u64) -> Check {
    let detail = Some(format!("{} MiB free", free_bytes / (1024 * 1024)));
    Check { ok: free_bytes >= MIN_FREE_BYTES, detail }
}

fn worker(ticked_at_ms: i64, now: Timestamp) -> Check {
    match Timestamp::from_millisecond(ticked_at_ms) {
        Ok(ticked_at) if ticked_at_ms > 0 => {
            let ago = now.duration_since(ticked_at);
            if ago < WORKER_TIMEOUT {
                Check::passed()
            } else {
                Check::failed(format!("it last looked for work {} s ago", ago.as_secs()))
            }
        }
        _ => Check::failed("it has not looked for work yet"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_before_it_is_full() {
        assert!(enough(MIN_FREE_BYTES).ok);
        assert!(!enough(MIN_FREE_BYTES - 1).ok);
        assert!(!space(Path::new("/nowhere/at/all")).ok);
    }

    #[test]
    fn a_worker_that_stands_still_is_told() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let turned = |seconds_ago: i64| worker(now.as_millisecond() - seconds_ago * 1000, now);
        assert!(turned(0).ok && turned(179).ok);
        assert!(!turned(180).ok);
        assert!(!worker(0, now).ok, "it never turned");
        assert!(turned(-3600).ok, "the clock was set back: it turned in what is now the future");
    }
}
