//! The same body again: a duplicate while nothing else happened, a question for a human after that.

use jiff::SignedDuration;
use offboardd::domain::case::{AttentionReason, State, StateName};
use serde_json::{Value, json};

use crate::harness::{Harness, Reply, Setup};

const ANN: &str = "ann@example.com";
const BEN: &str = "ben@example.com";

/// A source that signs bodies and nothing else.
const TIMELESS: &str = "[sources.gh]
    preset = \"github\"
    site = \"acme\"
    policy = \"leavers\"
    secrets = [{ env = \"HR_KEY\" }]
    mapping = { type = \"$.action\", types = { \"left\" = \"departed\", \"back\" = \"returned\" }, email = \"$.mail\" }";

async fn story() -> Harness {
    Harness::with(Setup { more: TIMELESS, ..Setup::default() }).await
}

fn body(action: &str, email: &str) -> Value {
    json!({ "action": action, "mail": email })
}

async fn send(story: &Harness, action: &str, email: &str) -> Reply {
    // No two facts of one instant.
    story.clock.advance(SignedDuration::from_secs(1));
    let reply = story.send("gh", &body(action, email)).await;
    story.settle().await;
    reply
}

async fn reason(story: &Harness, email: &str) -> Option<AttentionReason> {
    let State::NeedsAttention(attention) = story.case(email).await.case.state else { return None };
    Some(attention.reason)
}

#[tokio::test]
async fn same_body_twice_in_a_row_is_a_duplicate() {
    let story = story().await;
    assert_eq!(send(&story, "left", ANN).await.status, 202);
    let again = send(&story, "left", ANN).await;
    assert_eq!((again.status, again.body["duplicate"].as_bool()), (200, Some(true)));
    // Another person's departure changes nothing about that.
    assert_eq!(send(&story, "left", BEN).await.status, 202);
    assert_eq!(send(&story, "left", ANN).await.status, 200);
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.finish(&["revoke ann@example.com", "revoke ben@example.com"]).await;
}

#[tokio::test]
async fn recorded_departure_after_a_return_needs_attention() {
    let story = story().await;
    send(&story, "left", ANN).await;
    send(&story, "back", ANN).await;
    assert_eq!(story.state(ANN).await, StateName::Restoring);
    assert_eq!(send(&story, "left", ANN).await.status, 202);
    assert_eq!(reason(&story, ANN).await, Some(AttentionReason::Repeated));
    // From then on it is a duplicate again, and the person's return is no older fact than the recording.
    assert_eq!(send(&story, "left", ANN).await.status, 200);
    story.act(ANN, "cancel").await;
    story.settle().await;
    assert_eq!(story.state(ANN).await, StateName::Restoring);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn recorded_departure_of_a_closed_case_opens_one_that_needs_attention() {
    let story = Harness::with(Setup { more: TIMELESS, mode: "observe", ..Setup::default() }).await;
    send(&story, "left", ANN).await;
    send(&story, "back", ANN).await;
    assert_eq!(story.state(ANN).await, StateName::Cancelled);
    send(&story, "left", ANN).await;
    let open: Vec<_> = story.cases().await.into_iter().filter(|record| record.case.closed_at().is_none()).collect();
    assert_eq!(open.len(), 1);
    assert!(
        matches!(&open[0].case.state, State::NeedsAttention(attention) if attention.reason == AttentionReason::Repeated)
    );
    story.finish(&[]).await;
}

#[tokio::test]
async fn recording_is_recognized_long_after_the_window() {
    let story = story().await;
    send(&story, "left", ANN).await;
    story.advance("5d").await;
    send(&story, "back", ANN).await;
    story.advance("5d").await;
    assert_eq!(send(&story, "left", ANN).await.status, 202);
    assert_eq!(reason(&story, ANN).await, Some(AttentionReason::Repeated));
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn repeated_return_before_any_departure_is_not_lost() {
    let story = story().await;
    send(&story, "back", ANN).await;
    send(&story, "left", ANN).await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    assert_eq!(send(&story, "back", ANN).await.status, 202);
    assert_eq!(reason(&story, ANN).await, Some(AttentionReason::Repeated));
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn same_body_after_an_operator_cancel_needs_attention() {
    let story = Harness::with(Setup { more: TIMELESS, mode: "observe", ..Setup::default() }).await;
    send(&story, "left", ANN).await;
    story.act(ANN, "cancel").await;
    assert_eq!(send(&story, "left", ANN).await.status, 202);
    let states = story.cases().await.into_iter().map(|record| record.case.state.name());
    let states: Vec<_> = states.collect();
    assert!(states.contains(&StateName::Cancelled) && states.contains(&StateName::NeedsAttention), "{states:?}");
    story.finish(&[]).await;
}

#[tokio::test]
async fn body_sent_again_before_the_undo_is_routed_is_not_lost() {
    let story = story().await;
    // The router is kept waiting by nothing but the speed of these three.
    for action in ["left", "back", "left"] {
        story.clock.advance(SignedDuration::from_secs(1));
        let reply = story.send("gh", &body(action, ANN)).await;
        assert!(matches!(reply.status, 200 | 202), "{reply:?}");
        assert_eq!(reply.body["duplicate"], Value::Null, "{action}");
    }
    story.settle().await;
    let cases = story.cases().await;
    let open = cases.iter().filter(|record| record.case.closed_at().is_none());
    let reasons: Vec<_> = open.map(|record| record.case.attention().map(|attention| attention.reason)).collect();
    assert_eq!(reasons, [Some(AttentionReason::Repeated)]);
    let changes = story.changes();
    let changes: Vec<&str> = changes.iter().map(String::as_str).collect();
    assert!(changes.len() <= 1, "{changes:?}");
    story.finish(&changes).await;
}

#[tokio::test]
async fn signed_time_after_the_undo_proves_a_second_departure() {
    const TIMED: &str = "[sources.gh]
        signature = { headers = [\"x-signature\"], template = \"{timestamp}.{body}\", encoding = \"hex\", timestamp_headers = [\"x-time\"] }
        site = \"acme\"
        policy = \"leavers\"
        secrets = [{ env = \"HR_KEY\" }]
        mapping = { type = \"$.action\", types = { \"left\" = \"departed\", \"back\" = \"returned\" }, email = \"$.mail\" }";
    let story = Harness::with(Setup { more: TIMED, ..Setup::default() }).await;
    let left = body("left", ANN).to_string();
    let recorded = story.sign("gh", "", story.now(), left.as_bytes());
    assert_eq!(story.post("gh", left.as_bytes(), &recorded).await.status, 202);
    story.settle().await;
    story.advance("1m").await;
    send(&story, "back", ANN).await;
    assert_eq!(story.state(ANN).await, StateName::Restoring);
    story.advance("1m").await;
    // The recording proves nothing; the same body signed later does.
    assert_eq!(story.post("gh", left.as_bytes(), &recorded).await.status, 202);
    story.settle().await;
    assert_eq!(reason(&story, ANN).await, Some(AttentionReason::Repeated));
    story.advance("1m").await;
    send(&story, "back", ANN).await;
    story.act(ANN, "cancel").await;
    story.settle().await;
    story.advance("1m").await;
    assert_eq!(send(&story, "left", ANN).await.status, 202);
    assert_ne!(reason(&story, ANN).await, Some(AttentionReason::Repeated));
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn person_of_a_repeated_batch_with_an_unchanged_case_is_not_touched() {
    const BATCH: &str = "[sources.gh]
        preset = \"github\"
        site = \"acme\"
        policy = \"leavers\"
        secrets = [{ env = \"HR_KEY\" }]
        mapping = { items = \"$.people\", type = \"$.action\", types = { \"left\" = \"departed\", \"back\" = \"returned\" }, email = \"$.mail\" }";
    let story = Harness::with(Setup { more: BATCH, ..Setup::default() }).await;
    let both = json!({ "people": [body("left", ANN), body("left", BEN)] });
    assert_eq!(story.send("gh", &both).await.status, 202);
    story.settle().await;
    story.advance("1s").await;
    story.send("gh", &json!({ "people": [body("back", ANN)] })).await;
    story.settle().await;
    story.advance("1s").await;
    assert_eq!(story.send("gh", &both).await.status, 202);
    story.settle().await;
    assert_eq!(reason(&story, ANN).await, Some(AttentionReason::Repeated));
    assert_eq!(story.state(BEN).await, StateName::Revoked);
    story.finish(&["revoke ann@example.com", "revoke ben@example.com"]).await;
}

#[tokio::test]
async fn another_body_under_a_used_id_is_stored_and_counted() {
    let story = Harness::start().await;
    let departed = |email: &str| json!({ "type": "departed", "person": { "email": email } }).to_string();
    let (first, other) = (departed(ANN), departed(BEN));
    let sent = async |body: &str| {
        let headers = story.sign("hr", "msg_same", story.now(), body.as_bytes());
        let reply = story.post("hr", body.as_bytes(), &headers).await;
        story.settle().await;
        reply
    };
    assert_eq!(sent(&first).await.status, 202);
    assert_eq!(sent(&other).await.status, 202);
    assert_eq!((sent(&first).await.status, sent(&other).await.status), (200, 200));
    let metrics = story.metrics().await;
    assert!(metrics.contains("offboardd_deliveries_reused_id_total{source=\"hr\"} 1"), "{metrics}");
    story.finish(&["revoke ann@example.com", "revoke ben@example.com"]).await;
}
