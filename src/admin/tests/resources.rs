//! Tests of jobs, sources, sites and deliveries.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Daemon, OTTO, ROSA, VERA};

fn items(list: &Value) -> &Vec<Value> {
    list["items"].as_array().unwrap()
}

#[tokio::test]
async fn jobs_are_listed_by_state_and_kind() {
    let daemon = Daemon::enforcing().await;
    let cancelled = daemon.scheduled("ann@example.com").await;
    let queued = daemon.scheduled("bob@example.com").await;
    daemon.act_on_case(cancelled, "cancel").await;
    for (query, case) in [("state=cancelled", cancelled), ("state=queued&kind=revoke", queued)] {
        let list = daemon.get(&format!("/api/v1/jobs?{query}"), OTTO).await.json();
        assert_eq!(items(&list).len(), 1, "{query}");
        assert_eq!(items(&list)[0]["case"], case.to_string());
        assert_eq!(items(&list)[0]["site"], "acme");
    }
    assert!(items(&daemon.get("/api/v1/jobs?kind=delete", OTTO).await.json()).is_empty());
}

#[tokio::test]
async fn source_is_paused_resumed_and_reported_quiet() {
    let daemon = Daemon::enforcing().await;
    daemon.delivery("bamboohr").await;
    let waiting = daemon.store.unrouted(&"bamboohr".parse().unwrap(), 1, 1).await.unwrap().remove(0);
    let mut tx = daemon.store.begin().await.unwrap();
    tx.routed(&[waiting.origin.seq], daemon.now()).await.unwrap();
    tx.note_last_delivery(&waiting.source, waiting.received_at).await.unwrap();
    tx.commit().await.unwrap();
    let bamboohr = async || items(&daemon.get("/api/v1/sources", OTTO).await.json())[0].clone();

    let source = bamboohr().await;
    assert_eq!((&source["name"], &source["policy"]), (&json!("bamboohr"), &json!("leavers")));
    assert_eq!((&source["quiet"], &source["quiet_after_seconds"]), (&json!(false), &json!(86400)));
    daemon.clock.advance(SignedDuration::from_hours(25));
    assert_eq!(bamboohr().await["quiet"], true);

    let paused = daemon.post("/api/v1/sources/bamboohr/pause", OTTO, json!({})).await.json();
    assert_eq!((&paused["paused_by"], paused["paused_at"].is_string()), (&json!(OTTO), true));
    let resumed = daemon.post("/api/v1/sources/bamboohr/resume", OTTO, json!({})).await.json();
    assert!(resumed["paused_at"].is_null() && resumed["paused_by"].is_null());
    assert_eq!(daemon.post("/api/v1/sources/unknown/pause", OTTO, json!({})).await.status, 404);
}

#[tokio::test]
async fn offered_secret_is_visible_to_operators_and_accepted_by_approvers() {
    let daemon = Daemon::enforcing().await;
    let mut tx = daemon.store.begin().await.unwrap();
    assert!(tx.store_offered_secret(&"bamboohr".parse().unwrap(), &"v3rify".into(), daemon.now()).await.unwrap());
    tx.commit().await.unwrap();
    let seen_by = async |who| items(&daemon.get("/api/v1/sources", who).await.json())[0].clone();
    assert!(seen_by(VERA).await["offered"][0]["token"].is_null());
    let seen = seen_by(OTTO).await;
    assert_eq!((&seen["offered"][0]["token"], &seen["offered_at"]), (&json!("v3rify"), &json!("2026-06-01T08:00:00Z")));
    let route = "/api/v1/sources/bamboohr/accept";
    assert_eq!(daemon.post(route, ROSA, json!({ "offer": "00" })).await.status, 404);
    let accepted = daemon.post(route, ROSA, json!({ "offer": seen["offered"][0]["id"], "reason": "x" })).await.json();
    assert_eq!((&accepted["offered"], &accepted["accepted_secrets"]), (&json!([]), &json!(1)));
    assert_eq!(daemon.post("/api/v1/sources/unknown/accept", ROSA, json!({ "offer": "00" })).await.status, 404);
}

#[tokio::test]
async fn paused_site_has_a_reason_and_is_resumed() {
    let daemon = Daemon::enforcing().await;
    let mut tx = daemon.store.begin().await.unwrap();
    tx.pause_site(&"acme".parse().unwrap(), "401: make a new token", daemon.now()).await.unwrap();
    tx.commit().await.unwrap();
    let list = daemon.get("/api/v1/sites", OTTO).await.json();
    assert_eq!(items(&list).len(), 2);
    assert_eq!(
        (&items(&list)[0]["reason"], items(&list)[0]["paused_at"].is_string()),
        (&json!("401: make a new token"), true)
    );
    let resumed = daemon.post("/api/v1/sites/acme/resume", OTTO, json!({"reason": "new token"})).await.json();
    assert_eq!((&resumed["paused_at"], &resumed["reason"]), (&Value::Null, &Value::Null));
    assert_eq!(daemon.post("/api/v1/sites/nowhere/resume", OTTO, json!({})).await.status, 404);
}

#[tokio::test]
async fn unreadable_delivery_is_listed_and_replayed() {
    let daemon = Daemon::enforcing().await;
    let id = daemon.delivery("bamboohr").await;
    daemon.delivery("crm").await;
    let waiting = daemon.store.unrouted(&"bamboohr".parse().unwrap(), 1, 1).await.unwrap().remove(0);
    let mut tx = daemon.store.begin().await.unwrap();
    tx.mark_unreadable(waiting.id, "$.employees: expected a list", daemon.now()).await.unwrap();
    tx.commit().await.unwrap();

    let list = daemon.get("/api/v1/deliveries?status=unreadable&source=bamboohr", OTTO).await.json();
    assert_eq!((items(&list).len(), &items(&list)[0]["id"]), (1, &json!(id)));
    let path = format!("/api/v1/deliveries/{id}");
    let shown = daemon.get(&path, OTTO).await.json();
    assert_eq!((&shown["problem"], &shown["events"]), (&json!("$.employees: expected a list"), &json!([])));
    let replayed = daemon.post(&format!("{path}/replay"), OTTO, json!({})).await.json();
    assert_eq!((&replayed["status"], &replayed["problem"]), (&json!("received"), &Value::Null));
}

#[tokio::test]
async fn delivery_with_an_expired_body_is_not_replayed() {
    let daemon = Daemon::enforcing().await;
    let id = daemon.delivery("bamboohr").await;
    let waiting = daemon.store.unrouted(&"bamboohr".parse().unwrap(), 1, 1).await.unwrap().remove(0);
    let mut tx = daemon.store.begin().await.unwrap();
    tx.routed(&[waiting.origin.seq], daemon.now()).await.unwrap();
    tx.apply_retention(SignedDuration::ZERO, daemon.now()).await.unwrap();
    tx.commit().await.unwrap();
    let answer = daemon.post(&format!("/api/v1/deliveries/{id}/replay"), OTTO, json!({})).await;
    assert_eq!(
        (answer.status.as_u16(), answer.detail().as_str()),
        (409, "the stored body has expired: have the vendor resend the delivery")
    );
    let absent = "/api/v1/deliveries/01980000-0000-7000-8000-000000000000";
    assert_eq!(daemon.get(absent, OTTO).await.status, 404);
    assert_eq!(daemon.post(&format!("{absent}/replay"), OTTO, json!({})).await.status, 404);
}
