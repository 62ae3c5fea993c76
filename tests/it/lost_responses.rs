//! What one read or one lost answer does not prove: that a call was not carried out, or that an account is gone.

use offboardd::domain::case::{AttentionReason, StateName};
use offboardd::sandbox::{self, AccountChange, AccountType, CallName, Fault, FaultTiming, NewAccount};
use serde_json::{Value, json};

use crate::harness::{Harness, Setup};

const ANN: &str = "ann@example.com";

fn lost(call: CallName) -> Fault {
    Fault { call: Some(call), drop: Some(FaultTiming::Before), times: Some(1), ..Fault::default() }
}

/// The read of Ann's account is answered so, as often as that.
fn read_as(body: Option<Value>, times: u32) -> Fault {
    let status = if body.is_some() { 200 } else { 404 };
    Fault { call: Some(CallName::Read), status: Some(status), body, times: Some(times), ..Fault::default() }
}

/// A record with fallback values, as Atlassian shows it while the real one is not available.
fn fallback(story: &Harness) -> Value {
    json!({ "accountId": story.account(ANN).account_id, "accountType": "unknown", "active": false,
            "displayName": "User record unavailable" })
}

fn no_account_listed(times: u32) -> Fault {
    Fault { call: Some(CallName::Scan), body: Some(json!([])), times: Some(times), ..Fault::default() }
}

/// An administrator deletes Ann's account by hand.
async fn delete_by_hand(story: &Harness) {
    let id = story.account(ANN).account_id;
    let url = format!("http://{}/rest/api/3/user?accountId={id}", story.site_address());
    let request = crate::http::client().delete(url).basic_auth("admin@example.com", Some("x"));
    assert!(request.send().await.unwrap().status().is_success());
}

#[tokio::test]
async fn revoke_effective_after_a_lost_response_waits_for_a_grant() {
    let story = Harness::start().await;
    story.inject(lost(CallName::Revoke));
    story.send_departed(ANN).await;
    story.send_returned(ANN).await;
    assert_eq!(story.state(ANN).await, StateName::Restoring, "a read right after the call proves nothing");
    let revoked = AccountChange { active: Some(false), ..AccountChange::default() };
    story.site.change_account(&story.account(ANN).account_id, revoked).unwrap();
    story.advance("1m").await;
    let case = story.case(ANN).await.case;
    assert_eq!(case.state.name(), StateName::Restoring);
    assert!(case.progress.revoked_at.is_some());
    story.site.grant(ANN).unwrap();
    story.advance("5m").await;
    assert_eq!(story.state(ANN).await, StateName::Restored);
    story.finish(&[]).await;
}

#[tokio::test]
async fn deletion_effective_after_a_lost_response_is_not_cancelled() {
    let story = Harness::with(Setup { policy: "departed = \"delete\"", ..Setup::default() }).await;
    story.inject(lost(CallName::Delete));
    story.send_departed(ANN).await;
    story.send_returned(ANN).await;
    assert_eq!(story.state(ANN).await, StateName::Deleting, "a read right after the call proves nothing");
    delete_by_hand(&story).await;
    story.advance("1m").await;
    assert_eq!(story.state(ANN).await, StateName::Deleting, "one look is no conclusion");
    story.advance_past_rechecks().await;
    assert_eq!(story.state(ANN).await, StateName::DeletionGrace);
    story.finish(&["delete ann@example.com"]).await;
}

#[tokio::test]
async fn lost_deletion_call_is_cancelled_after_a_later_read() {
    let story = Harness::with(Setup { policy: "departed = \"delete\"", ..Setup::default() }).await;
    story.inject(lost(CallName::Delete));
    story.send_departed(ANN).await;
    story.send_returned(ANN).await;
    story.advance_quiet("1m").await;
    assert_eq!(story.state(ANN).await, StateName::Cancelled);
    story.advance("10d").await;
    story.finish(&[]).await;
}

#[tokio::test]
async fn crash_during_the_revoke_needs_more_than_one_read() {
    let mut story = Harness::start().await;
    story.inject(Fault { delay_ms: 2000, drop: Some(FaultTiming::Before), ..lost(CallName::Revoke) });
    let departed = json!({ "type": "departed", "person": { "email": ANN } });
    assert_eq!(story.send("hr", &departed).await.status, 202);
    story.wait_for_call(CallName::Revoke).await;
    let returned = json!({ "type": "returned", "person": { "email": ANN } });
    assert_eq!(story.send("hr", &returned).await.status, 202);
    story.crash().await;
    story.settle().await;
    assert_eq!(story.state(ANN).await, StateName::Restoring);
    assert!(story.history(ANN).await.iter().any(|entry| entry.kind == "interrupted"));
    story.advance("1m").await;
    assert_eq!(story.state(ANN).await, StateName::Restored);
    story.finish(&[]).await;
}

