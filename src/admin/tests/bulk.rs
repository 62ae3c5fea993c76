//! Tests of bulk actions.

use serde_json::{Value, json};

use super::{ADA, Daemon, OTTO, ROSA, TestResponse, VERA};
use crate::domain::case::{Cause, Demand, Hold, State, Terms, Transition};
use crate::domain::policy::Action;
use crate::store::Note;

async fn bulk(daemon: &Daemon, who: &str, changes: Value) -> TestResponse {
    let mut body = json!({"action": "release", "filter": {"held": "observe"}, "reason": "switched to enforce"});
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    daemon.post("/api/v1/cases/bulk", who, body).await
}

async fn three_held(daemon: &Daemon) {
    for email in ["ann@example.com", "bob@example.com", "cem@example.com"] {
        daemon.case(email, Action::Revoke, Some(State::Held(Hold::Observe))).await;
    }
    daemon.case("dan@example.com", Action::Delete, Some(State::Held(Hold::Approval))).await;
}

async fn held(daemon: &Daemon) -> usize {
    daemon.get("/api/v1/cases?state=held", OTTO).await.json()["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn without_a_digest_the_set_is_returned_and_nothing_changes() {
    let daemon = Daemon::enforcing().await;
    three_held(&daemon).await;
    let shown = bulk(&daemon, OTTO, json!({})).await;
    assert_eq!(shown.status, 200);
    let shown = shown.json();
    assert_eq!((&shown["count"], &shown["irreversible"], &shown["done"]), (&json!(3), &json!(0), &Value::Null));
    assert_eq!(shown["cases"].as_array().unwrap().len(), 3);
    assert_eq!(held(&daemon).await, 4);
}

#[tokio::test]
async fn with_the_digest_exactly_the_reviewed_cases_are_released() {
    let daemon = Daemon::enforcing().await;
    three_held(&daemon).await;
    let digest = bulk(&daemon, OTTO, json!({})).await.json()["digest"].clone();
    let done = bulk(&daemon, OTTO, json!({"digest": digest})).await.json();
    assert_eq!(done["done"], 3);
    let rest = daemon.get("/api/v1/cases?state=held", OTTO).await.json();
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["items"][0]["held"]), (1, &json!("approval")));
}

#[tokio::test]
async fn digest_of_an_earlier_set_or_a_milder_action_releases_nothing() {
    let daemon = Daemon::enforcing().await;
    three_held(&daemon).await;
    let digest = bulk(&daemon, OTTO, json!({})).await.json()["digest"].clone();
    daemon.case("eve@example.com", Action::Revoke, Some(State::Held(Hold::Observe))).await;
    let refused = bulk(&daemon, OTTO, json!({"digest": digest})).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["count"]), (409, &json!(4)));

    let digest = bulk(&daemon, OTTO, json!({})).await.json()["digest"].clone();
    let first = bulk(&daemon, OTTO, json!({})).await.json()["cases"][0]["id"].as_str().unwrap().parse().unwrap();
    let mut tx = daemon.store.begin().await.unwrap();
    let record = tx.case(first).await.unwrap().unwrap();
    let (source, terms) = (record.case.source.clone(), Terms { action: Action::Delete, ..record.case.terms.clone() });
    let erasure = Transition::ErasureRequested(Demand::new(source, Cause::ErasureRequested, &terms, daemon.now()));
    tx.transition_unless_dispatched(record, &erasure, Note::default(), daemon.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(bulk(&daemon, OTTO, json!({"digest": digest})).await.status, 409);
    assert_eq!(held(&daemon).await, 5);
}

#[tokio::test]
async fn more_cases_than_one_transaction_are_released() {
    let daemon = Daemon::enforcing().await;
    for n in 0..51 {
        daemon.case(&format!("p{n}@example.com"), Action::Revoke, Some(State::Held(Hold::Observe))).await;
    }
    let digest = bulk(&daemon, OTTO, json!({})).await.json()["digest"].clone();
    assert_eq!(bulk(&daemon, OTTO, json!({"digest": digest})).await.json()["done"], 51);
    assert_eq!(held(&daemon).await, 0);
}

