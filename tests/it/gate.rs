//! The gate before every call that changes something: mode, hold, stop, pause and protection, also between two calls of one
//! attempt; and the journal, which knows of each call before it is made.

use offboardd::domain::case::{AttentionReason, Hold, State, StateName};
use offboardd::sandbox::{CallName, Fault};
use serde_json::json;

use crate::harness::{Harness, Setup};

/// Takes part in organizations, service desks and requests of the sample site, five in all.
const BEN: &str = "ben@example.com";

const DETACH: &str = "departed = \"revoke\"\ndetach = [\"organizations\", \"service_desks\", \"participants\"]";
const REINVITE: &str = "departed = \"delete\"\nreinvite = true";

async fn start(policy: &'static str) -> Harness {
    Harness::with(Setup { policy, ..Setup::default() }).await
}

fn observing(settings: &str) -> String {
    settings.replace("mode = \"enforce\"", "mode = \"observe\"")
}

fn detaches(story: &Harness) -> usize {
    story.changes().iter().filter(|change| change.starts_with("detach_")).count()
}

async fn kinds(story: &Harness) -> Vec<String> {
    story.history(BEN).await.into_iter().map(|entry| entry.kind).collect()
}

/// Ben departs, and the first of the calls by which he leaves something is being made.
async fn during_the_first_leave() -> Harness {
    let story = start(DETACH).await;
    story.inject(Fault { call: Some(CallName::DetachOrganization), delay_ms: 500, times: Some(1), ..Fault::default() });
    let departed = json!({ "type": "departed", "person": { "email": BEN } });
    assert_eq!(story.send("hr", &departed).await.status, 202);
    story.wait_for_call(CallName::DetachOrganization).await;
    story
}

#[tokio::test]
async fn observe_mode_runs_no_queued_detach() {
    let mut story = start(DETACH).await;
    story.inject(Fault { call: Some(CallName::ListOrganizations), status: Some(500), ..Fault::default() });
    story.send_departed(BEN).await;
    story.site.clear_faults();
    story.restart_with(|settings| observing(&settings)).await;
    story.advance("1h").await;
    assert_eq!(story.case(BEN).await.case.state, State::Held(Hold::Observe));
    assert_eq!(detaches(&story), 0);
    story.finish(&["revoke ben@example.com"]).await;
}

#[tokio::test]
async fn return_between_two_detach_calls_stops_the_rest() {
    let story = during_the_first_leave().await;
    story.send_returned(BEN).await;
    assert_eq!(story.state(BEN).await, StateName::Restoring);
    story.wait_for_change(CallName::DetachOrganization).await;
    story.advance("1m").await;
    assert_eq!(detaches(&story), 1);
    story.finish(&["revoke ben@example.com", "detach_organization ben@example.com"]).await;
}

