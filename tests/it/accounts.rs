//! Whose account it is: the wrong one is never touched.
//!
//! The sample site holds every trap that is known of: see `src/sandbox/sample.json`.

use offboardd::domain::account::AccountType;
use offboardd::domain::case::{AttentionReason, StateName};
use offboardd::sandbox::{self, AccountChange, CallName, NewAccount};
use serde_json::json;

use crate::harness::{Harness, Setup};

#[tokio::test]
async fn namesakes_are_not_touched() {
    let story = Harness::start().await;
    // A longer address, another word before it, and a person whose *name* is the address.
    for namesake in ["ann@example.com.au", "mary-ann@example.com", "frontdesk@example.com"] {
        assert!(story.account(namesake).active);
    }
    story.send_departed("ANN@example.com").await;
    story.advance("30d").await;
    for namesake in ["ann@example.com.au", "mary-ann@example.com", "frontdesk@example.com"] {
        assert_eq!(story.account(namesake).state, sandbox::State::Present, "{namesake}");
    }
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn email_in_other_letter_case_is_the_same_email() {
    let story = Harness::start().await;
    story.send_departed("hana.ito@example.com").await;
    assert_eq!(story.state("hana.ito@example.com").await, StateName::Revoked);
    story.finish(&["revoke Hana.Ito@Example.com"]).await;
}

#[tokio::test]
async fn email_with_unusual_characters_finds_its_account() {
    let odd = ["o'brien+jira@example.com", "käthe@example.com", "\"a@b\"@example.com", "x_!#$%&*/=?^`{|}~@example.com"];
    let story = Harness::start().await;
    for address in odd {
        story.site.add(NewAccount::customer(address, "A Person")).unwrap();
    }
    for address in odd {
        story.send_departed(address).await;
        assert_eq!(story.state(address).await, StateName::Revoked, "{address}");
    }
    let expected = odd.map(|address| format!("revoke {address}"));
    story.finish(&expected.each_ref().map(String::as_str)).await;
}

#[tokio::test]
async fn hidden_email_needs_attention() {
    let story = Harness::start().await;
    story.send_departed("eve@example.com").await;
    assert_eq!(story.attention("eve@example.com").await, AttentionReason::AddressUnconfirmed);
    story.advance("100d").await;
    story.finish(&[]).await;
}

#[tokio::test]
async fn atlassian_twin_is_not_touched_and_is_recorded() {
    let story = Harness::start().await;
    story.send_departed("cleo@example.com").await;
    let case = story.case("cleo@example.com").await;
    assert!(case.account.unwrap().twin);
    assert_eq!(case.account_type, Some(AccountType::Customer));
    story.advance("30d").await;
    story.finish(&["revoke cleo@example.com", "delete cleo@example.com"]).await;
}

#[tokio::test]
async fn two_customers_with_one_email_need_attention() {
    let story = Harness::start().await;
    story.send_departed("dora@example.com").await;
    assert_eq!(story.attention("dora@example.com").await, AttentionReason::AmbiguousAccount);
    story.advance("100d").await;
    // As soon as a human has made one of them, the case continues.
    let old = story.site.accounts().into_iter().find(|account| account.display_name == "Dora Dean (old)").unwrap();
    let change = AccountChange { email: Some("old@example.com".to_owned()), ..AccountChange::default() };
    story.site.change_account(&old.account_id, change).unwrap();
    story.act("dora@example.com", "retry").await;
    assert_eq!(story.state("dora@example.com").await, StateName::Revoked);
    story.finish(&["revoke dora@example.com"]).await;
}

#[tokio::test]
async fn licensed_user_is_never_touched() {
    let story = Harness::with(Setup { site: "delete_with = \"jira-user\"", ..Setup::default() }).await;
    story.send_departed("finn@example.com").await;
    assert_eq!(story.attention("finn@example.com").await, AttentionReason::NotACustomer);
    story.advance("100d").await;
    story.finish(&[]).await;
}

#[tokio::test]
async fn platform_deletion_is_used_if_configured() {
    let story = Harness::with(Setup { site: "delete_with = \"jira-user\"", ..Setup::default() }).await;
    story.send_departed("ann@example.com").await;
    story.advance("30d").await;
    let delete = story.site.calls().into_iter().find(|call| call.call == CallName::Delete).unwrap();
    assert_eq!(delete.path, "/rest/api/3/user");
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn protected_email_domain_or_account_is_never_touched() {
    let site = "protect = { emails = [\"ANN@example.com\"], domains = [\"example.com.au\"], account_ids = \
                [\"qm:11111111-2222-3333-4444-555555555555:00000000-0000-4000-8000-000000000105\"] }";
    let story = Harness::with(Setup { site, ..Setup::default() }).await;
    for protected in ["ann@example.com", "ann@example.com.au", "ben@example.com"] {
        story.send_departed(protected).await;
        assert_eq!(story.attention(protected).await, AttentionReason::Protected, "{protected}");
        story.act(protected, "retry").await;
        assert_eq!(story.attention(protected).await, AttentionReason::Protected, "{protected}, insisted");
    }
    story.finish(&[]).await;
}

#[tokio::test]
async fn no_account_needs_three_repeated_searches() {
    let story = Harness::start().await;
    story.send_departed("unknown@example.com").await;
    for wait in ["1m", "10m", "1h"] {
        assert_eq!(story.state("unknown@example.com").await, StateName::Revoking);
        story.advance_quiet(wait).await;
    }
    assert_eq!(story.state("unknown@example.com").await, StateName::NoAccount);
    assert_eq!(story.count(CallName::Search), 4);
    story.finish(&[]).await;
}

#[tokio::test]
async fn new_account_is_found_by_a_repeated_search() {
    let story = Harness::start().await;
    story.site.change_options(|options| options.search_lag = offboardd::duration::ConfigDuration::from_secs(90));
    story.site.add(NewAccount::customer("new@example.com", "Neil New")).unwrap();
    story.send_departed("new@example.com").await;
    assert_eq!(story.state("new@example.com").await, StateName::Revoking);
    story.advance_quiet("1m").await;
    assert_eq!(story.state("new@example.com").await, StateName::Revoking);
    story.advance_quiet("10m").await;
    assert_eq!(story.state("new@example.com").await, StateName::Revoked);
    story.finish(&["revoke new@example.com"]).await;
}

#[tokio::test]
async fn missing_browse_permission_pauses_the_site() {
    let story = Harness::start().await;
    story.site.change_options(|options| options.permissions.browse_users = false);
    story.send_departed("unknown@example.com").await;
    let site = story.store().sites().await.unwrap().remove(0);
    assert!(site.paused_at.is_some());
    assert!(site.reason.unwrap().contains("Browse users and groups"));
    assert_eq!(story.state("unknown@example.com").await, StateName::Revoking);
    story.finish(&[]).await;
}

#[tokio::test]
async fn account_revoked_elsewhere_is_only_deleted() {
    let story = Harness::start().await;
    story.send_departed("gus@example.com").await;
    assert_eq!(story.state("gus@example.com").await, StateName::Revoked);
    assert!(story.history_text("gus@example.com").await.ends_with("revoke_confirmed (was_revoked_before)"));
    assert_eq!(story.count(CallName::Revoke), 0);
    story.advance_quiet("30d").await;
    story.finish(&["delete gus@example.com"]).await;
}

#[tokio::test]
async fn access_granted_again_prevents_the_deletion() {
    let story = Harness::start().await;
    story.send_departed("ann@example.com").await;
    story.advance("29d").await;
    story.site.grant("ann@example.com").unwrap();
    story.advance("1d").await;
    assert_eq!(story.attention("ann@example.com").await, AttentionReason::Regranted);
    story.advance("100d").await;
    assert_eq!(story.count(CallName::Delete), 0);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn changed_email_or_account_type_prevents_the_deletion() {
    let story = Harness::start().await;
    story.send_departed("ann@example.com").await;
    story.send_departed("ben@example.com").await;
    let (ann, ben) = (story.account("ann@example.com"), story.account("ben@example.com"));
    let married = AccountChange { email: Some("anna@example.com".to_owned()), ..AccountChange::default() };
    story.site.change_account(&ann.account_id, married).unwrap();
    let hired = AccountChange { account_type: Some(sandbox::AccountType::Atlassian), ..AccountChange::default() };
    story.site.change_account(&ben.account_id, hired).unwrap();
    story.advance("30d").await;
    assert_eq!(story.attention("ann@example.com").await, AttentionReason::AddressChanged);
    assert_eq!(story.attention("ben@example.com").await, AttentionReason::NotACustomer);
    assert_eq!(story.count(CallName::Delete), 0);
    story.finish(&["revoke anna@example.com", "revoke ben@example.com (no customer)"]).await;
}

#[tokio::test]
async fn account_deleted_elsewhere_ends_the_case() {
    let story = Harness::start().await;
    story.send_departed("ann@example.com").await;
    let id = story.account("ann@example.com").account_id;
    let url = format!("http://{}/rest/api/3/user?accountId={id}", story.site_address());
    let by_hand = crate::http::client().delete(url).basic_auth("admin@example.com", Some("x"));
    assert!(by_hand.send().await.unwrap().status().is_success());
    story.advance("30d").await;
    assert_eq!(story.state("ann@example.com").await, StateName::Deleting, "one look is no conclusion");
    story.advance_past_rechecks().await;
    assert!(story.history_text("ann@example.com").await.ends_with("deletion_accepted (was_gone_before)"));
    story.advance_quiet("14d").await;
    assert_eq!(story.state("ann@example.com").await, StateName::Erased);
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn same_person_id_with_another_email_is_not_a_departure() {
    let story = Harness::start().await;
    for email in ["ann@example.com", "ben@example.com"] {
        story.send_event(json!({ "type": "profile", "person": { "id": "42", "email": email } })).await;
    }
    assert!(story.cases().await.is_empty());
    story.send_event(json!({ "type": "departed", "person": { "id": "42" } })).await;
    story.finish(&["revoke ben@example.com"]).await;
}
