//! The daemon stops, cleanly or not, and another one continues with the same files.

use offboardd::domain::case::StateName;
use offboardd::sandbox::{CallName, Fault};
use serde_json::json;

use crate::harness::{Harness, duration};

const ANN: &str = "ann@example.com";

fn fault(call: CallName) -> Fault {
    Fault { call: Some(call), ..Fault::default() }
}

#[tokio::test]
async fn restart_in_every_state_carries_a_departure_to_its_end() {
    let mut story = Harness::start().await;
    story
        .send_event(json!({ "type": "departed", "person": { "email": ANN }, "effective_at": "2026-09-08T12:00:00Z" }))
        .await;
    for (state, then) in [
        (StateName::Scheduled, "1d"),
        (StateName::Revoking, "1h"),
        (StateName::Revoked, "30d"),
        (StateName::Deleting, "1h"),
        (StateName::DeletionGrace, "14d"),
        (StateName::Erased, "1d"),
    ] {
        assert_eq!(story.state(ANN).await, state);
        story.restart().await;
        assert_eq!(story.state(ANN).await, state, "after the restart");
        // What comes next fails once, so that it is seen half-way too.
        let next = if state == StateName::Scheduled { CallName::Revoke } else { CallName::Delete };
        if matches!(state, StateName::Scheduled | StateName::Revoked) {
            story.inject(Fault { status: Some(500), times: Some(1), ..fault(next) });
        }
        story.advance(then).await;
    }
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn restart_keeps_states_that_wait_for_an_operator() {
    let mut story = Harness::start().await;
    story.send_departed(ANN).await;
    story.send_returned(ANN).await;
    story.send_departed("dora@example.com").await;
    story.send_departed("unknown@example.com").await;
    let policy = |settings: String| settings.replace("departed = ", "approvals.revoke = 1\ndeparted = ");
    story.restart_with(policy).await;
    story.send_departed("ben@example.com").await;
    story.restart().await;
    for (email, state) in [
        (ANN, StateName::Restoring),
        ("dora@example.com", StateName::NeedsAttention),
        ("unknown@example.com", StateName::Revoking),
        ("ben@example.com", StateName::Held),
    ] {
        assert_eq!(story.state(email).await, state, "{email}");
    }
    story.site.grant(ANN).unwrap();
    story.advance("5m").await;
    assert_eq!(story.state(ANN).await, StateName::Restored);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn restart_runs_overdue_jobs_and_nothing_early() {
    let mut story = Harness::start().await;
    story.send_departed(ANN).await;
    story.stop().await;
    story.clock.advance(duration("29d23h59m59s"));
    story.start_daemon().await;
    story.settle().await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.stop().await;
    story.clock.advance(duration("100d"));
    story.start_daemon().await;
    story.settle().await;
    // Atlassian's grace begins with the deletion, however late that was.
    assert_eq!(story.state(ANN).await, StateName::DeletionGrace);
    story.advance_quiet("14d").await;
    assert_eq!(story.state(ANN).await, StateName::Erased);
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn clock_set_back_runs_nothing_early_or_twice() {
    let mut story = Harness::start().await;
    story.send_departed(ANN).await;
    story.clock.advance(-duration("300d"));
    story.restart().await;
    story.advance("1d").await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.advance_quiet("329d").await;
    assert_eq!(story.state(ANN).await, StateName::DeletionGrace);
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn shutdown_completes_and_settles_a_running_call() {
    let mut story = Harness::start().await;
    story.inject(Fault { delay_ms: 300, times: Some(1), ..fault(CallName::Revoke) });
    let departed = json!({ "type": "departed", "person": { "email": ANN } });
    assert_eq!(story.send("hr", &departed).await.status, 202);
    story.wait_for_call(CallName::Revoke).await;
    story.restart().await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    assert_eq!(story.count(CallName::Revoke), 1);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn crash_before_the_response_is_resolved_by_a_read() {
    let mut story = Harness::start().await;
    story.inject(Fault { delay_ms: 300, after_effect: true, times: Some(1), ..fault(CallName::Revoke) });
    let departed = json!({ "type": "departed", "person": { "email": ANN } });
    assert_eq!(story.send("hr", &departed).await.status, 202);
    story.wait_for_change(CallName::Revoke).await;
    story.crash().await;
    story.settle().await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    assert!(story.history_text(ANN).await.ends_with("revoke_confirmed (done_by_earlier_call)"));
    assert_eq!(story.count(CallName::Revoke), 1);

    story.inject(Fault { delay_ms: 300, after_effect: true, times: Some(1), ..fault(CallName::Delete) });
    story.clock.advance(duration("30d"));
    story.wake_tasks();
    story.wait_for_change(CallName::Delete).await;
    story.crash().await;
    story.settle().await;
    assert!(story.history_text(ANN).await.ends_with("interrupted"), "{}", story.history_text(ANN).await);
    story.advance_past_rechecks().await;
    assert_eq!(story.state(ANN).await, StateName::DeletionGrace);
    assert!(story.history_text(ANN).await.ends_with("deletion_accepted (done_by_earlier_call)"));
    assert_eq!(story.count(CallName::Delete), 1);
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn crash_before_the_call_repeats_it_after_restart() {
    let mut story = Harness::start().await;
    story.inject(Fault { delay_ms: 300, times: Some(1), ..fault(CallName::Read) });
    let departed = json!({ "type": "departed", "person": { "email": ANN } });
    assert_eq!(story.send("hr", &departed).await.status, 202);
    story.wait_for_call(CallName::Read).await;
    story.crash().await;
    story.settle().await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn changed_policy_leaves_terms_of_open_cases() {
    let mut story = Harness::start().await;
    story.send_departed(ANN).await;
    story.restart_with(|settings| settings.replace("local_grace = \"30d\"", "local_grace = \"1d\"")).await;
    story.send_departed("ben@example.com").await;
    story.advance_quiet("1d").await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    assert_eq!(story.state("ben@example.com").await, StateName::DeletionGrace);
    story.finish(&["revoke ann@example.com", "revoke ben@example.com", "delete ben@example.com"]).await;
}

#[tokio::test]
async fn paused_site_stays_paused_after_restart() {
    let mut story = Harness::start().await;
    story.inject(Fault { status: Some(401), times: Some(1), ..fault(CallName::Search) });
    story.send_departed(ANN).await;
    story.restart().await;
    story.advance("1d").await;
    assert_eq!(story.state(ANN).await, StateName::Revoking);
    story.resume_site().await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}
