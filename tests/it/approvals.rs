//! Approvals and holds: what people decide about a case, and what no source can undo.

use offboardd::domain::case::{AttentionReason, Hold, State, StateName};
use offboardd::sandbox::{AccountChange, CallName};
use serde_json::{Value, json};

use crate::harness::{Harness, ROSA, Setup, TOM};

const ANN: &str = "ann@example.com";

/// Deletions need one approval; the local grace is a month.
const ONE_FOR_A_DELETION: &str =
    "departed = \"revoke_then_delete\"\nerasure_requested = \"delete\"\nlocal_grace = \"30d\"
     approvals.delete = 1";

async fn story_with(policy: &'static str) -> Harness {
    Harness::with(Setup { policy, ..Setup::default() }).await
}

async fn send(story: &Harness, kind: &str) {
    story.send_event(json!({ "type": kind, "person": { "email": ANN } })).await;
}

async fn held(story: &Harness) -> Option<Hold> {
    let State::Held(hold) = story.case(ANN).await.case.state else { return None };
    Some(hold)
}

#[tokio::test]
async fn approval_of_a_later_deletion_does_not_cover_an_immediate_erasure() {
    let story = story_with(ONE_FOR_A_DELETION).await;
    story.send_departed(ANN).await;
    assert_eq!(story.approve(ROSA, ANN, "delete").await.status, 200);
    send(&story, "erasure_requested").await;
    assert_eq!((held(&story).await, story.count(CallName::Delete)), (Some(Hold::Approval), 0));
    let history = story.history(ANN).await;
    let lapsed = json!([{ "by": "rosa", "for": "delete" }]);
    assert!(history.iter().any(|entry| entry.detail["approvals_lapsed"] == lapsed), "{history:?}");
    let awaited = story.try_action(ROSA, ANN, "hold").await.body["awaits"].clone();
    assert_eq!((&awaited["for"], &awaited["approvals_missing"]), (&json!("delete"), &json!(1)));
    story.act(ANN, "release").await;
    assert_eq!(story.approve(TOM, ANN, "delete").await.status, 200);
    assert_eq!(story.state(ANN).await, StateName::DeletionGrace);
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn return_voids_an_approval() {
    let story = story_with(ONE_FOR_A_DELETION).await;
    story.send_departed(ANN).await;
    assert_eq!(story.approve(ROSA, ANN, "delete").await.status, 200);
    story.advance("1m").await;
    story.send_returned(ANN).await;
    story.advance("1m").await;
    story.send_departed(ANN).await;
    story.advance("31d").await;
    assert_eq!((held(&story).await, story.count(CallName::Delete)), (Some(Hold::Approval), 0));
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn access_granted_again_voids_an_approval() {
    let story = story_with(ONE_FOR_A_DELETION).await;
    story.send_departed(ANN).await;
    assert_eq!(story.approve(ROSA, ANN, "delete").await.status, 200);
    let granted = AccountChange { active: Some(true), ..AccountChange::default() };
    story.site.change_account(&story.account(ANN).account_id, granted).unwrap();
    story.advance("30d").await;
    assert_eq!(story.attention(ANN).await, AttentionReason::Regranted);
    story.act(ANN, "retry").await;
    story.advance("31d").await;
    assert_eq!((held(&story).await, story.count(CallName::Delete)), (Some(Hold::Approval), 0));
    story.finish(&["revoke ann@example.com", "revoke ann@example.com"]).await;
}

#[tokio::test]
async fn approval_can_be_withdrawn_until_the_call() {
    let story = story_with(ONE_FOR_A_DELETION).await;
    story.send_departed(ANN).await;
    assert_eq!(story.approve(ROSA, ANN, "delete").await.status, 200);
    let withdraw = async || {
        let body = json!({ "reason": "because", "for": "delete" });
        story.try_action_with(ROSA, ANN, "withdraw", body).await
    };
    assert_eq!(withdraw().await.body["approvals"], json!([]));
    story.advance("30d").await;
    assert_eq!(held(&story).await, Some(Hold::Approval));
    assert_eq!(story.approve(ROSA, ANN, "delete").await.status, 200);
    let late = withdraw().await;
    assert_eq!(late.status, 409);
    assert!(late.body["detail"].as_str().unwrap().ends_with("Atlassian already accepted the deletion"), "{late:?}");
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn case_without_a_call_to_make_waits_for_no_approval() {
    let policy = "departed = \"revoke_then_delete\"\nerasure_requested = \"delete\"\napprovals.revoke = 1";
    let story = story_with(policy).await;
    story.send_departed(ANN).await;
    assert_eq!(held(&story).await, Some(Hold::Approval));
    send(&story, "erasure_requested").await;
    assert_eq!(story.state(ANN).await, StateName::DeletionGrace);
    story.finish(&["delete ann@example.com"]).await;
}

#[tokio::test]
async fn hold_applies_to_the_next_case_of_the_person() {
    let mut story = story_with("departed = \"revoke\"").await;
    story.send_departed_at(ANN, "2026-10-01T00:00:00Z").await;
    story.act(ANN, "hold").await;
    story.advance("1m").await;
    story.send_returned(ANN).await;
    assert_eq!(story.state(ANN).await, StateName::Cancelled);
    story.restart().await;
    story.advance("1m").await;
    story.send_departed(ANN).await;
    assert_eq!((held(&story).await, story.cases_of(ANN).await.len()), (Some(Hold::Hold), 2));

    // Another source reports the same person: the case is still held.
    let employee = json!({ "employees": [{ "id": "7", "action": "Updated", "changedFields": ["Status"],
        "fields": { "Status": "Inactive", "Work Email": ANN } }] });
    let reply = story.send("bamboohr", &employee).await;
    story.wait_until_routed(reply.delivery()).await;
    story.settle().await;
    assert_eq!((held(&story).await, story.site.calls().len()), (Some(Hold::Hold), 0));

    story.act(ANN, "release").await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn operator_cancel_lifts_the_hold() {
    let story = story_with("departed = \"revoke\"").await;
    story.send_departed_at(ANN, "2026-10-01T00:00:00Z").await;
    story.act(ANN, "hold").await;
    story.act(ANN, "cancel").await;
    story.advance("1m").await;
    story.send_departed(ANN).await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn hold_after_the_revoke_prevents_deletion_by_later_events() {
    let story =
        story_with("departed = \"revoke_then_delete\"\nerasure_requested = \"delete\"\nlocal_grace = \"1d\"").await;
    story.send_departed(ANN).await;
    story.act(ANN, "hold").await;
    for kind in ["departure_cancelled", "departed", "erasure_requested", "returned", "erasure_requested"] {
        story.advance("1m").await;
        send(&story, kind).await;
    }
    story.advance("40d").await;
    assert_eq!((held(&story).await, story.count(CallName::Delete)), (Some(Hold::Hold), 0));
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn operator_request_needs_the_strictest_approvals_of_the_site() {
    let more = "[policies.lax]\ndeparted = \"revoke\"\n[sources.lax]\npreset = \"standard-webhooks\"\nsite = \"acme\"
         policy = \"lax\"\nsecrets = [{ env = \"HR_KEY\" }]";
    let story = Harness::with(Setup { policy: ONE_FOR_A_DELETION, more, ..Setup::default() }).await;
    let request = json!({ "site": "acme", "email": ANN, "action": "delete", "reason": "requested", "policy": "lax" });
    let opened = story.api("/cases", Some(request)).await;
    assert_eq!(
        (opened.status, &opened.body["policy"], &opened.body["requested_by"]),
        (201, &json!("lax"), &json!("rosa"))
    );
    story.settle().await;
    assert_eq!(held(&story).await, Some(Hold::Approval));
    assert_eq!(story.approve(ROSA, ANN, "delete").await.status, 403);
    assert_eq!(story.approve(TOM, ANN, "delete").await.status, 200);
    assert_eq!(story.state(ANN).await, StateName::DeletionGrace);
    let approvals = &story.api("/cases", None).await.body["items"][0]["approvals"];
    assert_eq!(
        (&approvals[0]["by"], &approvals[0]["for"], &approvals[0]["not_before"]),
        (&json!("tom"), &json!("delete"), &Value::Null)
    );
    story.finish(&["delete ann@example.com"]).await;
}
