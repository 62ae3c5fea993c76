//! People stay or come back: a stop wins at every state until the call is made, and no older word undoes a newer one.

use offboardd::domain::case::{Hold, JobKind, State, StateName};
use offboardd::sandbox::{self, CallName, Fault, FaultTiming, NewAccount};
use serde_json::{Value, json};

use crate::harness::{Harness, Setup};

const ANN: &str = "ann@example.com";

fn event(event_type: &str, occurred_at: &str) -> Value {
    json!({ "type": event_type, "person": { "email": ANN }, "occurred_at": occurred_at })
}

/// The revoke or the deletion fails, and may or may not have been carried out.
fn failing(call: CallName) -> Fault {
    Fault { call: Some(call), status: Some(500), ..Fault::default() }
}

#[tokio::test]
async fn departure_cancelled_before_its_day_changes_nothing() {
    let story = Harness::start().await;
    story.send_event(json!({ "type": "departed", "person": { "email": ANN }, "effective_at": "2026-12-31" })).await;
    assert_eq!(story.state(ANN).await, StateName::Scheduled);
    story.advance("100d").await;
    story.send_event(json!({ "type": "departure_cancelled", "person": { "email": ANN } })).await;
    assert_eq!(story.state(ANN).await, StateName::Cancelled);
    story.advance("1000d").await;
    assert!(story.site.calls().is_empty());
    story.finish(&[]).await;
}