#[tokio::test]
async fn observe_mode_releases_nothing_in_bulk() {
    let daemon = Daemon::observing().await;
    three_held(&daemon).await;
    assert_eq!(bulk(&daemon, OTTO, json!({})).await.json()["count"], 0);
}

#[tokio::test]
async fn filter_reason_and_role_are_required() {
    let daemon = Daemon::enforcing().await;
    three_held(&daemon).await;
    let digest = bulk(&daemon, OTTO, json!({})).await.json()["digest"].clone();
    for wrong in [
        json!({"filter": {}}),
        json!({"filter": {"held": "everything"}}),
        json!({"filter": {"hold": "observe"}}),
        json!({"action": "burn"}),
        json!({"digest": digest, "reason": " "}),
        json!({"action": "approve", "filter": {"held": "approval"}}),
    ] {
        assert_eq!(bulk(&daemon, ROSA, wrong.clone()).await.status, 422, "{wrong}");
    }
    assert_eq!(bulk(&daemon, VERA, json!({})).await.status, 403);
    let approve = json!({"action": "approve", "for": "delete", "filter": {"held": "approval"}});
    assert_eq!(bulk(&daemon, OTTO, approve).await.status, 403);
    assert_eq!(held(&daemon).await, 4);
}

#[tokio::test]
async fn many_cases_are_approved_and_cancelled() {
    let daemon = Daemon::enforcing().await;
    three_held(&daemon).await;
    let both = [ROSA, ADA];
    for who in both {
        let approve = json!({"action": "approve", "for": "delete", "filter": {"held": "approval"}});
        let shown = bulk(&daemon, who, approve.clone()).await.json();
        assert_eq!((&shown["count"], &shown["irreversible"]), (&json!(1), &json!(1)));
        let mut approve = approve;
        approve["digest"] = shown["digest"].clone();
        assert_eq!(bulk(&daemon, who, approve).await.json()["done"], 1);
    }
    let mut cancel = json!({"action": "cancel", "filter": {"site": "acme"}});
    cancel["digest"] = bulk(&daemon, OTTO, cancel.clone()).await.json()["digest"].clone();
    assert_eq!(bulk(&daemon, OTTO, cancel).await.json()["done"], 4);
}

#[tokio::test]
async fn token_that_is_removed_during_a_bulk_action_ends_it_and_a_repetition_continues() {
    let daemon = Daemon::enforcing().await;
    for number in 0..60 {
        let email = format!("person{number}@example.com");
        daemon.case(&email, Action::Revoke, Some(State::Held(Hold::Observe))).await;
    }
    let digest = bulk(&daemon, OTTO, json!({})).await.json()["digest"].clone();
    // The first batch waits for this unit of work.
    let busy = daemon.store.begin().await.unwrap();
    let before = daemon.tokens.load_full();
    let (ended, ()) = tokio::join!(bulk(&daemon, OTTO, json!({"digest": digest})), async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let others = before.iter().filter(|token| token.name != OTTO).cloned().collect();
        daemon.tokens.store(std::sync::Arc::new(others));
        drop(busy);
    });
    let detail = "the token was changed or removed after 50 of 60 cases: the others are unchanged, repeat the request";
    assert_eq!((ended.status.as_u16(), ended.detail()), (401, detail.to_owned()));
    daemon.tokens.store(before);
    assert_eq!(held(&daemon).await, 10);
    let digest = bulk(&daemon, OTTO, json!({})).await.json()["digest"].clone();
    assert_eq!(bulk(&daemon, OTTO, json!({"digest": digest})).await.json()["done"], 10);
    assert_eq!(held(&daemon).await, 0);
}