#[tokio::test]
async fn hold_between_two_detach_calls_stops_the_rest_until_release() {
    let story = during_the_first_leave().await;
    story.act(BEN, "hold").await;
    story.wait_for_change(CallName::DetachOrganization).await;
    story.advance("1d").await;
    assert_eq!((story.case(BEN).await.case.state, detaches(&story)), (State::Held(Hold::Hold), 1));
    let kinds = kinds(&story).await;
    assert!(kinds.ends_with(&["held".to_owned(), "call_unconfirmed".to_owned()]), "{kinds:?}");
    story.act(BEN, "release").await;
    assert_eq!(detaches(&story), 5);
    let changes = story.changes();
    story.finish(&changes.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn source_pause_between_two_detach_calls_stops_the_rest_until_resume() {
    let story = during_the_first_leave().await;
    story.post_action("sources/hr/pause").await;
    assert_eq!(detaches(&story), 1);
    story.advance("1d").await;
    assert_eq!(detaches(&story), 1);
    story.post_action("sources/hr/resume").await;
    assert!(story.case(BEN).await.case.progress.detached_at.is_some());
    assert_eq!(detaches(&story), 5);
    let changes = story.changes();
    story.finish(&changes.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn hold_during_the_reads_of_a_detach_prevents_its_first_call() {
    let story = start(DETACH).await;
    story.inject(Fault { call: Some(CallName::ListOrganizations), delay_ms: 500, times: Some(1), ..Fault::default() });
    let departed = json!({ "type": "departed", "person": { "email": BEN } });
    assert_eq!(story.send("hr", &departed).await.status, 202);
    story.wait_for_call(CallName::ListOrganizations).await;
    story.act(BEN, "hold").await;
    assert_eq!(detaches(&story), 0);
    story.act(BEN, "release").await;
    assert_eq!(detaches(&story), 5);
    let changes = story.changes();
    story.finish(&changes.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn each_detach_call_is_journaled_before_and_after() {
    let story = start(DETACH).await;
    story.send_departed(BEN).await;
    let kinds = kinds(&story).await;
    let detach: Vec<_> = kinds.iter().skip_while(|kind| *kind != "revoke_confirmed").skip(1).collect();
    let (pairs, end) = detach.split_at(detach.len() - 1);
    assert_eq!(end, ["detached"]);
    assert!(pairs.len() >= 10, "{detach:?}");
    assert!(pairs.chunks(2).all(|pair| pair == ["detach_dispatched", "detach_call_done"]), "{detach:?}");
    let changes = story.changes();
    story.finish(&changes.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn killed_detach_is_in_the_history_and_completes_after_restart() {
    let mut story = during_the_first_leave().await;
    story.crash().await;
    story.settle().await;
    let kinds = kinds(&story).await;
    let interrupted = kinds.windows(2).any(|pair| pair == ["detach_dispatched", "interrupted"]);
    assert!(interrupted, "{kinds:?}");
    assert_eq!(kinds.last().map(String::as_str), Some("detached"));
    let changes = story.changes();
    story.finish(&changes.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn call_with_an_unknown_outcome_is_in_the_history() {
    let story = start("departed = \"revoke\"").await;
    story.inject(Fault { call: Some(CallName::Revoke), status: Some(500), times: Some(1), ..Fault::default() });
    story.send_departed(BEN).await;
    let last = story.history(BEN).await.pop().unwrap();
    assert_eq!(last.kind, "call_unconfirmed");
    assert_eq!(last.detail["job"], "revoke");
    assert!(last.detail["why"].as_str().unwrap().contains("500"), "{:?}", last.detail);
    story.advance("1h").await;
    assert_eq!(story.state(BEN).await, StateName::Revoked);
    story.finish(&["revoke ben@example.com"]).await;
}

#[tokio::test]
async fn observe_mode_sends_no_invitation() {
    let mut story = start(REINVITE).await;
    story.send_departed(BEN).await;
    story.send_returned(BEN).await;
    story.restart_with(|settings| observing(&settings)).await;
    story.advance("14d").await;
    assert_eq!(story.case(BEN).await.case.state, State::Held(Hold::Observe));
    assert_eq!(story.count(CallName::Invite), 0);
    story.finish(&["delete ben@example.com"]).await;
}

#[tokio::test]
async fn protected_email_is_not_invited() {
    let mut story = start(REINVITE).await;
    story.send_departed(BEN).await;
    story.send_returned(BEN).await;
    let protect = |settings: String| {
        settings.replace("[policies.leavers]", "protect.emails = [\"ben@example.com\"]\n[policies.leavers]")
    };
    story.restart_with(protect).await;
    story.advance("14d").await;
    assert_eq!(story.attention(BEN).await, AttentionReason::Protected);
    assert_eq!(story.count(CallName::Invite), 0);
    story.finish(&["delete ben@example.com"]).await;
}

#[tokio::test]
async fn invitation_is_journaled_before_its_outcome() {
    let story = start(REINVITE).await;
    story.send_departed(BEN).await;
    story.send_returned(BEN).await;
    story.advance("14d").await;
    let kinds = kinds(&story).await;
    assert!(kinds.ends_with(&["reinvite_dispatched".to_owned(), "reinvited".to_owned()]), "{kinds:?}");
    story.finish(&["delete ben@example.com", "invite"]).await;
}
