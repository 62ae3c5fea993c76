//! Tests of health and metrics.

use jiff::SignedDuration;
use serde_json::json;

use super::Daemon;
use crate::domain::case::{Attention, State};
use crate::domain::policy::Action;

#[tokio::test]
async fn working_daemon_is_ready_and_lists_its_checks() {
    let daemon = Daemon::enforcing().await;
    let answer = daemon.get("/readyz", "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["ready"], true);
    for check in ["database", "migrations", "space", "worker"] {
        assert_eq!(answer.json()["checks"][check]["ok"], true, "{check}");
    }
}

#[tokio::test]
async fn worker_without_a_tick_makes_the_daemon_unready_but_live() {
    let daemon = Daemon::enforcing().await;
    daemon.clock.advance(SignedDuration::from_mins(5));
    let answer = daemon.get("/readyz", "").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["ready"]), (503, &json!(false)));
    assert_eq!(answer.json()["checks"]["worker"]["detail"], "the last tick was 300 s ago");
    assert_eq!(daemon.get("/livez", "").await.status, 200);
    daemon.worker_ticked_at.store(daemon.now().as_millisecond(), std::sync::atomic::Ordering::Relaxed);
    assert_eq!(daemon.get("/readyz", "").await.status, 200);
}

#[tokio::test]
async fn database_that_rejects_writes_makes_the_daemon_unready() {
    let daemon = Daemon::enforcing().await;
    daemon.store.close().await;
    let answer = daemon.get("/readyz", "").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.json()["checks"]["database"], json!({"ok": false, "detail": "the database rejects writes"}));
}

#[tokio::test]
async fn metrics_exist_from_the_start_and_follow_the_database() {
    let daemon = Daemon::enforcing().await;
    let text = daemon.get("/metrics", "").await.text;
    for line in [
        "offboardd_cases{site=\"acme\",state=\"scheduled\"} 0",
        "offboardd_cases{site=\"globex\",state=\"needs_attention\"} 0",
        "offboardd_jobs_oldest_due_seconds 0.0",
        "offboardd_attention{site=\"acme\",reason=\"ambiguous_account\"} 0",
        "offboardd_held{site=\"globex\",why=\"approval\"} 0",
        "offboardd_source_frozen{source=\"crm\"} 0",
        "offboardd_mode{mode=\"enforce\"} 1",
        "offboardd_site_paused{site=\"acme\"} 0",
        "offboardd_source_last_delivery_timestamp_seconds{source=\"bamboohr\"} 0",
        &format!("offboardd_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in:\n{text}");
    }
    assert!(text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1);

    daemon.scheduled("ann@example.com").await;
    daemon.case("bob@example.com", Action::Delete, Some(State::NeedsAttention(Attention::no_email()))).await;
    let mut tx = daemon.store.begin().await.unwrap();
    tx.pause_site(&"acme".parse().unwrap(), "401", daemon.now()).await.unwrap();
    tx.commit().await.unwrap();
    daemon.clock.set("2026-06-01T09:00:30.001Z".parse().unwrap());
    let text = daemon.get("/metrics", "").await.text;
    for line in [
        "offboardd_cases{site=\"acme\",state=\"scheduled\"} 1",
        "offboardd_jobs_oldest_due_seconds 30.0",
        "offboardd_attention{site=\"acme\",reason=\"no_email\"} 1",
        "offboardd_site_paused{site=\"acme\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in:\n{text}");
    }
}
