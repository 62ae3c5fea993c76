//! Giving up is counted from the first of failures in a row. Watching, rate limits and pauses are no failures.

use offboardd::domain::case::{AttentionReason, StateName};
use offboardd::sandbox::{CallName, Fault};
use serde_json::json;

use crate::harness::{Harness, Setup};

const ANN: &str = "ann@example.com";
const GIVE_UP: &str = "[retry]\nbase = \"5s\"\nmax = \"10m\"\ngive_up_after = \"2h\"";

async fn start() -> Harness {
    Harness::with(Setup { policy: "departed = \"revoke\"", more: GIVE_UP, ..Setup::default() }).await
}

fn once(call: CallName, status: u16) -> Fault {
    Fault { call: Some(call), status: Some(status), times: Some(1), ..Fault::default() }
}

#[tokio::test]
async fn failure_after_a_long_watch_is_retried() {
    let story = start().await;
    story.send_departed(ANN).await;
    story.send_returned(ANN).await;
    for _ in 0..60 {
        story.advance("5m").await;
    }
    story.inject(once(CallName::Read, 500));
    story.advance("5m").await;
    assert_eq!(story.state(ANN).await, StateName::Restoring);
    story.site.grant(ANN).unwrap();
    story.advance("5m").await;
    assert_eq!(story.state(ANN).await, StateName::Restored);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn failure_after_a_long_rate_limit_is_retried() {
    let story = start().await;
    let limited = Fault { call: Some(CallName::Search), retry_after: Some(json!(600)), ..Fault::default() };
    story.inject(limited);
    story.send_departed(ANN).await;
    for _ in 0..20 {
        story.advance("10m").await;
    }
    story.site.clear_faults();
    story.inject(once(CallName::Search, 500));
    story.advance("10m").await;
    assert_eq!(story.state(ANN).await, StateName::Revoking);
    story.advance("10m").await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn failures_before_and_after_a_long_pause_are_retried() {
    let story = start().await;
    story.inject(once(CallName::Search, 500));
    story.send_departed(ANN).await;
    story.post_action("sources/hr/pause").await;
    story.advance("10h").await;
    story.inject(once(CallName::Search, 500));
    story.post_action("sources/hr/resume").await;
    assert_eq!(story.state(ANN).await, StateName::Revoking);
    story.advance("10m").await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn failures_before_and_after_a_long_rate_limit_are_retried() {
    let story = start().await;
    story.inject(once(CallName::Search, 500));
    story.send_departed(ANN).await;
    story.inject(Fault { times: Some(1), ..once(CallName::Search, 429) });
    story.inject(Fault {
        call: Some(CallName::Search),
        retry_after: Some(json!(3600)),
        times: Some(3),
        ..Fault::default()
    });
    for _ in 0..5 {
        story.advance("1h").await;
    }
    story.site.clear_faults();
    story.inject(once(CallName::Search, 500));
    story.advance("1h").await;
    assert_ne!(story.state(ANN).await, StateName::NeedsAttention);
    story.advance("1h").await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn consecutive_failures_need_attention() {
    let story = start().await;
    story.inject(Fault { call: Some(CallName::Search), status: Some(500), ..Fault::default() });
    story.send_departed(ANN).await;
    while let Some(job) = story.job(ANN).await {
        story.advance_to(job.due_at).await;
    }
    assert_eq!(story.attention(ANN).await, AttentionReason::RetriesExhausted);
    story.finish(&[]).await;
}
