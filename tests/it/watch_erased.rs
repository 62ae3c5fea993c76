//! An erased email address that has an account again.

use offboardd::domain::case::{AttentionReason, StateName};
use offboardd::sandbox::NewAccount;

use crate::harness::{Harness, Setup};

const ANN: &str = "ann@example.com";

/// A story in which Ann was erased, and then mails the help desk.
async fn back(site: &'static str) -> Harness {
    let story = Harness::with(Setup { site, ..Setup::default() }).await;
    story.send_departed(ANN).await;
    story.advance("30d").await;
    story.advance("14d").await;
    assert_eq!(story.state(ANN).await, StateName::Erased);
    story.site.add(NewAccount::customer(ANN, "Ann")).unwrap();
    story.site.add(NewAccount::customer("stranger@example.com", "Stranger")).unwrap();
    story
}

const ERASED: &[&str] = &["revoke ann@example.com", "delete ann@example.com"];

#[tokio::test]
async fn account_of_an_erased_address_is_handed_to_a_human_once() {
    let story = back("look_back = \"0s\"\nwatch_erased = \"attention\"").await;
    story.advance("1d").await;
    story.wait_until("the watch", async || story.cases_of(ANN).await.len() == 2).await;
    assert_eq!(story.attention(ANN).await, AttentionReason::Regranted);
    assert_eq!(story.cases().await.len(), 2, "no other person is concerned");
    story.act(ANN, "cancel").await;
    for _ in 0..3 {
        let scans = story.site.calls().len();
        story.advance("1d").await;
        story.wait_until("another look", async || story.site.calls().len() >= scans).await;
    }
    assert_eq!(story.cases_of(ANN).await.len(), 2, "what a human decided is not raised again");
    story.finish(ERASED).await;
}

#[tokio::test]
async fn access_of_an_erased_address_is_revoked_by_policy() {
    let story = back("look_back = \"0s\"\nwatch_erased = \"revoke\"\nwatch_erased_every = \"12h\"").await;
    story.advance("12h").await;
    story.wait_until("the watch", async || story.cases_of(ANN).await.len() == 2).await;
    story.wake_tasks();
    story.settle().await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    let shown = story.api(&format!("/cases/{}", story.case(ANN).await.case.id), None).await.body;
    assert_eq!(shown["requested_by"], "watch_erased");
    story.finish(&["revoke ann@example.com", "delete ann@example.com", "revoke ann@example.com"]).await;
}

#[tokio::test]
async fn person_who_returned_after_the_erasure_is_not_touched() {
    let story = back("look_back = \"0s\"\nwatch_erased = \"revoke\"").await;
    story.send_returned(ANN).await;
    let calls = story.site.calls().len();
    story.advance("2d").await;
    story.advance("2d").await;
    assert!(story.site.calls().len() >= calls);
    assert_eq!(story.cases_of(ANN).await.len(), 1);
    story.finish(ERASED).await;
}

#[tokio::test]
async fn erased_address_is_ignored_by_default() {
    let story = back("look_back = \"0s\"").await;
    story.advance("40d").await;
    assert_eq!(story.cases_of(ANN).await.len(), 1);
    story.finish(ERASED).await;
}