#[tokio::test]
async fn temporarily_missing_account_is_deleted_when_it_reappears() {
    let story = Harness::start().await;
    story.send_departed(ANN).await;
    story.inject(read_as(None, 2));
    story.inject(no_account_listed(2));
    story.advance("30d").await;
    story.advance("1m").await;
    assert_eq!((story.state(ANN).await, story.count(CallName::Delete)), (StateName::Deleting, 0));
    story.advance("10m").await;
    assert!(story.history_text(ANN).await.ends_with("deletion_accepted (done_by_us)"));
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn account_left_in_customer_service_management_is_not_gone() {
    let story = Harness::start().await;
    story.send_departed(ANN).await;
    story.inject(read_as(None, 4));
    story.inject(no_account_listed(4));
    story.advance("30d").await;
    story.advance_past_rechecks().await;
    assert_eq!((story.state(ANN).await, story.count(CallName::Delete)), (StateName::Deleting, 0));
    story.advance("10m").await;
    assert!(story.history_text(ANN).await.ends_with("deletion_accepted (done_by_us)"));
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn fallback_record_before_deletion_or_after_revoke_proves_nothing() {
    let story = Harness::start().await;
    // The second read is the one after the revoke.
    story.inject(Fault { skip: 1, ..read_as(Some(fallback(&story)), 1) });
    story.send_departed(ANN).await;
    assert_eq!(story.state(ANN).await, StateName::Revoking);
    story.advance("5s").await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.inject(read_as(Some(fallback(&story)), 1));
    story.advance("30d").await;
    assert_eq!(story.state(ANN).await, StateName::Deleting);
    story.advance("1m").await;
    assert_eq!(story.state(ANN).await, StateName::DeletionGrace);
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn single_404_does_not_end_the_watch_for_a_grant() {
    let story = Harness::start().await;
    story.send_departed(ANN).await;
    story.send_returned(ANN).await;
    story.inject(read_as(None, 1));
    story.advance("5m").await;
    assert_eq!(story.state(ANN).await, StateName::Restoring);
    story.site.grant(ANN).unwrap();
    story.advance("5m").await;
    assert_eq!(story.state(ANN).await, StateName::Restored);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn accepted_deletion_is_not_repeated_while_reads_show_the_account() {
    let story = Harness::start().await;
    story.send_departed(ANN).await;
    let still = json!({ "accountId": story.account(ANN).account_id, "accountType": "customer", "active": false,
                        "emailAddress": ANN, "displayName": "Ann" });
    story.inject(Fault { skip: 1, ..read_as(Some(still), 1) });
    story.advance("30d").await;
    assert_eq!(story.state(ANN).await, StateName::Deleting, "a read still finds the account");
    story.advance("1m").await;
    story.advance_past_rechecks().await;
    assert!(story.history_text(ANN).await.ends_with("deletion_accepted (done_by_earlier_call)"));
    assert_eq!(story.count(CallName::Delete), 1);
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn migrated_customer_needs_attention() {
    let story = Harness::start().await;
    story.send_departed(ANN).await;
    delete_by_hand(&story).await;
    let migrated = NewAccount { account_type: AccountType::Atlassian, ..NewAccount::customer(ANN, "Ann") };
    story.site.add(migrated).unwrap();
    story.advance("30d").await;
    story.advance_past_rechecks().await;
    assert_eq!(story.attention(ANN).await, AttentionReason::NotACustomer);
    assert!(story.case(ANN).await.account.is_some_and(|account| account.twin));
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn newer_departure_revokes_regained_access() {
    let story = Harness::with(Setup { policy: "departed = \"revoke\"", ..Setup::default() }).await;
    story.send_departed(ANN).await;
    story.advance("10d").await;
    story.site.grant(ANN).unwrap();
    story.send_departed(ANN).await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    assert_eq!(story.account(ANN).state, sandbox::State::Revoked);
    // Whose access is still gone is only read.
    story.advance("10d").await;
    story.send_departed(ANN).await;
    assert_eq!((story.state(ANN).await, story.count(CallName::Revoke)), (StateName::Revoked, 2));
    story.finish(&["revoke ann@example.com", "revoke ann@example.com"]).await;
}
