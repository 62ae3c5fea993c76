//! Atlassian's responses are not what they seem: nothing is called revoked or erased that is not, and every history says how it came
//! about.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use offboardd::domain::case::{AttentionReason, StateName};
use offboardd::sandbox::{self, CallName, Fault, FaultTiming, Seed};
use serde_json::json;

use crate::harness::{Harness, ROSA, Setup};

const ANN: &str = "ann@example.com";
const BEN: &str = "ben@example.com";

fn fault(call: CallName) -> Fault {
    Fault { call: Some(call), ..Fault::default() }
}

// The last look.

#[tokio::test]
async fn erased_needs_a_second_read_a_day_after_the_grace() {
    let story = Harness::with(Setup { site: "", ..Setup::default() }).await;
    story.send_departed(ANN).await;
    story.advance("30d").await;
    story.advance_quiet("14d").await;
    assert_eq!(story.state(ANN).await, StateName::DeletionGrace);
    assert!(story.history_text(ANN).await.ends_with("gone_seen (not_there)"));
    story.advance_quiet("1d").await;
    assert_eq!(story.state(ANN).await, StateName::Erased);
    assert!(story.history_text(ANN).await.ends_with("gone_confirmed (not_there)"));
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn second_read_follows_soon_after_a_grace_of_seconds() {
    let story = Harness::with(Setup { site: "deletion_grace = \"14s\"", ..Setup::default() }).await;
    story.send_departed(ANN).await;
    story.advance("30d").await;
    story.advance("14s").await;
    assert_eq!(story.state(ANN).await, StateName::DeletionGrace);
    story.advance("1s").await;
    assert_eq!(story.state(ANN).await, StateName::Erased);
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn account_present_at_the_second_read_needs_attention() {
    let story = Harness::with(Setup { site: "", ..Setup::default() }).await;
    story.send_departed(ANN).await;
    let account = story.account(ANN).account_id;
    story.advance("30d").await;
    story.advance("14d").await;
    let back = json!({ "accountId": account, "accountType": "customer", "active": true, "emailAddress": ANN });
    story.inject(Fault { body: Some(back), times: Some(1), ..fault(CallName::Read) });
    story.advance("1d").await;
    assert_eq!(story.attention(ANN).await, AttentionReason::Refused);
    story.act(ANN, "retry").await;
    assert_eq!(story.state(ANN).await, StateName::Erased, "it had been a mistake");
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn reinvitation_does_not_wait_for_the_second_read() {
    let policy = "departed = \"delete\"\nreinvite = true";
    let story = Harness::with(Setup { policy, site: "", ..Setup::default() }).await;
    story.send_departed(ANN).await;
    story.send_returned(ANN).await;
    story.advance_quiet("14d").await;
    assert_eq!(story.state(ANN).await, StateName::Restored);
    story.finish(&["delete ann@example.com", "invite"]).await;
}

#[tokio::test]
async fn late_return_without_reinvitation_gets_the_second_read() {
    let story = Harness::with(Setup { site: "", ..Setup::default() }).await;
    story.send_departed(ANN).await;
    story.advance("30d").await;
    story.send_returned(ANN).await;
    story.advance_quiet("14d").await;
    assert_eq!(story.state(ANN).await, StateName::DeletionGrace);
    story.advance_quiet("1d").await;
    assert_eq!(story.state(ANN).await, StateName::Erased);
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

// Lies.

#[tokio::test]
async fn cloud_id_of_another_site_erases_nothing() {
    let seed = Seed { cloud_id: Some("99999999-2222-3333-4444-555555555555".to_owned()), ..Seed::sample() };
    let story = Harness::with(Setup { seed, ..Setup::default() }).await;
    story.send_departed(ANN).await;
    story.advance("30d").await;
    let site = story.store().sites().await.unwrap().remove(0);
    let reason = site.reason.unwrap();
    assert!(reason.contains("cloud_id") && reason.contains("99999999-2222"), "{reason}");
    for _ in 0..5 {
        story.advance("30d").await;
        assert_eq!(story.state(ANN).await, StateName::Deleting);
    }
    // As soon as the settings are right, it continues.
    let mut story = story;
    story.restart_with(|settings| settings.replace("11111111-2222", "99999999-2222")).await;
    story.resume_site_if_paused().await;
    story.advance("1m").await;
    assert_eq!(story.state(ANN).await, StateName::DeletionGrace);
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn gateway_of_another_site_changes_nothing() {
    let seed = Seed { cloud_id: Some("99999999-2222-3333-4444-555555555555".to_owned()), ..Seed::sample() };
    let story = Harness::with(Setup { seed, site: "via = \"gateway\"", ..Setup::default() }).await;
    story.send_departed(ANN).await;
    assert_eq!(story.state(ANN).await, StateName::Revoking);
    let reason = story.store().sites().await.unwrap().remove(0).reason.unwrap();
    assert!(reason.contains("cloud_id") && reason.contains("99999999-2222"), "{reason}");
    story.advance("100d").await;
    story.finish(&[]).await;
}

#[tokio::test]
async fn site_that_hides_revoked_accounts_is_checked_by_its_list() {
    let story = Harness::start().await;
    story.site.change_options(|options| options.revoked_reads = sandbox::RevokedAccount::Missing);
    story.send_departed(ANN).await;
    assert_eq!(story.state(ANN).await, StateName::Revoking);
    story.advance("5s").await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    assert!(story.history_text(ANN).await.ends_with("revoke_confirmed (done_by_earlier_call)"));
    // It cannot be read, so it is not deleted, and above all not called deleted.
    story.advance("30d").await;
    for _ in 0..250 {
        story.advance("1h").await;
    }
    assert_eq!(story.attention(ANN).await, AttentionReason::RetriesExhausted);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn account_shown_active_after_the_revoke_is_not_revoked() {
    let story = Harness::start().await;
    story.site.change_options(|options| options.revoked_reads = sandbox::RevokedAccount::Active);
    story.send_departed(ANN).await;
    for _ in 0..250 {
        story.advance("1h").await;
    }
    assert_eq!(story.attention(ANN).await, AttentionReason::RetriesExhausted);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn account_missing_after_the_revoke_call_needs_attention() {
    let story = Harness::start().await;
    story.inject(Fault { drop: Some(FaultTiming::After), times: Some(1), ..fault(CallName::Revoke) });
    story.send_departed(ANN).await;
    let id = story.account(ANN).account_id;
    let url = format!("http://{}/rest/api/3/user?accountId={id}", story.site_address());
    let by_hand = crate::http::client().delete(url).basic_auth("admin@example.com", Some("x"));
    assert!(by_hand.send().await.unwrap().status().is_success());
    story.advance("5s").await;
    story.advance_past_rechecks().await;
    assert_eq!(story.attention(ANN).await, AttentionReason::Refused);
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

/// Ann was found and waits for an approval of her revoke.
async fn found_and_waiting() -> Harness {
    let policy = "departed = \"revoke\"\napprovals.revoke = 1";
    let story = Harness::with(Setup { policy, ..Setup::default() }).await;
    story.send_departed(ANN).await;
    assert_eq!(story.state(ANN).await, StateName::Held);
    story
}

#[tokio::test]
async fn account_missing_before_the_revoke_call_was_deleted_elsewhere() {
    let story = found_and_waiting().await;
    let id = story.account(ANN).account_id;
    let url = format!("http://{}/rest/api/3/user?accountId={id}", story.site_address());
    let by_hand = crate::http::client().delete(url).basic_auth("admin@example.com", Some("x"));
    assert!(by_hand.send().await.unwrap().status().is_success());
    assert_eq!(story.approve(ROSA, ANN, "revoke").await.status, 200);
    assert_eq!(story.state(ANN).await, StateName::Revoking, "one look is no conclusion");
    story.advance_past_rechecks().await;
    assert_eq!(story.state(ANN).await, StateName::NoAccount);
    story.finish(&["delete ann@example.com"]).await;
}

#[tokio::test]
async fn unreadable_account_in_the_list_is_not_revoked() {
    let story = found_and_waiting().await;
    let unreadable = Fault { status: Some(404), ..fault(CallName::Read) };
    // Listed as active, and not called yet.
    story.inject(unreadable.clone());
    assert_eq!(story.approve(ROSA, ANN, "revoke").await.status, 200);
    assert_eq!(story.state(ANN).await, StateName::Revoking);
    let error = story.job(ANN).await.unwrap().last_error.unwrap();
    assert!(error.ends_with("the list of users still has it, active"), "{error}");
    // Listed as revoked, but not by us.
    let revoked = |active| sandbox::AccountChange { active: Some(active), ..sandbox::AccountChange::default() };
    let id = story.account(ANN).account_id;
    story.site.change_account(&id, revoked(false)).unwrap();
    story.advance("1h").await;
    assert_eq!(story.state(ANN).await, StateName::Revoking);
    let error = story.job(ANN).await.unwrap().last_error.unwrap();
    assert!(error.ends_with("the list of users still has it, without access"), "{error}");
    // Called by us, but listed as active.
    story.site.change_account(&id, revoked(true)).unwrap();
    story.site.clear_faults();
    story.inject(Fault { drop: Some(FaultTiming::Before), times: Some(1), ..fault(CallName::Revoke) });
    story.advance("1h").await;
    assert!(story.case(ANN).await.case.progress.revoke_dispatched_at.is_some());
    story.inject(unreadable);
    story.advance("1h").await;
    assert_eq!(story.state(ANN).await, StateName::Revoking);
    story.site.clear_faults();
    story.advance("1h").await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn migrated_customer_is_not_erased() {
    let story = Harness::start().await;
    story.send_departed(ANN).await;
    let id = story.account(ANN).account_id;
    let url = format!("http://{}/rest/api/3/user?accountId={id}", story.site_address());
    let by_hand = crate::http::client().delete(url).basic_auth("admin@example.com", Some("x"));
    assert!(by_hand.send().await.unwrap().status().is_success());
    let account_type = sandbox::AccountType::Atlassian;
    story.site.add(sandbox::NewAccount { account_type, ..sandbox::NewAccount::customer(ANN, "Ann Archer") }).unwrap();
    story.advance("30d").await;
    story.advance_past_rechecks().await;
    assert_eq!(story.attention(ANN).await, AttentionReason::NotACustomer);
    assert!(story.case(ANN).await.account.unwrap().twin);
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

// How it came about.

#[tokio::test]
async fn revoke_without_effect_is_recorded_as_such() {
    let story = Harness::start().await;
    // An administrator is faster, between our read and our call.
    story.site.change_options(|options| options.second_revoke = 404);
    story.inject(Fault { delay_ms: 300, times: Some(1), ..fault(CallName::Revoke) });
    let departed = json!({ "type": "departed", "person": { "email": ANN } });
    assert_eq!(story.send("hr", &departed).await.status, 202);
    story.wait_for_call(CallName::Revoke).await;
    let id = story.account(ANN).account_id;
    let revoked = sandbox::AccountChange { active: Some(false), ..sandbox::AccountChange::default() };
    story.site.change_account(&id, revoked).unwrap();
    story.settle().await;
    assert!(story.history_text(ANN).await.ends_with("revoke_confirmed (nothing_to_do)"));
    story.finish(&[]).await;
}

#[tokio::test]
async fn invitation_with_a_lost_response_is_recognized() {
    let policy = "departed = \"delete\"\nreinvite = true";
    let story = Harness::with(Setup { policy, ..Setup::default() }).await;
    story.send_departed(ANN).await;
    story.send_returned(ANN).await;
    story.inject(Fault { drop: Some(FaultTiming::After), times: Some(1), ..fault(CallName::Invite) });
    story.advance("14d").await;
    story.advance("1h").await;
    assert!(story.history_text(ANN).await.ends_with("reinvited (done_by_earlier_call)"));
    story.finish(&["delete ann@example.com", "invite"]).await;
}

// A site that refuses us.

#[tokio::test]
async fn site_resumes_when_it_accepts_the_credentials_again() {
    let story = Harness::with(Setup { site: "probe_every = \"30s\"", ..Setup::default() }).await;
    story.site.change_options(|options| options.tokens = Some(Vec::new()));
    story.send_departed(ANN).await;
    assert!(story.is_paused().await);
    story.advance("30s").await;
    story.wait_until("the question", async || story.count(CallName::Myself) == 1).await;
    assert!(story.is_paused().await);
    story.site.change_options(|options| options.tokens = None);
    story.clock.advance(SignedDuration::from_secs(29));
    story.wake_tasks();
    story.settle().await;
    assert_eq!(story.count(CallName::Myself), 1, "not yet");
    story.advance("1s").await;
    story.wait_until("the site to be resumed", async || !story.is_paused().await).await;
    story.settle().await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn site_without_browse_permission_does_not_resume() {
    let story = Harness::with(Setup { site: "probe_every = \"30s\"", ..Setup::default() }).await;
    story.site.change_options(|options| options.permissions.browse_users = false);
    story.send_departed(ANN).await;
    assert!(story.is_paused().await);
    let (probed, searched) = (story.count(CallName::Permissions), story.count(CallName::Search));
    // The second question says that the first one was answered, and that nothing came of it.
    for question in 1..=2 {
        story.advance("30s").await;
        let is_probed = async || {
            story.wake_tasks();
            story.count(CallName::Permissions) == probed + question || story.count(CallName::Search) > searched
        };
        story.wait_until("the question", is_probed).await;
    }
    assert_eq!(story.count(CallName::Search), searched, "no account is searched meanwhile");
    assert!(story.is_paused().await);
    story.site.change_options(|options| options.permissions.browse_users = true);
    story.advance("30s").await;
    let is_resumed = async || {
        story.wake_tasks();
        !story.is_paused().await
    };
    story.wait_until("the site to be resumed", is_resumed).await;
    story.settle().await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn oauth_client_uses_the_gateway_and_renews_its_token() {
    let mut story = Harness::start().await;
    story.site.change_options(|settings| {
        settings.tokens = Some(Vec::new());
        settings.bearer_at_site = false;
    });
    let basic = "{ email = \"admin@example.com\", token = { env = \"ACME_TOKEN\" } }";
    let client = "{ client_id = \"robot\", client_secret = { env = \"ACME_TOKEN\" } }";
    story.restart_with(|settings| settings.replace(basic, client)).await;
    story.send_departed(ANN).await;
    story.advance("30d").await;
    story.advance("14d").await;
    assert_eq!(story.state(ANN).await, StateName::Erased);
    assert_eq!(story.count(CallName::Token), 3, "one for each time that something was done");
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

// What it costs, and who waits for whom.

#[tokio::test]
async fn revoke_takes_four_calls_and_deletion_three() {
    let story = Harness::with(Setup { seed: lonely(), ..Setup::default() }).await;
    let calls = || story.site.calls().into_iter().map(|record| record.call).collect::<Vec<_>>();
    story.send_departed(ANN).await;
    assert_eq!(calls(), [CallName::Search, CallName::Read, CallName::Revoke, CallName::Read]);
    story.site.clear_calls();
    story.advance("30d").await;
    assert_eq!(calls(), [CallName::Read, CallName::Delete, CallName::Read]);
    story.site.clear_calls();
    story.advance("14d").await;
    let look = [CallName::Read, CallName::Myself, CallName::Permissions, CallName::TenantInfo];
    assert_eq!(calls(), look, "a 404 is believed only of a site that would show us people");
    story.site.clear_calls();
    story.finish(&[]).await;
}

#[tokio::test]
async fn deletion_without_a_revoke_takes_four_calls() {
    let story = Harness::with(Setup { seed: lonely(), policy: "departed = \"delete\"", ..Setup::default() }).await;
    story.send_departed(ANN).await;
    let calls: Vec<_> = story.site.calls().into_iter().map(|record| record.call).collect();
    assert_eq!(calls, [CallName::Search, CallName::Read, CallName::Delete, CallName::Read]);
    story.finish(&["delete ann@example.com"]).await;
}

/// The usual site, without similar names.
fn lonely() -> Seed {
    let mut seed = Seed::sample();
    let name = |text: &Option<String>| text.as_deref() == Some(ANN);
    seed.accounts.retain(|account| {
        name(&account.email) || !account.email.iter().chain(&account.display_name).any(|text| text.contains(ANN))
    });
    seed.desks.clear();
    seed.organizations.clear();
    seed.requests.clear();
    seed
}

#[tokio::test]
async fn slow_deletions_do_not_delay_a_revoke() {
    let story = Harness::with(Setup { site: "concurrency = 1", ..Setup::default() }).await;
    story.send_departed(ANN).await;
    story.send_departed(BEN).await;
    story.inject(Fault { delay_ms: 4000, times: Some(1), ..fault(CallName::Delete) });
    story.clock.advance(SignedDuration::from_hours(30 * 24));
    story.wake_tasks();
    story.wait_for_call(CallName::Delete).await;
    let begun = Instant::now();
    let departed = json!({ "type": "departed", "person": { "email": "ida@example.com" } });
    assert_eq!(story.send("hr", &departed).await.status, 202);
    story.wait_until("the revoke", async || story.count(CallName::Revoke) == 3).await;
    assert_eq!(story.count(CallName::Delete), 1, "the deletion is still in progress, and the other one waits for it");
    assert!(begun.elapsed() < Duration::from_secs(4));
    story.settle().await;
    story
        .finish(&[
            "revoke ann@example.com",
            "revoke ben@example.com",
            "revoke ida@example.com",
            "delete ann@example.com",
            "delete ben@example.com",
        ])
        .await;
}