#[tokio::test]
async fn moved_departure_runs_on_its_new_day() {
    let story = Harness::start().await;
    for day in ["2026-09-30", "2026-09-20", "2026-10-10"] {
        story.send_event(json!({ "type": "departed", "person": { "email": ANN }, "effective_at": day })).await;
    }
    // The 10th of October ends in Berlin at 22:00 UTC.
    story.advance_quiet("33d10h").await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    assert_eq!(story.cases().await.len(), 1);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn rehire_while_held_cancels() {
    let story = Harness::with(Setup { mode: "observe", ..Setup::default() }).await;
    story.send_departed(ANN).await;
    assert_eq!(story.case(ANN).await.case.state, State::Held(Hold::Observe));
    story.send_returned(ANN).await;
    assert_eq!(story.state(ANN).await, StateName::Cancelled);
    story.finish(&[]).await;
}

#[tokio::test]
async fn rehire_during_the_search_cancels() {
    let story = Harness::start().await;
    story.send_departed("unknown@example.com").await;
    assert_eq!(story.state("unknown@example.com").await, StateName::Revoking);
    story.send_returned("unknown@example.com").await;
    assert_eq!(story.state("unknown@example.com").await, StateName::Cancelled);
    story.finish(&[]).await;
}

#[tokio::test]
async fn rehire_during_a_failing_revoke_keeps_access_by_a_read() {
    let story = Harness::start().await;
    story.inject(failing(CallName::Revoke));
    story.send_departed(ANN).await;
    assert_eq!(story.state(ANN).await, StateName::Revoking);
    story.send_returned(ANN).await;
    // The revoke may still be carried out, so only a read some time later closes the case.
    assert_eq!(story.state(ANN).await, StateName::Restoring);
    story.advance_quiet("1m").await;
    assert_eq!(story.state(ANN).await, StateName::Restored);
    assert!(story.history_text(ANN).await.ends_with("stopped\n2026-09-07T12:01:00Z grant_seen (read)"));
    story.advance("100d").await;
    story.finish(&[]).await;
}

#[tokio::test]
async fn rehire_after_the_revoke_waits_for_a_grant_and_is_not_deleted() {
    let story = Harness::start().await;
    story.send_departed(ANN).await;
    story.advance("29d").await;
    story.send_returned(ANN).await;
    let case = story.case(ANN).await.case;
    assert_eq!(case.state, State::Restoring);
    let attention = case.attention().unwrap();
    assert_eq!(attention.reason.as_str(), "grant_needed");
    assert!(attention.detail.contains("Grant access"), "{}", attention.detail);
    story.advance("30d").await;
    assert_eq!(story.state(ANN).await, StateName::Restoring);
    story.site.grant(ANN).unwrap();
    story.advance_quiet("5m").await;
    assert_eq!(story.state(ANN).await, StateName::Restored);
    story.advance("100d").await;
    assert_eq!(story.account(ANN).state, sandbox::State::Present);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn departure_during_the_restoration_revokes_again() {
    let story = Harness::start().await;
    story.send_departed(ANN).await;
    story.advance("20d").await;
    story.send_returned(ANN).await;
    story.advance("1d").await;
    story.send_departed(ANN).await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    // Access is gone since the first time: the grace is counted from the second.
    story.advance_quiet("30d").await;
    assert_eq!(story.state(ANN).await, StateName::DeletionGrace);
    assert_eq!(story.cases().await.len(), 1);
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn rehire_during_a_failing_deletion_prevents_it() {
    let story = Harness::start().await;
    story.send_departed(ANN).await;
    story.inject(failing(CallName::Delete));
    story.advance("30d").await;
    assert_eq!(story.state(ANN).await, StateName::Deleting);
    story.send_returned(ANN).await;
    // The deletion may still be carried out, so only a read some time later says that it was not.
    assert_eq!(story.state(ANN).await, StateName::Deleting);
    story.advance_quiet("1m").await;
    assert_eq!(story.state(ANN).await, StateName::Restoring);
    story.site.clear_faults();
    story.advance("100d").await;
    assert_eq!(story.state(ANN).await, StateName::Restoring);
    assert_eq!(story.count(CallName::Delete), 1);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn rehire_after_a_deletion_with_a_lost_response_is_too_late() {
    let story = Harness::start().await;
    story.send_departed(ANN).await;
    story.inject(Fault { call: Some(CallName::Delete), drop: Some(FaultTiming::After), ..Fault::default() });
    story.advance("30d").await;
    assert_eq!(story.state(ANN).await, StateName::Deleting);
    story.send_returned(ANN).await;
    assert_eq!(story.state(ANN).await, StateName::Deleting, "one look is no conclusion");
    story.advance_past_rechecks().await;
    assert_eq!(story.state(ANN).await, StateName::DeletionGrace);
    story.advance_quiet("14d").await;
    assert_eq!(story.state(ANN).await, StateName::Erased);
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn rehire_in_deletion_grace_reports_reinvite_date() {
    let story = Harness::start().await;
    story.send_departed(ANN).await;
    story.advance("30d").await;
    story.advance("1d").await;
    story.send_returned(ANN).await;
    let case = story.case(ANN).await.case;
    assert_eq!(case.state, State::DeletionGrace);
    assert_eq!(case.reinvite_from().unwrap().to_string(), "2026-10-21T12:00:00Z");
    assert_eq!(case.stoppable_until(), None);
    story.advance_quiet("13d").await;
    assert_eq!(story.state(ANN).await, StateName::Erased);
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn rehire_in_deletion_grace_is_reinvited_if_configured() {
    let policy = "departed = \"revoke_then_delete\"\nlocal_grace = \"30d\"\nreinvite = true";
    let story = Harness::with(Setup { policy, ..Setup::default() }).await;
    story.send_departed(ANN).await;
    story.advance("30d").await;
    let gone = story.account(ANN).account_id;
    story.send_returned(ANN).await;
    story.advance_quiet("14d").await;
    assert_eq!(story.state(ANN).await, StateName::Restored);
    let again = story
        .site
        .accounts()
        .into_iter()
        .find(|account| account.email.as_deref() == Some(ANN) && account.state == sandbox::State::Present);
    assert_ne!(again.expect("there is a new account").account_id, gone);
    assert!(story.history_text(ANN).await.ends_with("reinvited (invited_again)"));
    story.finish(&["revoke ann@example.com", "delete ann@example.com", "invite"]).await;
}

#[tokio::test]
async fn reinvitation_by_another_admin_is_not_recorded_as_ours() {
    let policy = "departed = \"revoke_then_delete\"\nlocal_grace = \"30d\"\nreinvite = true";
    let story = Harness::with(Setup { policy, ..Setup::default() }).await;
    story.send_departed(ANN).await;
    story.advance("30d").await;
    story.send_returned(ANN).await;
    story.advance("13d").await;
    story.site.add(NewAccount::customer(ANN, "Ann")).unwrap();
    story.advance("1d").await;
    assert_eq!(story.state(ANN).await, StateName::Restored);
    assert!(story.history_text(ANN).await.ends_with("reinvited (account_exists)"));
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn rehire_while_attention_is_needed_cancels() {
    let story = Harness::start().await;
    story.send_departed("dora@example.com").await;
    assert_eq!(story.state("dora@example.com").await, StateName::NeedsAttention);
    story.send_returned("dora@example.com").await;
    assert_eq!(story.state("dora@example.com").await, StateName::Cancelled);
    story.finish(&[]).await;
}

#[tokio::test]
async fn return_under_another_email_is_matched_by_person_id() {
    let story = Harness::start().await;
    let departed = json!({ "type": "departed", "person": { "id": "42", "email": ANN }, "effective_at": "2026-12-31" });
    story.send_event(departed).await;
    story.send_event(json!({ "type": "returned", "person": { "id": "42", "email": "ann.new@example.com" } })).await;
    assert_eq!(story.state(ANN).await, StateName::Cancelled);
    story.finish(&[]).await;
}

#[tokio::test]
async fn return_after_the_end_changes_nothing() {
    let story = Harness::start().await;
    story.send_departed(ANN).await;
    story.advance("30d").await;
    story.advance("14d").await;
    let id = story.send_returned(ANN).await;
    assert_eq!(story.outcome(id).await, ("ignored".to_owned(), Some("no_open_case".to_owned())));
    assert_eq!(story.state(ANN).await, StateName::Erased);
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn older_departure_does_not_undo_a_newer_return() {
    let story = Harness::start().await;
    story.send_event(event("returned", "2026-09-07T11:00:00Z")).await;
    let late = story.send_event(event("departed", "2026-09-07T10:00:00Z")).await;
    assert_eq!(story.outcome(late).await, ("ignored".to_owned(), Some("older".to_owned())));
    assert!(story.cases().await.is_empty());
    story.finish(&[]).await;
}

#[tokio::test]
async fn older_return_or_cancellation_does_not_stop_a_newer_departure() {
    let story = Harness::start().await;
    story.send_event(event("departed", "2026-09-07T11:00:00Z")).await;
    for stop in ["returned", "departure_cancelled"] {
        let late = story.send_event(event(stop, "2026-09-07T10:59:59Z")).await;
        assert_eq!(story.outcome(late).await, ("ignored".to_owned(), Some("older".to_owned())), "{stop}");
    }
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn source_clock_ahead_does_not_outdate_later_events() {
    let story = Harness::start().await;
    story
        .send_event(json!({ "type": "departed", "person": { "email": ANN }, "effective_at": "2026-12-31",
        "occurred_at": "2036-01-01T00:00:00Z" }))
        .await;
    story.advance("1h").await;
    story.send_event(event("departure_cancelled", "2026-09-07T12:30:00Z")).await;
    assert_eq!(story.state(ANN).await, StateName::Cancelled);
    story.finish(&[]).await;
}

#[tokio::test]
async fn same_departure_in_a_second_delivery_changes_nothing() {
    let story = Harness::start().await;
    let departed = json!({ "type": "departed", "person": { "email": ANN },
        "effective_at": "2026-09-10T08:00:00Z", "occurred_at": "2026-09-07T11:00:00Z" });
    story.send_event(departed.clone()).await;
    let planned = story.job(ANN).await.unwrap();
    story.advance("1d").await;
    story.send_event(departed.clone()).await;
    let job = story.job(ANN).await.unwrap();
    assert_eq!((job.id, job.kind, job.due_at), (planned.id, JobKind::Revoke, planned.due_at));
    story.advance_quiet("1d20h").await;

    let case = story.case(ANN).await.case;
    let planned = story.job(ANN).await.unwrap();
    story.advance("1d").await;
    let again = story.send_event(departed).await;
    assert_eq!(story.outcome(again).await, ("ignored".to_owned(), Some("same_fact".to_owned())));
    assert_eq!(story.case(ANN).await.case, case);
    assert_eq!(story.job(ANN).await.unwrap().due_at, planned.due_at);
    assert_eq!(story.cases().await.len(), 1);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn two_sources_with_the_same_person_share_one_case() {
    let story = Harness::start().await;
    story.send_departed(ANN).await;
    let body = json!({ "employees": [{ "id": "300", "fields": { "Status": "Inactive", "Work Email": ANN } }] });
    assert_eq!(story.send("bamboohr", &body).await.status, 202);
    story.settle().await;
    assert_eq!(story.cases().await.len(), 1);
    story.finish(&["revoke ann@example.com"]).await;
}
