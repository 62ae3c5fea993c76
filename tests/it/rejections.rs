//! Whose problem a rejection is: the site's, that of one kind of call, or that of one account.

use jiff::SignedDuration;
use offboardd::domain::case::{AttentionReason, JobKind, StateName};
use offboardd::sandbox::{AccountChange, AccountType, CallName, Fault};
use serde_json::json;

use crate::harness::{Harness, Setup};

const ANN: &str = "ann@example.com";
const BEN: &str = "ben@example.com";
const IDA: &str = "ida@example.com";

fn forbidden(call: CallName) -> Fault {
    Fault { call: Some(call), status: Some(403), ..Fault::default() }
}

async fn paused_kinds(story: &Harness) -> Vec<JobKind> {
    let sites = story.store().sites().await.unwrap();
    sites.into_iter().flat_map(|site| site.paused_kinds).map(|paused| paused.kind).collect()
}

/// Lets a probe be due, and waits until it resumed the deletions and they were tried again.
async fn probe(story: &Harness, after: &str, call: CallName) {
    let before = story.count(call);
    story.advance(after).await;
    story.wait_until("the next try", async || story.count(call) > before).await;
    story.settle().await;
}

#[tokio::test]
async fn rejected_deletions_pause_deletions_only_then_need_attention() {
    let story = Harness::start().await;
    story.send_departed(ANN).await;
    story.inject(forbidden(CallName::Delete));
    story.advance("30d").await;
    assert_eq!(paused_kinds(&story).await, [JobKind::Delete]);
    assert!(!story.is_paused().await);
    let job = story.job(ANN).await.unwrap();
    assert_eq!(job.attempts, 0, "a rejection is no attempt");
    assert!(job.last_error.unwrap().contains("organization admin"));
    story.send_departed(BEN).await;
    assert_eq!(story.state(BEN).await, StateName::Revoked);

    probe(&story, "1m", CallName::Delete).await;
    assert_eq!(story.attention(ANN).await, AttentionReason::Refused);
    assert!(paused_kinds(&story).await.is_empty(), "the others continue");
    story.site.clear_faults();
    story.act(ANN, "retry").await;
    // The rejected call may still take effect for a while.
    story.advance("2m").await;
    assert_eq!(story.state(ANN).await, StateName::DeletionGrace);
    story.finish(&["revoke ann@example.com", "revoke ben@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn rejection_of_one_account_delays_no_other() {
    let story = Harness::start().await;
    story.send_departed(ANN).await;
    let ben = story.account(BEN).account_id;
    story.inject(Fault { account: Some(ben), ..forbidden(CallName::Revoke) });
    story.send_departed(BEN).await;
    assert!(paused_kinds(&story).await.is_empty());
    story.send_departed(IDA).await;
    assert_eq!(story.state(IDA).await, StateName::Revoked);
    probe(&story, "1m", CallName::Revoke).await;
    assert_eq!(story.attention(BEN).await, AttentionReason::Refused);
    story.finish(&["revoke ann@example.com", "revoke ida@example.com"]).await;
}

#[tokio::test]
async fn removed_api_pauses_the_calls_until_it_is_back() {
    let story = Harness::start().await;
    story.inject(Fault { status: Some(410), ..forbidden(CallName::Search) });
    story.send_departed(ANN).await;
    for _ in 0..3 {
        assert_eq!(paused_kinds(&story).await, [JobKind::Revoke]);
        probe(&story, "1h", CallName::Search).await;
        assert_eq!(story.state(ANN).await, StateName::Revoking);
    }
    story.site.clear_faults();
    story.resume_site().await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn unavailable_site_is_paused_once_and_resumes() {
    for answer in [
        Fault {
            status: Some(404),
            body: Some(json!({ "errorMessage": "away", "errorCode": "OTHER" })),
            ..Fault::default()
        },
        Fault { status: Some(302), ..Fault::default() },
        Fault { status: Some(407), body: Some(json!("<html>Proxy</html>")), ..Fault::default() },
        Fault { body: Some(json!("<html>Sign in</html>")), ..Fault::default() },
        Fault { status: Some(502), body: Some(json!("<html>Bad gateway</html>")), ..Fault::default() },
    ] {
        let story = Harness::start().await;
        story.send_departed(IDA).await;
        story.inject(answer.clone());
        for leaver in [ANN, BEN] {
            story.send_departed(leaver).await;
            assert_eq!(story.state(leaver).await, StateName::Revoking, "{answer:?}");
            assert_eq!(story.job(leaver).await.unwrap().attempts, 0, "{answer:?}");
        }
        assert!(story.is_paused().await, "{answer:?}");
        story.site.clear_faults();
        story.advance("1m").await;
        story.wait_until("the site to be resumed", async || !story.is_paused().await).await;
        story.settle().await;
        for leaver in [ANN, BEN] {
            assert_eq!(story.state(leaver).await, StateName::Revoked, "{answer:?}");
        }
        story.finish(&["revoke ida@example.com", "revoke ann@example.com", "revoke ben@example.com"]).await;
    }
}

#[tokio::test]
async fn expired_token_of_an_idle_site_is_found_by_a_probe() {
    let mut story = Harness::start().await;
    story.restart_with(|settings| settings.replace("probe_idle = \"0s\"", "probe_idle = \"15m\"")).await;
    story.site.change_options(|options| options.tokens = Some(Vec::new()));
    assert!(!story.is_paused().await);
    let is_paused = async || {
        story.clock.advance(SignedDuration::from_mins(15));
        story.wake_tasks();
        story.is_paused().await
    };
    story.wait_until("the site to be paused", is_paused).await;
    story.finish(&[]).await;
}

#[tokio::test]
async fn no_match_needs_attention_where_many_customers_hide_their_email() {
    let story = Harness::with(Setup { site: "look_again = []\nlook_back = \"0s\"", ..Setup::default() }).await;
    for account in story.site.accounts() {
        if account.account_type == AccountType::Customer {
            let hidden = AccountChange { hidden: Some(true), ..AccountChange::default() };
            story.site.change_account(&account.account_id, hidden).unwrap();
        }
    }
    story.send_departed("another@example.com").await;
    story.advance_past_rechecks().await;
    assert_eq!(story.attention("another@example.com").await, AttentionReason::AddressUnconfirmed);
    story.finish(&[]).await;
}
